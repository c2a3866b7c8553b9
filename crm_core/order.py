"""Taking and changing orders: totals, stock, history, and what follows for the call and the deal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_link, deal
from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.line import Shop
from crm_core.money import money, order_total
from crm_core.order_rows import Order as Order
from crm_core.order_rows import OrderChange as OrderChange
from crm_core.order_rows import OrderItem as OrderItem
from crm_core.order_status import LABELS as LABELS
from crm_core.order_status import OPEN as OPEN
from crm_core.order_status import Status as Status
from crm_core.order_stock import MOST_PIECES as MOST_PIECES
from crm_core.order_stock import ItemWanted as ItemWanted
from crm_core.order_stock import checked_items, locked_products, made_item, move_stock, own_prices
from crm_core.outbox import announce
from crm_core.product import find_products as find_products

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


async def create_order(
    session: AsyncSession,
    *,
    customer_id: int,
    shop_id: int,
    items: Sequence[ItemWanted],
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
    number: str | None = None,
    status: str = Status.NEW,
    beyond_stock: bool = False,
    **fields: Any,
) -> Order:
    """Take an order: give it the shop's next number, reserve its goods, link it to the call.

    `number`: it has one from elsewhere; `fields` are those of `EDITABLE`; `beyond_stock`: promise more than there is.
    Raises `NotFound`, `Invalid`, `Conflict` when the stock is too small.
    """
    customer = await get_customer(session, customer_id)
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    call_id = await resolve(session, call_id) if call_id else None
    order = Order(
        number=number or await _next_number(session, shop_id),
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
        held=[],
    )
    given = {**fields, "status": status, "items": items}
    await _apply(session, order, given, at=at, beyond=beyond_stock)
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
    beyond_stock: bool = False,
    led_by_deal: bool = False,
) -> Order:
    """Change the fields in `changes` (see `EDITABLE`; `items` replaces all items), keep the history.

    `led_by_deal`: the order follows its deal, which therefore does not follow it.

    Raises `NotFound`, `Invalid`, and `Conflict` when `version` is not the newest or the stock is too small.
    """
    order = await get_order(session, order_id, lock=True)
    if order.version != version:
        raise Conflict(f"Order {order.number} was changed by somebody else meanwhile.")
    call_id = await resolve(session, call_id) if call_id else None
    before, deal_before = _facts(order), order.deal_id
    await _apply(session, order, changes, at=at, beyond=beyond_stock)
    what = {name: [old, new] for name, old, new in _differences(before, _facts(order))}
    if not what:
        return order
    order.version, order.updated_at = order.version + 1, at
    await session.flush()
    if deal_before not in (None, order.deal_id):
        cause = deal.Cause(at=at, user_id=user_id, call_id=call_id)
        await deal.follow_orders(session, deal_before, cause=cause)
    moved = not led_by_deal and bool({"status", "deal_id"} & set(what))
    await _tell(session, order, what, user_id=user_id, call_id=call_id, at=at, deal_moves=moved)
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


async def _apply(
    session: AsyncSession, order: Order, changes: Mapping[str, Any], *, at: datetime, beyond: bool
) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"An order has no field {min(strangers)[:40]!r} to change.", min(strangers))
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
    products = await locked_products(session, order, wanted)
    if wanted is not None:
        prices = await own_prices(session, order, products, at)
        order.items = [made_item(it, products, prices, order.shop_id) for it in checked_items(wanted)]
    with session.no_autoflush:
        await move_stock(session, order, products, beyond=beyond)
    order.total = order_total([(it.quantity, it.price) for it in order.items], order.delivery_cost)


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
    deal_moves: bool = True,
) -> None:
    """Everything that follows from a change: history, the deal's amount, the link to the call, the news."""
    session.add(OrderChange(order_id=order.id, user_id=user_id, call_id=call_id, what=what, created_at=at))
    if order.deal_id is not None:
        cause = deal.Cause(at=at, user_id=user_id, call_id=call_id)
        await deal.follow_orders(session, order.deal_id, cause=cause, stage=deal_moves)
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
