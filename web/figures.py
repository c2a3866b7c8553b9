"""The figures of a period: which are asked for, whose may be seen, what they came to."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid
from crm_core.figure.count import total
from crm_core.figure.figure import FIGURES, Figure, Group, Unit, Value, fields_of
from crm_core.figure.period import By, Key, Period, day_key, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.queue_target import load_targets
from crm_core.read.figure_days import tally_days
from crm_core.read.figure_families import families_of
from crm_core.read.figure_labels import labels, zones
from crm_core.read.figures import Within
from web.fields import Day, Given, Id
from web.rights import VIEW_FIGURES, VIEW_PURCHASES, Person
from web.say import duration, money

LONGEST = timedelta(days=1100)
HEADS = {
    By.ALL: "All",
    By.OPERATOR: "Operator",
    By.QUEUE: "Queue",
    By.LINE: "Line",
    By.SOURCE: "Source",
    By.SCRIPT: "Script",
    By.HOUR: "Hour",
    By.WEEKDAY: "Day of the week",
    By.DAY: "Day",
    By.WEEK: "Week",
    By.MONTH: "Month",
}
NOBODY = {
    By.OPERATOR: "nobody",
    By.QUEUE: "no queue",
    By.LINE: "no line",
    By.SOURCE: "no source",
    By.SCRIPT: "no script followed",
}
DATES = (By.DAY, By.WEEK, By.MONTH)
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class Days(Given):
    """Of which days and whose figures are told. Days are those of the shop, both included; without any, the last
    seven."""

    since: Day | None = None
    until: Day | None = None
    zone: str | None = Field(default=None, max_length=60)
    operator_id: Id | None = None
    queue: str | None = Field(default=None, max_length=200)
    line_id: Id | None = None
    source: str | None = Field(default=None, max_length=200)


class Narrowing(Days):
    """Of what figures are told, and what their rows are."""

    by: By = By.OPERATOR


class FigureFilters(Narrowing):
    """Which figures."""

    group: Group = Group.CALLS
    figure: str | None = Field(default=None, max_length=40)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked for, with all that is needed to count it."""

    by: By
    period: Period
    first: date
    last: date
    zones: list[str]
    rules: Rules
    within: Within


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table."""

    key: Key
    label: str
    tally: Tally


async def asked(session: AsyncSession, filters: Days, who: Person, now: datetime, *, days: int = 7) -> Asked:
    """Whose figures of which days; where none are named, of so many up to today. Raises `Invalid`."""
    known = await zones(session)
    zone = ZoneInfo(filters.zone if filters.zone in known else known[0])
    today = now.astimezone(zone).date()
    last = filters.until or max(today, filters.since or today)
    first = filters.since or last - timedelta(days=days - 1)
    if not date(2000, 1, 1) <= first <= last < date(2100, 1, 1):
        raise Invalid("The first day comes before the last one.", "since")
    if last - first >= LONGEST:
        raise Invalid(f"Figures are told of at most {LONGEST.days} days.", "since")
    within = Within(
        operators=who.whose(VIEW_FIGURES),
        operator=filters.operator_id,
        queue=filters.queue,
        line=filters.line_id,
        source=filters.source,
    )
    rules = Rules(now=now, targets=await load_targets(session))
    period = of_days(first, last, zone)
    by = filters.by if isinstance(filters, Narrowing) else By.ALL
    return Asked(by=by, period=period, first=first, last=last, zones=known, rules=rules, within=within)


async def load_rows(session: AsyncSession, it: Asked, figures: Sequence[Figure]) -> list[Row]:
    """A row for each operator, queue, day... of which there is something, in a useful order."""
    found = await load_cells(session, it, (it.by,), figures)
    return [
        Row(key=key, label=label, tally=found.get((key,), Tally()))
        for key, label in await headings(session, it, it.by, [key for (key,) in found])
    ]


async def load_cells(
    session: AsyncSession, it: Asked, dims: Sequence[By], figures: Sequence[Figure]
) -> dict[tuple[Key, ...], Tally]:
    """The tally of every combination of keys of which there is something, as far as these figures need it.

    Raises `Conflict` for too many rows.
    """
    zone, families = ZoneInfo(str(it.period.zone)), families_of(fields_of(figures))
    return await tally_days(session, it.first, it.last, zone, dims, it.rules, it.within, families=families)


async def headings(session: AsyncSession, it: Asked, by: By, found: Iterable[Key]) -> list[tuple[Key, str]]:
    """What rows or columns are called, in order: of hours from the first to the last, of days every one."""
    keys = list(dict.fromkeys(found))
    if by is By.HOUR:
        hours = [key for key in keys if isinstance(key, int)]
        return [(hour, f"{hour:02}:00") for hour in range(min(hours), max(hours) + 1)] if hours else []
    if by is By.WEEKDAY:
        return [(number, name) for number, name in enumerate(WEEKDAYS, 1)]
    if by in DATES:
        days = (it.first + timedelta(days=n) for n in range((it.last - it.first).days + 1))
        return [(key, _date(by, key)) for key in dict.fromkeys(day_key(by, day) for day in days)]
    names = await labels(session, by, keys)
    told = [(key, NOBODY.get(by, "") if key is None else names.get(key, str(key))) for key in keys]
    return sorted(told, key=lambda pair: (pair[0] is None, pair[1]))


def _date(by: By, key: Key) -> str:
    assert isinstance(key, date)
    if by is By.MONTH:
        return f"{key:%b %Y}"
    return f"{key:%a} {key.day} {key:%b}" if by is By.DAY else f"{key.day} {key:%b}, week {key:%V}"


def offered(who: Person, it: Asked, across: By | None = None) -> list[Figure]:
    """The figures that mean something here, and that this person may see."""
    ways, within = {it.by, across}, it.within
    of_one = By.OPERATOR in ways or within.operators is not None or within.operator is not None
    of_line = bool(ways & {By.QUEUE, By.LINE, By.SOURCE, By.SCRIPT}) or any(
        one is not None for one in (within.queue, within.line, within.source)
    )
    return [
        figure
        for figure in FIGURES
        if (figure.of_people or not of_one)
        and (figure.by_line or not of_line)
        and (not figure.purchases or who.may(VIEW_PURCHASES))
    ]


def figure_of(code: str | None, among: Iterable[Figure]) -> Figure:
    """The figure called so, if it is among these; else the first of them."""
    known = list(among)
    return next((figure for figure in known if figure.code == code), known[0])


def together(rows: Iterable[Row]) -> Tally:
    """All rows as one."""
    return total(row.tally for row in rows)


def key_text(key: Key) -> str:
    """A key as it stands in an address; empty: of none."""
    return "" if key is None else str(key)


def key_of(by: By, text: str) -> Key:
    """The key that an address means. Raises `Invalid`."""
    if not text or by is By.ALL:
        return None
    try:
        match by:
            case By.OPERATOR | By.LINE | By.SCRIPT | By.HOUR | By.WEEKDAY:
                number = int(text)
                return number if 0 <= number < 2**53 else None
            case By.DAY | By.WEEK | By.MONTH:
                return date.fromisoformat(text)
    except ValueError:
        raise Invalid("There is no such row.", "key") from None
    return text[:200]


def said(unit: Unit, value: Value) -> str:
    """A value as people read it; a dash where there is nothing to divide by."""
    return "–" if value.value is None else amount(unit, value.value, value.currency)


def amount(unit: Unit, value: Decimal, currency: str | None = None) -> str:
    """A number of this unit as people read it."""
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.1f} %"
        case Unit.TIMES | Unit.POINTS:
            return f"{value:.1f}"
        case Unit.SECONDS:
            return duration(float(value) + 0.5)
        case Unit.MONEY | Unit.MONEY_A_MINUTE:
            return money(value, currency)
    return f"{value:,.0f}".replace(",", "\u202f")


def tick(unit: Unit, value: Decimal) -> str:
    """A number at the scale of a picture; of money without its currency, which stands above."""
    if unit in (Unit.MONEY, Unit.MONEY_A_MINUTE):
        whole = value == value.to_integral_value()
        return (f"{value:,.0f}" if whole else f"{value:,.2f}").replace(",", "\u202f")
    return amount(unit, value)
