"""Funnels with their stages and the reasons of lost deals: read by everyone with deals, kept by administrators."""

from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import funnel
from crm_core.funnel import LONGEST_DAYS, MOST_STAGES, Kind, StageWanted
from web.api import Operations
from web.deals import StageCode
from web.fields import VISIBLE, Answer, Given, Id, StatusCode, Version
from web.listing import possible
from web.noted import note
from web.rights import EDIT_FUNNELS, VIEW_DEALS
from web.services import services

operations = Operations("funnels")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]


class StageAnswer(Answer):
    """One stage. With `order_status` the deal's order and the deal go together; `stuck_days` null: never stuck."""

    code: str
    name: str
    kind: Kind
    order_status: str | None
    stuck_days: int | None


class FunnelAnswer(Answer):
    """A funnel with its stages in their order; not active: no new deal begins in it. `needs_talk`: no deal is won or
    lost without an answered call that is linked to it or to its order."""

    id: int
    name: str
    active: bool
    position: int
    needs_talk: bool
    version: int
    stages: list[StageAnswer]


class StageGiven(Given):
    """A stage as it shall be; without `code` it is a new one, whose code is made of the name."""

    name: Label
    kind: Kind = Kind.OPEN
    code: StageCode | None = None
    order_status: StatusCode | None = None
    stuck_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = None


class NewFunnel(Given):
    """Another funnel; it begins with the stages New, Won and Lost."""

    name: Label


class FunnelChange(Given):
    """What shall be different; what is absent stays. `stages` are all of them, in their order."""

    version: Version
    name: Label | None = None
    active: bool | None = None
    position: Annotated[int, Field(ge=0, le=10_000)] | None = None
    needs_talk: bool | None = None
    stages: Annotated[list[StageGiven], Field(min_length=1, max_length=MOST_STAGES)] | None = None


class ReasonAnswer(Answer):
    """Why a deal may be lost; not active: no longer offered."""

    id: int
    label: str
    active: bool


class NewReason(Given):
    """Another reason."""

    label: Label


class ReasonChange(Given):
    """What shall be different; what is absent stays."""

    label: Label | None = None
    active: bool | None = None


@operations.get("/funnels", right=VIEW_DEALS)
async def get_funnels(request: web.Request) -> list[FunnelAnswer]:
    """Every funnel in the order in which they are offered."""
    async with services(request).db.begin() as session:
        return [FunnelAnswer.model_validate(it) for it in await funnel.list_funnels(session)]


@operations.post("/funnels", right=EDIT_FUNNELS, errors=(409,))
async def post_funnel(request: web.Request, body: NewFunnel) -> FunnelAnswer:
    """Add a funnel. 409 when there is one of this name."""
    async with services(request).db.begin() as session:
        with possible():
            made = await funnel.create_funnel(session, name=body.name)
        await note(session, request, "funnel.add", made.id, name=made.name)
        return FunnelAnswer.model_validate(made)


@operations.patch("/funnels/{funnel_id}", right=EDIT_FUNNELS, errors=(409,))
async def patch_funnel(request: web.Request, funnel_id: Id, body: FunnelChange) -> FunnelAnswer:
    """Change a funnel. 409 when `version` is stale, and for stages that do not make a funnel or can not be taken
    away because deals stand in them."""
    changes = body.model_dump(exclude_none=True, exclude={"version"})
    if body.stages is not None:
        changes["stages"] = [StageWanted(**stage.model_dump()) for stage in body.stages]
    async with services(request).db.begin() as session:
        with possible():
            await funnel.update_funnel(session, funnel_id, version=body.version, changes=changes)
        await note(session, request, "funnel.change", funnel_id, fields=sorted(changes))
        return FunnelAnswer.model_validate(await funnel.get_funnel(session, funnel_id))


@operations.get("/lost-reasons", right=VIEW_DEALS)
async def get_lost_reasons(request: web.Request) -> list[ReasonAnswer]:
    """Why deals may be lost."""
    async with services(request).db.begin() as session:
        return [ReasonAnswer.model_validate(it) for it in await funnel.list_lost_reasons(session)]


@operations.post("/lost-reasons", right=EDIT_FUNNELS, errors=(409,))
async def post_lost_reason(request: web.Request, body: NewReason) -> ReasonAnswer:
    """Add a reason. 409 when there is one of this name."""
    async with services(request).db.begin() as session:
        with possible():
            made = await funnel.put_lost_reason(session, label=body.label)
        await note(session, request, "lost_reason.add", made.id, label=made.label)
        return ReasonAnswer.model_validate(made)


@operations.patch("/lost-reasons/{reason_id}", right=EDIT_FUNNELS, errors=(409,))
async def patch_lost_reason(request: web.Request, reason_id: Id, body: ReasonChange) -> ReasonAnswer:
    """Change a reason; the history of deals keeps what it was called."""
    changes = body.model_dump(exclude_none=True)
    async with services(request).db.begin() as session:
        with possible():
            changed = await funnel.put_lost_reason(session, reason_id, **changes)
        await note(session, request, "lost_reason.change", reason_id, fields=sorted(changes))
        return ReasonAnswer.model_validate(changed)
