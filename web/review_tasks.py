"""What waits to be reviewed, and calls that several judge, in the API; each within the reach of who asks."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm_core import review_calibration
from crm_core.leads_of import leads_of
from crm_core.read import review_tasks
from crm_core.read.one_call import require_call
from crm_core.review_calibration import MOST_REVIEWERS
from web.api import Operations
from web.calls import all_calls
from web.fields import BIGGEST_ID, Answer, Day, Given, Id
from web.listing import possible
from web.noted import note
from web.reviews import MarkAnswer, Words, require_reach
from web.rights import REVIEW_CALLS, VIEW_CALLS
from web.scorecards import QuestionAnswer
from web.services import services
from web.sessions import person

operations = Operations("reviews")
Judges = Annotated[
    list[Annotated[int, Field(ge=1, le=BIGGEST_ID)]], Field(min_length=1, max_length=MOST_REVIEWERS)
]


class TasksQuery(Given):
    """`mine`: only what one can do oneself."""

    mine: bool = True


class TaskAnswer(Answer):
    """One call that waits for its review. `rule`: what drew it; `calibration_id`: several judge it."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    reviewer_id: int | None
    reviewer: str | None
    rule: str | None
    calibration_id: int | None
    scorecard_id: int
    week: Day | None


class LeftOut(Given):
    """Why a call is not reviewed."""

    reason: Words


class ProgressAnswer(Answer):
    """How far somebody is with what was asked in the last four weeks; null: with what was nobody's in particular."""

    reviewer_id: int | None
    name: str | None
    asked: int
    done: int
    skipped: int


class NewCalibration(Given):
    """Who judges the call, by which text."""

    operator_id: Id
    edition_id: Id
    reviewers: Judges


class CalibrationAnswer(Answer):
    """That several judge a call."""

    id: int
    call_id: UUID


class GivenAnswer(Answer):
    """What one of them gave; without a score he has not yet."""

    reviewer_id: int
    reviewer: str
    score: float | None
    comment: str


class LineAnswer(Answer):
    """One question: what each gave, in their order, and how far the highest is from the lowest."""

    question: QuestionAnswer
    marks: list[MarkAnswer | None]
    spread: int | None


class ComparisonAnswer(Answer):
    """How several judged one call."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    card: str
    made_at: datetime
    given: list[GivenAnswer]
    lines: list[LineAnswer]


@operations.get("/review-tasks", right=REVIEW_CALLS)
async def get_review_tasks(request: web.Request, query: TasksQuery) -> list[TaskAnswer]:
    """What waits, the oldest first."""
    who = person(request)
    async with services(request).db.begin() as session:
        found = await review_tasks.list_tasks(
            session, whose=who.whose(REVIEW_CALLS), reader=who.user_id, mine=query.mine
        )
    return [TaskAnswer.model_validate(it) for it in found]


@operations.get("/review-progress", right=REVIEW_CALLS)
async def get_review_progress(request: web.Request) -> list[ProgressAnswer]:
    """How far each reviewer is."""
    parts, whose = services(request), person(request).whose(REVIEW_CALLS)
    async with parts.db.begin() as session:
        found = await review_tasks.load_progress(session, whose=whose, now=parts.now())
    return [ProgressAnswer.model_validate(it) for it in found]


@operations.post("/review-tasks/{review_task_id}/skip", right=REVIEW_CALLS, status=204, errors=(409,))
async def post_review_task_skip(request: web.Request, review_task_id: Id, body: LeftOut) -> None:
    """Leave a call out; why stays with it. 403 for what waits for a colleague."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        whose = who.whose(REVIEW_CALLS)
        await review_tasks.open_task(session, review_task_id, whose=whose, reader=who.user_id)
        await review_tasks.skip_task(
            session, review_task_id, reason=body.reason, user_id=who.user_id, at=parts.now()
        )
        await note(session, request, "review_task.skip", review_task_id, reason=body.reason)


@operations.post("/calls/{call_id}/calibrations", right=REVIEW_CALLS, errors=(409,))
async def post_calibration(request: web.Request, call_id: UUID, body: NewCalibration) -> CalibrationAnswer:
    """Have several judge a call without seeing each other's marks; they are told, the operator is not."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await require_call(session, call_id, user_id=who.circle(VIEW_CALLS), everybody=all_calls(who))
        require_reach(who, body.operator_id)
        may = await leads_of(session, body.operator_id, *REVIEW_CALLS)
        with possible():
            made = await review_calibration.ask_several(
                session, kept, user_id=who.user_id, may=may, at=parts.now(), **body.model_dump()
            )
        await note(
            *(session, request, "review_calibration.add", made.id),
            call_id=str(kept),
            reviewers=body.reviewers,
        )
        return CalibrationAnswer.model_validate(made)


@operations.get("/review-calibrations/{review_calibration_id}", right=REVIEW_CALLS)
async def get_calibration_of_reviews(request: web.Request, review_calibration_id: Id) -> ComparisonAnswer:
    """How several judged one call. 403 for whoever was asked and has not given his own marks yet."""
    who = person(request)
    async with services(request).db.begin() as session:
        found = await review_calibration.load_calibration(
            session, review_calibration_id, whose=who.whose(REVIEW_CALLS), reader=who.user_id
        )
    return ComparisonAnswer.model_validate(found)
