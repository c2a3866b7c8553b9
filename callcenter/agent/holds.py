"""Reasons to be paused, counted: what must be asked of the switchboard so that it agrees with them. Pure.

In:      a shift
Out:     orders, one for each membership that is not as it should be
A membership is paused while at least one hold of ours is open, and gets the text of the one that counts most; it
is unpaused when the last is gone. What somebody else paused is never touched; what he lifted is not set again.
"""

from collections.abc import Iterator
from typing import NamedTuple

from callcenter.agent.model import Hold, Kind, Place, Shift

COUNTS_MOST_FIRST = (Kind.WRAP_UP, Kind.PAUSE)  # he finishes the call, then he goes to lunch


class Order(NamedTuple):
    """One QueuePause. `reason` None: lift it."""

    place: Place
    reason: str | None


def orders(shift: Shift) -> Iterator[Order]:
    """Return what to ask for now; what was asked for already is not asked again."""
    first = foremost(shift.holds)
    for place in shift.members:
        mark = shift.marks.get(place)
        if first is None:
            if mark is not None and not mark.released and shift.paused(place):
                yield Order(place, None)
        elif mark is not None and mark.released:
            continue
        elif not shift.paused(place) or (mark is not None and mark.reasons[-1] != first.reason):
            yield Order(place, first.reason)


def foremost(holds: tuple[Hold, ...]) -> Hold | None:
    """Return the hold whose reason stands on the switchboard."""
    return min(holds, key=lambda hold: COUNTS_MOST_FIRST.index(hold.kind), default=None)
