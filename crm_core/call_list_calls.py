"""What calls make of call lists: whoever was reached leaves the list, unless its rules say to call him again.

A call counts once for an entry (`CallListCall`): told again after a crash it changes nothing. How it ended and what the
operator says came of it arrive in either order; each time the rule is asked with all that is known.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, Direction, Result
from crm_core.call_list import TOPIC, CallList, CallListCall, CallListEntry, State
from crm_core.callback import own_zone
from crm_core.calling_hours import CallingRule, load_calling
from crm_core.customer import CustomerNumber
from crm_core.outbox import announce
from crm_core.retry_rule import Closed, after_call


async def call_ended(
    session: AsyncSession,
    *,
    call_id: UUID,
    customer_id: int | None,
    user_id: int | None,
    ours: bool,
    answered: bool,
    at: datetime,
) -> None:
    """A call with this customer is over. One of theirs that nobody answered changes nothing."""
    if customer_id is not None and (ours or answered):
        for it in await _concerned(session, customer_id, call_id, at):
            known = {"at": at, "user_id": user_id, "ours": ours, "answered": answered}
            await _count(session, it, call_id, **known)


async def outcome_chosen(session: AsyncSession, call: Call, *, at: datetime) -> None:
    """The operator said what came of a call."""
    if call.customer_id is None:
        return
    for it in await _concerned(session, call.customer_id, call.id, at):
        ours, answered = call.direction == Direction.OUTBOUND, call.answered_at is not None
        if call.result is not None:
            answered = call.result == Result.ANSWERED
        known = {"at": call.ended_at or at, "user_id": call.operator_id or call.started_by, "ours": ours}
        await _count(session, it, call.id, answered=answered, outcome=call.disposition, **known)


async def refused(session: AsyncSession, entry_ids: Sequence[int], *, why: str, until: datetime) -> None:
    """It was their turn, and they are not to be called now: they are due again later."""
    found = select(CallListEntry).where(CallListEntry.id.in_(entry_ids), CallListEntry.why.is_(None))
    for it in await session.scalars(found.with_for_update()):
        it.refusal, it.due_at = why, max(it.due_at, until)
    await session.flush()


async def _concerned(
    session: AsyncSession, customer_id: int, call_id: UUID, at: datetime
) -> Sequence[CallListEntry]:
    """The entries that a call with this customer counts for, locked: open ones of lists that have begun and are not
    closed, and those that it counted for before."""
    counted = select(CallListCall.entry_id).where(CallListCall.call_id == call_id)
    living = select(CallList.id).where(CallList.state != State.CLOSED, CallList.starts_at <= at)
    waits = CallListEntry.why.is_(None) & CallListEntry.list_id.in_(living)
    query = (
        select(CallListEntry)
        .where(CallListEntry.customer_id == customer_id, or_(waits, CallListEntry.id.in_(counted)))
        .order_by(CallListEntry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(query)).all()


async def _count(session: AsyncSession, it: CallListEntry, call_id: UUID, **known: object) -> None:
    row = insert(CallListCall).values(entry_id=it.id, call_id=call_id, **known)
    row = row.on_conflict_do_update(index_elements=["entry_id", "call_id"], set_=known)
    stored = (
        await session.scalars(row.returning(CallListCall), execution_options={"populate_existing": True})
    ).one()
    last = select(CallListCall.call_id).where(CallListCall.entry_id == it.id)
    if (
        await session.scalar(last.order_by(CallListCall.at.desc(), CallListCall.created_at.desc()).limit(1))
        != call_id
    ):
        return  # another call since has settled it
    tried = select(func.count()).where(CallListCall.entry_id == it.id, CallListCall.ours)
    it.attempts = await session.scalar(tried) or 0
    await _settle(session, it, stored)


async def _settle(session: AsyncSession, it: CallListEntry, call: CallListCall) -> None:
    home = await session.get_one(CallList, it.list_id)
    verdict = after_call(
        home.retries, answered=call.answered, outcome=call.outcome, attempts=max(1, it.attempts)
    )
    it.outcome = call.outcome or it.outcome
    if call.answered:
        it.reached_at = it.reached_at or call.at
    if isinstance(verdict, Closed):
        it.why, it.closed_at = verdict.why, call.at
    else:
        it.why, it.closed_at = None, None
        it.due_at = await _allowed(session, it.customer_id, call.at + verdict.after)
    await session.flush()
    await announce(session, TOPIC, {"id": it.list_id})


async def _allowed(session: AsyncSession, customer_id: int, at: datetime) -> datetime:
    """`at`, or the next moment at which the customer may be called, once somebody has set calling hours."""
    if await session.get(CallingRule, 1) is None:
        return at
    number = select(CustomerNumber.e164).where(CustomerNumber.customer_id == customer_id)
    first = await session.scalar(number.order_by(CustomerNumber.position, CustomerNumber.id).limit(1))
    calling = await load_calling(session)
    return calling.next_allowed(at, calling.zone(first or "", await own_zone(session, customer_id)))
