"""The items of an order and the goods they keep off the shelf."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid
from crm_core.money import money
from crm_core.order_rows import Order, OrderItem
from crm_core.order_status import RELEASED
from crm_core.product import Product

MOST_PIECES = 9_999


@dataclass(frozen=True)
class ItemWanted:
    """One line as it was asked for. Name, SKU and price are the product's unless given."""

    product_id: int | None
    quantity: int
    price: Decimal | None = None
    name: str | None = None
    sku: str | None = None


async def locked_products(
    session: AsyncSession, held: Mapping[int, int], order: Order, wanted: Sequence[ItemWanted] | None
) -> dict[int, Product]:
    """Every product whose stock may move, locked in one order so that two operators never wait in a ring."""
    ids = set(held) | {it.product_id for it in order.items if it.product_id}
    ids |= {it.product_id for it in wanted or () if it.product_id}
    query = select(Product).where(Product.id.in_(sorted(ids))).order_by(Product.id).with_for_update()
    found = await session.scalars(query, execution_options={"populate_existing": True})
    return {product.id: product for product in found} if ids else {}


def held_by(order: Order) -> dict[int, int]:
    """Product -> pieces this order keeps off the shelf."""
    held: dict[int, int] = {}
    for item in () if order.status in RELEASED else order.items:
        if item.product_id is not None:
            held[item.product_id] = held.get(item.product_id, 0) + item.quantity
    return held


def move_stock(products: Mapping[int, Product], before: Mapping[int, int], after: Mapping[int, int]) -> None:
    """Take from the shelf what `after` holds more than `before`, put back what it holds less.

    Raises `Conflict` when there is not enough; the products must be locked.
    """
    for product_id in {*before, *after}:
        product, more = products[product_id], after.get(product_id, 0) - before.get(product_id, 0)
        if more > product.stock:
            left = "is none" if product.stock == 0 else f"are only {product.stock}"
            raise Conflict(f"There {left} of {product.name} left.")
        product.stock -= more


def checked_items(wanted: Sequence[ItemWanted]) -> Sequence[ItemWanted]:
    """`wanted` itself. Raises `Invalid` when there is nothing in it or a quantity makes no sense."""
    if not wanted:
        raise Invalid("An order needs at least one item.", "items")
    if any(not 1 <= it.quantity <= MOST_PIECES for it in wanted):
        raise Invalid(f"A quantity is between 1 and {MOST_PIECES}.", "items")
    return wanted


def made_item(wanted: ItemWanted, products: Mapping[int, Product], shop_id: int) -> OrderItem:
    """The row for what was asked. Raises `Invalid` for a stranger's product or an item without a name."""
    product = products.get(wanted.product_id) if wanted.product_id else None
    if product is not None and product.shop_id != shop_id:
        raise Invalid(f"{product.name} is not sold by this shop.", "items")
    if product is None and wanted.product_id:
        raise Invalid(f"There is no product {wanted.product_id}.", "items")
    name = wanted.name or (product.name if product else "")
    if not name.strip():
        raise Invalid("An item without a product needs a name.", "items")
    price = wanted.price if wanted.price is not None else (product.price if product else Decimal(0))
    return OrderItem(
        product_id=product.id if product else None,
        sku=wanted.sku or (product.sku if product else ""),
        name=name,
        quantity=wanted.quantity,
        price=money(price, "items"),
    )
