"""Captures as streams of events, and the ways in which a switchboard may say the same thing otherwise.

In:      the captures under tests/traces
Out:     events; streams with events doubled, with neighbours exchanged, with a gap and the lists after it
"""

import random
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from asterisk import events as e
from asterisk.events import ChannelView, Event, Heard, views
from asterisk.wire import END
from callcenter.call import Call, Kind, Rules, report
from callcenter.call.rules import LISTENER
from callcenter.replay import events
from callcenter.tracker import Tracker

TRACES = Path(__file__).parent.parent / "traces"
NAMES = sorted(folder.name for folder in TRACES.iterdir() if (folder / "truth.json").exists())
WHOLE = [name for name in NAMES if len(list((TRACES / name).glob("*.ami"))) == 1]  # the link was never lost

AT_ONCE = timedelta(milliseconds=5)  # sources that speak within this time may be heard in any order
LITE = {b"system", b"call", b"agent", b"user", b"cdr"}  # the classes of an account with few rights
TIMES = {"wait_s", "talk_s", "hold_s", "started_at", "answered_at", "ended_at"}


def folder_of(name: str) -> Path:
    return next(f for f in TRACES.iterdir() if f.name == name or f.name.startswith(f"{name}-"))


def files_of(folder: Path) -> tuple[list[Path], list[Path]]:
    return sorted(folder.glob("*.ami")), sorted(folder.glob("chunks*.jsonl"))


def messages(name: str) -> list[bytes]:
    """Return the messages of all connections of a capture."""
    return [block for file in files_of(folder_of(name))[0] for block in file.read_bytes().split(END)]


@cache
def heard(name: str) -> tuple[Event, ...]:
    return tuple(events(*files_of(folder_of(name))))


def tracked(stream: Iterable[Event]) -> dict[Any, Call]:
    tracker, calls = Tracker(), {}
    for event in stream:
        for change in tracker.apply(Heard("pbx", event)):
            calls[change.after.id] = change.after
    return calls


def told(calls: dict[Any, Call]) -> dict[str, dict[str, Any]]:
    """Return what the reports say apart from times, by linkedid; lists without an order of their own sorted."""
    own = [report(call) for call in calls.values() if call.merged_into is None]
    return {line["linkedid"]: _timeless(line) for line in own}


def _timeless(line: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in line.items() if name not in TIMES}
    kept["rang"] = sorted((r["extension"], r["result"] or "") for r in line["rang"])
    kept["linkedids"], kept["recordings"] = sorted(line["linkedids"]), sorted(line["recordings"])
    kept["queues"] = [(q["queue"], q["outcome"]) for q in line.get("queues", [])]
    return kept


def is_lite(block: bytes) -> bool:
    """Say whether an account with the classes LITE is sent this message."""
    start = block.find(b"Privilege: ")
    if start < 0:
        return True
    classes = block[start + 11 : block.find(b"\r\n", start)].split(b",")
    return bool(LITE & set(classes))


# --- the same, said otherwise ---------------------------------------------------------------------------


def subjects(event: Event) -> set[str]:
    """Return the channels and bridges that an event is about."""
    found = {view.uniqueid for view in views(event)}
    for name in ("uniqueid", "channel_uniqueid", "bridge", "kept", "emptied", "swapped"):
        value = getattr(event, name, None)
        found |= {value} if isinstance(value, str) else set()
    return found


CHANNELS_OWN = (
    e.ChannelCreated,
    e.ChannelStateChanged,
    e.CallerIdChanged,
    e.DialBegan,
    e.DialProgressed,
    e.AgentCalled,
    e.RecordingNamed,
    e.ChannelHeld,
    e.ChannelUnheld,
    e.BridgeEntered,
    e.BridgeLeft,
    e.ChannelHungUp,
    e.DialEnded,
    e.LocalBridged,
    e.AgentConnected,
    e.AgentRangOut,
    e.OriginateEnded,
    e.ChannelRenamed,
    e.QueueJoined,
    e.QueueLeft,
    e.LineNamed,
    e.ChannelTagged,
)


def may_swap(one: Event, two: Event) -> bool:
    """Say whether Asterisk may tell of `two` before `one`: other channels, at the same time, no cause and effect.

    The order in which two people ask to hang up, and what a queue says of a caller, is news and stays.
    """
    kinds = isinstance(one, CHANNELS_OWN) and isinstance(two, CHANNELS_OWN)
    return kinds and two.at - one.at <= AT_ONCE and not subjects(one) & subjects(two)


def shuffled(stream: Sequence[Event], chance: random.Random, swaps: int) -> list[Event]:
    """Return the stream with up to `swaps` neighbours exchanged where that is allowed."""
    mixed = list(stream)
    for _ in range(swaps):
        i = chance.randrange(len(mixed) - 1)
        if may_swap(mixed[i], mixed[i + 1]):
            mixed[i], mixed[i + 1] = mixed[i + 1], mixed[i]
    return mixed


# --- a gap, and the lists after it ----------------------------------------------------------------------


class Channels:
    """What CoreShowChannels would say after each event."""

    def __init__(self) -> None:
        self.views: dict[str, ChannelView] = {}
        self.born: dict[str, datetime] = {}
        self.bridges: dict[str, str] = {}
        self.dialled: set[str] = set()
        self.queues: dict[str, str] = {}

    def hear(self, event: Event) -> None:
        for view in views(event):
            if view.uniqueid in self.views:
                self.views[view.uniqueid] = view
        match event:
            case e.ChannelCreated(channel=view):
                self.views[view.uniqueid], self.born[view.uniqueid] = view, event.at
            case e.ChannelHungUp(channel=view):
                self.views.pop(view.uniqueid, None)
            case e.DialBegan(callee=view):
                self.dialled.add(view.uniqueid)
            case e.BridgeEntered(bridge=bridge, channel=view, swapped=swapped):
                self.bridges[view.uniqueid] = bridge
                self.bridges.pop(swapped or "", None)
            case e.BridgeLeft(bridge=bridge, channel=view) if self.bridges.get(view.uniqueid) == bridge:
                del self.bridges[view.uniqueid]
            case e.QueueJoined(channel=view, queue=queue):
                self.queues[view.uniqueid] = queue
            case e.QueueLeft(channel=view):
                self.queues.pop(view.uniqueid, None)
            case e.ChannelRenamed(uniqueid=uniqueid, name=name) if uniqueid in self.views:
                self.views[uniqueid] = self.views[uniqueid]._replace(name=name)

    def people(self) -> set[str]:
        """Return the channels that belong to a call: neither plumbing nor a pipe, nor somebody who only listens."""
        kinds = {
            uid: Rules().party(view.name).kind
            for uid, view in self.views.items()
            if not (uid.startswith(LISTENER) and view.linkedid == uid)
        }
        return {uid for uid, kind in kinds.items() if kind in (Kind.EXTENSION, Kind.TRUNK)}

    def listed(self, at: datetime) -> list[Event]:
        found: list[Event] = []
        for uid, view in self.views.items():
            application = "AppDial" if uid in self.dialled else "Queue" if uid in self.queues else ""
            age_s = int((at - self.born[uid]).total_seconds())
            bridge = self.bridges.get(uid)
            found.append(e.ChannelListed(at, view, bridge, age_s, application, self.queues.get(uid, "")))
        return [*found, e.ChannelListEnded(at, len(found))]


def with_gap(stream: Sequence[Event], lost: int, back: int) -> tuple[list[Event], list[Event], Channels]:
    """Return the stream before `lost` with the login at `back`, the stream from there on, and who lives then."""
    channels = Channels()
    for event in stream[:back]:
        channels.hear(event)
    lost_at, back_at = stream[max(lost - 1, 0)].at, stream[back - 1].at
    login = [e.LinkLost(lost_at, "cut"), e.LinkUp(back_at, 86_400.0), *channels.listed(back_at)]
    return [*stream[:lost], *login, e.Resynced(back_at)], list(stream[back:]), channels


def later(event: Event, seconds: float) -> Event:
    return replace(event, at=event.at + timedelta(seconds=seconds))


MIDNIGHT = datetime(2026, 11, 21, tzinfo=UTC)
