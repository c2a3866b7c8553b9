"""The queue behind a finished call: fetch its sound, then write down what was said.

Jobs wake somebody up; what is true stands in the tables of recordings and transcripts. Every job may run
twice, be killed at any point or come too late without harm; a call has at most one of each kind in the queue.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg
import structlog
from pgqueuer.adapters.persistence.qb import QueryQueueBuilder
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from crm_core.db import Database, plain_url
from crm_core.recording import TranscriptState
from recordings import register
from recordings.audio import Unreadable
from recordings.engine import Engine, NoModel
from recordings.intake import Clock, Wanted, watch
from recordings.rivals import settle
from recordings.roots import Roots
from recordings.sweep import REST_S, sweep
from recordings.transcribe import transcribe_files

log = structlog.get_logger(__name__)

INTAKE, TRANSCRIBE = "intake", "transcribe"
# A file that is not whole is looked for again after so many seconds; then it is left to the sweep. Together
# they outlast the minute after which an unclosed file counts as abandoned.
INTAKE_RETRIES_S = (3, 10, 30, 60, 120)
TRANSCRIBE_RETRIES_S = (2, 10, 60, 300)
# Any number will do, but it must be the same in every process.
INSTALL_LOCK = 7_130_001
UNFINISHED = (TranscriptState.QUEUED, TranscriptState.RUNNING)


async def install(url: str) -> None:
    """Create or bring up to date the tables of the queue; several processes may do so at once."""
    connection = await asyncpg.connect(plain_url(url))
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", INSTALL_LOCK)
        queries = Queries(AsyncpgDriver(connection))
        if await queries.schema_is_installed():
            await queries.upgrade()
        else:
            await queries.install()
    finally:
        await connection.close()


async def enqueue_intake(session: AsyncSession | AsyncConnection, want: Wanted) -> None:
    """Ask for the sound of a finished call, in the transaction that closes the call."""
    await _enqueue(session, INTAKE, want.call_id, want.model_dump_json().encode(), priority=10)


async def enqueue_transcribe(session: AsyncSession | AsyncConnection, call_id: UUID) -> None:
    """Ask for the text of a call whose sound is there."""
    await _enqueue(session, TRANSCRIBE, call_id, str(call_id).encode(), priority=0)


async def _enqueue(
    session: AsyncSession | AsyncConnection, kind: str, call_id: UUID, payload: bytes, priority: int
) -> None:
    """Put one job into the queue, with the caller's commit, unless the call has one of this kind."""
    connection = await session.connection() if isinstance(session, AsyncSession) else session
    query = QueryQueueBuilder().build_enqueue_query("skip")
    values = ([priority], [kind], [payload], [timedelta()], [f"{kind}:{call_id}"], ["{}"])
    await connection.exec_driver_sql(query, values)


@dataclass(frozen=True)
class Worker:
    """What the jobs need."""

    db: Database
    roots: Roots
    engine: Engine
    clock: Clock = field(default_factory=Clock)

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock.now(), UTC)

    async def intake(self, job: Job) -> None:
        """Fetch the sound of one call."""
        want = Wanted.model_validate_json(job.payload or b"")
        async with self.db.begin() as session:
            known = await register.current_call(session, want.call_id)
            pbx = await register.switchboard_of(session, known) if known else None
        if pbx is None:
            log.warning("sound of an unknown call", call_id=str(want.call_id))
            return
        root = self.roots.of(pbx)
        if root is None:
            return  # this switchboard's recordings can not be reached from here
        findings = await watch(root, want, clock=self.clock)
        final = not findings.pending or job.attempts >= len(INTAKE_RETRIES_S)
        async with self.db.begin() as session:
            call_id = await register.current_call(session, want.call_id)
            if call_id is None:
                log.warning("sound of an unknown call", call_id=str(want.call_id))
                return
            want = want.model_copy(update={"call_id": call_id, "pbx": pbx})
            settled = await settle(session, self.roots, want, findings)
            changed = await register.record(session, want, settled.findings, at=self._now(), final=final)
            for other, path in settled.wrongly:
                if await register.take_away(session, other, path):
                    await self._ask_for_text(session, other, changed=True)
            if final:
                await self._ask_for_text(session, call_id, changed)
        if not final:
            raise RetryRequested(timedelta(seconds=INTAKE_RETRIES_S[job.attempts]), "not all files are whole")

    async def _ask_for_text(self, session: AsyncSession, call_id: UUID, changed: bool) -> None:
        if not await register.ready_paths(session, call_id):
            return
        if changed or await register.transcript_state(session, call_id) is None:
            await register.set_transcript(session, call_id, TranscriptState.QUEUED, at=self._now())
            await enqueue_transcribe(session, call_id)

    async def transcribe(self, job: Job) -> None:
        """Write down what was said in one call."""
        call_id = UUID((job.payload or b"").decode())
        try:
            done = await self._transcribe_once(call_id, done=None)
            # A file that arrives meanwhile finds this job in the queue and adds none: look again at the end.
            while (now_done := await self._transcribe_once(call_id, done)) != done:
                done = now_done
        except NoModel as error:
            await self._say(call_id, TranscriptState.NO_MODEL, str(error))
        except Exception as error:
            if job.attempts >= len(TRANSCRIBE_RETRIES_S):
                log.exception("transcription given up", call_id=str(call_id))
                await self._say(call_id, TranscriptState.FAILED, str(error) or type(error).__name__)
                return
            await self._say(call_id, TranscriptState.QUEUED, str(error))
            delay = timedelta(seconds=TRANSCRIBE_RETRIES_S[job.attempts])
            raise RetryRequested(delay, str(error)) from error

    async def _transcribe_once(self, call_id: UUID, done: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """Transcribe the files of the call unless they are `done` already; return the files."""
        async with self.db.begin() as session:
            if await register.current_call(session, call_id) != call_id:
                return done
            paths = await register.ready_paths(session, call_id)
            if paths == done:
                return done
            root = self.roots.of(await register.switchboard_of(session, call_id) or "")
            await register.set_transcript(session, call_id, TranscriptState.RUNNING, at=self._now())
        files = [root.locate(path) if root else None for path in paths]
        if None in files:
            raise Unreadable("A recording that was there is gone.")
        phrases = await transcribe_files(self.engine, [file for file in files if file])
        async with self.db.begin() as session:
            state = TranscriptState.READY if phrases else TranscriptState.EMPTY
            now, engine = self._now(), self.engine
            await register.set_transcript(session, call_id, state, at=now, engine=engine, phrases=phrases)
        return paths

    async def _say(self, call_id: UUID, state: TranscriptState, error: str) -> None:
        async with self.db.begin() as session:
            if await register.current_call(session, call_id) == call_id:
                now, engine = self._now(), self.engine
                await register.set_transcript(session, call_id, state, at=now, engine=engine, error=error)

    async def recover(self) -> None:
        """Ask again for the sound of calls that just ended and for texts, when their jobs were lost with a worker or
        the database, and for the texts that waited for a model if there is one."""
        states = UNFINISHED if self.engine.check() else (*UNFINISHED, TranscriptState.NO_MODEL)
        async with self.db.begin() as session:
            for want in await register.calls_in_hand(session, now=self._now(), rest_s=REST_S):
                await enqueue_intake(session, want)
            for call_id in await register.calls_with_transcript(session, states):
                await enqueue_transcribe(session, call_id)

    async def sweep(self) -> int:
        """Ask again for calls whose sound appeared late; return how many."""
        async with self.db.begin() as session:
            late = await sweep(session, self.roots, now=self._now())
            for want in late:
                await enqueue_intake(session, want)
        return len(late)
