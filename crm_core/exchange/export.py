"""Lists as tables: a bite at a time, each read in a short transaction of its own.

So a list of a million rows costs little memory, holds no connection while a slow reader takes it, and is exactly what
the list on the page shows. Rows that appear or change meanwhile are in it as they were when their bite was read.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Database
from crm_core.exchange.sheet import Cell
from crm_core.read.page import Page

BITE = 250
Load = Callable[[AsyncSession, str | None], Awaitable[Page[Any]]]
Spell = Callable[[AsyncSession, Sequence[Any]], Awaitable[list[Sequence[Cell]]]]


@dataclass(frozen=True)
class Columns:
    """What stands above, and how rows of a list become rows of a table (an order becomes one for each item)."""

    headings: Sequence[str]
    spell: Spell


async def bites(db: Database, load: Load, columns: Columns) -> AsyncIterator[list[Sequence[Cell]]]:
    """The rows of the table, some at a time; `load` reads the list after a cursor, at most `BITE` rows."""
    after: str | None = None
    while True:
        async with db.begin() as session:
            found = await load(session, after)
            rows = await columns.spell(session, found.rows)
        yield rows
        if found.next is None:
            return
        after = found.next
