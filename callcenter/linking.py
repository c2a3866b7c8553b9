"""Ties a call to its customer, and to the order or deal it was about, in the database.

The caller owns the transaction. Everything here may be repeated.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.links import Facts, Look, Rule, Target, guess, looked_at
from crm_core.call_link import CHOSEN, CallLink, Role, link
from crm_core.customer import find_owners
from crm_core.deal import latest_open_deal
from crm_core.deal_rows import Deal
from crm_core.focus import looks_of
from crm_core.order import Order, open_orders

BY_NUMBER = "number"  # the number has one owner
BY_CHOICE = "chosen_before"  # it has several, and somebody chose this one the last time
BY_ERRAND = "started_from"  # the call was dialled from this customer's page, order or deal


async def owner_of(session: AsyncSession, e164: str | None) -> tuple[int, str] | None:
    """The customer a number stands for and the rule that says so; None while it is open which."""
    owners = await find_owners(session, e164)
    if not owners or (len(owners) > 1 and not owners[0].chosen):
        return None
    return owners[0].id, BY_NUMBER if len(owners) == 1 else BY_CHOICE


async def customer_of(session: AsyncSession, target: Target | None) -> int | None:
    """Whose order or deal this is."""
    if target is None:
        return None
    if target.order_id is not None:
        return await session.scalar(select(Order.customer_id).where(Order.id == target.order_id))
    return await session.scalar(select(Deal.customer_id).where(Deal.id == target.deal_id))


async def link_errand(session: AsyncSession, call_id: UUID, target: Target, user_id: int) -> None:
    """The call was started from this order or deal."""
    if await _was_linked(session, call_id, target):
        return
    await link(
        session,
        call_id,
        order_id=target.order_id,
        deal_id=target.deal_id,
        role=Role.DISCUSSED,
        rule=Rule.STARTED_FROM,
        user_id=user_id,
    )


async def link_guess(
    session: AsyncSession, call_id: UUID, customer_id: int | None, talk: tuple[datetime, datetime]
) -> bool:
    """Link a call that is over to what it was most likely about; whether there was something to link.

    `talk`: from when to when it was talked, or, where nobody answered, from the first ring to the end.
    """
    facts = await _facts(session, call_id, customer_id, talk)
    found = guess(facts)
    if found is None:
        return False
    target, rule = found
    await link(session, call_id, order_id=target.order_id, deal_id=target.deal_id, rule=rule, user_id=None)
    return True


async def _was_linked(session: AsyncSession, call_id: UUID, target: Target) -> bool:
    rows = await session.scalars(select(CallLink).where(CallLink.call_id == call_id))
    return any(Target(order_id=row.order_id, deal_id=row.deal_id) == target for row in rows)


async def _facts(
    session: AsyncSession, call_id: UUID, customer_id: int | None, talk: tuple[datetime, datetime]
) -> Facts:
    rows = (await session.scalars(select(CallLink).where(CallLink.call_id == call_id))).all()
    live = [row for row in rows if row.removed_at is None]
    looks = [
        Look(
            target=Target(order_id=row.order_id, deal_id=row.deal_id),
            opened_at=row.opened_at,
            closed_at=row.closed_at,
        )
        for row in await looks_of(session, call_id)
    ]
    orders = await open_orders(session, customer_id) if customer_id is not None else ()
    deal = await latest_open_deal(session, customer_id) if customer_id is not None else None
    return Facts(
        settled=any(row.rule in (CHOSEN, Rule.STARTED_FROM) for row in live),
        opened=looked_at(looks, *talk),
        linked=bool(live),
        open_orders=tuple(order.id for order in orders),
        latest_open=_latest(orders, deal),
        refused=frozenset(
            Target(order_id=row.order_id, deal_id=row.deal_id) for row in rows if row.removed_at
        ),
    )


def _latest(orders: Sequence[Order], deal: Deal | None) -> Target | None:
    """What moved last: the newest order, or the deal when it was touched later."""
    order = max(orders, key=lambda each: each.updated_at, default=None)
    if deal is not None and (
        order is None or (deal.updated_at > order.updated_at and deal.id != order.deal_id)
    ):
        return Target(deal_id=deal.id)
    return None if order is None else Target(order_id=order.id)
