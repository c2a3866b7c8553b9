"""Ids for rows that are inserted in bulk and refer to each other."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Base


@dataclass(frozen=True)
class Ids:
    """The first id that is free in each table, so that the demo may share a database with other rows."""

    first: Mapping[str, int]

    def of(self, table: type[Base], place: int) -> int:
        """The id of the row at `place` (from 0) of what is added to `table`."""
        return self.first[table.__tablename__] + place


async def free_ids(session: AsyncSession) -> Ids:
    """What is free now."""
    first = {}
    for name in _numbered():
        highest = await session.scalar(text(f"SELECT coalesce(max(id), 0) FROM {name}"))
        first[name] = (highest or 0) + 1
    return Ids(first)


async def advance_identities(session: AsyncSession) -> None:
    """Rows brought their ids along; let those that follow not meet them."""
    for name in _numbered():
        await session.execute(
            text(
                f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), max(id))"
                f" FROM {name} HAVING max(id) IS NOT NULL"
            )
        )


def _numbered() -> list[str]:
    tables: list[Table] = Base.metadata.sorted_tables
    return [table.name for table in tables if "id" in table.c and table.c.id.identity is not None]
