"""The secret address under which a user's callbacks can be subscribed to as a calendar; one each, revocable.

Only its sha256 is kept: the address is shown once, when it is made.
"""

import hashlib
import secrets

from sqlalchemy import ForeignKey, LargeBinary, delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base
from crm_core.user import User


class CalendarKey(Base):
    """Of whom a calendar is."""

    __tablename__ = "calendar_keys"

    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    key_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)


async def make_key(session: AsyncSession, user_id: int) -> str:
    """A new secret for this user; the one before is worth nothing from now on."""
    key = secrets.token_urlsafe(32)
    row = insert(CalendarKey).values(user_id=user_id, key_hash=_hash(key))
    await session.execute(
        row.on_conflict_do_update(index_elements=["user_id"], set_={"key_hash": row.excluded.key_hash})
    )
    return key


async def revoke_key(session: AsyncSession, user_id: int) -> None:
    """Nobody can read the calendar any more."""
    await session.execute(delete(CalendarKey).where(CalendarKey.user_id == user_id))


async def has_key(session: AsyncSession, user_id: int) -> bool:
    """Whether there is an address."""
    return await session.get(CalendarKey, user_id) is not None


async def user_of(session: AsyncSession, key: str) -> User | None:
    """Whose calendar this secret opens; None for one that is no more, and for somebody who left."""
    found: User | None = await session.scalar(
        select(User)
        .join(CalendarKey, CalendarKey.user_id == User.id)
        .where(CalendarKey.key_hash == _hash(key), User.active)
    )
    return found


def _hash(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
