"""What an operator has typed into the card and not yet sent: kept per call, so that nothing is lost."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.db import Base, Instant, Version


class CallDraft(Base):
    """The half-made order of one operator in one call, as the page wrote it."""

    __tablename__ = "call_drafts"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[dict[str, Any]]
    version: Mapped[Version]
    updated_at: Mapped[Instant]


async def save_draft(
    session: AsyncSession, call_id: UUID, user_id: int, body: dict[str, Any], *, at: datetime
) -> int:
    """Keep the draft as the page wrote it; its new version. Raises `NotFound` for an unknown call."""
    call_id = await resolve(session, call_id)
    statement = insert(CallDraft).values(call_id=call_id, user_id=user_id, body=body, updated_at=at)
    versions = await session.scalars(
        statement.on_conflict_do_update(
            index_elements=["call_id", "user_id"],
            set_={"body": body, "updated_at": at, "version": CallDraft.version + 1},
        ).returning(CallDraft.version)
    )
    return versions.one()


async def hand_over(session: AsyncSession, call_id: UUID, *, giver: int, taker: int, at: datetime) -> bool:
    """After a transfer: the draft of `giver` becomes `taker`'s, unless they have one. Whether it moved."""
    call_id = await resolve(session, call_id)
    if await session.get(CallDraft, (call_id, taker)) is not None:
        return False
    moved = await session.execute(
        update(CallDraft)
        .where(CallDraft.call_id == call_id, CallDraft.user_id == giver)
        .values(user_id=taker, updated_at=at, version=CallDraft.version + 1)
        .returning(CallDraft.call_id)
    )
    return moved.first() is not None


async def drop_draft(session: AsyncSession, call_id: UUID, user_id: int) -> None:
    """The draft was sent or thrown away."""
    await session.execute(delete(CallDraft).where(CallDraft.call_id == call_id, CallDraft.user_id == user_id))
