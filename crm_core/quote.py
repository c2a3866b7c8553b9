"""What an order would cost before it is placed: the same computing, without stock and without a trace."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import delivery
from crm_core.customer import Customer
from crm_core.discount_limit import check_limit
from crm_core.errors import Invalid, NotFound
from crm_core.hold import Standing, standings
from crm_core.order import blank, get_order
from crm_core.order_apply import (
    put_coupon,
    put_delivery,
    put_discount,
    put_items,
    sold,
    weight,
    where_to,
)
from crm_core.order_rows import Order, OrderItem
from crm_core.order_stock import ItemWanted
from crm_core.order_total import Sums, margin
from crm_core.product import Product
from crm_core.shop import Shop
from crm_core.supply import Supply, list_supplies


@dataclass(frozen=True)
class Offer:
    """A method of delivery and what it would cost; None: it does not go there."""

    id: int
    name: str
    cost: Decimal | None


@dataclass(frozen=True, kw_only=True)
class QuotedItem:
    """A line as it would be sold, how the call stands with the product (`hold.Standing`; None: no product), and what
    suppliers have of it."""

    product_id: int | None
    name: str
    quantity: int
    price: Decimal
    list_price: Decimal | None
    line_sum: Decimal
    free: int | None = None
    ahead: Sequence[str] = ()
    behind: Sequence[str] = ()
    suppliers: Sequence[Supply] = ()


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What it would cost, how it could be delivered, and why (`problems`: field, sentence) it could not be placed."""

    items: Sequence[QuotedItem]
    sums: Sums
    margin: Decimal | None
    delivery_cost: Decimal
    currency: str
    weight_g: int
    deliveries: Sequence[Offer]
    problems: Sequence[tuple[str, str]]


async def quote(
    session: AsyncSession,
    *,
    shop_id: int,
    customer_id: int | None,
    items: Sequence[ItemWanted],
    at: datetime,
    most_off: Decimal | None,
    offered: Mapping[str, Decimal] | None = None,
    call_id: UUID | None = None,
    order_id: int | None = None,
    **fields: Any,
) -> Quote:
    """What an order with these `fields` (discount, coupon, delivery) would cost. `call_id`: what it holds is its own;
    `order_id`: this order shall become so, and keeps what it was given. Raises `NotFound`, and `Invalid` for items
    that can not be; what else is wrong is said in `problems`."""
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    customer = await session.get(Customer, customer_id) if customer_id else None
    order = blank(customer_id=customer_id or 0, shop=shop, user_id=None, call_id=None, at=at)
    before = await get_order(session, order_id) if order_id is not None else order
    here = {"delivery_city": customer.city if customer and order_id is None else before.delivery_city}
    for name in ("delivery_city", "delivery_region", "delivery_postcode"):
        said = fields.get(name)
        setattr(order, name, here.get(name, getattr(before, name)) if said is None else said)
    query = select(Product).where(Product.id.in_({it.product_id for it in items if it.product_id}))
    products = {product.id: product for product in await session.scalars(query)}
    changes = {**{name: it for name, it in fields.items() if it is not None}, "items": items}
    problems: list[tuple[str, str]] = []
    none, nothing = sold(before), before.sums
    _take_over(order, before)
    with session.no_autoflush:
        await put_items(session, order, changes, products, at, offered or {})
        with _told(problems):
            put_discount(order, changes)
        with _told(problems):
            await put_coupon(session, order, changes, at)
        with _told(problems):
            await put_delivery(session, order, changes, products)
        if most_off is not None:
            with _told(problems):
                check_limit(none, nothing, sold(order), order.sums, most_off)
        offers = await _offers(session, order, products)
        stock = {key: product.stock for key, product in products.items()}
        stands = await standings(session, stock, call_id=call_id, at=at, order_id=order_id)
    beside = await list_supplies(session, products)
    costs = [(it.quantity, it.purchase_price) for it in order.items]
    return Quote(
        items=[
            _quoted(it, stands.get(it.product_id or 0), beside.get(it.product_id or 0, ()))
            for it in order.items
        ],
        sums=order.sums,
        margin=margin(order.sums.sold, costs),
        delivery_cost=order.delivery_cost,
        currency=shop.currency,
        weight_g=weight(order.items, products),
        deliveries=offers,
        problems=problems,
    )


def _take_over(order: Order, before: Order) -> None:
    """What an order was given stays given: its coupon, and list prices that were lower."""
    for name in ("coupon_id", "coupon_code", "coupon_percent", "coupon_amount", "coupon_minimum"):
        setattr(order, name, getattr(before, name))
    kept = ("product_id", "sku", "name", "quantity", "price", "list_price")
    if before is not order:
        order.items = [OrderItem(**{name: getattr(it, name) for name in kept}) for it in before.items]


def _quoted(item: OrderItem, stands: Standing | None, suppliers: Sequence[Supply]) -> QuotedItem:
    told = {} if stands is None else vars(stands)
    names = ("product_id", "name", "quantity", "price", "list_price", "line_sum")
    return QuotedItem(**{name: getattr(item, name) for name in names}, **told, suppliers=suppliers)


@contextmanager
def _told(problems: list[tuple[str, str]]) -> Iterator[None]:
    try:
        yield
    except Invalid as refused:
        problems.append((refused.field or "", str(refused)))


async def _offers(session: AsyncSession, order: Order, products: dict[int, Product]) -> list[Offer]:
    grams, goods = weight(order.items, products), order.sums.sold
    return [
        Offer(
            it.id,
            it.name,
            delivery.cost(it.rates, it.free_from, where_to(order), weight_g=grams, goods=goods),
        )
        for it in await delivery.list_methods(session, order.shop_id, active=True)
    ]
