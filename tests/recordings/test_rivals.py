"""Two switchboards gave the same uniqueid: each call has its own recording, or the doubt is said."""

import asyncio
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import select, text

from crm_core.call import Call
from crm_core.db import Database
from crm_core.recording import Recording, RecordingSide, RecordingState
from recordings import jobs
from recordings.intake import Clock, Finding, Wanted, days_of
from recordings.jobs import Worker, install
from recordings.rivals import Claim, owner
from recordings.roots import Roots
from recordings.store import OutsideRoot, Root
from tests.recordings.test_jobs import Ear, job

SAMPLE = Path(__file__).parent / "samples" / "callback.wav"
BEGAN = datetime(2026, 11, 21, 18, 34, 28, tzinfo=UTC)
UNIQUEID = "1795286068.0"
IVAN, MARIA = "in-1-+79161234567-1795286068.0.wav", "in-1-+48501234567-1795286068.0.wav"
DAY = "2026/11/21"


@pytest_asyncio.fixture
async def db(database: Database) -> Database:
    await install(database.url)
    return database


def folder(path: Path) -> Root:
    (path / DAY).mkdir(parents=True, exist_ok=True)
    return Root(path)


@pytest.fixture
def apart(tmp_path: Path) -> Roots:
    return Roots(folder(tmp_path / "common"), {"kyiv": folder(tmp_path / "kyiv")})


@pytest.fixture
def shared(tmp_path: Path) -> Roots:
    return Roots(folder(tmp_path / "common"))


def put(root: Root | None, name: str, closed_after_s: float) -> Path:
    assert root is not None
    path = root.path / DAY / name
    shutil.copyfile(SAMPLE, path)
    at = BEGAN.timestamp() + closed_after_s
    os.utime(path, (at, at))
    return path


async def call(db: Database, pbx: str, lasted_s: float, *named: str) -> Wanted:
    row = Call(id=uuid4(), pbx=pbx, linkedid=UNIQUEID, linkedids=[UNIQUEID], direction="inbound")
    row.state, row.started_at, row.answered_at = "ended", BEGAN, BEGAN + timedelta(seconds=2)
    row.ended_at = BEGAN + timedelta(seconds=lasted_s)
    row.recordings = [f"/var/spool/asterisk/monitor/{DAY}/{name}" for name in named]
    async with db.begin() as session:
        session.add(row)
    days = days_of(row.started_at, row.ended_at)
    named = tuple(row.recordings)
    return Wanted(call_id=row.id, pbx=pbx, named=named, uniqueids=(UNIQUEID,), days=days)


def worker(db: Database, roots: Roots, after_s: float = 900.0) -> Worker:
    at = BEGAN.timestamp() + after_s

    async def sleep(pause_s: float) -> None:
        nonlocal at
        at += pause_s
        await asyncio.sleep(0)

    return Worker(db, roots, Ear(), Clock(now=lambda: at, sleep=sleep))


async def fetch(db: Database, roots: Roots, *wants: Wanted) -> None:
    for want in wants:
        await worker(db, roots).intake(job(want.model_dump_json(), attempts=len(jobs.INTAKE_RETRIES_S)))


async def attached(db: Database) -> dict[UUID, list[tuple[str, str, str]]]:
    """(switchboard, file, state) of every call."""
    found: dict[UUID, list[tuple[str, str, str]]] = {}
    async with db.begin() as session:
        for row in await session.scalars(select(Recording).order_by(Recording.path)):
            found.setdefault(row.call_id, []).append((row.pbx, Path(row.path or "").name, row.state))
    return found


async def test_with_a_folder_each_both_have_their_own_file_of_the_same_path(
    db: Database, apart: Roots
) -> None:
    put(apart.of("warsaw"), IVAN, 20)
    put(apart.of("kyiv"), IVAN, 25)
    warsaw, kyiv = await call(db, "warsaw", 20), await call(db, "kyiv", 25)
    await fetch(db, apart, warsaw, kyiv)
    assert await attached(db) == {
        warsaw.call_id: [("warsaw", IVAN, "ready")],
        kyiv.call_id: [("kyiv", IVAN, "ready")],
    }


async def test_with_a_folder_each_nobody_is_given_the_file_of_the_other(db: Database, apart: Roots) -> None:
    put(apart.of("kyiv"), IVAN, 20)
    warsaw, kyiv = await call(db, "warsaw", 20), await call(db, "kyiv", 20)
    await fetch(db, apart, warsaw, kyiv)
    assert await attached(db) == {kyiv.call_id: [("kyiv", IVAN, "ready")]}
    assert await worker(db, apart).sweep() == 0


async def test_in_one_folder_what_a_switchboard_named_is_its_own(db: Database, shared: Roots) -> None:
    put(shared.common, IVAN, 20)
    put(shared.common, MARIA, 20)
    warsaw, kyiv = await call(db, "warsaw", 20, IVAN), await call(db, "kyiv", 20, MARIA)
    await fetch(db, shared, warsaw, kyiv)
    assert await attached(db) == {
        warsaw.call_id: [("warsaw", IVAN, "ready")],
        kyiv.call_id: [("kyiv", MARIA, "ready")],
    }


async def test_in_one_folder_a_file_closed_after_the_shorter_call_is_of_the_longer(
    db: Database, shared: Roots
) -> None:
    put(shared.common, IVAN, 60)
    short, long = await call(db, "warsaw", 20), await call(db, "kyiv", 60)
    await fetch(db, shared, short, long)
    assert await attached(db) == {long.call_id: [("kyiv", IVAN, "ready")]}
    assert await worker(db, shared).sweep() == 0


async def test_in_one_folder_a_file_that_fits_both_is_given_to_neither_and_both_say_so(
    db: Database, shared: Roots
) -> None:
    put(shared.common, IVAN, 20)
    warsaw, kyiv = await call(db, "warsaw", 20), await call(db, "kyiv", 20)
    await fetch(db, shared, warsaw, kyiv)
    assert await attached(db) == {
        warsaw.call_id: [("warsaw", IVAN, "unreadable")],
        kyiv.call_id: [("kyiv", IVAN, "unreadable")],
    }
    async with db.begin() as session:
        errors = {row.pbx: row.error or "" for row in await session.scalars(select(Recording))}
    assert "a call of kyiv" in errors["warsaw"] and "a call of warsaw" in errors["kyiv"]
    assert await worker(db, shared).sweep() == 0, "nobody looks every minute at what can not be told"


async def test_a_folder_named_by_both_is_one_folder(db: Database, tmp_path: Path) -> None:
    root = folder(tmp_path / "common")
    (tmp_path / "link").symlink_to(root.path)
    roots = Roots(None, {"warsaw": root, "kyiv": Root(tmp_path / "link")})
    put(root, IVAN, 20)
    await fetch(db, roots, await call(db, "warsaw", 20), await call(db, "kyiv", 20))
    assert {state for rows in (await attached(db)).values() for *_, state in rows} == {"unreadable"}


async def test_a_call_learnt_of_later_takes_back_its_recording_and_the_text_of_it(
    db: Database, shared: Roots
) -> None:
    put(shared.common, IVAN, 20)
    warsaw = await call(db, "warsaw", 20)
    await fetch(db, shared, warsaw)
    await worker(db, shared).transcribe(job(str(warsaw.call_id)))
    kyiv = await call(db, "kyiv", 20, IVAN)
    await fetch(db, shared, kyiv)
    assert await attached(db) == {kyiv.call_id: [("kyiv", IVAN, "ready")]}
    async with db.begin() as session:
        texts = await session.scalars(text("SELECT call_id FROM transcripts"))
        assert list(texts) == [kyiv.call_id]


async def test_a_switchboard_without_a_folder_records_nothing_for_us(db: Database, tmp_path: Path) -> None:
    roots = Roots(None, {"kyiv": folder(tmp_path / "kyiv")})
    put(roots.of("kyiv"), IVAN, 20)
    await fetch(db, roots, await call(db, "warsaw", 20, IVAN))
    assert (await attached(db), await worker(db, roots).sweep()) == ({}, 0)


async def test_a_text_is_made_of_the_file_in_the_folder_of_its_switchboard(
    db: Database, apart: Roots
) -> None:
    put(apart.of("kyiv"), IVAN, 20)
    put(apart.of("warsaw"), IVAN, 20)
    kyiv = await call(db, "kyiv", 20)
    await fetch(db, apart, kyiv)
    heard: list[Path] = []

    class Listening(Ear):
        async def words(self, path: Path, channel: int = 0):  # type: ignore[no-untyped-def]
            heard.append(path)
            return await super().words(path, channel)

    await Worker(db, apart, Listening(), worker(db, apart).clock).transcribe(job(str(kyiv.call_id)))
    assert heard == [apart.own["kyiv"].path / DAY / IVAN]


async def test_a_job_of_an_older_version_knows_no_switchboard_and_is_done(db: Database, apart: Roots) -> None:
    put(apart.of("kyiv"), IVAN, 20)
    want = await call(db, "kyiv", 20)
    await fetch(db, apart, want.model_copy(update={"pbx": ""}))
    assert await attached(db) == {want.call_id: [("kyiv", IVAN, "ready")]}


def test_the_way_out_of_one_folder_into_the_other_is_refused(apart: Roots) -> None:
    theirs = put(apart.of("kyiv"), IVAN, 20)
    common = apart.of("warsaw")
    assert common is not None
    (common.path / "link.wav").symlink_to(theirs)
    for name in (f"../kyiv/{DAY}/{IVAN}", str(theirs), "link.wav"):
        with pytest.raises(OutsideRoot):
            common.locate(name)


def claim(pbx: str, lasted_s: float | None, *, named: bool = False) -> Claim:
    began = BEGAN.timestamp()
    ended = None if lasted_s is None else began + lasted_s
    return Claim(call_id=uuid4(), pbx=pbx, named=named, started_at=began, ended_at=ended)


def file(name: str = IVAN, seconds: float = 5.0, closed_after_s: float | None = None) -> Finding:
    at = None if closed_after_s is None else BEGAN.timestamp() + closed_after_s
    return Finding(name, RecordingSide.MIX, RecordingState.READY, "uniqueid", seconds, written_at=at)


SHORT, LONG, OPEN = claim("warsaw", 20), claim("kyiv", 60), claim("kyiv", None)


@pytest.mark.parametrize(
    ("claims", "told", "whose"),
    [
        ((SHORT, claim("kyiv", 20, named=True)), file(), "kyiv"),
        ((claim("warsaw", 20, named=True), claim("kyiv", 20, named=True)), file(closed_after_s=20), None),
        ((SHORT, LONG), file(seconds=50), "kyiv"),
        ((SHORT, LONG), file(closed_after_s=40), "kyiv"),
        ((SHORT, LONG), file(closed_after_s=20), None),
        ((SHORT, LONG), file(closed_after_s=90_000), None),  # copied in the night: its time says nothing
        ((SHORT, LONG), file("x-20261121-213510-1795286068.0.wav"), "kyiv"),  # Moscow's 21:35:10
        ((SHORT, LONG), file("x-20261121-213430-1795286068.0.wav"), None),
        ((SHORT, LONG), file("x-20269999-213430-1795286068.0.wav"), None),
        ((SHORT, OPEN), file(closed_after_s=300), "kyiv"),
        ((SHORT, OPEN), file(closed_after_s=20), None),
    ],
)
def test_a_file_is_of_the_only_call_it_can_be_of(
    claims: tuple[Claim, Claim], told: Finding, whose: str | None
) -> None:
    for order in (claims, claims[::-1]):
        found = owner(order, told)
        assert (found.pbx if found else None) == whose
