"""What each queue did with a call, as rows; and the places where a missed call can die."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of


class Outcome(StrEnum):
    """How a caller came out of a queue."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    TIMEOUT = "timeout"
    LEAVE_EMPTY = "leave_empty"
    JOIN_EMPTY = "join_empty"
    FULL = "full"
    KEY_EXIT = "key_exit"
    WITHDRAWN = "withdrawn"
    LET_GO = "let_go"


class QueueVisit(Base):
    """One stay of one caller in one queue. No `entered_at`: refused at the door."""

    __tablename__ = "queue_visits"
    __table_args__ = (
        UniqueConstraint("call_id", "uniqueid", "began_at"),
        one_of("outcome", Outcome),
        CheckConstraint("wait_s >= 0", name="wait_not_negative"),
        Index("ix_queue_visits_queue", "queue", text("began_at DESC")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    uniqueid: Mapped[str]
    queue: Mapped[str]
    began_at: Mapped[datetime]
    entered_at: Mapped[datetime | None]
    left_at: Mapped[datetime | None]
    position: Mapped[int | None]
    left_position: Mapped[int | None]
    wait_s: Mapped[float] = mapped_column(server_default="0", default=0.0)
    outcome: Mapped[str | None]


async def visits_of(session: AsyncSession, call_id: UUID) -> Sequence[QueueVisit]:
    """The queues of a call, in turn."""
    found = select(QueueVisit).where(QueueVisit.call_id == call_id)
    return (await session.scalars(found.order_by(QueueVisit.began_at, QueueVisit.id))).all()
