"""Figures of whole days: out of the roll-ups where they are as the rows are, else from the rows.

What is rolled up is read by one statement for all families, what is not by one for each.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.errors import Conflict
from crm_core.figure.period import By, Key, Period, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.figure_day import Good, counting, good_of, hours_of, runs, span
from crm_core.read.figure_families import FAMILIES, WAYS, Family, keys_of
from crm_core.read.figures import ANYWHERE, Found, Keys, Ledger, Within, count, execute

MOST_FROM_ROWS = 92
"""Days that are counted from rows while somebody waits: a quarter; more where there are few calls in them."""
FEW_CALLS = 200_000
_DATES: Mapping[str, str] = {
    By.DAY: "d.day",
    By.WEEK: "date_trunc('week', d.day)::date",
    By.MONTH: "date_trunc('month', d.day)::date",
    By.WEEKDAY: "extract(isodow FROM d.day)::int",
}


async def tally_days(
    session: AsyncSession,
    first: date,
    last: date,
    zone: ZoneInfo,
    dims: Sequence[By],
    rules: Rules,
    within: Within = ANYWHERE,
    *,
    families: Sequence[Family] = FAMILIES,
    most: int = MOST_FROM_ROWS,
    few: int = FEW_CALLS,
) -> dict[Keys, Tally]:
    """The tally of every combination of keys of which there is something.

    Raises `Conflict` when more than `most` days with more than `few` calls would have to be counted from rows.
    """
    ledger, stretch = Ledger(), Stretch(first, last, zone, rules)
    await add_families(session, ledger, families, stretch, dims, within, most=most, few=few)
    return ledger.tallies()


@dataclass(frozen=True)
class Stretch:
    """Days of a clock."""

    first: date
    last: date
    zone: ZoneInfo
    rules: Rules


@dataclass(frozen=True)
class Told:
    """By what: the keys, the roll-up in which they are looked up (None: in none), of which things which keys are wanted
    (others: all), and where things are in its rows `d`."""

    dims: Sequence[str]
    way: str | None
    chosen: Mapping[str, Sequence[str]] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


async def add_families(
    session: AsyncSession,
    ledger: Ledger,
    families: Sequence[Family],
    stretch: Stretch,
    dims: Sequence[By],
    within: Within,
    *,
    most: int = MOST_FROM_ROWS,
    few: int = FEW_CALLS,
) -> None:
    """What families that are rolled up by `WAYS` came to under every combination of keys. Raises `Conflict`."""

    async def of_rows(family: Family, period: Period) -> Found:
        return await count(session, family, period, dims, stretch.rules, within)

    way = way_of(dims, within)
    told = Told(dims, way, _chosen(within), keys_of(way or ""))
    await add_days(session, ledger, families, stretch, told, of_rows, most=most, few=few)


async def add_days(
    session: AsyncSession,
    ledger: Ledger,
    families: Sequence[Family],
    stretch: Stretch,
    told: Told,
    of_rows: Callable[[Family, Period], Awaitable[Found]],
    *,
    most: int = MOST_FROM_ROWS,
    few: int = FEW_CALLS,
) -> None:
    """What families came to in these days: out of the roll-ups, and of the rest from the rows. Raises `Conflict`."""
    first, last, zone, rules = stretch.first, stretch.last, stretch.zone, stretch.rules
    good = await good_of(session, first, last, zone) if told.way is not None else {}
    plans = [
        _plan(family, good.get(family.shape, Good()), counting(family, of_days(first, last, zone), rules))
        for family in families
    ]
    for plan in plans:
        rest = {day for period in plan.rest for day in _days(period, zone)}
        if len(rest) > most and await _are_many(session, sorted(rest), zone, few):
            raise Conflict(_too_many(told.way, len(rest), most))
    if told.way is not None:
        await _add_rolled(session, ledger, plans, told, zone)
    for plan in plans:
        for period in plan.rest:
            ledger.add(plan.family, await of_rows(plan.family, period))


@dataclass(frozen=True)
class _Plan:
    """Where a family is read: days and hours that are rolled up, and the rows of the rest."""

    family: Family
    days: Sequence[date]
    hours: Sequence[datetime]
    rest: Sequence[Period]


def _plan(family: Family, good: Good, period: Period) -> _Plan:
    zone, days, hours = ZoneInfo(str(period.zone)), list[date](), list[datetime]()
    rest: list[Period] = []
    for day in _days(period, zone):
        whole = of_days(day, day, zone)
        if day in good.days and whole.until <= period.until:
            days.append(day)
            continue
        for since, until in hours_of(day, zone) if good.hours else [(whole.since, whole.until)]:
            if since in good.hours and until <= period.until:
                hours.append(since)
            elif since < period.until:
                until = min(until, period.until)
                if rest and rest[-1].until == since:
                    rest[-1] = Period(rest[-1].since, until, zone)
                else:
                    rest.append(Period(since, until, zone))
    return _Plan(family, days, hours, rest)


def _days(period: Period, zone: ZoneInfo) -> list[date]:
    if period.since >= period.until:
        return []
    last = (period.until - timedelta(microseconds=1)).astimezone(zone).date()
    return span(period.since.astimezone(zone).date(), last)


def way_of(dims: Sequence[By], within: Within = ANYWHERE) -> str | None:
    """The roll-up in which these keys, so narrowed, can be looked up; None: in none of them."""
    needed = {by for by in dims if by not in _DATES}
    filters: dict[By, object] = {
        By.OPERATOR: within.operators if within.operator is None else within.operator,
        By.QUEUE: within.queue,
        By.LINE: within.line,
        By.SOURCE: within.source,
    }
    needed |= {by for by, value in filters.items() if value is not None}
    return WAYS.get(frozenset(needed))


async def _are_many(session: AsyncSession, days: Sequence[date], zone: ZoneInfo, few: int) -> bool:
    period = of_days(days[0], days[-1], zone)
    here = select(Call.id).where(Call.started_at >= period.since, Call.started_at < period.until)
    found = await session.scalar(select(func.count()).select_from(here.limit(few + 1).subquery()))
    return (found or 0) > few


def _too_many(way: str | None, days: int, most: int) -> str:
    if way is None:
        return f"So narrowed and crossed, figures are counted from the calls themselves: choose at most {most} days."
    return f"{days} of these days are still being added up; choose at most {most} days, or try again in some minutes."


async def _add_rolled(
    session: AsyncSession, ledger: Ledger, plans: Sequence[_Plan], told: Told, zone: ZoneInfo
) -> None:
    by_shape = {plan.family.shape: plan.family for plan in plans}
    stretches = [(plan.family.shape, *run) for plan in plans for run in runs(plan.days)]
    hours = [(plan.family.shape, since) for plan in plans for since in plan.hours]
    if not stretches and not hours:
        return
    dims = told.dims
    given: dict[str, Any] = {
        "zone": str(zone),
        "way": told.way,
        **{f"keys{place}": keys for place, keys in enumerate(told.chosen.values())},
        "shapes": [shape for shape, _, _ in stretches],
        "firsts": [since for _, since, _ in stretches],
        "lasts": [until for _, _, until in stretches],
        "hour_shapes": [shape for shape, _ in hours],
        "starts": [since for _, since in hours],
    }
    width = len(dims)
    widest, widest_money = (
        max((len(family.fields) for family in by_shape.values() if family.money is money), default=0)
        for money in (False, True)
    )
    for row in await execute(session, _of_rolled(told, widest, widest_money), given):
        family, keys = by_shape[row[0]], tuple(map(_key, dims, row[1 : width + 1]))
        amounts = row[width + 2 + widest :] if family.money else row[width + 2 :]
        ledger.add(family, [(keys, row[width + 1], amounts[: len(family.fields)])])


def _of_rolled(told: Told, widest: int, widest_money: int) -> str:
    """Of every shape: keys, more, the sums of whole numbers, the sums of money."""
    named = {thing: f"thing{place}" for place, thing in enumerate(told.columns)}
    keys = [_DATES.get(by, "d.hour" if by == By.HOUR else f"d.{named.get(by)}") for by in told.dims]
    narrow = " ".join(
        f"AND coalesce({told.columns[thing]}, '') = ANY(:keys{place})"
        for place, thing in enumerate(told.chosen)
    )
    things = [f"{told.columns[thing]} AS {name}" for thing, name in named.items()]
    wanted = ", ".join(["d.shape", "d.day", "d.hour", *things, "d.more", "d.amounts", "d.sums"])
    added = [f"sum(d.amounts[{place}])::bigint" for place in range(1, widest + 1)]
    added += [f"sum(d.sums[{place}])" for place in range(1, widest_money + 1)]
    return f"""SELECT {", ".join(["d.shape", *keys, "d.more", *added])} FROM (
            SELECT {wanted} FROM unnest(:shapes, :firsts, :lasts) AS r (shape, since, until) JOIN figure_days d
                ON d.zone = :zone AND d.shape = r.shape AND d.way = :way AND d.day BETWEEN r.since AND r.until {narrow}
            UNION ALL
            SELECT {wanted} FROM unnest(:hour_shapes, :starts) AS r (shape, since) JOIN figure_hours d
                ON d.zone = :zone AND d.shape = r.shape AND d.way = :way AND d.since = r.since {narrow}
        ) d GROUP BY {", ".join(["d.shape", *keys, "d.more"])}"""


def _chosen(within: Within) -> dict[str, list[str]]:
    """The keys that are wanted of each thing by which a roll-up is narrowed."""
    exact = {By.QUEUE: within.queue, By.LINE: within.line, By.SOURCE: within.source}
    found = {str(by): [str(it)] for by, it in exact.items() if it is not None}
    if within.operators is not None or within.operator is not None:
        wanted = within.operators if within.operators is not None else frozenset((within.operator,))
        one = within.operator
        found[str(By.OPERATOR)] = [str(it) for it in wanted if one is None or it == one]
    return found


_IDS = (By.OPERATOR, By.LINE, By.SCRIPT, "shop", "product", "family", "stage", "funnel")


def _key(by: str, value: Any) -> Key:
    """A key as it is counted from rows: ids are numbers."""
    return int(value) if by in _IDS and value is not None else value
