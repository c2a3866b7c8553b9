"""What the API says and takes about orders: their lines, sums, delivery, payments."""

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm_core.order import MOST_PIECES, ItemWanted
from crm_core.order_status import Group, Status
from crm_core.payment import METHODS, Kind
from crm_core.read.orders import OrderPage
from web.fields import (
    Answer,
    Clock,
    Day,
    ExternalId,
    Given,
    Id,
    Instant,
    Key,
    LongText,
    Money,
    Name,
    Percent,
    ShortText,
    StatusCode,
    UsedUp,
    Version,
)
from web.listing import Price
from web.rights import VIEW_PURCHASES
from web.sessions import person

PayBy = Literal["cash", "card", "transfer", "online", "on_delivery"]
assert PayBy.__args__ == METHODS  # type: ignore[attr-defined]  # typing does not tell


class LineOfOrder(Answer):
    """One line of an order; name and prices as they were when it was sold. `list_price`: before any discount;
    `lead_days`: so long until it is here from its `supplier`."""

    id: int
    product_id: int | None
    sku: str
    name: str
    quantity: int
    price: Money
    list_price: Money | None
    discount_percent: Percent
    discount_amount: Money
    sum: Money
    supplier: Annotated[str | None, Field(description="not all of it was here: it comes from him")]
    lead_days: int | None


class SumsAnswer(Answer):
    """The parts of a total: goods - discount - coupon + delivery. `gross`: goods before the discounts of lines."""

    gross: Money
    goods: Money
    discount: Money
    coupon: Money
    delivery: Money
    total: Money


class ConfirmedAnswer(Answer):
    """The customer heard the order and said yes. `talk_s`: so long after the call was answered; `holds`: nothing that
    was read to him has changed since."""

    at: datetime
    by: str | None
    call_id: UUID | None
    talk_s: float | None
    total: Money
    holds: bool


class OrderAnswer(Answer):
    """One order; `goods` is the total of its lines, `version` must be sent back with a change."""

    id: int
    number: str
    status: str
    group: Group
    status_label: str
    status_tone: str
    status_shape: str
    late: Annotated[
        Literal["promise", "status"] | None, Field(description="past the promise, or too long in its status")
    ]
    open: bool
    goods: Money
    sums: SumsAnswer
    margin: Annotated[
        Decimal | None,
        Field(description="null without the right purchases.view, or when a cost is not known"),
    ]
    total: Money
    paid: Money
    currency: str
    discount_percent: Percent
    discount_amount: Money
    coupon: str | None = Field(validation_alias="coupon_code")
    delivery_method: str | None
    delivery_method_id: int | None
    delivery_address: str | None
    delivery_city: str | None
    delivery_region: str | None
    delivery_postcode: str | None
    delivery_cost: Money
    delivery_by_hand: Annotated[bool, Field(description="the cost was typed, no rate moves it")]
    delivery_date: date | None
    delivery_from: Clock | None
    delivery_until: Clock | None
    payment_method: PayBy | None
    tracking: str | None
    promised_at: datetime | None
    comment: str | None
    customer_comment: str | None
    status_comment: str | None
    needs_call: bool
    manager_id: int | None
    manager: str | None
    created_at: datetime
    updated_at: datetime
    created_by: str | None
    created_in_call_id: UUID | None
    customer_id: int
    shop_id: int
    shop: str
    deal_id: int | None
    confirmed: ConfirmedAnswer | None
    version: int
    items: list[LineOfOrder]


def order_answer(request: web.Request, page: OrderPage) -> OrderAnswer:
    """The order as this person may see it."""
    answer = OrderAnswer.model_validate(page)
    return answer if person(request).may(VIEW_PURCHASES) else answer.model_copy(update={"margin": None})


class ChangeAnswer(Answer):
    """One step in the life of an order: field -> [before, after]."""

    at: datetime
    what: dict[str, Any]
    operator: str | None
    call_id: UUID | None
    version: int | None


class WantedItem(Given):
    """A line of an order. Name, SKU and price are the product's unless given; without a product, name it.

    Its discount is per cent or an amount. How far below the list price it may go is limited by role and shop.
    """

    product_id: Id | None = None
    quantity: Annotated[int, Field(ge=1, le=MOST_PIECES)] = 1
    price: Price | None = None
    name: Name | None = None
    sku: ShortText | None = None
    discount_percent: Percent = Decimal(0)
    discount_amount: Price = Decimal(0)


WantedItems = Annotated[list[WantedItem], Field(min_length=1, max_length=100)]


def wanted(items: list[WantedItem]) -> list[ItemWanted]:
    """The lines in the words of the service."""
    return [ItemWanted(**dict(item)) for item in items]


class Terms(Given):
    """Discount, coupon and delivery of an order; null empties a field.

    `delivery_method_id`: its cost is told by the method's rates unless `delivery_cost` is given.
    """

    discount_percent: Percent | None = None
    discount_amount: Price | None = None
    coupon: Annotated[ShortText | None, Field(description="a coupon's code; empty: none")] = None
    delivery_method_id: Id | None = None
    delivery_cost: Price | None = None
    delivery_city: ShortText | None = None
    delivery_region: ShortText | None = None
    delivery_postcode: ShortText | None = None


class OrderFields(Terms):
    """What may be agreed about an order besides its items; null empties a field."""

    status: StatusCode = Status.NEW
    paid: Price = Decimal(0)
    deal_id: Id | None = None
    manager_id: Id | None = None
    delivery_method: ShortText | None = None
    delivery_address: LongText | None = None
    delivery_date: Day | None = None
    delivery_from: Clock | None = None
    delivery_until: Clock | None = None
    payment_method: PayBy | None = None
    tracking: ShortText | None = None
    promised_at: Instant | None = None
    comment: LongText | None = None
    customer_comment: LongText | None = None
    status_comment: LongText | None = None
    needs_call: bool = False
    call_id: Annotated[UUID | None, Field(description="the call in which it is done")] = None
    beyond_stock: Annotated[
        bool, Field(description="promise more than there is; needs the right stock.sell_beyond")
    ] = False


Confirmed = Annotated[bool, Field(description="it was read to the customer, who said yes")]


class NewOrder(OrderFields):
    """An order to take; with `call_id` the call is linked to it as the one that made it, and with a `key` as well its
    draft is used up."""

    customer_id: Id
    shop_id: Id
    items: WantedItems
    cart_id: Annotated[Id | None, Field(description="the cart of the web shop that becomes this order")] = (
        None
    )
    key: Key = None
    draft: UsedUp = None
    confirmed: Confirmed = False


class OrderEdit(OrderFields):
    """What shall be different; what is absent stays, `items` replaces all items."""

    version: Version
    items: Annotated[WantedItems, Field(default_factory=list)]
    key: Key = None
    confirmed: Confirmed = False


class QuoteWanted(Terms):
    """What somebody thinks of ordering."""

    shop_id: Id
    customer_id: Id | None = None
    cart_id: Id | None = None
    call_id: Annotated[UUID | None, Field(description="the call that may hold some of it")] = None
    order_id: Annotated[Id | None, Field(description="the order that shall become so")] = None
    items: WantedItems


class OfferAnswer(Answer):
    """A way of delivery and what it would cost; null: it does not go there."""

    id: int
    name: str
    cost: Money | None


class SuppliedAnswer(Answer):
    """Pieces that one supplier has, and in how many days they would be here (null: not known), the soonest first."""

    supplier: str
    quantity: int
    lead_days: int | None


class QuotedLine(Answer):
    """A line as it would be sold. `free`: pieces that may be promised to this customer, null for what is no product;
    `ahead`: who has some of the rest in a call; `behind`: who would like some of these; `suppliers`: who has it
    besides, of which nothing can be reserved."""

    product_id: int | None
    name: str
    quantity: int
    price: Money
    list_price: Money | None
    sum: Money = Field(validation_alias="line_sum")
    free: int | None = None
    ahead: list[str]
    behind: list[str]
    suppliers: list[SuppliedAnswer]


class QuoteProblem(Answer):
    """Why it could not be ordered like that."""

    field: str
    message: str


class QuoteAnswer(Answer):
    """What an order would cost; nothing is kept of the question. `problems`: why it would be refused."""

    items: list[QuotedLine]
    sums: SumsAnswer
    margin: Annotated[
        Decimal | None,
        Field(description="null without the right purchases.view, or when a cost is not known"),
    ]
    delivery_cost: Money
    currency: str
    weight_g: int
    deliveries: list[OfferAnswer]
    problems: list[QuoteProblem]
    may_promise: Annotated[bool, Field(description="you may sell what is not here (`beyond_stock`)")]


class PaymentAnswer(Answer):
    """Money that came, or (refund) went back."""

    id: int
    kind: Kind
    amount: Money
    method: PayBy | None
    note: str | None
    external_id: str | None
    user_id: int | None
    call_id: UUID | None
    at: datetime = Field(validation_alias="created_at")


class NewPayment(Given):
    """Money to take down; without `kind` it is told from what is owed. A refund needs the right payments.refund.
    `external_id`: what a gateway calls the payment."""

    amount: Price
    kind: Kind | None = None
    method: PayBy | None = None
    note: ShortText | None = None
    external_id: ExternalId | None = None
    call_id: UUID | None = None
