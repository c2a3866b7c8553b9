"""Whose turn it is: an operator takes a customer off the queue, alone, and lets go of him again.

A turn is held by a lease: the page that shows it says every half minute that it still does. When nothing is heard any
more (the browser or the process died) the lease runs out, and the customer stands in the queue again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of
from crm_core.errors import Conflict, Invalid
from crm_core.queue_rank import Person

LEASE = timedelta(seconds=90)
REST = timedelta(hours=20)  # after a call the same causes do not put him into the queue again today
LONGEST_REST_H = 24 * 14
LONGEST_REASON = 200
_ONE_AT_A_TIME = 0x7475726E  # "turn"; a lock of the database that whoever takes a turn holds until his commit


class How(StrEnum):
    """How a turn ended."""

    DONE = "done"
    SKIPPED = "skipped"
    LET_GO = "let_go"  # without a call, and he stands where he stood
    LOST = "lost"  # nobody has said for a while that it still goes on


class Turn(Base):
    """`user_id` has this customer (or, where none is known, this number) until `ended_at`, or until `lease_until` when
    his browser says no more. `causes`: why he stood there and what that was worth; `rest_until`: not again before."""

    __tablename__ = "turns"
    __table_args__ = (
        one_of("how", How),
        CheckConstraint("num_nonnulls(customer_id, number) = 1", name="one_person"),
        Index("ix_turns_open", "user_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_turns_resting", "rest_until", postgresql_where=text("rest_until IS NOT NULL")),
        Index("ix_turns_taken_at", text("taken_at DESC")),
        Index("ix_turns_customer", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    taken_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    score: Mapped[float] = mapped_column(Float)
    causes: Mapped[list[dict[str, Any]]]
    ended_at: Mapped[datetime | None]
    how: Mapped[str | None]
    reason: Mapped[str | None]
    rest_until: Mapped[datetime | None]

    @property
    def key(self) -> str:
        """Whose turn it is, as `queue_rank.Cause.key`."""
        return f"c{self.customer_id}" if self.customer_id is not None else f"n{self.number}"


async def begin_taking(session: AsyncSession, at: datetime) -> None:
    """From here to the commit nobody else takes a turn: read the queue after this. Leases that ran out are ended."""
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})"))
    lost = update(Turn).where(Turn.ended_at.is_(None), Turn.lease_until <= at)
    await session.execute(lost.values(ended_at=Turn.lease_until, how=How.LOST))


async def give(session: AsyncSession, user_id: int, person: Person, *, at: datetime) -> Turn:
    """Let this operator have this person; to be called within `begin_taking`."""
    made = Turn(
        customer_id=person.customer_id,
        number=None if person.customer_id is not None else person.number,
        user_id=user_id,
        taken_at=at,
        lease_until=at + LEASE,
        score=person.points,
        causes=[_told(weighed.cause.__dict__, weighed.points) for weighed in person.causes],
    )
    session.add(made)
    await session.flush()
    return made


def _told(cause: Mapping[str, Any], points: float) -> dict[str, Any]:
    return {**cause, "kind": str(cause["kind"]), "money": str(cause["money"]), "points": round(points, 1)}


async def turn_of(session: AsyncSession, user_id: int, *, at: datetime, lock: bool = False) -> Turn | None:
    """The turn this operator has now."""
    live = select(Turn).where(Turn.user_id == user_id, Turn.ended_at.is_(None), Turn.lease_until > at)
    found = live.order_by(Turn.id.desc()).limit(1)
    return await session.scalar(found.with_for_update() if lock else found)


async def keep_turn(session: AsyncSession, user_id: int, *, at: datetime) -> Turn:
    """The operator's page says that it still goes on. Raises `Conflict` when it does not."""
    found = await _own(session, user_id, at)
    found.lease_until = at + LEASE
    return found


async def end_turn(
    session: AsyncSession,
    user_id: int,
    how: How,
    *,
    at: datetime,
    reason: str | None = None,
    rest: timedelta | None = None,
) -> Turn:
    """The operator is through with him, skips him (with a reason; not again before `rest`), or lets go of him.

    Raises `Conflict` when he has nobody, `Invalid` for a skip without a reason.
    """
    found = await _own(session, user_id, at)
    said = " ".join((reason or "").split())
    if how is How.SKIPPED and not said:
        raise Invalid("Say why you pass him over.", "reason")
    found.ended_at, found.how, found.reason = at, how, said[:LONGEST_REASON] or None
    if how in (How.DONE, How.SKIPPED):
        found.rest_until = at + (REST if rest is None else rest)
    return found


async def end_with_call(
    session: AsyncSession, user_id: int, *, customer_id: int | None, number: str | None, at: datetime
) -> None:
    """The call with the customer whose turn it was is wrapped up: so is the turn."""
    found = await turn_of(session, user_id, at=at, lock=True)
    if found is None:
        return
    same = found.customer_id == customer_id if found.customer_id is not None else found.number == number
    if same:
        await end_turn(session, user_id, How.DONE, at=at)


async def _own(session: AsyncSession, user_id: int, at: datetime) -> Turn:
    found = await turn_of(session, user_id, at=at, lock=True)
    if found is None:
        raise Conflict("It is nobody's turn with you any more. Take the next.")
    return found
