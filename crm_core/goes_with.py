"""What goes with what: accessories that somebody chose, and what people bought together.

The pairs are counted from orders a bite at a time (`count_pairs`), each order once, so that asking costs an index.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Never

from sqlalchemy import CheckConstraint, ForeignKey, delete, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base, Database, Id
from crm_core.errors import Invalid, NotFound
from crm_core.order_status import RELEASED, among_sql
from crm_core.outage import is_outage
from crm_core.product import Product, get_product

BITE = 20_000  # orders that are counted in one transaction
SETTLED = timedelta(minutes=10)  # an order is counted when it is so old: it may still be changed in the call
EVERY_S = 600.0
LINE_LENGTH = 200
log = logging.getLogger(__name__)


class ProductAccessory(Base):
    """`other_id` is offered to who takes `product_id`, with this line to say."""

    __tablename__ = "product_accessories"
    __table_args__ = (CheckConstraint("product_id <> other_id", name="two_products"),)

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    line: Mapped[str | None]


class ProductPair(Base):
    """In so many orders `other_id` stood beside `product_id`; each pair stands in both directions."""

    __tablename__ = "product_pairs"

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    other_id: Mapped[int] = mapped_column(
        ForeignKey("products.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    orders: Mapped[int]


class PairsCounted(Base):
    """The last order whose pairs are counted; one row at most."""

    __tablename__ = "pairs_counted"

    id: Mapped[Id]
    order_id: Mapped[int]


@dataclass(frozen=True)
class Suggestion:
    """Something to offer beside `because`: chosen by somebody (`line` may say how), or bought so in `orders` orders."""

    product: Product
    because: str
    line: str | None
    orders: int
    chosen: bool


async def suggestions(
    session: AsyncSession, product_ids: Sequence[int], *, limit: int = 3
) -> list[Suggestion]:
    """What goes with these products and is not among them, is on sale and can be promised: the chosen first."""
    rows = await session.execute(_SUGGESTED, {"ids": list(product_ids), "limit": limit})
    found = [(row.other_id, row.because, row.line, row.orders, row.chosen) for row in rows]
    query = select(Product).where(Product.id.in_([it[0] for it in found]))
    products = {product.id: product for product in await session.scalars(query)} if found else {}
    return [Suggestion(products[other], *rest) for other, *rest in found if other in products]


_SUGGESTED = text("""
    WITH offered AS (
        SELECT a.other_id, a.product_id, a.line, 0::bigint AS orders, true AS chosen
        FROM product_accessories a WHERE a.product_id = ANY (:ids)
        UNION ALL
        SELECT t.other_id, t.product_id, NULL, t.orders, false FROM unnest(CAST(:ids AS bigint[])) AS g(id)
        CROSS JOIN LATERAL (
            SELECT * FROM product_pairs p WHERE p.product_id = g.id AND p.orders > 1
            ORDER BY p.orders DESC, p.other_id LIMIT 20
        ) t
    ), best AS (
        SELECT DISTINCT ON (o.other_id) o.* FROM offered o WHERE o.other_id <> ALL (:ids)
        ORDER BY o.other_id, o.chosen DESC, o.orders DESC
    )
    SELECT b.other_id, w.name AS because, b.line, b.orders, b.chosen
    FROM best b JOIN products w ON w.id = b.product_id
        JOIN products o ON o.id = b.other_id AND o.active AND o.stock > 0 AND o.shop_id = w.shop_id
    ORDER BY b.chosen DESC, b.orders DESC, b.other_id LIMIT :limit
""")


async def list_accessories(session: AsyncSession, product_id: int) -> Sequence[Any]:
    """The accessories of a product with their names: other_id, sku, name, stock, line."""
    query = (
        select(ProductAccessory.other_id, Product.sku, Product.name, Product.stock, ProductAccessory.line)
        .join(Product, Product.id == ProductAccessory.other_id)
        .where(ProductAccessory.product_id == product_id)
        .order_by(Product.search_key, Product.id)
    )
    return (await session.execute(query)).all()


async def put_accessory(
    session: AsyncSession, product_id: int, other_id: int, line: str | None, *, user_id: int | None
) -> None:
    """Offer `other_id` to who takes `product_id`; again: with another line. Raises `NotFound`, `Invalid`."""
    product, other = await get_product(session, product_id), await get_product(session, other_id)
    if product.id == other.id:
        raise Invalid("A product is no accessory of itself.", "other_id")
    if product.shop_id != other.shop_id:
        raise Invalid(f"{other.name} is sold by another shop.", "other_id")
    said = " ".join((line or "").split())[:LINE_LENGTH] or None
    new = insert(ProductAccessory).values(product_id=product_id, other_id=other_id, line=said)
    await session.execute(
        new.on_conflict_do_update(index_elements=["product_id", "other_id"], set_={"line": said})
    )
    await _note(session, "accessory.put", product_id, {"accessory": other.sku, "line": said}, user_id)


async def remove_accessory(
    session: AsyncSession, product_id: int, other_id: int, *, user_id: int | None
) -> None:
    """Offer it no longer. Raises `NotFound`."""
    gone = await session.execute(
        delete(ProductAccessory)
        .where(ProductAccessory.product_id == product_id, ProductAccessory.other_id == other_id)
        .returning(ProductAccessory.other_id)
    )
    if gone.first() is None:
        raise NotFound("The product has no such accessory.")
    await _note(session, "accessory.remove", product_id, {"accessory": other_id}, user_id)


async def _note(
    session: AsyncSession, action: str, product_id: int, detail: dict[str, Any], user_id: int | None
) -> None:
    await audit.record(
        session, user_id=user_id, action=action, object_kind="product", object_id=product_id, detail=detail
    )


async def count_pairs(session: AsyncSession, *, at: datetime, bite: int = BITE) -> bool:
    """Count the next `bite` orders; whether there are more to count."""
    await session.execute(text("SELECT pg_advisory_xact_lock(7021)"))
    last = await session.scalar(select(PairsCounted.order_id).limit(1))
    given = {"last": last or 0, "bite": bite, "before": at - SETTLED}
    through, orders = (await session.execute(_BITE, given)).one()
    if not orders:
        return False
    await session.execute(_COUNT, {"last": last or 0, "through": through})
    await session.execute(delete(PairsCounted))
    session.add(PairsCounted(order_id=through))
    return int(orders) == bite


_BITE = text("""
    SELECT max(id), count(*) FROM (
        SELECT id FROM orders WHERE id > :last AND created_at < :before ORDER BY id LIMIT :bite
    ) o
""")
_COUNT = text(f"""
    INSERT INTO product_pairs (product_id, other_id, orders)
    SELECT a.product_id, b.product_id, count(DISTINCT a.order_id)
    FROM order_items a JOIN order_items b ON b.order_id = a.order_id AND b.product_id <> a.product_id
        JOIN orders o ON o.id = a.order_id AND NOT ({among_sql("o.status", RELEASED)})
    WHERE a.order_id > :last AND a.order_id <= :through
        AND a.product_id IS NOT NULL AND b.product_id IS NOT NULL
    GROUP BY 1, 2 ORDER BY 1, 2
    ON CONFLICT (product_id, other_id) DO UPDATE SET orders = product_pairs.orders + excluded.orders
""")


async def keep_counting(database: Database, now: Callable[[], datetime]) -> Never:
    """Count what was ordered, for ever, and in short transactions; an outage of the database is waited for."""
    while True:
        try:
            async with database.begin() as session:
                more = await count_pairs(session, at=now())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("pairs are not counted: the database is away: %s", type(error).__name__)
            more = False
        await asyncio.sleep(0.5 if more else EVERY_S)
