"""Working time: begin and end it, days of a month, corrections by who may, and the month as a file."""

from datetime import date, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import work_time
from crm_core.errors import Forbidden, Invalid
from crm_core.figure.period import Period, of_days
from crm_core.read.attendance import Attendance, load_attendance
from crm_core.read.figure_labels import zones
from crm_core.user import get_user
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Instant, Version
from web.listing import possible
from web.noted import note
from web.rights import CORRECT_WORK, KEEP_WORK, VIEW_WORK, Person
from web.services import services
from web.sessions import person

operations = Operations("work")
Month = Annotated[
    str,
    StringConstraints(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$"),
    Field(description="2026-11; this month where it is not said"),
]
Why = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=VISIBLE)]


class WorkNowAnswer(Answer):
    """Since when one is at work; null: one is not."""

    began_at: datetime | None


class WorkSpanAnswer(Answer):
    """Said to be at work from `began_at` until `ended_at` (null: still)."""

    id: int
    user_id: int
    began_at: datetime
    ended_at: datetime | None
    version: int


class WorkDayAnswer(Answer):
    """One day in seconds. `worked_s` is `at_work_s` less `break_s`; `off_s`: at work with the telephone off;
    `estimated`: from the first to the last call or pause, because nobody said when; `goes_on`: still at work."""

    day: date
    began_at: datetime
    ended_at: datetime
    at_work_s: int
    break_s: int
    worked_s: int
    off_s: int
    phone_s: int
    estimated: bool
    goes_on: bool


class AttendanceAnswer(Answer):
    """One person's days of a month."""

    user_id: int
    name: str
    worked_s: int
    days: list[WorkDayAnswer]
    spans: list[WorkSpanAnswer]


class MonthQuery(Given):
    """Which month, whose."""

    month: Month | None = None
    user_id: Id | None = None


class NewWorkSpan(Given):
    """Working time that nobody said."""

    user_id: Id
    began_at: Instant
    ended_at: Instant | None = None
    reason: Why


class WorkSpanChange(Given):
    """When it really was."""

    began_at: Instant
    ended_at: Instant | None = None
    reason: Why
    version: Version


class WhyRemoved(Given):
    """Why there was no such working time."""

    reason: Why


@operations.get("/attendance", right=KEEP_WORK)
async def get_work(request: web.Request) -> WorkNowAnswer:
    """Is one at work?"""
    async with services(request).db.begin() as session:
        span = await work_time.open_span(session, person(request).user_id)
        return WorkNowAnswer(began_at=span.began_at if span else None)


@operations.post("/attendance/begin", right=KEEP_WORK, status=200, errors=(409,))
async def post_work_begin(request: web.Request) -> WorkNowAnswer:
    """One begins to work. 409 when one has."""
    parts = services(request)
    async with parts.db.begin() as session:
        span = await work_time.begin_work(session, person(request).user_id, at=parts.now())
        return WorkNowAnswer(began_at=span.began_at)


@operations.post("/attendance/end", right=KEEP_WORK, status=200, errors=(409,))
async def post_work_end(request: web.Request) -> WorkNowAnswer:
    """One has ended. 409 when one had not begun."""
    parts = services(request)
    async with parts.db.begin() as session:
        await work_time.end_work(session, person(request).user_id, at=parts.now())
        return WorkNowAnswer(began_at=None)


@operations.get("/attendance/days", right=VIEW_WORK, errors=(404,))
async def get_work_days(request: web.Request, query: MonthQuery) -> list[AttendanceAnswer]:
    """The days of a month: one's own, the team's or everybody's, as far as the right reaches."""
    async with services(request).db.begin() as session:
        if query.user_id is not None:
            await get_user(session, query.user_id)
        found = await attendance(session, request, query.month, query.user_id)
        return [AttendanceAnswer.model_validate(it) for it in found]


@operations.post("/attendance/spans", right=CORRECT_WORK, errors=(404, 409))
async def post_work_span(request: web.Request, body: NewWorkSpan) -> WorkSpanAnswer:
    """Add working time of a colleague; the reason stays with it."""
    span = await correct(request, body.user_id, None, body.began_at, body.ended_at, body.reason)
    return WorkSpanAnswer.model_validate(span)


@operations.patch("/attendance/spans/{span_id}", right=CORRECT_WORK, errors=(409,))
async def patch_work_span(request: web.Request, span_id: Id, body: WorkSpanChange) -> WorkSpanAnswer:
    """Say when it really was."""
    owner = await owner_of(request, span_id)
    span = await correct(request, owner, span_id, body.began_at, body.ended_at, body.reason, body.version)
    return WorkSpanAnswer.model_validate(span)


@operations.post("/attendance/spans/{span_id}/remove", right=CORRECT_WORK, status=204, errors=(409,))
async def post_work_span_remove(request: web.Request, span_id: Id, body: WhyRemoved) -> None:
    """Take it out; what it was stays in the list of corrections."""
    await correct(request, await owner_of(request, span_id), span_id, None, None, body.reason)


async def attendance(
    session: AsyncSession,
    request: web.Request,
    month: str | None,
    user_id: int | None,
    team_id: int | None = None,
) -> list[Attendance]:
    """Whose days the visitor may see of what is asked for. Raises `Forbidden`."""
    who, now = person(request), services(request).now()
    whose = who.whose(VIEW_WORK)
    if user_id is not None:
        require_reach(who, user_id, whose)
        whose = frozenset((user_id,))
    return await load_attendance(
        session, await period_of(session, month, now), users=whose, team_id=team_id, now=now
    )


def require_reach(who: Person, user_id: int, whose: frozenset[int] | None) -> None:
    """Raises `Forbidden` for somebody whose working time is not this person's business."""
    if whose is not None and user_id not in whose:
        raise Forbidden("You may not see when this colleague works.")


async def period_of(session: AsyncSession, month: str | None, now: datetime) -> Period:
    """The month by the clock of the house."""
    zone = ZoneInfo((await zones(session))[0])
    first = date.fromisoformat(f"{month}-01") if month else now.astimezone(zone).date().replace(day=1)
    following = (first + timedelta(days=32)).replace(day=1)
    return of_days(first, following - timedelta(days=1), zone)


async def owner_of(request: web.Request, span_id: int) -> int:
    """Whose working time it is. Raises `NotFound`."""
    async with services(request).db.begin() as session:
        return (await work_time.get_span(session, span_id)).user_id


async def correct(
    request: web.Request,
    user_id: int,
    span_id: int | None,
    began_at: datetime | None,
    ended_at: datetime | None,
    reason: str,
    version: int | None = None,
) -> work_time.WorkSpan | None:
    """Correct working time of a colleague within reach, and note who did."""
    parts, who = services(request), person(request)
    whose = who.whose(CORRECT_WORK)
    if whose is not None and user_id not in whose:
        raise Forbidden("You may not correct when this colleague worked.")
    async with parts.db.begin() as session:
        with possible():
            await get_user(session, user_id)
            span = await work_time.correct_work(
                *(session, user_id, span_id),
                began_at=began_at,
                ended_at=ended_at,
                reason=reason,
                by=who.user_id,
                at=parts.now(),
                version=version,
            )
        await note(
            *(session, request, "attendance.correct", user_id),
            began_at=began_at,
            ended_at=ended_at,
            reason=reason,
            span_id=span_id,
        )
    return span


def instant_of(day: str, text: str, zone: ZoneInfo, field: str) -> datetime | None:
    """A time of the day as it was typed; None for nothing. Raises `Invalid`."""
    if not text:
        return None
    try:
        return datetime.fromisoformat(f"{day}T{text}").replace(tzinfo=zone)
    except ValueError:
        raise Invalid("Write a time such as 09:30.", field) from None
