"""Changing the fields of an order that is locked: items, discounts, coupon, delivery, state; then stock and total."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import coupon, deal, delivery
from crm_core.discount_limit import Sold, check_limit
from crm_core.errors import Invalid, NotFound
from crm_core.money import money
from crm_core.order_history import AS_GIVEN, EDITABLE, TEXTS
from crm_core.order_rows import Order, OrderItem
from crm_core.order_status import is_released
from crm_core.order_stock import checked_items, locked_products, made_item, move_stock, own_prices
from crm_core.order_total import Off, off
from crm_core.payment import METHODS
from crm_core.product import Product
from crm_core.status_list import enter
from crm_core.user import User


async def apply(
    session: AsyncSession,
    order: Order,
    changes: Mapping[str, Any],
    *,
    at: datetime,
    call_id: UUID | None = None,
    beyond_stock: bool = False,
    most_off: Decimal | None = None,
    offered: Mapping[str, Decimal] | None = None,
) -> None:
    """Let the order be as `changes` want it, with its goods and its coupon reserved and its total computed.

    `call_id`: what this call holds is the order's;
    `beyond_stock`: more may be promised than there is; `most_off`: so many per cent may be given (None: any);
    `offered`: SKU -> what the shop's site promised this customer.

    Raises `NotFound`, `Invalid`, `Conflict` when stock or coupon do not suffice.
    """
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"An order has no field {min(strangers)[:40]!r} to change.", min(strangers))
    used_before = _uses(order)
    was, sums_before = sold(order), order.sums
    await _plain_fields(session, order, changes)
    products = await locked_products(session, order, changes.get("items"))
    await put_items(session, order, changes, products, at, offered or {})
    put_discount(order, changes)
    await put_coupon(session, order, changes, at)
    await put_delivery(session, order, changes, products)
    with session.no_autoflush:
        await move_stock(session, order, products, beyond=beyond_stock, call_id=call_id, at=at)
    sums = order.sums
    if most_off is not None:
        check_limit(was, sums_before, sold(order), sums, most_off)
    await _count_coupon(session, used_before, _uses(order))
    order.total = sums.total


async def put_items(
    session: AsyncSession,
    order: Order,
    changes: Mapping[str, Any],
    products: Mapping[int, Product],
    at: datetime,
    offered: Mapping[str, Decimal],
) -> None:
    """Replace the items, at the prices of this customer unless others are given."""
    wanted = changes.get("items")
    if wanted is None:
        return
    prices = await own_prices(session, order, products, at)
    prices = {key: min(price, offered.get(products[key].sku, price)) for key, price in prices.items()}
    kept = {it.product_id: it for it in order.items if it.product_id}
    order.items = [made_item(it, products, prices, order.shop_id, kept) for it in checked_items(wanted)]


def sold(order: Order) -> list[Sold]:
    """The lines of the order beside their list prices."""
    return [
        Sold(it.product_id or it.name, it.name, it.price if it.list_price is None else it.list_price, it.line)
        for it in order.items
    ]


async def _plain_fields(session: AsyncSession, order: Order, changes: Mapping[str, Any]) -> None:
    for field in TEXTS:
        if field in changes:
            setattr(order, field, (changes[field] or "").strip() or None)
    for field in AS_GIVEN:
        if field in changes:
            setattr(order, field, changes[field])
    order.needs_call = bool(order.needs_call)
    if order.payment_method not in (None, *METHODS):
        raise Invalid(f"{order.payment_method[:40]!r} is no way to pay.", "payment_method")
    if order.delivery_from and order.delivery_until and order.delivery_from >= order.delivery_until:
        raise Invalid("A time window ends after it begins.", "delivery_until")
    if changes.get("manager_id") is not None:
        with session.no_autoflush:
            manager = await session.get(User, changes["manager_id"])
        if manager is None or not manager.active:
            raise Invalid("This colleague can not be put in charge.", "manager_id")
    if "status" in changes:
        order.status = await enter(session, changes["status"], None if order.id is None else order.status)
    if changes.get("deal_id") is not None:
        await deal.check_owner(session, changes["deal_id"], order.customer_id)
    order.deal_id = changes.get("deal_id", order.deal_id)


def put_discount(order: Order, changes: Mapping[str, Any]) -> None:
    """Per cent and amount take each other's place: who names one means not the other."""
    if not {"discount_percent", "discount_amount"} & set(changes):
        return
    percent = off(changes.get("discount_percent") or 0, 0, "discount_percent").percent
    amount = off(0, changes.get("discount_amount") or 0, "discount_amount").amount
    if "discount_percent" not in changes:
        percent = Decimal(0) if amount else order.discount_percent
    if "discount_amount" not in changes:
        amount = Decimal(0) if percent else order.discount_amount
    given = off(percent, amount, "discount_percent")
    order.discount_percent, order.discount_amount = given.percent, given.amount


async def put_coupon(session: AsyncSession, order: Order, changes: Mapping[str, Any], at: datetime) -> None:
    """Use another coupon, or none; what it gives is kept with the order."""
    if "coupon" not in changes:
        return
    code = coupon.written(changes["coupon"]) if (changes["coupon"] or "").strip() else None
    if code == order.coupon_code:
        return
    with session.no_autoflush:
        found = await coupon.valid_coupon(session, code, shop_id=order.shop_id, at=at) if code else None
    given = found.off if found else Off()
    order.coupon_id, order.coupon_code = (found.id, found.code) if found else (None, None)
    order.coupon_percent, order.coupon_amount = given.percent, given.amount
    order.coupon_minimum = found.minimum if found else Decimal(0)
    if found:
        sums = order.sums
        coupon.check_minimum(found, sums.goods - sums.discount)


def _uses(order: Order) -> int | None:
    """The coupon that this order uses up; one that was called off uses none."""
    return None if is_released(order.status) else order.coupon_id


async def _count_coupon(session: AsyncSession, before: int | None, after: int | None) -> None:
    if before == after:
        return
    with session.no_autoflush:
        if before is not None:
            await coupon.give_back(session, before)
        if after is not None:
            await coupon.count_use(session, after)


async def put_delivery(
    session: AsyncSession, order: Order, changes: Mapping[str, Any], products: Mapping[int, Product]
) -> None:
    """The method and its cost: as typed, else by the method's rates, which then go on counting."""
    if "delivery_method_id" in changes:
        order.delivery_method_id = changes["delivery_method_id"]
        if "delivery_cost" not in changes:
            order.delivery_by_hand = False
    if changes.get("delivery_cost") is not None:
        order.delivery_cost = money(changes["delivery_cost"], "delivery_cost")
        order.delivery_by_hand = True
    elif "delivery_cost" in changes:
        order.delivery_by_hand = False
    if order.delivery_method_id is None:
        return
    with session.no_autoflush:
        method = await _method(session, order.delivery_method_id)
    if method.shop_id != order.shop_id:
        raise Invalid(f"“{method.name}” is another shop's way of delivery.", "delivery_method_id")
    if "delivery_method_id" in changes:
        order.delivery_method = method.name
    if not order.delivery_by_hand and _moves_cost(changes):
        order.delivery_cost = cost_by_rate(order, method, products)


def _moves_cost(changes: Mapping[str, Any]) -> bool:
    """Only who touches goods or delivery moves what it costs: a change of the rates alone breaks no promise."""
    return any(field == "items" or field.startswith(("delivery_", "discount_")) for field in changes)


async def _method(session: AsyncSession, method_id: int) -> delivery.DeliveryMethod:
    try:
        return await delivery.get_method(session, method_id)
    except NotFound as error:
        raise Invalid(str(error), "delivery_method_id") from None


def cost_by_rate(order: Order, method: delivery.DeliveryMethod, products: Mapping[int, Product]) -> Decimal:
    """What the method's rates say for this order. Raises `Invalid` when it does not go there."""
    grams = weight(order.items, products)
    goods = order.sums.sold
    found = delivery.cost(method.rates, method.free_from, where_to(order), weight_g=grams, goods=goods)
    if found is None:
        raise Invalid(
            f"“{method.name}” has no rate for this place and weight. Choose another, or type what it costs.",
            "delivery_method_id",
        )
    return found


def where_to(order: Order) -> delivery.Where:
    """Where the order goes."""
    return delivery.Where(
        city=order.delivery_city, region=order.delivery_region, postcode=order.delivery_postcode
    )


def weight(items: list[OrderItem], products: Mapping[int, Product]) -> int:
    """Grams of everything whose weight is known."""
    known = ((it.quantity, products.get(it.product_id or 0)) for it in items)
    return sum(pieces * (product.weight_g or 0) for pieces, product in known if product)
