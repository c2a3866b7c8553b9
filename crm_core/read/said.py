"""Calls by what was said in them, with the phrases that were meant."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.read.calls import CallRow, list_calls
from crm_core.read.page import Page
from crm_core.recording import Phrase, PhraseSide, Transcript
from crm_core.said_words import Piece, Wanted, pieces, wanted

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
    text: str,
    *,
    side: PhraseSide | None = None,
    hearable: ColumnElement[bool],
    only: Sequence[ColumnElement[bool]] = (),
    **filters: Any,
) -> Page[Found]:
    """Calls with a phrase that has all that `text` looks for, newest first. `hearable`: what the reader may hear.

    `only`: other conditions on calls; `filters`: those of `list_calls`. None when `text` looks for nothing.
    """
    asked = wanted(text)
    if not asked.query:
        return Page([])
    condition = hearable & await _said(session, asked, side)
    for one in only:
        condition &= one
    calls = await list_calls(session, only=condition, **filters)
    hits = await _hits(session, [row.id for row in calls.rows], asked, side)
    return Page(
        [Found(call=row, hits=(it := hits[row.id])[0], more=it[1] - len(it[0])) for row in calls.rows],
        calls.next,
    )


async def _said(session: AsyncSession, asked: Wanted, side: PhraseSide | None) -> ColumnElement[bool]:
    found = select(Phrase.transcript_id).where(_has(asked, side))
    few = found.limit(COMMON).subquery()
    if await session.scalar(select(func.count()).select_from(few)) == COMMON:
        here = select(true()).join_from(Transcript, Phrase, Phrase.transcript_id == Transcript.id)
        return (
            here.where(Transcript.call_id == Call.id, _has(asked, side))
            .limit(1)
            .correlate(Call)
            .scalar_subquery()
        )
    ids = found.cte().prefix_with("MATERIALIZED")
    return Call.id.in_(select(Transcript.call_id).where(Transcript.id.in_(select(*ids.c))))


def _has(asked: Wanted, side: PhraseSide | None) -> ColumnElement[bool]:
    query = func.to_tsquery(literal_column("'simple'"), asked.query)
    has: ColumnElement[bool] = func.phrase_words(Phrase.text).op("@@")(query)
    return has if side is None else has & (Phrase.side == side)


async def _hits(
    session: AsyncSession, call_ids: Sequence[UUID], asked: Wanted, side: PhraseSide | None
) -> dict[UUID, tuple[list[Hit], int]]:
    """The first phrases of each call, and how many there are."""
    found: dict[UUID, tuple[list[Hit], int]] = {id_: ([], 0) for id_ in call_ids}
    for row in await session.execute(_first(call_ids, asked, side)):
        hits, _ = found[row.call_id]
        hits.append(Hit(side=row.side, start_s=row.start_s, end_s=row.end_s, pieces=pieces(row.text, asked)))
        found[row.call_id] = hits, row.times
    return found


def _first(call_ids: Sequence[UUID], asked: Wanted, side: PhraseSide | None) -> Select[Any]:
    """MATERIALIZED: the phrases of these calls are few, those with the words may be many."""
    names = ("side", "start_s", "end_s", "text")
    theirs = (
        select(Transcript.call_id, Phrase.id, *(getattr(Phrase, name) for name in names))
        .join_from(Transcript, Phrase, Phrase.transcript_id == Transcript.id)
        .where(Transcript.call_id.in_(call_ids), _has(asked, side))
        .subquery()
    )
    place = func.row_number().over(partition_by=theirs.c.call_id, order_by=(theirs.c.start_s, theirs.c.id))
    times = func.count().over(partition_by=theirs.c.call_id)
    ranked = select(theirs, place.label("place"), times.label("times")).subquery()
    return select(ranked).where(ranked.c.place <= SHOWN).order_by(ranked.c.call_id, ranked.c.place)
