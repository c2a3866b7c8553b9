"""What must hold for any stream: cut anywhere, with noise, doubled, damaged, mixed with others."""

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk.events import Event, Heard, views
from asterisk.translate import parse, translate, wanted
from asterisk.wire import END, Cutter
from callcenter.call import Call, from_json, report, to_json
from callcenter.replay import events
from callcenter.tracker import Tracker

TRACES = Path(__file__).parent.parent / "traces"
START = datetime(2026, 11, 21, tzinfo=UTC)


def capture(letter: str) -> bytes:
    return next(next(TRACES.glob(f"{letter}-*")).glob("*.ami")).read_bytes()


@cache
def heard(letter: str) -> tuple[Event, ...]:
    folder = next(TRACES.glob(f"{letter}-*"))
    return tuple(events(sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))))


def tracked(stream: Iterable[Event]) -> dict[Any, Call]:
    tracker, calls = Tracker(), {}
    for event in stream:
        for change in tracker.apply(Heard("pbx", event)):
            calls[change.after.id] = change.after
    return calls


UTF8 = capture("q")
WHOLE = UTF8.split(END)


@given(st.lists(st.integers(0, len(UTF8)), max_size=60))
@settings(max_examples=40, deadline=None)
def test_a_stream_cut_anywhere_gives_the_same_messages(cuts: list[int]) -> None:
    cutter, blocks = Cutter(), []
    edges = [0, *sorted(cuts), len(UTF8)]
    for start, end in pairwise(edges):
        blocks += cutter.feed(UTF8[start:end])
    assert [*blocks, cutter.rest] == WHOLE


@pytest.mark.parametrize("letter", ["q", "w1"])
def test_a_stream_that_comes_byte_by_byte_gives_the_same_calls(letter: str) -> None:
    data, cutter, stream = capture(letter), Cutter(), []
    for i in range(len(data)):
        for block in cutter.feed(data[i : i + 1]):
            event = translate(parse(block), START) if wanted(block) else None
            stream += [event] if event else []
    at_once = [translate(parse(b), START) for b in data.split(END) if wanted(b)]
    assert stream == [event for event in at_once if event]
    names = {call.remote_name for call in tracked(stream).values()}
    assert letter != "q" or {"ООО «Ромашка»", "Иван Петров", "Jürgen Groß"} <= names


@given(st.binary(max_size=400), st.integers(0, 10_000))
@settings(max_examples=200, deadline=None)
def test_no_bytes_are_too_broken_to_be_read(noise: bytes, where: int) -> None:
    block = WHOLE[where % len(WHOLE)]
    damaged = block[: where % (len(block) + 1)] + noise + block[where % (len(block) + 1) :]
    wanted(damaged)
    event = translate(parse(damaged), START)
    if event is not None:
        Tracker().apply(Heard("pbx", event))


def test_bytes_that_are_no_utf8_are_replaced_and_the_rest_is_kept() -> None:
    block = (
        b"Event: Newchannel\r\nChannel: PJSIP/t-1\r\nUniqueid: 1.1\r\nCallerIDName: \xd0\xff Anna\r\nExten:"
    )
    message = parse(block)
    assert message["CallerIDName"] == "�� Anna"
    assert message["Exten"] == ""


@pytest.mark.parametrize("letter", ["a", "c", "d", "i", "m", "w1", "w3", "z"])
def test_events_said_twice_change_nothing(letter: str) -> None:
    stream = heard(letter)
    once, twice = tracked(stream), tracked([event for event in stream for _ in (1, 2)])
    assert [report(c) for c in once.values()] == [report(c) for c in twice.values()]


@given(st.randoms(use_true_random=False), st.sampled_from(["c", "i", "m", "o", "u", "w1", "w3", "z"]))
@settings(max_examples=60, deadline=None)
def test_lost_and_shuffled_events_never_crash_and_every_call_ends_at_most_once(
    chance: random.Random, letter: str
) -> None:
    stream = [event for event in heard(letter) if chance.random() > 0.2]
    for _ in range(min(20, len(stream) - 1)):
        i = chance.randrange(len(stream) - 1)
        stream[i], stream[i + 1] = stream[i + 1], stream[i]
    tracker, over = Tracker(), set()
    for event in stream:
        for change in tracker.apply(Heard("pbx", event)):
            call = change.after
            assert from_json(to_json(call)) == call
            assert call.talk_s >= 0 and call.hold_s >= 0 and call.wait_s >= 0
            assert not call.ended_at or not call.ringing
            if call.ended_at and (change.before is None or not change.before.ended_at):
                assert call.id not in over
                over.add(call.id)


@given(st.randoms(use_true_random=False))
@settings(max_examples=15, deadline=None)
def test_independent_calls_may_be_mixed_in_any_way(chance: random.Random) -> None:
    """Weave captures together; the order within each stays, as it does on the wire."""
    queues = [[e for e in heard(letter) if views(e) or "Named" in type(e).__name__] for letter in "acegmz"]
    alone = {k: v for stream in queues for k, v in tracked(stream).items()}
    woven = []
    left = [list(reversed(q)) for q in queues]
    while any(left):
        woven.append(chance.choice([q for q in left if q]).pop())
    together = tracked(woven)
    assert {k: report(c) for k, c in together.items()} == {k: report(c) for k, c in alone.items()}


@pytest.mark.parametrize("letter", ["a", "w1"])
def test_twenty_calls_at_once_are_told_apart(letter: str) -> None:
    """The same capture twenty times under other ids, half a second apart."""
    text = capture(letter)
    streams = []
    for n in range(20):
        other = text.replace(b"1795", b"%04d" % (2000 + n)).replace(b"-4", b"-%x" % (n + 0x40))
        blocks = [b for b in other.split(END) if wanted(b)]
        found = (
            translate(parse(b), START + timedelta(seconds=0.5 * n, milliseconds=i))
            for i, b in enumerate(blocks)
        )
        streams += [(event.at, n, event) for event in found if event]
    woven = [event for _, _, event in sorted(streams, key=lambda item: item[:2])]
    calls, one = tracked(woven), tracked([e for _, n, e in streams if n == 0])
    assert len(calls) == 20 * len(one)
    told = [(r["result"], tuple(r["operators"]), len(r["rang"])) for r in map(report, calls.values())]
    assert set(told) == {
        (r["result"], tuple(r["operators"]), len(r["rang"])) for r in map(report, one.values())
    }
