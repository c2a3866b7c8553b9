"""What somebody means who types the beginning of a product: its price for this customer, its places, its holders."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.hold import Standing, standings
from crm_core.price import buys_at, prices_for
from crm_core.product import Product, find_products
from crm_core.stock import StockLevel, Warehouse


@dataclass(frozen=True)
class Place:
    """Pieces of a product that one warehouse can promise."""

    warehouse: str
    available: int


@dataclass(frozen=True, kw_only=True)
class Found:
    """A product, its price for this customer now, its places, and how the call stands with it."""

    product: Product
    price: Decimal
    places: list[Place]
    stands: Standing


async def found_products(
    session: AsyncSession,
    query: str,
    *,
    shop_id: int | None,
    customer_id: int | None,
    call_id: UUID | None,
    at: datetime,
    limit: int,
) -> list[Found]:
    """Products that `query` may mean (see `find_products`), as the customer of this call may have them."""
    found = await find_products(session, query, shop_id, limit=limit)
    if not found:
        return []
    prices = await prices_for(session, found, price_list=await buys_at(session, customer_id), at=at)
    places = await places_of(session, [it.id for it in found])
    stands = await standings(session, {it.id: it.stock for it in found}, call_id=call_id, at=at)
    return [
        Found(product=it, price=prices[it.id], places=places.get(it.id, []), stands=stands[it.id])
        for it in found
    ]


async def places_of(session: AsyncSession, product_ids: Iterable[int]) -> dict[int, list[Place]]:
    """Product -> the warehouses in which something of it can be promised."""
    query = (
        select(StockLevel.product_id, Warehouse.name, StockLevel.on_hand - StockLevel.reserved)
        .join(Warehouse, Warehouse.id == StockLevel.warehouse_id)
        .where(StockLevel.product_id.in_(list(product_ids)), StockLevel.on_hand > StockLevel.reserved)
        .order_by(StockLevel.warehouse_id)
    )
    places: dict[int, list[Place]] = {}
    for product_id, name, available in await session.execute(query):
        places.setdefault(product_id, []).append(Place(name, available))
    return places
