"""Asking customers to pay, and payments that a gateway or the store tells, in the API."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from aiohttp import web
from pydantic import StringConstraints

from crm_core.order import get_order
from crm_core.payment import Kind
from crm_core.payment_came import payment_arrived
from crm_core.payment_link import Way, ask_payment, list_links
from web.api import Operations
from web.calls import own_call, tell_desk
from web.deals import Currency
from web.fields import VISIBLE, Answer, ExternalId, Given, Id, Money, ShortText
from web.listing import Price, possible
from web.order_models import PayBy, PaymentAnswer
from web.rights import EDIT_ORDERS, REFUND_PAYMENTS, REPORT_PAYMENTS, VIEW_ORDERS, require
from web.services import services
from web.sessions import person

operations = Operations("payments")
Number = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]


class NewPaymentLink(Given):
    """Whom to ask and for how much. `amount` null: all that is owed; `address`: a number or an e-mail of the customer,
    null: the first."""

    way: Way
    address: ShortText | None = None
    amount: Price | None = None
    call_id: UUID | None = None


class LinkAnswer(Answer):
    """A link that was sent. `opened_at`: when the customer first looked."""

    at: datetime
    amount: Money
    way: Way
    address: str | None
    operator: str | None
    call_id: UUID | None
    opened_at: datetime | None
    expires_at: datetime


class MadeLink(Answer):
    """A link to send: its address, which is told only here, and the message in the words of the shop."""

    url: str
    message: str
    amount: Money
    currency: str
    way: Way
    address: str | None
    expires_at: datetime


class PaymentReport(Given):
    """A payment that came, or (refund) went back. `order`: the number of the order; `id`: what the teller calls the
    payment. Without `kind` it is told from what is owed."""

    id: ExternalId
    order: Number
    amount: Price
    currency: Currency
    kind: Kind | None = None
    method: PayBy | None = "online"
    note: ShortText | None = None


class ArrivedAnswer(Answer):
    """The payment as it is taken down and what the order is now; not `added`: it was known already."""

    added: bool
    payment: PaymentAnswer
    order_id: int
    order: str
    status: str
    total: Money
    paid: Money


@operations.get("/orders/{order_id}/payment-links", right=VIEW_ORDERS)
async def get_payment_links(request: web.Request, order_id: Id) -> list[LinkAnswer]:
    """When the customer was asked to pay, the newest first: how much, by which way, by whom, in which call."""
    async with services(request).db.begin() as session:
        await get_order(session, order_id)
        return [LinkAnswer.model_validate(it) for it in await list_links(session, order_id)]


@operations.post("/orders/{order_id}/payment-links", right=EDIT_ORDERS, errors=(403, 409))
async def post_payment_link(request: web.Request, order_id: Id, body: NewPaymentLink) -> MadeLink:
    """Make the page on which the customer pays, to be sent to him; it is noted as sent. 409 when nothing is to be paid,
    when nobody wrote how customers of the shop pay, and for an address that is not his."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        given = body.model_dump(exclude={"call_id"})
        with possible():
            made = await ask_payment(
                session, order_id, **given, user_id=who.user_id, at=parts.now(), call_id=call_id
            )
    await tell_desk(parts, call_id)
    origin = parts.settings.public_url or str(request.url.origin())
    url = f"{origin.rstrip('/')}/pay/{made.word}"
    return MadeLink(
        url=url, message=made.message(url), amount=made.link.amount, currency=made.order.currency,
        way=Way(made.link.way), address=made.link.address, expires_at=made.link.expires_at,
    )  # fmt: skip


@operations.post("/payments", right=REPORT_PAYMENTS, status=200, errors=(403, 404, 409))
async def post_arrived_payment(request: web.Request, body: PaymentReport) -> ArrivedAnswer:
    """Tell a payment. Told again with its `id` it is taken down once; the order's status follows by the terms of its
    shop, and whoever is in charge hears of it. 404 for an unknown order; 409 for another currency, for an `id` that
    was another payment of that order, and when more would go back than was paid."""
    parts, who = services(request), person(request)
    if body.kind == Kind.REFUND:
        require(who, REFUND_PAYMENTS)
    given = body.model_dump(exclude={"id", "order"})
    async with parts.db.begin() as session:
        with possible():
            came = await payment_arrived(
                session, body.order, external_id=body.id, **given, user_id=who.user_id, at=parts.now()
            )
        await session.flush()
        order = came.order
        return ArrivedAnswer(
            added=came.added, payment=PaymentAnswer.model_validate(came.payment), order_id=order.id,
            order=order.number, status=order.status, total=order.total, paid=order.paid,
        )  # fmt: skip
