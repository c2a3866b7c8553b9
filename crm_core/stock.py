"""What lies in each warehouse, and what of it is promised to whom.

Of every product in every warehouse we know the pieces on hand and those reserved by orders; the difference can be
promised. An order reserves its pieces, takes them from hand when it is shipped, and gives them back when it is
cancelled or returned. Pieces move only while the product's row is locked, so that two operators who want the last
one in the same second get it one after the other, and the second is refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import CheckConstraint, ForeignKey, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.db import Base, Flag, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.order_status import RELEASED, SHIPPED, among_sql
from crm_core.outbox import announce
from crm_core.product import Product, get_product
from crm_core.shop import Shop

MAIN = "Main warehouse"
MOST_ON_HAND = 9_999_999


class Warehouse(Base):
    """A place where a shop's goods lie; the one made first is taken from first."""

    __tablename__ = "warehouses"
    __table_args__ = (UniqueConstraint("shop_id", "name"),)

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str]


class StockLevel(Base):
    """One product in one warehouse. More may be reserved than is on hand: sold beyond the stock."""

    __tablename__ = "stock_levels"
    __table_args__ = (
        CheckConstraint("on_hand >= 0", name="on_hand_not_negative"),
        CheckConstraint("reserved >= 0", name="reserved_not_negative"),
    )

    product_id: Mapped[int] = mapped_column(ForeignKey("products.id", ondelete="CASCADE"), primary_key=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"), primary_key=True, index=True)
    on_hand: Mapped[int] = mapped_column(server_default="0", default=0)
    reserved: Mapped[int] = mapped_column(server_default="0", default=0)


class OrderStock(Base):
    """Pieces that an order keeps: reserved on the shelf, or (`shipped`) taken from it."""

    __tablename__ = "order_stock"
    __table_args__ = (CheckConstraint("pieces > 0", name="pieces_positive"),)

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), primary_key=True, index=True)
    warehouse_id: Mapped[int] = mapped_column(ForeignKey("warehouses.id"), primary_key=True)
    pieces: Mapped[int]
    shipped: Mapped[Flag]


@dataclass(frozen=True)
class Shelf:
    """A product in one warehouse, without the pieces of the order that is being looked at."""

    warehouse_id: int
    on_hand: int
    reserved: int

    def room(self, kept: int) -> int:
        """Pieces that may still be promised when the order keeps `kept` of them."""
        return max(0, self.on_hand - self.reserved - kept)


def allot(
    pieces: int, kept: Mapping[int, int], shelves: Sequence[Shelf], *, beyond: bool = False
) -> tuple[dict[int, int], int]:
    """From which warehouses an order gets its pieces, and how many are missing. Pure.

    `kept`: what it keeps now, warehouse -> pieces; that stays where it is as far as it is still wanted. More comes
    from the same place, else from one that has all of it, else from several in turn. `beyond`: what is missing
    is promised all the same, at the first warehouse.
    """
    given, left = _as_kept(pieces, kept)
    order = sorted(shelves, key=lambda it: (not given.get(it.warehouse_id), it.room(0) < left))
    for shelf in order:
        more = min(left, shelf.room(given.get(shelf.warehouse_id, 0)))
        if more:
            given[shelf.warehouse_id] = given.get(shelf.warehouse_id, 0) + more
            left -= more
    if left and beyond and order:
        first = order[0].warehouse_id
        given[first], left = given.get(first, 0) + left, 0
    return given, left


def on_shelves(given: Mapping[int, int], shelves: Sequence[Shelf]) -> tuple[dict[int, int], int]:
    """The same pieces as they can be shipped: what is not on hand comes from elsewhere; and what is missing."""
    real = {it.warehouse_id: min(given.get(it.warehouse_id, 0), it.on_hand) for it in shelves}
    left = sum(given.values()) - sum(real.values())
    for shelf in shelves:
        more = min(left, shelf.room(real[shelf.warehouse_id]))
        real[shelf.warehouse_id] += more
        left -= more
    return {place: pieces for place, pieces in real.items() if pieces}, left


def _as_kept(pieces: int, kept: Mapping[int, int]) -> tuple[dict[int, int], int]:
    given: dict[int, int] = {}
    for place, held in kept.items():
        if stays := min(held, pieces):
            given[place] = stays
            pieces -= stays
    return given, pieces


def take(
    product: Product,
    pieces: int,
    held: Sequence[OrderStock],
    levels: Sequence[StockLevel],
    *,
    shipped: bool,
    beyond: bool,
) -> dict[int, int]:
    """Move an order from what it holds of a product to `pieces` of it; the new allotment, warehouse -> pieces.

    `levels` (all of the product, which must be locked) and the product's stock are changed.
    Raises `Conflict` when there is not enough.
    """
    kept = {it.warehouse_id: it.pieces for it in held}
    for row in held:
        _put_back(row, levels)
    shelves = [Shelf(it.warehouse_id, it.on_hand, it.reserved) for it in levels]
    given, missing = allot(pieces, kept, shelves, beyond=beyond)
    if missing:
        left = max(0, sum(shelf.room(0) for shelf in shelves) - sum(kept.values()))
        if left == 0:
            raise Conflict(f"There is none of {product.name} left. Take it out, or offer something else.")
        raise Conflict(f"There are only {left} of {product.name} left. Take fewer, or offer something else.")
    if shipped:
        given, missing = on_shelves(given, shelves)
        if missing:
            raise Conflict(
                f"{missing} of {product.name} are not on hand; put them in stock before they are sent."
            )
    for level in levels:
        if shipped:
            level.on_hand -= given.get(level.warehouse_id, 0)
        else:
            level.reserved += given.get(level.warehouse_id, 0)
    product.stock = available(levels)
    return given


def _put_back(row: OrderStock, levels: Iterable[StockLevel]) -> None:
    level = next(it for it in levels if it.warehouse_id == row.warehouse_id)
    if row.shipped:
        level.on_hand += row.pieces
    else:
        level.reserved -= row.pieces


def available(levels: Iterable[StockLevel]) -> int:
    """What can still be promised; below zero when more was sold than there is."""
    return sum(it.on_hand - it.reserved for it in levels)


async def locked_levels(session: AsyncSession, products: Sequence[Product]) -> dict[int, list[StockLevel]]:
    """Product -> its level in every warehouse of its shop, made where there is none; the products are locked."""
    for shop_id in sorted({it.shop_id for it in products}):
        await main_warehouse(session, shop_id)
    ids = [it.id for it in products]
    pairs = select(Product.id, Warehouse.id).where(Product.id.in_(ids), Warehouse.shop_id == Product.shop_id)
    missing = insert(StockLevel).from_select(["product_id", "warehouse_id"], pairs)
    await session.execute(missing.on_conflict_do_nothing())
    query = select(StockLevel).where(StockLevel.product_id.in_(ids)).order_by(StockLevel.warehouse_id)
    found: dict[int, list[StockLevel]] = {id_: [] for id_ in ids}
    for level in await session.scalars(query, execution_options={"populate_existing": True}):
        found[level.product_id].append(level)
    return found


async def main_warehouse(session: AsyncSession, shop_id: int) -> int:
    """The shop's first warehouse, made when it has none."""
    query = select(Warehouse.id).where(Warehouse.shop_id == shop_id).order_by(Warehouse.id).limit(1)
    found: int | None = await session.scalar(query)
    if found is None:
        made = insert(Warehouse).values(shop_id=shop_id, name=MAIN).on_conflict_do_nothing()
        await session.execute(made)
        found = await session.scalar(query)
    return found or 0


async def list_warehouses(session: AsyncSession, shop_id: int | None = None) -> Sequence[Warehouse]:
    """Warehouses of one shop or of all, in the order in which goods are taken from them."""
    query = select(Warehouse).order_by(Warehouse.shop_id, Warehouse.id)
    if shop_id is not None:
        query = query.where(Warehouse.shop_id == shop_id)
    return (await session.scalars(query)).all()


async def create_warehouse(
    session: AsyncSession, *, shop_id: int, name: str, user_id: int | None
) -> Warehouse:
    """Add a place where goods lie. Raises `NotFound`, `Invalid`, `Conflict` for a name that is taken."""
    if await session.get(Shop, shop_id) is None:
        raise NotFound(f"There is no shop {shop_id}.")
    if not name.strip():
        raise Invalid("A warehouse needs a name.", "name")
    await main_warehouse(session, shop_id)
    key = {"shop_id": shop_id, "name": name.strip()}
    if await session.scalar(select(Warehouse.id).filter_by(**key)):
        raise Conflict(f"The shop has a warehouse {name.strip()[:60]!r} already.")
    made = Warehouse(**key)
    session.add(made)
    await session.flush()
    await audit.record(
        session,
        user_id=user_id,
        action="warehouse.create",
        object_kind="warehouse",
        object_id=made.id,
        detail=key,
    )
    return made


async def set_on_hand(
    session: AsyncSession,
    product_id: int,
    warehouse_id: int,
    on_hand: int,
    *,
    was: int | None = None,
    user_id: int | None,
) -> Product:
    """Say how many pieces lie in a warehouse; `was`: how many the person saw before.

    Raises `NotFound`, `Invalid`, and `Conflict` when pieces moved meanwhile.
    """
    if not 0 <= on_hand <= MOST_ON_HAND:
        raise Invalid(f"Pieces on hand are between 0 and {MOST_ON_HAND}.", "on_hand")
    product = await get_product(session, product_id, lock=True)
    levels = (await locked_levels(session, [product]))[product_id]
    level = next((it for it in levels if it.warehouse_id == warehouse_id), None)
    if level is None:
        raise NotFound(f"The shop has no warehouse {warehouse_id}.")
    if was is not None and was != level.on_hand:
        raise Conflict(
            f"There are {level.on_hand} on hand now, not {was}: pieces moved meanwhile. Count again."
        )
    if level.on_hand != on_hand:
        what = {"on_hand": [level.on_hand, on_hand], "warehouse_id": warehouse_id}
        level.on_hand, product.stock = on_hand, available(levels) - level.on_hand + on_hand
        await session.flush()
        await audit.record(
            session,
            user_id=user_id,
            action="stock.set",
            object_kind="product",
            object_id=product_id,
            detail=what,
        )
        await announce(session, "product", {"id": product_id})
    return product


# The books of products that were put in with a number of pieces and no warehouse: by hand, or by the demo.
_OPEN_BOOKS = (
    "INSERT INTO warehouses (shop_id, name) SELECT DISTINCT shop_id, CAST(:main AS text) FROM products p"
    " WHERE NOT EXISTS (SELECT FROM warehouses w WHERE w.shop_id = p.shop_id)",
    "INSERT INTO order_stock (order_id, product_id, warehouse_id, pieces, shipped)"
    " SELECT o.id, i.product_id, (SELECT min(w.id) FROM warehouses w WHERE w.shop_id = p.shop_id),"
    f" sum(i.quantity), {among_sql('o.status', SHIPPED)}"
    " FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id"
    f" WHERE NOT {among_sql('o.status', RELEASED)}"
    " AND NOT EXISTS (SELECT FROM stock_levels l WHERE l.product_id = p.id)"
    " GROUP BY o.id, i.product_id, p.shop_id",
    "INSERT INTO stock_levels (product_id, warehouse_id, on_hand, reserved)"
    " SELECT p.id, (SELECT min(w.id) FROM warehouses w WHERE w.shop_id = p.shop_id),"
    " greatest(p.stock, 0) + coalesce(r.pieces, 0), coalesce(r.pieces, 0) FROM products p"
    " LEFT JOIN (SELECT product_id, sum(pieces) AS pieces FROM order_stock WHERE NOT shipped"
    " GROUP BY product_id) r ON r.product_id = p.id"
    " WHERE NOT EXISTS (SELECT FROM stock_levels l WHERE l.product_id = p.id)",
)


async def open_books(session: AsyncSession) -> None:
    """Give products without any warehouse their place: `stock` free pieces, and what open orders reserve."""
    await session.flush()
    for statement in _OPEN_BOOKS:
        given = {"main": MAIN} if ":main" in statement else {}
        await session.execute(text(statement), given)
