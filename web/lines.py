"""Lines: the numbers that people dial, their other spellings, when they are open. For administrators."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import line, line_hours
from crm_core.hours import Holiday, Span, check_spans, minutes, span
from crm_core.line import Line
from crm_core.shop import Shop
from web.api import Operations
from web.fields import Answer, Day, Given, Id, Name
from web.listing import possible
from web.noted import note
from web.rights import EDIT_LINES, VIEW_LINES
from web.services import services
from web.users import PbxName, Zone

operations = Operations("lines")

Dialled = Annotated[str, StringConstraints(pattern=r"^[+0-9A-Za-z*#_.-]{1,60}$")]
Opens = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
Closes = Annotated[
    str,
    StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    Field(description="not later than `opens`: on the next day"),
]


class Opening(Given):
    """One time of opening, by the clock on the wall of the line's zone."""

    opens: Opens
    closes: Closes


Weekday = Annotated[list[Opening], Field(max_length=6)]


class NewLine(Given):
    """A number that people dial. `timezone`: of its hours; without one the shop's."""

    pbx: PbxName
    did: Dialled
    name: Name
    shop_id: Id | None = None
    aliases: Annotated[list[Dialled], Field(max_length=50)] = Field(default=[])
    timezone: Zone | None = None


class LineChange(Given):
    """What shall be different; what is absent stays."""

    name: Name | None = None
    aliases: Annotated[list[Dialled], Field(max_length=50)] | None = None
    shop_id: Id | None = None
    timezone: Zone | None = None
    makes_leads: bool | None = None


class Week(Given):
    """When a line is open, Monday first; null: always. 409 when two times of a day overlap."""

    week: Annotated[list[Weekday], Field(min_length=7, max_length=7)] | None


class NewHoliday(Given):
    """A day that is not as its weekday: closed, or open as said. `every_line`: of all lines, not of this alone."""

    day: Day
    name: Name
    every_year: bool = False
    hours: Opening | None = None
    every_line: bool = False


class OpeningAnswer(Answer):
    """One time of opening; `closes` not later than `opens` is on the next day."""

    opens: str
    closes: str


class HolidayAnswer(Answer):
    """A day that is not as its weekday; `hours` null: closed."""

    id: int
    day: date
    name: str
    every_year: bool
    hours: OpeningAnswer | None


class LineDetail(Answer):
    """A line with its hours. `makes_leads`: who calls here and is not known becomes a lead; `zone`: the one that
    counts; `next_opening`: null while open, or when it never opens."""

    id: int
    pbx: str
    did: str
    name: str
    aliases: list[str]
    shop_id: int | None
    timezone: str | None
    makes_leads: bool
    zone: str
    open_now: bool
    next_opening: datetime | None
    week: list[list[OpeningAnswer]] | None
    holidays: list[HolidayAnswer]


def opening_answer(given: Span) -> OpeningAnswer:
    """A span as two clocks."""
    opens, _, closes = str(given).partition("\N{EN DASH}")
    return OpeningAnswer(opens=opens, closes=closes)


def spans_of(openings: Sequence[Opening]) -> tuple[Span, ...]:
    """The spans that these openings mean. Raises `Invalid`."""
    return check_spans(span(minutes(it.opens), minutes(it.closes)) for it in openings)


async def load_line(session: AsyncSession, line_id: int, now: datetime) -> LineDetail:
    """The line with its hours. Raises `NotFound`."""
    found = await line.get_line(session, line_id)
    hours = (await line_hours.load_hours(session))[line_id]
    calendar = [
        HolidayAnswer(
            id=it.id,
            day=it.day,
            name=it.name,
            every_year=it.every_year,
            hours=opening_answer(it.span) if it.span else None,
        )
        for it in await line_hours.holidays_of(session, line_id)
    ]
    is_open = hours.is_open(now)
    return LineDetail(
        id=found.id,
        pbx=found.pbx,
        did=found.did,
        name=found.name,
        aliases=found.aliases,
        shop_id=found.shop_id,
        timezone=found.timezone,
        makes_leads=found.makes_leads,
        zone=str(hours.zone),
        open_now=is_open,
        next_opening=None if is_open else hours.next_opening(now),
        week=None if hours.week is None else [[opening_answer(s) for s in spans] for spans in hours.week],
        holidays=calendar,
    )


async def _answer(request: web.Request, session: AsyncSession, line_id: int) -> LineDetail:
    return await load_line(session, line_id, services(request).now())


@operations.get("/lines/{line_id}", right=VIEW_LINES)
async def get_line(request: web.Request, line_id: Id) -> LineDetail:
    """One line with its hours and holidays."""
    async with services(request).db.begin() as session:
        return await _answer(request, session, line_id)


@operations.post("/lines", right=EDIT_LINES, errors=(409,))
async def post_line(request: web.Request, body: NewLine) -> LineDetail:
    """Add a line. 409 when another one is dialled by this number or alias."""
    async with services(request).db.begin() as session:
        shop = await session.get(Shop, body.shop_id) if body.shop_id else None
        country = shop.country if shop else services(request).settings.country
        with possible():
            made = await line.create_line(session, country=country, **body.model_dump())
        await note(session, request, "line.add", made.id)
        return await _answer(request, session, made.id)


@operations.patch("/lines/{line_id}", right=EDIT_LINES, errors=(409,))
async def patch_line(request: web.Request, line_id: Id, body: LineChange) -> LineDetail:
    """Change a line. 409 when another one has one of the aliases."""
    changes = body.model_dump(exclude_unset=True)
    kept = {
        name: value for name, value in changes.items() if value is not None or name in ("shop_id", "timezone")
    }
    async with services(request).db.begin() as session:
        with possible():
            await line.update_line(session, line_id, kept)
        await note(session, request, "line.change", line_id, fields=sorted(kept))
        return await _answer(request, session, line_id)


@operations.put("/lines/{line_id}/hours", right=EDIT_LINES, errors=(409,))
async def put_hours(request: web.Request, line_id: Id, body: Week) -> LineDetail:
    """Say when a line is open."""
    async with services(request).db.begin() as session:
        with possible():
            week = None if body.week is None else [spans_of(day) for day in body.week]
            await line_hours.set_week(session, line_id, week)
        await note(session, request, "line.hours", line_id)
        return await _answer(request, session, line_id)


@operations.post("/lines/{line_id}/holidays", right=EDIT_LINES, errors=(409,))
async def post_holiday(request: web.Request, line_id: Id, body: NewHoliday) -> LineDetail:
    """Put a holiday into the calendar; one on the same day is replaced."""
    async with services(request).db.begin() as session:
        await line.get_line(session, line_id)
        lines = (await session.scalars(select(Line.id))).all() if body.every_line else [line_id]
        with possible():
            hours = spans_of([body.hours])[0] if body.hours else None
            holiday = Holiday(body.day, body.every_year, body.name, hours)
            await line_hours.add_holiday(session, lines, holiday)
        await note(session, request, "line.holiday", line_id, day=body.day.isoformat(), lines=len(lines))
        return await _answer(request, session, line_id)


@operations.delete("/lines/{line_id}/holidays/{holiday_id}", right=EDIT_LINES)
async def delete_holiday(request: web.Request, line_id: Id, holiday_id: Id) -> None:
    """Take a holiday out of the calendar of this line."""
    async with services(request).db.begin() as session:
        await line_hours.remove_holiday(session, line_id, holiday_id)
        await note(session, request, "line.holiday_removed", line_id, holiday_id=holiday_id)
