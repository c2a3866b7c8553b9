"""What must hold for any stream: cut anywhere, with noise, doubled, damaged, mixed with others."""

import random
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asterisk.events import Event, Heard, views
from asterisk.translate import parse, translate, wanted
from asterisk.wire import END, Cutter
from callcenter.call import from_json, report, to_json
from callcenter.tracker import Tracker
from tests.callcenter.streams import (
    MIDNIGHT,
    NAMES,
    WHOLE,
    files_of,
    folder_of,
    heard,
    shuffled,
    subjects,
    told,
    tracked,
    with_gap,
)

START = MIDNIGHT
SEEDS = st.integers(0, 2**32)


def capture(name: str) -> bytes:
    return files_of(folder_of(name))[0][0].read_bytes()


UTF8 = capture("q")
BLOCKS = UTF8.split(END)


@given(st.lists(st.integers(0, len(UTF8)), max_size=60))
@settings(max_examples=40, deadline=None)
def test_a_stream_cut_anywhere_gives_the_same_messages(cuts: list[int]) -> None:
    cutter, blocks = Cutter(), []
    edges = [0, *sorted(cuts), len(UTF8)]
    for start, end in pairwise(edges):
        blocks += cutter.feed(UTF8[start:end])
    assert [*blocks, cutter.rest] == BLOCKS


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
    block = BLOCKS[where % len(BLOCKS)]
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


@given(st.sampled_from(NAMES), st.integers(1, 5000), SEEDS)
@settings(max_examples=25, deadline=None)
def test_bytes_cut_into_any_chunks_are_the_same_calls(name: str, longest: int, seed: int) -> None:
    chance = random.Random(seed)
    data, cutter, stream = capture(name), Cutter(), []
    while data:
        piece, data = data[: (n := chance.randint(1, longest))], data[n:]
        for block in cutter.feed(piece):
            event = translate(parse(block), START) if wanted(block) else None
            stream += [event] if event else []
    at_once = [translate(parse(b), START) for b in capture(name).split(END)[:-1] if wanted(b)]
    assert stream == [event for event in at_once if event]


@pytest.mark.parametrize("name", NAMES)
def test_events_said_twice_change_nothing(name: str) -> None:
    stream = heard(name)
    once, twice = tracked(stream), tracked([event for event in stream for _ in (1, 2)])
    assert [report(c) for c in once.values()] == [report(c) for c in twice.values()]


@pytest.mark.parametrize("name", NAMES)
def test_the_story_does_not_change_when_some_events_are_said_twice(name: str) -> None:
    chance = random.Random(name)
    stream = [event for event in heard(name) for _ in range(chance.choice((1, 1, 2, 3)))]
    assert told(tracked(stream)) == told(tracked(heard(name)))


@given(st.sampled_from(WHOLE), SEEDS)
@settings(max_examples=60, deadline=None)
def test_who_speaks_first_at_one_moment_does_not_matter(name: str, seed: int) -> None:
    """Asterisk keeps the order of each channel, not that among channels: see `streams.may_swap`."""
    chance = random.Random(seed)
    stream = shuffled(heard(name), chance, 3 * len(heard(name)))
    assert told(tracked(stream)) == told(tracked(heard(name)))


@given(st.sampled_from(WHOLE), SEEDS)
@settings(max_examples=80, deadline=None)
def test_after_a_gap_the_lists_tell_who_lives_and_no_call_stays_open(name: str, seed: int) -> None:
    chance = random.Random(seed)
    stream = heard(name)
    lost = chance.randrange(1, len(stream))
    back = min(len(stream), lost + int(chance.expovariate(1 / 40)))
    before, after, channels = with_gap(stream, lost, back)
    tracker, calls, ended = Tracker(), {}, Counter[Any]()
    for i, event in enumerate([*before, *after]):
        for change in tracker.apply(Heard("pbx", event)):
            calls[change.after.id] = change.after
            ended[change.after.id] += change.after.ended_at is not None and not (
                change.before and change.before.ended_at
            )
        if i == len(before) - 1:
            alive = [{c.uniqueid for c in call.live_channels} for call in tracker.calls.values()]
            assert all(people & set(channels.views) for people in alive)
            assert channels.people() <= set().union(*alive)
    assert not tracker.calls
    assert set(ended.values()) <= {1}
    compare_with_the_whole(name, told(calls), stream[lost:back])


def compare_with_the_whole(name: str, found: dict[str, Any], unheard: Iterable[Event]) -> None:
    """No call may be told twice; one of which nothing went unheard must be told as if there had been no gap."""
    missed = set().union(*(linkedids(event) for event in unheard))
    known = list(told(tracked(heard(name))).values())
    for call in found.values():
        (same,) = [k for k in known if set(k["linkedids"]) & set(call["linkedids"])]
        if not missed & set(same["linkedids"]) and not same["click_to_call"]:
            assert call == same
    ids = [linkedid for call in found.values() for linkedid in call["linkedids"]]
    assert len(ids) == len(set(ids))


def linkedids(event: Event) -> set[str]:
    return {view.linkedid for view in views(event)} | {getattr(event, "linkedid", "")} - {""}


@given(st.sampled_from(NAMES), SEEDS)
@settings(max_examples=40, deadline=None)
def test_what_is_damaged_costs_itself_only(name: str, seed: int) -> None:
    """Rubbish between two messages costs at most the message after it, whatever it is."""
    chance = random.Random(seed)
    blocks = [b for b in capture(name).split(END) if wanted(b)][:200]
    rubbish = [chance.randbytes(chance.randint(1, 300)) for _ in blocks]
    cutter, found = Cutter(), []
    for block, noise in zip(blocks, rubbish, strict=True):
        found += cutter.feed((noise + END if chance.random() < 0.5 else b"") + block + END)
    assert [b for b in found if b in set(blocks)] == blocks


@pytest.mark.parametrize("name", WHOLE)
def test_no_two_events_of_one_channel_are_exchanged(name: str) -> None:
    mixed = shuffled(heard(name), random.Random(1), 3 * len(heard(name)))
    for subject in set().union(*map(subjects, heard(name))):
        mine = [event for event in heard(name) if subject in subjects(event)]
        assert [event for event in mixed if subject in subjects(event)] == mine


@given(SEEDS, st.sampled_from(NAMES))
@settings(max_examples=60, deadline=None)
def test_lost_and_shuffled_events_never_crash_and_every_call_ends_at_most_once(seed: int, name: str) -> None:
    chance = random.Random(seed)
    stream = [event for event in heard(name) if chance.random() > 0.2]
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


@given(SEEDS)
@settings(max_examples=15, deadline=None)
def test_independent_calls_may_be_mixed_in_any_way(seed: int) -> None:
    """Weave captures together; the order within each stays, as it does on the wire."""
    chance = random.Random(seed)
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
