"""What an operator has typed into the card and not yet sent: kept per call, so that nothing is lost.

A draft counts its versions: who writes over an older one than is there is refused, so a second tab overwrites nothing.
What stands in it is held for the call (`hold`).
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.db import Base, Instant, Version
from crm_core.errors import Stale
from crm_core.hold import beyond_order, hold, wanted_in
from crm_core.order_stock import MOST_PIECES

KEPT = timedelta(minutes=5)
BESIDES = ("customer", "wrap_up", "promise")  # what is typed into a draft besides an order


class CallDraft(Base):
    """The half-made order of one operator in one call, as the page wrote it."""

    __tablename__ = "call_drafts"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[dict[str, Any]]
    version: Mapped[Version]
    updated_at: Mapped[Instant]


async def save_draft(
    session: AsyncSession,
    call_id: UUID,
    user_id: int,
    body: dict[str, Any],
    *,
    at: datetime,
    version: int | None = None,
    kept: timedelta = KEPT,
) -> int:
    """Keep the draft as the page wrote it; its new version. `version`: the one it was written over (None: any);
    `kept`: its goods are held so long after the call.

    Raises `NotFound` for an unknown call, `Stale` when somebody wrote since `version`.
    """
    call_id = await resolve(session, call_id)
    mine = {"call_id": call_id, "user_id": user_id}
    made = await write_over(session, CallDraft, mine, body, at=at, version=version)
    wanted = wanted_in(body, most=MOST_PIECES)
    order_id = body.get("order_id")
    if isinstance(order_id, int) and 0 < order_id < 2**53:
        wanted = await beyond_order(session, wanted, order_id)
    await hold(session, call_id, wanted, user_id=user_id, at=at, kept=kept)
    return made


async def write_over(
    session: AsyncSession,
    table: Any,
    key: Mapping[str, Any],
    body: dict[str, Any],
    *,
    at: datetime,
    version: int | None,
) -> int:
    """Write the draft that `key` names over this version of it (0: there is none, None: any); its new version.

    Raises `Stale` when it is another one.
    """
    new = {"body": body, "updated_at": at, "version": table.version + 1}
    statement = insert(table).values(**key, body=body, updated_at=at)
    mine = [getattr(table, name) == value for name, value in key.items()]
    if version:
        over = table.version == version
        found = await session.scalars(update(table).where(*mine, over).values(new).returning(table.version))
    elif version is None:
        found = await session.scalars(
            statement.on_conflict_do_update(index_elements=list(key), set_=new).returning(table.version)
        )
    else:
        found = await session.scalars(statement.on_conflict_do_nothing().returning(table.version))
    made: int | None = found.one_or_none()
    if made is None:
        newest = await session.scalar(select(table.version).where(*mine))
        raise Stale("This draft was changed elsewhere meanwhile.", newest or 0)
    return made


async def load_draft(session: AsyncSession, call_id: UUID, user_id: int) -> CallDraft | None:
    """The draft of this operator in this call; None when he wrote nothing."""
    return await session.get(CallDraft, (await resolve(session, call_id), user_id))


async def empty_draft(session: AsyncSession, call_id: UUID, user_id: int, *, at: datetime) -> None:
    """The draft became an order: nothing of it is left, older texts are refused; what else was typed stays."""
    found = await session.get(CallDraft, (call_id, user_id), with_for_update=True, populate_existing=True)
    if found is not None:
        besides = {name: found.body[name] for name in BESIDES if found.body.get(name)}
        found.body, found.updated_at, found.version = {"items": []} | besides, at, found.version + 1
        await session.flush()


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
