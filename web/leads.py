"""Leads in the API: listed, made by hand, checked, handed over, thrown away and taken back, qualified."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import lead
from crm_core.lead_rows import State
from crm_core.read.leads import list_interests, list_leads, load_lead
from web.api import Operations
from web.contacts import Email
from web.fields import Answer, Given, Id, LongText, Money, Name, ShortText, Version
from web.listing import Listed, Listing, Text, possible, shown
from web.rights import EDIT_LEADS, VIEW_LEADS
from web.services import services
from web.sessions import person

operations = Operations("leads")
Pieces = Annotated[int, Field(ge=0, le=lead.MOST_PIECES)]


class LeadsQuery(Listed):
    """Which leads. `query`: a part of the name, the message, the e-mail or the number."""

    query: Text = ""
    state: State | None = None
    responsible_id: Id | None = None
    form_id: Id | None = None


class LeadItem(Answer):
    """Somebody who showed interest; `answers`: what a form asked besides; qualified: what it became."""

    id: int
    state: State
    source: str
    form_id: int | None
    call_id: UUID | None
    shop_id: int | None
    shop: str | None
    name: str | None
    phone: str | None
    e164: str | None
    email: str | None
    message: str | None
    page: str | None
    answers: dict[str, Any]
    responsible_id: int | None
    responsible: str | None
    customer_id: int | None
    deal_id: int | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def display(self) -> str | None:
        """The number as people read it."""
        return shown(self.e164)


class InterestAnswer(Answer):
    """Goods a lead wants, at the price of today."""

    product_id: int
    sku: str
    name: str
    quantity: int
    price: Money


class LeadAnswer(LeadItem):
    """One lead with the goods it wants."""

    items: list[InterestAnswer]


class NewLead(Given):
    """A lead made by hand; a telephone number or an e-mail is needed. Nobody named: it is one's own."""

    name: Name | None = None
    phone: ShortText | None = None
    email: Email | None = None
    message: LongText | None = None
    source: Name = "By hand"
    shop_id: Id | None = None
    responsible_id: Id | None = None


class LeadChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    name: Name | None = None
    phone: ShortText | None = None
    email: Email | None = None
    message: LongText | None = None
    state: Literal["new", "processing"] = "new"
    responsible_id: Id | None = None
    shop_id: Id | None = None


class Wanted(Given):
    """How many pieces; 0: none."""

    quantity: Pieces


class Qualified(Given):
    """What shall become of a lead: a deal of this title, of this customer, in this funnel. Without a customer the
    one with the lead's number or e-mail, else a new one. With `order` its goods become an order of the deal."""

    title: Name | None = None
    customer_id: Id | None = None
    funnel_id: Id | None = None
    order: bool = False


async def load(session: AsyncSession, lead_id: int) -> LeadAnswer:
    """The lead with its goods. Raises `NotFound`."""
    row = LeadItem.model_validate(await load_lead(session, lead_id)).model_dump()
    return LeadAnswer(
        **row,
        items=[InterestAnswer.model_validate(it) for it in await list_interests(session, lead_id)],
    )


@operations.get("/leads", right=VIEW_LEADS, errors=(404,))
async def get_leads(request: web.Request, query: LeadsQuery) -> Listing[LeadItem]:
    """Leads, newest first."""
    async with services(request).db.begin() as session:
        return Listing[LeadItem].model_validate(await list_leads(session, **query.model_dump()))


@operations.get("/leads/{lead_id}", right=VIEW_LEADS)
async def get_lead(request: web.Request, lead_id: Id) -> LeadAnswer:
    """One lead."""
    async with services(request).db.begin() as session:
        return await load(session, lead_id)


@operations.post("/leads", right=EDIT_LEADS, errors=(409,))
async def post_lead(request: web.Request, body: NewLead) -> LeadAnswer:
    """Make a lead by hand. 409 when there is no way to reach it, and for an unknown shop or colleague."""
    parts, user_id = services(request), person(request).user_id
    given = body.model_dump() | {"responsible_id": body.responsible_id or user_id}
    async with parts.db.begin() as session:
        with possible():
            made = await lead.create_lead(
                session, at=parts.now(), country=parts.settings.country, told=None, **given
            )
        return await load(session, made.id)


@operations.patch("/leads/{lead_id}", right=EDIT_LEADS, errors=(409,))
async def patch_lead(request: web.Request, lead_id: Id, body: LeadChange) -> LeadAnswer:
    """Change a lead or hand it over. 409 when `version` is stale or the lead is closed."""
    parts = services(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version"})
    async with parts.db.begin() as session:
        with possible():
            await lead.update_lead(
                session,
                lead_id,
                version=body.version,
                changes=changes,
                user_id=person(request).user_id,
                at=parts.now(),
                country=parts.settings.country,
            )
        return await load(session, lead_id)


@operations.put("/leads/{lead_id}/items/{product_id}", right=EDIT_LEADS, errors=(409,))
async def put_lead_item(request: web.Request, lead_id: Id, product_id: Id, body: Wanted) -> LeadAnswer:
    """Say how many of a product are wanted."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        await lead.put_item(session, lead_id, product_id, body.quantity, user_id=user_id, at=parts.now())
        return await load(session, lead_id)


@operations.put("/leads/{lead_id}/junk", right=EDIT_LEADS, errors=(409,))
async def put_junk(request: web.Request, lead_id: Id) -> LeadAnswer:
    """Throw a lead away; `DELETE` takes it back. 409 for one that has become a customer."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        await lead.junk(session, lead_id, user_id=user_id, at=parts.now())
        return await load(session, lead_id)


@operations.delete("/leads/{lead_id}/junk", right=EDIT_LEADS)
async def delete_junk(request: web.Request, lead_id: Id) -> None:
    """Take a lead back that was thrown away, as it was."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        await lead.restore(session, lead_id, user_id=user_id, at=parts.now())


@operations.post("/leads/{lead_id}/qualify", right=EDIT_LEADS, status=200, errors=(409,))
async def post_qualify(request: web.Request, lead_id: Id, body: Qualified) -> LeadAnswer:
    """Make a customer and a deal of a lead; once more changes nothing. 409 for one that was thrown away, when several
    customers have its number and none is named, when the funnel takes no deals, or its goods can not be ordered."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        with possible():
            await lead.qualify(
                session,
                lead_id,
                user_id=user_id,
                at=parts.now(),
                country=parts.settings.country,
                **body.model_dump(),
            )
        return await load(session, lead_id)
