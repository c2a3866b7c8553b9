"""Tips: what to say or offer to a customer whom a segment or rules mean, as an administrator wrote it (row U13)."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.segment import Segment, checked_rules

MOST = 100
LONGEST = 300
NO_RULES: Mapping[str, Any] = {"all": []}


class Tip(Base):
    """`text` for everybody whom the segment and `rules` mean, until the end of `ends_on`; a higher `priority` is told
    first, and `active` False never."""

    __tablename__ = "tips"
    __table_args__ = (
        CheckConstraint("text <> ''", name="text_not_empty"),
        CheckConstraint("priority BETWEEN 1 AND 9", name="priority_sane"),
    )

    id: Mapped[Id]
    text: Mapped[str]
    priority: Mapped[int]
    segment_id: Mapped[int | None] = mapped_column(ForeignKey("segments.id", ondelete="CASCADE"))
    rules: Mapped[dict[str, Any]] = mapped_column(server_default='{"all": []}', default=dict)
    ends_on: Mapped[date | None]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


async def list_tips(session: AsyncSession) -> Sequence[Tip]:
    """All of them, the weightiest first."""
    return (await session.scalars(select(Tip).order_by(Tip.priority.desc(), Tip.id))).all()


async def get_tip(session: AsyncSession, tip_id: int, *, lock: bool = False) -> Tip:
    """One tip. Raises `NotFound`."""
    found = await session.get(Tip, tip_id, with_for_update=lock)
    if found is None:
        raise NotFound("There is no such tip.")
    return found


async def add_tip(session: AsyncSession, *, user_id: int | None, **given: Any) -> Tip:
    """Keep a tip; `given` are its columns. Raises `Invalid`."""
    if (await session.scalar(select(func.count()).select_from(Tip)) or 0) >= MOST:
        raise Invalid(f"There may be {MOST} tips at most.", "text")
    made = Tip(text="", priority=5, rules=dict(NO_RULES), active=True, version=1, created_by=user_id)
    await _put(session, made, given)
    session.add(made)
    await session.flush()
    return made


async def change_tip(session: AsyncSession, tip_id: int, *, version: int, changes: Mapping[str, Any]) -> Tip:
    """Change a tip. Raises `NotFound`, `Invalid`, `Conflict`."""
    found = await get_tip(session, tip_id, lock=True)
    if found.version != version:
        raise Conflict("This tip was changed by somebody else meanwhile.")
    await _put(session, found, changes)
    found.version += 1
    await session.flush()
    return found


async def remove_tip(session: AsyncSession, tip_id: int) -> None:
    """Forget a tip. Raises `NotFound`."""
    await session.delete(await get_tip(session, tip_id, lock=True))


async def _put(session: AsyncSession, it: Tip, changes: Mapping[str, Any]) -> None:
    for name in ("priority", "segment_id", "rules", "ends_on", "active"):
        if name in changes:
            setattr(it, name, changes[name])
    if "text" in changes:
        it.text = " ".join(str(changes["text"]).split())[:LONGEST]
    if not it.text:
        raise Invalid("Write what shall be said or offered.", "text")
    if not 1 <= it.priority <= 9:
        raise Invalid("The weight is 1 to 9.", "priority")
    await checked_rules(session, it.rules)
    if it.segment_id is not None and await session.get(Segment, it.segment_id) is None:
        raise Invalid("There is no such segment.", "segment_id")
    if it.segment_id is None and it.rules == NO_RULES:
        raise Invalid("Say for whom: choose a segment or give a rule.", "rules")
