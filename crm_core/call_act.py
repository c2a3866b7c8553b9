"""What people did to a call while it lasted: held, transferred, parked it, paused its recording. Only added to."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.db import Base, Id, one_of


class ActKind(StrEnum):
    """What somebody asks the switchboard to do with a call."""

    HANG_UP = "hang_up"
    HOLD = "hold"
    RESUME = "resume"
    BLIND_TRANSFER = "blind_transfer"
    CONSULT = "consult"
    COMPLETE = "complete"
    CANCEL = "cancel"
    SWAP = "swap"
    CONFERENCE = "conference"
    PARK = "park"
    RETRIEVE = "retrieve"
    DTMF = "dtmf"
    PAUSE_RECORDING = "pause_recording"
    RESUME_RECORDING = "resume_recording"


class CallAct(Base):
    """One act. `target`: to whom, or the slot; of keys only how many. `refused`: why it did not come about.

    A pause of the recording lasts until `ended_at`; `ended_by` is empty when it ended by itself.
    """

    __tablename__ = "call_acts"
    __table_args__ = (
        one_of("kind", ActKind),
        Index("ix_call_acts_call", "call_id", "at"),
        Index("ix_call_acts_user", "user_id", text("at DESC")),
        Index(
            "ix_call_acts_paused",
            "call_id",
            postgresql_where=text("kind = 'pause_recording' AND refused IS NULL AND ended_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    kind: Mapped[str]
    target: Mapped[str | None]
    refused: Mapped[str | None]
    at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


@dataclass(frozen=True, kw_only=True)
class OpenPause:
    """A recording that is silent now."""

    call_id: UUID
    user_id: int | None
    at: datetime


async def note_act(
    session: AsyncSession,
    call_id: UUID,
    kind: ActKind,
    *,
    user_id: int | None,
    at: datetime,
    target: str | None = None,
    refused: str | None = None,
) -> None:
    """Write down what somebody did. Raises `NotFound` while the call itself is not written down."""
    kept = await resolve(session, call_id)
    session.add(CallAct(call_id=kept, user_id=user_id, kind=kind, target=target, refused=refused, at=at))


async def end_pause(session: AsyncSession, call_id: UUID, *, user_id: int | None, at: datetime) -> None:
    """The recording goes on (`user_id` None: by itself, at the end or at a transfer)."""
    kept = await resolve(session, call_id)
    await session.execute(
        update(CallAct)
        .where(CallAct.call_id == kept, *_PAUSED)
        .values(ended_at=func.greatest(CallAct.at, at), ended_by=user_id)
    )


async def open_pauses(session: AsyncSession) -> list[OpenPause]:
    """Every recording that was paused and not resumed."""
    rows = await session.scalars(select(CallAct).where(*_PAUSED).order_by(CallAct.id))
    return [OpenPause(call_id=row.call_id, user_id=row.user_id, at=row.at) for row in rows]


async def recent_targets(session: AsyncSession, user_id: int, *, limit: int = 5) -> list[str]:
    """To whom this user transferred last, newest first, each once."""
    last = func.max(CallAct.at)
    rows = await session.scalars(
        select(CallAct.target)
        .where(
            CallAct.user_id == user_id,
            CallAct.kind.in_((ActKind.BLIND_TRANSFER, ActKind.CONSULT)),
            CallAct.target.is_not(None),
            CallAct.refused.is_(None),
        )
        .group_by(CallAct.target)
        .order_by(last.desc())
        .limit(limit)
    )
    return [target for target in rows if target]


_PAUSED = (
    CallAct.kind == ActKind.PAUSE_RECORDING,
    CallAct.refused.is_(None),
    CallAct.ended_at.is_(None),
)
