"""Orders in the API: found, read, taken, changed."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, computed_field

from crm_core.order import MOST_PIECES, ItemWanted, create_order, update_order
from crm_core.order_status import Status
from crm_core.read.orders import list_orders, load_changes, load_order
from crm_core.site import ordered
from web.api import Operations
from web.calls import own_call, tell_desk
from web.fields import Answer, Given, Id, Instant, LongText, Money, Name, ShortText, Version
from web.listing import Listed, Listing, Price, Text, possible, shown
from web.rights import EDIT_ORDERS, SELL_BEYOND, VIEW_ORDERS, require
from web.services import services
from web.sessions import person

operations = Operations("orders")


class OrdersQuery(Listed):
    """Which orders. `query`: its number or tracking, the customer's name or number; `calls`: talked about?"""

    query: Text = ""
    status: Status | None = None
    open_only: bool = False
    shop_id: Id | None = None
    customer_id: Id | None = None
    deal_id: Id | None = None
    calls: Literal["some", "none"] | None = None


class OrderItemAnswer(Answer):
    """An order in a list; `items` as a person would say them."""

    id: int
    number: str
    status: Status
    status_label: str
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
    calls: int
    talk_s: float
    last_call_at: datetime | None
    version: int

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str | None:
        return shown(self.e164)


class LineOfOrder(Answer):
    """One line of an order; name and price as they were when it was sold."""

    id: int
    product_id: int | None
    sku: str
    name: str
    quantity: int
    price: Money


class OrderAnswer(Answer):
    """One order; `goods` is the total without delivery, `version` must be sent back with a change."""

    id: int
    number: str
    status: Status
    status_label: str
    open: bool
    goods: Money
    total: Money
    paid: Money
    currency: str
    delivery_method: str | None
    delivery_address: str | None
    delivery_cost: Money
    tracking: str | None
    promised_at: datetime | None
    comment: str | None
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    created_in_call_id: UUID | None
    customer_id: int
    shop_id: int
    shop: str
    deal_id: int | None
    version: int
    items: list[LineOfOrder]


class ChangeAnswer(Answer):
    """One step in the life of an order: field -> [before, after]."""

    at: datetime
    what: dict[str, Any]
    operator: str | None
    call_id: UUID | None


class WantedItem(Given):
    """A line of an order. Name, SKU and price are the product's unless given; without a product, name it."""

    product_id: Id | None = None
    quantity: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    price: Price | None = None
    name: Name | None = None
    sku: ShortText | None = None


WantedItems = Annotated[list[WantedItem], Field(min_length=1, max_length=100)]


class OrderFields(Given):
    """What may be agreed about an order besides its items; null empties a field."""

    status: Status = Status.NEW
    paid: Price = Decimal(0)
    deal_id: Id | None = None
    delivery_method: ShortText | None = None
    delivery_address: LongText | None = None
    delivery_cost: Price = Decimal(0)
    tracking: ShortText | None = None
    promised_at: Instant | None = None
    comment: LongText | None = None
    call_id: Annotated[UUID | None, Field(description="the call in which it is done")] = None
    beyond_stock: Annotated[
        bool, Field(description="promise more than there is; needs the right stock.sell_beyond")
    ] = False


class NewOrder(OrderFields):
    """An order to take; with `call_id` the call is linked to it as the one that made it."""

    customer_id: Id
    shop_id: Id
    items: WantedItems
    cart_id: Annotated[Id | None, Field(description="the cart of the web shop that becomes this order")] = (
        None
    )


class OrderEdit(OrderFields):
    """What shall be different; what is absent stays, `items` replaces all items."""

    version: Version
    items: Annotated[WantedItems, Field(default_factory=list)]


@operations.get("/orders", right=VIEW_ORDERS, errors=(404,))
async def get_orders(request: web.Request, query: OrdersQuery) -> Listing[OrderItemAnswer]:
    """Orders, newest first."""
    async with services(request).db.begin() as session:
        return Listing[OrderItemAnswer].model_validate(await list_orders(session, **query.model_dump()))


@operations.post("/orders", right=EDIT_ORDERS, errors=(403, 404, 409))
async def post_order(request: web.Request, body: NewOrder) -> OrderAnswer:
    """Take an order. 404 for an unknown customer, shop or call, 409 when an item is not sold there or gone."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        given = body.model_dump(exclude={"items", "call_id", "cart_id"}) | {"items": wanted(body.items)}
        _may_promise(request, body)
        with possible():
            made = await create_order(session, user_id=who.user_id, at=parts.now(), call_id=call_id, **given)
            if body.cart_id is not None:
                await ordered(session, body.cart_id, made)
        await session.flush()
        answer = OrderAnswer.model_validate(await load_order(session, made.id))
    await tell_desk(parts, call_id)
    return answer


@operations.get("/orders/{order_id}", right=VIEW_ORDERS)
async def get_order(request: web.Request, order_id: Id) -> OrderAnswer:
    """One order."""
    async with services(request).db.begin() as session:
        return OrderAnswer.model_validate(await load_order(session, order_id))


@operations.patch("/orders/{order_id}", right=EDIT_ORDERS, errors=(403, 409))
async def patch_order(request: web.Request, order_id: Id, body: OrderEdit) -> OrderAnswer:
    """Change an order. 409 when `version` is stale or the stock too small."""
    parts, who = services(request), person(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version", "call_id", "items", "beyond_stock"})
    _may_promise(request, body)
    if "items" in body.model_fields_set:
        changes["items"] = wanted(body.items)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        by: dict[str, Any] = {"user_id": who.user_id, "call_id": call_id, "beyond_stock": body.beyond_stock}
        with possible():
            await update_order(session, order_id, version=body.version, changes=changes, at=parts.now(), **by)
        await session.flush()
        answer = OrderAnswer.model_validate(await load_order(session, order_id))
    await tell_desk(parts, call_id)
    return answer


@operations.get("/orders/{order_id}/changes", right=VIEW_ORDERS)
async def get_changes(request: web.Request, order_id: Id) -> list[ChangeAnswer]:
    """The history of an order, newest first."""
    async with services(request).db.begin() as session:
        await load_order(session, order_id)
        return [ChangeAnswer.model_validate(step) for step in await load_changes(session, order_id)]


def _may_promise(request: web.Request, body: OrderFields) -> None:
    if body.beyond_stock:
        require(person(request), SELL_BEYOND)


def wanted(items: Sequence[WantedItem]) -> list[ItemWanted]:
    """The lines in the words of the service."""
    return [ItemWanted(**item.model_dump()) for item in items]
