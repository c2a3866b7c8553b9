"""Deals in the API: found, read, opened, moved through the funnel."""

from datetime import datetime
from decimal import Decimal
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field

from crm_core.deal import Stage, create_deal, update_deal
from crm_core.read.deals import list_deals, load_deal
from web.api import Operations
from web.fields import Answer, Given, Id, Money, Name, Version
from web.listing import Listed, Listing, Price, Text, possible, shown
from web.rights import EDIT_DEALS, VIEW_DEALS
from web.services import services
from web.sessions import person

operations = Operations("deals")
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$"), Field(description="ISO 4217")]


class DealsQuery(Listed):
    """Which deals. `query`: words of the title, the customer's name or number."""

    query: Text = ""
    stage: Stage | None = None
    open_only: bool = False
    responsible_id: Id | None = None
    customer_id: Id | None = None


class NewDeal(Given):
    """A chance to sell. Nobody named: the one who opens it is responsible."""

    title: Name
    customer_id: Id
    currency: Currency
    amount: Price = Decimal(0)
    stage: Stage = Stage.NEW
    responsible_id: Id | None = None


class DealChange(Given):
    """What shall be different; what is absent stays. With orders the amount is theirs."""

    version: Version
    title: Name = ""
    stage: Stage = Stage.NEW
    amount: Price = Decimal(0)
    responsible_id: Id | None = None


class DealAnswer(Answer):
    """A deal; with orders its amount is the sum of theirs. `version` must be sent back with a change."""

    id: int
    title: str
    funnel: str
    stage: Stage
    stage_label: str
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


@operations.get("/deals", right=VIEW_DEALS, errors=(404,))
async def get_deals(request: web.Request, query: DealsQuery) -> Listing[DealAnswer]:
    """Deals, newest first."""
    async with services(request).db.begin() as session:
        return Listing[DealAnswer].model_validate(await list_deals(session, **query.model_dump()))


@operations.get("/deals/{deal_id}", right=VIEW_DEALS)
async def get_deal(request: web.Request, deal_id: Id) -> DealAnswer:
    """One deal."""
    async with services(request).db.begin() as session:
        return DealAnswer.model_validate(await load_deal(session, deal_id))


@operations.post("/deals", right=EDIT_DEALS, errors=(404, 409))
async def post_deal(request: web.Request, body: NewDeal) -> DealAnswer:
    """Open a deal. 404 for an unknown customer, 409 for an unknown colleague."""
    parts = services(request)
    given = body.model_dump() | {"responsible_id": body.responsible_id or person(request).user_id}
    async with parts.db.begin() as session:
        with possible():
            made = await create_deal(session, at=parts.now(), **given)
        await session.flush()
        return DealAnswer.model_validate(await load_deal(session, made.id))


@operations.patch("/deals/{deal_id}", right=EDIT_DEALS, errors=(409,))
async def patch_deal(request: web.Request, deal_id: Id, body: DealChange) -> DealAnswer:
    """Change a deal. 409 when `version` is stale, or for an amount typed over that of the orders."""
    parts = services(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    async with parts.db.begin() as session:
        with possible():
            await update_deal(session, deal_id, version=body.version, changes=changes, at=parts.now())
        await session.flush()
        return DealAnswer.model_validate(await load_deal(session, deal_id))
