"""The goods that are wanted in a deal before there is an order of them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.deal_rows import Deal, DealItem
from crm_core.discount_limit import Sold, check_limit, most_off
from crm_core.errors import Invalid
from crm_core.money import money
from crm_core.order_total import OrderLine, add_up
from crm_core.price import buys_at, prices_for
from crm_core.product import Product
from crm_core.shop import Shop

MOST_LINES = 100


@dataclass(frozen=True)
class GoodsWanted:
    """So many pieces of a product; at the customer's own price unless another was agreed."""

    product_id: int
    quantity: int
    price: Decimal | None = None


async def put_goods(
    session: AsyncSession, deal: Deal, wanted: Sequence[GoodsWanted], *, at: datetime, role: str | None
) -> None:
    """Let these be the goods of the deal and their sum its amount; without any the amount stays.

    `role`: of whoever sells them, who may go as far below the prices as in an order (None: the house, any price).
    Raises `Invalid` for a product that there is not, for goods of several shops or another currency, and for a price
    that this role may not give.
    """
    query = select(Product).where(Product.id.in_({it.product_id for it in wanted}))
    products = {it.id: it for it in await session.scalars(query)}
    if missing := {it.product_id for it in wanted} - products.keys():
        raise Invalid(f"There is no product {min(missing)}.", "items")
    shop_id = await _one_shop(session, deal, products.values())
    price_list = await buys_at(session, deal.customer_id)
    prices = await prices_for(session, list(products.values()), price_list=price_list, at=at)
    before = _sold(deal.items)
    deal.items = [_line(it, products[it.product_id], prices[it.product_id]) for it in wanted]
    if role is not None and shop_id is not None:
        with session.no_autoflush:
            limit = await most_off(session, role, shop_id)
        _check(before, _sold(deal.items), limit)
    if deal.items:
        deal.amount = money(sum((it.sum for it in deal.items), Decimal(0)), "amount")


async def _one_shop(session: AsyncSession, deal: Deal, products: Iterable[Product]) -> int | None:
    shops = {it.shop_id for it in products}
    if len(shops) > 1:
        raise Invalid("The goods of a deal are of one shop.", "items")
    for shop_id in shops:
        shop = await session.get_one(Shop, shop_id)
        if shop.currency != deal.currency:
            raise Invalid(f"{shop.name} sells in {shop.currency}, the deal is in {deal.currency}.", "items")
    return next(iter(shops), None)


def _sold(items: Iterable[DealItem]) -> list[Sold]:
    return [Sold(it.product_id, it.name, it.list_price, OrderLine(it.quantity, it.price)) for it in items]


def _check(before: Sequence[Sold], after: Sequence[Sold], limit: Decimal) -> None:
    sums_before, sums = add_up(it.line for it in before), add_up(it.line for it in after)
    check_limit(before, sums_before, after, sums, limit)


def _line(wanted: GoodsWanted, product: Product, price: Decimal) -> DealItem:
    return DealItem(
        product_id=product.id,
        sku=product.sku,
        name=product.name,
        quantity=wanted.quantity,
        price=price if wanted.price is None else wanted.price,
        list_price=price,
    )
