"""What a call was about: links to orders and deals, each with a role and the rule that made it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, resolve
from crm_core.db import Base, Id, one_of
from crm_core.errors import Invalid, NotFound
from crm_core.outbox import announce

_LIVE = "removed_at IS NULL"


class Role(StrEnum):
    """What happened to the order or deal in this call."""

    CREATED = "created"
    CHANGED = "changed"
    DISCUSSED = "discussed"


class CallLink(Base):
    """One call to one order or one deal. A removed link stays as history."""

    __tablename__ = "call_links"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("num_nonnulls(order_id, deal_id) = 1", name="one_object"),
        Index("uq_call_links_order", "call_id", "order_id", unique=True, postgresql_where=text(_LIVE)),
        Index("uq_call_links_deal", "call_id", "deal_id", unique=True, postgresql_where=text(_LIVE)),
        Index("ix_call_links_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_call_links_deal_id", "deal_id", postgresql_where=text("deal_id IS NOT NULL")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"))
    role: Mapped[str]
    rule: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


CHOSEN = "chosen"  # picked by hand
CREATED_IN_CALL = "created_in_call"
EDITED_IN_CALL = "edited_in_call"
WITH_ORDER = "deal_of_order"
_WEIGHT = {Role.DISCUSSED: 0, Role.CHANGED: 1, Role.CREATED: 2}


async def link(
    session: AsyncSession,
    call_id: UUID,
    *,
    order_id: int | None = None,
    deal_id: int | None = None,
    role: str = Role.DISCUSSED,
    rule: str,
    user_id: int | None,
) -> CallLink:
    """Link a call to one order or one deal; an order brings its deal along.

    A link that is there already only gains weight (discussed < changed < created).
    Raises `NotFound`, and `Invalid` unless exactly one object is given.
    """
    if (order_id is None) == (deal_id is None):
        raise Invalid("A call is linked to one order or to one deal.", "order_id")
    call_id = await resolve(session, call_id)
    # Two who link the same at once take turns; FOR NO KEY UPDATE does not hold up those who refer to the call.
    await session.execute(select(Call.id).where(Call.id == call_id).with_for_update(key_share=True))
    deal_of_order = await check_object(session, order_id, deal_id)
    made = await _ensure(
        session, call_id, order_id=order_id, deal_id=deal_id, role=Role(role), rule=rule, user_id=user_id
    )
    if deal_of_order is not None:
        await _ensure(
            session,
            call_id,
            order_id=None,
            deal_id=deal_of_order,
            role=Role.DISCUSSED,
            rule=WITH_ORDER,
            user_id=user_id,
        )
    await announce(session, "call", {"id": str(call_id), "call_id": str(call_id)})
    return made


async def unlink(
    session: AsyncSession, call_id: UUID, link_id: int, *, user_id: int | None, at: datetime
) -> None:
    """Take a link away; it stays in the table with who did it and when. Raises `NotFound`."""
    call_id = await resolve(session, call_id)
    found = await session.get(CallLink, link_id, with_for_update=True)
    if found is None or found.call_id != call_id or found.removed_at is not None:
        raise NotFound(f"The call has no link {link_id}.")
    found.removed_at, found.removed_by = at, user_id
    await announce(session, "call", {"id": str(call_id), "call_id": str(call_id)})


async def links_of(session: AsyncSession, call_id: UUID) -> Sequence[CallLink]:
    """The live links of a call, the oldest first."""
    found = select(CallLink).where(CallLink.call_id == call_id, CallLink.removed_at.is_(None))
    return (await session.scalars(found.order_by(CallLink.id))).all()


async def _ensure(
    session: AsyncSession,
    call_id: UUID,
    *,
    order_id: int | None,
    deal_id: int | None,
    role: Role,
    rule: str,
    user_id: int | None,
) -> CallLink:
    known = await session.scalar(
        select(CallLink)
        .where(
            CallLink.call_id == call_id,
            CallLink.order_id.is_not_distinct_from(order_id),
            CallLink.deal_id.is_not_distinct_from(deal_id),
            CallLink.removed_at.is_(None),
        )
        .with_for_update()
    )
    if known is None:
        known = CallLink(
            call_id=call_id, order_id=order_id, deal_id=deal_id, role=role, rule=rule, created_by=user_id
        )
        session.add(known)
        await session.flush()
    elif _WEIGHT[role] > _WEIGHT[Role(known.role)]:
        known.role, known.rule = role, rule
    return known


async def check_object(session: AsyncSession, order_id: int | None, deal_id: int | None) -> int | None:
    """The deal of the order, if it has one. Raises `NotFound`. Plain SQL: the file of orders imports this one."""
    if order_id is not None:
        row = (
            await session.execute(text("SELECT deal_id FROM orders WHERE id = :id"), {"id": order_id})
        ).one_or_none()
        if row is None:
            raise NotFound(f"There is no order {order_id}.")
        deal: int | None = row.deal_id
        return deal
    if not await session.scalar(text("SELECT true FROM deals WHERE id = :id"), {"id": deal_id}):
        raise NotFound(f"There is no deal {deal_id}.")
    return None
