"""A million calls through reader and tracker in one process: does the memory stay flat?

Run:     python bench/memory.py [--calls N]
Input:   captures under tests/traces (queue, clicks, Local members, transfers, parking, a lost link), without
         the messages that nobody reads, again and again under fresh ids
Prints:  resident memory at 10 %, 50 % and 100 % of the calls, and the ratio of the last to the first
Exit:    1 when that ratio is above 1.1, or when a call is left open
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from asterisk.events import Heard, LinkLost, LinkUp
from asterisk.translate import translate
from asterisk.wire import END, Cutter, parse, wanted
from callcenter.tracker import Tracker

TRACES = Path(__file__).parent.parent / "tests" / "traces"
LETTERS = ("a2", "c", "e", "m", "u", "w1", "w3")
BRIDGE = re.compile(rb"BridgeUniqueid: ([0-9a-f]{8})-")
PAGE = 4096
FLAT = 1.1


class Template:
    """One connection: its messages, and where the ids in them are."""

    def __init__(self, file: Path) -> None:
        self._text = END.join(b for b in file.read_bytes().split(END) if wanted(b)) + END
        self._bridges = sorted(set(BRIDGE.findall(self._text)))

    def copy(self, n: int) -> bytes:
        """Return the messages under ids of the n-th copy. Ids of channels begin with the second of 2026."""
        text = self._text.replace(b": 1795", b": %d" % (10_000_000 + n))
        for bridge in self._bridges:
            text = text.replace(bridge, b"%08x" % ((int(bridge, 16) + n) % 2**32))
        return text


def streams() -> list[list[Template]]:
    """Return for each capture its connections."""
    folders = [next(TRACES.glob(f"{letter}-*")) for letter in LETTERS]
    return [[Template(file) for file in sorted(folder.glob("*.ami"))] for folder in folders]


def calls_ended(tracker: Tracker, captures: list[list[Template]]) -> Iterator[int]:
    """Play the captures for ever; yield how many calls have ended so far."""
    at, ended, n = datetime(2026, 11, 21, tzinfo=UTC), 0, 0
    while True:
        for connection in captures[n % len(captures)]:
            tracker.apply(Heard("bench", LinkUp(at)))
            cutter = Cutter()
            for block in cutter.feed(connection.copy(n)):
                event = translate(parse(block), at)
                for change in tracker.apply(Heard("bench", event)) if event else ():
                    over = change.before is None or change.before.ended_at is None
                    ended += change.after.ended_at is not None and over
            at += timedelta(seconds=10)
            tracker.apply(Heard("bench", LinkLost(at, "end of the capture")))
        n += 1
        yield ended


def resident_mb() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * PAGE / 1e6


def main() -> int:
    """Play, measure at the marks, judge."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--calls", type=int, default=1_000_000)
    wanted_calls = arguments.parse_args().calls
    tracker, start = Tracker(), time.monotonic()
    marks = [wanted_calls // 10, wanted_calls // 2, wanted_calls]
    measured: list[float] = []
    for ended in calls_ended(tracker, streams()):
        if ended < marks[len(measured)]:
            continue
        measured.append(resident_mb())
        minutes = (time.monotonic() - start) / 60
        print(
            f"{ended:10,} calls {measured[-1]:7.1f} MB {len(tracker.calls):4} open {minutes:6.1f} min",
            flush=True,
        )
        if len(measured) == len(marks):
            break
    ratio = measured[-1] / measured[0]
    print(f"ratio {ratio:.3f} (at most {FLAT})")
    return 0 if ratio <= FLAT and not tracker.calls else 1


if __name__ == "__main__":
    sys.exit(main())
