"""What is sent again because nobody knows whether it arrived is done once: the sender gives it a key."""

from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base
from crm_core.errors import Conflict


class SentKey(Base):
    """A key and what was made or changed for it. `object_id` is NULL only inside the transaction that does it."""

    __tablename__ = "sent_keys"

    key: Mapped[UUID] = mapped_column(primary_key=True)
    noun: Mapped[str]
    object_id: Mapped[int | None]


async def done_for(session: AsyncSession, noun: str, key: UUID) -> int | None:
    """The object that was made or changed for this key; None when it is to be done now, by this transaction and no
    other. Whoever asks at the same time waits until this transaction has ended.

    Raises `Conflict` when the key was used for something of another kind.
    """
    new = insert(SentKey).values(key=key, noun=noun).on_conflict_do_nothing().returning(SentKey.key)
    if await session.scalar(new) is not None:
        return None
    found = await session.get_one(SentKey, key)
    if found.noun != noun:
        raise Conflict("This key was used for something else.")
    return found.object_id


async def remember(session: AsyncSession, key: UUID, object_id: int) -> None:
    """This object was made or changed for the key."""
    await session.execute(
        update(SentKey)
        .where(SentKey.key == key)
        .values(object_id=object_id)
        .execution_options(synchronize_session=False)
    )
