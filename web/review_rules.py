"""Rules of what is to be reviewed, in the API: how many calls of every operator a week, of which, by whom."""

from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import review_rule
from crm_core.review_draw import draw_due
from crm_core.review_task import Pick
from web.api import Operations
from web.fields import BIGGEST_ID, VISIBLE, Answer, Day, Given, Id, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_SCORECARDS
from web.services import services

operations = Operations("reviews")
RuleName = Annotated[str, StringConstraints(min_length=1, max_length=80, pattern=VISIBLE)]
PerOperator = Annotated[int, Field(ge=1, le=50, description="calls of each operator a week")]
TalkS = Annotated[int, Field(ge=0, le=7200, description="the shortest talk that counts, seconds")]
OutcomeOf = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]{1,40}$")]
Reviewers = Annotated[list[Annotated[int, Field(ge=1, le=BIGGEST_ID)]], Field(max_length=50)]
_NULL = ("line_id", "outcome", "tag_id", "team_id")


class NewReviewRule(Given):
    """A rule. null: of every line, outcome, tag, team; `reviewers` take turns, none: whoever may."""

    name: RuleName
    scorecard_id: Id
    per_operator: PerOperator = 3
    min_talk_s: TalkS = 60
    pick: Pick = Pick.RANDOM
    line_id: Id | None = None
    outcome: OutcomeOf | None = None
    tag_id: Id | None = None
    team_id: Id | None = None
    reviewers: Annotated[Reviewers, Field(default_factory=list)]
    active: bool = True


class ReviewRuleChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    name: RuleName | None = None
    scorecard_id: Id | None = None
    per_operator: PerOperator | None = None
    min_talk_s: TalkS | None = None
    pick: Pick | None = None
    line_id: Id | None = None
    outcome: OutcomeOf | None = None
    tag_id: Id | None = None
    team_id: Id | None = None
    reviewers: Reviewers | None = None
    active: bool | None = None


class ReviewRuleAnswer(Answer):
    """A rule; `drawn_week`: the Monday of the week that was drawn last."""

    id: int
    name: str
    scorecard_id: int
    per_operator: int
    min_talk_s: int
    pick: Pick
    line_id: int | None
    outcome: str | None
    tag_id: int | None
    team_id: int | None
    reviewers: list[int]
    active: bool
    drawn_week: Day | None
    version: int


@operations.get("/review-rules", right=EDIT_SCORECARDS)
async def get_review_rules(request: web.Request) -> list[ReviewRuleAnswer]:
    """Every rule by its name."""
    async with services(request).db.begin() as session:
        return [ReviewRuleAnswer.model_validate(it) for it in await review_rule.list_rules(session)]


@operations.post("/review-rules", right=EDIT_SCORECARDS, errors=(409,))
async def post_review_rule(request: web.Request, body: NewReviewRule) -> ReviewRuleAnswer:
    """Make a rule; the last week is drawn at once. 409 for a name in use and for what is not there."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            made = await review_rule.create_rule(session, **body.model_dump())
        await note(session, request, "review_rule.add", made.id, name=made.name)
        await draw_due(session, now=parts.now())
        return ReviewRuleAnswer.model_validate(made)


@operations.patch("/review-rules/{review_rule_id}", right=EDIT_SCORECARDS, errors=(409,))
async def patch_review_rule(
    request: web.Request, review_rule_id: Id, body: ReviewRuleChange
) -> ReviewRuleAnswer:
    """Change a rule, for the weeks to come. 409 when it was changed meanwhile, or can not be so."""
    sent: dict[str, Any] = body.model_dump(exclude_unset=True)
    changes = {name: value for name, value in sent.items() if value is not None or name in _NULL}
    async with services(request).db.begin() as session:
        with possible():
            made = await review_rule.update_rule(session, review_rule_id, **changes)
        await note(session, request, "review_rule.change", review_rule_id, name=made.name)
        return ReviewRuleAnswer.model_validate(made)


@operations.delete("/review-rules/{review_rule_id}", right=EDIT_SCORECARDS)
async def delete_review_rule(request: web.Request, review_rule_id: Id) -> None:
    """Draw by it no more; what was drawn stays to be reviewed."""
    async with services(request).db.begin() as session:
        gone = await review_rule.remove_rule(session, review_rule_id)
        await note(session, request, "review_rule.remove", review_rule_id, name=gone.name)
