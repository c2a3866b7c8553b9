"""Lists page by page: a stable order, and a cursor that says where the next page begins.

A cursor holds the sort values of the last row seen, so that rows which appear or vanish meanwhile never make
another row be skipped or shown twice (an offset does both).

Out:     `Page` of rows with the cursor of the next one, or None at the end
Raises:  `NotFound` for a cursor that we did not make
"""

import base64
import binascii
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, SQLColumnExpression, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid, NotFound

LONGEST = 100
MOST = 1000  # for readers in the house, who take a list as a whole
Row = TypeVar("Row")
Reader = Callable[[str], Any]


@dataclass(frozen=True)
class Page(Generic[Row]):
    """Rows in their order, and where the next ones begin (None: these were the last)."""

    rows: list[Row]
    next: str | None = None


@dataclass(frozen=True)
class Sort:
    """One column a list is sorted by; `value` gives it back from a row, `read` from the text of a cursor."""

    column: SQLColumnExpression[Any]
    name: str
    read: Reader
    down: bool = False


def instant(text: str) -> datetime:
    """An instant as a cursor holds it; raises ValueError for one without a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError("an instant needs a zone")
    return at


def number(text: str) -> int:
    """An id as a cursor holds it; raises ValueError outside the range of bigint."""
    value = int(text)
    if not 0 <= value < 2**63:
        raise ValueError("out of range")
    return value


def plain(text: str) -> str:
    """A text as a cursor holds it; raises ValueError for NUL, which PostgreSQL can not keep."""
    if "\0" in text:
        raise ValueError("NUL")
    return text


def encode(values: Sequence[object]) -> str:
    """The cursor for a row with these sort values."""
    said = [value.isoformat() if isinstance(value, datetime) else str(value) for value in values]
    return base64.urlsafe_b64encode(json.dumps(said, ensure_ascii=False).encode()).decode().rstrip("=")


def decode(cursor: str, readers: Sequence[Reader]) -> list[Any]:
    """The sort values within `cursor`, which need not be ours: it comes from an address."""
    try:
        said = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if not isinstance(said, list) or len(said) != len(readers):
            raise ValueError("another list's cursor")
        return [read(str(value)) for read, value in zip(readers, said, strict=True)]
    except (ValueError, binascii.Error, OverflowError, RecursionError) as error:
        raise NotFound("This place in the list is not known; begin at the first page.") from error


def beyond(sorts: Sequence[Sort], values: Sequence[Any]) -> ColumnElement[bool]:
    """True for rows after the one with `values`: the row comparison, spelt out for mixed directions.

    That the first column is not before its value follows from it, but only so an index begins there and not at its end.
    """
    steps = []
    for place, (sort, value) in enumerate(zip(sorts, values, strict=True)):
        same = [earlier.column == kept for earlier, kept in zip(sorts[:place], values, strict=False)]
        steps.append(and_(*same, sort.column < value if sort.down else sort.column > value))
    first, value = sorts[0], values[0]
    return and_(first.column <= value if first.down else first.column >= value, or_(*steps))


async def load(
    session: AsyncSession,
    query: Select[Any],
    sorts: Sequence[Sort],
    make: Callable[..., Row],
    *,
    after: str | None,
    limit: int,
    chosen: Select[Any] | None = None,
    by: Sequence[Sort] | None = None,
) -> Page[Row]:
    """The rows of `query` after the cursor, at most `limit`; `make` gets the columns of a row by name.

    `chosen`: the ids of the rows wanted, by which the last of `sorts` is compared; the page is then cut out of these
    before anything else is read, which matters when there are very many. `by`: the same order in columns of `chosen`.
    """
    if not 1 <= limit <= MOST:
        raise Invalid(f"A page has 1 to {MOST} rows.", "limit")
    if chosen is not None:
        ids = cut(chosen, by or sorts, after=after, limit=limit).cte().prefix_with("MATERIALIZED")
        query = query.where(sorts[-1].column.in_(select(*ids.c)))
    found = [dict(row._mapping) for row in await session.execute(cut(query, sorts, after=after, limit=limit))]
    return cut_off(found, [sort.name for sort in sorts], make, limit=limit)


def cut(rows: Select[Any], sorts: Sequence[Sort], *, after: str | None, limit: int) -> Select[Any]:
    """The `limit` of `rows` that follow the cursor, and one more that says whether there are others."""
    if after:
        rows = rows.where(beyond(sorts, decode(after, [sort.read for sort in sorts])))
    order = (sort.column.desc() if sort.down else sort.column for sort in sorts)
    return rows.order_by(*order).limit(limit + 1)


def cut_off(
    found: Sequence[Mapping[str, Any]], names: Sequence[str], make: Callable[..., Row], *, limit: int
) -> Page[Row]:
    """The page of what was found, which is one row more than it shows when others follow."""
    shown = found[:limit]
    more = encode([shown[-1][name] for name in names]) if len(found) > limit else None
    return Page([make(**row) for row in shown], more)
