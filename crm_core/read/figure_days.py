"""Figures of whole days: out of the roll-ups where they are as the rows are, else from the rows."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.errors import Conflict
from crm_core.figure.period import By, Key, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.figure_day import WAYS, good_days, runs, span
from crm_core.read.figure_families import FAMILIES, Family
from crm_core.read.figures import ANYWHERE, Found, Keys, Ledger, Within, count, execute

MOST_FROM_ROWS = 92
"""Days that are counted from rows while somebody waits: a quarter; more where there are few calls in them."""
FEW_CALLS = 200_000
_DATES = {
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
    days = span(first, last)
    way = way_of(dims, within)
    good = await good_days(session, first, last, zone, rules) if way is not None else {}
    ledger = Ledger()
    for family in families:
        rolled = good.get(family.shape, set())
        rest = [day for day in days if day not in rolled]
        if len(rest) > most and await _are_many(session, rest, zone, few):
            raise Conflict(_too_many(way, len(rest), most))
        if rolled and way is not None:
            ledger.add(family, await _rolled(session, family, way, dims, sorted(rolled), zone, within))
        for run in runs(rest):
            ledger.add(family, await count(session, family, of_days(*run, zone), dims, rules, within))
    return ledger.tallies()


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
    return WAYS.get(frozenset(needed or {By.HOUR}))


async def _are_many(session: AsyncSession, days: Sequence[date], zone: ZoneInfo, few: int) -> bool:
    period = of_days(days[0], days[-1], zone)
    here = select(Call.id).where(Call.started_at >= period.since, Call.started_at < period.until)
    found = await session.scalar(select(func.count()).select_from(here.limit(few + 1).subquery()))
    return (found or 0) > few


def _too_many(way: str | None, days: int, most: int) -> str:
    if way is None:
        return f"So narrowed and crossed, figures are counted from the calls themselves: choose at most {most} days."
    return f"{days} of these days are still being added up; choose at most {most} days, or try again in some minutes."


async def _rolled(
    session: AsyncSession,
    family: Family,
    way: str,
    dims: Sequence[By],
    days: Sequence[date],
    zone: ZoneInfo,
    within: Within,
) -> Found:
    keys = [_DATES.get(by, "d.hour" if by is By.HOUR else "d.key") for by in dims]
    column, kind = ("d.sums", "numeric") if family.money else ("d.amounts", "bigint")
    added = [f"sum({column}[{place}])::{kind}" for place, _ in enumerate(family.fields, 1)]
    query = f"SELECT {', '.join([*keys, 'd.more', *added])} FROM figure_days d"
    query += " WHERE d.zone = :zone AND d.shape = :shape AND d.way = :way AND d.day = ANY(:days)"
    chosen = _chosen(within)
    if chosen is not None:
        query += " AND coalesce(d.key, '') = ANY(:keys)"
    query += " GROUP BY " + ", ".join([*keys, "d.more"])
    given: dict[str, Any] = {
        "zone": str(zone),
        "shape": family.shape,
        "way": way,
        "days": list(days),
        "keys": chosen,
    }
    width = len(dims)
    return [
        (tuple(map(_key, dims, row[:width])), row[width], row[width + 1 :])
        for row in await execute(session, query, given)
    ]


def _chosen(within: Within) -> list[str] | None:
    """The keys that are wanted of the one thing by which a roll-up is narrowed; None: all."""
    if within.operators is not None or within.operator is not None:
        wanted = within.operators if within.operators is not None else frozenset((within.operator,))
        one = within.operator
        return [str(it) for it in wanted if one is None or it == one]
    one_of = next((it for it in (within.queue, within.line, within.source) if it is not None), None)
    return None if one_of is None else [str(one_of)]


def _key(by: By, value: Any) -> Key:
    """A key as it is counted from rows: ids are numbers."""
    return int(value) if by in (By.OPERATOR, By.LINE) and value is not None else value
