"""Lists as tables, as they are at one instant: a bite at a time, all within one snapshot of the database.

So a list of a million rows costs little memory, other work gets its turn between two bites, and the file is whole: an
order that changes meanwhile is in it once, as it was when the export began.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
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


async def bites(db: Database, load: Load, columns: Columns) -> AsyncGenerator[list[Sequence[Cell]], None]:
    """The rows of the table, some at a time; `load` reads the list after a cursor, at most `BITE` rows.

    Use within `contextlib.aclosing`: the snapshot is held until the end.
    """
    after: str | None = None
    async with db.snapshot() as session:
        while True:
            found = await load(session, after)
            yield await columns.spell(session, found.rows)
            if found.next is None:
                return
            after = found.next
            session.expunge_all()
