"""Colleagues named in a note (@anna): the note reaches them, and stays on their list until they have read it."""

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import Customer, CustomerNote, add_note
from crm_core.db import Base, Id
from crm_core.errors import NotFound
from crm_core.notice import notify
from crm_core.user import User

# An e-mail address is no mention: before the @ there is no letter.
_NAMED = re.compile(r"(?<![\w@.+-])@([\w][\w.-]{0,63})")


class NoteMention(Base):
    """`user_id` is named in the note; `read_at` when he has read it."""

    __tablename__ = "note_mentions"
    __table_args__ = (
        UniqueConstraint("note_id", "user_id"),
        Index("ix_note_mentions_user", "user_id", text("id DESC")),
    )

    id: Mapped[Id]
    note_id: Mapped[int] = mapped_column(ForeignKey("customer_notes.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    read_at: Mapped[datetime | None]


def mentioned(note: str, logins: Iterable[str]) -> list[str]:
    """The logins named in `note`, in the order of their first mention; a full stop after a name is no part of it."""
    known = {login.casefold(): login for login in logins}
    found: dict[str, None] = {}
    for said in _NAMED.findall(note):
        name = said.casefold()
        while name and name not in known and name[-1] in ".-_":
            name = name[:-1]
        if name in known:
            found.setdefault(known[name])
    return list(found)


async def write_note(
    session: AsyncSession, customer_id: int, note: str, *, user_id: int | None, at: datetime
) -> CustomerNote:
    """Write something about a customer; those it names find it on their lists, and their desks say so.

    Raises `NotFound`, and `Invalid` for an empty text.
    """
    made = await add_note(session, customer_id, note, user_id=user_id, at=at)
    await _reach(session, made)
    return made


async def _reach(session: AsyncSession, note: CustomerNote) -> Sequence[int]:
    """Put the note on the lists of those it names, and tell their desks; their ids."""
    if "@" not in note.text:
        return []
    colleagues = (await session.execute(select(User.login, User.id).where(User.active))).all()
    ids: dict[str, int] = {row.login: row.id for row in colleagues}
    named = [ids[login] for login in mentioned(note.text, ids) if ids[login] != note.user_id]
    session.add_all(NoteMention(note_id=note.id, user_id=id_) for id_ in named)
    if named:
        await session.flush()
        author = await session.get(User, note.user_id) if note.user_id is not None else None
        customer = await session.get(Customer, note.customer_id)
        about = f"{author.name if author else '—'}, {customer.name if customer else '—'}"
        await notify(session, named, f"{about}: {note.text}", address="/for-me", kept=False)
    return named


async def list_reached(session: AsyncSession, note_id: int) -> Sequence[str]:
    """The names of those a note reached."""
    told = select(User.name).join(NoteMention).where(NoteMention.note_id == note_id).order_by(NoteMention.id)
    return (await session.scalars(told)).all()


async def list_logins(session: AsyncSession) -> list[tuple[str, str]]:
    """What each colleague is named by in a note, with the name, in the order of names."""
    colleagues = select(User.login, User.name).where(User.active).order_by(User.name, User.id)
    return [(row.login, row.name) for row in await session.execute(colleagues)]


async def read_of(session: AsyncSession, user_id: int, customer_id: int, *, at: datetime) -> None:
    """The user looks at the notes of this customer: those that name him are read."""
    notes = select(CustomerNote.id).where(CustomerNote.customer_id == customer_id)
    unread = NoteMention.user_id == user_id, NoteMention.read_at.is_(None), NoteMention.note_id.in_(notes)
    await session.execute(update(NoteMention).where(*unread).values(read_at=at))


async def mark_read(session: AsyncSession, user_id: int, mention_id: int | None, *, at: datetime) -> None:
    """The user has read a note that names him; None: all of them. Raises `NotFound` for another's."""
    mine = NoteMention.user_id == user_id
    if mention_id is not None:
        mine &= NoteMention.id == mention_id
        if await session.scalar(select(NoteMention.id).where(mine)) is None:
            raise NotFound(f"There is no note {mention_id} for you.")
    unread = update(NoteMention).where(mine, NoteMention.read_at.is_(None))
    await session.execute(unread.values(read_at=at))
