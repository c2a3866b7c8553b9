"""From a finished call to its sound files: find them, wait until each is whole, measure it.

A switchboard says nothing when a recording is closed, so a file is watched until its header and length agree
and neither changes any more. What is not whole in time is left as `expected`; the caller comes back later.

Units: seconds; instants inside this file are Unix times, because that is what a file's time of change is
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from pydantic import BaseModel

from crm_core.recording import RecordingSide, RecordingState
from recordings import audio
from recordings.header import Verdict
from recordings.store import OutsideRoot, Root, matching, side_of

log = structlog.get_logger(__name__)

PAUSES_S = (0.2, 0.3, 0.5, 1.0)  # between looks; the last one repeats
PATIENCE_S = 8.0
# Asterisk writes to a file in steps of two seconds of sound: until then a short call looks empty.
SETTLING_S = 2.5
# A file that says "length 0" and has not changed for so long after its call ended was never closed.
ABANDONED_S = 60.0
NOT_CLOSED = "The switchboard did not close this file; its length was taken from its size."
# The folder of a day is named in the switchboard's own time, which is up to 14 hours from UTC.
FARTHEST_ZONE = timedelta(hours=14)


class Wanted(BaseModel, frozen=True):
    """What is known about the sound of one finished call."""

    call_id: UUID
    pbx: str = ""  # whose folder; a job of an older version does not say it
    named: tuple[str, ...] = ()  # paths as the PBX said them
    uniqueids: tuple[str, ...] = ()  # of all channels of the call: one of them is in the name of a file
    days: tuple[date, ...] = ()  # folders to look into
    expected: bool = True  # somebody talked: a file that was named should exist


@dataclass(frozen=True)
class Clock:
    """Time as it passes; tests give their own."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep


@dataclass(frozen=True)
class Finding:
    """One file of a call, as it is going to be kept in the table of recordings."""

    path: str  # relative to the root
    side: RecordingSide
    state: RecordingState
    found_by: str  # name or uniqueid
    seconds: float | None = None
    bytes: int | None = None
    error: str | None = None
    written_at: float | None = field(default=None, compare=False)  # last change of the file, Unix time


@dataclass(frozen=True)
class Findings:
    """What came of watching."""

    files: tuple[Finding, ...] = ()
    refused: tuple[str, ...] = ()  # names that lead out of the recordings folder
    problem: str | None = None  # the folder itself could not be read
    foreign: tuple[str, ...] = ()  # files that are another switchboard's, whatever their names say

    @property
    def pending(self) -> bool:
        """True when it is worth coming back: something expected is not there or not whole."""
        return self.problem is not None or any(file.state is RecordingState.EXPECTED for file in self.files)


@dataclass(frozen=True)
class Look:
    """How a file looked at one moment; two equal looks mean that nothing happened in between."""

    size: int
    changed_at: float
    verdict: Verdict


@dataclass
class _Search:
    """Where the files of the call are, as of now."""

    found: dict[Path, str] = field(default_factory=dict)  # path -> found by what
    missing: list[Path] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)


def days_of(started_at: datetime, ended_at: datetime) -> tuple[date, ...]:
    """Return the days, in any zone, under which a recording of a call may be filed."""
    first = (started_at - FARTHEST_ZONE).date()
    last = (ended_at + FARTHEST_ZONE).date()
    return tuple(first + timedelta(days=n) for n in range((last - first).days + 1))


async def watch(
    root: Root, want: Wanted, *, patience_s: float = PATIENCE_S, clock: Clock | None = None
) -> Findings:
    """Return the files of a call, each with its state, as soon as all are whole or `patience_s` is over."""
    clock = clock or Clock()
    began = clock.now()
    since: dict[Path, tuple[Look, float]] = {}
    for turn in range(10_000):
        try:
            search = await asyncio.to_thread(_search, root, want)
        except OSError as error:
            return _folder_unreadable(root, want, error)
        unsettled = await asyncio.to_thread(_unsettled, search, since, clock.now())
        done = not unsettled and not (want.expected and search.missing)
        if done or clock.now() - began >= patience_s:
            break
        await clock.sleep(PAUSES_S[min(turn, len(PAUSES_S) - 1)])
    return await asyncio.to_thread(_findings, root, want, search, unsettled)


def _search(root: Root, want: Wanted) -> _Search:
    """Find the files by name, then by uniqueid, each with the legs that lie beside it."""
    search = _Search()
    for name in want.named:
        try:
            path = root.locate(name, want.days)
            if path is None:
                search.missing.append(root.resolve(name))
            else:
                _add(search, root, path, "name")
        except OutsideRoot as error:
            log.warning("recording refused", call_id=str(want.call_id), reason=str(error))
            search.refused.append(name)
    for path in matching(root.listing(want.days), want.uniqueids) if want.uniqueids else ():
        _add(search, root, path, "uniqueid")
    return search


def _add(search: _Search, root: Root, path: Path, found_by: str) -> None:
    group = root.siblings(path)
    for file in (path, group.mix, group.caller, group.agent):
        if file is not None:
            search.found.setdefault(file, found_by)


def _unsettled(search: _Search, since: dict[Path, tuple[Look, float]], now: float) -> set[Path]:
    """Look at every file once more and return those that may still change; `since` remembers the looks."""
    unsettled = set()
    for path in search.found:
        look = _look(path)
        if look is None:
            continue
        before = since.get(path)
        if before is None or before[0] != look:
            since[path] = before = (look, now)
        if not settled(look, path, watched_s=now - before[1], now=now):
            unsettled.add(path)
    return unsettled


def _look(path: Path) -> Look | None:
    """None when the file may not be read: waiting does not help, measuring will say why."""
    try:
        stat = path.stat()
        return Look(stat.st_size, stat.st_mtime, audio.verdict(path))
    except OSError:
        return None


def settled(look: Look, path: Path, *, watched_s: float, now: float) -> bool:
    """True when a file that has looked like this for `watched_s` is not going to change."""
    match look.verdict:
        case Verdict.GROWING:
            return watched_s > 0 and now - look.changed_at >= ABANDONED_S
        case Verdict.COMPLETE if path.suffix.lower() == ".wav":
            return watched_s > 0
    return watched_s >= SETTLING_S


def _findings(root: Root, want: Wanted, search: _Search, unsettled: set[Path]) -> Findings:
    files = [_finding(root, path, by, path in unsettled) for path, by in search.found.items()]
    if want.expected:
        files += [_awaited(root, path) for path in search.missing]
    return Findings(tuple(files), tuple(search.refused))


def _finding(root: Root, path: Path, found_by: str, unsettled: bool) -> Finding:
    """Measure one file. An unreadable file is a finding too: somebody has to be told why."""
    name, side = root.relative(path), RecordingSide(side_of(path) or _lone_side(root, path))
    size = None
    try:
        stat = path.stat()
        size, at = stat.st_size, stat.st_mtime
        if unsettled:
            return Finding(name, side, RecordingState.EXPECTED, found_by, bytes=size)
        if audio.verdict(path) is Verdict.EMPTY:
            return Finding(name, side, RecordingState.EMPTY, found_by, 0.0, size, written_at=at)
        facts = audio.measure(path)
    except OSError as error:
        return Finding(name, side, RecordingState.UNREADABLE, found_by, error=_reason(error))
    except audio.Unreadable as error:
        return Finding(name, side, RecordingState.UNREADABLE, found_by, bytes=size, error=str(error))
    if side is RecordingSide.MONO and facts.channels == 2:
        side = RecordingSide.STEREO
    state = RecordingState.READY if facts.seconds else RecordingState.EMPTY
    note = NOT_CLOSED if facts.mended else None
    return Finding(name, side, state, found_by, round(facts.seconds, 3), size, note, at)


def _lone_side(root: Root, path: Path) -> str:
    group = root.siblings(path)
    return RecordingSide.MIX if group.caller or group.agent else RecordingSide.MONO


def _reason(error: Exception) -> str:
    if isinstance(error, PermissionError):
        return "This account may not read the file: add it to the group that owns it (usually asterisk)."
    return str(error)


def _awaited(root: Root, path: Path) -> Finding:
    side = RecordingSide(side_of(path) or RecordingSide.MONO)
    return Finding(root.relative(path), side, RecordingState.EXPECTED, "name")


def _folder_unreadable(root: Root, want: Wanted, error: OSError) -> Findings:
    log.error("recordings folder unreadable", call_id=str(want.call_id), error=str(error))
    named = _inside(root, want.named) if want.expected else []
    state, reason = RecordingState.UNREADABLE, _reason(error)
    files = [Finding(root.relative(path), RecordingSide.MONO, state, "name", error=reason) for path in named]
    return Findings(tuple(files), problem=reason)


def _inside(root: Root, names: Sequence[str]) -> Iterable[Path]:
    for name in names:
        try:
            yield root.resolve(name)
        except OutsideRoot as error:
            log.warning("recording refused", reason=str(error))
