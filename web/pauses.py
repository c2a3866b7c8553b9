"""Pause reasons and the rules of wrap-up in the API: read by every desk, kept by administrators."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import pause_reason, wrap_up_rule
from crm_core.wrap_up_rule import LONGEST_S
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id
from web.listing import possible
from web.noted import note
from web.rights import EDIT_PAUSES, VIEW_AGENTS
from web.services import services

operations = Operations("pauses")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
QueueName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,79}$")]
Position = Annotated[int, Field(ge=0, le=10_000)]


class PauseReasonAnswer(Answer):
    """Why one may pause; `code` stands on the switchboard and in the log, `productive`: it is work."""

    id: int
    code: str
    label: str
    productive: bool
    active: bool
    position: int


class NewPauseReason(Given):
    """Another reason; its code is made of the label."""

    label: Label
    productive: bool = False


class PauseReasonChange(Given):
    """What shall be different; what is absent stays. Not active: no longer offered."""

    label: Label | None = None
    productive: bool | None = None
    active: bool | None = None
    position: Position | None = None


class WrapUpRuleAnswer(Answer):
    """Seconds of wrap-up after an answered queue call (0: none); null: every queue, every operator."""

    id: int
    queue: str | None
    user_id: int | None
    seconds: int


class NewWrapUpRule(Given):
    """How long; it takes the place of what was said for the same queue and operator."""

    seconds: Annotated[int, Field(ge=0, le=LONGEST_S)]
    queue: QueueName | None = None
    user_id: Id | None = None


@operations.get("/pause-reasons", right=VIEW_AGENTS)
async def get_pause_reasons(request: web.Request) -> list[PauseReasonAnswer]:
    """All reasons in the order in which they are offered."""
    async with services(request).db.begin() as session:
        found = await pause_reason.list_pause_reasons(session)
        return [PauseReasonAnswer.model_validate(it) for it in found]


@operations.post("/pause-reasons", right=EDIT_PAUSES, errors=(409,))
async def post_pause_reason(request: web.Request, body: NewPauseReason) -> PauseReasonAnswer:
    """Add a reason. 409 when there is one of this name."""
    async with services(request).db.begin() as session:
        with possible():
            made = await pause_reason.create_pause_reason(session, **body.model_dump())
        await note(session, request, "pause_reason.add", made.id, label=made.label)
        return PauseReasonAnswer.model_validate(made)


@operations.patch("/pause-reasons/{reason_id}", right=EDIT_PAUSES, errors=(409,))
async def patch_pause_reason(
    request: web.Request, reason_id: Id, body: PauseReasonChange
) -> PauseReasonAnswer:
    """Change a reason; what it was called in the past is not rewritten, its code stays."""
    changes = body.model_dump(exclude_none=True)
    async with services(request).db.begin() as session:
        with possible():
            changed = await pause_reason.update_pause_reason(session, reason_id, **changes)
        await note(session, request, "pause_reason.change", reason_id, fields=sorted(changes))
        return PauseReasonAnswer.model_validate(changed)


@operations.get("/wrap-up-rules", right=EDIT_PAUSES)
async def get_wrap_up_rules(request: web.Request) -> list[WrapUpRuleAnswer]:
    """All rules, the general ones first."""
    async with services(request).db.begin() as session:
        found = await wrap_up_rule.list_wrap_up_rules(session)
        return [WrapUpRuleAnswer.model_validate(it) for it in found]


@operations.post("/wrap-up-rules", right=EDIT_PAUSES, errors=(404, 409))
async def post_wrap_up_rule(request: web.Request, body: NewWrapUpRule) -> WrapUpRuleAnswer:
    """Say how long a wrap-up is: for a queue, an operator, both, or all. 404 for an unknown operator."""
    async with services(request).db.begin() as session:
        with possible():
            rule = await wrap_up_rule.set_wrap_up_rule(session, **body.model_dump())
        await note(session, request, "wrap_up_rule.set", rule.id, **body.model_dump())
        return WrapUpRuleAnswer.model_validate(rule)


@operations.delete("/wrap-up-rules/{rule_id}", right=EDIT_PAUSES)
async def delete_wrap_up_rule(request: web.Request, rule_id: Id) -> None:
    """Take a rule away."""
    async with services(request).db.begin() as session:
        await wrap_up_rule.remove_wrap_up_rule(session, rule_id)
        await note(session, request, "wrap_up_rule.remove", rule_id)
