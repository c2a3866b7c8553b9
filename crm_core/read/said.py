"""Calls by what was said in them, with the phrases that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.read.calls import CallRow, list_calls
from crm_core.read.page import Page
from crm_core.read.phrases import has, spoken
from crm_core.recording import Phrase, Transcript
from crm_core.said_words import Piece, Wanted, pieces

SHOWN = 3  # phrases of a call
COMMON = (
    20_000  # phrases with these words: from here on the newest calls are read one after the other instead
)


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A phrase with the words that were looked for; seconds from the start of the recording."""

    side: str
    start_s: float
    end_s: float
    pieces: list[Piece]


@dataclass(frozen=True, kw_only=True)
class Found:
    """A call in which it was said; `more`: how often besides `hits`, the first of them."""

    call: CallRow
    hits: list[Hit]
    more: int


async def find_said(
    session: AsyncSession,
    asked: Sequence[Wanted],
    *,
    side: str | None = None,
    hearable: ColumnElement[bool],
    only: Sequence[ColumnElement[bool]] = (),
    **filters: Any,
) -> Page[Found]:
    """Calls with a phrase that has any of what is `asked`, newest first. `hearable`: what the reader may hear.

    `only`: other conditions on calls; `filters`: those of `list_calls`. None when nothing is asked.
    """
    if not any(one.query for one in asked):
        return Page([])
    condition = hearable & await spoken(session, asked, side)
    for one in only:
        condition &= one
    calls = await list_calls(session, only=condition, **filters)
    hits = await _hits(session, [row.id for row in calls.rows], asked, side)
    return Page(
        [Found(call=row, hits=(it := hits[row.id])[0], more=it[1] - len(it[0])) for row in calls.rows],
        calls.next,
    )


async def _hits(
    session: AsyncSession, call_ids: Sequence[UUID], asked: Sequence[Wanted], side: str | None
) -> dict[UUID, tuple[list[Hit], int]]:
    """The first phrases of each call, and how many there are."""
    found: dict[UUID, tuple[list[Hit], int]] = {id_: ([], 0) for id_ in call_ids}
    for row in await session.execute(_first(call_ids, asked, side)):
        hits, _ = found[row.call_id]
        hits.append(Hit(side=row.side, start_s=row.start_s, end_s=row.end_s, pieces=pieces(row.text, asked)))
        found[row.call_id] = hits, row.times
    return found


def _first(call_ids: Sequence[UUID], asked: Sequence[Wanted], side: str | None) -> Select[Any]:
    """MATERIALIZED: the phrases of these calls are few, those with the words may be many."""
    names = ("side", "start_s", "end_s", "text")
    theirs = (
        select(Transcript.call_id, Phrase.id, *(getattr(Phrase, name) for name in names))
        .join_from(Transcript, Phrase, Phrase.transcript_id == Transcript.id)
        .where(Transcript.call_id.in_(call_ids), has(asked, side))
        .subquery()
    )
    place = func.row_number().over(partition_by=theirs.c.call_id, order_by=(theirs.c.start_s, theirs.c.id))
    times = func.count().over(partition_by=theirs.c.call_id)
    ranked = select(theirs, place.label("place"), times.label("times")).subquery()
    return select(ranked).where(ranked.c.place <= SHOWN).order_by(ranked.c.call_id, ranked.c.place)
