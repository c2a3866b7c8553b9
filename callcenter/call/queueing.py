"""What each queue did with the caller. Pure.

Source:  app_queue of Asterisk 16-22, and captures. `QueueCallerAbandon` is said whenever a caller leaves without an
         answer: he hung up if his far end had asked to (HangupRequest), else the queue put him out, and the variable
         QUEUESTATUS says why a moment later. A refusal at the door has no queue event at all, only QUEUESTATUS. A
         caller who leaves by a key has `QueueCallerLeave` alone; before `AgentConnect` it comes too.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from asterisk import events as e
from callcenter.call.channels import ancestry, put
from callcenter.call.model import Call, Channel, LegResult
from callcenter.call.visit import Mark, QueueOutcome, Stage, Visit

AT_ONCE = timedelta(milliseconds=50)  # a request to hang up may overtake the abandon it caused by as much

WHY = {
    e.QueueVerdict.TIMEOUT: QueueOutcome.TIMEOUT,
    e.QueueVerdict.LEFT_EMPTY: QueueOutcome.LEAVE_EMPTY,
    e.QueueVerdict.EMPTY: QueueOutcome.JOIN_EMPTY,
    e.QueueVerdict.FULL: QueueOutcome.FULL,
    e.QueueVerdict.WITHDRAWN: QueueOutcome.WITHDRAWN,
}
REFUSALS = frozenset({QueueOutcome.JOIN_EMPTY, QueueOutcome.FULL})


def sent(call: Call, event: e.QueueTried) -> Call:
    """Return the call after the dialplan sent a caller to a queue."""
    uniqueid, last = event.channel.uniqueid, _last(call, event.channel.uniqueid)
    if last is not None and last.queue == event.queue and last.left_at is None:
        return call  # said twice
    call = _settled(call, uniqueid)
    return call.evolve(visits=(*call.visits, Visit(event.queue, uniqueid, event.at, sent=True)))


def joined(call: Call, event: e.QueueJoined) -> Call:
    """Return the call after the queue let the caller in."""
    return _entered(call, event.channel.uniqueid, event.queue, event.at, event.position)


def listed(call: Call, event: e.CallerListed) -> Call:
    """Return the call after a list showed its caller waiting; he may have come while nobody listened."""
    joined_at = event.at - timedelta(seconds=event.waited_s)
    return _entered(call, event.channel.uniqueid, event.queue, joined_at, event.position)


def _entered(call: Call, uniqueid: str, queue: str, at: datetime, position: int | None) -> Call:
    last = _last(call, uniqueid)
    if last is None or last.left_at is not None or last.queue != queue:
        call = _settled(call, uniqueid)
        visit = Visit(queue, uniqueid, at, entered_at=at, position=position)
        return call.evolve(visits=(*call.visits, visit))
    if last.entered_at is not None:
        return call
    return _put(call, last, last._replace(entered_at=at, position=position))


def left(call: Call, event: e.QueueLeft) -> Call:
    """Return the call after its caller left the queue. Without an abandon before: to an operator, or by a key."""
    visit = _open(call, event.channel.uniqueid)
    if visit is None:
        return call
    outcome = QueueOutcome.ABANDONED if _wants_out(call, visit.uniqueid) else None
    gone = visit._replace(left_at=event.at, left_position=event.position, outcome=outcome)
    return _put(call, visit, gone)


def abandoned(call: Call, event: e.QueueAbandoned) -> Call:
    """Return the call after its caller left without an answer, by his own wish or not."""
    visit = _open(call, event.channel.uniqueid)
    if visit is None:
        return call
    channel = call.channels.get(visit.uniqueid)
    outcome = QueueOutcome.LET_GO
    if channel is None or channel.wants_out:
        outcome = QueueOutcome.ABANDONED
    elif channel.dropped:
        outcome = QueueOutcome.WITHDRAWN
    gone = visit._replace(left_at=event.at, left_position=event.position, outcome=outcome)
    return _put(call, visit, gone)


def explained(call: Call, event: e.QueueJudged) -> Call:
    """Return the call after the queue said why it refused the caller or put him out."""
    visit = _last(call, event.channel.uniqueid)
    if visit is None or visit.outcome not in (None, QueueOutcome.LET_GO):
        return call
    outcome = WHY[event.verdict]
    if visit.entered_at is None and outcome in REFUSALS:
        return _put(call, visit, visit._replace(left_at=event.at, outcome=outcome))
    if visit.outcome is QueueOutcome.LET_GO:
        return _put(call, visit, visit._replace(outcome=outcome))
    return call


def connected(call: Call, event: e.AgentConnected) -> Call:
    """Return the call after an operator was given the caller."""
    visit = _last(call, event.caller.uniqueid)
    if visit is None or visit.queue != event.queue or visit.outcome is not None:
        return call
    done = visit._replace(left_at=visit.left_at or event.at, outcome=QueueOutcome.ANSWERED)
    return _put(call, visit, done)


def called(call: Call, event: e.AgentCalled) -> Call:
    """Return the call after the queue rang a member: his channel remembers for which queue."""
    channel = call.channels[event.agent.uniqueid]
    return call if channel.queue else put(call, channel._replace(queue=event.queue))


def hangup_requested(call: Call, uniqueid: str, at: datetime) -> Call:
    """Return the call after its caller asked to hang up: that may be heard just after the abandon it caused."""
    visit = _last(call, uniqueid)
    if visit is None or visit.outcome is not QueueOutcome.LET_GO or visit.left_at is None:
        return call
    if at - visit.left_at > AT_ONCE or not call.overflowed:
        return call  # later, or after somebody talked to him
    call = _put(call, visit, visit._replace(outcome=QueueOutcome.ABANDONED))
    return call.evolve(overflowed=False, queue_waiting=True)


def talking(call: Call, at: datetime) -> Call:
    """Return the call after somebody talks: who is still believed to wait was answered while nobody listened."""
    return _each(
        _without_attempts(call),
        lambda v: v if v.left_at else v._replace(left_at=at, outcome=QueueOutcome.ANSWERED),
    )


def elsewhere(call: Call, uniqueid: str, at: datetime) -> Call:
    """Return the call after a list showed its caller in another application: he left the queue unheard."""
    visit = _open(call, uniqueid)
    return call if visit is None else _put(call, visit, visit._replace(left_at=at))


def close(call: Call, at: datetime, *, heard: bool) -> Call:
    """Return the call with all its visits over. `heard`: its end was."""
    call = _without_attempts(call)
    if not heard:
        return _each(call, lambda v: v if v.left_at else v._replace(left_at=at))
    for uniqueid in {v.uniqueid for v in call.visits}:
        call = _settled(call, uniqueid)
    return _each(call, lambda v: v if v.left_at else v._replace(left_at=at, outcome=_cut(call, v)))


def _cut(call: Call, visit: Visit) -> QueueOutcome:
    return QueueOutcome.ABANDONED if _wants_out(call, visit.uniqueid) else QueueOutcome.WITHDRAWN


def reached(call: Call, stage: Stage, uniqueid: str, at: datetime) -> Call:
    """Return the call after its caller came to a place of the dialplan that is neither queue nor phone."""
    return call.evolve(mark=Mark(stage, at)) if uniqueid == call.root else call


def _settled(call: Call, uniqueid: str) -> Call:
    """Return the call with the last visit of this channel decided, now that the caller is somewhere else."""
    call = _without_attempts(call)
    visit = _last(call, uniqueid)
    if visit is None or visit.left_at is None:
        return call
    if visit.outcome is None and visit.entered_at is not None:
        return _put(call, visit, visit._replace(outcome=QueueOutcome.KEY_EXIT))
    if visit.outcome is QueueOutcome.LET_GO and visit.sent:
        return _put(call, visit, visit._replace(outcome=QueueOutcome.WITHDRAWN))  # no verdict: redirected
    return call


def _without_attempts(call: Call) -> Call:
    """Return the call without visits that came to nothing, neither let in nor refused.

    Asterisk tells of the application again when a transfer changes context and extension under it.
    """
    known = tuple(v for v in call.visits if v.entered_at or v.outcome)
    return call if len(known) == len(call.visits) else call.evolve(visits=known)


def _last(call: Call, uniqueid: str) -> Visit | None:
    return next((v for v in reversed(call.visits) if v.uniqueid == uniqueid), None)


def _open(call: Call, uniqueid: str) -> Visit | None:
    last = _last(call, uniqueid)
    return last if last is not None and last.left_at is None and last.entered_at is not None else None


def _wants_out(call: Call, uniqueid: str) -> bool:
    channel = call.channels.get(uniqueid)
    return channel is not None and channel.wants_out


def _put(call: Call, before: Visit, after: Visit) -> Call:
    return call.evolve(visits=tuple(after if v is before else v for v in call.visits))


def _each(call: Call, change: Callable[[Visit], Visit]) -> Call:
    after = tuple(change(v) for v in call.visits)
    return call if after == call.visits else call.evolve(visits=after)


# --- who was rung ---------------------------------------------------------------------------------------


class Attempt(NamedTuple):
    """One attempt to reach one phone of ours. `rang_s`: 0 for one that never rang, None while it rings."""

    uniqueid: str
    extension: str
    queue: str | None
    began_at: datetime
    rang_s: float | None
    result: LegResult | None


def attempts(call: Call) -> tuple[Attempt, ...]:
    """Return who was rung for the caller and with what result, in the order in which it began."""
    rung = (c for c in call.channels.values() if c.extension and (c.rang_at or c.result))
    return tuple(_attempt(call, c) for c in rung)


def _attempt(call: Call, c: Channel) -> Attempt:
    since = c.rang_at or c.dialled_at or c.born_at
    until = c.rung_until or c.gone_at
    rang_s = max(0.0, (until - c.rang_at).total_seconds()) if until and c.rang_at else None
    rang_s = 0.0 if c.rang_at is None else rang_s
    return Attempt(c.uniqueid, c.extension or "", queue_of(call, c), since, rang_s, c.result)


def queue_of(call: Call, channel: Channel) -> str | None:
    """Return the queue for which this phone was rung, also through Local channels."""
    if channel.queue is not None:
        return channel.queue
    return next((node.queue for node, _ in ancestry(call, channel) if node.queue), None)
