"""Figures rolled up by the day, and of the last weeks by the hour: which there are, and which of them are right.

Whatever changes what happened on an hour or a day that is over leaves a mark (triggers of steps 0031 and 0035); what is
marked is counted from its rows until it has been rolled up anew. So what is read is always what the rows say.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import ARRAY, BigInteger, Index, Numeric
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.figure.period import Period, of_days
from crm_core.figure.rules import Rules
from crm_core.read.figure_families import Family
from crm_core.read.figures import execute

HOUR = timedelta(hours=1)
HOURLY = timedelta(days=20)
"""So far back hours are rolled up as well: what is changed in them costs an hour to count anew."""


class Rolled:
    """What a family of figures came to in a stretch of time, under one key or two (ids or names). `more`: currency or
    reason; `amounts`, or of money `sums`: in the order of the family's fields."""

    id: Mapped[Id]
    zone: Mapped[str]
    shape: Mapped[str]
    way: Mapped[str]
    day: Mapped[date]
    key: Mapped[str | None]
    key2: Mapped[str | None]
    hour: Mapped[int | None]
    more: Mapped[str | None]
    amounts: Mapped[list[int] | None] = mapped_column(ARRAY(BigInteger))
    sums: Mapped[list[Decimal] | None] = mapped_column(ARRAY(Numeric))


class FigureDay(Rolled, Base):
    """Of a day."""

    __tablename__ = "figure_days"
    __table_args__ = (Index("ix_figure_days_read", "zone", "shape", "way", "day"),)


class FigureHour(Rolled, Base):
    """Of an hour of a day: counted from its midnight, so the last may be shorter."""

    __tablename__ = "figure_hours"
    __table_args__ = (Index("ix_figure_hours_read", "zone", "shape", "way", "since"),)

    since: Mapped[datetime]


class FigureDayDone(Base):
    """A day that is rolled up: when, and from which instant to which it lasted."""

    __tablename__ = "figure_days_done"

    zone: Mapped[str] = mapped_column(primary_key=True)
    shape: Mapped[str] = mapped_column(primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    since: Mapped[datetime]
    until: Mapped[datetime]
    counted_at: Mapped[datetime]


class FigureHourDone(Base):
    """An hour that is rolled up."""

    __tablename__ = "figure_hours_done"

    zone: Mapped[str] = mapped_column(primary_key=True)
    shape: Mapped[str] = mapped_column(primary_key=True)
    since: Mapped[datetime] = mapped_column(primary_key=True)
    until: Mapped[datetime]
    counted_at: Mapped[datetime]


class FigureMark(Base):
    """Something of this family changed between two instants."""

    __tablename__ = "figure_marks"

    id: Mapped[Id]
    family: Mapped[str]
    since: Mapped[datetime]
    until: Mapped[datetime]


@dataclass
class Good:
    """What of a family is rolled up and as the rows are: days, and the instants at which hours begin."""

    days: set[date] = field(default_factory=set)
    hours: set[datetime] = field(default_factory=set)


# How long a wrap-up lasts that is not over, nobody can have added up.
_MARKS = """SELECT family, since, until FROM figure_marks UNION ALL SELECT 'wrap_ups', c.started_at, c.started_at
        FROM agent_states s LEFT JOIN call_aliases a ON a.id = s.call_id
        JOIN calls c ON c.id = coalesce(a.call_id, s.call_id)
        WHERE s.to_at IS NULL AND s.state = 'wrap_up'"""
_GOOD = f"""WITH marked AS (
        SELECT family, range_agg(tstzrange(since, until, '[]')) AS spans FROM ({_MARKS}) m GROUP BY family)
    SELECT d.shape, array_agg(d.{{what}}) FROM figure_{{table}}_done d
        LEFT JOIN marked m ON m.family = split_part(d.shape, '/', 1)
    WHERE d.zone = :zone AND {{here}} AND NOT coalesce(tstzrange(d.since, d.until) && m.spans, false)
    GROUP BY d.shape"""
_DAYS = {"what": "day", "table": "days", "here": "d.day BETWEEN :first AND :last"}
_HOURS = {"what": "since", "table": "hours", "here": "d.since >= :since AND d.since < :until"}


async def good_of(session: AsyncSession, first: date, last: date, zone: ZoneInfo) -> dict[str, Good]:
    """What is rolled up and as the rows are at this moment, by the shape of the family."""
    whole = of_days(first, last, zone)
    given = {"zone": str(zone), "first": first, "last": last, "since": whole.since, "until": whole.until}
    found: dict[str, Good] = {}
    for shape, days in await execute(session, _GOOD.format(**_DAYS), given):
        found.setdefault(shape, Good()).days.update(days)
    for shape, hours in await execute(session, _GOOD.format(**_HOURS), given):
        found.setdefault(shape, Good()).hours.update(hours)
    return found


def hours_of(day: date, zone: ZoneInfo) -> Iterator[tuple[datetime, datetime]]:
    """The hours of a day, each from when until when."""
    whole = of_days(day, day, zone)
    since = whole.since
    while since < whole.until:
        until = min(since + HOUR, whole.until)
        yield since, until
        since = until


def counting(family: Family, period: Period, rules: Rules) -> Period:
    """The part of a period in which rows of a family may count by now."""
    if not family.judged:
        return period
    until = rules.now - rules.again_within + timedelta(microseconds=1)
    return Period(period.since, max(period.since, min(period.until, until)), period.zone)


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
