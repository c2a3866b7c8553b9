"""What each operator did, interval by interval, and what of a shift must survive the process.

The log is exact: of one operator the intervals neither overlap nor leave a gap, in whatever order and however
often they are written. The last one is open.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    bindparam,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id

STATES = ("offline", "available", "ringing", "dialling", "talking", "held", "wrap_up", "paused")


class AgentInterval(Base):
    """From `from_at` until `to_at` (NULL: still) the operator was in this state.

    `reason` of a pause is the code of a pause reason, or what somebody else wrote on the switchboard.
    `signed_in`: was in at least one queue. `call_id` may be an alias (`call_aliases`).
    """

    __tablename__ = "agent_states"
    __table_args__ = (
        CheckConstraint(f"state IN ({', '.join(repr(state) for state in STATES)})", name="state_known"),
        CheckConstraint("to_at > from_at", name="forward"),
        UniqueConstraint("user_id", "from_at"),
        Index("ix_agent_states_open", "user_id", unique=True, postgresql_where=text("to_at IS NULL")),
        Index("ix_agent_states_from_at", "from_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    state: Mapped[str]
    reason: Mapped[str | None]
    signed_in: Mapped[bool]
    call_id: Mapped[UUID | None]
    from_at: Mapped[datetime]
    to_at: Mapped[datetime | None]


class AgentShift(Base):
    """What is open of a shift: reasons to be paused, and what was set for them on the switchboards."""

    __tablename__ = "agent_shifts"

    user_id: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    facts: Mapped[dict[str, Any]]
    updated_at: Mapped[datetime]


async def log_state(
    session: AsyncSession,
    user_id: int,
    at: datetime,
    *,
    state: str,
    reason: str | None,
    signed_in: bool,
    call_id: UUID | None,
) -> None:
    """The operator is in this state from `at` on, until the next instant of which a state is known."""
    given = {"user_id": user_id, "at": at, "state": state, "reason": reason}
    given |= {"signed_in": signed_in, "call_id": call_id}
    await session.execute(_CUT, {"user_id": user_id, "at": at})
    await session.execute(_LOG, given)


async def open_intervals(session: AsyncSession) -> Sequence[AgentInterval]:
    """The state in which everybody was when it was last written."""
    return (await session.scalars(select(AgentInterval).where(AgentInterval.to_at.is_(None)))).all()


async def list_intervals(
    session: AsyncSession, user_id: int, *, since: datetime, until: datetime, limit: int = 1000
) -> Sequence[AgentInterval]:
    """What one operator did between two instants, oldest first."""
    it = AgentInterval
    inside = (it.user_id == user_id, it.from_at < until, it.to_at.is_(None) | (it.to_at > since))
    return (await session.scalars(select(it).where(*inside).order_by(it.from_at).limit(limit))).all()


async def save_shift(session: AsyncSession, user_id: int, facts: Mapping[str, Any], *, at: datetime) -> None:
    """Keep what is open of a shift; an older writing does not undo a newer one."""
    given = insert(AgentShift).values(user_id=user_id, facts=dict(facts), updated_at=at)
    await session.execute(
        given.on_conflict_do_update(
            index_elements=["user_id"],
            set_={"facts": given.excluded.facts, "updated_at": given.excluded.updated_at},
            where=AgentShift.updated_at <= given.excluded.updated_at,
        )
    )


async def shifts(session: AsyncSession) -> dict[int, dict[str, Any]]:
    """What is open of everybody's shift."""
    rows = await session.execute(select(AgentShift.user_id, AgentShift.facts))
    return {row.user_id: row.facts for row in rows}


_CUT = text("""
    UPDATE agent_states SET to_at = :at
    WHERE user_id = :user_id AND from_at < :at AND (to_at IS NULL OR to_at > :at)
""")
_LOG = text("""
    INSERT INTO agent_states (user_id, from_at, to_at, state, reason, signed_in, call_id)
    SELECT :user_id, :at, (SELECT min(from_at) FROM agent_states WHERE user_id = :user_id AND from_at > :at),
        :state, :reason, :signed_in, :call_id
    ON CONFLICT (user_id, from_at) DO UPDATE
    SET state = excluded.state, reason = excluded.reason, signed_in = excluded.signed_in,
        call_id = excluded.call_id
""").bindparams(bindparam("call_id", type_=Uuid))
