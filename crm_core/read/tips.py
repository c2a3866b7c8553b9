"""What to say or offer to one customer: tips whose rules mean him, and what his purchases tell by themselves (U13).

All tips are asked of one customer in one statement, each as a condition on his row; nothing is read of anybody else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import and_, extract, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.custom_field import FieldOf, list_fields
from crm_core.customer import Customer
from crm_core.errors import Invalid
from crm_core.order import Order, OrderItem
from crm_core.order_status import RELEASED, Status, among
from crm_core.payment import Kind as PaymentKind
from crm_core.payment import Payment
from crm_core.read.segments import compiled
from crm_core.segment import Segment
from crm_core.segment_rule import parse
from crm_core.tip import NO_RULES, Tip

OFTEN = 3  # bought so many times it is a habit
LOOKED_BACK = 50  # orders
NEARLY = 0.8  # of the usual time has gone by


@dataclass(frozen=True, kw_only=True)
class Told:
    """A tip for this customer. `why`: the name of the segment and the rules that mean him; for a fact, of `values`."""

    words: str
    values: Mapping[str, Any]
    segment: str | None = None
    rules: Mapping[str, Any] | None = None


async def tips_for(session: AsyncSession, customer_id: int, now: datetime) -> list[Told]:
    """What to tell him, the weightiest first; what his purchases tell by themselves comes last."""
    return [*await _written(session, customer_id, now), *await _facts(session, customer_id, now)]


async def _written(session: AsyncSession, customer_id: int, now: datetime) -> list[Told]:
    query = select(Tip, Segment).outerjoin(Segment, Segment.id == Tip.segment_id)
    query = query.where(Tip.active, or_(Tip.ends_on.is_(None), Tip.ends_on >= now.date()))
    rows = (await session.execute(query.order_by(Tip.priority.desc(), Tip.id))).all()
    if not rows:
        return []
    custom = {field.code: field.rule for field in await list_fields(session, FieldOf.CUSTOMER)}
    known: list[tuple[Tip, Segment | None]] = []
    conditions: list[Any] = []
    for tip, segment in rows:
        rules = [tip.rules, *([segment.rules] if segment is not None else [])]
        try:
            condition = and_(*(compiled(parse(each, custom), now) for each in rules))
        except Invalid:  # a rule names a field of the house that is no more
            continue
        conditions.append(condition.label(f"tip_{len(known)}"))
        known.append((tip, segment))
    if not known:
        return []
    found = (await session.execute(select(*conditions).where(Customer.id == customer_id))).one_or_none()
    return [
        Told(
            words=tip.text,
            values={},
            segment=segment.name if segment is not None else None,
            rules=None if tip.rules == NO_RULES else tip.rules,
        )
        for (tip, segment), fits in zip(known, found or (), strict=False)
        if fits
    ]


async def _facts(session: AsyncSession, customer_id: int, now: datetime) -> Sequence[Told]:
    lately = (
        select(Order.id, Order.created_at)
        .where(Order.customer_id == customer_id, ~among(Order.status, RELEASED))
        .order_by(Order.created_at.desc())
        .limit(LOOKED_BACK)
        .subquery()
    )
    times, last = func.count(lately.c.id.distinct()), func.max(lately.c.created_at)
    first = func.min(lately.c.created_at)
    habit = (
        select(OrderItem.name, times.label("times"), first.label("first"), last.label("last"))
        .join(lately, lately.c.id == OrderItem.order_id)
        .group_by(OrderItem.name)
        .having(times >= OFTEN, extract("epoch", last - first) > 86400 * OFTEN)
        .order_by(times.desc(), last.desc())
        .limit(1)
    )
    found = []
    row = (await session.execute(habit)).one_or_none()
    if row is not None and (fact := usual(row.name, row.times, row.first, row.last, now)) is not None:
        found.append(fact)
    refund = select(Payment.id).where(Payment.order_id == Order.id, Payment.kind == PaymentKind.REFUND)
    back = or_(Order.status == Status.RETURNED, refund.correlate(Order).exists())
    newest = select(Order.number, back.label("back")).where(Order.customer_id == customer_id)
    order = (
        await session.execute(newest.order_by(Order.created_at.desc(), Order.id.desc()).limit(1))
    ).one_or_none()
    if order is not None and order.back:
        words = "The last order {order} came back: ask what was wrong before you offer anything."
        found.append(Told(words=words, values={"order": order.number}))
    return found


def usual(name: str, times: int, first: datetime, last: datetime, now: datetime) -> Told | None:
    """Somebody buys something again and again; None while it is too early to offer it. Pure."""
    every, gone = (last - first) / (times - 1), now - last
    if every < timedelta(days=2) or not every * NEARLY <= gone <= every * 6:
        return None
    words = "Usually buys {what} every {days} days; the last time {gone} days ago."
    return Told(
        words=words, values={"what": name, "days": round(every / timedelta(days=1)), "gone": gone.days}
    )
