"""Damages captured streams in every way it can think of and lets reader and tracker hear them.

Run:     make fuzz            ten minutes; FUZZ_S=60 make fuzz for one
         python -m tests.fuzz.streams --seconds 600 [--seed N]   N: the round to begin with
Prints:  each finding with the round that reproduces it, at the end rounds, messages and findings
Exit:    1 when there is a finding
"""

import argparse
import asyncio
import json
import random
import re
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from asterisk.events import ChannelListEnded, Event, Heard, LinkLost, LinkUp, Resynced
from asterisk.protocol import LONGEST_MESSAGE, Protocol
from asterisk.translate import translate
from asterisk.wire import END, parse, wanted
from callcenter.call import Call, from_json, report, to_json
from callcenter.tracker import Tracker
from tests.callcenter.streams import MIDNIGHT, NAMES, messages

Blocks = list[bytes]
Damage = Callable[[Blocks, random.Random], Blocks]

HEADER = re.compile(rb"^([A-Za-z]+): ?(.*)$", re.M)
HOSTILE = (
    b"",
    b"<unknown>",
    b"-1",
    b"999999999999999999999",
    b"1e400",
    b"nan",
    b"Local/x@y-1;1",
    b"Local/;2",
    b"PJSIP/",
    b"/",
    b";1",
    b"\xff\xfe\x00",
    "Ω≈ç√<script>".encode(),
    b"a" * 5000,
)
IDS = (
    b"Uniqueid",
    b"Linkedid",
    b"DestUniqueid",
    b"DestLinkedid",
    b"BridgeUniqueid",
    b"SwapUniqueid",
    b"Channel",
)


# --- damage ---------------------------------------------------------------------------------------------


def lose(blocks: Blocks, chance: random.Random) -> Blocks:
    share = chance.random() * 0.5
    return [b for b in blocks if chance.random() > share]


def double(blocks: Blocks, chance: random.Random) -> Blocks:
    return [b for b in blocks for _ in range(chance.choice((1, 1, 1, 2, 5)))]


def say_again_later(blocks: Blocks, chance: random.Random) -> Blocks:
    for _ in range(chance.randint(1, 30)):
        blocks.insert(chance.randrange(len(blocks) + 1), chance.choice(blocks))
    return blocks


def disorder(blocks: Blocks, chance: random.Random) -> Blocks:
    reach = chance.choice((1, 3, 20, 500))
    keyed = [(i + chance.random() * reach, b) for i, b in enumerate(blocks)]
    return [b for _, b in sorted(keyed, key=lambda item: item[0])]


def weave(blocks: Blocks, chance: random.Random) -> Blocks:
    others = some(chance)
    for block in others:
        blocks.insert(chance.randrange(len(blocks) + 1), block)
    return blocks


def change_values(blocks: Blocks, chance: random.Random) -> Blocks:
    """Put hostile values, or those of other messages, into headers: ids above all."""
    for _ in range(chance.randint(1, 40)):
        i = chance.randrange(len(blocks))
        headers = HEADER.findall(blocks[i])
        if not headers:
            continue
        name, value = chance.choice([h for h in headers if h[0] in IDS] or headers)
        pool = [v for n, v in HEADER.findall(chance.choice(blocks)) if n == name] or list(HOSTILE)
        other = chance.choice(pool if chance.random() < 0.6 else HOSTILE).strip()
        blocks[i] = blocks[i].replace(name + b": " + value.strip(), name + b": " + other)
    return blocks


def drop_headers(blocks: Blocks, chance: random.Random) -> Blocks:
    for _ in range(chance.randint(1, 40)):
        i = chance.randrange(len(blocks))
        lines = blocks[i].split(b"\r\n")
        del lines[chance.randrange(len(lines))]
        blocks[i] = b"\r\n".join(lines)
    return blocks


def flip_bytes(blocks: Blocks, chance: random.Random) -> Blocks:
    for _ in range(chance.randint(1, 40)):
        i = chance.randrange(len(blocks))
        for _ in range(chance.randint(1, 8)):
            where = chance.randrange(len(blocks[i]) + 1)
            blocks[i] = blocks[i][:where] + chance.randbytes(1) + blocks[i][where + chance.randint(0, 2) :]
    return blocks


def rubbish(blocks: Blocks, chance: random.Random) -> Blocks:
    for _ in range(chance.randint(1, 20)):
        blocks.insert(chance.randrange(len(blocks) + 1), chance.randbytes(chance.randint(1, 2000)))
    return blocks


DAMAGES: tuple[Damage, ...] = (
    lose,
    double,
    say_again_later,
    disorder,
    weave,
    change_values,
    drop_headers,
    flip_bytes,
    rubbish,
)
CAPTURES = {name: [b for b in messages(name) if wanted(b)] for name in NAMES}


def some(chance: random.Random) -> Blocks:
    whole = CAPTURES[chance.choice(NAMES)]
    start = chance.randrange(len(whole))
    return whole[start : start + chance.randint(1, 400)]


# --- what must hold -------------------------------------------------------------------------------------


class Transport(asyncio.Transport):
    """Takes what is written and is closed without a network."""

    def write(self, data: Any) -> None:
        pass

    def abort(self) -> None:
        pass


def read(blocks: Blocks, chance: random.Random) -> list[bytes]:
    """Return what the reader makes of the stream, cut into any chunks."""
    found: list[bytes] = []
    reader = Protocol(found.append)
    reader.connection_made(Transport())
    data = b"Asterisk Call Manager/11.0.0\r\n" + END.join(blocks) + END
    longest = chance.choice((7, 100, 1500, 60_000))
    while data:
        size = chance.randint(1, longest)
        reader.data_received(data[:size])
        data = data[size:]
    last = b"Event: Hangup\r\nUniqueid: the-end"
    reader.data_received(last + END)
    assert not reader.closed and len(found[-1]) < LONGEST_MESSAGE
    assert found[-1] == last, "the reader stopped"
    return found


def breaks(chance: random.Random) -> list[Event]:
    """Return what a link says when it is lost and comes back, in any half-finished state."""
    uptime_s = chance.choice((None, 0.0, 5.0, 1e6))
    said = [
        LinkLost(MIDNIGHT, "cut"),
        LinkUp(MIDNIGHT, uptime_s),
        ChannelListEnded(MIDNIGHT, 0),
        Resynced(MIDNIGHT),
    ]
    return [event for event in said if chance.random() < 0.8]


def check(before: Call | None, call: Call) -> None:
    assert from_json(json.loads(json.dumps(to_json(call)))) == call
    json.dumps(report(call))
    assert call.talk_s >= 0 and call.hold_s >= 0 and call.wait_s >= 0
    assert not call.ended_at or (not call.ringing and not call.live_channels and call.state == "ended")
    assert before is None or before.started_at >= call.started_at or before.id != call.id


def play(stream: list[bytes], chance: random.Random) -> None:
    """Let a tracker hear the stream, with breaks; afterwards an empty list must leave nothing at all."""
    tracker, last, over, at = Tracker(), dict[Any, Call](), Counter[Any](), MIDNIGHT
    heard: list[Event] = []
    for block in stream:
        at += timedelta(milliseconds=chance.choice((0, 0, 1, 40, 2000)))
        event = translate(parse(block), at) if wanted(block) else None
        heard += [event] if event is not None else []
        heard += breaks(chance) if chance.random() < 0.003 else []
    end = [LinkLost(at, "end"), LinkUp(at, None), ChannelListEnded(at, 0), Resynced(at)]
    for event in (*heard, *end):
        for change in tracker.apply(Heard("pbx", event)):
            assert last.get(change.after.id, change.before) is change.before
            check(change.before, change.after)
            last[change.after.id] = change.after
            over[change.after.id] += change.after.ended_at is not None and (
                change.before is None or change.before.ended_at is None
            )
        if isinstance(event, LinkUp) and event.uptime_s is not None:
            last.clear()  # maybe a restart: then the switchboard counts anew, and an id of before may come again
            over.clear()
    assert not tracker.calls
    assert max(over.values(), default=0) <= 1
    for board in tracker._boards.values():
        assert not board._by_channel and not board._by_linkedid, "an index keeps what is gone"


async def one_round(seed: int) -> int:
    """Play one damaged stream; return how many messages it had."""
    chance = random.Random(seed)
    blocks = [block for _ in range(chance.choice((1, 1, 2))) for block in some(chance)]
    for damage in chance.choices(DAMAGES, k=chance.randint(1, 4)):
        blocks = damage(blocks, chance) or [b"Event: x"]
    found = read(blocks, chance)
    play(found, chance)
    return len(found)


async def fuzz(seconds: float, seed: int) -> int:
    """Play round after round; return the number of findings."""
    start, heard, findings, number = time.monotonic(), 0, 0, seed
    while time.monotonic() - start < seconds:
        try:
            heard += await one_round(number)
        except Exception:
            findings += 1
            print(f"round {number}:\n{traceback.format_exc(limit=-3)}", flush=True)
        number += 1
    took = time.monotonic() - start
    print(f"{number - seed:,} rounds, {heard:,} messages, {took:.0f} s, {findings} findings")
    return findings


def main() -> int:
    """Fuzz for as long as was asked."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=600)
    arguments.add_argument("--seed", type=int, default=0)
    chosen = arguments.parse_args()
    return 1 if asyncio.run(fuzz(chosen.seconds, chosen.seed)) else 0


if __name__ == "__main__":
    sys.exit(main())
