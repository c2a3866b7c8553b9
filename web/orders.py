"""Orders in the API: found, read, quoted, taken, changed, paid."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import sent_key
from crm_core.discount_limit import most_off
from crm_core.draft import empty_draft
from crm_core.order import create_order, update_order
from crm_core.order_confirmation import confirm
from crm_core.order_status import Group, Status
from crm_core.payment import Kind, list_payments
from crm_core.payment_came import add_payment
from crm_core.quote import quote
from crm_core.read.orders import list_orders, load_changes, load_order
from crm_core.site import offered, ordered
from crm_core.window_draft import use_up
from web.api import Operations
from web.calls import own_call, tell_desk
from web.fields import Answer, Given, Id, Money
from web.listing import Listed, Listing, Text, possible, shown
from web.order_models import (
    ChangeAnswer,
    NewOrder,
    NewPayment,
    OrderAnswer,
    OrderEdit,
    OrderFields,
    PaymentAnswer,
    QuoteAnswer,
    QuoteWanted,
    order_answer,
    wanted,
)
from web.rights import EDIT_ORDERS, REFUND_PAYMENTS, SELL_BEYOND, VIEW_ORDERS, VIEW_PURCHASES, require
from web.services import services
from web.sessions import person

operations = Operations("orders")
_NO_CHANGE = ("version", "call_id", "beyond_stock", "key", "confirmed")


StatusFilter = Annotated[
    str,
    StringConstraints(pattern=rf"^(({'|'.join(Status)})|({'|'.join(Group)})[.]([*]|[a-z0-9_]{{1,40}}))$"),
    Field(description='a code of `GET /order-statuses`, or a whole group such as "work.*"'),
]


class OrderFilters(Given):
    """Which orders. `query`: number, tracking, total, the customer's name or number; `calls`: talked about?
    `late`: past what was promised, or longer in its status than that allows; `unpaid`: not yet sent and not paid,
    though it should be; `older_h`: placed so many hours ago or longer."""

    query: Text = ""
    status: StatusFilter | None = None
    open_only: bool = False
    shop_id: Id | None = None
    customer_id: Id | None = None
    deal_id: Id | None = None
    manager_id: Id | None = None
    needs_call: bool = False
    calls: Literal["some", "none"] | None = None
    late: bool = False
    unpaid: bool = False
    older_h: Annotated[int, Field(ge=1, le=24 * 365)] | None = None


class OrdersQuery(OrderFilters, Listed):
    """Which orders, a page at a time."""


class OrderItemAnswer(Answer):
    """An order in a list; `items` as a person would say them."""

    id: int
    number: str
    status: str
    group: Group
    status_label: str
    status_tone: str
    status_shape: str
    late: Literal["promise", "status"] | None
    open: bool
    total: Money
    paid: Money
    currency: str
    items: str
    tracking: str | None
    promised_at: datetime | None
    created_at: datetime
    created_in_call_id: UUID | None
    customer_id: int
    customer_name: str = Field(validation_alias="customer")
    e164: str | None
    shop_id: int
    shop: str
    deal_id: int | None
    manager_id: int | None
    manager: str | None
    needs_call: bool
    calls: int
    talk_s: float
    last_call_at: datetime | None
    version: int

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str | None:
        return shown(self.e164)


@operations.get("/orders", right=VIEW_ORDERS, errors=(404,))
async def get_orders(request: web.Request, query: OrdersQuery) -> Listing[OrderItemAnswer]:
    """Orders, newest first."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await list_orders(session, **query.model_dump(), now=parts.now())
    return Listing[OrderItemAnswer].model_validate(found)


@operations.post("/orders", right=EDIT_ORDERS, errors=(403, 404, 409))
async def post_order(request: web.Request, body: NewOrder) -> OrderAnswer:
    """Take an order. 404 for an unknown customer, shop or call; 409 when an item is not sold there or gone, a
    coupon does not count, or the prices are lower than this role may give."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        if (
            body.key is not None
            and (known := await sent_key.done_for(session, "order", body.key)) is not None
        ):
            return await _answer(request, session, known)
        given = body.model_dump(
            exclude={"items", "call_id", "cart_id", "key", "draft", "confirmed"}, exclude_none=True
        )
        _may_promise(request, body)
        if body.key is not None and call_id is not None:
            await empty_draft(session, call_id, who.user_id, at=parts.now())
        with possible():
            made = await create_order(
                session,
                **given,
                items=wanted(body.items),
                user_id=who.user_id,
                at=parts.now(),
                call_id=call_id,
                most_off=await most_off(session, who.role, body.shop_id),
                offered=await offered(session, body.cart_id) if body.cart_id is not None else None,
            )
            if body.cart_id is not None:
                await ordered(session, body.cart_id, made)
        await session.flush()
        if body.key is not None:
            await sent_key.remember(session, body.key, made.id)
        await use_up(session, who.user_id, body.draft)
        if body.confirmed:
            await confirm(session, made, call_id=call_id, user_id=who.user_id, at=parts.now())
        answer = await _answer(request, session, made.id)
    await tell_desk(parts, call_id)
    return answer


@operations.post("/quotes", right=EDIT_ORDERS, status=200, errors=(404, 409))
async def post_quote(request: web.Request, body: QuoteWanted) -> QuoteAnswer:
    """What an order would cost, how it could be delivered, and why it would be refused. Nothing is kept."""
    parts, who = services(request), person(request)
    given = body.model_dump(exclude={"items", "cart_id"})
    async with parts.db.begin() as session:
        with possible():
            found = await quote(
                session,
                **given,
                items=wanted(body.items),
                at=parts.now(),
                most_off=await most_off(session, who.role, body.shop_id),
                offered=await offered(session, body.cart_id) if body.cart_id is not None else None,
            )
    problems = [{"field": field, "message": message} for field, message in found.problems]
    more = {"may_promise": who.may(SELL_BEYOND)}
    sees = {} if who.may(VIEW_PURCHASES) else {"margin": None}
    return QuoteAnswer.model_validate(
        {**vars(found), "problems": problems, **more, **sees}, from_attributes=True
    )


@operations.get("/orders/{order_id}", right=VIEW_ORDERS)
async def get_order(request: web.Request, order_id: Id) -> OrderAnswer:
    """One order."""
    async with services(request).db.begin() as session:
        return await _answer(request, session, order_id)


@operations.patch("/orders/{order_id}", right=EDIT_ORDERS, errors=(403, 409))
async def patch_order(request: web.Request, order_id: Id, body: OrderEdit) -> OrderAnswer:
    """Change an order. On an older `version` what touches nothing that others changed is done all the same; else
    409 with `clash`: both sides field by field, and the newest `version`. 409 too when the stock is too small or the
    prices are lower than this role may give."""
    parts, who = services(request), person(request)
    changes = body.model_dump(exclude_unset=True, exclude={*_NO_CHANGE, "items"})
    _may_promise(request, body)
    if "items" in body.model_fields_set:
        changes["items"] = wanted(body.items)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        before = await load_order(session, order_id)
        if body.key is not None and await sent_key.done_for(session, "order", body.key) is not None:
            return await _answer(request, session, order_id)
        if "paid" in changes and body.paid < before.paid:
            require(who, REFUND_PAYMENTS)
        with possible():
            changed = await update_order(
                session,
                order_id,
                version=body.version,
                changes=changes,
                user_id=who.user_id,
                at=parts.now(),
                call_id=call_id,
                beyond_stock=body.beyond_stock,
                most_off=await most_off(session, who.role, before.shop_id),
            )
        await session.flush()
        if body.key is not None:
            await sent_key.remember(session, body.key, order_id)
        if body.confirmed:
            await confirm(session, changed, call_id=call_id, user_id=who.user_id, at=parts.now())
        answer = await _answer(request, session, order_id)
    await tell_desk(parts, call_id)
    return answer


@operations.get("/orders/{order_id}/payments", right=VIEW_ORDERS)
async def get_payments(request: web.Request, order_id: Id) -> list[PaymentAnswer]:
    """What was paid and paid back, the oldest first."""
    async with services(request).db.begin() as session:
        await load_order(session, order_id)
        return [PaymentAnswer.model_validate(it) for it in await list_payments(session, order_id)]


@operations.post("/orders/{order_id}/payments", right=EDIT_ORDERS, errors=(403, 409))
async def post_payment(request: web.Request, order_id: Id, body: NewPayment) -> PaymentAnswer:
    """Take down money that came or went back. 409 when more would go back than was paid. The same sent again with its
    `external_id` is taken down once; 409 when that was another payment's."""
    parts, who = services(request), person(request)
    if body.kind == Kind.REFUND:
        require(who, REFUND_PAYMENTS)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        given = body.model_dump(exclude={"call_id"})
        with possible():
            came = await add_payment(
                session, order_id, **given, user_id=who.user_id, at=parts.now(), call_id=call_id
            )
        await session.flush()
        answer = PaymentAnswer.model_validate(came.payment)
    await tell_desk(parts, call_id)
    return answer


@operations.get("/orders/{order_id}/changes", right=VIEW_ORDERS)
async def get_changes(request: web.Request, order_id: Id) -> list[ChangeAnswer]:
    """The history of an order, newest first."""
    async with services(request).db.begin() as session:
        await load_order(session, order_id)
        return [ChangeAnswer.model_validate(step) for step in await load_changes(session, order_id)]


async def _answer(request: web.Request, session: AsyncSession, order_id: int) -> OrderAnswer:
    return order_answer(request, await load_order(session, order_id, now=services(request).now()))


def _may_promise(request: web.Request, body: OrderFields) -> None:
    if body.beyond_stock:
        require(person(request), SELL_BEYOND)
