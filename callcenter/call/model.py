"""One conversation: what is known about it at one moment.

Frozen: every step of `apply` makes a new `Call`. Facts are stored (channels, talks, holds), what follows from
them is a property, so that no two answers can contradict each other.

Units:   instants are aware UTC datetimes; `…_s` are seconds as float
"""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

from asterisk.events import ChannelState, DialStatus
from callcenter.call.rules import Kind
from callcenter.call.visit import Mark, Visit

CALLS = uuid.UUID("6f9d2a4e-5c0b-5a3e-9f0e-2f6c1d7b8a90")  # our namespace for ids of calls


def call_id(pbx: str, linkedid: str) -> uuid.UUID:
    """Return the id of the call with this linkedid: the same after a restart of ours, one per switchboard."""
    return uuid.uuid5(CALLS, f"{pbx}\n{linkedid}")


class Direction(StrEnum):
    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class CallState(StrEnum):
    WAITING = "waiting"  # in a menu, a queue or a parking slot: no phone rings, nobody talks to the caller
    RINGING = "ringing"
    DIALLING = "dialling"  # one of ours calls out
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


class Result(StrEnum):
    ANSWERED = "answered"
    ABANDONED = "abandoned"  # the caller hung up in a queue
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"  # the dialling side gave up
    OVERFLOW = "overflow"  # the queue let the caller go
    BLOCKED = "blocked"


class LegResult(StrEnum):
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    ELSEWHERE = "elsewhere"  # somebody else answered
    CANCELLED = "cancelled"  # the caller gave up


class EndedBy(StrEnum):
    REMOTE = "remote"
    OPERATOR = "operator"
    SYSTEM = "system"


class Channel(NamedTuple):
    """One channel of the call, alive or gone. A tuple: it changes with nearly every event and must be cheap."""

    uniqueid: str
    name: str
    kind: Kind
    extension: str | None
    state: ChannelState
    born_at: datetime
    dialler: str | None = None  # uniqueid of the channel that dialled this one
    dialled_at: datetime | None = None  # somebody (or Originate) dialled it
    dialled_number: str | None = None  # what was dialled: by it, if it called us; else to reach it
    twin: str | None = None  # uniqueid of the other half of a Local channel
    rang_at: datetime | None = None
    answered_at: datetime | None = None
    rung_until: datetime | None = None  # ringing is over
    result: LegResult | None = None  # of the ringing
    dial_status: DialStatus | None = None  # as the switchboard put it, the first time
    bridge: str | None = None
    holding: bool = False  # its bridge is a waiting room
    wants_out: bool = False  # its far end asked to hang up
    dropped: bool = False  # the switchboard asked it to
    cause: int = 0
    gone_at: datetime | None = None
    queue: str | None = None  # the queue that rang it

    @property
    def rings(self) -> bool:
        """Whether the phone behind this channel rings now."""
        return self.rang_at is not None and self.rung_until is None and self.gone_at is None


class Leg(NamedTuple):
    """One attempt to reach one phone of ours, or (`rang_at` None) the phone that started the call."""

    uniqueid: str
    channel: str
    extension: str
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    result: LegResult | None


class Talk(NamedTuple):
    """The remote side and one of ours heard each other. `extension` None: forwarded outside to `number`."""

    extension: str | None
    number: str | None
    from_at: datetime
    to_at: datetime | None


class Hold(NamedTuple):
    extension: str
    from_at: datetime
    to_at: datetime | None


class Transfer(NamedTuple):
    kind: str  # blind, attended, park
    sender: str | None
    target: str | None
    at: datetime
    result: str | None  # answered, no_answer; None while open


class Originate(NamedTuple):
    """How far a call started by the switchboard (click-to-call) came."""

    agent_answered_at: datetime | None = None
    reason: int | None = None  # of OriginateResponse: 4 answered, 3 rang out, 5 busy, 0 failed
    failed: bool = False


NOT_ORIGINATED = Originate()


def _no_channels() -> Mapping[str, Channel]:
    return {}


@dataclass(frozen=True, kw_only=True)
class Call:
    """One conversation with all its legs."""

    pbx: str
    linkedids: tuple[str, ...]  # oldest first; the first names the call
    root: str  # uniqueid of the channel that began it
    started_at: datetime
    direction: Direction = Direction.INTERNAL
    remote_number: str | None = None
    remote_name: str | None = None
    withheld: bool = False  # the caller does not want his number shown
    line: str | None = None
    trunk: str | None = None
    dialler: str | None = None  # extension that started the call, dialling or by click
    originated: bool = False  # begun by the switchboard, not by a caller
    tag: str | None = None  # value of CALLCENTER_CALL
    originate: Originate = NOT_ORIGINATED
    queue: str | None = None
    queued_at: datetime | None = None
    queue_left_at: datetime | None = None
    queue_waiting: bool = False  # is in the queue now
    overflowed: bool = False  # the queue let the caller go
    position: int | None = None
    visits: tuple[Visit, ...] = ()  # to queues, in turn
    mark: Mark | None = None  # menu, voicemail: where the dialplan has him
    parked: str | None = None  # slot
    channels: Mapping[str, Channel] = field(default_factory=_no_channels)
    talks: tuple[Talk, ...] = ()
    holds: tuple[Hold, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    recordings: tuple[str, ...] = ()
    hanger: EndedBy | None = None  # who asked first to end what is going on now
    ended_at: datetime | None = None
    ended_reason: str | None = None
    settled: Result | None = None  # set when the call ends
    complete: bool = False  # its end was seen
    vote: int | None = None  # 1 to 5, by the keys of the caller's telephone, after he talked
    voted_at: datetime | None = None
    merged_into: str | None = None  # linkedid of the call that swallowed this one

    def evolve(self, **changes: Any) -> "Call":
        """Return a copy with these changes. `dataclasses.replace` takes 20 times as long on 30 fields."""
        facts = self.__dict__ | changes
        if "linkedids" in changes:
            facts.pop("id", None)  # the cached property
        new = object.__new__(Call)
        object.__setattr__(new, "__dict__", facts)
        return new

    @property
    def linkedid(self) -> str:
        return self.linkedids[0]

    @cached_property
    def id(self) -> uuid.UUID:
        return call_id(self.pbx, self.linkedids[0])

    @property
    def click_to_call(self) -> bool:
        return self.originated and self.dialler is not None

    @property
    def has_people(self) -> bool:
        """False for what the switchboard connects only with itself: Local channels without anybody at their ends."""
        if not self.originated or self.dialler is not None:
            return True
        return any(c.kind is not Kind.LOCAL for c in self.channels.values())

    @property
    def live_channels(self) -> tuple[Channel, ...]:
        return tuple(c for c in self.channels.values() if c.gone_at is None)

    @property
    def recording_uniqueids(self) -> tuple[str, ...]:
        """All uniqueids of the call: files are named after one of them, not always after the first."""
        return tuple(self.channels)

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Phones of ours, in the order in which they joined."""
        return tuple(_leg(c) for c in self.channels.values() if c.extension is not None)

    @property
    def ringing(self) -> frozenset[str]:
        """Extensions whose phone rings now; one with two devices counts until the last stops."""
        return frozenset(c.extension for c in self.channels.values() if c.extension and c.rings)

    @property
    def picked_up(self) -> frozenset[str]:
        """Extensions that answered and are not connected yet: for milliseconds, or while a queue announces."""
        heard, ours = self.operators, (c for c in self.channels.values() if c.extension and c.answered_at)
        return frozenset(c.extension for c in ours if c.gone_at is None and c.extension not in heard)  # type: ignore[misc]

    @property
    def first_rang_at(self) -> datetime | None:
        return min((c.rang_at for c in self.channels.values() if c.extension and c.rang_at), default=None)

    @property
    def rings_since(self) -> datetime | None:
        """When the first of the phones that ring now began to; a call that was passed on rings anew."""
        return min(
            (c.rang_at for c in self.channels.values() if c.extension and c.rings and c.rang_at), default=None
        )

    @property
    def operators(self) -> tuple[str, ...]:
        """Extensions in the order in which they talked, neighbours never equal."""
        names = [talk.extension for talk in self.talks if talk.extension]
        return tuple(n for i, n in enumerate(names) if i == 0 or names[i - 1] != n)

    @property
    def operator(self) -> str | None:
        """The extension that talks now, else the one that talked last."""
        talking = [t.extension for t in self.talks if t.extension and t.to_at is None]
        return talking[-1] if talking else next(reversed(self.operators), None)

    @property
    def talking(self) -> frozenset[str]:
        """Extensions that have the remote side now: they talk, hold it, or consult somebody about it."""
        return (
            frozenset(t.extension for t in self.talks if t.extension and t.to_at is None) or self.consulting
        )

    @property
    def consulting(self) -> frozenset[str]:
        """Extensions that left the remote side waiting to speak to somebody else within this call.

        So it looks when a transfer is made by keys. One made by the phone itself is a call of its own, and the
        first one is on hold meanwhile.
        """
        if not self.talks or self.ended_at is not None or any(t.to_at is None for t in self.talks):
            return frozenset()
        remote = (c for c in self.channels.values() if c.kind is Kind.TRUNK and c.gone_at is None)
        if all(c.wants_out for c in remote):
            return frozenset()  # nobody waits any more
        rooms: dict[str, list[Channel]] = {}
        for channel in self.channels.values():
            if channel.bridge is not None and not channel.holding:
                rooms.setdefault(channel.bridge, []).append(channel)
        heard, aside = self.operators, (room for room in rooms.values() if len(room) > 1)
        return frozenset(c.extension for room in aside for c in room if c.extension in heard)

    @property
    def answered_at(self) -> datetime | None:
        return self.talks[0].from_at if self.talks else None

    @property
    def held_at(self) -> datetime | None:
        """When the hold that is open now began."""
        aside = self.consulting
        if aside:
            return max((t.to_at for t in self.talks if t.to_at and t.extension in aside), default=None)
        return next((h.from_at for h in self.holds if h.to_at is None and h.extension in self.talking), None)

    @property
    def state(self) -> CallState:
        if self.ended_at is not None:
            return CallState.ENDED
        if any(t.to_at is None for t in self.talks):
            return CallState.HELD if self.held_at else CallState.TALKING
        if self.direction is Direction.OUTBOUND and not self.talks:
            return CallState.DIALLING
        if self.consulting:
            return CallState.HELD
        return CallState.RINGING if self.ringing or self.picked_up else CallState.WAITING

    @property
    def result(self) -> Result | None:
        """What became of the call; None while that is open. Once somebody talked it is "answered"."""
        return Result.ANSWERED if self.talks else self.settled

    @property
    def ended_by(self) -> EndedBy | None:
        if self.ended_at is None or self.ended_reason is not None:
            return None
        return self.hanger or EndedBy.SYSTEM

    @property
    def wait_s(self) -> float:
        """From joining the queue (else from the start) to the first talk, or to giving up."""
        since = self.queued_at or self.started_at
        until = self.answered_at or self.ended_at
        return max(0.0, (until - since).total_seconds()) if until else 0.0

    @property
    def hold_s(self) -> float:
        """How long the remote side was on hold: within a talk, or between two (hold from the desk)."""
        return _length(_union(_spans(self.holds)))

    @property
    def talk_s(self) -> float:
        """How long the remote side was connected to somebody, holds excluded; open talks count as nothing."""
        return max(
            0.0, _length(_union(_spans(self.talks))) - _overlap(_spans(self.holds), _spans(self.talks))
        )


Span = tuple[datetime, datetime]


def _spans(items: tuple[Talk, ...] | tuple[Hold, ...]) -> list[Span]:
    return [(item.from_at, item.to_at) for item in items if item.to_at is not None]


def _union(spans: list[Span]) -> list[Span]:
    joined: list[Span] = []
    for start, end in sorted(spans):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _length(spans: list[Span]) -> float:
    return sum(((end - start).total_seconds() for start, end in spans), 0.0)


def _overlap(one: list[Span], other: list[Span]) -> float:
    ours, theirs = _union(one), _union(other)
    shared = [(max(a, c), min(b, d)) for a, b in ours for c, d in theirs]
    return _length([(start, end) for start, end in shared if start < end])


def _leg(c: Channel) -> Leg:
    ended_at = c.gone_at if c.result in (None, LegResult.ANSWERED) else c.rung_until or c.gone_at
    return Leg(c.uniqueid, c.name, c.extension or "", c.rang_at, c.answered_at, ended_at, c.result)
