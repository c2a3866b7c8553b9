"""Conversations that wait for somebody to say whose they are and what they were about: a list that reaches zero.

A trigger (step 0023) keeps it: whenever a call ends, or its customer, outcome, explanation or links change, the call is
put on the list or taken off. So nobody who writes about a call can forget it, and to count them costs nothing.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import get_call
from crm_core.db import Base
from crm_core.errors import Invalid
from crm_core.outbox import announce
from crm_core.user import User

LONGEST_REASON = 200


class UnlinkedCall(Base):
    """A call of ours with the outside that is neither linked nor explained. `user_id`: who talked."""

    __tablename__ = "unlinked_calls"
    __table_args__ = (
        Index("ix_unlinked_calls_user", "user_id", "ended_at"),
        Index("ix_unlinked_calls_at", "ended_at"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    ended_at: Mapped[datetime]


async def explain(session: AsyncSession, call_id: UUID, reason: str) -> None:
    """Say why a call belongs to no customer, order or deal; an empty reason takes that back.

    Raises `NotFound`, `Invalid`.
    """
    said = " ".join(reason.split())
    if len(said) > LONGEST_REASON:
        raise Invalid(f"{LONGEST_REASON} letters are enough to say why.", "reason")
    call = await get_call(session, call_id, lock=True)
    call.unlinked_reason = said or None
    await session.flush()
    await announce(session, "call", {"id": str(call.id), "call_id": str(call.id)})


async def count_waiting(session: AsyncSession, user_ids: frozenset[int] | None = None) -> int:
    """How many wait, of these operators alone where given."""
    query = select(func.count()).select_from(UnlinkedCall)
    if user_ids is not None:
        query = query.where(UnlinkedCall.user_id.in_(user_ids))
    return await session.scalar(query) or 0


async def by_operator(session: AsyncSession) -> Sequence[tuple[int | None, str | None, int, datetime]]:
    """Who has how many, and since when the oldest waits; most first."""
    query = (
        select(UnlinkedCall.user_id, User.name, func.count().label("n"), func.min(UnlinkedCall.ended_at))
        .outerjoin(User, User.id == UnlinkedCall.user_id)
        .group_by(UnlinkedCall.user_id, User.name)
        .order_by(func.count().desc(), User.name)
    )
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(query)]
