"""A file is taken when it is whole, not before; what never becomes whole is said."""

import asyncio
import os
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from crm_core.recording import RecordingSide, RecordingState
from recordings.intake import NOT_CLOSED, Clock, Finding, Findings, Wanted, days_of, watch
from recordings.store import Root

SAMPLES = Path(__file__).parent / "samples"
REAL = (SAMPLES / "order-status-en.wav").read_bytes()
CALL = UUID(int=7)
DAY = date(2026, 11, 21)
NAME = "in-74951230001-+79161234567-20261121-183428-1795286068.0.wav"
PBX_NAME = f"/var/spool/asterisk/monitor/2026/11/21/{NAME}"
UNIQUEID = "1795286068.0"
READY, EMPTY = RecordingState.READY, RecordingState.EMPTY
EXPECTED, UNREADABLE = RecordingState.EXPECTED, RecordingState.UNREADABLE


class Passing:
    """Time that passes only when somebody sleeps, and things that happen at their second."""

    def __init__(self, start: float = 1_795_286_100.0) -> None:
        self.at = start
        self._events: list[tuple[float, Callable[[], object]]] = []

    def after(self, seconds: float, happen: Callable[[], object]) -> None:
        self._events.append((self.at + seconds, happen))

    async def sleep(self, seconds: float) -> None:
        self.at += seconds
        due = [event for event in self._events if event[0] <= self.at]
        for event in due:
            self._events.remove(event)
            event[1]()
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, sleep=self.sleep)


@pytest.fixture
def root(tmp_path: Path) -> Root:
    (tmp_path / "2026/11/21").mkdir(parents=True)
    return Root(tmp_path)


@pytest.fixture
def time() -> Passing:
    return Passing()


def put(root: Root, content: bytes, time: Passing, name: str = NAME) -> Path:
    path = root.path / "2026/11/21" / name
    path.write_bytes(content)
    os.utime(path, (time.at, time.at))
    return path


def unclosed(content: bytes = REAL) -> bytes:
    return content[:4] + bytes(4) + content[8:40] + bytes(4) + content[44:]


def want(*named: str, uniqueids: tuple[str, ...] = (), expected: bool = True) -> Wanted:
    return Wanted(call_id=CALL, named=named, uniqueids=uniqueids, days=(DAY,), expected=expected)


def only(findings: Findings) -> Finding:
    (file,) = findings.files
    return file


async def test_a_closed_recording_is_ready_a_moment_after_the_call(root: Root, time: Passing) -> None:
    put(root, REAL, time)
    start = time.at
    file = only(await watch(root, want(PBX_NAME), clock=time.clock))
    assert file == Finding(f"2026/11/21/{NAME}", RecordingSide.MONO, READY, "name", 20.34, len(REAL), None)
    assert time.at - start < 0.5


async def test_a_file_is_not_taken_while_it_grows(root: Root, time: Passing) -> None:
    put(root, unclosed(REAL[:32_044]), time)
    time.after(2.0, lambda: put(root, unclosed(REAL[:64_044]), time))
    time.after(4.0, lambda: put(root, REAL, time))
    file = only(await watch(root, want(PBX_NAME), clock=time.clock))
    assert (file.state, file.seconds) == (READY, 20.34)


async def test_what_still_grows_after_our_patience_is_expected_and_asked_for_again(
    root: Root, time: Passing
) -> None:
    put(root, unclosed(), time)
    findings = await watch(root, want(PBX_NAME), clock=time.clock)
    assert only(findings).state is EXPECTED and findings.pending


async def test_a_short_call_looks_empty_until_its_file_is_closed(root: Root, time: Passing) -> None:
    put(root, unclosed(REAL[:44]), time)
    time.after(1.0, lambda: put(root, REAL, time))
    assert only(await watch(root, want(PBX_NAME), clock=time.clock)).state is READY


async def test_an_unanswered_call_has_an_empty_recording_and_that_is_no_error(
    root: Root, time: Passing
) -> None:
    put(root, unclosed(REAL[:44]), time)
    findings = await watch(root, want(PBX_NAME, expected=False), clock=time.clock)
    assert (only(findings).state, only(findings).error, findings.pending) == (EMPTY, None, False)


async def test_an_unanswered_call_without_a_file_is_no_error_either(root: Root, time: Passing) -> None:
    start = time.at
    assert await watch(root, want(PBX_NAME, expected=False), clock=time.clock) == Findings()
    assert time.at == start, "nobody waits for it"


async def test_a_recording_the_killed_switchboard_left_open_is_ready_after_a_minute(
    root: Root, time: Passing
) -> None:
    put(root, unclosed(), time)
    await time.sleep(61)
    file = only(await watch(root, want(PBX_NAME), clock=time.clock))
    assert (file.state, file.seconds, file.error) == (READY, 20.34, NOT_CLOSED)


async def test_a_named_file_that_is_late_is_waited_for(root: Root, time: Passing) -> None:
    time.after(3.0, lambda: put(root, REAL, time))
    assert only(await watch(root, want(PBX_NAME), clock=time.clock)).state is READY


async def test_a_named_file_that_does_not_come_is_expected(root: Root, time: Passing) -> None:
    findings = await watch(root, want(PBX_NAME), clock=time.clock)
    assert (only(findings).path, only(findings).state) == (f"2026/11/21/{NAME}", EXPECTED)


async def test_without_a_name_the_file_is_found_by_a_uniqueid_of_the_call(root: Root, time: Passing) -> None:
    put(root, REAL, time)
    put(root, REAL, time, "in-1-1795286068.01.wav")
    findings = await watch(root, want(uniqueids=("1795286060.9", UNIQUEID)), clock=time.clock)
    assert (only(findings).found_by, only(findings).path) == ("uniqueid", f"2026/11/21/{NAME}")


async def test_the_legs_beside_the_mix_are_found_with_it(root: Root, time: Passing) -> None:
    for leg in ("", "-caller", "-agent"):
        sample = (SAMPLES / f"order-status-en{leg}.wav").read_bytes()
        put(root, sample, time, NAME.replace(".wav", f"{leg}.wav"))
    findings = await watch(root, want(PBX_NAME), clock=time.clock)
    assert {(file.side, file.state) for file in findings.files} == {
        (RecordingSide.MIX, READY),
        (RecordingSide.CALLER, READY),
        (RecordingSide.AGENT, READY),
    }


async def test_two_channels_are_told_by_the_header(root: Root, time: Passing) -> None:
    put(root, (SAMPLES / "cancel-en-overlap-stereo.wav").read_bytes(), time)
    assert only(await watch(root, want(PBX_NAME), clock=time.clock)).side is RecordingSide.STEREO


async def test_every_recording_of_a_transferred_call_is_kept(root: Root, time: Passing) -> None:
    put(root, REAL, time, "q-1001-1795286070.2.wav")
    put(root, REAL, time, "q-1002-1795286090.5.wav")
    found = await watch(root, want(uniqueids=("1795286070.2", "1795286090.5")), clock=time.clock)
    assert [file.state for file in found.files] == [READY, READY]


async def test_a_name_that_leads_out_is_refused_and_the_rest_is_taken(root: Root, time: Passing) -> None:
    put(root, REAL, time)
    findings = await watch(root, want("/etc/passwd", PBX_NAME), clock=time.clock)
    assert findings.refused == ("/etc/passwd",) and only(findings).state is READY


async def test_a_file_that_is_no_sound_is_unreadable_with_a_reason(root: Root, time: Passing) -> None:
    put(root, b"<html>disk full</html>" * 10, time)
    file = only(await watch(root, want(PBX_NAME), clock=time.clock))
    assert file.state is UNREADABLE and file.error


async def test_an_mp3_is_taken_when_it_has_stopped_changing(root: Root, time: Passing) -> None:
    import soundfile

    path = root.path / "2026/11/21" / NAME.replace(".wav", ".mp3")
    soundfile.write(path, soundfile.read(SAMPLES / "order.wav")[0], 8000, format="MP3")
    whole = path.read_bytes()
    path.write_bytes(whole[:4000])
    time.after(2.0, lambda: path.write_bytes(whole))
    file = only(await watch(root, want(PBX_NAME), clock=time.clock))
    assert file.state is READY and file.seconds == pytest.approx(27.76, abs=0.1)


async def test_a_folder_that_is_not_there_is_a_problem_of_the_house_not_of_the_call(
    tmp_path: Path, time: Passing
) -> None:
    nowhere = Root(tmp_path / "not-mounted")
    findings = await watch(nowhere, want(PBX_NAME, uniqueids=(UNIQUEID,)), clock=time.clock)
    assert findings.problem and findings.pending and only(findings).state is UNREADABLE


def test_a_call_near_midnight_is_looked_for_under_both_days() -> None:
    late = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
    assert days_of(late, late) == (date(2026, 11, 21), date(2026, 11, 22))
    noon = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
    assert days_of(noon, noon) == (date(2026, 11, 20), date(2026, 11, 21), date(2026, 11, 22))
