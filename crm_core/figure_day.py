"""Figures rolled up by the day, so that a year of ten million calls is read at once, and kept right by themselves.

Whatever changes what happened on a day that is over leaves a mark (triggers of step 0031); a marked day is counted from
its rows until it has been rolled up anew. So what is read is always what the rows say.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Never
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, Index, Numeric, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call
from crm_core.callback import Callback
from crm_core.db import Base, Database, Id
from crm_core.figure.period import By, of_days
from crm_core.figure.rules import Rules
from crm_core.outage import is_outage
from crm_core.queue_target import load_targets
from crm_core.read.figure_families import FAMILIES, Family
from crm_core.read.figure_labels import zones
from crm_core.read.figures import execute, given, rows, sums

BITE = 31  # days that are rolled up in one transaction
EVERY_S = 30.0
LOCK = 0x726F6C6C  # one process rolls up at a time
WAYS: dict[frozenset[By], str] = {
    frozenset((By.HOUR,)): "hour",
    frozenset((By.OPERATOR,)): "operator",
    frozenset((By.QUEUE,)): "queue",
    frozenset((By.LINE,)): "line",
    frozenset((By.SOURCE,)): "source",
    frozenset((By.QUEUE, By.HOUR)): "queue+hour",
    frozenset((By.LINE, By.HOUR)): "line+hour",
}
_ENTITIES = (By.OPERATOR, By.QUEUE, By.LINE, By.SOURCE)
log = logging.getLogger(__name__)


class FigureDay(Base):
    """What a family of figures came to on a day, under one key. `key`: id or name, `more`: currency or reason;
    `amounts`, or of money `sums`: in the order of the family's fields."""

    __tablename__ = "figure_days"
    __table_args__ = (Index("ix_figure_days_read", "zone", "shape", "way", "day"),)

    id: Mapped[Id]
    zone: Mapped[str]
    shape: Mapped[str]
    way: Mapped[str]
    day: Mapped[date]
    key: Mapped[str | None]
    hour: Mapped[int | None]
    more: Mapped[str | None]
    amounts: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    sums: Mapped[list[Decimal] | None] = mapped_column(ARRAY(Numeric))


class FigureDayDone(Base):
    """A day that is rolled up: when, and from which instant to which it lasted."""

    __tablename__ = "figure_days_done"

    zone: Mapped[str] = mapped_column(primary_key=True)
    shape: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
    counted_at: Mapped[datetime]


class FigureMark(Base):
    """Something of this family changed between two instants."""

    __tablename__ = "figure_marks"

    id: Mapped[Id]
    family: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]


GOOD = """d.zone = :zone AND d.day BETWEEN :first AND :last
    AND (d.shape <> :again OR :now < d.since + :again_within OR d.counted_at >= d.until + :again_after)
    AND NOT EXISTS (SELECT FROM figure_marks m
        WHERE m.family = split_part(d.shape, '/', 1) AND m.since < d.until AND m.until >= d.since)"""
AGAIN = next(family for family in FAMILIES if family.again_after is not None)


async def good_days(
    session: AsyncSession, first: date, last: date, zone: ZoneInfo, rules: Rules
) -> dict[str, set[date]]:
    """The days that are rolled up and as the rows are, by the shape of the family."""
    found = await execute(
        session,
        f"SELECT d.shape, array_agg(d.day) FROM figure_days_done d WHERE {GOOD} GROUP BY d.shape",
        {
            "zone": str(zone),
            "first": first,
            "last": last,
            "again": AGAIN.shape,
            "now": rules.now,
            "again_within": rules.again_within,
            "again_after": AGAIN.again_after,
        },
    )
    return {row[0]: set(row[1]) for row in found}


def runs(days: Iterable[date], longest: int = 10_000) -> Iterator[tuple[date, date]]:
    """Days that follow each other, as first and last."""
    first = last = None
    for day in sorted(days):
        if first is not None and last is not None:
            if day - last == timedelta(days=1) and (day - first).days < longest:
                last = day
                continue
            yield first, last
        first = last = day
    if first is not None and last is not None:
        yield first, last


def span(first: date, last: date) -> list[date]:
    """Every day from the first to the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


# --- rolling up ---------------------------------------------------------------------------------------------


async def roll_up(session: AsyncSession, *, at: datetime) -> bool:
    """Count the newest days that are not; whether there may be more. Nothing while another process is at it."""
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
        good = await good_days(session, first, last, zone, rules)
        for family in FAMILIES:
            known = good.get(family.shape, set())
            if missing := [
                day for day in span(first, last) if day not in known and ripe(family, day, zone, at)
            ]:
                newest = list(runs(missing, BITE))[-1]
                await _count(session, family, *newest, zone, rules)
                return True
    return False


def ripe(family: Family, day: date, zone: ZoneInfo, at: datetime) -> bool:
    """Whether a day can be counted by now for some time to come."""
    whole = of_days(day, day, zone)
    if family.again_after is not None and at >= whole.since + Rules(now=at).again_within:
        return at >= whole.until + family.again_after
    return at >= whole.until + family.after


async def _count(
    session: AsyncSession, family: Family, first: date, last: date, zone: ZoneInfo, rules: Rules
) -> None:
    period = of_days(first, last, zone)
    for table in (FigureDay, FigureDayDone):
        here = (table.zone == str(zone), table.shape == family.shape, table.day.between(first, last))
        await session.execute(delete(table).where(*here))
    await execute(session, _fill(family), given(period, rules) | {"shape": family.shape})
    each = [(day, of_days(day, day, zone)) for day in span(first, last)]
    await session.execute(
        insert(FigureDayDone),
        [
            {
                "zone": str(zone),
                "shape": family.shape,
                "day": day,
                "since": it.since,
                "until": it.until,
                "counted_at": rules.now,
            }
            for day, it in each
        ],
    )


def _fill(family: Family) -> str:
    """Every way at once: the rows are read once."""
    dims = (By.DAY, By.HOUR, *_ENTITIES)
    named = {by: f"k{place}" for place, by in enumerate(dims)}
    sets = ", ".join(
        f"({', '.join(['k0', 'more', *(named[by] for by in dims if by in way)])})" for way in WAYS
    )
    grouping = f"grouping({', '.join(named[by] for by in dims[1:])})"
    ways = " ".join(f"WHEN {_absent(way, dims[1:])} THEN '{name}'" for way, name in WAYS.items())
    key = f"coalesce({', '.join(f'{named[by]}::text' for by in _ENTITIES)})"
    column = "sums" if family.money else "amounts"
    return f"""INSERT INTO figure_days (zone, shape, day, way, key, hour, more, {column})
        SELECT :zone, :shape, k0, CASE {grouping} {ways} END, {key}, k1, more, ARRAY[{", ".join(sums(family))}]
        FROM ({rows(family, dims)} OFFSET 0) r GROUP BY GROUPING SETS ({sets})"""


def _absent(way: frozenset[By], dims: Sequence[By]) -> int:
    """What `grouping` says of this way: a bit for each that is not in it."""
    return sum(1 << (len(dims) - 1 - place) for place, by in enumerate(dims) if by not in way)


async def _began(session: AsyncSession) -> datetime | None:
    """When the first thing happened of which figures are told."""
    firsts = (
        select(func.min(Call.started_at)),
        select(func.min(Callback.due_at)),
        text("SELECT min(from_at) FROM agent_states"),
    )
    known = [at for query in firsts if (at := await session.scalar(query)) is not None]
    return max(min(known), datetime(2000, 1, 1, tzinfo=UTC)) if known else None


async def _forget_strangers(session: AsyncSession, here: Sequence[str]) -> None:
    """What was counted by other rules than those of today, or on clocks that are no shop's any more."""
    shapes = [family.shape for family in FAMILIES]
    for zone, shape in await session.execute(select(FigureDayDone.zone, FigureDayDone.shape).distinct()):
        if zone not in here or shape not in shapes:
            for table in (FigureDay, FigureDayDone):
                await session.execute(delete(table).where(table.zone == zone, table.shape == shape))


_FORGET_MARKED = """
    WITH gone AS (DELETE FROM figure_marks RETURNING family, since, until)
    DELETE FROM figure_days_done d USING gone m
    WHERE m.family = split_part(d.shape, '/', 1) AND m.since < d.until AND m.until >= d.since
"""


async def keep_rolling(database: Database, now: Callable[[], datetime]) -> Never:
    """For ever, a bite at a time; an outage of the database is waited for."""
    while True:
        try:
            async with database.begin() as session:
                more = await roll_up(session, at=now())
        except (SQLAlchemyError, OSError) as error:
            if not is_outage(error):
                raise
            log.warning("figures are not rolled up: the database is away: %s", type(error).__name__)
            more = False
        await asyncio.sleep(0.1 if more else EVERY_S)
