"""Messages to and from customers in the API, and the history in which they stand."""

from datetime import datetime
from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.message import LONGEST, Channel, Direction, Message, keep_message
from crm_core.message_came import Told, message_came
from crm_core.read.customers import load_customer
from crm_core.read.timeline import load_timeline
from web.api import Operations
from web.calls import reader
from web.fields import Answer, ExternalId, Given, Id, Instant, Money, Name
from web.listing import Listed, Listing, possible
from web.rights import EDIT_CUSTOMERS, REPORT_SITE, VIEW_CUSTOMERS
from web.services import services
from web.sessions import person
from web.tasks import viewer

operations = Operations("customers")
Kind = Literal["call", "message", "order", "deal", "callback", "note", "payment", "task", "visit", "merge"]
Words = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST)]
Whence = Annotated[
    str,
    StringConstraints(pattern=r"^[!-~]([ -~]{0,198}[!-~])?$"),
    Field(description="the number, e-mail or name it came from or went to"),
]


class NewMessage(Given):
    """A message that went past every program that could tell it: written down by hand."""

    channel: Channel
    direction: Direction
    text: Words


class MessageReport(NewMessage):
    """A message as a mail server, gateway or bot carried it; `name`: what the sender calls himself there."""

    id: ExternalId
    shop_id: Id
    address: Whence
    at: Instant
    name: Name | None = None


class MessageAnswer(Answer):
    """A message in a customer's history; without a customer it waits with a lead."""

    id: int
    customer_id: int | None
    lead_id: int | None
    channel: Channel
    direction: Direction
    address: str | None
    text: str
    user_id: int | None
    at: datetime


class KeptAnswer(MessageAnswer):
    """`added`: false when it was told before."""

    added: bool


class HistoryQuery(Listed):
    """Which part of a history: all, or one kind."""

    kind: Kind | None = None


class HistoryItem(Answer):
    """One thing that happened. `mine`: one may open it; `status`: the address of a message, the order of a payment."""

    kind: Kind
    id: str
    at: datetime
    title: str | None
    status: str | None
    status_label: str
    text: str | None
    operator: str | None
    amount: Money | None
    currency: str | None
    direction: str | None
    talk_s: float
    recorded: bool
    mine: bool
    disposition: str | None
    due_at: datetime | None


@operations.get("/customers/{customer_id}/history", right=VIEW_CUSTOMERS, errors=(404,))
async def get_history(request: web.Request, customer_id: Id, query: HistoryQuery) -> Listing[HistoryItem]:
    """Everything that happened with a customer, newest first: calls, messages, orders, deals, payments, tasks…"""
    async with services(request).db.begin() as session:
        customer = await load_customer(session, customer_id)
        mine = reader(person(request))
        found = await load_timeline(session, customer.id, **mine, tasks=viewer(request), **query.model_dump())
        return Listing[HistoryItem].model_validate(found)


@operations.post("/customers/{customer_id}/messages", right=EDIT_CUSTOMERS)
async def post_customer_message(request: web.Request, customer_id: Id, body: NewMessage) -> MessageAnswer:
    """Write a message down that a customer sent or was sent."""
    parts = services(request)
    async with parts.db.begin() as session:
        made = await keep_message(
            session,
            customer_id,
            channel=body.channel,
            direction=body.direction,
            words=body.text,
            at=parts.now(),
            user_id=person(request).user_id,
        )
        return MessageAnswer.model_validate(made)


@operations.post("/messages", audited=False, right=REPORT_SITE, status=200, errors=(404, 409))
async def post_message(request: web.Request, body: MessageReport) -> KeptAnswer:
    """Tell a message: it stands in the history of whoever alone has this address, else it makes a lead. 409 when
    nobody is known by it and it is neither a number nor an e-mail. Told again with its `id` it is kept once."""
    parts = services(request)
    given = {name: value for name, value in dict(body).items() if name not in ("id", "shop_id")}
    async with parts.db.begin() as session:
        with possible():
            told = Told(external_id=body.id, **given)
            made, added = await message_came(session, told, shop_id=body.shop_id, now=parts.now())
        return _kept(made, added)


def _kept(made: Message, added: bool) -> KeptAnswer:
    return KeptAnswer(**MessageAnswer.model_validate(made).model_dump(), added=added)
