"""What one switchboard says, by call, in memory until the call is over.

In:      every message that became an event, our own actions, the link coming and going (`asterisk.witness`)
Out:     `collect`: all that was said about one call
Bounds:  MOST messages of a switchboard: beyond it the longest tapes are emptied; what is lost is counted
Raises:  nothing

A message is kept under the linkedid it shows. A call has several when channels of two calls meet, and some
messages show only a channel: `collect` asks under all names of the call. What shows neither (a login, the end of
a list, two bridges made one) is kept apart, and belongs to the calls of its time that it can be about.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile

from asterisk.protocol import Value
from asterisk.wire import parse
from callcenter.call import Call
from callcenter.call.rules import device_of
from callcenter.flight.tape import Said

MOST = 100_000  # messages of a switchboard, about 80 MB; a call makes 50 to 100
MOST_APART = 1_000
IDLE = timedelta(minutes=10)  # what belongs to no call and says nothing more is forgotten

# Where messages without `Linkedid` show whose they are; the last ones only a channel or a bridge.
LINKEDIDS = (
    *("DestLinkedid", "TransfererLinkedid", "TransfereeLinkedid", "OrigTransfererLinkedid"),
    *("SecondTransfererLinkedid", "ParkeeLinkedid", "LocalOneLinkedid", "LocalTwoLinkedid"),
)
CHANNELS = ("Uniqueid", "UniqueID")
NOBODY = "<unknown>"
BRIDGES = re.compile(rb"\r\n(?:To|From)?BridgeUniqueid: ([^\r]+)")
# Actions that concern a call, and the headers that are kept of them: none of these can hold a secret.
KEPT_OF_ACTIONS = (
    *("Channel", "ExtraChannel", "Exten", "Context", "Priority", "ChannelId", "OtherChannelId", "CallerID"),
    *("Timeout", "Cause", "Parkinglot", "TimeoutChannel", "File", "Direction", "State", "Digit"),
)


Heard = tuple[int, datetime, bytes]  # its place in the stream, when it came, the message


class Tape(list[Heard]):
    """What was said under one id."""

    dropped = 0


@dataclass(frozen=True)
class Collected:
    """All that was said about a call; `dropped`: how many messages there was no room for."""

    call: Call
    heard: tuple[Sequence[Heard], ...]
    apart: Sequence[Heard]
    dropped: int

    @property
    def begins(self) -> bool:
        """Whether the call's beginning was heard: one that a login found going on begins with a list."""
        return not min(tape[0] for tape in self.heard)[2].startswith(b"Event: CoreShowChannel")

    def in_order(self) -> list[Said]:
        """The messages in the order in which they came. Takes a tenth of a millisecond, so not on the loop."""
        own = [each for tape in self.heard for each in tape]
        bridges = {name for _, _, block in own if b"Bridge" in block[:16] for name in BRIDGES.findall(block)}
        apart = [each for each in self.apart if _concerns(each[2], self.call, bridges)]
        return [Said(at, block) for _, at, block in sorted({*own, *apart})]


class Ear:
    """Listens to one switchboard. `id_of` finds the linkedid of a live channel by its name."""

    def __init__(self, id_of: Callable[[str], str | None], most: int = MOST) -> None:
        self._id_of = id_of
        self._most = most
        self._tapes: dict[str, Tape] = {}
        self._apart: deque[Heard] = deque(maxlen=MOST_APART)
        self._up = False
        self.count = 0  # messages so far: the order of the stream
        self._full_at = most  # the message with which there are too many

    # --- asterisk.witness.Witness

    def heard(self, message: Mapping[str, str], block: bytes, at: datetime) -> None:
        """Keep one message. Called for every event, so the usual case comes first and does little."""
        self.count = place = self.count + 1
        linkedid = message.get("Linkedid")
        if not linkedid:
            self._keep_odd(message, block, at)
            return
        try:
            self._tapes[linkedid].append((place, at, block))
        except KeyError:
            self._tapes[linkedid] = Tape([(place, at, block)])
        if place > self._full_at:
            self._make_room()

    def _keep_odd(self, message: Mapping[str, str], block: bytes, at: datetime) -> None:
        ids = {message[name] for name in LINKEDIDS if message.get(name)} or {
            message[name] for name in CHANNELS if message.get(name, NOBODY) != NOBODY
        }
        for one in ids:
            self._keep(one, at, block)
        if not ids and not message.get("Event", "").startswith(("Device", "Queue", "Contact", "Peer")):
            self._apart.append((self.count, at, block))

    def asked(self, action: str, headers: Mapping[str, Value], sent_at: datetime, answer: str) -> None:
        """Keep what we asked for, if it concerns a call."""
        channel = headers.get("Channel")
        linkedid = headers.get("ChannelId") or (self._id_of(channel) if isinstance(channel, str) else None)
        if not isinstance(linkedid, str):
            return
        kept = [f"{name}: {headers[name]}" for name in KEPT_OF_ACTIONS if name in headers]
        lines = [f"Action: {action}", *kept, f"Answer: {_one_line(answer) or 'none'}"]
        self.count += 1
        self._keep(linkedid, sent_at, "\r\n".join(lines).encode())

    # --- the recorder's side

    def link_changed(self, up: bool, at: datetime, why: str) -> None:
        """The link was lost, or is there again."""
        if up == self._up:
            return  # tried once more, or refused for another reason
        self._up = up
        self.count += 1
        block = f"Link: {'up' if up else 'lost'}\r\nReason: {_one_line(why)}"
        self._apart.append((self.count, at, block.encode()))

    def collect(self, call: Call, until: int) -> Collected | None:
        """Take out what was said about `call`, with what was kept apart from its beginning to message `until`.

        None when nothing was said.
        """
        tapes = [tape for tape in self._taken({*call.linkedids, *call.channels}) if tape]
        if not tapes:
            return None
        first, last = min(tape[0][0] for tape in tapes), max(until, *(tape[-1][0] for tape in tapes))
        lately = takewhile(lambda each: each[0] > first, reversed(self._apart))
        apart = [each for each in lately if each[0] <= last]
        return Collected(call, tuple(tapes), apart, sum(tape.dropped for tape in tapes))

    def forget_idle(self, live: Iterable[Call], now: datetime) -> None:
        """Let go of what belongs to no live call: channels of the switchboard's own, calls without people."""
        kept = {name for call in live for name in (*call.linkedids, *call.channels)}
        idle = [
            one
            for one, tape in self._tapes.items()
            if one not in kept and (not tape or now - tape[-1][1] > IDLE)
        ]
        self._taken(idle)

    def _keep(self, one: str, at: datetime, block: bytes) -> None:
        self._tapes.setdefault(one, Tape()).append((self.count, at, block))

    def _make_room(self) -> None:
        """Empty the longest tapes until an eighth is free; that they were longer stays known."""
        kept = sum(map(len, self._tapes.values()))
        for tape in sorted(self._tapes.values(), key=len, reverse=True):
            if kept <= self._most * 7 // 8:
                break
            kept -= len(tape)
            tape.dropped += len(tape)
            tape.clear()
        self._full_at = self.count + self._most - kept

    def _taken(self, ids: Iterable[str]) -> list[Tape]:
        tapes = [tape for one in ids if (tape := self._tapes.pop(one, None)) is not None]
        self._full_at += sum(map(len, tapes))
        return tapes


def _concerns(block: bytes, call: Call, bridges: set[bytes]) -> bool:
    """Say whether a message that shows no channel by its id can be about `call`."""
    if block.startswith(b"Event: OriginateResponse"):  # of one that failed: names only the device
        return call.originated and _device(block) in {device_of(each.name) for each in call.channels.values()}
    if block.startswith(b"Event: Bridge") and (named := BRIDGES.findall(block)):
        return not bridges.isdisjoint(named)
    return True


def _device(block: bytes) -> str:
    tech, _, rest = parse(block).get("Channel", "").partition("/")
    return f"{tech}/{rest.partition('/')[0]}"


def _one_line(text: str) -> str:
    return " ".join(text.split())
