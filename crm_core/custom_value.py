"""The value of a field that the house defined itself, checked and brought into one form. Pure.

In:      what a form or the API sent: texts, numbers, true and false, lists
Out:     what is kept as JSON: a text, a number as text ("12.5"), a day ("2026-01-31"), true or false, a list of
         texts; None for nothing
Raises:  `Invalid` that names the field
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum

from crm_core.errors import Invalid

Value = str | bool | list[str]
LONGEST = 2000
MOST_DIGITS, MOST_PLACES = 15, 6
YES, NO = ("yes", "true", "1", "on"), ("no", "false", "0", "off")


class FieldKind(StrEnum):
    """What may stand in a field."""

    TEXT = "text"
    NUMBER = "number"
    DATE = "date"
    YES_NO = "yes_no"
    CHOICE = "choice"
    CHOICES = "choices"


@dataclass(frozen=True, kw_only=True)
class FieldRule:
    """A field as a check needs it; `options` are those of choice and choices."""

    code: str
    name: str
    kind: FieldKind
    options: Sequence[str] = ()


def convert(field: FieldRule, given: object, *, kept: object = None) -> Value | None:
    """`given` in the form in which it is kept. An option that is no longer offered may stay where it is (`kept`)."""
    if given is None or given == "" or given == []:
        return None
    match field.kind:
        case FieldKind.TEXT:
            return _text(field, given)
        case FieldKind.NUMBER:
            return _number(field, given)
        case FieldKind.DATE:
            return _day(field, given)
        case FieldKind.YES_NO:
            return _yes_no(field, given)
        case FieldKind.CHOICE:
            return _option(field, given, [kept] if isinstance(kept, str) else [])
        case FieldKind.CHOICES:
            return _options(field, given, kept if isinstance(kept, list) else [])


def changed(
    fields: Iterable[FieldRule], kept: Mapping[str, Value], changes: Mapping[str, object]
) -> dict[str, Value]:
    """`kept` with `changes` (code -> value, nothing empties). Raises `Invalid` for a field that there is not."""
    known = {field.code: field for field in fields}
    result = dict(kept)
    for code, given in changes.items():
        if code not in known:
            raise Invalid(f"There is no field {code[:40]!r}.", f"custom.{code[:40]}")
        value = convert(known[code], given, kept=kept.get(code))
        if value is None:
            result.pop(code, None)
        else:
            result[code] = value
    return result


def _refused(field: FieldRule, why: str) -> Invalid:
    return Invalid(f"{field.name}: {why}", f"custom.{field.code}")


def _text(field: FieldRule, given: object) -> str | None:
    if not isinstance(given, str):
        raise _refused(field, "write a text.")
    text = given.replace("\0", "").strip()
    if len(text) > LONGEST:
        raise _refused(field, f"at most {LONGEST} letters.")
    return text or None


def _number(field: FieldRule, given: object) -> str | None:
    why = "write a number such as 12 or 12.5."
    if isinstance(given, bool) or not isinstance(given, str | int | float | Decimal):
        raise _refused(field, why)
    written = str(given).strip().replace("\u00a0", "").replace(" ", "").replace(",", ".")
    if not written:
        return None
    try:
        number = Decimal(written)
    except InvalidOperation:
        raise _refused(field, why) from None
    if not number.is_finite() or "_" in written:
        raise _refused(field, why)
    if abs(number) >= 10**MOST_DIGITS or number != round(number, MOST_PLACES):
        raise _refused(field, f"at most {MOST_DIGITS} digits and {MOST_PLACES} decimals.")
    plain = format(number, "f")
    if "." in plain:
        plain = plain.rstrip("0").rstrip(".")
    return "0" if plain in ("-0", "") else plain


def _day(field: FieldRule, given: object) -> str | None:
    written = given.isoformat() if isinstance(given, date) else given
    try:
        if not isinstance(written, str):
            raise ValueError("no text")
        if not written.strip():
            return None
        return date.fromisoformat(written.strip()[:10]).isoformat()
    except ValueError:
        raise _refused(field, "write a day such as 2026-01-31.") from None


def _yes_no(field: FieldRule, given: object) -> bool | None:
    if isinstance(given, bool):
        return given
    written = str(given).strip().lower() if isinstance(given, str | int) else "?"
    if not written:
        return None
    if written not in YES + NO:
        raise _refused(field, "say yes or no.")
    return written in YES


def _option(field: FieldRule, given: object, kept: Sequence[str]) -> str | None:
    if not isinstance(given, str):
        raise _refused(field, "choose one of the options.")
    wanted = given.strip()
    if wanted and wanted not in field.options and wanted not in kept:
        raise _refused(field, f"choose one of: {', '.join(field.options)}.")
    return wanted or None


def _options(field: FieldRule, given: object, kept: Sequence[str]) -> list[str] | None:
    parts = [given] if isinstance(given, str) else given
    if not isinstance(parts, list | tuple):
        raise _refused(field, "choose some of the options.")
    found = [_option(field, part, kept) for part in parts]
    return list(dict.fromkeys(part for part in found if part)) or None
