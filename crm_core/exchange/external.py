"""By what other systems call our things: so that a second import of the same knows them again."""

from sqlalchemy import Index, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base


class ExternalId(Base):
    """What is `object_id` with us is `external_id` with them."""

    __tablename__ = "external_ids"
    __table_args__ = (Index("ix_external_ids_object", "object_kind", "object_id"),)

    object_kind: Mapped[str] = mapped_column(primary_key=True)
    external_id: Mapped[str] = mapped_column(primary_key=True)
    object_id: Mapped[int]


async def known_as(session: AsyncSession, kind: str, external_id: str) -> int | None:
    """Our id of what they call so."""
    found: int | None = await session.scalar(
        select(ExternalId.object_id).filter_by(object_kind=kind, external_id=external_id)
    )
    return found


async def remember(session: AsyncSession, kind: str, external_id: str, object_id: int) -> bool:
    """Keep what they call it; False when that was known."""
    made = insert(ExternalId).values(object_kind=kind, external_id=external_id, object_id=object_id)
    done = await session.execute(made.on_conflict_do_nothing().returning(ExternalId.object_id))
    return done.first() is not None
