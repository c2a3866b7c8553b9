"""Which call an event belongs to, and whether two calls are one.

A channel belongs to a call by its uniqueid, else by its linkedid. When the two disagree, when one event shows
channels of two calls, or when these meet in a bridge, the calls are one and the older keeps its name. Numbers
are never compared.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from asterisk import events as e
from asterisk.events import ChannelView, Event, views
from callcenter.board import Board
from callcenter.call import Call, apply, begin, begun_by, end, merge
from callcenter.call.ending import MERGED

# Only these may begin a call. The others also tell of channels whose beginning nobody heard, but a call that is
# just being hung up is no news.
BEGINNINGS = (
    e.ChannelCreated,
    e.ChannelStateChanged,
    e.DialBegan,
    e.BridgeEntered,
    e.QueueJoined,
    e.AgentCalled,
)

MEETINGS = frozenset({e.BridgeEntered, e.BridgesMerged, e.ChannelListed})

Before = dict[str, Call | None]  # by the linkedid that names the call


@dataclass(frozen=True, slots=True)
class Change:
    """One call before and after an event. `before` is None for a new call.

    `after.ended_at` is set in the last change of a call; only late facts (the name of a recording, the outcome
    of an Originate) may follow. `after.merged_into` names the call that this one turned out to belong to.
    """

    before: Call | None
    after: Call


def applied(board: Board, event: Event) -> list[Change]:
    """Apply an event about channels to the call they belong to."""
    before: Before = {}
    call = _of(board, event, before)
    if call is None:
        return []
    after = apply(call, event, board.rules)
    if len(after.channels) != len(call.channels):
        board.note_channels(after, after.channels.keys() - call.channels.keys())
    if isinstance(event, e.ChannelHungUp):
        board.bury(event.channel.uniqueid)
    if not before and after is call:
        return []
    before.setdefault(call.linkedid, call)
    return _changes(board, before, after)


def _of(board: Board, event: Event, before: Before) -> Call | None:
    """Return the one call that `event` is about, begun or made of two if need be."""
    call: Call | None = None
    for view in views(event):
        placed = None if board.ignores(view) else _placed(board, event, view, before)
        if placed is None:
            continue
        if call is None or placed.linkedid == call.linkedid or call.linkedid not in board.calls:
            call = placed
        elif _unites(event):
            call = _joined(board, board.calls[call.linkedid], placed, event.at, before)
    call = _unseen(board, event) if call is None else call
    if call is None or type(event) not in MEETINGS:
        return call
    return _met_in_bridge(board, event, call, before)


def _unites(event: Event) -> bool:
    return not isinstance(event, e.AttendedTransferred) or event.success


def _placed(board: Board, event: Event, view: ChannelView, before: Before) -> Call | None:
    """Return the call of the channel in `view`; None when it has none and this event can not begin one."""
    if board.resyncing:
        board.alive.add(view.uniqueid)
    mine, theirs = board.of_channel(view.uniqueid), board.of_linkedid(view.linkedid or view.uniqueid)
    if mine is None and theirs is None:
        return _begun(board, event, view, before)
    if mine is None or theirs is None:
        call = mine or theirs
        assert call is not None
        if mine is None:
            call = _rooted(board, call, event, view, before)
        return _renamed(board, call, view.linkedid, before) if theirs is None else call
    return mine if mine is theirs else _joined(board, mine, theirs, event.at, before)


def _begun(board: Board, event: Event, view: ChannelView, before: Before) -> Call | None:
    if not isinstance(event, BEGINNINGS) or board.is_over(view.linkedid or view.uniqueid):
        return None
    call = begin(board.pbx, view, event.at, board.rules)
    before[call.linkedid] = None
    board.keep(call)
    return call


def _rooted(board: Board, call: Call, event: Event, view: ChannelView, before: Before) -> Call:
    """Return the call, begun by the channel in `view` if that is the one after which it is named."""
    if view.uniqueid != call.linkedid or view.uniqueid == call.root or not call.channels:
        return call
    before.setdefault(call.linkedid, call)
    age_s = event.age_s if isinstance(event, e.ChannelListed) else 0
    call = begun_by(call, view, event.at - timedelta(seconds=age_s), board.rules)
    board.keep(call)
    return call


def _renamed(board: Board, call: Call, linkedid: str, before: Before) -> Call:
    """Return the call with one more linkedid: the channel has joined something that nobody heard begin."""
    if not linkedid or board.is_over(linkedid):
        return call
    before.setdefault(call.linkedid, call)
    call = call.evolve(linkedids=(*call.linkedids, linkedid))
    board.keep(call)
    return call


def _met_in_bridge(board: Board, event: Event, call: Call, before: Before) -> Call:
    """Return the call, made one with that of those who are in the bridge already."""
    match event:
        case e.BridgeEntered(bridge=bridge, holding=False) | e.ChannelListed(bridge=str(bridge)):
            other = board.in_bridge(bridge)
        case e.BridgesMerged(kept=bridge):
            other = board.in_bridge(bridge)
        case _:
            return call
    if other is not None and other is not call:
        call = _joined(board, call, other, event.at, before)
    board.note_bridge(bridge, call)
    return call


def _joined(board: Board, one: Call, two: Call, at: datetime, before: Before) -> Call:
    """Return the one call that these two are; the newer is closed as merged into the older."""
    older, newer = sorted((one, two), key=lambda c: (c.started_at, c.linkedid))
    before.setdefault(newer.linkedid, newer)
    before.setdefault(older.linkedid, older)
    closed = end(newer, at, MERGED).evolve(merged_into=older.linkedid)
    board.forget(closed)
    merged = merge(older, newer)
    board.keep(merged)
    return merged


def _unseen(board: Board, event: Event) -> Call | None:
    """Return the call of an event that shows no channel, or of a late one about a call that is over."""
    match event:
        case e.RecordingNamed(uniqueid=uniqueid, linkedid=linkedid):
            return board.of_channel(uniqueid) or board.of_linkedid(linkedid) or board.ended_with(linkedid)
        case e.ChannelRenamed(uniqueid=uniqueid):
            return board.of_channel(uniqueid)
        case e.OriginateEnded(channel_uniqueid=None):
            return board.originated_by(event)
        case e.OriginateEnded(channel_uniqueid=str(uniqueid)):
            return board.of_channel(uniqueid) or board.ended_with(uniqueid)
        case e.BridgesMerged(emptied=bridge):
            return board.in_bridge(bridge)
    return None


def _changes(board: Board, before: Before, after: Call) -> list[Change]:
    """Put `after` where it belongs; return what has become of every call in `before`.

    A call is not told of before somebody takes part in it.
    """
    if after.linkedid in board.ended:
        board.ended[after.linkedid] = after
    elif after.ended_at is not None:
        board.forget(after)
    else:
        board.calls[after.linkedid] = after
    changes = []
    for call, old in before.items():
        new = board.calls.get(call) or board.ended[call]
        if new is not old:
            changes += told(old, new)
    return changes


def told(old: Call | None, new: Call) -> list[Change]:
    """Return the change from `old` to `new`; none before somebody takes part in the call."""
    if not new.has_people:
        return []
    return [Change(old if old is None or old.has_people else None, new)]
