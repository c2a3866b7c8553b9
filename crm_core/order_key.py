"""An order that is sent again because nobody knows whether it arrived is taken once: the sender gives it a key."""

from uuid import UUID

from sqlalchemy import ForeignKey, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base


class OrderKey(Base):
    """A key and the order that was made for it. `order_id` is NULL only inside the transaction that makes it."""

    __tablename__ = "order_keys"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)


async def made_for(session: AsyncSession, key: UUID) -> int | None:
    """The order that was made for this key; None when it is to be made now, by this transaction and no other.

    Whoever asks at the same time waits until this transaction has ended.
    """
    new = insert(OrderKey).values(key=key).on_conflict_do_nothing().returning(OrderKey.key)
    if await session.scalar(new) is not None:
        return None
    found = await session.get_one(OrderKey, key)
    return found.order_id


async def remember(session: AsyncSession, key: UUID, order_id: int) -> None:
    """This order was made for the key."""
    await session.execute(
        update(OrderKey)
        .where(OrderKey.key == key)
        .values(order_id=order_id)
        .execution_options(synchronize_session=False)
    )
