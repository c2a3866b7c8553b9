"""Alerts in the API: what is wrong on the floor and was, who looks after it, and the rules."""

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import ConfigDict, Field

from crm_core import alert, alert_rule
from crm_core.alert import About
from crm_core.alert_rule import LONGEST_MIN, SHORTEST_MIN, SPECS, Kind, Wanted
from crm_core.user import Role
from web.agents import ReasonCode
from web.api import Operations
from web.fields import Answer, Given, Id, Version
from web.listing import Listed, Listing, possible
from web.noted import note
from web.pauses import QueueName
from web.rights import EDIT_ALERTS, VIEW_FLOOR
from web.services import services
from web.sessions import person

operations = Operations("alerts")
Bound = Annotated[
    int, Field(ge=1, le=7200, description="seconds, minutes, per cent or recordings, by the kind")
]
Minutes = Annotated[int, Field(ge=SHORTEST_MIN, le=LONGEST_MIN)]


class AlertsQuery(Listed):
    """`unfinished`: only what is not over yet."""

    unfinished: bool = False


class AlertAnswer(Answer):
    """One alert. `of`: the name of the queue or switchboard, the id of the operator; `acked_name`: who looks after
    it."""

    id: int
    rule_id: int | None
    kind: Kind
    about: About
    of: str
    text: str
    raised_at: datetime
    cleared_at: datetime | None
    acked_at: datetime | None
    acked_name: str | None


class RuleAnswer(Answer):
    """One rule. `bound` in `unit`; `queue`, `reason` null: every one; `minutes`: over how many a share or a number is
    told; `roles`, `user_ids`: who is told."""

    id: int
    kind: Kind
    unit: str
    queue: str | None
    reason: str | None
    bound: int
    minutes: int | None
    roles: list[Role]
    user_ids: list[int]
    active: bool
    version: int


class RuleGiven(Given):
    """A rule as it shall be. What its kind does not have (see `unit`, `queue`, `reason`, `minutes`) is passed over."""

    kind: Kind
    bound: Bound
    queue: QueueName | None = None
    reason: ReasonCode | None = None
    minutes: Minutes | None = None
    roles: Annotated[list[Role], Field(max_length=10)] = Field(default_factory=list)
    user_ids: Annotated[list[Id], Field(max_length=50)] = Field(default_factory=list)
    active: bool = True

    def wanted(self) -> Wanted:
        """The same for the house."""
        return Wanted(**self.model_dump(include=set(Wanted.__annotations__)))


class RuleChange(RuleGiven):
    """The rule as it shall be, in the place of the version that was read."""

    model_config = ConfigDict(title="AlertRuleChange")
    version: Version


def told(rule: alert_rule.AlertRule) -> RuleAnswer:
    """A rule as it is answered."""
    facts: dict[str, Any] = {name: getattr(rule, name) for name in RuleAnswer.model_fields if name != "unit"}
    return RuleAnswer.model_validate(facts | {"unit": SPECS[Kind(rule.kind)].unit})


@operations.get("/alerts", right=VIEW_FLOOR, errors=(404,))
async def get_alerts(request: web.Request, query: AlertsQuery) -> Listing[AlertAnswer]:
    """What was wrong on the floor, the newest first; who sees a team or himself alone sees its operators' alerts."""
    whose = person(request).whose(VIEW_FLOOR)
    async with services(request).db.begin() as session:
        found = await alert.list_alerts(session, whose=whose, **query.model_dump())
    return Listing[AlertAnswer].model_validate(found)


@operations.post("/alerts/{alert_id}/acknowledge", right=VIEW_FLOOR, status=204, errors=(404, 409))
async def post_acknowledged(request: web.Request, alert_id: Id) -> None:
    """You look after it. 409 when a colleague does."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        whose = who.whose(VIEW_FLOOR)
        await alert.acknowledge(session, alert_id, user_id=who.user_id, whose=whose, at=parts.now())
        await note(session, request, "alert.acknowledge", alert_id)


@operations.get("/alert-rules", right=EDIT_ALERTS)
async def get_rules(request: web.Request) -> list[RuleAnswer]:
    """All rules by kind, the general ones first."""
    async with services(request).db.begin() as session:
        return [told(it) for it in await alert_rule.list_rules(session)]


@operations.post("/alert-rules", right=EDIT_ALERTS, errors=(409,))
async def post_rule(request: web.Request, body: RuleGiven) -> RuleAnswer:
    """One more rule. 409 for a bound that its kind can not have, and for somebody who does not work here."""
    async with services(request).db.begin() as session:
        with possible():
            made = await alert_rule.create_rule(session, body.wanted())
        await note(session, request, "alert_rule.add", made.id, kind=made.kind, bound=made.bound)
        return told(made)


@operations.put("/alert-rules/{rule_id}", right=EDIT_ALERTS, errors=(404, 409))
async def put_rule(request: web.Request, rule_id: Id, body: RuleChange) -> RuleAnswer:
    """Change a rule. 409 when `version` is stale, and for what can not be."""
    async with services(request).db.begin() as session:
        with possible():
            changed = await alert_rule.change_rule(session, rule_id, body.wanted(), version=body.version)
        await note(session, request, "alert_rule.change", rule_id, kind=changed.kind, bound=changed.bound)
        return told(changed)


@operations.delete("/alert-rules/{rule_id}", right=EDIT_ALERTS, errors=(404,))
async def delete_rule(request: web.Request, rule_id: Id) -> None:
    """Take a rule away; what it raised stays in the log."""
    async with services(request).db.begin() as session:
        removed = await alert_rule.remove_rule(session, rule_id)
        await note(session, request, "alert_rule.remove", rule_id, kind=removed.kind)
