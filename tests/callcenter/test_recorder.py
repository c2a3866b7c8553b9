"""Nothing that happened is lost because the database was away, or because it did not accept one row."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from callcenter.recorder import Job, Recorder
from tests.patience import PATIENCE_S


class Shelf:
    """A database that can be away, and that refuses what it is told to refuse."""

    def __init__(self) -> None:
        self.rows: dict[str, int] = {}
        self.away = False
        self.refuses: str | None = None

    def job(self, call: str, step: int) -> Job:
        async def write() -> None:
            if self.away:
                raise ConnectionRefusedError("nobody listens")
            if call == self.refuses:
                raise ValueError("a number out of range")
            self.rows[call] = step

        return Job(key=call, spooled=lambda: {"call": call, "step": step}, write=write)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool" / "calls.jsonl"


@pytest.fixture
async def recorder(spool: Path) -> AsyncIterator[Recorder]:
    recorder = Recorder(spool)
    running = asyncio.create_task(recorder.run())
    yield recorder
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_only_the_newest_state_of_a_call_is_written(recorder: Recorder) -> None:
    shelf = Shelf()
    for step in range(5):
        recorder.keep(shelf.job("a", step))
    await recorder.drained()
    assert shelf.rows == {"a": 4}


async def test_calls_of_an_outage_lie_in_the_spool_and_are_written_when_it_is_over(
    recorder: Recorder, spool: Path
) -> None:
    shelf = Shelf()
    shelf.away = True
    recorder.keep(shelf.job("a", 1))
    recorder.keep(shelf.job("b", 1))
    async with asyncio.timeout(PATIENCE_S):
        while not spool.exists():
            await asyncio.sleep(0.01)
    assert [line["call"] for line in recorder.spooled()] == ["a", "b"]
    shelf.away = False
    await asyncio.wait_for(recorder.drained(), PATIENCE_S)
    assert shelf.rows == {"a": 1, "b": 1}
    assert recorder.spooled() == []


async def test_a_write_that_collided_with_another_is_done_again(recorder: Recorder) -> None:
    class Deadlock(Exception):
        sqlstate = "40P01"

    tries: list[str] = []

    async def write() -> None:
        tries.append("a")
        if len(tries) < 3:
            raise Deadlock

    recorder.keep(Job(key="a", spooled=lambda: {"call": "a"}, write=write))
    await asyncio.wait_for(recorder.drained(), PATIENCE_S)
    assert len(tries) == 3
    assert not recorder.refused.exists()


async def test_a_row_that_is_not_accepted_holds_up_no_other_and_is_kept_aside(recorder: Recorder) -> None:
    shelf = Shelf()
    shelf.refuses = "bad"
    recorder.keep(shelf.job("bad", 1))
    recorder.keep(shelf.job("good", 1))
    await recorder.drained()
    assert shelf.rows == {"good": 1}
    assert [json.loads(line) for line in recorder.refused.read_text().splitlines()] == [
        {"call": "bad", "step": 1}
    ]


async def test_what_can_not_be_written_at_the_end_is_in_the_spool_for_the_next_start(spool: Path) -> None:
    shelf = Shelf()
    shelf.away = True
    recorder = Recorder(spool)
    recorder.keep(shelf.job("a", 1))
    await recorder.finish(patience_s=0.1)
    assert [line["call"] for line in Recorder(spool).spooled()] == ["a"]


async def test_a_row_that_was_refused_is_tried_again_at_the_next_start(spool: Path) -> None:
    shelf = Shelf()
    shelf.refuses = "bad"
    recorder = Recorder(spool)
    recorder.keep(shelf.job("bad", 1))
    await recorder.catch_up()
    assert recorder.refused.exists()

    shelf.refuses = None  # a newer version understands it
    later = Recorder(spool)
    for line in later.spooled():
        later.keep(shelf.job(line["call"], line["step"]))
    await later.catch_up()
    assert shelf.rows == {"bad": 1}
    assert not later.refused.exists() and later.spooled() == []
