"""The memory of one switchboard: its live calls, and by which channel, linkedid or bridge each is found."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from asterisk.events import ChannelListed, ChannelView, OriginateEnded
from callcenter.call import Call, Kind, Rules
from callcenter.call.origin import originate_matches
from callcenter.call.rules import LISTENER

REMEMBERED = 500  # ended calls kept for what comes late
NOBODY = ""  # names no call
LATE = timedelta(seconds=10)  # an Originate says how it ended within this time of the hangup


@dataclass
class Board:
    """What is known of one switchboard. Calls are kept by the linkedid that names them: texts are hashed once."""

    pbx: str
    rules: Rules
    calls: dict[str, Call] = field(default_factory=dict)  # live
    ended: OrderedDict[str, Call] = field(default_factory=OrderedDict)
    lost_at: datetime | None = None
    resyncing: bool = False  # between a login and the list of channels
    alive: set[str] = field(default_factory=set)  # uniqueids listed or heard of since the login
    foundlings: list[ChannelListed] = field(default_factory=list)  # listed, of calls nobody heard begin
    _by_channel: dict[str, str] = field(default_factory=dict)
    _by_linkedid: dict[str, str] = field(default_factory=dict)
    _by_bridge: OrderedDict[str, str] = field(default_factory=OrderedDict)
    _dead: OrderedDict[str, None] = field(default_factory=OrderedDict)  # uniqueids of channels hung up
    _over: OrderedDict[str, str] = field(default_factory=OrderedDict)  # linkedids of ended calls

    def ignores(self, view: ChannelView) -> bool:
        """Say whether this channel is gone already, or belongs to no call at all."""
        if view.uniqueid in self._by_channel:
            return False
        if view.uniqueid.startswith(LISTENER) and view.linkedid in ("", view.uniqueid):
            return True  # listens; once it takes the call over it bears that call's linkedid
        return view.uniqueid in self._dead or self.rules.party(view.name).kind is Kind.PLUMBING

    def is_over(self, linkedid: str) -> bool:
        return linkedid in self._over

    def of_channel(self, uniqueid: str) -> Call | None:
        return self.calls.get(self._by_channel.get(uniqueid, NOBODY))

    def of_linkedid(self, linkedid: str) -> Call | None:
        return self.calls.get(self._by_linkedid.get(linkedid, NOBODY))

    def in_bridge(self, bridge: str) -> Call | None:
        return self.calls.get(self._by_bridge.get(bridge, NOBODY))

    def ended_with(self, linkedid: str) -> Call | None:
        return self.ended.get(self._over.get(linkedid, NOBODY))

    def live(self) -> list[Call]:
        return list(self.calls.values())

    def originated_by(self, event: OriginateEnded) -> Call | None:
        """Return the call of a failed Originate, which names its channel without number, if only one fits."""
        heard = (c for c in self.ended.values() if c.ended_at and c.ended_reason is None)
        recent = (c for c in heard if c.ended_at and event.at - c.ended_at < LATE)
        fitting = [c for c in (*self.live(), *recent) if originate_matches(c, event)]
        return fitting[0] if len(fitting) == 1 else None

    def keep(self, call: Call) -> None:
        """Remember a live call under all its names."""
        self.calls[call.linkedid] = call
        for linkedid in call.linkedids:
            self._by_linkedid[linkedid] = call.linkedid
        self.note_channels(call, (c.uniqueid for c in call.live_channels))

    def restore(self, call: Call) -> None:
        """Take up a live call from the database, with the bridges in which it was."""
        self.keep(call)
        for channel in call.live_channels:
            if channel.bridge is not None and not channel.holding:
                self.note_bridge(channel.bridge, call)

    def note_channels(self, call: Call, uniqueids: Iterable[str]) -> None:
        self._by_channel.update(dict.fromkeys(uniqueids, call.linkedid))

    def note_bridge(self, bridge: str, call: Call) -> None:
        self._by_bridge[bridge] = call.linkedid
        _shorten(self._by_bridge, 10 * REMEMBERED)

    def forget(self, call: Call) -> None:
        """Move an ended call aside, where late events still find it for a while."""
        self.calls.pop(call.linkedid, None)
        self.ended[call.linkedid] = call
        if call.merged_into is None:
            for linkedid in call.linkedids:
                self._by_linkedid.pop(linkedid, None)
                self._over[linkedid] = call.linkedid
            for uniqueid in call.channels:
                self.bury(uniqueid)
        _shorten(self.ended, REMEMBERED)
        _shorten(self._over, 10 * REMEMBERED)

    def begin_anew(self) -> None:
        """The switchboard counts its channels anew: names of before mean nothing any more."""
        self.ended.clear()
        self._dead.clear()
        self._over.clear()
        self._by_bridge.clear()

    def bury(self, uniqueid: str) -> None:
        """Remember that this channel is gone: nothing said about it later makes a call."""
        self._by_channel.pop(uniqueid, None)
        self._dead[uniqueid] = None
        _shorten(self._dead, 40 * REMEMBERED)


def _shorten(memory: OrderedDict[Any, Any], longest: int) -> None:
    while len(memory) > longest:
        memory.popitem(last=False)
