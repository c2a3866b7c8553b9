"""What goes along when a call goes from one operator to the next: the draft, what was open, and a line that says so.

A note belongs to the call and needs no moving. A row is *offered* while nobody has taken the call yet.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, delete, func, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.db import Base, Id
from crm_core.draft import CallDraft, hand_over
from crm_core.errors import Conflict
from crm_core.focus import CallFocus, set_focus
from crm_core.hold import CallHold
from crm_core.user import User


class Baton(Base):
    """`giver_id` handed the call on, `taker_id` has it since (NULL: offered).

    `said`: what he wrote for the next one; `doing`: what he was at, told from the facts; `draft_version`: of the
    draft as it came to the taker, NULL when there was none.
    """

    __tablename__ = "call_batons"
    __table_args__ = (Index("ix_call_batons_call", "call_id", "id"),)

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    giver_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    taker_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    said: Mapped[str | None]
    doing: Mapped[dict[str, Any]]
    draft_version: Mapped[int | None]
    at: Mapped[datetime]


async def offer(
    session: AsyncSession, call_id: UUID, giver: int, *, said: str | None = None, at: datetime
) -> None:
    """`giver` sends the call on. What was said is kept when it is offered again without a word.

    Raises `NotFound` for an unknown call.
    """
    call_id = await resolve(session, call_id)
    row, doing = await _offered(session, call_id, giver), await _doing(session, call_id, giver)
    if row is None:
        row = Baton(call_id=call_id, giver_id=giver)
        session.add(row)
    row.said, row.doing, row.at = said or row.said, doing, at
    await session.flush()


async def withdraw(session: AsyncSession, call_id: UUID, giver: int) -> None:
    """He keeps the call after all."""
    call_id = await resolve(session, call_id)
    await session.execute(delete(Baton).where(*_open(call_id, giver)))


async def take(session: AsyncSession, call_id: UUID, *, giver: int | None, taker: int, at: datetime) -> bool:
    """`taker` talks now: draft and what was open become his. Whether anything changed; said twice it is done once.

    `giver` None: nobody talked before; then it is whoever had begun an order while his telephone rang, if anybody.
    Raises `NotFound` for an unknown call.
    """
    call_id = await resolve(session, call_id)
    if giver is None:
        giver = await _beginner(session, call_id, besides=taker)
        if giver is None:
            return False
    row = await _offered(session, call_id, giver)
    if row is None:
        last = await session.scalar(_newest(call_id))
        if last is not None and (last.giver_id, last.taker_id) == (giver, taker):
            return False
        row = Baton(call_id=call_id, giver_id=giver, doing=await _doing(session, call_id, giver), at=at)
        session.add(row)
    row.taker_id, row.at = taker, at
    row.draft_version = await _draft_moves(session, call_id, giver, taker, at)
    await _focus_moves(session, call_id, giver, taker, at)
    await session.flush()
    return True


async def draft_keeper(session: AsyncSession, call_id: UUID, user_id: int) -> int:
    """Whose draft it is that `user_id` types into: what was on its way when he handed the call on goes along.

    Raises `Conflict` when the next one has written since.
    """
    rows = select(Baton).where(Baton.call_id == call_id, Baton.taker_id.is_not(None))
    mine = rows.where((Baton.giver_id == user_id) | (Baton.taker_id == user_id))
    last = await session.scalar(mine.order_by(Baton.id.desc()).limit(1))
    if last is None or last.taker_id is None or last.taker_id == user_id:
        return user_id
    if await _version(session, call_id, last.taker_id) == last.draft_version:
        return last.taker_id
    who = await session.scalar(select(User.name).where(User.id == last.taker_id))
    raise Conflict(f"{who} has this call now and goes on with the order.")


async def _draft_moves(
    session: AsyncSession, call_id: UUID, giver: int, taker: int, at: datetime
) -> int | None:
    """An empty draft stands in nobody's way."""
    if await _items(session, call_id, giver):
        empty = select(CallDraft.call_id).where(CallDraft.user_id == taker, CallDraft.call_id == call_id)
        if await session.scalar(empty) and not await _items(session, call_id, taker):
            await session.execute(
                delete(CallDraft).where(CallDraft.call_id == call_id, CallDraft.user_id == taker)
            )
            session.expire_all()
    if await hand_over(session, call_id, giver=giver, taker=taker, at=at):
        held = update(CallHold).where(CallHold.call_id == call_id, CallHold.user_id == giver)
        await session.execute(held.values(user_id=taker))
    return await _version(session, call_id, taker)


async def _focus_moves(session: AsyncSession, call_id: UUID, giver: int, taker: int, at: datetime) -> None:
    looks = select(CallFocus).where(CallFocus.call_id == call_id, CallFocus.closed_at.is_(None))
    open_now = {look.user_id: look for look in await session.scalars(looks)}
    left = open_now.get(giver)
    if left is None:
        return
    await set_focus(session, call_id, giver, at=at)
    if taker not in open_now:
        await set_focus(session, call_id, taker, order_id=left.order_id, deal_id=left.deal_id, at=at)


async def _doing(session: AsyncSession, call_id: UUID, user_id: int) -> dict[str, Any]:
    """What he was at: pieces of a half-made order, the order or deal that was open, whether there is a note."""
    found = (await session.execute(_DOING, {"call_id": call_id, "user_id": user_id})).mappings().one()
    return {name: value for name, value in found.items() if value}


async def _items(session: AsyncSession, call_id: UUID, user_id: int) -> int:
    mine = (CallDraft.call_id == call_id, CallDraft.user_id == user_id)
    counted = await session.scalar(select(func.jsonb_array_length(CallDraft.body["items"])).where(*mine))
    return counted or 0


async def _version(session: AsyncSession, call_id: UUID, user_id: int) -> int | None:
    mine = (CallDraft.call_id == call_id, CallDraft.user_id == user_id)
    found: int | None = await session.scalar(select(CallDraft.version).where(*mine))
    return found


async def _beginner(session: AsyncSession, call_id: UUID, *, besides: int) -> int | None:
    others = select(CallDraft.user_id).where(CallDraft.call_id == call_id, CallDraft.user_id != besides)
    begun = others.where(func.jsonb_array_length(CallDraft.body["items"]) > 0)
    found: int | None = await session.scalar(begun.order_by(CallDraft.updated_at.desc()).limit(1))
    return found


async def _offered(session: AsyncSession, call_id: UUID, giver: int) -> Baton | None:
    found = select(Baton).where(*_open(call_id, giver)).order_by(Baton.id.desc()).limit(1)
    row: Baton | None = await session.scalar(found)
    return row


def _open(call_id: UUID, giver: int) -> tuple[Any, ...]:
    return (Baton.call_id == call_id, Baton.giver_id == giver, Baton.taker_id.is_(None))


def _newest(call_id: UUID) -> Any:
    return select(Baton).where(Baton.call_id == call_id).order_by(Baton.id.desc()).limit(1)


_DOING = text("""
    SELECT
        (SELECT sum(coalesce((i.it ->> 'quantity')::numeric, 1))::int
            FROM call_drafts d, jsonb_array_elements(d.body -> 'items') AS i(it)
            WHERE d.call_id = :call_id AND d.user_id = :user_id
                AND jsonb_typeof(d.body -> 'items') = 'array') AS pieces,
        (SELECT json_build_object('kind', CASE WHEN f.order_id IS NULL THEN 'deal' ELSE 'order' END,
                'id', coalesce(f.order_id, f.deal_id), 'label', coalesce(o.number, d.title))
            FROM call_focus f LEFT JOIN orders o ON o.id = f.order_id LEFT JOIN deals d ON d.id = f.deal_id
            WHERE f.call_id = :call_id AND f.user_id = :user_id AND f.closed_at IS NULL) AS opened,
        (SELECT note <> '' FROM calls WHERE id = :call_id) AS noted
""")
