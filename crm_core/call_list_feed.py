"""Who comes onto a call list, and who leaves it by himself: his cause is gone, or he is not to be called.

The filters of the list are asked of the database as it is: by `feed` of everybody, when a list is made, when somebody
asks, and every ten minutes where it grows; by `sweep` of those who are on it, once a minute. The queue asks the same of
whom it offers, so nobody is called in the minute between.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Never

from sqlalchemy import ColumnElement, and_, exists, false, func, literal_column, or_, select, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_list import TOPIC, CallList, CallListEntry, Page, State
from crm_core.customer import Customer, CustomerNumber
from crm_core.db import Database
from crm_core.dial_rule import DoNotCall
from crm_core.errors import Invalid, NotFound
from crm_core.order import Order
from crm_core.outage import is_outage
from crm_core.outbox import announce
from crm_core.read import customers, orders
from crm_core.retry_rule import Why

MOST = 20_000
"""Customers on one list."""
FEED_EVERY = timedelta(minutes=10)
SWEEP_EVERY = timedelta(minutes=1)
LOOK_EVERY_S = 20.0
ENTRY = CallListEntry
log = logging.getLogger(__name__)


async def fitting(session: AsyncSession, it: CallList, now: datetime) -> list[ColumnElement[bool]]:
    """The filters of a list, as conditions on customers or on orders. Raises `Invalid` and `NotFound` when they name
    what there is no more."""
    if it.page == Page.ORDERS:
        return await orders.conditions(session, orders.Wanted(**it.filters), now)
    found = await customers.conditions(session, customers.Wanted(**it.filters), now)
    return [false()] if found is None else found


async def feed(session: AsyncSession, it: CallList, now: datetime) -> int:
    """Put everybody who fits onto the list; how many are new. Of several orders of one customer the newest counts.

    Raises `Invalid`, `NotFound`.
    """
    conditions = await fitting(session, it, now)
    order_id: Any = Order.id if it.page == Page.ORDERS else literal_column("NULL::bigint")
    meant = select(Customer.id, order_id.label("order_id"))
    if it.page == Page.ORDERS:
        meant = meant.ext(distinct_on(Customer.id)).join(Order, Order.customer_id == Customer.id)
        meant = meant.order_by(Customer.id, Order.created_at.desc(), Order.id.desc())
    numbered = exists().where(CustomerNumber.customer_id == Customer.id)
    meant = meant.where(Customer.merged_into_id.is_(None), numbered, *conditions)
    meant = meant.limit(2 * MOST)
    known = set(await session.scalars(select(ENTRY.customer_id).where(ENTRY.list_id == it.id)))
    # Read and written apart: only what is read is narrowed to what the visitor may see.
    new = [row for row in await session.execute(meant) if row[0] not in known][: max(0, MOST - len(known))]
    if new:
        due_at = max(now, it.starts_at)
        rows = [
            {"list_id": it.id, "customer_id": customer, "order_id": order, "due_at": due_at}
            for customer, order in new
        ]
        once = insert(ENTRY).on_conflict_do_nothing(index_elements=["list_id", "customer_id"])
        await session.execute(once, rows)
    it.fed_at = now
    await sweep(session, it, now)
    return len(new)


async def sweep(session: AsyncSession, it: CallList, now: datetime) -> int:
    """Close the entries whose cause is gone and those of people who are not to be called; how many.

    Raises `Invalid`, `NotFound`.
    """
    here = and_(ENTRY.list_id == it.id, ENTRY.why.is_(None))
    gone: list[ColumnElement[bool]] = [
        exists().where(Customer.id == ENTRY.customer_id, Customer.merged_into_id.is_not(None))
    ]
    if it.drops:
        gone.append(await _fits_no_more(session, it, now, here))
    closed = await _close(session, and_(here, or_(*gone)), now, why=Why.GONE)
    said = func.concat("Not to be called: ", _ban().scalar_subquery())
    closed += await _close(session, and_(here, _ban().exists()), now, why=Why.REFUSED, refusal=said)
    it.swept_at = now
    if it.ends_at is not None and it.ends_at <= now and it.state == State.OPEN:
        it.state = State.CLOSED
        it.version += 1
    await session.flush()
    if closed:
        await announce(session, TOPIC, {"id": it.id})
    return closed


async def _fits_no_more(
    session: AsyncSession, it: CallList, now: datetime, here: ColumnElement[bool]
) -> ColumnElement[bool]:
    conditions = await fitting(session, it, now)
    if it.page == Page.CUSTOMERS:
        return ~exists().where(Customer.id == ENTRY.customer_id, *conditions).correlate(ENTRY)
    # Another order of his may be a cause as well; without any the entry has none.
    own = exists().where(Order.id == ENTRY.order_id, *conditions).correlate(ENTRY)
    other = select(Order.id).where(Order.customer_id == ENTRY.customer_id, *conditions)
    other = other.order_by(Order.created_at.desc(), Order.id.desc()).limit(1).correlate(ENTRY)
    moved = update(ENTRY).where(here, ~own).values(order_id=other.scalar_subquery())
    await session.execute(moved.execution_options(synchronize_session=False))
    return ENTRY.order_id.is_(None)


def _ban() -> Any:
    """Why the customer of the entry, or any number of his, is not to be called."""
    numbers = select(CustomerNumber.e164).where(CustomerNumber.customer_id == ENTRY.customer_id)
    same = or_(DoNotCall.customer_id == ENTRY.customer_id, DoNotCall.number.in_(numbers.correlate(ENTRY)))
    return select(DoNotCall.reason).where(same).order_by(DoNotCall.id).limit(1).correlate(ENTRY)


async def _close(session: AsyncSession, which: ColumnElement[bool], now: datetime, **what: Any) -> int:
    closed = update(ENTRY).where(which).values(closed_at=now, **what).returning(ENTRY.id)
    rows = await session.scalars(closed.execution_options(synchronize_session=False))
    return len(rows.all())


async def tend_one(session: AsyncSession, now: datetime) -> bool:
    """Feed and sweep one list whose time it is, and that no other process tends; False when there is none."""
    query = (
        select(CallList)
        .where(
            CallList.state != State.CLOSED,
            CallList.starts_at <= now,
            or_(CallList.swept_at.is_(None), CallList.swept_at <= now - SWEEP_EVERY),
        )
        .order_by(CallList.swept_at.asc().nulls_first())
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    it = await session.scalar(query)
    if it is None:
        return False
    hungry = it.grows and (it.fed_at is None or it.fed_at <= now - FEED_EVERY)
    try:
        await (feed if hungry else sweep)(session, it, now)
    except (
        Invalid,
        NotFound,
    ) as wrong:  # a segment or a field of the house that is no more: the page says so
        log.warning("the call list %s can not be looked up: %s", it.id, wrong)
        it.swept_at = now
    return True


async def keep_tending(database: Database, now: Callable[[], datetime]) -> Never:
    """For ever."""
    while True:
        try:
            more = True
            while more:
                async with database.begin() as session:
                    more = await tend_one(session, now())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, call lists wait: %s", type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)
