"""Reviews of calls in the API: given, changed, appealed, decided; each within the reach of who asks."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import review
from crm_core.errors import Forbidden
from crm_core.leads_of import leads_of
from crm_core.read.one_call import require_call
from crm_core.read.reviews import By, ReviewPage, list_reviews, load_averages, load_review
from crm_core.score import MOST_QUESTIONS, Mark
from web.api import Operations
from web.calls import all_calls
from web.fields import VISIBLE, Answer, Given, Id, Instant, Version
from web.listing import Listed, Listing, possible
from web.noted import note
from web.rights import REVIEW_CALLS, VIEW_CALLS, VIEW_REVIEWS, Person
from web.say import zone_of
from web.scorecards import QuestionAnswer, QuestionKey
from web.services import services
from web.sessions import person

operations = Operations("reviews")
Comment = Annotated[str, StringConstraints(max_length=2000)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=2000, pattern=VISIBLE)]
LONGEST_S = 86_400


class MarkGiven(Given):
    """What a question is given: points of 100 (a yes is 100, a no is 0), null where it did not apply.

    `at_s`: the second of the recording that shows it.
    """

    key: QuestionKey
    points: Annotated[int, Field(ge=0, le=100)] | None = None
    comment: Comment = ""
    at_s: Annotated[float, Field(ge=0, le=LONGEST_S)] | None = None


Marks = Annotated[list[MarkGiven], Field(min_length=1, max_length=MOST_QUESTIONS)]


class NewReview(Given):
    """What one thinks of a colleague's work in a call. `edition_id`: of `GET /scorecards`."""

    operator_id: Id
    edition_id: Id
    marks: Marks
    comment: Comment = ""
    calibration_id: Id | None = None


class ReviewChange(Given):
    """How one marks it now."""

    version: Version
    marks: Marks
    comment: Comment = ""


class NewAppeal(Given):
    """Why one does not agree."""

    text: Words


class Decision(Given):
    """What becomes of an appeal: without `marks` the review stands."""

    version: Version
    answer: Words
    marks: Marks | None = None


class ReviewsQuery(Listed):
    """Which reviews. `appealed`: those that wait for a decision."""

    operator_id: Id | None = None
    team_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None
    appealed: bool = False


class AveragesQuery(Given):
    """Of whom, of which time, told apart by what; weeks and months begin by the reader's clock."""

    by: By = By.OPERATOR

    operator_id: Id | None = None
    team_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class ReviewItem(Answer):
    """A review in a list; points of 100. `zeroed`: something critical was not fulfilled; `outcome`: of the appeal."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    reviewer_id: int
    reviewer: str
    card: str
    score: float
    zeroed: bool
    reviewed_at: datetime
    appealed_at: datetime | None
    outcome: review.Outcome | None


class MarkAnswer(Answer):
    """What a question was given."""

    key: int
    points: int | None
    comment: str
    at_s: float | None


class JudgedAnswer(Answer):
    """A question and its mark; `was`: what the reviewer gave before a decision changed it."""

    question: QuestionAnswer
    mark: MarkAnswer
    was: MarkAnswer | None


class ReviewAnswer(ReviewItem):
    """A review with its marks; `before`: the score before a decision changed it."""

    edition_id: int
    calibration_id: int | None
    comment: str
    version: int
    appeal: str | None
    answer: str | None
    decided_at: datetime | None
    decided_by: str | None
    before: float | None
    judged: list[JudgedAnswer]


class AverageAnswer(Answer):
    """What the reviews of one operator, team, week or month come to; points of 100. `since`: its first day."""

    operator_id: int | None
    team_id: int | None
    since: date | None
    name: str | None
    reviews: int
    mean: float
    lowest: float
    zeroed: int


@operations.get("/reviews", right=VIEW_REVIEWS, errors=(404,))
async def get_reviews(request: web.Request, query: ReviewsQuery) -> Listing[ReviewItem]:
    """Reviews of oneself, the team's or everybody's, as far as the right reaches; the newest first."""
    whose = person(request).whose(VIEW_REVIEWS)
    async with services(request).db.begin() as session:
        found = await list_reviews(session, whose=whose, **query.model_dump())
    return Listing[ReviewItem].model_validate(found)


@operations.get("/review-averages", right=VIEW_REVIEWS)
async def get_review_averages(request: web.Request, query: AveragesQuery) -> list[AverageAnswer]:
    """What reviews come to, by operator, team, week or month."""
    who = person(request)
    whose, zone = who.whose(VIEW_REVIEWS), zone_of(who.timezone).key
    async with services(request).db.begin() as session:
        found = await load_averages(session, whose=whose, zone=zone, **query.model_dump())
    return [AverageAnswer.model_validate(it) for it in found]


@operations.get("/reviews/{review_id}", right=VIEW_REVIEWS)
async def get_review(request: web.Request, review_id: Id) -> ReviewAnswer:
    """One review with its marks."""
    return ReviewAnswer.model_validate(await seen(request, review_id))


@operations.post("/calls/{call_id}/reviews", right=REVIEW_CALLS, errors=(409,))
async def post_review(request: web.Request, call_id: UUID, body: NewReview) -> ReviewItem:
    """Judge a colleague's work in a call; he is told. 403 for one's own, 409 when one did so before."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await require_call(session, call_id, user_id=who.circle(VIEW_CALLS), everybody=all_calls(who))
        require_reach(who, body.operator_id)
        with possible():
            given = body.model_dump(exclude={"marks"})
            made = await review.give_review(
                session, kept, reviewer_id=who.user_id, marks=marks(body.marks), at=parts.now(), **given
            )
        await note(
            *(session, request, "review.add", made.id),
            call_id=str(kept),
            operator_id=made.operator_id,
            score=str(made.score),
        )
        return await _item(session, request, made.id)


@operations.patch("/reviews/{review_id}", right=REVIEW_CALLS, errors=(409,))
async def patch_review(request: web.Request, review_id: Id, body: ReviewChange) -> ReviewItem:
    """Mark otherwise, while nobody has appealed. 403 for a colleague's, 409 when it was changed meanwhile."""
    parts, who = services(request), person(request)
    was = await seen(request, review_id)
    async with parts.db.begin() as session:
        with possible():
            made = await review.change_review(
                session,
                review_id,
                user_id=who.user_id,
                version=body.version,
                marks=marks(body.marks),
                comment=body.comment,
                at=parts.now(),
            )
        scores = {"before": str(was.score), "score": str(made.score)}
        await note(session, request, "review.change", review_id, **scores)
        return await _item(session, request, review_id)


@operations.post("/reviews/{review_id}/appeal", right=VIEW_REVIEWS, status=204, errors=(409,))
async def post_review_appeal(request: web.Request, review_id: Id, body: NewAppeal) -> None:
    """Say that one does not agree with a review of one's own work; once."""
    parts, who = services(request), person(request)
    found = await seen(request, review_id)
    async with parts.db.begin() as session:
        others = await deciders(session, found)
        with possible():
            await review.appeal(
                session,
                review_id,
                user_id=who.user_id,
                words=body.text,
                deciders=others or {found.reviewer_id},
                at=parts.now(),
            )
        await note(session, request, "review.appeal", review_id, text=body.text)


@operations.post("/reviews/{review_id}/decision", right=REVIEW_CALLS, status=204, errors=(409,))
async def post_review_decision(request: web.Request, review_id: Id, body: Decision) -> None:
    """Decide an appeal: neither whose call it was nor, where there is somebody else, who reviewed it."""
    parts, who = services(request), person(request)
    found = await seen(request, review_id)
    require_reach(who, found.operator_id)
    async with parts.db.begin() as session:
        with possible():
            made = await review.decide(
                session,
                review_id,
                user_id=who.user_id,
                version=body.version,
                answer=body.answer,
                marks=None if body.marks is None else marks(body.marks),
                others=bool(await deciders(session, found)),
                at=parts.now(),
            )
        await note(
            *(session, request, "review.decide", review_id),
            outcome=made.outcome,
            answer=body.answer,
            before=str(found.score),
        )


async def seen(request: web.Request, review_id: int) -> ReviewPage:
    """The review, when the visitor may see it. Raises `NotFound`."""
    who = person(request)
    async with services(request).db.begin() as session:
        return await load_review(session, review_id, whose=who.whose(VIEW_REVIEWS), reader=who.user_id)


def require_reach(who: Person, operator_id: int) -> None:
    """Raises `Forbidden` for the work of somebody whom this person does not review."""
    whose = who.whose(REVIEW_CALLS)
    if whose is not None and operator_id not in whose:
        raise Forbidden("You may not review the calls of this colleague.")


async def deciders(session: AsyncSession, found: ReviewPage) -> set[int]:
    """Who may decide an appeal besides the reviewer."""
    return set(await leads_of(session, found.operator_id, *REVIEW_CALLS)) - {found.reviewer_id}


def marks(given: Sequence[MarkGiven]) -> list[Mark]:
    """The marks as the domain takes them."""
    return [Mark(**it.model_dump()) for it in given]


async def _item(session: AsyncSession, request: web.Request, review_id: int) -> ReviewItem:
    who = person(request)
    whose: Collection[int] | None = who.whose(VIEW_REVIEWS)
    return ReviewItem.model_validate(await load_review(session, review_id, whose=whose, reader=who.user_id))
