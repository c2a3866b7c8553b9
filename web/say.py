"""How instants, durations, money and phone numbers are said on a page.

Filters for the templates; pure: `now`, `zone` and `locale` come from the page's context.

Out:     text, or `Markup` whose every foreign part is escaped
Units:   instants are aware UTC datetimes, durations are seconds
"""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel.dates import format_date, format_datetime, format_time, format_timedelta
from babel.numbers import format_currency
from jinja2 import Environment, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from crm_core.errors import Invalid
from crm_core.phone import display
from web.rights import Person

LOCALE = "en_GB"
NEAR = timedelta(hours=4)
"""Within this distance an instant is told relative to now, beyond it as a day and a time."""

Translate = Callable[[str], str]


def zone_of(name: str | None) -> ZoneInfo:
    """The zone called `name`; UTC for none or an unknown one."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def instant(
    at: datetime, now: datetime, zone: ZoneInfo, translate: Translate = str, locale: str = LOCALE
) -> str:
    """`at` as people say it: "2 min ago", "10:02", "yesterday 10:02", "12 Oct 10:02", "12 Oct 2024"."""
    if abs(at - now) < NEAR:
        return _distance(at - now, translate, locale)
    here, today = at.astimezone(zone), now.astimezone(zone).date()
    clock = format_time(here, "HH:mm", locale=locale)
    match (here.date() - today).days:
        case 0:
            return clock
        case -1:
            return f"{translate('yesterday')} {clock}"
        case 1:
            return f"{translate('tomorrow')} {clock}"
    pattern = "d MMM HH:mm" if here.year == today.year else "d MMM y"
    return format_datetime(here, pattern, locale=locale)


def _distance(away: timedelta, translate: Translate, locale: str) -> str:
    if abs(away) < timedelta(minutes=1):
        return translate("just now") if away <= timedelta(0) else translate("now")
    return format_timedelta(
        away, granularity="minute", threshold=1.2, add_direction=True, format="short", locale=locale
    )


def exact(at: datetime, zone: ZoneInfo, locale: str = LOCALE) -> str:
    """The instant in full, in the reader's zone: "Thu 27 Nov 2026, 10:02:31 CET"."""
    return format_datetime(at.astimezone(zone), "EEE d MMM y, HH:mm:ss z", locale=locale)


def duration(seconds: float | None) -> str:
    """Seconds as minutes on a telephone's display: 161 → "2:41", 3725 → "1:02:05"; None → ""."""
    if seconds is None:
        return ""
    minutes, rest = divmod(max(0, int(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def money(amount: Decimal | float | None, currency: str | None, locale: str = LOCALE) -> str:
    """An amount with its currency: "€1,284.50", "PLN 57.80"; an unknown sum is an empty string."""
    if amount is None:
        return ""
    said: str = format_currency(amount, currency or "XXX", locale=locale, currency_digits=True)
    if currency and said.startswith(currency):
        return f"{currency}\u00a0{said.removeprefix(currency).strip()}"
    return said.replace("¤", "").replace("XXX", "").strip()


@pass_context
def when(context: Context, at: datetime | None) -> Markup:
    """A `<time>` element: what people say, the exact instant on hover and for machines."""
    if at is None:
        return Markup("")
    zone, locale = context["zone"], context.get("locale", LOCALE)
    translate = context["gettext"]
    said = instant(at, context["now"], zone, translate, locale)
    return Markup('<time datetime="{}" title="{}">{}</time>').format(
        at.isoformat(), exact(at, zone, locale), said
    )


@pass_context
def day(context: Context, on: date, every_year: bool = False) -> str:
    """A day of the calendar: "Thu 24 Dec 2026", without weekday and year for one that comes every year."""
    return format_date(on, "d MMM" if every_year else "EEE d MMM y", locale=context.get("locale", LOCALE))


@pass_context
def local_input(context: Context, at: datetime | None) -> str:
    """The value of `<input type="datetime-local">` for `at`, in the reader's zone."""
    return at.astimezone(context["zone"]).strftime("%Y-%m-%dT%H:%M") if at else ""


def there(at: datetime, zone: str) -> str:
    """The clock of somebody in `zone` at this instant: "Fri 20 Nov 10:02"."""
    return format_datetime(at.astimezone(zone_of(zone)), "EEE d MMM HH:mm", locale=LOCALE)


@pass_context
def money_here(context: Context, amount: Decimal | float | None, currency: str | None) -> str:
    """`money` in the reader's language."""
    return money(amount, currency, context.get("locale", LOCALE))


def teach(environment: Environment) -> None:
    """Give the templates these words."""
    environment.filters.update(
        when=when,
        day=day,
        duration=duration,
        money=money_here,
        phone=display,
        local_input=local_input,
        there=there,
    )


def local_instant(text: str, who: Person, field: str) -> datetime:
    """The instant that `<input type="datetime-local">` or a date means for this reader. Raises `Invalid`."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid("Write the time as year-month-day and hour:minute.", field) from None
    return at if at.tzinfo else at.replace(tzinfo=zone_of(who.timezone))
