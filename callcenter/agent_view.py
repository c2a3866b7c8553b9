"""How an operator's shift looks: the AGENT object of the push protocol. Pure.

In:      a `Shift`, who he is, what pause reasons are called, which queues there are
Out:     JSON-ready values; instants as ISO 8601
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from callcenter.agent import LISTENING, WRAP_UP, AgentState, Kind, Membership, Place, Shift
from callcenter.directory import Operator


@dataclass(frozen=True)
class Reason:
    """What a pause reason is called, and whether it is work."""

    label: str
    productive: bool


@dataclass(frozen=True)
class Setup:
    """What the administrator says of pauses: reasons by code, seconds of wrap-up by queue and operator."""

    reasons: Mapping[str, Reason]
    wrap_up: Callable[[str, int], float]


def describe(
    user_id: int,
    operator: Operator | None,
    shift: Shift,
    *,
    setup: Setup,
    queues: Mapping[str, frozenset[str]],
    up: frozenset[str],
) -> dict[str, Any]:
    """Return AGENT. `queues`: of each switchboard he has a phone on; `up`: switchboards that are attached."""
    phones = operator.phones if operator is not None else ()
    now = shift.standing if operator is not None else shift.standing._replace(state=AgentState.OFFLINE)
    wrap_up = shift.hold(Kind.WRAP_UP)
    return {
        "id": user_id,
        "name": operator.name if operator is not None else "",
        "role": operator.role if operator is not None else "",
        "extensions": [extension for _, extension in phones],
        "phones": [
            {"pbx": pbx, "extension": extension, "device": _device(shift, (pbx, extension))}
            for pbx, extension in phones
        ],
        "state": str(now.state),
        "since": shift.since.isoformat() if operator is not None else None,
        "reason": _label(now.reason, setup),
        "reason_code": now.reason,
        "productive": _productive(now.reason, setup) if now.state is AgentState.PAUSED else None,
        "call_id": now.call and str(now.call),
        "signed_in": now.signed_in,
        "queues": _queues(shift, queues, setup, up),
        "pauses": [_pause(hold, setup) for hold in shift.holds],
        "wrap_up": wrap_up and {"since": _iso(wrap_up.since), "until": _iso(wrap_up.until)},
        "trouble": shift.trouble,
    }


def _device(shift: Shift, phone: tuple[str, str]) -> str | None:
    device = shift.devices.get(phone)
    return None if device is None else str(device.state)


def _pause(hold: Any, setup: Setup) -> dict[str, Any]:
    return {
        "kind": str(hold.kind),
        "reason": _label(hold.reason, setup),
        "since": _iso(hold.since),
        "until": _iso(hold.until),
        "call_id": hold.call and str(hold.call),
    }


def _queues(
    shift: Shift, queues: Mapping[str, frozenset[str]], setup: Setup, up: frozenset[str]
) -> list[dict[str, Any]]:
    """Every queue he is in, once for each membership, and those he could be in."""
    listed = [_queue(place, member, shift, setup, up) for place, member in sorted(shift.members.items())]
    known = {(place.pbx, place.queue) for place in shift.members}
    for pbx, names in sorted(queues.items()):
        for name in sorted(names):
            if (pbx, name) not in known:
                listed.append(_queue(Place(pbx, name, ""), None, shift, setup, up))
    return listed


def _queue(
    place: Place, member: Membership | None, shift: Shift, setup: Setup, up: frozenset[str]
) -> dict[str, Any]:
    return {
        "pbx": place.pbx,
        "queue": place.queue,
        "member": member is not None,
        "fixed": member is not None and not member.dynamic,
        "paused": member is not None and member.paused,
        "reason": _label(member.reason, setup) if member is not None and member.paused else None,
        "by_others": member is not None and member.paused and not shift.is_ours(place),
        "known": place.pbx in up,
    }


def _label(code: str | None, setup: Setup) -> str | None:
    if code is None or code == WRAP_UP:
        return None
    if code == LISTENING:
        return "Listening"
    known = setup.reasons.get(code)
    return known.label if known is not None else code


def _productive(code: str | None, setup: Setup) -> bool:
    if code == LISTENING:
        return True
    known = setup.reasons.get(code or "")
    return known is not None and known.productive


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
