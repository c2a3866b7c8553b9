"""Orders, their items and the history of their changes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core import call_link, deal
from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.db import Base, Id, Instant, Money, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.line import Shop
from crm_core.money import money, order_total
from crm_core.order_status import LABELS as LABELS
from crm_core.order_status import OPEN as OPEN
from crm_core.order_status import RELEASED, Status
from crm_core.outbox import announce
from crm_core.product import Product
from crm_core.product import find_products as find_products


class Order(Base):
    """What a customer wants from a shop. `total` is goods plus delivery and is computed only here."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", Status),
        UniqueConstraint("number"),
        Index("ix_orders_customer", "customer_id", text("created_at DESC")),
        Index("ix_orders_created_at", text("created_at DESC")),
        Index("ix_orders_status", "status", text("created_at DESC")),
        CheckConstraint("total >= 0 AND paid >= 0 AND delivery_cost >= 0", name="sums_not_negative"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    status: Mapped[str]
    total: Mapped[Money]
    paid: Mapped[Money]
    currency: Mapped[str]
    delivery_method: Mapped[str | None]
    delivery_address: Mapped[str | None]
    delivery_cost: Mapped[Money]
    tracking: Mapped[str | None]
    promised_at: Mapped[datetime | None]
    comment: Mapped[str | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    created_in_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    version: Mapped[Version]
    updated_at: Mapped[Instant]

    items: Mapped[list["OrderItem"]] = relationship(
        lazy="selectin", order_by="OrderItem.id", cascade="all, delete-orphan"
    )


Index(
    "ix_orders_number_prefix",
    func.lower(Order.number).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)


class OrderItem(Base):
    """One line of an order; name and price are kept as they were when it was sold."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Money]


class OrderChange(Base):
    """Who changed what in an order, and in which call. `what`: field -> [before, after]."""

    __tablename__ = "order_changes"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    what: Mapped[dict[str, Any]]


EDITABLE = frozenset(
    (
        "items",
        "status",
        "paid",
        "deal_id",
        "delivery_method",
        "delivery_address",
        "delivery_cost",
        "tracking",
        "promised_at",
        "comment",
    )
)
MOST_PIECES = 9_999


@dataclass(frozen=True)
class ItemWanted:
    """One line as it was asked for. Name, SKU and price are the product's unless given."""

    product_id: int | None
    quantity: int
    price: Decimal | None = None
    name: str | None = None
    sku: str | None = None


async def create_order(
    session: AsyncSession,
    *,
    customer_id: int,
    shop_id: int,
    items: Sequence[ItemWanted],
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
    status: str = Status.NEW,
    **fields: Any,
) -> Order:
    """Take an order: give it the shop's next number, take its goods off the shelf, link it to the call.

    `fields` are those of `EDITABLE`. Raises `NotFound`, `Invalid`, `Conflict` when the stock is too small.
    """
    customer = await get_customer(session, customer_id)
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    call_id = await resolve(session, call_id) if call_id else None
    order = Order(
        number=await _next_number(session, shop_id),
        shop_id=shop_id,
        customer_id=customer.id,
        currency=shop.currency,
        status=Status.NEW,
        created_by=user_id,
        created_in_call_id=call_id,
        created_at=at,
        updated_at=at,
        paid=Decimal(0),
        delivery_cost=Decimal(0),
        total=Decimal(0),
        version=1,
        items=[],
    )
    await _apply(session, order, {**fields, "status": status, "items": items})
    session.add(order)
    await session.flush()
    await _tell(session, order, {"created": [None, order.number]}, user_id=user_id, call_id=call_id, at=at)
    return order


async def get_order(session: AsyncSession, order_id: int, *, lock: bool = False) -> Order:
    """The order with its items. Raises `NotFound`."""
    order = await session.get(Order, order_id, with_for_update=lock)
    if order is None:
        raise NotFound(f"There is no order {order_id}.")
    return order


async def update_order(
    session: AsyncSession,
    order_id: int,
    *,
    version: int,
    changes: Mapping[str, Any],
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
) -> Order:
    """Change the fields in `changes` (see `EDITABLE`; `items` replaces all items), keep the history.

    Raises `NotFound`, `Invalid`, and `Conflict` when `version` is not the newest or the stock is too small.
    """
    order = await get_order(session, order_id, lock=True)
    if order.version != version:
        raise Conflict(f"Order {order.number} was changed by somebody else meanwhile.")
    call_id = await resolve(session, call_id) if call_id else None
    before, deal_before = _facts(order), order.deal_id
    await _apply(session, order, changes)
    what = {name: [old, new] for name, old, new in _differences(before, _facts(order))}
    if not what:
        return order
    order.version, order.updated_at = order.version + 1, at
    await session.flush()
    if deal_before not in (None, order.deal_id):
        await deal.follow_orders(session, deal_before, at=at)
    await _tell(session, order, what, user_id=user_id, call_id=call_id, at=at)
    return order


async def open_orders(session: AsyncSession, customer_id: int) -> Sequence[Order]:
    """The customer's orders that are not closed, the newest first."""
    found = select(Order).where(Order.customer_id == customer_id, Order.status.in_(OPEN))
    return (await session.scalars(found.order_by(Order.created_at.desc(), Order.id.desc()))).all()


async def changed_in_call(session: AsyncSession, call_id: UUID) -> Sequence[int]:
    """Ids of the orders that were made or changed during a call, the last changed first."""
    found = (
        select(OrderChange.order_id)
        .where(OrderChange.call_id == call_id)
        .group_by(OrderChange.order_id)
        .order_by(func.max(OrderChange.id).desc())
    )
    return (await session.scalars(found)).all()


async def _next_number(session: AsyncSession, shop_id: int) -> str:
    """The shop's row is locked until the transaction ends, so numbers have no gaps and no doubles."""
    row = await session.execute(
        update(Shop)
        .where(Shop.id == shop_id)
        .values(next_order_number=Shop.next_order_number + 1)
        .returning(Shop.order_prefix, Shop.next_order_number),
        execution_options={"synchronize_session": False},
    )
    prefix, following = row.one()
    return f"{prefix}-{following - 1}"


async def _apply(session: AsyncSession, order: Order, changes: Mapping[str, Any]) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"An order has no field {min(strangers)[:40]!r} to change.", min(strangers))
    held = _held(order)
    for field in ("paid", "delivery_cost"):
        if field in changes:
            setattr(order, field, money(changes[field], field))
    for field in ("delivery_method", "delivery_address", "tracking", "promised_at", "comment"):
        if field in changes:
            value = changes[field]
            setattr(order, field, value.strip() or None if isinstance(value, str) else value)
    if "status" in changes:
        order.status = _known_status(changes["status"])
    if changes.get("deal_id") is not None:
        await deal.check_owner(session, changes["deal_id"], order.customer_id)
    order.deal_id = changes.get("deal_id", order.deal_id)
    wanted = changes.get("items")
    products = await _locked_products(session, held, order, wanted)
    if wanted is not None:
        order.items = [_item(it, products, order.shop_id) for it in _checked(wanted)]
    _move_stock(products, held, _held(order))
    order.total = order_total([(it.quantity, it.price) for it in order.items], order.delivery_cost)


async def _locked_products(
    session: AsyncSession, held: Mapping[int, int], order: Order, wanted: Sequence[ItemWanted] | None
) -> dict[int, Product]:
    """Every product whose stock may move, locked in one order so that two operators never wait in a ring."""
    ids = set(held) | {it.product_id for it in order.items if it.product_id}
    ids |= {it.product_id for it in wanted or () if it.product_id}
    query = select(Product).where(Product.id.in_(sorted(ids))).order_by(Product.id).with_for_update()
    found = await session.scalars(query, execution_options={"populate_existing": True})
    return {product.id: product for product in found} if ids else {}


def _held(order: Order) -> dict[int, int]:
    """Product -> pieces this order keeps off the shelf."""
    held: dict[int, int] = {}
    for item in () if order.status in RELEASED else order.items:
        if item.product_id is not None:
            held[item.product_id] = held.get(item.product_id, 0) + item.quantity
    return held


def _move_stock(products: Mapping[int, Product], before: Mapping[int, int], after: Mapping[int, int]) -> None:
    for product_id in {*before, *after}:
        product, more = products[product_id], after.get(product_id, 0) - before.get(product_id, 0)
        if more > product.stock:
            left = "is none" if product.stock == 0 else f"are only {product.stock}"
            raise Conflict(f"There {left} of {product.name} left.")
        product.stock -= more


def _checked(wanted: Sequence[ItemWanted]) -> Sequence[ItemWanted]:
    if not wanted:
        raise Invalid("An order needs at least one item.", "items")
    if any(not 1 <= it.quantity <= MOST_PIECES for it in wanted):
        raise Invalid(f"A quantity is between 1 and {MOST_PIECES}.", "items")
    return wanted


def _item(wanted: ItemWanted, products: Mapping[int, Product], shop_id: int) -> OrderItem:
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


def _known_status(status: str) -> Status:
    try:
        return Status(status)
    except ValueError:
        raise Invalid(f"{str(status)[:40]!r} is no status of an order.", "status") from None


def _facts(order: Order) -> dict[str, Any]:
    """The order as the history shows it."""
    facts = {field: _plain(getattr(order, field)) for field in EDITABLE - {"items"}}
    items = [f"{it.quantity} × {it.name} à {it.price}" for it in order.items]
    return {**facts, "items": items, "total": str(order.total)}


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, int) else str(value)


def _differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[tuple[str, Any, Any]]:
    return [(name, before[name], after[name]) for name in sorted(after) if before[name] != after[name]]


async def _tell(
    session: AsyncSession,
    order: Order,
    what: dict[str, Any],
    *,
    user_id: int | None,
    call_id: UUID | None,
    at: datetime,
) -> None:
    """Everything that follows from a change: history, the deal's amount, the link to the call, the news."""
    session.add(OrderChange(order_id=order.id, user_id=user_id, call_id=call_id, what=what, created_at=at))
    if order.deal_id is not None:
        await deal.follow_orders(session, order.deal_id, at=at)
    if call_id is not None:
        made = "created" in what
        role = call_link.Role.CREATED if made else call_link.Role.CHANGED
        rule = call_link.CREATED_IN_CALL if made else call_link.EDITED_IN_CALL
        await call_link.link(session, call_id, order_id=order.id, role=role, rule=rule, user_id=user_id)
    await announce(
        session,
        "order",
        {"id": order.id, "customer_id": order.customer_id, "call_id": call_id and str(call_id)},
    )
