"""What somebody typed into a window that belongs to no call, and did not send yet: kept for each person and window.

A window is known by its place, a name that its page gives it ("deal-new-12", "callback-new"). What is made out of it
uses it up in the same transaction. Versions count as in `draft`.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ForeignKey, delete
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Instant, Version
from crm_core.draft import write_over

KEPT = timedelta(days=30)  # what nobody went on with


class WindowDraft(Base):
    """The half-typed form of one person, as the page wrote it."""

    __tablename__ = "window_drafts"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[str] = mapped_column(primary_key=True)
    body: Mapped[dict[str, Any]]
    version: Mapped[Version]
    updated_at: Mapped[Instant]


async def load_window(session: AsyncSession, user_id: int, place: str) -> WindowDraft | None:
    """What this person typed there; None when nothing is left of it."""
    return await session.get(WindowDraft, (user_id, place))


async def save_window(
    session: AsyncSession,
    user_id: int,
    place: str,
    body: dict[str, Any],
    *,
    at: datetime,
    version: int | None,
) -> int:
    """Keep it as the page wrote it; its new version. `version`: the one it was written over, 0 for none, None for any.

    Raises `Stale` when it was written or used up since.
    """
    return await write_over(
        session, WindowDraft, {"user_id": user_id, "place": place}, body, at=at, version=version
    )


async def use_up(session: AsyncSession, user_id: int, place: str | None) -> None:
    """It was sent, or is not wanted any more; `place` None: it stood in no window."""
    if place is not None:
        whose = (WindowDraft.user_id == user_id, WindowDraft.place == place)
        await session.execute(delete(WindowDraft).where(*whose))


async def forget_windows(session: AsyncSession, *, before: datetime) -> None:
    """Remove what nobody wrote in since `before`."""
    await session.execute(delete(WindowDraft).where(WindowDraft.updated_at < before))
