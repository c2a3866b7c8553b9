"""Taking and changing orders: what somebody wants of an order, and what follows for its history, the call, the deal."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import assignment, call_link, deal, hold
from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.errors import NotFound
from crm_core.money import money
from crm_core.notice import notify
from crm_core.order_apply import apply
from crm_core.order_history import EDITABLE as EDITABLE
from crm_core.order_history import Clash as Clash
from crm_core.order_history import differences, facts, merged
from crm_core.order_rows import Order as Order
from crm_core.order_rows import OrderChange as OrderChange
from crm_core.order_rows import OrderItem as OrderItem
from crm_core.order_status import OPEN, Status, among, is_open
from crm_core.order_stock import MOST_PIECES as MOST_PIECES
from crm_core.order_stock import ItemWanted as ItemWanted
from crm_core.outbox import announce
from crm_core.payment import Kind, book
from crm_core.product import find_products as find_products
from crm_core.shop import Shop


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
    most_off: Decimal | None = None,
    offered: Mapping[str, Decimal] | None = None,
    quiet: bool = False,
    **fields: Any,
) -> Order:
    """Take an order: give it the shop's next number, reserve its goods, link it to the call.

    `number`: it has one from elsewhere; `fields`: those of `EDITABLE`; `beyond_stock`: promise more than there is;
    `most_off`: whoever takes it may sell so many per cent below the prices (None: any);
    `offered`: SKU -> what the site promised him; `quiet`: who is put in charge is not told.
    Without `manager_id` the rules of `crm_core.assignment` say who is in charge.
    Raises `NotFound`, `Invalid`, `Conflict` when stock or coupon do not suffice.
    """
    customer = await get_customer(session, customer_id)
    shop = await session.get(Shop, shop_id)
    if shop is None:
        raise NotFound(f"There is no shop {shop_id}.")
    call_id = await resolve(session, call_id) if call_id else None
    order = blank(customer_id=customer.id, shop=shop, user_id=user_id, call_id=call_id, at=at)
    order.number = number or await _next_number(session, shop_id)
    if fields.get("delivery_method_id") is not None:
        fields.setdefault("delivery_city", customer.city)
    paid = money(fields.pop("paid", 0), "paid")
    given = {**fields, "status": status, "items": items}
    may: dict[str, Any] = {"beyond_stock": beyond_stock, "most_off": most_off, "offered": offered}
    await apply(session, order, given, at=at, call_id=call_id, **may)
    if call_id is not None:
        await hold.release(session, call_id)
    by_rule = None
    if order.manager_id is None and is_open(order.status):
        with session.no_autoflush:
            by_rule = await assignment.for_order(session, order)
    if by_rule:
        order.manager_id = by_rule[1]
    session.add(order)
    await session.flush()
    if paid:
        book(session, order, paid, user_id=user_id, call_id=call_id, at=at)
    what: dict[str, Any] = {"created": [None, order.number]}
    if by_rule:
        what |= {"rule": [None, by_rule[0]], "manager_id": [None, by_rule[1]]}
    await tell(session, order, what, user_id=user_id, call_id=call_id, at=at, quiet=quiet)
    return order


def blank(*, customer_id: int, shop: Shop, user_id: int | None, call_id: UUID | None, at: datetime) -> Order:
    """An order in which nothing was said yet; with the defaults that its sums are computed from before a flush."""
    nothing = ("paid", "delivery_cost", "total", "discount_percent", "discount_amount")
    coupon = ("coupon_percent", "coupon_amount", "coupon_minimum")
    return Order(
        shop_id=shop.id,
        customer_id=customer_id,
        currency=shop.currency,
        status=Status.NEW,
        created_by=user_id,
        created_in_call_id=call_id,
        created_at=at,
        updated_at=at,
        version=1,
        items=[],
        held=[],
        needs_call=False,
        delivery_by_hand=False,
        **dict.fromkeys((*nothing, *coupon), Decimal(0)),
    )


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
    most_off: Decimal | None = None,
    led_by_deal: bool = False,
) -> Order:
    """Change the fields in `changes` (see `EDITABLE`; `items` replaces all items), keep the history.

    On an older `version` what touches nothing that others changed is done all the same.
    `beyond_stock`, `most_off`: as for a new order.
    `led_by_deal`: the order follows its deal, which therefore does not follow it.

    Raises `NotFound`, `Invalid`, `Conflict` when stock or coupon do not suffice, and `Clash` with both sides when
    somebody else changed the same meanwhile.
    """
    order = await get_order(session, order_id, lock=True)
    if order.version != version:
        changes = await merged(session, order, version, changes)
    call_id = await resolve(session, call_id) if call_id else None
    before, deal_before = facts(order), order.deal_id
    await apply(session, order, changes, at=at, call_id=call_id, beyond_stock=beyond_stock, most_off=most_off)
    if call_id is not None and "items" in changes:
        await hold.release(session, call_id)
    if "paid" in changes:
        _settle(session, order, money(changes["paid"], "paid"), user_id=user_id, call_id=call_id, at=at)
    what = differences(before, facts(order))
    if not what:
        return order
    order.version, order.updated_at = order.version + 1, at
    await session.flush()
    if deal_before not in (None, order.deal_id):
        cause = deal.Cause(at=at, user_id=user_id, call_id=call_id)
        await deal.follow_orders(session, deal_before, cause=cause)
    moved = not led_by_deal and bool({"status", "deal_id"} & set(what))
    await tell(session, order, what, user_id=user_id, call_id=call_id, at=at, deal_moves=moved)
    if "status" not in changes and order.paid > Decimal(before["paid"]):
        from crm_core.payment_came import follow_payment  # that file imports this one

        await follow_payment(session, order, user_id=user_id, call_id=call_id, at=at)
    return order


async def set_status(
    session: AsyncSession,
    order_id: int,
    status: str,
    *,
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
    comment: str | None = None,
    led_by_deal: bool = False,
) -> Order:
    """Bring an order to a status, whatever its version: the last word counts. `comment` None: the old one stays.

    Its stock, coupon, history and deal follow. Raises `NotFound`, `Invalid`, `Conflict` as `update_order`.
    """
    order = await get_order(session, order_id, lock=True)
    changes = {"status": status} | ({} if comment is None else {"status_comment": comment})
    by: dict[str, Any] = {"user_id": user_id, "at": at, "call_id": call_id, "led_by_deal": led_by_deal}
    return await update_order(session, order_id, version=order.version, changes=changes, **by)


async def open_orders(session: AsyncSession, customer_id: int) -> Sequence[Order]:
    """The customer's orders that are not closed, the newest first."""
    found = select(Order).where(Order.customer_id == customer_id, among(Order.status, OPEN))
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


def _settle(session: AsyncSession, order: Order, paid: Decimal, **by: Any) -> None:
    """Somebody says how much is paid in all: what is missing came, what is too much went back."""
    if paid > order.paid:
        book(session, order, paid - order.paid, **by)
    elif paid < order.paid:
        book(session, order, order.paid - paid, kind=Kind.REFUND, **by)


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


async def tell(
    session: AsyncSession,
    order: Order,
    what: dict[str, Any],
    *,
    user_id: int | None,
    call_id: UUID | None,
    at: datetime,
    deal_moves: bool = True,
    quiet: bool = False,
) -> None:
    """Everything that follows from a change: history, the deal's amount, the link to the call, the news."""
    session.add(
        OrderChange(
            order_id=order.id,
            user_id=user_id,
            call_id=call_id,
            what=what,
            version=order.version,
            created_at=at,
        )
    )
    if order.deal_id is not None:
        cause = deal.Cause(at=at, user_id=user_id, call_id=call_id)
        await deal.follow_orders(session, order.deal_id, cause=cause, stage=deal_moves)
    if not quiet and order.manager_id not in (None, user_id) and {"created", "manager_id"} & set(what):
        await _put_in_charge(session, order)
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


async def _put_in_charge(session: AsyncSession, order: Order) -> None:
    """Tell whoever is in charge now, at once and with the way into the order."""
    shop = await session.get_one(Shop, order.shop_id)
    said = f"Order {order.number} ({shop.name}) is yours now"
    await notify(session, [order.manager_id or 0], said, address=f"/orders/{order.id}")
