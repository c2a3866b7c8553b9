"""Customers are given to another manager, many at once, and back again when it was a mistake."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Select, func, insert, literal, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core import audit
from crm_core.customer import Customer
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.user import User


class Handover(Base):
    """`user_id` gave `customers` people to `to_id` (None: nobody looks after them)."""

    __tablename__ = "handovers"

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    to_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    customers: Mapped[int] = mapped_column(server_default="0", default=0)
    undone_at: Mapped[datetime | None]


class HandoverRow(Base):
    """One of the customers, and who looked after him before."""

    __tablename__ = "handover_rows"

    handover_id: Mapped[int] = mapped_column(ForeignKey("handovers.id", ondelete="CASCADE"), primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), primary_key=True)
    from_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


async def hand_over(
    session: AsyncSession, chosen: Select[Any], to_id: int | None, *, user_id: int | None, at: datetime
) -> Handover:
    """Give the customers whose ids `chosen` finds to `to_id`; those he has already are left out.

    Raises `Invalid` when there is no such active colleague, or nobody changes hands.
    """
    to = await session.get(User, to_id) if to_id is not None else None
    if to_id is not None and (to is None or not to.active):
        raise Invalid("There is no such colleague at work here.", "manager_id")
    made = Handover(user_id=user_id, to_id=to_id, customers=0, created_at=at)
    session.add(made)
    await session.flush()
    ids = chosen.subquery()
    whom = (
        select(literal(made.id), Customer.id, Customer.manager_id)
        .where(Customer.id.in_(select(*ids.c)), Customer.merged_into_id.is_(None))
        .where(Customer.manager_id.is_distinct_from(to_id))
        .order_by(Customer.id)
        .with_for_update()
    )
    await session.execute(insert(HandoverRow).from_select(["handover_id", "customer_id", "from_id"], whom))
    moved = select(HandoverRow.customer_id).where(HandoverRow.handover_id == made.id)
    made.customers = await session.scalar(select(func.count()).select_from(moved.subquery())) or 0
    if not made.customers:
        raise Invalid("Nobody changes hands: these customers are looked after so already.", "manager_id")
    await session.execute(
        update(Customer)
        .where(Customer.id.in_(moved))
        .values(manager_id=to_id, version=Customer.version + 1)
        .execution_options(synchronize_session=False)
    )
    await _tell(session, made, "customers.hand_over", user_id)
    return made


async def undo_handover(session: AsyncSession, handover_id: int, *, user_id: int | None, at: datetime) -> int:
    """Give everybody back who still is where he was given to; how many. Raises `NotFound`, `Conflict`."""
    made = await session.get(Handover, handover_id, with_for_update=True)
    if made is None:
        raise NotFound(f"There is no hand-over {handover_id}.")
    if made.undone_at is not None:
        raise Conflict("This hand-over was undone already.")
    made.undone_at = at
    back = await session.scalars(
        update(Customer)
        .where(Customer.id == HandoverRow.customer_id, HandoverRow.handover_id == made.id)
        .where(Customer.manager_id.is_not_distinct_from(made.to_id))
        .values(manager_id=HandoverRow.from_id, version=Customer.version + 1)
        .returning(Customer.id)
        .execution_options(synchronize_session=False)
    )
    returned = len(back.all())
    await _tell(session, made, "customers.undo_hand_over", user_id)
    return returned


async def list_handovers(session: AsyncSession, *, limit: int = 10) -> Sequence[Any]:
    """The newest hand-overs with the names of who gave and who got."""
    giver, taker = select(User.name).where(User.id == Handover.user_id), User.name
    query = (
        select(
            Handover.id,
            Handover.customers,
            Handover.created_at,
            Handover.undone_at,
            giver.correlate(Handover).scalar_subquery().label("giver"),
            taker.label("taker"),
        )
        .outerjoin(User, User.id == Handover.to_id)
        .order_by(Handover.id.desc())
        .limit(limit)
    )
    return (await session.execute(query)).all()


async def _tell(session: AsyncSession, made: Handover, action: str, user_id: int | None) -> None:
    detail = {"to": made.to_id, "customers": made.customers}
    await audit.record(
        session, user_id=user_id, action=action, object_kind="handover", object_id=made.id, detail=detail
    )
    session.expire_all()
    await session.refresh(made)
