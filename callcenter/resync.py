"""After a lost link: which calls live on, which are gone, which were born meanwhile.

Nothing is replayed after a login. The list of channels says who is alive: a call without a living channel is
closed as "ended while disconnected" at the moment when the link was lost, the last at which it was seen; a call
that nobody heard begin is begun from the list. An uptime shorter than the silence closes all at once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from asterisk import events as e
from asterisk.events import ChannelView
from callcenter.board import Board
from callcenter.call import Call, end
from callcenter.call.ending import LOST
from callcenter.routing import Change, applied, told


def link_up(board: Board, event: e.LinkUp) -> list[Change]:
    """Start to gather who is alive; close everything when the switchboard was started since the link was lost."""
    if not board.resyncing:
        board.resyncing, board.alive, board.foundlings = True, set(), []
    if board.lost_at is None or event.uptime_s is None:
        return []
    # Uptime is told in whole seconds, rounded down.
    if event.at - timedelta(seconds=event.uptime_s + 1) < board.lost_at:
        return []
    dead = [call for call in board.live() if not board.alive & set(call.channels)]
    lost_at = board.lost_at
    changes = [change for call in dead for change in _closed(board, call, max(lost_at, call.started_at))]
    board.begin_anew()
    return changes


def link_lost(board: Board, event: e.LinkLost) -> list[Change]:
    """Remember since when nothing is heard. The calls stay as they are: they most likely go on."""
    board.lost_at, board.resyncing = event.at, False
    return []


def resynced(board: Board, event: e.Resynced) -> list[Change]:
    """End the gathering, also when the list of channels was refused: then nothing can be said of anybody."""
    board.resyncing, board.lost_at = False, None
    return []


def channel_listed(board: Board, event: e.ChannelListed) -> list[Change]:
    """Bring a known call up to date; keep the channels of unknown ones until all are there."""
    view = event.channel
    if board.of_channel(view.uniqueid) or board.of_linkedid(view.linkedid):
        return applied(board, event)
    if not board.ignores(view):
        board.foundlings.append(event)
    return []


def channels_listed(board: Board, event: e.ChannelListEnded) -> list[Change]:
    """The list is complete: what it does not name is gone, what nobody knew begins."""
    changes: list[Change] = []
    if board.resyncing:
        for call in board.live():
            changes += _without_the_gone(board, call, event.at)
    changes += _adopted(board)
    board.resyncing, board.lost_at = False, None
    return changes


def _without_the_gone(board: Board, call: Call, at: datetime) -> list[Change]:
    if not call.channels and call.root in board.alive:
        return []  # asked for a moment ago
    if not call.live_channels and call.linkedid in board.alive:
        return []  # asked for a moment ago, no channel yet
    missing = [c for c in call.live_channels if c.uniqueid not in board.alive]
    if len(missing) == len(call.live_channels):
        return _closed(board, call, max(board.lost_at or at, call.started_at))
    changes: list[Change] = []
    for c in missing:
        view = ChannelView(c.uniqueid, call.linkedid, c.name, c.state, None, None, "", "")
        changes += applied(board, e.ChannelHungUp(at, view, 0))
    return changes


def _adopted(board: Board) -> list[Change]:
    """Begin the calls that were born unheard, each with the channel that is its root, else with the oldest."""
    found = sorted(board.foundlings, key=lambda f: (f.channel.uniqueid != f.channel.linkedid, -f.age_s))
    board.foundlings = []
    changes: list[Change] = []
    for listed in found:
        born_at = listed.at - timedelta(seconds=listed.age_s)
        changes += applied(board, e.ChannelCreated(born_at, listed.channel))
        changes += applied(board, listed)
    return changes


def _closed(board: Board, call: Call, at: datetime) -> list[Change]:
    closed = end(call, at, LOST)
    board.forget(closed)
    return told(call, closed)


STEPS: dict[type, Callable[[Board, Any], list[Change]]] = {
    e.LinkUp: link_up,
    e.LinkLost: link_lost,
    e.Resynced: resynced,
    e.ChannelListed: channel_listed,
    e.ChannelListEnded: channels_listed,
}
