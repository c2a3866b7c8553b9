"""Which order or deal an operator had open in the card of a call, and from when to when."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, resolve
from crm_core.call_link import check_object
from crm_core.db import Base, Id
from crm_core.errors import Invalid


class CallFocus(Base):
    """One look at one object. `closed_at` is NULL while it is open; an operator has one open in a call."""

    __tablename__ = "call_focus"
    __table_args__ = (
        CheckConstraint("num_nonnulls(order_id, deal_id) = 1", name="one_object"),
        Index("ix_call_focus_call_id", "call_id"),
        Index(
            "uq_call_focus_open",
            "call_id",
            "user_id",
            unique=True,
            postgresql_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id", ondelete="CASCADE"))
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


async def set_focus(
    session: AsyncSession,
    call_id: UUID,
    user_id: int,
    *,
    order_id: int | None = None,
    deal_id: int | None = None,
    at: datetime,
) -> CallFocus | None:
    """This operator has this order or deal open now, and none when neither is given. Saying it again changes
    nothing.

    Raises `NotFound` for an unknown call, order or deal, `Invalid` when both are given.
    """
    if order_id is not None and deal_id is not None:
        raise Invalid("One order or one deal can be open in a card.", "order_id")
    call_id = await resolve(session, call_id)
    await session.execute(
        select(Call.id).where(Call.id == call_id).with_for_update(key_share=True)
    )  # in turns
    if order_id is not None or deal_id is not None:
        await check_object(session, order_id, deal_id)
    mine = select(CallFocus).where(
        CallFocus.call_id == call_id, CallFocus.user_id == user_id, CallFocus.closed_at.is_(None)
    )
    known: CallFocus | None = await session.scalar(mine)
    if known is not None:
        if (known.order_id, known.deal_id) == (order_id, deal_id):
            return known
        known.closed_at = at
        await session.flush()
    if order_id is None and deal_id is None:
        return None
    opened = CallFocus(call_id=call_id, user_id=user_id, order_id=order_id, deal_id=deal_id, opened_at=at)
    session.add(opened)
    await session.flush()
    return opened


async def looks_of(session: AsyncSession, call_id: UUID) -> Sequence[CallFocus]:
    """Every look in this call, the earliest first."""
    found = select(CallFocus).where(CallFocus.call_id == call_id)
    return (await session.scalars(found.order_by(CallFocus.opened_at, CallFocus.id))).all()
