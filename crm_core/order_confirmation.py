"""An order was read back to the customer and confirmed: when, in which call, by whom, and what it came to."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import ForeignKey, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call
from crm_core.db import Base, Id, Money
from crm_core.order_history import TOGETHER
from crm_core.order_rows import Order, OrderChange
from crm_core.user import User

# What is read aloud; who changes it afterwards changes what the customer agreed to.
SPOKEN = TOGETHER[0] | TOGETHER[1] | {"payment_method"}


class OrderConfirmation(Base):
    """The customer said yes to `version` of the order; `talk_s`: so long after the call was answered."""

    __tablename__ = "order_confirmations"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    version: Mapped[int]
    total: Mapped[Money]
    talk_s: Mapped[float | None]


@dataclass(frozen=True, kw_only=True)
class Confirmed:
    """The newest confirmation of an order; `holds`: nothing that was read aloud has changed since."""

    at: datetime
    by: str | None
    call_id: UUID | None
    talk_s: float | None
    total: Decimal
    holds: bool


async def confirm(
    session: AsyncSession, order: Order, *, call_id: UUID | None, user_id: int | None, at: datetime
) -> OrderConfirmation:
    """Take down that the customer confirmed the order as it is now."""
    call = await session.get(Call, call_id) if call_id is not None else None
    since = (at - call.answered_at).total_seconds() if call and call.answered_at else None
    made = OrderConfirmation(
        order_id=order.id,
        call_id=call_id,
        user_id=user_id,
        version=order.version,
        total=order.total,
        talk_s=max(0.0, since) if since is not None else None,
        created_at=at,
    )
    session.add(made)
    await session.flush()
    return made


async def load_confirmed(session: AsyncSession, order_id: int) -> Confirmed | None:
    """The newest confirmation of an order; None when nobody read it back."""
    query = (
        select(OrderConfirmation, User.name)
        .outerjoin(User, User.id == OrderConfirmation.user_id)
        .where(OrderConfirmation.order_id == order_id)
        .order_by(OrderConfirmation.id.desc())
        .limit(1)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        return None
    made, name = row
    later = await session.scalars(
        select(OrderChange.what).where(OrderChange.order_id == order_id, OrderChange.version > made.version)
    )
    return Confirmed(
        at=made.created_at,
        by=name,
        call_id=made.call_id,
        talk_s=made.talk_s,
        total=made.total,
        holds=not any(SPOKEN & set(what) for what in later),
    )
