"""What is known of when a customer answers, and of the room that operators have: for `crm_core.best_time`."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.best_time import DAYS, Proposal, Try, propose, slot
from crm_core.call import Call, Direction, Result
from crm_core.callback import Callback, State
from crm_core.calling_hours import Calling
from crm_core.user import Extension, User

REMEMBERED = timedelta(days=365)
MOST_TRIES = 200
PER_HALF_HOUR = 3  # callbacks of one operator, beside the calls that come in


async def propose_times(
    session: AsyncSession, calling: Calling, *, number: str, customer_id: int | None, zone: str, now: datetime
) -> list[Proposal]:
    """The best moments to call this number or customer."""
    return propose(
        await load_tries(session, number, customer_id, now - REMEMBERED),
        hours=calling.hours(zone),
        now=now,
        planned=await _planned(session, now),
        room=max(1, await _operators(session)) * PER_HALF_HOUR,
    )


async def load_tries(
    session: AsyncSession, number: str, customer_id: int | None, since: datetime
) -> Sequence[Try]:
    """Our calls to this customer (or, without one, this number), answered or not, the newest ones."""
    whose = Call.customer_id == customer_id if customer_id is not None else Call.remote_e164 == number
    told = (Result.ANSWERED, Result.NO_ANSWER, Result.BUSY)
    found = (
        select(Call.started_at, Call.result)
        .where(whose, Call.direction == Direction.OUTBOUND, Call.result.in_(told), Call.started_at >= since)
        .order_by(Call.started_at.desc())
        .limit(MOST_TRIES)
    )
    return [Try(at, result == Result.ANSWERED) for at, result in await session.execute(found)]


async def _planned(session: AsyncSession, now: datetime) -> Mapping[datetime, int]:
    ahead = Callback.due_at.between(now, now + timedelta(days=DAYS + 1))
    counts: dict[datetime, int] = {}
    for due_at in await session.scalars(select(Callback.due_at).where(Callback.state == State.OPEN, ahead)):
        counts[slot(due_at)] = counts.get(slot(due_at), 0) + 1
    return counts


async def _operators(session: AsyncSession) -> int:
    """How many people have a telephone."""
    people = select(func.count(Extension.user_id.distinct())).join(User, User.id == Extension.user_id)
    return await session.scalar(people.where(User.active)) or 0
