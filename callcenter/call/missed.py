"""Where a missed call died. Pure: one answer for one call, the last place that its caller came to.

Missed is every call from outside that is over and in which nobody talked. Who reaches a queue with nobody signed
in, or only phones that are busy or not connected, has died because all were busy. Without class dialplan menus
and voicemail are not heard: who was picked up and reached neither queue nor phone then counts as in a menu.
"""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum

from asterisk.events import ChannelState
from callcenter.call.model import Call, Direction, LegResult, Result
from callcenter.call.queueing import attempts
from callcenter.call.visit import QueueOutcome, Stage, Visit


class Place(StrEnum):
    """Where it died."""

    MENU = "menu"  # before any queue or phone
    QUEUE = "queue"  # while waiting, or because the queue put him out
    RINGING = "ringing"  # phones rang, none of a queue
    VOICEMAIL = "voicemail"
    AFTER_HOURS = "after_hours"
    ALL_BUSY = "all_busy"  # nobody was signed in, or everybody was busy
    BLOCKED = "blocked"  # refused by the switchboard


NOBODY_THERE = frozenset({QueueOutcome.JOIN_EMPTY, QueueOutcome.LEAVE_EMPTY, QueueOutcome.FULL})
BUSY = frozenset({LegResult.BUSY, LegResult.DECLINED, LegResult.UNAVAILABLE})
STAGES = {Stage.MENU: Place.MENU, Stage.VOICEMAIL: Place.VOICEMAIL, Stage.NOBODY: Place.ALL_BUSY}


def is_missed(call: Call) -> bool:
    """Say whether this is a call from outside that is over without a talk; one that became another's is none."""
    ours = call.direction is Direction.INBOUND and call.merged_into is None
    return ours and call.ended_at is not None and not call.talks


def died_in(call: Call, *, in_hours: bool = True) -> Place | None:
    """Return where the call died, None when it was not missed. `in_hours`: its line was open when it came.

    Outside the hours it is "after hours" wherever the switchboard let it go on to, but for a message left.
    """
    if not is_missed(call):
        return None
    last = _last(call)
    return last if in_hours or last is Place.VOICEMAIL else Place.AFTER_HOURS


def _last(call: Call) -> Place:
    places = list(_places(call))
    if places:
        return max(places, key=lambda place: place[0])[1]  # of two at one instant the first
    root = call.channels.get(call.root)
    picked_up = root is not None and root.state is ChannelState.UP
    refused = call.settled in (Result.BLOCKED, Result.FAILED) and not picked_up
    return Place.BLOCKED if refused else Place.MENU


def _places(call: Call) -> Iterator[tuple[datetime, Place]]:
    """Yield (the last instant there, place)."""
    if call.mark is not None:
        yield call.mark.at, STAGES[call.mark.stage]
    rung = [a for a in attempts(call) if a.queue is None]
    if rung:
        busy = all(a.result in BUSY for a in rung)
        yield max(a.began_at for a in rung), Place.ALL_BUSY if busy else Place.RINGING
    if call.visits:
        visit = call.visits[-1]
        yield visit.entered_at or visit.began_at, _of_queue(visit)


def _of_queue(visit: Visit) -> Place:
    return Place.ALL_BUSY if visit.outcome in NOBODY_THERE else Place.QUEUE
