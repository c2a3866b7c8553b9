"""Rolling up: hours and days are counted in the background, the newest first, and again when they were changed."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Any, Never
from zoneinfo import ZoneInfo

from sqlalchemy import and_, delete, func, select, text, true
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.callback import Callback
from crm_core.db import Database
from crm_core.figure.period import By, Period, of_days
from crm_core.figure.rules import Rules
from crm_core.figure_day import (
    HOURLY,
    FigureDay,
    FigureDayDone,
    FigureHour,
    FigureHourDone,
    hours_of,
    runs,
    span,
)
from crm_core.order_rows import Order
from crm_core.outage import is_outage
from crm_core.queue_target import load_targets
from crm_core.read.fact_rolled import FACT_FAMILIES
from crm_core.read.figure_families import FAMILIES, Family, keys_of
from crm_core.read.figure_labels import zones
from crm_core.read.figures import execute, given, rows, sums
from crm_core.read.sales import SALES_FAMILIES

BITE = 31  # days that are rolled up in one transaction
BITE_HOURS = 7 * 24
EVERY_S = 15.0
LOCK = 0x726F6C6C  # one process rolls up at a time
_ALL = (*FAMILIES, *SALES_FAMILIES, *FACT_FAMILIES)
_HOUR = "date_bin('1 hour', {at}, date_trunc('day', {at} AT TIME ZONE :zone) AT TIME ZONE :zone)"
log = logging.getLogger(__name__)


async def roll_up(session: AsyncSession, *, at: datetime) -> bool:
    """Count the newest hours or days that are not; whether there may be more.

    Nothing while another process is at it.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return False
    await session.execute(text(_FORGET_MARKED))
    here = await zones(session)
    await _forget_strangers(session, here)
    began = await _began(session)
    if began is None:
        return False
    rules = Rules(now=at, targets=await load_targets(session))
    for name in here:
        zone = ZoneInfo(name)
        first, last = began.astimezone(zone).date(), at.astimezone(zone).date()
        await _forget_old_hours(session, last, zone)
        hourly = max(first, last - HOURLY)
        hours = _hours_between(hourly, last, zone)
        ends = dict(hours)
        by_hour = await _missing(session, _HOURS, hours, zone, rules)
        for family, starts in by_hour:
            await _roll_hours(session, family, [(since, ends[since]) for since in starts], zone, rules)
        if by_hour:
            return True
        by_day = await _missing(session, _DAYS, _days_between(first, last, zone), zone, rules)
        added = [(family, [day for day in missing if day >= hourly]) for family, missing in by_day]
        for family, missing in added:
            if missing:
                about = {"zone": str(zone), "shape": family.shape, "days": missing}
                await _write_days(session, family, missing, zone, rules, _from_hours(family), about)
        if any(missing for _, missing in added):
            return True
        for family, missing in by_day:
            newest = span(*list(runs(missing))[-1])
            about = given(of_days(newest[0], newest[-1], zone), rules) | {"shape": family.shape}
            await _write_days(session, family, newest, zone, rules, _fill(family), about)
            return True
    return False


@lru_cache(maxsize=8)  # years of days, the same at every pass: not to be put together while a telephone rings
def _days_between(first: date, last: date, zone: ZoneInfo) -> list[tuple[date, datetime]]:
    """Each day with its end."""
    return [(day, of_days(day, day, zone).until) for day in span(first, last)]


@lru_cache(maxsize=8)
def _hours_between(first: date, last: date, zone: ZoneInfo) -> list[tuple[datetime, datetime]]:
    """Each hour of these days, from when until when."""
    return [hour for day in span(first, last) for hour in hours_of(day, zone)]


async def _missing(
    session: AsyncSession,
    query: str,
    stretches: Sequence[tuple[date, datetime]],
    zone: ZoneInfo,
    rules: Rules,
) -> list[tuple[Family, list[Any]]]:
    """Of each family that lacks any the newest stretches that are over and not counted, the oldest first.

    The database looks for them: families times days of years are more than an event loop has time for.
    """
    about = {
        "zone": str(zone),
        "shapes": [family.shape for family in _ALL],
        "ripe": [rules.now - family.after for family in _ALL],
        "begins": [at for at, _ in stretches],
        "ends": [until for _, until in stretches],
    }
    found = {shape: sorted(missing) for shape, missing in await session.execute(text(query), about)}
    return [(family, found[family.shape]) for family in _ALL if family.shape in found]


async def _roll_hours(
    session: AsyncSession,
    family: Family,
    missing: Sequence[tuple[datetime, datetime]],
    zone: ZoneInfo,
    rules: Rules,
) -> None:
    """Count these hours: those that follow each other in one statement."""
    starts = [since for since, _ in missing]
    for table in (FigureHour, FigureHourDone):
        here = and_(table.zone == str(zone), table.shape == family.shape, table.since.in_(starts))
        of_each_way = FigureHour.way.in_(family.ways.values()) if table is FigureHour else true()
        await session.execute(delete(table).where(here, of_each_way))
    for since, until in _joined(missing):
        about = given(Period(since, until, zone), rules) | {"shape": family.shape}
        await execute(session, _fill(family, by_hour=True), about)
    done = [{"since": since, "until": until} for since, until in missing]
    await _done(session, FigureHourDone, family, zone, rules, done)


def _joined(hours: Sequence[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    found: list[tuple[datetime, datetime]] = []
    for since, until in hours:
        if found and found[-1][1] == since:
            found[-1] = (found[-1][0], until)
        else:
            found.append((since, until))
    return found


async def _write_days(
    session: AsyncSession,
    family: Family,
    days: Sequence[date],
    zone: ZoneInfo,
    rules: Rules,
    fill: str,
    about: dict[str, Any],
) -> None:
    for table in (FigureDay, FigureDayDone):
        here = and_(table.zone == str(zone), table.shape == family.shape, table.day.in_(days))
        await session.execute(delete(table).where(here))
    await execute(session, fill, about)
    each = [(day, of_days(day, day, zone)) for day in days]
    done = [{"day": day, "since": it.since, "until": it.until} for day, it in each]
    await _done(session, FigureDayDone, family, zone, rules, done)


async def _done(
    session: AsyncSession,
    table: type[FigureDayDone | FigureHourDone],
    family: Family,
    zone: ZoneInfo,
    rules: Rules,
    stretches: Sequence[dict[str, Any]],
) -> None:
    same = {"zone": str(zone), "shape": family.shape, "counted_at": rules.now}
    await session.execute(insert(table), [same | it for it in stretches])


def _fill(family: Family, *, by_hour: bool = False) -> str:
    """Every way at once: the rows are read once. `by_hour`: each hour of its day apart."""
    things = sorted({by for way in family.ways for by in way if by != By.HOUR})
    dims = (By.DAY, By.HOUR, *things)
    named = {by: f"k{place}" for place, by in enumerate(dims)}
    piece = ["piece"] if by_hour else []
    sets = ", ".join(
        f"({', '.join([*piece, 'k0', 'more', *(named[by] for by in dims if by in way)])})"
        for way in family.ways
    )
    grouping = f"grouping({', '.join(named[by] for by in dims[1:])})"
    ways = " ".join(f"WHEN {_absent(way, dims[1:])} THEN '{name}'" for way, name in family.ways.items())
    firsts, seconds = (
        " ".join(
            f"WHEN {_absent(way, dims[1:])} THEN {named[thing]}::text"
            for way, name in family.ways.items()
            for thing, column in keys_of(name).items()
            if column == wanted
        )
        for wanted in ("d.key", "d.key2")
    )
    key = f"CASE {grouping} {firsts} END" if firsts else "NULL::text"
    key2 = f"CASE {grouping} {seconds} END" if seconds else "NULL::text"
    began = f"{_HOUR.format(at=family.at)} AS piece" if by_hour else None
    return f"""INSERT INTO figure_{"hours" if by_hour else "days"}
        (zone, shape, {"since, " if by_hour else ""}day, way, key, key2, hour, more, {_column(family)})
        SELECT :zone, :shape, {"piece, " if by_hour else ""}k0, CASE {grouping} {ways} END, {key}, {key2}, k1, more,
            ARRAY[{", ".join(sums(family))}]
        FROM ({rows(family, dims, also=began)} OFFSET 0) r GROUP BY GROUPING SETS ({sets})"""


def _from_hours(family: Family) -> str:
    """A day as the sum of its hours."""
    column = _column(family)
    kind = "numeric" if family.money else "bigint"
    added = ", ".join(f"sum({column}[{place}])::{kind}" for place, _ in enumerate(family.fields, 1))
    return f"""INSERT INTO figure_days (zone, shape, day, way, key, key2, hour, more, {column})
        SELECT zone, shape, day, way, key, key2, hour, more, ARRAY[{added}] FROM figure_hours
        WHERE zone = :zone AND shape = :shape AND way IN ({", ".join(f"'{way}'" for way in family.ways.values())})
            AND day = ANY(:days) GROUP BY zone, shape, day, way, key, key2, hour, more"""


def _column(family: Family) -> str:
    return "sums" if family.money else "amounts"


def _absent(way: frozenset[str], dims: Sequence[str]) -> int:
    """What `grouping` says of this way: a bit for each that is not in it."""
    return sum(1 << (len(dims) - 1 - place) for place, by in enumerate(dims) if by not in way)


async def _began(session: AsyncSession) -> datetime | None:
    """When the first thing happened of which figures are told."""
    firsts = (
        select(func.min(Call.started_at)),
        select(func.min(Callback.due_at)),
        select(func.min(Order.created_at)),
        text("SELECT min(from_at) FROM agent_states"),
    )
    known = [at for query in firsts if (at := await session.scalar(query)) is not None]
    return max(min(known), datetime(2000, 1, 1, tzinfo=UTC)) if known else None


async def _forget_strangers(session: AsyncSession, here: Sequence[str]) -> None:
    """What was counted by other rules than those of today, or on clocks that are no shop's any more."""
    shapes = [family.shape for family in _ALL]
    for done, counted in ((FigureDayDone, FigureDay), (FigureHourDone, FigureHour)):
        for zone, shape in (await session.execute(select(done.zone, done.shape).distinct())).all():
            if zone not in here or shape not in shapes:
                for table in (counted, done):
                    await session.execute(delete(table).where(table.zone == zone, table.shape == shape))


async def _forget_old_hours(session: AsyncSession, today: date, zone: ZoneInfo) -> None:
    """Some days later than they are read no more."""
    oldest = today - HOURLY - timedelta(days=2)
    old = of_days(oldest, oldest, zone).since
    done = FigureHourDone
    shapes = (await session.scalars(
        delete(done).where(done.zone == str(zone), done.since < old).returning(done.shape)
    )).unique().all()  # fmt: skip
    ways = sorted({way for family in _ALL for way in family.ways.values()})
    if shapes:
        table = FigureHour
        here = (table.zone == str(zone), table.shape.in_(shapes), table.way.in_(ways))
        await session.execute(delete(table).where(*here, table.since < old))


_MISSING = """
    WITH asked AS (
        SELECT s.shape, p.at FROM unnest(CAST(:shapes AS text[]), CAST(:ripe AS timestamptz[])) AS s (shape, ripe)
            JOIN unnest(CAST(:begins AS {kind}[]), CAST(:ends AS timestamptz[])) AS p (at, until) ON p.until <= s.ripe)
    SELECT a.shape, (array_agg(a.at ORDER BY a.at DESC))[1:{most}]
    FROM asked a LEFT JOIN {table} d ON d.zone = :zone AND d.shape = a.shape AND d.{at} = a.at
    WHERE d.shape IS NULL GROUP BY a.shape"""
_DAYS = _MISSING.format(table="figure_days_done", at="day", kind="date", most=BITE)
_HOURS = _MISSING.format(table="figure_hours_done", at="since", kind="timestamptz", most=BITE_HOURS)
_TOUCHED = "m.family = split_part(d.shape, '/', 1) AND tstzrange(d.since, d.until) && m.spans"
_FORGET_MARKED = f"""
    WITH gone AS (DELETE FROM figure_marks RETURNING family, since, until),
        marked AS (SELECT family, range_agg(tstzrange(since, until, '[]')) AS spans FROM gone GROUP BY family),
        hours AS (DELETE FROM figure_hours_done d USING marked m WHERE {_TOUCHED})
    DELETE FROM figure_days_done d USING marked m WHERE {_TOUCHED}
"""


async def keep_rolling(database: Database, now: Callable[[], datetime]) -> Never:
    """For ever, a bite at a time; an outage of the database is waited for.

    After each bite it rests as long as that took: calls have half of the machine at the least.
    """
    while True:
        began = time.monotonic()
        try:
            async with database.begin() as session:
                more = await roll_up(session, at=now())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("figures are not rolled up: the database is away: %s", type(error).__name__)
            more = False
        await asyncio.sleep(max(0.1, time.monotonic() - began) if more else EVERY_S)
