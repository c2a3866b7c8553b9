"""A switchboard's own records -> the calls that they are. Pure.

In:      rows of CEL or CDR of one switchboard, in the order in which they were written
Out:     one `Recovered` for every call whose beginning is among them
The rows are told as events and go through the same tracker that hears a link, so that direction, line, operator
and result follow from the same rules. What the rows can not tell is named in `unknown` and never made up.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from asterisk import cdr, cel
from asterisk.cdr import CdrRow
from asterisk.cel import CelRow
from asterisk.events import Event, Heard
from callcenter.call import Call, Direction, LegResult, Rules, end
from callcenter.call.ending import UNREACHABLE_CAUSES
from callcenter.tracker import Tracker
from crm_core.call import Origin

STOPPED = "the switchboard was stopped"
NUMBERED = re.compile(r"(?:.*-)?(\d{9,})\.(\d+)")
MIXED_UP = 20  # channels that begin together may be written down in another order
FORGOTTEN = timedelta(hours=12)  # no call goes on for so long without a row of ours


class Ending(StrEnum):
    SEEN = "seen"
    CUT = "cut"  # the switchboard was started anew before an end was written
    OPEN = "open"  # no end is written, and nothing says that there was one


@dataclass(frozen=True, kw_only=True)
class Recovered:
    """A call as the switchboard wrote it down."""

    call: Call
    origin: Origin
    ending: Ending
    unknown: frozenset[str]  # columns of the call's row

    @property
    def names(self) -> frozenset[str]:
        """Every name under which we may have this call."""
        return frozenset((*self.call.linkedids, *self.call.channels))


def from_cel(pbx: str, rows: Sequence[CelRow], rules: Rules, *, now: datetime) -> list[Recovered]:
    """Return the calls of these rows, the oldest first."""
    begun = {row.uniqueid for row in rows if row.kind == "CHAN_START"}
    last_at: dict[str, datetime] = {}
    for row in rows:
        last_at[row.uniqueid] = row.at
    boots = [*_boots(rows), now - FORGOTTEN]
    tells_holds = any(row.kind == "STREAM_BEGIN" for row in rows)
    unknown = frozenset() if tells_holds else frozenset({"hold_s"})
    found = []
    for call in _calls(pbx, cel.events(rows), rules):
        if call.root not in begun:
            continue  # it began before these rows
        seen_at = max(last_at.get(uniqueid, call.started_at) for uniqueid in (call.root, *call.channels))
        found.append(_ended(call, Origin.CEL, seen_at, boots, unknown))
    return found


def from_cdr(pbx: str, rows: Iterable[CdrRow], rules: Rules, lines: frozenset[str]) -> list[Recovered]:
    """Return the calls of these rows, the oldest first. `lines`: our numbers, as that switchboard knows them.

    Which number was dialled is not told by a CDR without the column `did`: `dst` may be the target of a transfer.
    """
    by_call: dict[str, list[CdrRow]] = {}
    for row in rows:
        by_call.setdefault(row.linkedid, []).append(row)
    found = []
    for call in _calls(pbx, cdr.events(row for rows in by_call.values() for row in rows), rules):
        own = by_call[call.linkedid]
        sure = any(row.did for row in own) or call.line in lines
        if call.direction is Direction.INBOUND and not sure:
            call = call.evolve(line=None)
        unknown = frozenset({"hold_s", "ended_by"}) | _untold_times(call, own)
        found.append(Recovered(call=call, origin=Origin.CDR, ending=Ending.SEEN, unknown=unknown))
    return found


def _calls(pbx: str, events: Iterable[Event], rules: Rules) -> list[Call]:
    """Return what the tracker makes of these events; without what the switchboard does with itself alone."""
    tracker = Tracker({pbx: rules})
    calls: dict[object, Call] = {}
    for event in events:
        for change in tracker.apply(Heard(pbx, event)):
            if change.before is not None and change.before.id != change.after.id:
                calls.pop(change.before.id, None)
            calls[change.after.id] = change.after
    own = (_told(call) for call in calls.values() if call.merged_into is None and call.has_people)
    return sorted(own, key=lambda call: (call.started_at, call.linkedid))


def _told(call: Call) -> Call:
    """Return the call without what only somebody who heard its phones ring could say."""
    channels = {
        uniqueid: channel._replace(result=None)
        if channel.result is LegResult.UNAVAILABLE and channel.cause not in (*UNREACHABLE_CAUSES, 20)
        else channel
        for uniqueid, channel in call.channels.items()
    }
    return call.evolve(channels=channels)


def _ended(
    call: Call, origin: Origin, seen_at: datetime, boots: Sequence[datetime], unknown: frozenset[str]
) -> Recovered:
    if call.ended_at is not None:
        return Recovered(call=call, origin=origin, ending=Ending.SEEN, unknown=unknown)
    cut = any(boot > seen_at for boot in boots)
    call = end(call, seen_at, STOPPED) if cut else call
    return Recovered(call=call, origin=origin, ending=Ending.CUT if cut else Ending.OPEN, unknown=unknown)


def _boots(rows: Sequence[CelRow]) -> Iterator[datetime]:
    """Yield when the switchboard began to count its channels anew: whatever had no end by then was cut."""
    highest, since = -1, 0
    for row in rows:
        named = NUMBERED.fullmatch(row.uniqueid) if row.kind == "CHAN_START" else None
        if named is None:
            continue
        second, number = int(named[1]), int(named[2])
        if second >= since and (0 == number < highest or number + MIXED_UP < highest):
            yield row.at
            highest = -1
        highest, since = max(highest, number), max(since, second)


def _untold_times(call: Call, rows: Sequence[CdrRow]) -> frozenset[str]:
    """Name the times that these rows do not tell.

    A queue that was answered before counts as answered from there, and so does a channel that was up already
    when it dialled; a phone of ours may have been rung itself first, by a click. So only an answer that came
    to somebody outside while one of ours rang is the answer.
    """
    answered = [row for row in rows if row.answered and not row.channel.startswith("Local/")]
    plain = call.direction is Direction.INBOUND and all(
        row.application == "Dial"
        and row.answer is not None
        and row.answer - row.start >= timedelta(seconds=1)
        for row in answered
    )
    if call.talks and not (answered and plain):
        return frozenset({"answered_at", "wait_s", "talk_s"})
    return frozenset({"wait_s"}) if call.queue is not None else frozenset()
