"""The items of an order and the goods they keep off the shelf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid
from crm_core.hold import held_by, standings, tell_few
from crm_core.money import money
from crm_core.order_rows import Order, OrderItem
from crm_core.order_status import is_released, is_shipped
from crm_core.order_total import off
from crm_core.price import buys_at, prices_for
from crm_core.product import Product
from crm_core.stock import OrderStock, locked_levels, take
from crm_core.supply import list_supplies, soonest

MOST_PIECES = 9_999


@dataclass(frozen=True)
class ItemWanted:
    """One line as it was asked for. Name, SKU and price are the product's unless given."""

    product_id: int | None
    quantity: int
    price: Decimal | None = None
    name: str | None = None
    sku: str | None = None
    discount_percent: Decimal = Decimal("0.00")
    discount_amount: Decimal = Decimal("0.00")


async def locked_products(
    session: AsyncSession, order: Order, wanted: Sequence[ItemWanted] | None
) -> dict[int, Product]:
    """Every product whose stock may move, locked in one order so that two operators never wait in a ring."""
    ids = {it.product_id for it in order.held} | {it.product_id for it in order.items if it.product_id}
    ids |= {it.product_id for it in wanted or () if it.product_id}
    query = select(Product).where(Product.id.in_(sorted(ids))).order_by(Product.id).with_for_update()
    found = await session.scalars(query, execution_options={"populate_existing": True})
    return {product.id: product for product in found} if ids else {}


async def own_prices(
    session: AsyncSession, order: Order, products: Mapping[int, Product], at: datetime
) -> dict[int, Decimal]:
    """Product -> what it costs the order's customer now."""
    price_list = await buys_at(session, order.customer_id)
    return await prices_for(session, list(products.values()), price_list=price_list, at=at)


async def move_stock(
    session: AsyncSession,
    order: Order,
    products: Mapping[int, Product],
    *,
    beyond: bool,
    call_id: UUID | None,
    at: datetime,
) -> None:
    """Reserve what the order wants, ship it or give it back, as its state says; the products must be locked.

    `beyond`: more may be promised than there is, and what other calls than `call_id` hold.
    Raises `Conflict` when there is not enough.
    """
    if not products:
        return
    levels = await locked_levels(session, list(products.values()))
    pieces, shipped = _wanted_pieces(order), is_shipped(order.status)
    before = {key: product.stock for key, product in products.items()}
    if not beyond:
        await _leave_held(session, order, products, pieces, call_id, at)
    kept: list[OrderStock] = []
    for product_id, product in products.items():
        held = [it for it in order.held if it.product_id == product_id]
        given = take(
            product, pieces.get(product_id, 0), held, levels[product_id], shipped=shipped, beyond=beyond
        )
        rows = {it.warehouse_id: it for it in held}
        for warehouse_id, count in given.items():
            row = rows.get(warehouse_id) or OrderStock(product_id=product_id, warehouse_id=warehouse_id)
            row.pieces, row.shipped = count, shipped
            kept.append(row)
    await _say_from_whom(session, order, products, _short(pieces, order.held, before))
    order.held = kept
    await tell_few(session, [it for key, it in products.items() if it.stock != before[key]], at=at)


def _short(pieces: Mapping[int, int], held: Sequence[OrderStock], stock: Mapping[int, int]) -> set[int]:
    """Products of which an order that holds `held` wants more than `stock` could promise. Pure."""
    kept: dict[int, int] = {}
    for row in held:
        kept[row.product_id] = kept.get(row.product_id, 0) + row.pieces
    return {key for key, count in pieces.items() if count > kept.get(key, 0) + max(0, stock[key])}


async def _say_from_whom(
    session: AsyncSession, order: Order, products: Mapping[int, Product], short: set[int]
) -> None:
    """Lines of goods that are not here say which supplier has them; those that are here again say it no longer."""
    supplies = await list_supplies(session, short) if short else {}
    for item in order.items:
        if item.product_id in short:
            found = soonest(supplies.get(item.product_id, ()))
            item.supplier, item.lead_days = (found.supplier, found.lead_days) if found else (None, None)
        elif (product := products.get(item.product_id or 0)) is not None and product.stock >= 0:
            item.supplier, item.lead_days = None, None


async def _leave_held(
    session: AsyncSession,
    order: Order,
    products: Mapping[int, Product],
    pieces: Mapping[int, int],
    call_id: UUID | None,
    at: datetime,
) -> None:
    """Raises `Conflict` when more is wanted of something than other calls leave."""
    kept: dict[int, int] = {}
    for row in order.held:
        kept[row.product_id] = kept.get(row.product_id, 0) + row.pieces
    more = {key: count - kept.get(key, 0) for key, count in pieces.items() if count > kept.get(key, 0)}
    stock = {key: products[key].stock for key in more}
    for key, it in (await standings(session, stock, call_id=call_id, at=at)).items() if more else ():
        if it.free < more[key] <= stock[key] and it.ahead:
            raise Conflict(held_by(products[key].name, it))


def _wanted_pieces(order: Order) -> dict[int, int]:
    """Product -> pieces this order keeps off the shelf."""
    held: dict[int, int] = {}
    for item in () if is_released(order.status) else order.items:
        if item.product_id is not None:
            held[item.product_id] = held.get(item.product_id, 0) + item.quantity
    return held


def checked_items(wanted: Sequence[ItemWanted]) -> Sequence[ItemWanted]:
    """`wanted` itself. Raises `Invalid` when there is nothing in it or a quantity makes no sense."""
    if not wanted:
        raise Invalid("An order needs at least one item.", "items")
    if any(not 1 <= it.quantity <= MOST_PIECES for it in wanted):
        raise Invalid(f"A quantity is between 1 and {MOST_PIECES}.", "items")
    return wanted


def made_item(
    wanted: ItemWanted,
    products: Mapping[int, Product],
    prices: Mapping[int, Decimal],
    shop_id: int,
    kept: Mapping[int, OrderItem],
) -> OrderItem:
    """The row for what was asked; a product that was in the order (`kept`) keeps its lower list price.

    Raises `Invalid` for a stranger's product or an item without a name.
    """
    product = products.get(wanted.product_id) if wanted.product_id else None
    if product is not None and product.shop_id != shop_id:
        raise Invalid(f"{product.name} is not sold by this shop.", "items")
    if product is None and wanted.product_id:
        raise Invalid(f"There is no product {wanted.product_id}.", "items")
    name = wanted.name or (product.name if product else "")
    if not name.strip():
        raise Invalid("An item without a product needs a name.", "items")
    listed = prices[product.id] if product else None
    price = wanted.price if wanted.price is not None else (listed or Decimal(0))
    given = off(wanted.discount_percent, wanted.discount_amount, "items")
    was = kept.get(product.id) if product else None
    if listed is not None and was is not None:
        listed = min(listed, was.price if was.list_price is None else was.list_price)
    return OrderItem(
        product_id=product.id if product else None,
        sku=wanted.sku or (product.sku if product else ""),
        name=name,
        quantity=wanted.quantity,
        price=money(price, "items"),
        discount_percent=given.percent,
        discount_amount=given.amount,
        list_price=listed,
        purchase_price=product.purchase_price if product else None,
        supplier=was.supplier if was else None,
        lead_days=was.lead_days if was else None,
    )
