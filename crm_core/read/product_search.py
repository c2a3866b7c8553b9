"""What somebody means who types the beginning of a product: its price for this customer, its places, its holders.

One question for all of it: a keystroke waits for one answer of the database.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, Text, cast, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.customer import Customer
from crm_core.hold import CallHold, Standing, Wish, lasting, standing
from crm_core.picture import main_picture
from crm_core.price import ProductPrice, price_now
from crm_core.product import Product, meant_products
from crm_core.stock import StockLevel, Warehouse
from crm_core.supply import LONGEST_DAYS, Supply
from crm_core.user import User


@dataclass(frozen=True)
class Place:
    """Pieces of a product that one warehouse can promise."""

    warehouse: str
    available: int


@dataclass(frozen=True)
class Supplied:
    """Pieces of a product that one supplier has, and in how many days they would be here."""

    supplier: str
    quantity: int
    lead_days: int | None


@dataclass(frozen=True, kw_only=True)
class Found:
    """A product, its price for this customer now, where it lies, how the call stands with it, its main picture."""

    product: Product
    price: Decimal
    places: list[Place]
    suppliers: list[Supplied]
    stands: Standing
    picture_id: int | None


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
    meant = meant_products(query, shop_id, limit=limit)
    if meant is None:
        return []
    buys_at = select(Customer.price_list).where(Customer.id == customer_id).scalar_subquery()
    told = meant.add_columns(_prices(), _places(), _supplies(), _queue(at), buys_at, main_picture())
    return [
        Found(
            product=product,
            price=price_now(product.price, map(_price, prices or ()), price_list=price_list, at=at),
            places=[Place(*place) for place in places or ()],
            suppliers=[Supplied(*it) for it in suppliers or ()],
            stands=standing(product.stock, [_wish(*wish) for wish in queue or ()], call_id),
            picture_id=picture_id,
        )
        for product, prices, places, suppliers, queue, price_list, picture_id in await session.execute(told)
    ]


def _rows(query: Select[Any], order: Any, columns: Iterable[Any]) -> ScalarSelect[Any]:
    """What `query` finds for the product of the row, as a list of lists; NULL for nothing."""
    row = func.jsonb_build_array(*columns)
    listed = func.jsonb_agg(aggregate_order_by(row, order))
    return query.with_only_columns(listed).correlate(Product).scalar_subquery()


def _prices() -> ScalarSelect[Any]:
    of = select(ProductPrice).where(ProductPrice.product_id == Product.id)
    own = (
        cast(ProductPrice.price, Text),
        ProductPrice.price_list,
        ProductPrice.starts_at,
        ProductPrice.ends_at,
    )
    return _rows(of, ProductPrice.id, own)


def _price(told: tuple[str, str | None, str | None, str | None]) -> ProductPrice:
    price, price_list, *times = told
    starts_at, ends_at = (datetime.fromisoformat(it) if it else None for it in times)
    return ProductPrice(price=Decimal(price), price_list=price_list, starts_at=starts_at, ends_at=ends_at)


def _places() -> ScalarSelect[Any]:
    available = StockLevel.on_hand - StockLevel.reserved
    of = (
        select(StockLevel)
        .join(Warehouse, Warehouse.id == StockLevel.warehouse_id)
        .where(StockLevel.product_id == Product.id, available > 0)
    )
    return _rows(of, StockLevel.warehouse_id, (Warehouse.name, available))


def _supplies() -> ScalarSelect[Any]:
    of = select(Supply).where(Supply.product_id == Product.id, Supply.quantity > 0)
    order = func.coalesce(Supply.lead_days, LONGEST_DAYS)
    return _rows(of, order, (Supply.supplier, Supply.quantity, Supply.lead_days))


def _queue(at: datetime) -> ScalarSelect[Any]:
    of = (
        select(CallHold)
        .join(Call, Call.id == CallHold.call_id)
        .join(User, User.id == CallHold.user_id)
        .where(CallHold.product_id == Product.id, lasting(at))
    )
    return _rows(of, CallHold.id, (CallHold.call_id, User.name, CallHold.pieces))


def _wish(call_id: str, name: str, pieces: int) -> Wish:
    return Wish(UUID(call_id), name, pieces)
