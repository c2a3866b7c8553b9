"""Captured AMI byte streams -> what the tracker makes of them, one report a call.

In:      files of bytes, each one connection, oldest first; for each, if known, when its bytes arrived
Out:     the reports of all calls, oldest first (names: `callcenter.call.report`)
Raises:  `ValueError` for a file of times that is none, `re.error` for a bad expression, `OSError`
Units:   `t` in a file of times is monotonic seconds, one clock for all files

Instants come from the AMI `Timestamp` header, else from the times of arrival. Those know no date: the first
Timestamp gives it, else the first Uniqueid of the form epoch.number, behind the name of the system if it has one
(to a second; good for display, no more), else 1970.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from asterisk.events import Event, Heard, LinkLost, LinkUp
from asterisk.translate import translate
from asterisk.wire import Cutter, parse, wanted
from callcenter.call import Call, Rules, report
from callcenter.call.rules import DEFAULT_EXTENSIONS
from callcenter.tracker import Tracker

PBX = "replay"
PIECE = 1 << 16
DATED = re.compile(rb"\r\n(?:Timestamp: (\d{9,}\.\d+)|Uniqueid: (?:[^\r\n]*-)?(\d{9,})\.\d+)\r\n")


class Piece(NamedTuple):
    """Bytes that arrived together; `t` None when nobody noted when."""

    data: bytes
    t: float | None


class Message(NamedTuple):
    """One message and when it was said; `event` None when it is none of ours."""

    at: datetime
    block: bytes
    event: Event | None


def replay(
    files: Sequence[Path],
    times: Sequence[Path] = (),
    extensions: str | None = None,
    trunks: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the report of every call in `files`, oldest first."""
    rules = Rules(
        re.compile(extensions) if extensions else DEFAULT_EXTENSIONS, (trunks and re.compile(trunks)) or None
    )
    calls: dict[Any, Call] = {}
    tracker = Tracker({PBX: rules})
    for event in events(files, times):
        for change in tracker.apply(Heard(PBX, event)):
            calls[change.after.id] = change.after
    own = (call for call in calls.values() if call.merged_into is None)
    for call in sorted(own, key=lambda c: c.started_at):
        yield report(call)


def events(files: Sequence[Path], times: Sequence[Path] = ()) -> Iterator[Event]:
    """Yield what happened on these connections: each begins with LinkUp, LinkLost is between two."""
    return (message.event for message in messages(files, times) if message.event is not None)


def messages(files: Sequence[Path], times: Sequence[Path] = ()) -> Iterator[Message]:
    """Yield every message of these connections with the event that it is; LinkUp and LinkLost have no bytes."""
    chunks = [*times, *[None] * (len(files) - len(times))]
    zero: float | None = None
    for i, (file, chunk) in enumerate(zip(files, chunks, strict=False)):
        if zero is None:
            zero = _date(_pieces(file, chunk))
        last = None
        for message in _connection(_pieces(file, chunk), zero):
            last = message.at
            yield message
        if last is not None and i + 1 < len(files):
            yield Message(last, b"", LinkLost(last, "end of the capture"))


def _connection(pieces: Iterable[Piece], zero: float) -> Iterator[Message]:
    """Yield the messages of one connection, LinkUp first."""
    cutter, at = Cutter(), None
    for piece in pieces:
        arrived = datetime.fromtimestamp(zero + (piece.t or 0.0), UTC)
        if at is None:
            yield Message(arrived, b"", LinkUp(arrived))
        at = arrived if piece.t is not None or at is None else at
        for block in cutter.feed(piece.data):
            event = _event(block, at)
            at = event.at if event is not None else at
            yield Message(at, block, event)


def _event(block: bytes, at: datetime) -> Event | None:
    """Return what a message tells; an exported call also says when its link was lost and came back."""
    if block.startswith(b"Link: "):
        headers = parse(block)
        said_at = datetime.fromtimestamp(float(headers["Timestamp"]), UTC) if "Timestamp" in headers else at
        return LinkUp(said_at) if headers["Link"] == "up" else LinkLost(said_at, "as recorded")
    return translate(parse(block), at) if wanted(block) else None


def _pieces(file: Path, chunks: Path | None) -> Iterator[Piece]:
    """Yield the bytes of `file` as they arrived, what the times do not cover with the last of them."""
    t = None
    with file.open("rb") as stream:
        for length, t in _lengths(chunks) if chunks else ():
            yield Piece(stream.read(length), t)
        while data := stream.read(PIECE):
            yield Piece(data, t)


def _lengths(chunks: Path) -> Iterator[tuple[int, float]]:
    with chunks.open() as lines:
        for n, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                chunk = json.loads(line)
                yield int(chunk["len"]), float(chunk["t"])
            except (ValueError, KeyError, TypeError) as problem:
                raise ValueError(f"{chunks}, line {n}: not a time of arrival ({problem})") from problem


def _date(pieces: Iterable[Piece]) -> float:
    """Return the epoch second of t = 0."""
    for piece in pieces:
        found = DATED.search(piece.data)
        if found is not None:
            return float(found[1] or found[2]) - (piece.t or 0.0)
    return 0.0
