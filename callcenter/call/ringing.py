"""Whose phone rings, who answered, and why the others stopped. Pure.

Source:  captures. DialEnd of one callee may come twice (the first is right); a queue says NOANSWER for a declined
         ring and only the hangup cause tells; the others of a ringall stop when one answers, not when Asterisk
         gets round to cancelling them.
"""

from datetime import datetime

from asterisk.events import ChannelState, DialStatus
from callcenter.call.channels import ancestry, first_dialler, put
from callcenter.call.model import Call, Channel, LegResult
from callcenter.call.rules import Kind

ELSEWHERE_CAUSE = 26  # Asterisk: answered elsewhere
DECLINED_CAUSES = frozenset({17, 21})  # Q.850: user busy, call rejected
UNSETTLED = frozenset({None, LegResult.NO_ANSWER, LegResult.UNAVAILABLE})


def rings(call: Call, channel: Channel, at: datetime) -> Call:
    """Return the call after `channel` began to ring."""
    if channel.rang_at is not None or channel.rung_until is not None:
        return call
    return put(call, channel._replace(rang_at=at))


def answers(call: Call, channel: Channel, at: datetime) -> Call:
    """Return the call after `channel` was picked up; only who was called can answer.

    Whatever the same dialler rang beside it stops to ring: one Dial, one queue call has one answer.
    """
    if channel.answered_at is not None or (channel.dialled_at is None and channel.rang_at is None):
        return call
    done = channel._replace(answered_at=at, rung_until=at, result=LegResult.ANSWERED, state=ChannelState.UP)
    call = put(call, done)
    return others_stop(call, done.dialler, done.uniqueid, at) if done.dialler else call


def others_stop(call: Call, caller: str, winner: str, at: datetime) -> Call:
    """Return the call after `winner` answered the dialling of `caller`: all it also dialled rings no longer."""
    for channel in list(call.channels.values()):
        if channel.extension is None or channel.result is not None or channel.dialled_at is None:
            continue
        lost = any(d == caller and node.uniqueid != winner for node, d in ancestry(call, channel))
        if lost and channel.state is not ChannelState.UP:
            call = put(call, channel._replace(rung_until=at, result=LegResult.ELSEWHERE))
    return call


def dial_ended(call: Call, channel: Channel, status: DialStatus, at: datetime) -> Call:
    """Return the call after the attempt to reach `channel` ended without an answer."""
    if channel.dial_status is not None:
        return call
    channel = channel._replace(dial_status=status)
    if channel.extension is not None and channel.result is None:
        result = _result(call, channel, status)
        channel = channel._replace(result=result, rung_until=channel.rung_until or at)
    return put(call, channel)


def _result(call: Call, channel: Channel, status: DialStatus) -> LegResult:
    if channel.cause in DECLINED_CAUSES or status is DialStatus.BUSY:
        return LegResult.DECLINED
    if channel.cause == ELSEWHERE_CAUSE:
        return LegResult.ELSEWHERE
    if _dialler_leaves(call, channel):
        return LegResult.CANCELLED
    if status in (DialStatus.NO_ANSWER, DialStatus.CANCEL) or channel.rang_at is not None:
        return LegResult.NO_ANSWER
    return LegResult.UNAVAILABLE


def _dialler_leaves(call: Call, channel: Channel) -> bool:
    """Say whether the one at whose wish this phone rang was leaving before it stopped, or is gone.

    DialStatus does not tell: a queue whose time is up and a Local channel that rang out cancel as well.
    """
    first = call.channels.get(first_dialler(call, channel) or "")
    if first is None or first.kind is Kind.LOCAL:
        return False
    return first.wants_out or first.dropped or first.gone_at is not None


def hung_up(call: Call, channel: Channel, at: datetime) -> Channel:
    """Return the channel with the result of its ringing settled, now that it is gone with its cause."""
    if channel.extension is None or channel.result not in UNSETTLED:
        return channel
    if channel.dialled_at is None and channel.rang_at is None:
        return channel  # it never rang: the phone that dialled
    return channel._replace(result=_late_result(call, channel), rung_until=channel.rung_until or at)


def _late_result(call: Call, channel: Channel) -> LegResult:
    if channel.cause in DECLINED_CAUSES:
        return LegResult.DECLINED
    if channel.cause == ELSEWHERE_CAUSE and channel.dial_status in (None, DialStatus.CANCEL):
        return LegResult.ELSEWHERE
    if channel.result is not None:
        return channel.result
    if _dialler_leaves(call, channel):
        return LegResult.CANCELLED
    return LegResult.NO_ANSWER if channel.rang_at is not None else LegResult.UNAVAILABLE
