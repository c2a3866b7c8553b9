"""Bytes -> tracked calls on one core, against panoramisk's parser alone on the same bytes, in the same run.

Run:     python bench/intake.py [--calls N]
Input:   the captures under tests/traces, multiplied under fresh ids, for an account with all classes ("crm")
         and for one with few ("crm-lite": no VarSet, Newexten, RTCP)
Prints:  messages a second of both and the ratio; the goal is a ratio of at least 1. Then what the flight recorder
         costs: the same intake with everything kept that is said about a call, handed over when the call ends
"""

import argparse
import re
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from types import SimpleNamespace

from panoramisk.ami_protocol import AMIProtocol

from asterisk.events import Heard
from asterisk.translate import translate
from asterisk.wire import Cutter, parse, wanted
from callcenter.flight.recorder import FlightRecorder
from callcenter.tracker import Tracker

TRACES = Path(__file__).parent.parent / "tests" / "traces"
STREAMS = {"crm": ("a", "b", "c", "d", "e", "i", "m", "w1", "z"), "crm-lite": ("a2",)}
READ = 4096  # bytes at a time, about what a busy switchboard sends in one piece
EPOCH = re.compile(rb"\b(1795\d{6})\.(\d+)\b")
BRIDGE = re.compile(rb"(?<=: )[0-9a-f]{8}(?=-[0-9a-f]{4}-[0-9a-f]{4}-)")


def stream(letters: tuple[str, ...], calls: int) -> bytes:
    """Return captures one after the other, each under ids of its own, until about `calls` calls are in it."""
    captures = [b for letter in letters for b in _capture(letter)]
    copies, made, n = [], 0, 0
    while made < calls:
        capture = captures[n % len(captures)]
        copies.append(_renamed(capture, n))
        made, n = (
            made + len(re.findall(rb"\r\nUniqueid: (\S+)\r\nLinkedid: \1\r\n", capture)) // 30 + 1,
            n + 1,
        )
    return b"".join(copies)


def _capture(letter: str) -> list[bytes]:
    folder = next(TRACES.glob(f"{letter}-*"))
    return [file.read_bytes() for file in sorted(folder.glob("*.ami"))]


def _renamed(capture: bytes, n: int) -> bytes:
    capture = EPOCH.sub(lambda m: b"%d.%s" % (int(m[1]) + 10_000 * n, m[2]), capture)
    return BRIDGE.sub(b"%08x" % n, capture)


def tracked(data: bytes) -> int:
    """Run the whole of our intake; return the number of calls it saw end."""
    cutter, tracker, at = Cutter(), Tracker(), datetime.now(UTC)
    ended = 0
    for start in range(0, len(data), READ):
        for block in cutter.feed(data[start : start + READ]):
            event = translate(parse(block), at) if wanted(block) else None
            if event is not None:
                changes = tracker.apply(Heard("bench", event))
                ended += sum(c.after.ended_at is not None for c in changes)
    return ended


def recorded(data: bytes) -> int:
    """The same with the flight recorder listening; return the number of calls it handed over."""
    cutter, tracker, at = Cutter(), Tracker(), datetime.now(UTC)
    flights = count()
    box = FlightRecorder(
        live=lambda: tracker.calls.values(), keep=lambda _: flights.__next__(), now=lambda: at
    )
    ear = box.ear("bench")
    for start in range(0, len(data), READ):
        for block in cutter.feed(data[start : start + READ]):
            if not wanted(block):
                continue
            message = parse(block)
            event = translate(message, at)
            if event is not None:
                for change in tracker.apply(Heard("bench", event)):
                    if change.after.ended_at is not None and change.after.merged_into is None:
                        box.call_ended(change.after)
            ear.heard(message, block, at)
        box.hand_over(at)
    return next(flights)


def parsed(data: bytes) -> int:
    """Run panoramisk's own parser, with nobody listening; return the number of events it dispatched."""
    heard = [0]

    def dispatch(message: object) -> None:
        heard[0] += 1

    protocol = AMIProtocol()
    protocol.connection_made(None)
    protocol.encoding = "utf-8"
    protocol.factory = SimpleNamespace(dispatch=dispatch, connection_lost=lambda exc: None)
    for start in range(0, len(data), READ):
        protocol.data_received(data[start : start + READ])
    return heard[0]


def best(runs: Sequence[Callable[[bytes], int]], data: bytes, rounds: int) -> list[float]:
    """Return the seconds of the fastest round of each; they take turns, so that a disturbance hits both."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, seconds in zip(runs, times, strict=True):
            start = time.process_time()
            run(data)
            seconds.append(time.process_time() - start)
    return [min(seconds) for seconds in times]


def main() -> None:
    """Measure both on both streams, alternating nothing else."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--calls", type=int, default=300)
    arguments.add_argument("--rounds", type=int, default=7)
    chosen = arguments.parse_args()
    head = f"{'account':9} {'messages':>9} {'calls':>6} {'panoramisk/s':>13} {'tracked/s':>10}"
    print(f"{head} {'ratio':>6} {'recorder':>8}")
    for account, letters in STREAMS.items():
        data = stream(letters, chosen.calls)
        messages, calls = data.count(b"\r\n\r\n"), tracked(data)
        theirs, ours, kept = best((parsed, tracked, recorded), data, chosen.rounds)
        rates = f"{messages / theirs:13,.0f} {messages / ours:10,.0f} {theirs / ours:6.2f}"
        print(f"{account:9} {messages:9,} {calls:6,} {rates} {kept / ours - 1:8.1%}")


if __name__ == "__main__":
    main()
