"""Calls that we asked for: known from the click on, also when the switchboard never makes a channel for them.

A phone that is not registered has no channel, only an OriginateResponse that says 0. What was asked for while
the link broke stays open: the next list of channels says whether it is alive.
"""

from asterisk import events as e
from callcenter.board import Board
from callcenter.call import Call, Direction, Result, end
from callcenter.call.rules import LISTENER
from callcenter.routing import Change, applied


def requested(board: Board, event: e.CallRequested) -> list[Change]:
    """Begin the call before any phone rings."""
    call = Call(
        pbx=board.pbx,
        linkedids=(event.uniqueid,),
        root=event.uniqueid,
        started_at=event.at,
        direction=Direction.OUTBOUND,
        remote_number=event.number,
        line=event.line,
        dialler=event.extension,
        originated=True,
        tag=event.uniqueid,
    )
    board.alive.add(
        event.uniqueid
    )  # asked for while a list of channels is being read: not in it, yet not gone
    board.keep(call)
    return [Change(None, call)]


def fetched(board: Board, event: e.FetchRequested) -> list[Change]:
    """Let the channel that will take a parked caller belong to his call from the start."""
    call = board.of_linkedid(event.linkedid)
    if call is None:
        return []
    joined = call.evolve(linkedids=(*call.linkedids, event.uniqueid))
    board.keep(joined)
    return [Change(call, joined)]


def refused(board: Board, event: e.RequestFailed) -> list[Change]:
    """The switchboard would not even try."""
    call = board.of_linkedid(event.uniqueid)
    if call is None:
        return []
    closed = end(call, event.at, event.reason).evolve(settled=Result.FAILED, complete=True)
    board.forget(closed)
    return [Change(call, closed)]


def originate_ended(board: Board, event: e.OriginateEnded) -> list[Change]:
    """Close a call whose phone could not be reached at all; what has channels ends with them.

    Who could not listen to a call was never to be one, and none is closed in his place.
    """
    if event.action_id.startswith(LISTENER):
        return []
    call = board.of_linkedid(event.action_id)
    if event.success or call is None or call.channels:
        return applied(board, event)
    stage = call.originate._replace(reason=event.reason, failed=True)
    closed = end(call.evolve(originate=stage), event.at)
    board.forget(closed)
    return [Change(call, closed)]
