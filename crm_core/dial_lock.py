"""Nobody calls a customer whom a colleague calls or talks with at this moment (row B10).

Two things say so, in the database and so for all processes: a lock that is taken before the switchboard is asked to
dial and lasts until the call is over, at most `LEASE`; and every call that is not over, as long as its switchboard
is heard. So nothing stays locked when the process that dialled is gone.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ForeignKey, delete, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, Direction, State
from crm_core.call_audit import PbxHeard
from crm_core.callback import Callback
from crm_core.callback import State as CallbackState
from crm_core.db import Base
from crm_core.errors import Conflict
from crm_core.outbox import announce
from crm_core.user import User

TOPIC = "calling"
MOST_SHOWN = 20
LEASE = timedelta(seconds=40)  # longer than the phone of whoever dials rings
HEARD_WITHIN = timedelta(seconds=60)  # a link says every ten seconds that it hears


class DialLock(Base):
    """`key` is being dialled: an E.164 number, or "customer 12"."""

    __tablename__ = "dial_locks"

    key: Mapped[str] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    until: Mapped[datetime]


@dataclass(frozen=True, kw_only=True)
class Engaged:
    """Who is with a customer now: `name` calls him, or talks with him since `since`; None: he calls us and waits."""

    user_id: int | None
    name: str | None
    talking: bool
    since: datetime

    @property
    def said(self) -> str:
        """The same in words."""
        if self.name is None:
            return "They are calling us right now."
        return f"{self.name} is talking with them now." if self.talking else f"{self.name} is calling now."


class EngagedNow(Conflict):
    """Somebody else is with this customer."""

    def __init__(self, who: Engaged) -> None:
        super().__init__(who.said)
        self.who = who


def keys_of(number: str, customer_id: int | None) -> list[str]:
    """What is locked by a call to this number."""
    return sorted([number, *([f"customer {customer_id}"] if customer_id is not None else [])])


async def lock(
    session: AsyncSession, *, number: str, customer_id: int | None, call_id: UUID, user_id: int, now: datetime
) -> None:
    """Take the customer for this call. Raises `EngagedNow`; whoever asks at the same moment waits for us."""
    keys = keys_of(number, customer_id)
    values = {"call_id": call_id, "user_id": user_id, "until": now + LEASE, "created_at": now}
    row = insert(DialLock).values([{"key": key, **values} for key in keys])
    open_to_us = (DialLock.until <= now) | (DialLock.user_id == user_id)
    taken = await session.scalars(
        row.on_conflict_do_update(index_elements=["key"], set_=values, where=open_to_us).returning(
            DialLock.key
        )
    )
    won = set(taken)
    others = await engaged(
        session, numbers=[number], customer_ids=[customer_id] if customer_id else [], now=now
    )
    found = [who for who in others.values() if who.user_id != user_id]
    if found:
        raise EngagedNow(found[0])
    assert len(won) == len(keys), "a lock that was not to be had is somebody's"
    await _say(session, call_id, user_id, number, customer_id)


async def free(session: AsyncSession, call_id: UUID) -> None:
    """The call is over, or was never made."""
    gone = await session.scalars(delete(DialLock).where(DialLock.call_id == call_id).returning(DialLock.key))
    if gone.first() is not None:
        await announce(session, TOPIC, {"id": str(call_id), "by": None, "callback_ids": []})


async def _say(
    session: AsyncSession, call_id: UUID, user_id: int, number: str, customer_id: int | None
) -> None:
    """Let every desk that lists a callback of this customer show who calls."""
    same = [Callback.number == number]
    if customer_id is not None:
        same.append(Callback.customer_id == customer_id)
    ids = await session.scalars(
        select(Callback.id).where(Callback.state == CallbackState.OPEN, or_(*same)).limit(MOST_SHOWN)
    )
    name = await session.scalar(select(User.name).where(User.id == user_id))
    by = {"id": user_id, "name": name}
    await announce(session, TOPIC, {"id": str(call_id), "by": by, "callback_ids": ids.all()})


async def engaged(
    session: AsyncSession, *, numbers: Collection[str], customer_ids: Collection[int], now: datetime
) -> Mapping[str, Engaged]:
    """Who is with these numbers and customers now, by number and by "customer 12"; a talk counts before a try."""
    found: dict[str, Engaged] = {}
    wanted = {*numbers, *(f"customer {each}" for each in customer_ids)}
    if not wanted:
        return found
    locks = (
        select(DialLock.key, DialLock.user_id, User.name, DialLock.created_at)
        .join(User, User.id == DialLock.user_id)
        .where(DialLock.key.in_(wanted), DialLock.until > now)
    )
    for row in await session.execute(locks):
        found[row.key] = Engaged(user_id=row.user_id, name=row.name, talking=False, since=row.created_at)
    for key, who in await _on_the_line(session, numbers, customer_ids, now):
        if key in wanted:
            found[key] = who
    return found


async def _on_the_line(
    session: AsyncSession, numbers: Collection[str], customer_ids: Collection[int], now: datetime
) -> Sequence[tuple[str, Engaged]]:
    live = (
        select(
            Call.remote_e164, Call.customer_id, Call.operator_id, User.name, Call.answered_at, Call.started_at
        )
        .outerjoin(User, User.id == Call.operator_id)
        .outerjoin(PbxHeard, PbxHeard.pbx == Call.pbx)
        .where(
            Call.ended_at.is_(None),
            Call.direction != Direction.INTERNAL,
            Call.state != State.ENDED,
            func.coalesce(PbxHeard.until, now) > now - HEARD_WITHIN,
            or_(Call.remote_e164.in_(numbers), Call.customer_id.in_(customer_ids)),
        )
        .order_by(Call.answered_at.is_not(None), Call.started_at)
    )
    found = []
    for row in await session.execute(live):
        who = Engaged(
            user_id=row.operator_id if row.name else None,
            name=row.name,
            talking=row.answered_at is not None,
            since=row.answered_at or row.started_at,
        )
        found += [(str(row.remote_e164), who), (f"customer {row.customer_id}", who)]
    return found
