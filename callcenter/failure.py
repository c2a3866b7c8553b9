"""Why a call that one of ours made did not come to a talk, in words that say what to do. Pure.

In:      a `Call`; it may still be open: after a busy customer the operator's phone plays a tone for a while
Out:     a `Failure`, or None for a call that was answered, that can still succeed, or that came from outside
Source:  AMI OriginateResponse says only whether the operator's phone was picked up; the customer's fate is
         in the DialEnd of his channel
"""

from typing import NamedTuple

from asterisk.events import DialStatus
from callcenter.call import Call, Channel, Direction, LegResult


class Failure(NamedTuple):
    """A code for programs, a sentence for people."""

    code: str
    text: str


PHONE_SILENT = Failure("phone_no_answer", "Your phone rang and was not picked up.")
PHONE_DECLINED = Failure("phone_declined", "The call was declined on your phone.")
PHONE_UNREACHABLE = Failure(
    "phone_unreachable", "Your phone is not connected to the switchboard. Check that it is on and registered."
)
GAVE_UP = Failure("cancelled", "You hung up before the customer answered.")
LINK_LOST = Failure(
    "link_lost", "The link to the switchboard broke while dialling. Look at your phone before you dial again."
)
REFUSED = Failure(
    "refused", "The switchboard refused to dial. An administrator finds the reason on the status page."
)
UNKNOWN = Failure("failed", "The call did not go through.")

REFUSED_REASON = "refused by the switchboard"

CUSTOMER = {
    DialStatus.BUSY: Failure("busy", "The customer is on another call."),
    DialStatus.NO_ANSWER: Failure("no_answer", "The customer did not answer."),
    DialStatus.CONGESTION: Failure(
        "congestion", "The provider could not put the call through. Try again in a moment."
    ),
    DialStatus.UNAVAILABLE: Failure(
        "unavailable", "This number can not be reached. Check it with the customer's order."
    ),
    DialStatus.CANCEL: GAVE_UP,
}
NOT_ALLOCATED = frozenset({1, 28})  # Q.850: unallocated number, invalid number format
NO_SUCH_NUMBER = Failure("no_such_number", "There is no such number. Check it for a typing mistake.")


def failure(call: Call) -> Failure | None:
    """Return why the outgoing call failed."""
    if call.direction is not Direction.OUTBOUND or call.talks:
        return None
    if call.ended_at is None:
        return _at_the_customer(call) if _nobody_is_dialled(call) else None
    if call.ended_reason is not None:
        return REFUSED if call.ended_reason == REFUSED_REASON else LINK_LOST
    return _at_our_phone(call) or _at_the_customer(call) or UNKNOWN


def was_dialled(call: Call) -> bool:
    """Whether an outgoing call got as far as the customer's telephone, or at least his provider."""
    return any(c.extension is None and c.dialled_at is not None for c in call.channels.values())


def _at_our_phone(call: Call) -> Failure | None:
    if not call.originated or call.originate.agent_answered_at is not None:
        return None
    phone = next((leg for leg in call.legs), None)
    if phone is None or phone.result is LegResult.UNAVAILABLE:
        return PHONE_UNREACHABLE
    if phone.result in (LegResult.DECLINED, LegResult.BUSY):
        return PHONE_DECLINED
    return PHONE_SILENT


def _nobody_is_dialled(call: Call) -> bool:
    """Whether every attempt to reach the customer is over."""
    far = [c for c in call.channels.values() if c.extension is None and c.dialled_at is not None]
    return bool(far) and all(c.gone_at is not None and c.dial_status is not None for c in far)


def _at_the_customer(call: Call) -> Failure | None:
    dialled = [c for c in call.channels.values() if c.extension is None and c.dial_status is not None]
    if not dialled:
        return GAVE_UP if call.dialler else None
    last: Channel = dialled[-1]
    if last.dial_status is DialStatus.CANCEL:
        return GAVE_UP  # whatever cause the switchboard gave to the channel it dropped
    if last.cause in NOT_ALLOCATED:
        return NO_SUCH_NUMBER
    return CUSTOMER.get(last.dial_status or DialStatus.OTHER)
