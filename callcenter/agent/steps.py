"""Life of one operator's shift. Pure: no sockets, no database, no clock; every instant comes from an event.

In:      a shift, the name of the switchboard, one event of it or one piece of news
Out:     the shift after it; what it asks of the switchboard is `orders`, what it is called is `standing`
Source:  Asterisk 13-22: QueueMemberAdded, QueueMemberRemoved, QueueMemberPause, QueueMember, DeviceStateChange.
         QueuePause without a queue gives one event for each; an unpause may carry a reason too; static members
         lose their pause when Asterisk is started, dynamic ones keep it with persistentmembers.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from asterisk import events as e
from callcenter.agent import news as n
from callcenter.agent.model import (
    AUTO_PAUSE,
    WRAP_UP,
    AgentState,
    Device,
    Hold,
    Kind,
    Mark,
    Membership,
    Place,
    Shift,
)
from callcenter.agent.standing import parts_of, standing

ON_THE_LINE = frozenset({AgentState.TALKING, AgentState.HELD})
Key = TypeVar("Key")
Value = TypeVar("Value")


def apply(shift: Shift, pbx: str, event: n.News) -> Shift:
    """Return the shift after `event`; its standing and `since` are brought up to date by `restated`."""
    match event:
        case n.CallMoved():
            return _call_moved(shift, event)
        case n.PauseChosen(at=at, reason=reason, by=by):
            return _held(shift, Hold(Kind.PAUSE, reason, at, by=by))
        case n.PauseLifted(auto_pause=auto_pause, at=at):
            return _let_go(_taken_over(shift, at) if auto_pause else shift, Kind.PAUSE)
        case n.WrapUpEnded(call=call):
            hold = shift.hold(Kind.WRAP_UP)
            theirs = hold is not None and (call is None or hold.call == call)
            return _let_go(shift, Kind.WRAP_UP) if theirs else shift
        case n.WrapUpExtended(until=until):
            longer = (h._replace(until=until) if h.kind is Kind.WRAP_UP else h for h in shift.holds)
            return replace(shift, holds=tuple(longer))
        case n.Listens(on=on):
            return replace(shift, listens=on)
        case n.Asked() | n.Refused() | n.Unanswered() | n.Unlisted():
            return _answered(shift, event)
        case e.MemberPaused(queue=queue, interface=interface):
            return _paused(shift, Place(pbx, queue, interface), event)
        case e.MemberAdded(queue=queue, interface=interface):
            return _added(shift, Place(pbx, queue, interface), event)
        case e.MemberListed(queue=queue, interface=interface):
            return _listed(shift, Place(pbx, queue, interface), event)
        case e.MemberRemoved(queue=queue, interface=interface):
            return _without(shift, Place(pbx, queue, interface))
        case e.LinkUp(at=at, uptime_s=uptime_s):
            return _switchboard_back(shift, pbx, at, uptime_s)
        case e.LinkLost():
            return replace(shift, asked={p: a for p, a in shift.asked.items() if p.pbx != pbx})
    return shift


def restated(shift: Shift, at: datetime) -> Shift:
    """Return the shift with its standing as it is from `at` on; it never runs backwards."""
    before, now = shift.standing, standing(shift)
    if now == before:
        return shift
    # A phone may be heard to ring before we know for whom: the same ringing gets its call.
    same = before == now._replace(call=None)
    return replace(shift, standing=now, since=shift.since if same else max(at, shift.since))


# --- calls and holds ------------------------------------------------------------------------------------


def _call_moved(shift: Shift, event: n.CallMoved) -> Shift:
    before = shift.calls.get(event.call)
    moved = replace(shift, calls=parts_of(shift.calls, event.call, event.part))
    if event.part is not None:
        explained = {phone: device._replace(explained=True) for phone, device in shift.devices.items()}
        moved = replace(moved, devices=explained)
    if before in ON_THE_LINE and event.part is None and event.wrap_until is not None:
        hold = Hold(Kind.WRAP_UP, WRAP_UP, event.at, until=event.wrap_until, call=event.call)
        return _held(moved, hold)
    earned = moved.hold(Kind.WRAP_UP)
    if event.part in ON_THE_LINE and earned is not None and earned.call == event.call:
        return _let_go(moved, Kind.WRAP_UP)  # it was not over: the customer came back to him
    return moved


def _held(shift: Shift, hold: Hold) -> Shift:
    """Open a hold in the place of the one of its kind; what somebody else lifted before is forgotten."""
    others = tuple(known for known in shift.holds if known.kind is not hold.kind)
    marks = {place: mark for place, mark in shift.marks.items() if not mark.released}
    return replace(shift, holds=(*others, hold), marks=marks, trouble=None)


def _let_go(shift: Shift, kind: Kind) -> Shift:
    holds = tuple(hold for hold in shift.holds if hold.kind is not kind)
    marks = shift.marks
    if not holds:
        marks = {place: mark for place, mark in shift.marks.items() if not mark.released}
    return replace(shift, holds=holds, marks=marks, trouble=None)


def _taken_over(shift: Shift, at: datetime) -> Shift:
    """Make the pauses of Asterisk itself ours: he says that he is back."""
    auto = (p for p, m in shift.members.items() if m.paused and m.reason == AUTO_PAUSE)
    return replace(shift, marks={**shift.marks, **{place: Mark((AUTO_PAUSE,), at) for place in auto}})


# --- what we asked for ----------------------------------------------------------------------------------


def _answered(shift: Shift, event: n.Asked | n.Refused | n.Unanswered | n.Unlisted) -> Shift:
    match event:
        case n.Asked():
            return _asked(shift, event)
        case n.Refused(place=place, text=text, gone=gone):
            return _refused(shift, place, text, gone=gone)
        case n.Unanswered(place=place):
            return replace(shift, asked=_without_key(shift.asked, place))
        case n.Unlisted(place=place):
            return _without(shift, place)


def _asked(shift: Shift, event: n.Asked) -> Shift:
    place, mark = event.place, shift.marks.get(event.place)
    asked = {**shift.asked, place: (*shift.asked.get(place, ()), event.reason is not None)}
    if event.reason is None:
        return replace(shift, asked=asked)
    known = mark.reasons if mark is not None else ()
    reasons = (*(text for text in known if text != event.reason), event.reason)
    return replace(shift, asked=asked, marks={**shift.marks, place: Mark(reasons, event.at)})


def _refused(shift: Shift, place: Place, text: str, *, gone: bool) -> Shift:
    """Whom the switchboard does not pause is not held: everything of ours is given up, and said."""
    if gone:
        without = _without(shift, place)
        return replace(without, trouble=text, holds=without.holds if without.members else ())
    wanted_pause = bool(shift.asked.get(place, (False,))[0])
    answered = replace(shift, asked=_without_key(shift.asked, place), trouble=text)
    if not wanted_pause:
        return answered
    marks = answered.marks if answered.members[place].paused else _without_key(answered.marks, place)
    return replace(answered, holds=(), marks=marks)


# --- what the switchboard says --------------------------------------------------------------------------


def _paused(shift: Shift, place: Place, event: e.MemberPaused) -> Shift:
    asked = shift.asked.get(place, ())
    ours = event.paused in asked
    rest = asked[asked.index(event.paused) + 1 :] if ours else asked
    pending = {**shift.asked, place: rest} if rest else _without_key(shift.asked, place)
    told = _member(replace(shift, asked=pending), place, event)
    if ours:
        return told if event.paused or rest else replace(told, marks=_without_key(told.marks, place))
    return _paused_by_others(told, place, event) if event.paused else _lifted_by_others(told, place)


def _paused_by_others(shift: Shift, place: Place, event: e.MemberPaused | e.MemberListed) -> Shift:
    mark = shift.marks.get(place)
    if mark is not None and not mark.released and event.reason in (None, *mark.reasons):
        return replace(shift, marks={**shift.marks, place: mark._replace(stale=False)})
    if event.reason == WRAP_UP:  # set by a process of ours that died before it could write it down
        return replace(shift, marks={**shift.marks, place: Mark((WRAP_UP,), event.at)})
    return replace(shift, marks=_without_key(shift.marks, place))


def _lifted_by_others(shift: Shift, place: Place) -> Shift:
    """Somebody made him ready where we held him: we do not quarrel. Lifted everywhere, nothing holds any more."""
    mark = shift.marks.get(place)
    if mark is None or not shift.holds:
        return replace(shift, marks=_without_key(shift.marks, place))
    released = replace(shift, marks={**shift.marks, place: mark._replace(released=True)})
    if any(released.is_ours(known) for known in released.members):
        return released
    return replace(released, holds=(), marks={})


def _added(shift: Shift, place: Place, event: e.MemberAdded) -> Shift:
    """A member that is added anew; one that we added while holding him is paused as we asked."""
    asked = shift.asked.get(place, ())
    told = _member(replace(shift, asked=_without_key(shift.asked, place)), place, event)
    if event.paused and True in asked:
        return told
    return replace(told, marks=_without_key(told.marks, place))


def _listed(shift: Shift, place: Place, event: e.MemberListed) -> Shift:
    told = _member(shift, place, event)
    if shift.asked.get(place):
        return told  # the answer to what was asked for meanwhile is still to come
    if event.paused:
        return _paused_by_others(told, place, event)
    mark = told.marks.get(place)
    if mark is None or mark.released:
        return told
    if mark.stale:
        return replace(told, marks=_without_key(told.marks, place))  # forgotten at a start: set again
    return _lifted_by_others(told, place)


def _member(shift: Shift, place: Place, event: e.MemberPaused | e.MemberAdded | e.MemberListed) -> Shift:
    before = shift.members.get(place, Membership())
    same = before.paused == event.paused and before.since is not None
    since = (before.since if same else event.at) if event.paused else None
    member = Membership(event.paused, event.reason if event.paused else None, event.dynamic, since)
    return replace(shift, members={**shift.members, place: member})


def _without(shift: Shift, place: Place) -> Shift:
    return replace(
        shift,
        members=_without_key(shift.members, place),
        marks=_without_key(shift.marks, place),
        asked=_without_key(shift.asked, place),
    )


def _switchboard_back(shift: Shift, pbx: str, at: datetime, uptime_s: float | None) -> Shift:
    """What we set before it was started it may have forgotten."""
    if uptime_s is None:
        return shift
    started_at = at - timedelta(seconds=uptime_s + 1)  # told in whole seconds, rounded down
    marks = {
        place: mark._replace(stale=True) if place.pbx == pbx and mark.at < started_at else mark
        for place, mark in shift.marks.items()
    }
    return replace(shift, marks=marks)


def _without_key(mapping: Mapping[Key, Value], key: Key) -> dict[Key, Value]:
    return {known: value for known, value in mapping.items() if known != key}


def device_said(shift: Shift, phone: tuple[str, str], state: e.DeviceState) -> Shift:
    """A phone of his: a busy one is explained when we know of a call of his at that moment."""
    device = Device(state, explained=bool(shift.calls) or shift.listens)
    return replace(shift, devices={**shift.devices, phone: device})


def phones_given(
    shift: Shift, phones: tuple[tuple[str, str], ...], members: Mapping[Place, Membership], **facts: Any
) -> Shift:
    """He has other telephones from now on, and with them other memberships."""
    return replace(shift, phones=phones, members=members, **facts)


def nobody(at: datetime) -> Shift:
    """Somebody of whom nothing is known yet."""
    return Shift(since=at)
