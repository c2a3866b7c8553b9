"""What a cell of a file can be. Each kind takes the text of a cell that is not empty and says its value. Pure.

Raises: `ValueError` with the end of a sentence that begins with the cell itself: "is no sum".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from zoneinfo import ZoneInfo

from crm_core.custom_value import FieldKind, FieldRule, Value, convert
from crm_core.errors import Invalid
from crm_core.payment import METHODS
from crm_core.payment import Kind as PaymentKind
from crm_core.phone import normalise


@dataclass(frozen=True)
class Habits:
    """How the file's people write: the country of numbers without one, the zone of times without one; what they call
    the statuses of orders (code -> name), who works here (login or name, folded -> id; None: several are called so),
    and what the house itself wants to know (noun -> code -> field)."""

    country: str
    zone: ZoneInfo
    statuses: Mapping[str, str] = field(default_factory=dict)
    colleagues: Mapping[str, int | None] = field(default_factory=dict)
    fields: Mapping[str, Mapping[str, FieldRule]] = field(default_factory=dict)


Kind = Callable[[str, Habits], Any]
_YES = frozenset(("yes", "y", "true", "1", "+", "да", "так", "tak", "ja", "oui"))
_NO = frozenset(("no", "n", "false", "0", "-", "нет", "ні", "nie", "nein", "non"))
_FEMALE = frozenset(
    ("female", "f", "w", "woman", "ж", "жен", "женский", "жін", "k", "kobieta", "weiblich", "frau")
)
_MALE = frozenset(("male", "m", "man", "м", "муж", "мужской", "чол", "mężczyzna", "männlich", "herr"))
_DAY = re.compile(r"([0-9]{1,2})([./-])([0-9]{1,2})\2([0-9]{4})(.*)")
_EMAIL = re.compile(r"[^\s@<>,;]+@[^\s@<>,;]+\.[^\s@<>,;]+")


def text(cell: str, habits: Habits) -> str:
    """What stands there."""
    return cell


def words(cell: str, habits: Habits) -> list[str]:
    """Several, with commas, semicolons or lines between."""
    return list(dict.fromkeys(it.strip() for it in re.split(r"[,;\n]", cell) if it.strip()))


def codes(cell: str, habits: Habits) -> list[str]:
    """Several codes; they have no gaps within."""
    return [code for code in re.split(r"[,;\s]+", cell) if code]


def sum_(cell: str, habits: Habits) -> Decimal:
    """A sum as people write it: 1 234,50, 1,234.50, 1.234,50 or 1234.5."""
    written = re.sub(r"[\s']", "", cell)
    last = max(written.rfind(","), written.rfind("."))
    whole, part = (written, "") if last < 0 else (written[:last], written[last + 1 :])
    if re.fullmatch(r"[0-9]{1,3}([.,][0-9]{3})+", whole, re.ASCII):
        whole = re.sub(r"[.,]", "", whole)
    elif len(part) == 3 and whole.strip("0"):
        raise ValueError("may be two sums: write it with two decimals")
    if not re.fullmatch(r"[0-9]+", whole, re.ASCII) or not re.fullmatch(r"[0-9]*", part, re.ASCII):
        raise ValueError("is no sum")
    return Decimal(f"{whole}.{part or 0}")


def pieces(cell: str, habits: Habits) -> int:
    """A whole number, also as a spreadsheet writes it: 3.0."""
    try:
        number = Decimal(re.sub(r"\s", "", cell).replace(",", "."))
        if number != int(number):
            raise ValueError
    except (InvalidOperation, ValueError, OverflowError):
        raise ValueError("is no number of pieces") from None
    return int(number)


def grams(cell: str, habits: Habits) -> int:
    """A weight in kilograms (0.35) as grams."""
    return int(_number(cell, "weight in kilograms") * 1000)


def sides_mm(cell: str, habits: Habits) -> tuple[int, ...]:
    """Length, width and height in millimetres: 300 x 200 x 150, or with / between."""
    return _sides(cell, 1)


def sides_cm(cell: str, habits: Habits) -> tuple[int, ...]:
    """The same in centimetres, as YML has them: 30.5/20/10."""
    return _sides(cell, 10)


def _sides(cell: str, times: int) -> tuple[int, ...]:
    parts = re.split(r"\s*[/x×х*]\s*", cell.strip(), flags=re.IGNORECASE)  # the last х is Cyrillic
    if len(parts) != 3:
        raise ValueError("is no size such as 300 x 200 x 150")
    found = tuple(int(_number(part, "size") * times) for part in parts)
    if not all(0 < side <= 100_000 for side in found):
        raise ValueError("is no size of anything that is sent")
    return found


def _number(cell: str, what: str) -> Decimal:
    try:
        found = Decimal(re.sub(r"\s", "", cell).replace(",", "."))
        if not 0 <= found < 1_000_000:
            raise ValueError
    except (InvalidOperation, ValueError):
        raise ValueError(f"is no {what}") from None
    return found


def web_addresses(cell: str, habits: Habits) -> list[str]:
    """Addresses of the web, with spaces, lines, commas or | between."""
    found = list(dict.fromkeys(it for it in re.split(r"[\s|;]+|,(?=\s*https?:)", cell) if it))
    for one in found:
        if not re.match(r"https?://[^/]", one, re.IGNORECASE):
            raise ValueError(
                f"is no address of the web: {one[:40]!r}" if one != cell else "is no address of the web"
            )
    return found


def yes(cell: str, habits: Habits) -> bool:
    """Yes or no, in the languages of our shops."""
    if cell.casefold() in _YES | _NO:
        return cell.casefold() in _YES
    raise ValueError("is neither yes nor no")


def sex(cell: str, habits: Habits) -> str:
    """Female or male, in the languages of our shops."""
    said = cell.casefold().rstrip(".")
    if said not in _FEMALE | _MALE:
        raise ValueError("is neither female nor male")
    return "female" if said in _FEMALE else "male"


def colleague(cell: str, habits: Habits) -> int:
    """Somebody who works here, by login or by name."""
    said = " ".join(cell.casefold().split())
    if said not in habits.colleagues:
        raise ValueError("is nobody who works here")
    found = habits.colleagues[said]
    if found is None:
        raise ValueError("may be several colleagues: write the login")
    return found


def clock(cell: str, habits: Habits) -> time:
    """A time of the day, such as 14:30."""
    try:
        return time.fromisoformat(cell.zfill(5) if len(cell) < 5 else cell).replace(tzinfo=None)
    except ValueError:
        raise ValueError("is no time such as 14:30") from None


def places(cell: str, habits: Habits) -> list[dict[str, str | None]]:
    """Addresses, one a line: street | city | country | what it is; what stands behind may be left out."""
    names = ("address", "city", "country", "label")
    found = []
    for line in filter(None, map(str.strip, cell.splitlines())):
        parts = [part.strip() or None for part in line.split("|")]
        if len(parts) > len(names) or parts[0] is None:
            raise ValueError("is no address such as Long street 5 | Gdynia | PL | office")
        found.append(dict(zip(names, [*parts, None, None, None], strict=False)))
    return found


def own(rule: FieldRule, cell: str, habits: Habits) -> Value | None:
    """The value of a field of one's own; several are written with semicolons or lines between."""
    given: object = cell
    match rule.kind:
        case FieldKind.YES_NO:
            given = yes(cell, habits)
        case FieldKind.DATE:
            given = day(cell, habits)
        case FieldKind.CHOICES:
            given = [it.strip() for it in re.split(r"[;\n]", cell) if it.strip()]
    try:
        return convert(rule, given)
    except Invalid as refused:
        raise ValueError(f"can not be: {refused}".rstrip(".")) from None


def emails(cell: str, habits: Habits) -> list[str]:
    """One e-mail or several."""
    found = [it for it in re.split(r"[,;\s]+", cell) if it]
    for one in found:
        if not _EMAIL.fullmatch(one):
            raise ValueError(f"is no e-mail: {one[:40]!r}" if one != cell else "is no e-mail")
    return list(dict.fromkeys(it.lower() for it in found))


def phones(cell: str, habits: Habits) -> list[str]:
    """One number or several in any spelling, as E.164 and each once."""
    found: list[str] = []
    for part in (it.strip() for it in re.split(r"[,;|\n]", cell) if it.strip()):
        whole = normalise(part, country=habits.country).e164
        for one in [part] if whole else part.split("/"):
            e164 = normalise(one.strip(), country=habits.country).e164
            if e164 is None:
                raise ValueError(
                    f"is no telephone number: {one.strip()[:40]!r}" if one != cell else _NO_NUMBER
                )
            found.append(e164)
    return list(dict.fromkeys(found))


def labels(cell: str, habits: Habits) -> dict[str, str]:
    """What numbers are, one a line: work | +48 601 220 114."""
    found = {}
    for line in filter(None, map(str.strip, cell.splitlines())):
        label, _, number = line.rpartition("|")
        e164 = normalise(number.strip(), country=habits.country).e164
        if e164 is None or not label.strip():
            raise ValueError("is no label with its number such as work | +48 601 220 114")
        found[e164] = label.strip()
    return found


def payments(cell: str, habits: Habits) -> list[dict[str, Any]]:
    """Payments, one a line: when | what for | how much | how | note; what stands behind may be left out."""
    found = []
    for line in filter(None, map(str.strip, cell.splitlines())):
        parts = [part.strip() for part in line.split("|", 4)]
        at, kind, amount, method, note = [*parts, "", "", "", ""][:5]
        if not amount or kind not in set(PaymentKind) or method not in ("", *METHODS):
            raise ValueError("is no payment such as 2026-11-20 14:30 | prepaid | 20.00 | cash")
        said = {"at": instant(at, habits), "kind": kind, "amount": sum_(amount, habits)}
        found.append(said | {"method": method or None, "note": note or None})
    return sorted(found, key=lambda it: it["at"])


def day(cell: str, habits: Habits) -> date:
    """A day: 2026-11-20, 20.11.2026, 20/11/2026 (11/20/2026 in the United States)."""
    on = instant(cell, habits).astimezone(habits.zone).date()
    if not 1900 <= on.year < 2100:
        raise ValueError("lies outside 1900 to 2099")
    return on


def instant(cell: str, habits: Habits) -> datetime:
    """An instant, in the zone of the shop when it names none."""
    written = cell
    if found := _DAY.fullmatch(cell):
        first, between, second, year, rest = found.groups()
        month_first = between == "/" and habits.country == "US"
        on, month = (second, first) if month_first else (first, second)
        written = f"{year}-{month:0>2}-{on:0>2}{rest}"
    try:
        at = datetime.fromisoformat(re.sub(r"^(\S+)\s+(\S.*)$", r"\1 \2", written))
        if at.tzinfo is None:
            at = datetime.combine(at.date(), at.time() or time(), habits.zone)
        return at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("is no day or time such as 2026-11-20 14:30") from None


_NO_NUMBER = "is no telephone number"
