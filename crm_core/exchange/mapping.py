"""What the columns of somebody's files mean, kept under a name."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Id
from crm_core.errors import NotFound


class ImportMapping(Base):
    """What columns mean: heading -> field or `property:…`; a name is one noun's."""

    __tablename__ = "import_mappings"
    __table_args__ = (UniqueConstraint("noun", "name"),)

    id: Mapped[Id]
    noun: Mapped[str]
    name: Mapped[str]
    columns: Mapped[dict[str, Any]]


async def save_mapping(session: AsyncSession, noun: str, name: str, columns: Mapping[str, str]) -> None:
    """Keep what columns mean under a name, in place of what was kept under it."""
    kept = insert(ImportMapping).values(noun=noun, name=name, columns=dict(columns))
    await session.execute(
        kept.on_conflict_do_update(index_elements=["noun", "name"], set_={"columns": kept.excluded.columns})
    )


async def load_mapping(session: AsyncSession, noun: str, name: str) -> dict[str, str]:
    """What was kept under a name. Raises `NotFound`."""
    kept = select(ImportMapping).where(ImportMapping.noun == noun, ImportMapping.name == name)
    found = await session.scalar(kept)
    if found is None:
        raise NotFound(
            f"There is no mapping {name[:60]!r} for {noun}; say the columns once and they are kept under it."
        )
    return dict(found.columns)


async def list_mappings(session: AsyncSession, noun: str) -> Sequence[ImportMapping]:
    """Every mapping of a noun by name."""
    found = select(ImportMapping).where(ImportMapping.noun == noun).order_by(ImportMapping.name)
    return (await session.scalars(found)).all()
