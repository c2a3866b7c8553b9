"""The hours and holidays of lines, kept as rows; what they mean stands in `crm_core.hours`."""

from collections.abc import Mapping, Sequence
from datetime import date
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id
from crm_core.errors import Invalid, NotFound
from crm_core.hours import WEEKDAYS, Holiday, Hours, Span, check_spans
from crm_core.line import Line, get_line
from crm_core.outbox import announce
from crm_core.shop import Shop

SPAN = "opens >= 0 AND opens < 1440 AND closes > opens AND closes <= opens + 1440"


class LineHours(Base):
    """One time of opening; minutes after midnight, Monday is 0. A line with none is always open."""

    __tablename__ = "line_hours"
    __table_args__ = (
        UniqueConstraint("line_id", "weekday", "opens"),
        CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_known"),
        CheckConstraint(SPAN, name="span_fits"),
    )

    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    weekday: Mapped[int]
    opens: Mapped[int]
    closes: Mapped[int]


class LineHoliday(Base):
    """A day that is not as its weekday: closed, or open from `opens` to `closes`."""

    __tablename__ = "line_holidays"
    __table_args__ = (
        UniqueConstraint("line_id", "day"),
        CheckConstraint(f"(opens IS NULL AND closes IS NULL) OR ({SPAN})", name="span_fits"),
        CheckConstraint("name <> ''", name="name_not_empty"),
    )

    id: Mapped[Id]
    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"))
    day: Mapped[date]
    every_year: Mapped[Flag]
    name: Mapped[str]
    opens: Mapped[int | None]
    closes: Mapped[int | None]

    @property
    def span(self) -> Span | None:
        """Its hours, None when closed."""
        return None if self.opens is None or self.closes is None else Span(self.opens, self.closes)


async def set_week(session: AsyncSession, line_id: int, week: Sequence[Sequence[Span]] | None) -> None:
    """Say when a line is open, Monday first; None: always. Raises `NotFound`, `Invalid`."""
    await get_line(session, line_id, lock=True)
    if week is not None and len(week) != len(WEEKDAYS):
        raise Invalid("A week has seven days.", "week")
    if week is not None and not any(week):
        raise Invalid("Write the hours of at least one day, or choose that the line is always open.", "week")
    await session.execute(delete(LineHours).where(LineHours.line_id == line_id))
    for weekday, spans in enumerate(week or ()):
        for span in check_spans(spans):
            session.add(LineHours(line_id=line_id, weekday=weekday, opens=span.opens, closes=span.closes))
    await session.flush()
    await announce(session, "line", {"id": line_id})


async def add_holiday(session: AsyncSession, line_ids: Sequence[int], holiday: Holiday) -> None:
    """Put a holiday into the calendars of these lines; one on the same day is replaced. Raises `Invalid`."""
    if not holiday.name.strip():
        raise Invalid("A holiday needs a name.", "name")
    for line_id in sorted(line_ids):
        values = {
            "line_id": line_id,
            "day": holiday.day,
            "every_year": holiday.every_year,
            "name": holiday.name.strip(),
            "opens": holiday.span.opens if holiday.span else None,
            "closes": holiday.span.closes if holiday.span else None,
        }
        kept = insert(LineHoliday).values(**values)
        await session.execute(kept.on_conflict_do_update(index_elements=["line_id", "day"], set_=values))
        await announce(session, "line", {"id": line_id})


async def remove_holiday(session: AsyncSession, line_id: int, holiday_id: int) -> None:
    """Take a holiday out of the calendar of a line. Raises `NotFound`."""
    which = (LineHoliday.id == holiday_id, LineHoliday.line_id == line_id)
    gone = await session.scalar(delete(LineHoliday).where(*which).returning(LineHoliday.id))
    if gone is None:
        raise NotFound("This holiday is not in the calendar any more.")
    await announce(session, "line", {"id": line_id})


async def holidays_of(session: AsyncSession, line_id: int) -> Sequence[LineHoliday]:
    """The calendar of a line: what comes every year by its date, after what is of one year alone."""
    found = select(LineHoliday).where(LineHoliday.line_id == line_id)
    return (await session.scalars(found.order_by(LineHoliday.every_year, LineHoliday.day))).all()


async def load_hours(session: AsyncSession) -> Mapping[int, Hours]:
    """The hours of every line, by its id. The zone is the line's own, else its shop's, else UTC."""
    weeks: dict[int, list[list[Span]]] = {}
    for row in await session.scalars(select(LineHours).order_by(LineHours.opens)):
        week = weeks.setdefault(row.line_id, [[] for _ in WEEKDAYS])
        week[row.weekday].append(Span(row.opens, row.closes))
    holidays: dict[int, list[Holiday]] = {}
    for it in await session.scalars(select(LineHoliday).order_by(LineHoliday.id)):
        holidays.setdefault(it.line_id, []).append(Holiday(it.day, it.every_year, it.name, it.span))
    zones = select(Line.id, Line.timezone, Shop.timezone).outerjoin(Shop, Shop.id == Line.shop_id)
    return {
        line_id: Hours(ZoneInfo(own or shops or "UTC"), weeks.get(line_id), tuple(holidays.get(line_id, ())))
        for line_id, own, shops in await session.execute(zones)
    }
