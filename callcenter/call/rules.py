"""Whose channel is this: a phone of ours, the outside world, or plumbing?

Direction follows from these rules and from who dialled, never from the length of a number in the call.

In:      the name of a channel, "PJSIP/1001-0000001f"
Out:     a `Party`: kind, peer name, extension
Source:  Asterisk: TECH/peer-UNIQUE, where only the last dash belongs to Asterisk; Local/x@ctx-UNIQUE;1
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

DEFAULT_EXTENSIONS = re.compile(r"\d{2,6}")

# Technologies that are neither a person nor a line: mixers, spies, announcements, text messages.
PLUMBING = frozenset(
    {"Message", "Surrogate", "CBAnn", "CBRec", "ConfBridgeRecorder", "Announcer", "Bridge", "Snoop"}
    | {"UnicastRTP", "MulticastRTP", "AudioSocket", "WebSocket", "Recorder"}
)


LISTENER = "callcenter-listen-"  # begins the uniqueid of a channel on which somebody listens to a call


class Kind(StrEnum):
    EXTENSION = "extension"  # a phone of ours
    TRUNK = "trunk"  # the outside world
    LOCAL = "local"  # half of a Local channel: a pipe, nobody listens there
    PLUMBING = "plumbing"  # belongs to no call


class Party(NamedTuple):
    kind: Kind
    peer: str  # "1001", "trunk", "1001@from-queue"
    extension: str | None


@dataclass(frozen=True)
class Rules:
    """Which peers are extensions and which are trunks, per switchboard.

    Both expressions must match the whole peer name, or the whole "TECH/peer". A peer that `trunks` matches
    is a trunk; else one that `extensions` matches is an extension (its number is the group of that name or
    the first group, else the peer name); every other peer is a trunk.
    """

    extensions: re.Pattern[str] = DEFAULT_EXTENSIONS
    trunks: re.Pattern[str] | None = None
    _known: dict[str, Party] = field(default_factory=dict, repr=False, compare=False)

    def party(self, channel: str) -> Party:
        """Say whose channel this is; remembered by peer, there are only as many as phones and trunks."""
        device = device_of(channel)
        party = self._known.get(device)
        if party is None:
            party = self._classify(device)
            if party.kind is not Kind.LOCAL:  # their names are not bounded
                self._known[device] = party
        return party

    def _classify(self, device: str) -> Party:
        tech, _, peer = device.partition("/")
        if tech == "Local":
            return Party(Kind.LOCAL, peer, None)
        if tech in PLUMBING:
            return Party(Kind.PLUMBING, peer, None)
        if self.trunks is not None and _whole(self.trunks, peer, device):
            return Party(Kind.TRUNK, peer, None)
        found = _whole(self.extensions, peer, device)
        if found is None:
            return Party(Kind.TRUNK, peer, None)
        named = found.groupdict().get("extension") or (found.group(1) if found.re.groups else None)
        return Party(Kind.EXTENSION, peer, named or peer)


def _whole(pattern: re.Pattern[str], peer: str, device: str) -> re.Match[str] | None:
    return pattern.fullmatch(peer) or pattern.fullmatch(device)


def device_of(channel: str) -> str:
    """Return the device of a channel name: "PJSIP/trunk-a-0000001f" -> "PJSIP/trunk-a"."""
    name = channel[:-2] if channel.endswith((";1", ";2")) else channel
    device, dash, _ = name.rpartition("-")
    return device if dash else name


def twin_name(channel: str) -> str | None:
    """Return the name of the other half of a Local channel, None for any other channel."""
    if not channel.startswith("Local/"):
        return None
    half = {";1": ";2", ";2": ";1"}.get(channel[-2:])
    return channel[:-2] + half if half else None
