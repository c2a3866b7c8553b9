"""Orders that are late: past the time they were promised for, or too long in one status.

Nothing of it is kept: what is late changes with every minute. The newest agreement counts as the promise: the day and
window of delivery, by the clock of the order's shop, else the promised instant.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, literal_column, null, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.line import Shop
from crm_core.order_rows import Order, OrderChange
from crm_core.order_status import OPEN, TO_BRING, among
from crm_core.status_list import OrderStatus, codes_of

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
    limit = now - func.make_interval(text("days => order_statuses.late_days::int"))
    promise = and_(among(Order.status, TO_BRING), deadline() < now)
    # The first half can be told without the history, and lets it alone for most orders.
    standing = and_(
        among(Order.status, OPEN),
        OrderStatus.late_days.is_not(None),
        Order.created_at < limit,
        since() < limit,
    )
    return promise, standing


async def is_late(session: AsyncSession, now: datetime) -> ColumnElement[bool]:
    """The condition that an order, joined with its shop and its status, is late."""
    return and_(Order.status.in_(await codes_of(session, OPEN)), or_(*_conditions(now)))


async def count_late(session: AsyncSession, now: datetime) -> int:
    """How many orders are late, `MOST` at most."""
    some = (
        select(Order.id)
        .join(Shop, Shop.id == Order.shop_id)
        .join(OrderStatus, OrderStatus.code == Order.status)
        .where(await is_late(session, now))
        .limit(MOST)
        .subquery()
    )
    return await session.scalar(select(func.count()).select_from(some)) or 0
