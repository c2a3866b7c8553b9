"""From the end of a call to its text, through the real queue and the real database."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from pgqueuer.db import AsyncpgDriver
from pgqueuer.errors import RetryRequested
from pgqueuer.models import Job
from pgqueuer.queries import Queries
from sqlalchemy import select, text, update
from sqlalchemy.exc import DBAPIError

from crm_core.call import Call, CallAlias
from crm_core.db import Database
from crm_core.outbox import OutboxRow
from crm_core.recording import Phrase, Recording, Transcript
from recordings import jobs, service
from recordings.engine import EngineDied, NoModel, VoskEngine
from recordings.intake import Clock, Wanted, days_of
from recordings.jobs import Worker, enqueue_intake, enqueue_transcribe, install
from recordings.phrases import Word
from recordings.roots import Roots
from recordings.store import Root
from recordings.sweep import REST_S
from tests.patience import PATIENCE_S

SAMPLES = Path(__file__).parent / "samples"
ENDED = datetime(2026, 11, 21, 18, 35, tzinfo=UTC)
NAME = "in-74951230001-+79161234567-20261121-183428-1795286068.0.wav"
UNIQUEID = "1795286068.0"


class Ear:
    """An engine that hears what it is told to hear, or fails as it is told to fail."""

    name, model, language = "ear", "none", "en"

    def __init__(self, *answers: list[Word] | Exception) -> None:
        self.answers = list(answers) or [[Word("hello", 0.0, 0.5, 0.9)]]
        self.wrong: str | None = None

    def check(self) -> str | None:
        return self.wrong

    async def words(self, path: Path, channel: int = 0) -> list[Word]:
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def close(self) -> None:
        """Nothing to let go of."""


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "2026/11/21").mkdir(parents=True)
    return Root(tmp_path)


@pytest_asyncio.fixture
async def db(database: Database) -> Database:
    await install(database.url)
    return database


def put(root: Root, sample: str = "callback.wav", name: str = NAME) -> Path:
    path = root.path / "2026/11/21" / name
    shutil.copyfile(SAMPLES / sample, path)
    os.utime(path, (ENDED.timestamp(), ENDED.timestamp()))
    return path


async def finished_call(db: Database, *, named: bool = True, linkedid: str = UNIQUEID) -> Wanted:
    """A call in the database that has just ended."""
    names = [f"/var/spool/asterisk/monitor/2026/11/21/{NAME}"] if named else []
    call = Call(id=uuid4(), pbx="main", linkedid=linkedid, linkedids=[linkedid], direction="inbound")
    call.state, call.recordings = "ended", names
    call.started_at, call.answered_at = ENDED - timedelta(seconds=30), ENDED - timedelta(seconds=21)
    call.ended_at = ENDED
    async with db.begin() as session:
        session.add(call)
    days = days_of(call.started_at, ENDED)
    return Wanted(call_id=call.id, named=tuple(names), uniqueids=(linkedid,), days=days)


def later(seconds: float) -> Clock:
    """The time of day some seconds after the end of the call; sleeping takes none of the test's time."""
    at = ENDED.timestamp() + seconds

    async def sleep(pause_s: float) -> None:
        nonlocal at
        at += pause_s
        await asyncio.sleep(0)

    return Clock(now=lambda: at, sleep=sleep)


def job(payload: str, attempts: int = 0) -> Job:
    """A job as the queue hands it over."""
    now = datetime.now(UTC)
    return Job.model_validate(
        {
            "id": 1, "priority": 0, "created": now, "updated": now, "heartbeat": now, "execute_after": now,
            "status": "picked", "entrypoint": "x", "payload": payload.encode(), "attempts": attempts,
            "queue_manager_id": None, "headers": None,
        }
    )  # fmt: skip


async def queued(db: Database) -> list[tuple[str, str]]:
    async with db.begin() as session:
        rows = await session.execute(text("SELECT entrypoint, dedupe_key FROM pgqueuer ORDER BY id"))
        return [(row[0], row[1]) for row in rows]


async def recordings(db: Database) -> list[tuple[str, str, str]]:
    async with db.begin() as session:
        rows = await session.scalars(select(Recording).order_by(Recording.path))
        return [(row.path or "", row.side, row.state) for row in rows]


async def transcript(db: Database, call_id: UUID) -> Transcript | None:
    async with db.begin() as session:
        found: Transcript | None = await session.scalar(
            select(Transcript).where(Transcript.call_id == call_id)
        )
        return found


async def said(db: Database) -> list[str]:
    async with db.begin() as session:
        return list(await session.scalars(select(Phrase.text).order_by(Phrase.start_s)))


async def news(db: Database) -> list[str]:
    async with db.begin() as session:
        return list(await session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id)))


@asynccontextmanager
async def running(work: Awaitable[None]) -> AsyncIterator[None]:
    """Run beside the test, and end it with the test."""
    task = asyncio.ensure_future(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for something another task does."""
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_a_finished_call_gets_its_sound_and_its_text(db: Database, root: Root) -> None:
    for leg in ("", "-caller", "-agent"):
        put(root, f"order-status-en{leg}.wav", NAME.replace(".wav", f"{leg}.wav"))
    want = await finished_call(db)
    engine = VoskEngine(workers=2)

    async def ready() -> bool:
        found = await transcript(db, want.call_id)
        return found is not None and found.state == "ready"

    try:
        async with running(service.run(db, roots=Roots(root), engine=engine)):
            async with db.begin() as session:
                await enqueue_intake(session, want)
            await until(ready)
    finally:
        await engine.close()
    assert [(side, state) for _path, side, state in await recordings(db)] == [
        ("agent", "ready"),
        ("caller", "ready"),
        ("mix", "ready"),
    ]
    async with db.begin() as session:
        sides = list(await session.scalars(select(Phrase.side).order_by(Phrase.start_s)))
    assert sides == ["operator", "customer", "operator", "customer", "operator"]
    assert "order number four five seven two" in " ".join(await said(db))
    found = await transcript(db, want.call_id)
    assert found and (found.engine, found.model, found.language) == ("vosk", "en-tiny", "en")
    assert set(await news(db)) == {"recording", "transcript"}


async def test_a_rolled_back_call_leaves_no_job(db: Database) -> None:
    want = await finished_call(db)
    with pytest.raises(ZeroDivisionError):
        async with db.begin() as session:
            await enqueue_intake(session, want)
            raise ZeroDivisionError
    assert await queued(db) == []


async def test_asking_twice_makes_one_job_and_two_calls_make_two(db: Database) -> None:
    want, other = await finished_call(db), await finished_call(db, linkedid="1795286099.7")
    async with db.begin() as session:
        await enqueue_intake(session, want)
        await enqueue_intake(session, want)
        await enqueue_intake(session, other)
        await enqueue_transcribe(session, want.call_id)
    assert [kind for kind, _key in await queued(db)] == ["intake", "intake", "transcribe"]


async def test_a_connection_serves_as_well_as_a_session(db: Database) -> None:
    want = await finished_call(db)
    async with db.engine.begin() as connection:
        await enqueue_intake(connection, want)
    assert len(await queued(db)) == 1


async def test_installing_the_queue_again_and_from_several_processes_is_harmless(
    database: Database,
) -> None:
    await asyncio.gather(*(install(database.url) for _ in range(4)))
    await install(database.url)
    assert await queued(database) == []


async def test_taking_the_same_call_twice_changes_and_announces_nothing(db: Database, root: Root) -> None:
    put(root)
    want = await finished_call(db)
    worker = Worker(db, Roots(root), Ear(), later(5))
    await worker.intake(job(want.model_dump_json()))
    before = (await recordings(db), await news(db), await queued(db))
    await worker.intake(job(want.model_dump_json()))
    assert (await recordings(db), await news(db), await queued(db)) == before
    assert before[1] == ["recording", "transcript"]
    assert [kind for kind, _key in before[2]] == ["transcribe"]


async def test_a_file_that_is_not_there_yet_is_looked_for_again_and_then_given_up(
    db: Database, root: Root
) -> None:
    want = await finished_call(db)
    worker = Worker(db, Roots(root), Ear(), later(5))
    with pytest.raises(RetryRequested):
        await worker.intake(job(want.model_dump_json()))
    assert [state for *_rest, state in await recordings(db)] == ["expected"]
    await worker.intake(job(want.model_dump_json(), attempts=len(jobs.INTAKE_RETRIES_S)))
    assert [state for *_rest, state in await recordings(db)] == ["missing"]
    assert await transcript(db, want.call_id) is None


async def test_the_sweep_finds_a_file_that_appears_late(db: Database, root: Root) -> None:
    want = await finished_call(db)
    worker = Worker(db, Roots(root), Ear(), later(600))
    await worker.intake(job(want.model_dump_json(), attempts=len(jobs.INTAKE_RETRIES_S)))
    assert await worker.sweep() == 0
    put(root)
    assert await worker.sweep() == 1
    assert await queued(db) == [("intake", f"intake:{want.call_id}")]
    await worker.intake(job(want.model_dump_json()))
    assert [state for *_rest, state in await recordings(db)] == ["ready"]
    assert await worker.sweep() == 0


async def test_the_sweep_finds_files_of_calls_nobody_named(db: Database, root: Root) -> None:
    want = await finished_call(db, named=False)
    worker = Worker(db, Roots(root), Ear(), later(600))
    await worker.intake(job(want.model_dump_json()))
    assert (await recordings(db), await worker.sweep()) == ([], 0)
    put(root, name="q-1001-1795286068.0.wav")
    assert await worker.sweep() == 1


async def test_the_sweep_leaves_fresh_and_old_calls_alone(db: Database, root: Root) -> None:
    await finished_call(db)
    put(root)
    assert await Worker(db, Roots(root), Ear(), later(10)).sweep() == 0
    assert await Worker(db, Roots(root), Ear(), later(30 * 86_400)).sweep() == 0


async def test_the_row_of_a_file_found_elsewhere_replaces_the_one_we_hoped_for(
    db: Database, root: Root
) -> None:
    want = (await finished_call(db)).model_copy(update={"named": (NAME,)})
    worker = Worker(db, Roots(root), Ear(), later(5))
    await worker.intake(job(want.model_dump_json(), attempts=len(jobs.INTAKE_RETRIES_S)))
    assert await recordings(db) == [(NAME, "mono", "missing")]
    put(root)
    await worker.intake(job(want.model_dump_json()))
    assert await recordings(db) == [(f"2026/11/21/{NAME}", "mono", "ready")]


async def test_a_recording_belongs_to_the_call_that_took_it(db: Database, root: Root) -> None:
    put(root)
    first, second = await finished_call(db), await finished_call(db, linkedid="1795286099.7")
    worker = Worker(db, Roots(root), Ear(), later(5))
    for want in (first, second):
        thief = want.model_copy(update={"named": first.named})
        await worker.intake(job(thief.model_dump_json()))
    async with db.begin() as session:
        assert list(await session.scalars(select(Recording.call_id))) == [first.call_id]


async def test_the_sound_of_an_absorbed_call_goes_to_the_one_that_absorbed_it(
    db: Database, root: Root
) -> None:
    put(root)
    kept, absorbed = await finished_call(db, linkedid="1795286060.0"), uuid4()
    async with db.begin() as session:
        session.add(CallAlias(id=absorbed, call_id=kept.call_id))
    want = Wanted(call_id=absorbed, uniqueids=(UNIQUEID,), days=kept.days)
    await Worker(db, Roots(root), Ear(), later(5)).intake(job(want.model_dump_json()))
    async with db.begin() as session:
        assert list(await session.scalars(select(Recording.call_id))) == [kept.call_id]


async def test_the_sound_of_a_deleted_call_is_dropped(db: Database, root: Root) -> None:
    want = Wanted(call_id=uuid4(), uniqueids=(UNIQUEID,), days=())
    await Worker(db, Roots(root), Ear(), later(5)).intake(job(want.model_dump_json()))
    await Worker(db, Roots(root), Ear(), later(5)).transcribe(job(str(want.call_id)))
    assert await recordings(db) == []


async def taken(db: Database, root: Root) -> Wanted:
    """A call whose sound is there and whose text is asked for."""
    put(root)
    want = await finished_call(db)
    await Worker(db, Roots(root), Ear(), later(5)).intake(job(want.model_dump_json()))
    return want


async def test_a_text_written_twice_replaces_the_first(db: Database, root: Root) -> None:
    want = await taken(db, root)
    for word in ("hello", "goodbye"):
        worker = Worker(db, Roots(root), Ear([Word(word, 0.0, 0.5, 0.9)]), later(5))
        await worker.transcribe(job(str(want.call_id)))
    assert await said(db) == ["goodbye"]


async def test_silence_is_an_empty_text_not_a_failure(db: Database, root: Root) -> None:
    want = await taken(db, root)
    await Worker(db, Roots(root), Ear([]), later(5)).transcribe(job(str(want.call_id)))
    found = await transcript(db, want.call_id)
    assert found and (found.state, found.error) == ("empty", None)


async def test_without_a_model_the_text_waits_for_one(db: Database, root: Root) -> None:
    want = await taken(db, root)
    ear = Ear(NoModel("There is no speech model at /nowhere."))
    ear.wrong = "no model"
    worker = Worker(db, Roots(root), ear, later(5))
    await worker.transcribe(job(str(want.call_id)))
    found = await transcript(db, want.call_id)
    assert found and found.state == "no_model" and "no speech model" in (found.error or "")
    await empty_queue(db)
    await worker.recover()
    assert await queued(db) == []
    ear.wrong = None
    await worker.recover()
    assert await queued(db) == [("transcribe", f"transcribe:{want.call_id}")]


async def test_a_crash_of_the_engine_is_tried_again_and_at_last_said(db: Database, root: Root) -> None:
    want = await taken(db, root)
    worker = Worker(db, Roots(root), Ear(EngineDied("the process ended with -9")), later(5))
    with pytest.raises(RetryRequested):
        await worker.transcribe(job(str(want.call_id)))
    found = await transcript(db, want.call_id)
    assert found and found.state == "queued"
    await worker.transcribe(job(str(want.call_id), attempts=len(jobs.TRANSCRIBE_RETRIES_S)))
    found = await transcript(db, want.call_id)
    assert found and (found.state, found.error) == ("failed", "the process ended with -9")


async def test_a_recording_that_vanished_is_said(db: Database, root: Root) -> None:
    want = await taken(db, root)
    (root.path / "2026/11/21" / NAME).unlink()
    worker = Worker(db, Roots(root), Ear(), later(5))
    await worker.transcribe(job(str(want.call_id), attempts=len(jobs.TRANSCRIBE_RETRIES_S)))
    found = await transcript(db, want.call_id)
    assert found and found.state == "failed" and "gone" in (found.error or "")


async def test_a_file_that_arrives_during_the_transcription_is_heard_too(db: Database, root: Root) -> None:
    want = await taken(db, root)
    second = "2026/11/21/q-1002-1795286090.5.wav"

    class Late(Ear):
        async def words(self, path: Path, channel: int = 0) -> list[Word]:
            if not (root.path / second).exists():
                shutil.copyfile(SAMPLES / "change.wav", root.path / second)
                async with db.begin() as session:
                    row = Recording(call_id=want.call_id, pbx="main", path=second, side="mono", state="ready")
                    session.add(row)
            return [Word(path.name[:6], 0.0, 0.5, 0.9)]

    await Worker(db, Roots(root), Late(), later(5)).transcribe(job(str(want.call_id)))
    assert sorted(await said(db)) == ["in-749", "q-1002"]


async def empty_queue(db: Database) -> None:
    connection = await asyncpg.connect(db.url)
    await Queries(AsyncpgDriver(connection)).clear_queue()
    await connection.close()


async def test_a_sound_whose_job_was_lost_is_asked_for_again_while_its_call_is_fresh(
    db: Database, root: Root
) -> None:
    want = await finished_call(db)
    await Worker(db, Roots(root), Ear(), later(REST_S + 1)).recover()
    assert await queued(db) == []  # that is the sweep's
    worker = Worker(db, Roots(root), Ear(), later(5))
    for _ in range(2):
        await worker.recover()
        assert await queued(db) == [("intake", f"intake:{want.call_id}")]


async def test_a_text_whose_job_was_lost_is_asked_for_again(db: Database, root: Root) -> None:
    want = await taken(db, root)
    await empty_queue(db)
    async with db.begin() as session:
        await session.execute(update(Transcript).values(state="running"))
    await Worker(db, Roots(root), Ear(), later(5)).recover()
    assert await queued(db) == [("transcribe", f"transcribe:{want.call_id}")]


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from crm_core.db import connect
from recordings import service
from recordings.roots import Roots
from recordings.store import Root

class Deadly:
    name, model, language = "deadly", "none", None
    def check(self): return None
    async def words(self, path, channel=0): os.kill(os.getpid(), signal.SIGKILL)
    async def close(self): pass

async def main():
    async with connect(sys.argv[1]) as db:
        await service.run(db, roots=Roots(Root(Path(sys.argv[2]))), engine=Deadly())

asyncio.run(main())
"""


async def test_the_job_of_a_killed_worker_is_done_by_the_next(
    db: Database, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    want = await taken(db, root)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, db.url, str(root.path))
    assert await process.wait() == -signal.SIGKILL
    found = await transcript(db, want.call_id)
    assert found and found.state == "running"
    monkeypatch.setattr(service, "HEARTBEAT", timedelta(seconds=1))

    async def ready() -> bool:
        found = await transcript(db, want.call_id)
        return found is not None and found.state == "ready"

    async with running(service.run(db, roots=Roots(root), engine=Ear())):
        await until(ready)
    assert await said(db) == ["hello"]


async def test_stopping_does_not_wait_for_a_long_transcription_and_loses_nothing(
    db: Database, root: Root
) -> None:
    want = await taken(db, root)
    begun = asyncio.Event()

    class Slow(Ear):
        async def words(self, path: Path, channel: int = 0) -> list[Word]:
            begun.set()
            await asyncio.sleep(3600)
            return []

    async with asyncio.timeout(PATIENCE_S):
        async with running(service.run(db, roots=Roots(root), engine=Slow())):
            await begun.wait()
    await Worker(db, Roots(root), Ear(), later(5)).recover()
    assert await queued(db) == [("transcribe", f"transcribe:{want.call_id}")]


async def test_the_queue_lives_through_the_loss_of_its_connections(
    db: Database, root: Root, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service, "RECONNECT_S", 0.1)
    monkeypatch.setattr(service, "CLOSING_S", 0.1)
    monkeypatch.setattr(service, "HEARTBEAT", timedelta(seconds=1))
    put(root)
    want = await finished_call(db)
    ear = Ear()

    async def queued() -> bool:
        async with db.begin() as session:
            await enqueue_intake(session, want)
        return True

    async def ready() -> bool:
        found = await transcript(db, want.call_id)
        return found is not None and found.state == "ready"

    async with running(service.run(db, roots=Roots(root), engine=ear)):
        await asyncio.sleep(0.3)
        connection = await asyncpg.connect(db.url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        await until(again_when_lost(queued))
        await until(again_when_lost(ready))


def again_when_lost(work: Callable[[], Awaitable[bool]]) -> Callable[[], Awaitable[bool]]:
    """As the service does: what meets a connection that has not heard of its end yet is tried again."""

    async def tried() -> bool:
        try:
            return await work()
        except DBAPIError:
            return False

    return tried
