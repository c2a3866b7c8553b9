"""The rows of recordings and transcripts: what is known about the sound of a call.

All functions take the session of a transaction that the caller owns, and announce what they changed in it.
Writing the same facts twice changes nothing and announces nothing.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallAlias, CallLeg
from crm_core.call_talk import measure
from crm_core.outbox import announce
from crm_core.recording import Phrase as PhraseRow
from crm_core.recording import Recording, RecordingState, Transcript, TranscriptState
from recordings.engine import Engine
from recordings.intake import Finding, Findings, Wanted, days_of
from recordings.phrases import Phrase
from recordings.store import base_of

# States in which another look at the folder may bring something better.
HOPEFUL = (RecordingState.EXPECTED, RecordingState.MISSING, RecordingState.UNREADABLE)
FACTS = ("side", "state", "seconds", "bytes", "error", "found_by")


async def record(
    session: AsyncSession, want: Wanted, findings: Findings, *, at: datetime, final: bool = False
) -> bool:
    """Write what was found as rows, one for each path, and return whether anything changed.

    `final`: nobody is waiting any more, so what is still expected is missing. A path that belongs to another
    call stays there, unless that call only hoped for it.
    """
    files = [_final(file) if final else file for file in findings.files]
    changed = await _upsert(session, want, files, at)
    changed |= await _forget_hopes(session, want.call_id, files, findings.foreign)
    if changed:
        await measure(session, [want.call_id])
        await announce(session, "recording", {"call_id": str(want.call_id)})
    return changed


def _final(file: Finding) -> Finding:
    if file.state is not RecordingState.EXPECTED:
        return file
    error = (
        "The file was still being written." if file.bytes else "The switchboard named it; it is not there."
    )
    return Finding(file.path, file.side, RecordingState.MISSING, file.found_by, bytes=file.bytes, error=error)


async def _upsert(session: AsyncSession, want: Wanted, files: Sequence[Finding], at: datetime) -> bool:
    if not files:
        return False
    rows = [{"call_id": want.call_id, "pbx": want.pbx, "taken_at": at} | _row(file) for file in files]
    query = insert(Recording).values(rows)
    new = query.excluded
    ours = or_(Recording.call_id == new.call_id, Recording.state.in_(HOPEFUL))
    facts = tuple_(Recording.call_id, *(getattr(Recording, name) for name in FACTS))
    different = facts.is_distinct_from(tuple_(new.call_id, *(new[name] for name in FACTS)))
    query = query.on_conflict_do_update(
        index_elements=[Recording.pbx, Recording.path],
        set_={name: new[name] for name in ("call_id", "taken_at", *FACTS)},
        where=and_(ours, different),
    )
    return bool((await session.scalars(query.returning(Recording.id))).all())


def _row(file: Finding) -> dict[str, object]:
    return {"path": file.path} | {name: getattr(file, name) for name in FACTS}


async def _forget_hopes(
    session: AsyncSession, call_id: UUID, files: Sequence[Finding], foreign: Sequence[str]
) -> bool:
    """Remove rows of files we waited for, now that they were found at another path or to be another call's."""
    bases = {base_of(Path(file.path)) for file in files if file.state not in HOPEFUL}
    hoped = await session.execute(
        select(Recording.id, Recording.path).where(Recording.call_id == call_id, Recording.state.in_(HOPEFUL))
    )
    found = {file.path for file in files}
    gone = [
        id
        for id, path in hoped
        if path in foreign or (path not in found and base_of(Path(path or "")) in bases)
    ]
    if gone:
        await session.execute(delete(Recording).where(Recording.id.in_(gone)))
    return bool(gone)


async def ready_paths(session: AsyncSession, call_id: UUID) -> tuple[str, ...]:
    """Return the paths (relative to the root) of the sound of a call, sorted."""
    query = select(Recording.path).where(
        Recording.call_id == call_id, Recording.state == RecordingState.READY, Recording.path.is_not(None)
    )
    return tuple(sorted(path for path in await session.scalars(query) if path))


async def calls_to_sweep(session: AsyncSession, *, now: datetime, days: int, rest_s: float) -> list[Wanted]:
    """Return the calls of the last `days` whose sound may have appeared since it was looked for.

    Calls that ended less than `rest_s` ago are still in the hands of their own job.
    """
    return await _soundless(
        session, Call.ended_at < now - timedelta(seconds=rest_s), now - timedelta(days=days)
    )


async def calls_in_hand(session: AsyncSession, *, now: datetime, rest_s: float) -> list[Wanted]:
    """Return those that ended less than `rest_s` ago: their jobs should be there."""
    return await _soundless(
        session, Call.ended_at >= now - timedelta(seconds=rest_s), now - timedelta(days=1)
    )


async def _soundless(session: AsyncSession, ended: ColumnElement[bool], since: datetime) -> list[Wanted]:
    """Answered calls with no playable recording, and any with a file that could not be read."""
    wanting = exists().where(Recording.call_id == Call.id, Recording.state.in_(HOPEFUL))
    served = exists().where(Recording.call_id == Call.id, Recording.state == RecordingState.READY)
    legs = select(func.array_agg(CallLeg.uniqueid)).where(CallLeg.call_id == Call.id).scalar_subquery()
    query = (
        select(Call.id, Call.pbx, Call.linkedids, Call.recordings, Call.started_at, Call.ended_at, legs)
        .where(Call.started_at > since, ended)
        .where(or_(wanting, and_(Call.answered_at.is_not(None), ~served)))
        .order_by(Call.started_at)
    )
    return [_wanted(*row) for row in await session.execute(query)]


async def unheard_calls(session: AsyncSession, pbx: str, since: datetime, until: datetime) -> list[Wanted]:
    """Return the calls with the outside of a period in which somebody talked and nothing can be played."""
    served = exists().where(
        Recording.call_id == Call.id,
        Recording.state.in_((RecordingState.READY, RecordingState.EMPTY, RecordingState.EXPIRED)),
    )
    legs = select(func.array_agg(CallLeg.uniqueid)).where(CallLeg.call_id == Call.id).scalar_subquery()
    query = (
        select(Call.id, Call.pbx, Call.linkedids, Call.recordings, Call.started_at, Call.ended_at, legs)
        .where(Call.pbx == pbx, Call.started_at >= since, Call.started_at < until, ~served)
        .where(Call.ended_at.is_not(None), Call.result == "answered", Call.direction != "internal")
        .order_by(Call.started_at)
    )
    return [_wanted(*row) for row in await session.execute(query)]


def _wanted(
    call_id: UUID,
    pbx: str,
    linkedids: Sequence[str],
    named: Sequence[str],
    started_at: datetime,
    ended_at: datetime,
    uniqueids: Sequence[str] | None,
) -> Wanted:
    return Wanted(
        call_id=call_id,
        pbx=pbx,
        named=tuple(named),
        uniqueids=tuple(dict.fromkeys([*linkedids, *(uniqueids or ())])),
        days=days_of(started_at, ended_at),
    )


async def known_states(
    session: AsyncSession, call_ids: Sequence[UUID]
) -> dict[tuple[str, str], tuple[str, int | None]]:
    """Return state and size by (switchboard, path) of the recordings of these calls."""
    query = select(Recording.pbx, Recording.path, Recording.state, Recording.bytes)
    rows = await session.execute(query.where(Recording.call_id.in_(call_ids)))
    return {(pbx, path): (state, size) for pbx, path, state, size in rows if path}


async def taken_paths(session: AsyncSession, *, since: datetime) -> set[tuple[str, str]]:
    """Return (switchboard, path) of the recordings settled since then, whosever they are."""
    query = select(Recording.pbx, Recording.path).where(
        Recording.state.not_in(HOPEFUL), Recording.created_at >= since, Recording.path.is_not(None)
    )
    return {(pbx, path) for pbx, path in await session.execute(query) if path}


async def take_away(session: AsyncSession, call_id: UUID, path: str) -> bool:
    """Remove a file from a call that it turned out not to be of, with the text made of it; say whether it had it."""
    gone = delete(Recording).where(Recording.call_id == call_id, Recording.path == path)
    if not (await session.scalars(gone.returning(Recording.id))).all():
        return False
    await session.execute(delete(Transcript).where(Transcript.call_id == call_id))
    await measure(session, [call_id])
    await announce(session, "recording", {"call_id": str(call_id)})
    return True


async def set_transcript(
    session: AsyncSession,
    call_id: UUID,
    state: TranscriptState,
    *,
    at: datetime,
    engine: Engine | None = None,
    error: str | None = None,
    phrases: Sequence[Phrase] = (),
) -> None:
    """Say how far the text of a call is; phrases of an earlier try are replaced, never added to."""
    facts = {
        "state": state,
        "error": error,
        "engine": engine and engine.name,
        "model": engine and engine.model,
        "language": engine and engine.language,
        "finished_at": None if state in (TranscriptState.QUEUED, TranscriptState.RUNNING) else at,
    }
    query = insert(Transcript).values(call_id=call_id, **facts)
    query = query.on_conflict_do_update(index_elements=[Transcript.call_id], set_=facts)
    transcript_id = await session.scalar(query.returning(Transcript.id))
    if facts["finished_at"]:
        await session.execute(delete(PhraseRow).where(PhraseRow.transcript_id == transcript_id))
    if phrases:
        rows = [{"transcript_id": transcript_id, **vars(phrase)} for phrase in phrases]
        await session.execute(insert(PhraseRow), rows)
    if facts["finished_at"]:
        await measure(session, [call_id])
    await announce(session, "transcript", {"call_id": str(call_id)})


async def transcript_state(session: AsyncSession, call_id: UUID) -> str | None:
    """Return how far the text of a call is; None when nobody asked for it."""
    state: str | None = await session.scalar(select(Transcript.state).where(Transcript.call_id == call_id))
    return state


async def calls_with_transcript(session: AsyncSession, states: Sequence[TranscriptState]) -> list[UUID]:
    """Return the calls whose text is in one of these states."""
    return list(await session.scalars(select(Transcript.call_id).where(Transcript.state.in_(states))))


async def switchboard_of(session: AsyncSession, call_id: UUID) -> str | None:
    """Return at which switchboard a call was, by the id under which it is kept now."""
    pbx: str | None = await session.scalar(select(Call.pbx).where(Call.id == call_id))
    return pbx


async def current_call(session: AsyncSession, call_id: UUID) -> UUID | None:
    """Return the id under which a call is kept now: it may have been absorbed by another, or be gone."""
    found = await session.scalar(select(Call.id).where(Call.id == call_id))
    return found or await session.scalar(select(CallAlias.call_id).where(CallAlias.id == call_id))
