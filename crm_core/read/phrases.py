"""Calls by the phrases in them, as conditions of a query on calls."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, false, func, literal_column, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.late_index import is_ready
from crm_core.phrase_tag import PhraseTag
from crm_core.recording import Phrase, Transcript
from crm_core.said_words import Wanted, any_of

WORDS = "ix_phrases_words"
COMMON = (
    20_000  # phrases with these words: from here on the newest calls are read one after the other instead
)

NEWEST = 5_000  # texts that are looked through while there is no index yet


def has(asked: Sequence[Wanted], side: str | None) -> ColumnElement[bool]:
    """Phrases with any of what is asked, said by this side."""
    query = func.to_tsquery(literal_column("'simple'"), any_of(asked))
    found: ColumnElement[bool] = func.phrase_words(Phrase.text).op("@@")(query)
    return found if side is None else found & (Phrase.side == side)


async def spoken(session: AsyncSession, asked: Sequence[Wanted], side: str | None) -> ColumnElement[bool]:
    """Calls with such a phrase; of the newest texts alone while the index of what was said is being built."""
    found = select(Phrase.transcript_id).where(has(asked, side))
    if not await is_ready(session, WORDS):
        newest = select(Transcript.id).order_by(Transcript.id.desc()).limit(NEWEST)
        found = found.where(Phrase.transcript_id.in_(newest))
    few = found.limit(COMMON).subquery()
    if await session.scalar(select(func.count()).select_from(few)) == COMMON:
        here = select(true()).join_from(Transcript, Phrase, Phrase.transcript_id == Transcript.id)
        one = here.where(Transcript.call_id == Call.id, has(asked, side)).limit(1)
        return one.correlate(Call).scalar_subquery()
    ids = found.cte().prefix_with("MATERIALIZED")
    return Call.id.in_(select(Transcript.call_id).where(Transcript.id.in_(select(*ids.c))))


async def tagged(session: AsyncSession, tag_id: int) -> ColumnElement[bool]:
    """Calls that have this tag; none for a tag that is not there any more."""
    tag = await session.get(PhraseTag, tag_id)
    return false() if tag is None else await spoken(session, tag.alternatives, tag.side)
