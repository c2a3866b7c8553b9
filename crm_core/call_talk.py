"""How calls were talked, kept with them as soon as their text is there, so that figures and lists can tell it."""

import asyncio
import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, ForeignKey, delete, exists, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call
from crm_core.db import Base, Database
from crm_core.outage import is_outage
from crm_core.recording import Phrase, Recording, RecordingState, Transcript, TranscriptState
from crm_core.talk import Talk, talk

BITE = 200  # calls that are measured in one transaction
PAUSE_S = 0.5
LOCK = 0x74616C6B  # one process measures what was there before
log = logging.getLogger(__name__)


class CallTalk(Base):
    """The measures of `crm_core.talk`, in milliseconds and times; None: the two sides can not be told apart."""

    __tablename__ = "call_talks"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    operator_ms: Mapped[int | None] = mapped_column(BigInteger)
    customer_ms: Mapped[int | None] = mapped_column(BigInteger)
    together_ms: Mapped[int | None] = mapped_column(BigInteger)
    silence_ms: Mapped[int | None] = mapped_column(BigInteger)
    length_ms: Mapped[int | None] = mapped_column(BigInteger)
    operator_broke_in: Mapped[int | None] = mapped_column(BigInteger)
    customer_broke_in: Mapped[int | None] = mapped_column(BigInteger)
    operator_longest_ms: Mapped[int | None] = mapped_column(BigInteger)
    customer_longest_ms: Mapped[int | None] = mapped_column(BigInteger)


class Manner(StrEnum):
    """What stands out in how a call was talked."""

    SILENT = "silent"
    ONE_SIDED = "one_sided"
    BROKE_IN = "broke_in"
    MONOLOGUE = "monologue"


MUCH_SILENCE, ONE_SIDED, OFTEN, LONG_MS = 30, 70, 3, 120_000  # per cent, per cent of what was said, times


def talked_so(manner: Manner) -> ColumnElement[bool]:
    """Calls in which nobody spoke for much of the time; the operator said most of it; he broke in often; he went on
    for minutes without a stop."""
    it = CallTalk
    conditions = {
        Manner.SILENT: it.silence_ms * 100 >= it.length_ms * MUCH_SILENCE,
        Manner.ONE_SIDED: it.operator_ms * 100 >= (it.operator_ms + it.customer_ms) * ONE_SIDED,
        Manner.BROKE_IN: it.operator_broke_in >= OFTEN,
        Manner.MONOLOGUE: it.operator_longest_ms >= LONG_MS,
    }
    return exists().where(it.call_id == Call.id, conditions[manner]).correlate(Call)


MEASURES = tuple(
    column.name for column in CallTalk.__table__.c if column.name not in ("call_id", "created_at")
)


def measures(told: Talk | None) -> dict[str, int | None]:
    """The columns of a row. Pure."""
    if told is None:
        return dict.fromkeys(MEASURES)
    return {
        "operator_ms": told.operator.spoke,
        "customer_ms": told.customer.spoke,
        "together_ms": told.together,
        "silence_ms": told.silence,
        "length_ms": told.length,
        "operator_broke_in": told.operator.broke_in,
        "customer_broke_in": told.customer.broke_in,
        "operator_longest_ms": told.operator.longest,
        "customer_longest_ms": told.customer.longest,
    }


async def measure(session: AsyncSession, call_ids: Sequence[UUID]) -> None:
    """Keep how these calls were talked, in the place of what was kept; of one without a text nothing."""
    said = await _said(session, call_ids)
    lengths = await _lengths(session, call_ids)
    gone = [id_ for id_ in call_ids if id_ not in said]
    if gone:
        await session.execute(delete(CallTalk).where(CallTalk.call_id.in_(gone)))
    rows = [
        {"call_id": id_, **measures(talk(phrases, lengths.get(id_, 0.0)))} for id_, phrases in said.items()
    ]
    if rows:
        query = insert(CallTalk).values(rows)
        new = {name: query.excluded[name] for name in MEASURES}
        await session.execute(query.on_conflict_do_update(index_elements=[CallTalk.call_id], set_=new))


async def _said(
    session: AsyncSession, call_ids: Sequence[UUID]
) -> Mapping[UUID, Iterable[tuple[str, float, float]]]:
    """The phrases of the calls whose text is ready."""
    query = (
        select(Transcript.call_id, Phrase.side, Phrase.start_s, Phrase.end_s)
        .join(Phrase, Phrase.transcript_id == Transcript.id)
        .where(Transcript.call_id.in_(call_ids), Transcript.state == TranscriptState.READY)
    )
    found: dict[UUID, list[tuple[str, float, float]]] = {}
    for row in await session.execute(query):
        found.setdefault(row.call_id, []).append((row.side, row.start_s, row.end_s))
    return found


async def _lengths(session: AsyncSession, call_ids: Sequence[UUID]) -> dict[UUID, float]:
    longest = func.max(Recording.seconds)
    ready = (Recording.call_id.in_(call_ids), Recording.state == RecordingState.READY)
    query = select(Recording.call_id, longest).where(*ready).group_by(Recording.call_id)
    return {id_: seconds or 0.0 for id_, seconds in await session.execute(query)}


async def catch_up(session: AsyncSession, before: int | None = None) -> int | None:
    """Measure the newest calls whose text was there before measures were kept, of transcripts `before` this one.

    Returns until which that went; None when none are left, or another process is at it.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return None
    kept = select(CallTalk.call_id).where(CallTalk.call_id == Transcript.call_id).exists()
    query = select(Transcript.id, Transcript.call_id).where(Transcript.state == TranscriptState.READY, ~kept)
    if before is not None:
        query = query.where(Transcript.id < before)
    owed = (await session.execute(query.order_by(Transcript.id.desc()).limit(BITE))).all()
    if not owed:
        return None
    await measure(session, [row.call_id for row in owed])
    return int(owed[-1].id)


async def catch_all_up(database: Database) -> None:
    """Through all that is there, a bite at a time; then it is over, as whoever writes a text measures it."""
    before, more = None, True
    while more:
        try:
            async with database.begin() as session:
                before = await catch_up(session, before)
            more = before is not None
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("calls are not measured: the database is away: %s", type(error).__name__)
        await asyncio.sleep(PAUSE_S)
