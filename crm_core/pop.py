"""The delivery log of pops: for every ring, to whom a card went, when it was sent and when it was seen."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.user import User


class Pop(Base):
    """One card for one operator because one of their phones rang. No rang_at: the card came otherwise."""

    __tablename__ = "pop_log"
    __table_args__ = (
        Index("ix_pop_log_user", "user_id", text("created_at DESC")),
        Index("ix_pop_log_call_user", "call_id", "user_id"),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    extension: Mapped[str | None]
    rang_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    shown_at: Mapped[datetime | None]


async def log_pop(
    session: AsyncSession,
    call_id: UUID,
    user_id: int,
    *,
    extension: str | None,
    rang_at: datetime | None,
    sent_at: datetime | None,
) -> int:
    """Write down that a card goes (went, with `sent_at`) to a user. The id of the entry."""
    entry = Pop(call_id=call_id, user_id=user_id, extension=extension, rang_at=rang_at, sent_at=sent_at)
    session.add(entry)
    await session.flush()
    return entry.id


async def log_shown(session: AsyncSession, call_id: UUID, user_id: int, *, at: datetime) -> None:
    """The user's browser says that it shows the card; only the first time counts."""
    await session.execute(
        update(Pop)
        .where(Pop.call_id == call_id, Pop.user_id == user_id, Pop.shown_at.is_(None))
        .values(shown_at=at)
    )


async def pops_of(session: AsyncSession, call_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, Pop]]]:
    """The cards of each call with the names of those they went to, in order."""
    query = select(Pop, User.name).join(User, User.id == Pop.user_id).where(Pop.call_id.in_(call_ids))
    found: dict[UUID, list[tuple[str, Pop]]] = {}
    for pop, name in await session.execute(query.order_by(Pop.id)):
        found.setdefault(pop.call_id, []).append((name, pop))
    return found
