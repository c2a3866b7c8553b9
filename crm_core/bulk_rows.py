"""What is kept of changes of many at once: the act, and each of its rows as it was and as it became."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Database, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.user import User

TOLD = 20  # rows whose refusal is told by name
CHANGED_SINCE = "somebody changed it since"
_PEOPLE = ("manager_id", "responsible_id", "performer_id", "assigned_to")


class BulkAct(Base):
    """`user_id` wanted `wanted` of many rows of `noun`; `said` is that in words, `changed` how many it did change."""

    __tablename__ = "bulk_acts"
    __table_args__ = (Index("ix_bulk_acts_latest", "noun", "user_id", text("id DESC")),)

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    noun: Mapped[str]
    wanted: Mapped[dict[str, Any]]
    said: Mapped[str]
    changed: Mapped[int] = mapped_column(server_default="0", default=0)
    undone_at: Mapped[datetime | None]


class BulkRow(Base):
    """One of the rows: as it was and as the act made it, or why it was `refused`; `stayed`: why it was not
    taken back."""

    __tablename__ = "bulk_rows"

    act_id: Mapped[int] = mapped_column(ForeignKey("bulk_acts.id", ondelete="CASCADE"), primary_key=True)
    object_id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    refused: Mapped[str | None]
    stayed: Mapped[str | None]


class Chosen(NamedTuple):
    """A row somebody chose, in the version he saw (None: whatever is newest)."""

    id: int
    version: int | None = None


class Refusal(NamedTuple):
    """A row that stays as it is."""

    id: int
    title: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """What came of an act, or of taking it back; of the `refused` the first `TOLD` are named."""

    act_id: int
    changed: int
    refused: list[Refusal]
    refusals: int


@dataclass(frozen=True)
class By:
    """Who does it, from which address."""

    user_id: int | None
    at: datetime
    address: str | None = None


async def begin(
    db: Database, noun: str, wanted: Mapping[str, Any], said: str, by: By, *, rows: int, most: int
) -> int:
    """Write down what shall be done, before it is; the act's id. Raises `Invalid`."""
    if not wanted:
        raise Invalid("Say what shall be different.")
    if not 0 < rows <= most:
        raise Invalid(
            f"Choose 1 to {most} rows; {rows} are too many." if rows else "Choose the rows.", "rows"
        )
    async with db.begin() as session:
        for name in _PEOPLE:
            if (user_id := wanted.get(name)) is not None:
                colleague = await session.get(User, user_id)
                if colleague is None or not colleague.active:
                    raise Invalid("There is no such colleague at work here.", name)
        kept = {name: _plain(value) for name, value in wanted.items()}
        act = BulkAct(user_id=by.user_id, noun=noun, wanted=kept, said=said, changed=0, created_at=by.at)
        session.add(act)
        await session.flush()
        return act.id


async def finish(db: Database, act_id: int, changed: int) -> Done:
    """Write down how many were changed; what came of it."""
    async with db.begin() as session:
        act = await session.get_one(BulkAct, act_id)
        act.changed = changed
        return await told_of(session, act_id, changed, BulkRow.refused)


async def load_act(session: AsyncSession, noun: str, act_id: int, *, lock: bool = False) -> BulkAct:
    """The act. Raises `NotFound`."""
    act = await session.get(BulkAct, act_id, with_for_update=lock)
    if act is None or act.noun != noun:
        raise NotFound("There is no such change of many.")
    return act


async def rows_of(session: AsyncSession, act_id: int) -> list[int]:
    """The ids of the rows that an act changed."""
    query = select(BulkRow.object_id).where(BulkRow.act_id == act_id, BulkRow.refused.is_(None))
    return list(await session.scalars(query.order_by(BulkRow.object_id)))


async def close(db: Database, noun: str, act_id: int, by: By) -> None:
    """Say that the act is taken back; once. Raises `NotFound`, `Conflict`."""
    async with db.begin() as session:
        act = await load_act(session, noun, act_id, lock=True)
        if act.undone_at is not None:
            raise Conflict("This was taken back already.")
        act.undone_at = by.at


async def told_of(session: AsyncSession, act_id: int, changed: int, why: Any) -> Done:
    """So many were changed; `why` is the column that says why others were not."""
    query = select(BulkRow.object_id, BulkRow.title, why.label("why"))
    query = query.where(BulkRow.act_id == act_id, why.is_not(None)).order_by(BulkRow.object_id)
    refused = [Refusal(*row) for row in await session.execute(query)]
    return Done(act_id=act_id, changed=changed, refused=refused[:TOLD], refusals=len(refused))


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


@dataclass(frozen=True, kw_only=True)
class ActRow:
    """An act as the list tells it: who, when, what, how many; `refused` names the first that were, `stayed`
    those that could not be taken back."""

    id: int
    user_id: int | None
    user: str | None
    noun: str
    said: str
    changed: int
    created_at: datetime
    undone_at: datetime | None
    refused: Sequence[Refusal] = ()
    stayed: Sequence[Refusal] = ()


async def latest_acts(
    session: AsyncSession, noun: str, user_id: int | None, *, limit: int = 3
) -> list[ActRow]:
    """The newest acts on this noun, of this user (None: of everybody)."""
    names = ("id", "user_id", "noun", "said", "changed", "created_at", "undone_at")
    query = select(*(getattr(BulkAct, name) for name in names), User.name.label("user"))
    query = query.outerjoin(User, User.id == BulkAct.user_id).where(BulkAct.noun == noun)
    if user_id is not None:
        query = query.where(BulkAct.user_id == user_id)
    found = [
        dict(row._mapping) for row in await session.execute(query.order_by(BulkAct.id.desc()).limit(limit))
    ]
    return [
        ActRow(
            **row,
            refused=(await told_of(session, row["id"], 0, BulkRow.refused)).refused,
            stayed=(await told_of(session, row["id"], 0, BulkRow.stayed)).refused,
        )
        for row in found
    ]
