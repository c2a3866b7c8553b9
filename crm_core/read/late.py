"""Orders that are late: past the time they were promised for, or too long in one status.

Nothing of it is kept: what is late changes with every minute. The newest agreement counts as the promise: the day and
window of delivery, by the clock of the order's shop, else the promised instant.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    and_,
    case,
    func,
    literal_column,
    null,
    or_,
    select,
    text,
    true,
    union,
)
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.order_rows import BROUGHT_ON, WAITED_FOR, Order, OrderChange
from crm_core.order_status import OPEN, TO_BRING, among
from crm_core.read.page import Sort, cut
from crm_core.shop import Shop
from crm_core.status_list import OrderStatus

MOST = 1000
"""So many are counted; more is "1000 and more"."""


def since() -> ColumnElement[datetime]:
    """When the order of the outer row came into its status."""
    moved = select(func.max(OrderChange.created_at)).where(
        OrderChange.order_id == Order.id, OrderChange.what.has_key("status")
    )
    return func.coalesce(moved.correlate(Order).scalar_subquery(), Order.created_at)


def deadline() -> ColumnElement[datetime]:
    """When the customer expects the order of the outer row, which is joined with its shop."""
    until = func.coalesce(Order.delivery_until, literal_column("time '23:59:59'"))
    return func.coalesce(func.timezone(Shop.timezone, Order.delivery_date + until), Order.promised_at)


def why_late(now: datetime) -> ColumnElement[Any]:
    """'promise', 'status' or NULL, of an order joined with its shop and its status."""
    promise, standing = _conditions(now)
    return case((promise, "promise"), (standing, "status"), else_=null())


def _conditions(now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    promise = and_(among(Order.status, TO_BRING), deadline() < now)
    return promise, _standing(now)


def _standing(now: datetime) -> ColumnElement[bool]:
    limit = now - func.make_interval(text("days => order_statuses.late_days::int"))
    # The first half can be told without the history, and lets it alone for most orders.
    return and_(
        among(Order.status, OPEN),
        OrderStatus.late_days.is_not(None),
        Order.created_at < limit,
        since() < limit,
    )


def late_ids(now: datetime, *, most: int | None = None) -> CompoundSelect[Any]:
    """The orders that are late: three reasons, each found through an index of its own, so that it costs what is late
    and not what is open; `most` of each."""
    of_order = select(Order.id).select_from(Order)
    with_shop = of_order.join(Shop, Shop.id == Order.shop_id)
    promised = of_order.where(text(WAITED_FOR), Order.delivery_date.is_(None), Order.promised_at < now)
    by_day = with_shop.where(
        text(BROUGHT_ON), Order.delivery_date <= now.date() + timedelta(days=1), deadline() < now
    )
    standing = of_order.join(OrderStatus, OrderStatus.code == Order.status).where(_standing(now))
    reasons = (it.correlate(None).limit(most) for it in (promised, by_day, standing))
    return union(*(select(it.subquery()) if most else it for it in reasons))


def is_late(now: datetime) -> ColumnElement[bool]:
    """The condition that an order is late."""
    return Order.id.in_(late_ids(now))


async def page_of_late(
    session: AsyncSession,
    now: datetime,
    conditions: Sequence[ColumnElement[bool]],
    sorts: Sequence[Sort],
    *,
    after: str | None,
    limit: int,
) -> list[int]:
    """Ids among which is the next page of late orders, for when very many are late: from each status under way the
    first ones through its index, so that a page costs what stands on it and not what is late."""
    of_status = (
        select(Order.id)
        .join(Shop, Shop.id == Order.shop_id)
        .where(Order.status == OrderStatus.code, or_(*_conditions(now)), *conditions)
    )
    some = cut(of_status, sorts, after=after, limit=limit).correlate(OrderStatus).lateral()
    found = select(some.c.id).select_from(OrderStatus).join(some, true())
    return list(await session.scalars(found.where(among(OrderStatus.code, OPEN))))


async def count_late(session: AsyncSession, now: datetime) -> int:
    """How many orders are late, `MOST` at most."""
    some = late_ids(now, most=MOST).limit(MOST).subquery()
    return await session.scalar(select(func.count()).select_from(some)) or 0
