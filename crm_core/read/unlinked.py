"""The list of calls that wait to be linked or explained, each with what it may have been about."""

from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.read import page
from crm_core.read.calls import CallRow, columns, joined
from crm_core.read.own import People
from crm_core.read.page import Page, Sort
from crm_core.read.suggestions import Suggestion, suggest
from crm_core.unlinked import UnlinkedCall

SHOWN = 3  # suggestions of one call, with the keys 1 to 3
SORTS = (Sort(UnlinkedCall.ended_at, "ended_at", page.instant), Sort(Call.id, "id", UUID))


@dataclass(frozen=True, kw_only=True)
class WaitingCall(CallRow):
    """One call with its suggestions, the likeliest first."""

    suggestions: tuple[Suggestion, ...] = ()


async def list_unlinked(
    session: AsyncSession,
    *,
    reader: People,
    user_ids: frozenset[int] | None,
    after: str | None = None,
    limit: int = 50,
) -> Page[WaitingCall]:
    """Those that wait longest first; calls of `user_ids` alone unless None. `reader`: whose calls are his own."""
    query = joined(select(*columns(reader))).join(UnlinkedCall, UnlinkedCall.call_id == Call.id)
    if user_ids is not None:
        query = query.where(UnlinkedCall.user_id.in_(user_ids))
    found = await page.load(session, query, SORTS, WaitingCall, after=after, limit=limit)
    known = await suggest(session, [row.id for row in found.rows], most=SHOWN)
    rows = [replace(row, suggestions=tuple(known.get(row.id, ()))) for row in found.rows]
    return Page(rows, found.next)
