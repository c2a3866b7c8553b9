"""The end of a call, and what became of it when nobody talked. Pure."""

from datetime import datetime

from asterisk.events import ChannelState, DialStatus
from callcenter.call import queueing
from callcenter.call.channels import first_dialler, people
from callcenter.call.model import Call, Channel, Direction, LegResult, Result
from callcenter.call.ringing import DECLINED_CAUSES
from callcenter.call.rules import Kind
from callcenter.call.visit import QueueOutcome

LOST = "ended while disconnected"
MERGED = "merged"

# Q.850 causes that mean "this number can not be reached at all", whatever DialStatus says:
# unallocated, no route (to network, to destination), number changed, out of order, invalid number format,
# no circuit, network out of order, temporary failure, congestion, channel not available, not allowed.
UNREACHABLE_CAUSES = frozenset({1, 2, 3, 22, 27, 28, 34, 38, 41, 42, 44, 50, 57, 58})
REJECTED_CAUSE = 21
NOT_THERE_CAUSES = frozenset({18, 19, 20})  # chan_sip calls SIP 480 busy, only the cause tells

LEFT_FOR_SOMETHING = frozenset({QueueOutcome.KEY_EXIT})  # what became of him is decided after the queue


def end(call: Call, at: datetime, reason: str | None = None) -> Call:
    """Return the call closed at `at`. With a `reason` its end was not seen and the result is a guess."""
    if call.ended_at is not None:
        return call
    call = queueing.close(call, at, heard=reason is None)
    call = call.evolve(
        talks=tuple(t if t.to_at else t._replace(to_at=max(at, t.from_at)) for t in call.talks),
        holds=tuple(h if h.to_at else h._replace(to_at=max(at, h.from_at)) for h in call.holds),
        transfers=tuple(t if t.result else t._replace(result="no_answer") for t in call.transfers),
        channels={uid: _gone(c, at) for uid, c in call.channels.items()},
        settled=Result.NO_ANSWER if reason else unanswered(call),
    )
    return call.evolve(ended_at=at, ended_reason=reason, complete=reason is None, queue_waiting=False)


def _gone(channel: Channel, at: datetime) -> Channel:
    if channel.gone_at is not None:
        return channel
    rung_until = channel.rung_until or (at if channel.rang_at else None)
    return channel._replace(gone_at=at, bridge=None, rung_until=rung_until)


def unanswered(call: Call) -> Result:
    """Return what became of a call in which nobody talked."""
    match call.direction:
        case Direction.INBOUND:
            return _inbound(call)
        case Direction.OUTBOUND:
            return _outbound(call)
    return _internal(call)


def _inbound(call: Call) -> Result:
    root = call.channels.get(call.root)
    left = root is not None and root.wants_out
    if call.visits and call.visits[-1].outcome in LEFT_FOR_SOMETHING:
        return _ring_result(call) or Result.NO_ANSWER
    if call.overflowed:
        return Result.OVERFLOW
    if call.queue_waiting or (call.queued_at and not call.legs):
        cut = Result.FAILED if root is not None and root.dropped else Result.OVERFLOW
        return Result.ABANDONED if left else cut
    rung = _ring_result(call)
    if rung is not None:
        return rung
    if root is not None and root.state is not ChannelState.UP and not left and call.queue is None:
        return Result.BLOCKED if root.cause == REJECTED_CAUSE else Result.FAILED
    return Result.NO_ANSWER


def _ring_result(call: Call) -> Result | None:
    """Return BUSY when every phone said so, NO_ANSWER when one did not, None when none was tried."""
    results = [c.result for c in people(call, Kind.EXTENSION) if c.result is not None]
    if not results:
        return None
    busy = all(r in (LegResult.DECLINED, LegResult.BUSY) for r in results)
    return Result.BUSY if busy else Result.NO_ANSWER


def _internal(call: Call) -> Result:
    root, rung = call.channels.get(call.root), _ring_result(call)
    up = root is not None and root.state is ChannelState.UP and not call.originated
    if up and rung is None and call.queue is None:
        return Result.ANSWERED  # voicemail, a conference, a feature code
    if root is not None and root.wants_out and rung is not Result.BUSY:
        return Result.CANCELLED
    return rung or Result.FAILED


def _outbound(call: Call) -> Result:
    if call.originated and call.dialler is not None:
        agent = _agent_leg(call)
        if agent is None or agent.answered_at is None:
            return _agent_missing(agent)
    far = [c for c in people(call, Kind.TRUNK) if c.dialled_at is not None]
    if far:
        return _far_result(call, far[-1])
    return Result.CANCELLED if _dialler_left(call) else Result.FAILED


def _agent_leg(call: Call) -> Channel | None:
    legs = [c for c in people(call, Kind.EXTENSION) if c.extension == call.dialler]
    return next((c for c in legs if c.answered_at is not None), legs[-1] if legs else None)


def _agent_missing(agent: Channel | None) -> Result:
    match agent.result if agent else None:
        case LegResult.DECLINED | LegResult.BUSY | LegResult.CANCELLED:
            return Result.CANCELLED
        case LegResult.NO_ANSWER:
            return Result.NO_ANSWER
    return Result.FAILED


def _far_result(call: Call, far: Channel) -> Result:
    if far.cause in DECLINED_CAUSES or (
        far.dial_status is DialStatus.BUSY and far.cause not in NOT_THERE_CAUSES
    ):
        return Result.BUSY
    if far.cause in UNREACHABLE_CAUSES:
        return Result.FAILED
    match far.dial_status:
        case DialStatus.CONGESTION | DialStatus.UNAVAILABLE | DialStatus.OTHER:
            return Result.FAILED
        case DialStatus.CANCEL:
            return Result.CANCELLED
    return Result.CANCELLED if far.dial_status is None and _dialler_left(call) else Result.NO_ANSWER


def _dialler_left(call: Call) -> bool:
    return any(c.wants_out for c in people(call, Kind.EXTENSION) if c.extension == call.dialler)


def dialled_by_caller(call: Call, channel: Channel) -> bool:
    """Say whether `channel` was dialled at the wish of the one who began the call."""
    top = first_dialler(call, channel)
    first = call.channels.get(top or "")
    return top == call.root or (
        first is not None and first.extension is not None and first.extension == call.dialler
    )
