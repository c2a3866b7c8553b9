"""The rules by which new orders and leads get their responsible; tried before they are kept."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import assignment, audit
from crm_core.assignment import MOST
from crm_core.assignment_rule import How, Rule, Thing
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Money, ShortText, Version
from web.listing import Price, possible
from web.middleware import visitor_address
from web.reach import narrowed
from web.rights import EDIT_ASSIGNMENT, VIEW_ORDERS, require
from web.services import services
from web.sessions import person

operations = Operations("assignment")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]


class RuleAnswer(Answer):
    """One rule. A condition that is null asks nothing; `thing` null: orders and leads. `how`: `person` names `user_id`;
    `fewest` (open orders and leads) and `random` choose from `team_id`, else from operators and senior operators, with
    `present` from those at work alone; `nobody` leaves it in the common list."""

    name: str
    thing: Thing | None
    shop_id: int | None
    line_id: int | None
    amount_from: Money | None
    amount_below: Money | None
    vip: bool | None
    category: str | None
    source: str | None
    how: How
    user_id: int | None
    team_id: int | None
    present: bool
    active: bool


class RulesAnswer(Answer):
    """The rules in the order in which they are tried, and the version of the list."""

    version: int
    rules: list[RuleAnswer]


class RuleGiven(Given):
    """A rule as it shall be; see `GET /assignment-rules`. `source`: the customer's or the lead's."""

    name: Label
    thing: Thing | None = None
    shop_id: Id | None = None
    line_id: Id | None = None
    amount_from: Price | None = None
    amount_below: Price | None = None
    vip: bool | None = None
    category: ShortText | None = None
    source: ShortText | None = None
    how: How
    user_id: Id | None = None
    team_id: Id | None = None
    present: bool = True
    active: bool = True


Rules = Annotated[list[RuleGiven], Field(max_length=MOST)]


class RulesGiven(Given):
    """All rules as they shall be, in their order."""

    version: Version
    rules: Rules


class TrialWanted(Given):
    """Rules to be tried."""

    rules: Rules


class TrialAnswer(Answer):
    """What the rules would do with one order: the rule that counts and its place (null: none has anybody), and the
    names of those of whom one would get it. `manager`: who has it in truth."""

    order_id: int
    number: str
    customer_name: str = Field(validation_alias="customer")
    total: Money
    currency: str
    created_at: datetime
    manager: str | None
    rule: str | None
    place: int | None
    names: list[str]


@operations.get("/assignment-rules", right=EDIT_ASSIGNMENT)
async def get_assignment_rules(request: web.Request) -> RulesAnswer:
    """The rules in the order in which they are tried: the first that fits and has somebody counts."""
    async with services(request).db.begin() as session:
        found = await assignment.list_rules(session)
    return RulesAnswer.model_validate({"version": assignment.version_of(found), "rules": found})


@operations.put("/assignment-rules", right=EDIT_ASSIGNMENT, errors=(409,))
async def put_assignment_rules(request: web.Request, body: RulesGiven) -> RulesAnswer:
    """Let these be the rules. 409 when `version` is stale, and for a rule that names what is not there."""
    async with services(request).db.begin() as session:
        with possible():
            kept = await assignment.save_rules(session, wanted(body.rules), version=body.version)
        await audit.record(
            session,
            user_id=person(request).user_id,
            action="assignment_rules.change",
            object_kind="assignment_rules",
            detail={"rules": [it.model_dump(mode="json", exclude_defaults=True) for it in body.rules]},
            address=visitor_address(request),
        )
        return RulesAnswer.model_validate({"version": assignment.version_of(kept), "rules": kept})


@operations.post("/assignment-rules/trial", right=EDIT_ASSIGNMENT, status=200, errors=(403, 409))
async def post_trial(request: web.Request, body: TrialWanted) -> list[TrialAnswer]:
    """What these rules would do with the last 50 orders, with those who are at work now. Nothing is kept."""
    require(person(request), VIEW_ORDERS)
    with narrowed(request), possible():
        async with services(request).db.begin() as session:
            found = await assignment.try_rules(session, wanted(body.rules))
    return [TrialAnswer.model_validate(it) for it in found]


def wanted(rules: list[RuleGiven]) -> list[Rule]:
    """What was sent, as rules."""
    return [Rule(**dict(it)) for it in rules]
