"""Whether somebody talked with the customer about a deal: an answered call is linked to it, or to one of its orders."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, exists, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.deal_rows import Deal
from crm_core.order_rows import Order

NO_TALK = (
    "Nobody has talked with the customer about this deal yet, and this funnel asks for it. "
    "Call them from the deal, or link the call in which you talked to it; then close it."
)


def had_talk(deal_id: Any) -> ColumnElement[bool]:
    """The condition that somebody talked about the deal of this id: `Deal.id` of the outer query, or a number."""
    answered = (CallLink.removed_at.is_(None), Call.answered_at.is_not(None))
    talk = select(true()).select_from(CallLink).join(Call, Call.id == CallLink.call_id).where(*answered)
    of_deal = talk.where(CallLink.deal_id == deal_id)
    of_orders = talk.join(Order, Order.id == CallLink.order_id).where(Order.deal_id == deal_id)
    return or_(*(exists(found.correlate(Deal)) for found in (of_deal, of_orders)))


async def talked(session: AsyncSession, deal_id: int, call_id: UUID | None = None) -> bool:
    """Whether somebody talked about this deal; `call_id`: the call that is about it now."""
    now = select(Call.id).where(Call.id == call_id, Call.answered_at.is_not(None))
    if call_id is not None and await session.scalar(now) is not None:
        return True
    return bool(await session.scalar(select(had_talk(deal_id))))
