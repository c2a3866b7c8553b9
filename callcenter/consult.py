"""Whom an operator asks while the customer waits, and how far that has come. Pure.

An attended transfer made by the switchboard is a Local channel: its half `;1` stands in a bridge with the
operator, its half `;2` dials the colleague. Hold from the desk is the same with the extension `HOLD` of our
dialplan, where nobody is dialled.

In:      a `Call`
Out:     a `Consult`, or None while nobody is asked
Source:  Asterisk 22, `Atxfer` on a real one: Hold, Newchannel x2, LocalBridge, BridgeEnter, and DialEnd of `;1`
"""

from dataclasses import dataclass
from enum import StrEnum

from asterisk.events import DialStatus
from callcenter.call import Call, Channel, Kind, LegResult
from callcenter.call.channels import ancestry
from callcenter.call.voices import HOLD_CONTEXT

HOLD = "00"  # two digits: the switchboard waits for more after a single one


class Stage(StrEnum):
    CALLING = "calling"
    RINGING = "ringing"
    TALKING = "talking"
    FAILED = "failed"  # a tone is played; the operator goes back to the customer
    HOLD = "hold"  # nobody is asked, the customer hears music


@dataclass(frozen=True, kw_only=True)
class Consult:
    """`target`: the extension or number asked. `with_customer`: the colleague waits instead (changed over)."""

    stage: Stage
    target: str
    reason: str | None = None  # busy, no_answer, unavailable
    with_customer: bool = False


REASONS = {
    DialStatus.BUSY: "busy",
    DialStatus.NO_ANSWER: "no_answer",
    DialStatus.UNAVAILABLE: "unavailable",
    DialStatus.CONGESTION: "unavailable",
}


def consult_of(call: Call) -> Consult | None:
    """Return whom somebody in this call asks now."""
    near = _near_half(call)
    if near is None:
        return None
    place = near.name.partition("/")[2].rpartition("-")[0]
    target, _, context = place.partition("@")
    if context == HOLD_CONTEXT:
        # Whose telephone is not in that room yet would lose the customer by laying the receiver down.
        there = any(c.extension is not None and c.bridge == near.bridge for c in call.live_channels)
        return Consult(stage=Stage.HOLD if there else Stage.CALLING, target=target)
    asked = [
        c
        for c in call.channels.values()
        if c.kind is not Kind.LOCAL and any(dialler == near.twin for _, dialler in ancestry(call, c))
    ]
    stage, reason = _stage(call, near, asked)
    with_customer = any(t.to_at is None for t in call.talks)
    target = next((c.extension for c in asked if c.extension is not None), target)
    return Consult(stage=stage, target=target, reason=reason, with_customer=with_customer)


def _near_half(call: Call) -> Channel | None:
    """Return the half of a Local channel that nobody dialled and that came after the first talk."""
    if call.answered_at is None or call.ended_at is not None:
        return None
    halves = (c for c in call.live_channels if c.kind is Kind.LOCAL and c.name.endswith(";1"))
    found = [
        c
        for c in halves
        if c.dialler is None and c.bridge is not None and c.born_at > call.answered_at and _apart(call, c)
    ]
    return found[-1] if found else None


def _apart(call: Call, half: Channel) -> bool:
    """Whether it is not in one room with the customer: then it was joined already."""
    return not any(c.kind is Kind.TRUNK and c.bridge == half.bridge for c in call.live_channels)


def _stage(call: Call, near: Channel, asked: list[Channel]) -> tuple[Stage, str | None]:
    alive = [c for c in asked if c.gone_at is None]
    if near.answered_at is not None or any(c.answered_at is not None for c in alive):
        return Stage.TALKING, None
    if any(c.rings for c in alive):
        return Stage.RINGING, None
    if asked and not alive:
        last = asked[-1]
        if last.result in (LegResult.DECLINED, LegResult.BUSY):
            return Stage.FAILED, "busy"
        return Stage.FAILED, REASONS.get(last.dial_status or DialStatus.OTHER, "unavailable")
    return Stage.CALLING, None
