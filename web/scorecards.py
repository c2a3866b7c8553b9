"""Scorecards in the API: by which questions calls are judged."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import scorecard
from crm_core.score import MOST_QUESTIONS, MOST_WEIGHT, Kind
from crm_core.scorecard import Wanted
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SCORECARDS, VIEW_REVIEWS
from web.services import services
from web.sessions import person

operations = Operations("reviews")
CardName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=VISIBLE)]
QuestionText = Annotated[str, StringConstraints(min_length=1, max_length=300, pattern=VISIBLE)]
QuestionKey = Annotated[
    int, Field(ge=1, le=100_000, description="names the question through all editions of its card")
]


class QuestionGiven(Given):
    """A question. `scale`: 0 to 100 points; `critical`: a no makes the whole card 0. A new one has no `key`."""

    key: QuestionKey | None = None
    text: QuestionText
    kind: Kind
    weight: Annotated[int, Field(ge=0, le=MOST_WEIGHT)]
    critical: bool = False


Questions = Annotated[list[QuestionGiven], Field(min_length=1, max_length=MOST_QUESTIONS)]


class NewScorecard(Given):
    """A card with its questions."""

    name: CardName
    questions: Questions


class ScorecardChange(Given):
    """What shall be different; reviews that were written keep the text they were judged by."""

    version: Version
    name: CardName | None = None
    questions: Questions | None = None
    active: bool | None = None


class QuestionAnswer(Answer):
    """A question as it is asked now."""

    key: int
    text: str
    kind: Kind
    weight: int
    critical: bool


class ScorecardAnswer(Answer):
    """A card; `edition_id` is its text as it is now, by which a review is written."""

    id: int
    name: str
    active: bool
    version: int
    edition_id: int
    questions: list[QuestionAnswer]


@operations.get("/scorecards", right=VIEW_REVIEWS)
async def get_scorecards(request: web.Request) -> list[ScorecardAnswer]:
    """Every card by its name."""
    async with services(request).db.begin() as session:
        return [ScorecardAnswer.model_validate(it) for it in await scorecard.list_cards(session)]


@operations.post("/scorecards", right=EDIT_SCORECARDS, errors=(409,))
async def post_scorecard(request: web.Request, body: NewScorecard) -> ScorecardAnswer:
    """Make a card. 409 for a name in use, and for questions no card can be made of."""
    async with services(request).db.begin() as session:
        with possible():
            made = await scorecard.create_card(
                session, name=body.name, questions=_wanted(body.questions), user_id=person(request).user_id
            )
        await note(session, request, "scorecard.add", made.id, name=made.name)
        return ScorecardAnswer.model_validate(made)


@operations.patch("/scorecards/{scorecard_id}", right=EDIT_SCORECARDS, errors=(409,))
async def patch_scorecard(request: web.Request, scorecard_id: Id, body: ScorecardChange) -> ScorecardAnswer:
    """Write the next edition of a card. 409 when it was changed meanwhile, or can not be so."""
    async with services(request).db.begin() as session:
        with possible():
            made = await scorecard.update_card(
                session,
                scorecard_id,
                version=body.version,
                user_id=person(request).user_id,
                name=body.name,
                questions=None if body.questions is None else _wanted(body.questions),
                active=body.active,
            )
        await note(
            *(session, request, "scorecard.change", scorecard_id),
            name=made.name,
            edition=made.version,
            active=made.active,
        )
        return ScorecardAnswer.model_validate(made)


def _wanted(questions: list[QuestionGiven]) -> list[Wanted]:
    return [Wanted(**it.model_dump()) for it in questions]
