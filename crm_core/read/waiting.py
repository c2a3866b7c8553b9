"""What waits for somebody: conversations about nothing yet, recordings to come, texts that failed."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.recording import Recording, RecordingState, Transcript, TranscriptState
from crm_core.unlinked import count_waiting


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """How many of each."""

    unlinked_calls: int
    recordings_expected: int
    recordings_lost: int
    texts_waiting: int
    texts_failed: int


async def load_waiting(session: AsyncSession) -> Waiting:
    """The figures as they are now."""
    sound = await _count(session, Recording.state)
    text = await _count(session, Transcript.state)
    return Waiting(
        unlinked_calls=await count_waiting(session),
        recordings_expected=sound.get(RecordingState.EXPECTED, 0),
        recordings_lost=sound.get(RecordingState.MISSING, 0) + sound.get(RecordingState.UNREADABLE, 0),
        texts_waiting=text.get(TranscriptState.QUEUED, 0) + text.get(TranscriptState.RUNNING, 0),
        texts_failed=text.get(TranscriptState.FAILED, 0) + text.get(TranscriptState.NO_MODEL, 0),
    )


async def _count(session: AsyncSession, state: object) -> dict[str, int]:
    rows = await session.execute(select(state, func.count()).group_by(state))  # type: ignore[call-overload]
    return {str(name): number for name, number in rows}
