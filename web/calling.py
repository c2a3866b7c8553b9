"""When customers may be called and how often it is tried again; who calls back whom a line missed."""

from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.calling_hours import LONGEST_MINUTES, load_calling, set_calling
from crm_core.line import get_line
from crm_core.missed_rule import Strategy, missed_plan, set_missed_rule
from web.api import Operations
from web.callbacks import Attempts, Minutes
from web.fields import Answer, Given, Id
from web.lines import OpeningAnswer, Weekday, opening_answer, spans_of
from web.listing import possible
from web.noted import note
from web.rights import EDIT_LINES, VIEW_CALLBACKS, VIEW_LINES
from web.services import services

operations = Operations("callbacks")
Within = Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]


class CallingAnswer(Answer):
    """The rule of the house: allowed hours by weekday, Monday first, on the clock of the customer."""

    week: list[list[OpeningAnswer]]
    repeat_minutes: int
    most_attempts: int


class CallingChange(Given):
    """The rule as a whole. 409 when two times of a day overlap, or no day has any."""

    week: Annotated[list[Weekday], Field(min_length=7, max_length=7)]
    repeat_minutes: Minutes
    most_attempts: Attempts


class MissedAnswer(Answer):
    """Who calls back whom this line missed: the first strategy that finds somebody counts, else anyone may."""

    strategies: list[Strategy]
    team_id: int | None
    within_minutes: int


class MissedChange(Given):
    """The rule of a line as a whole. 409 for a strategy that stands there twice, and for a team that is none."""

    strategies: Annotated[list[Strategy], Field(max_length=len(Strategy))]
    team_id: Id | None = None
    within_minutes: Within = 10


@operations.get("/calling-rule", right=VIEW_CALLBACKS)
async def get_calling_rule(request: web.Request) -> CallingAnswer:
    """When customers may be called."""
    async with services(request).db.begin() as session:
        return await load_rule(session)


@operations.put("/calling-rule", right=EDIT_LINES, errors=(409,))
async def put_calling_rule(request: web.Request, body: CallingChange) -> CallingAnswer:
    """Say when customers may be called, and how often it is tried again."""
    async with services(request).db.begin() as session:
        with possible():
            week = [", ".join(str(span) for span in spans_of(day)) for day in body.week]
            await set_calling(
                session, week=week, repeat_minutes=body.repeat_minutes, most_attempts=body.most_attempts
            )
        await note(session, request, "calling.change", None)
        return await load_rule(session)


@operations.get("/lines/{line_id}/missed", right=VIEW_LINES)
async def get_missed_rule(request: web.Request, line_id: Id) -> MissedAnswer:
    """Who calls back whom this line missed."""
    async with services(request).db.begin() as session:
        await get_line(session, line_id)
        return await load_missed(session, line_id)


@operations.put("/lines/{line_id}/missed", right=EDIT_LINES, errors=(409,))
async def put_missed_rule(request: web.Request, line_id: Id, body: MissedChange) -> MissedAnswer:
    """Say who calls back whom this line missed, and how soon."""
    async with services(request).db.begin() as session:
        with possible():
            await set_missed_rule(session, line_id, **body.model_dump())
        await note(session, request, "line.missed", line_id)
        return await load_missed(session, line_id)


async def load_rule(session: AsyncSession) -> CallingAnswer:
    """The rule of the house."""
    rule = await load_calling(session)
    return CallingAnswer(
        week=[[opening_answer(span) for span in day] for day in rule.week],
        repeat_minutes=int(rule.repeat.total_seconds() // 60),
        most_attempts=rule.most,
    )


async def load_missed(session: AsyncSession, line_id: int) -> MissedAnswer:
    """The rule of a line."""
    plan = await missed_plan(session, line_id)
    return MissedAnswer(
        strategies=list(plan.strategies),
        team_id=plan.team_id,
        within_minutes=int(plan.within.total_seconds() // 60),
    )
