"""Any written number -> E.164, and back to what people read.

Pure and cached. What was sent is always kept (`raw`): a number that can not be understood is still a caller.

Source: ITU-T E.164 and E.123; metadata of libphonenumber through `phonenumbers`. Its `geocoder` is never
imported: it alone costs 98 MB and 0.7 s (`timezone`, which is used, costs 2 MB).
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType, timezone

from crm_core.errors import Invalid

# Without + or an international prefix, so few digits are an extension or a service, never a subscriber.
SHORTEST_NATIONAL = 7
SHORTEST_WITHOUT_PLUS = 11
_UNKNOWN_ZONE = "Etc/Unknown"
_ANONYMOUS = frozenset(
    ("anonymous", "unknown", "unavailable", "restricted", "private", "withheld", "hidden", "blocked")
)
_ADDRESS = re.compile(r"<([^<>]*)>\s*$")
_SCHEME = re.compile(r"^(?:sips?|tel|callto):", re.IGNORECASE)
_EXTENSION = re.compile(
    r"\s*(?:;?\s*ext(?:ension)?[.=:]?|доб\.?|wew\.?|x|#|,)\s*([0-9]{1,8})$", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\s().\-/\u2010-\u2015\u2212\u00ad\u200b-\u200f\u202a-\u202e\u2060]+")
_KINDS = {
    PhoneNumberType.MOBILE: "mobile",
    PhoneNumberType.FIXED_LINE: "landline",
    PhoneNumberType.TOLL_FREE: "toll_free",
    PhoneNumberType.PREMIUM_RATE: "premium",
    PhoneNumberType.VOIP: "internet",
}
_DIALLED = re.compile(r"\+?[0-9]+")


@dataclass(frozen=True)
class NumberRule:
    """How one trunk's spelling becomes a usual one: `pattern` must match the whole number, `replace` may
    refer to its groups (`\\1`). Raises `Invalid` when `pattern` is no regular expression."""

    pattern: str
    replace: str

    def __post_init__(self) -> None:
        try:
            re.compile(self.pattern)
        except re.error as error:
            raise Invalid(f"{self.pattern!r} is not a regular expression: {error}", "pattern") from None


@dataclass(frozen=True)
class Number:
    """A number as it was sent, and what we understood of it. `e164` is None when it is no public number.

    `kind`: mobile, landline, toll_free, premium or internet; None where the number does not say.
    """

    raw: str
    e164: str | None
    display: str
    region: str | None = None
    anonymous: bool = False
    timezones: tuple[str, ...] = ()
    extension: str | None = None
    kind: str | None = None


def normalise(raw: str | None, *, country: str, rules: Sequence[NumberRule] = ()) -> Number:
    """Understand `raw`, written anywhere in the world or in the national way of `country` (ISO, "PL").

    `rules` come first, in order; the first that matches is applied. Never raises.
    """
    return _normalised(raw or "", country.upper(), tuple(rules))


def matches(rule: NumberRule, raw: str | None) -> bool:
    """Whether `rule` is for a number that is written so."""
    return re.fullmatch(rule.pattern, _user_part(raw or "")) is not None


def display(e164: str) -> str:
    """An E.164 number as people read it: +48 22 307 11 20. What is no number comes back unchanged."""
    parsed = _parsed(e164, None)
    return e164 if parsed is None else _shown(parsed)


def masked(number: str | None) -> str:
    """A number for the log: enough to recognise it again, not enough to call it."""
    if not number:
        return "-"
    return f"{number[:3]}…{number[-2:]}" if len(number) > 6 else "…"


def dialable(text: str, country: str) -> str:
    """What may be put into a dial string: E.164, or two to six digits of an extension or a service.

    Raises `Invalid`; whatever comes back is digits with at most one leading +.
    """
    number = normalise(text, country=country)
    if number.e164 is not None:
        return number.e164
    plain = _bare(text)
    if _DIALLED.fullmatch(plain) and 2 <= len(plain) <= 6 and plain.isdigit():
        return plain
    raise Invalid(f"{text[:40]!r} is not a number that can be dialled.", "to")


@lru_cache(maxsize=20_000)
def _normalised(raw: str, country: str, rules: tuple[NumberRule, ...]) -> Number:
    user = _user_part(raw)
    if not user or user.casefold() in _ANONYMOUS:
        return Number(raw=raw, e164=None, display="Anonymous", anonymous=True)
    user, extension = _without_extension(_ruled(user, rules))
    parsed = _understood(_bare(user), country)
    if parsed is None:
        return Number(raw=raw, e164=None, display=user, extension=extension)
    return Number(
        raw=raw,
        e164=phonenumbers.format_number(parsed, PhoneNumberFormat.E164),
        display=_shown(parsed),
        region=phonenumbers.region_code_for_number(parsed),
        timezones=_zones(parsed),
        extension=extension,
        kind=_KINDS.get(phonenumbers.number_type(parsed)),
    )


def _user_part(raw: str) -> str:
    """The number within `"Name" <sip:number;parameter@host>` and its simpler forms."""
    text = raw.strip()
    if found := _ADDRESS.search(text):
        text = found.group(1).strip()
    if _SCHEME.match(text):
        text = _SCHEME.sub("", text).split("@", 1)[0]
        text, _, parameters = text.partition(";")
        named = dict(part.partition("=")[::2] for part in parameters.split(";"))
        return f"{text};ext={named['ext']}" if "ext" in named else text
    return text.split("@", 1)[0].strip()


def _ruled(user: str, rules: tuple[NumberRule, ...]) -> str:
    for rule in rules:
        if found := re.fullmatch(rule.pattern, user):
            return found.expand(rule.replace)
    return user


def _without_extension(user: str) -> tuple[str, str | None]:
    found = _EXTENSION.search(user)
    if found is None or len(_bare(user[: found.start()])) < SHORTEST_NATIONAL:
        return user, None
    return user[: found.start()].strip(), found.group(1)


def _bare(text: str) -> str:
    """`text` without separators, in ASCII digits."""
    plain = unicodedata.normalize("NFKC", _SEPARATORS.sub("", text))
    return "".join(str(unicodedata.decimal(sign)) if sign.isdecimal() else sign for sign in plain)


def _understood(plain: str, country: str) -> phonenumbers.PhoneNumber | None:
    if not _DIALLED.fullmatch(plain):
        return None
    if plain.startswith("+"):
        return _possible(plain)
    if len(plain) < SHORTEST_NATIONAL:
        return None
    national = _parsed(plain, country)
    candidates = [national, _parsed(f"+{plain}", None)]
    if _looks_international(plain, country) and not _is_mobile(national):
        candidates.reverse()
    if plain.startswith("00"):
        candidates.insert(0, _parsed(f"+{plain[2:]}", None))
    known = [it for it in candidates if it is not None and phonenumbers.is_valid_number(it)]
    if known:
        return known[0]
    return _possible(f"+{plain[2:]}") if plain.startswith("00") else None


def _looks_international(plain: str, country: str) -> bool:
    """Whether `plain` is rather E.164 without its plus than a national number.

    Where people dial 0 before a national number, one without it was not written to be dialled there, and is too
    long for a local one. Providers drop the plus, seldom the 0.
    """
    prefix = phonenumbers.ndd_prefix_for_region(country, True)
    return prefix == "0" and not plain.startswith("0") and len(plain) >= SHORTEST_WITHOUT_PLUS


def _is_mobile(parsed: phonenumbers.PhoneNumber | None) -> bool:
    """A valid mobile number: some countries dial 0 before the others only."""
    return parsed is not None and phonenumbers.number_type(parsed) == PhoneNumberType.MOBILE


def _possible(international: str) -> phonenumbers.PhoneNumber | None:
    """New ranges are opened before the metadata knows them: with a country code the possible is enough."""
    parsed = _parsed(international, None)
    return parsed if parsed and phonenumbers.is_possible_number(parsed) else None


def _parsed(text: str, country: str | None) -> phonenumbers.PhoneNumber | None:
    try:
        parsed = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    e164 = phonenumbers.format_number(parsed, PhoneNumberFormat.E164)
    return parsed if SHORTEST_NATIONAL <= len(e164) - 1 <= 15 else None


def _shown(parsed: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(parsed, PhoneNumberFormat.INTERNATIONAL)


def _zones(parsed: phonenumbers.PhoneNumber) -> tuple[str, ...]:
    return tuple(zone for zone in timezone.time_zones_for_number(parsed) if zone != _UNKNOWN_ZONE)
