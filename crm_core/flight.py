"""What the switchboard said about each call, as it was heard: kept for some days, read when somebody asks why.

The bytes are those of `callcenter.flight.tape`; nothing here looks into them. A call has one row, or several when
our process was started again while it went on.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.db import Base, Id

AT_ONCE = 5_000  # rows deleted in one statement


class FlightTape(Base):
    """A part of what was said about a call. `whole`: heard from its beginning, nothing left out."""

    __tablename__ = "flight_tapes"
    __table_args__ = (Index("ix_flight_tapes_age", "created_at"),)

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    heard_from: Mapped[datetime]
    heard_until: Mapped[datetime]
    messages: Mapped[int]
    whole: Mapped[bool]
    packed: Mapped[bytes]


async def keep_tape(
    session: AsyncSession,
    call_id: UUID,
    *,
    heard_from: datetime,
    heard_until: datetime,
    messages: int,
    whole: bool,
    packed: bytes,
) -> None:
    """Write down what was said about a call, or a further part of it. Raises `NotFound` for an unknown call."""
    tape = FlightTape(
        call_id=await resolve(session, call_id),
        heard_from=heard_from,
        heard_until=heard_until,
        messages=messages,
        whole=whole,
        packed=packed,
    )
    session.add(tape)


async def load_tapes(session: AsyncSession, call_id: UUID) -> Sequence[FlightTape]:
    """The parts of what was said about a call, in order; none when it was not kept (any more)."""
    found = select(FlightTape).where(FlightTape.call_id == call_id)
    return (await session.scalars(found.order_by(FlightTape.heard_from, FlightTape.id))).all()


async def forget_tapes(session: AsyncSession, *, before: datetime) -> int:
    """Delete what was written before an instant, AT_ONCE rows at most; return how many went."""
    old = select(FlightTape.id).where(FlightTape.created_at < before).limit(AT_ONCE)
    gone = await session.execute(
        delete(FlightTape).where(FlightTape.id.in_(old)).returning(FlightTape.id),
        execution_options={"synchronize_session": False},
    )
    return len(gone.all())
