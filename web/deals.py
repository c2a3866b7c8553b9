"""Deals in the API: found, read, opened, moved through the funnel."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field

from crm_core.deal import create_deal, update_deal
from crm_core.read.deals import list_deals, list_steps, load_deal
from web.api import Operations
from web.fields import Answer, Given, Id, Instant, Money, Name, Version
from web.listing import Listed, Listing, Price, Text, possible, shown
from web.rights import EDIT_DEALS, VIEW_DEALS
from web.services import services
from web.sessions import person

operations = Operations("deals")
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217")]
StageCode = Annotated[
    str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$"), Field(description="a stage of the deal's funnel")
]


class DealsQuery(Listed):
    """Which deals. `query`: words of the title, the customer's name or number; `since` and `until` bound the
    opening; `stuck`: longer in their stage than it allows."""

    query: Text = ""
    funnel_id: Id | None = None
    stage: StageCode | None = None
    open_only: bool = False
    stuck: bool = False
    since: Instant | None = None
    until: Instant | None = None
    responsible_id: Id | None = None
    customer_id: Id | None = None


class NewDeal(Given):
    """A chance to sell. Nobody named: the one who opens it is responsible; no funnel or stage named: the first.
    A lost stage needs a `lost_reason_id`; `call_id`: the call in which it is opened."""

    title: Name
    customer_id: Id
    currency: Currency
    amount: Price = Decimal(0)
    funnel_id: Id | None = None
    stage: StageCode | None = None
    lost_reason_id: Id | None = None
    responsible_id: Id | None = None
    call_id: UUID | None = None


class DealChange(Given):
    """What shall be different; what is absent stays. With orders the amount is theirs, and a stage that goes
    with a status of orders takes them along. A lost stage needs a `lost_reason_id`."""

    version: Version
    title: Name = ""
    funnel_id: Id | None = None
    stage: StageCode | None = None
    lost_reason_id: Id | None = None
    amount: Price = Decimal(0)
    responsible_id: Id | None = None
    call_id: UUID | None = None


class DealAnswer(Answer):
    """A deal; with orders its amount is the sum of theirs. `version` must be sent back with a change; `owned`:
    the fields that can not be typed, with the reason; after `stuck_at` it is stuck in its stage."""

    id: int
    title: str
    funnel_id: int
    funnel: str
    stage: str
    stage_label: str
    kind: str = Field(description="open, won or lost")
    stage_since: datetime
    stuck_at: datetime | None
    lost_reason_id: int | None
    lost_reason: str | None
    owned: dict[str, str]
    open: bool
    amount: Money
    currency: str
    customer_id: int
    customer_name: str = Field(validation_alias="customer")
    e164: str | None
    responsible_id: int | None
    responsible: str | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    orders: int
    calls: int
    talk_s: float
    last_call_at: datetime | None

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str | None:
        return shown(self.e164)


class StepAnswer(Answer):
    """One step of a deal, in the words of that day; `until` is when it went on."""

    id: int
    funnel: str
    from_stage: str | None
    to_stage: str
    reason: str | None
    user_id: int | None
    user: str | None
    call_id: UUID | None
    created_at: datetime
    until: datetime | None


@operations.get("/deals", right=VIEW_DEALS, errors=(404,))
async def get_deals(request: web.Request, query: DealsQuery) -> Listing[DealAnswer]:
    """Deals, newest first."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await list_deals(session, now=parts.now(), **query.model_dump())
        return Listing[DealAnswer].model_validate(found)


@operations.get("/deals/{deal_id}", right=VIEW_DEALS)
async def get_deal(request: web.Request, deal_id: Id) -> DealAnswer:
    """One deal."""
    async with services(request).db.begin() as session:
        return DealAnswer.model_validate(await load_deal(session, deal_id))


@operations.get("/deals/{deal_id}/steps", right=VIEW_DEALS)
async def get_steps(request: web.Request, deal_id: Id) -> list[StepAnswer]:
    """The way of a deal through its stages, the newest step first: who, when, in which call."""
    async with services(request).db.begin() as session:
        await load_deal(session, deal_id)
        return [StepAnswer.model_validate(it) for it in await list_steps(session, deal_id)]


@operations.post("/deals", right=EDIT_DEALS, errors=(404, 409))
async def post_deal(request: web.Request, body: NewDeal) -> DealAnswer:
    """Open a deal. 404 for an unknown customer or funnel, 409 for an unknown colleague or stage."""
    parts, user_id = services(request), person(request).user_id
    given = body.model_dump() | {"responsible_id": body.responsible_id or user_id, "user_id": user_id}
    async with parts.db.begin() as session:
        with possible():
            made = await create_deal(session, at=parts.now(), **given)
        await session.flush()
        return DealAnswer.model_validate(await load_deal(session, made.id))


@operations.patch("/deals/{deal_id}", right=EDIT_DEALS, errors=(409,))
async def patch_deal(request: web.Request, deal_id: Id, body: DealChange) -> DealAnswer:
    """Change a deal. 409 when `version` is stale, for an amount typed over that of the orders, for a deal lost
    without a reason, and when the goods of an order that would follow are not there."""
    parts = services(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version", "call_id"})
    async with parts.db.begin() as session:
        with possible():
            await update_deal(
                session,
                deal_id,
                version=body.version,
                changes=changes,
                at=parts.now(),
                user_id=person(request).user_id,
                call_id=body.call_id,
            )
        await session.flush()
        return DealAnswer.model_validate(await load_deal(session, deal_id))
