"""A sentence that reaches somebody's open pages at once, when and only when the change is committed, and waits on his
list until he has read it: by a click there, or by opening the page it is about."""

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, delete, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id
from crm_core.errors import NotFound
from crm_core.outbox import announce

TOPIC = "notice"
LONGEST = 200
MOST_UNREAD = 1000


class Notice(Base):
    """What was told to one user; `address` is the page it is about, `level` info, warning or error."""

    __tablename__ = "notices"
    __table_args__ = (
        Index("ix_notices_user", "user_id", text("id DESC")),
        Index("ix_notices_unread", "user_id", postgresql_where=text("read_at IS NULL")),
        Index("ix_notices_created_at", "created_at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    text: Mapped[str]
    address: Mapped[str | None]
    level: Mapped[str]
    read_at: Mapped[datetime | None]


@dataclass(frozen=True)
class Told:
    """What is told to whom; `address` is the page it is about."""

    user_ids: list[int]
    text: str
    address: str | None
    level: str


_GATHERED: ContextVar[list[Told] | None] = ContextVar("gathered", default=None)


async def notify(
    session: AsyncSession,
    user_ids: Collection[int],
    text: str,
    *,
    address: str | None = None,
    level: str = "info",
    kept: bool = True,
) -> None:
    """Tell `text` to these users; `address` is the page it is about, `level` info, warning or error.

    Not `kept`: another list of theirs has it already.
    """
    if not user_ids:
        return
    told = Told(sorted(user_ids), text[:LONGEST], address, level)
    gathered = _GATHERED.get()
    if gathered is not None:
        gathered.append(told)
        return
    if kept:
        row = {"text": told.text, "address": address, "level": level}
        await session.execute(insert(Notice), [row | {"user_id": it} for it in told.user_ids])
    await announce(session, TOPIC, asdict(told))


@contextmanager
def gathered() -> Iterator[list[Told]]:
    """Inside nobody is told anything; what there is to tell is in the list."""
    told: list[Told] = []
    token = _GATHERED.set(told)
    try:
        yield told
    finally:
        _GATHERED.reset(token)


async def unread(session: AsyncSession, user_id: int) -> Sequence[str | None]:
    """The addresses of what this user has not read yet."""
    mine = select(Notice.address).where(Notice.user_id == user_id, Notice.read_at.is_(None))
    return (await session.scalars(mine.limit(MOST_UNREAD))).all()


async def read_about(session: AsyncSession, user_id: int, address: str, *, at: datetime) -> None:
    """The user looks at this page: what was told about it is read."""
    await _read(session, (Notice.user_id == user_id) & (Notice.address == address), at)


async def mark_notice(session: AsyncSession, user_id: int, notice_id: int | None, *, at: datetime) -> None:
    """The user has read this; None: all of it. Raises `NotFound` for what was told to another."""
    mine = Notice.user_id == user_id
    if notice_id is not None:
        mine &= Notice.id == notice_id
        if await session.scalar(select(Notice.id).where(mine)) is None:
            raise NotFound(f"There is no notice {notice_id} for you.")
    await _read(session, mine, at)


async def _read(session: AsyncSession, which: ColumnElement[bool], at: datetime) -> None:
    await session.execute(update(Notice).where(which, Notice.read_at.is_(None)).values(read_at=at))


async def forget_notices(session: AsyncSession, before: datetime) -> None:
    """Remove what was told long ago."""
    await session.execute(delete(Notice).where(Notice.created_at < before))
