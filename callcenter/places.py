"""On whose desk a call stands, and how it looks there. Pure.

In:      a `Call`, the `Directory`, what we know of a call that one of ours asked for (`Errand`)
Out:     for each operator concerned the state he sees; the CALL object of the push protocol
Source:  design.md sections 5 and 9; rows P1, P2, P3 of the feature table
"""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from callcenter.baton import handed_on, watchers
from callcenter.call import Call, CallState, Direction, Result
from callcenter.directory import Directory, Operator
from callcenter.errand import Errand
from callcenter.failure import Failure, failure
from crm_core.phone import Number


class DeskState(StrEnum):
    """What a call is to one operator."""

    RINGING = "ringing"
    DIALLING = "dialling"
    TALKING = "talking"
    HELD = "held"
    WRAP_UP = "wrap_up"  # it is over and still owes an outcome
    ENDED = "ended"  # it never came to a talk
    WATCHING = "watching"  # he handed it on and sees what becomes of it


def places(call: Call, directory: Directory, errand: Errand | None) -> dict[int, DeskState]:
    """Return the operators on whose desks this call stands now.

    Calls among ourselves pop up nowhere. Whoever talks keeps the card alone: the others lose it at the
    answer, not when their phones' hang-ups come.
    """
    if call.direction is Direction.INTERNAL or call.merged_into is not None:
        return {}
    if call.state is CallState.ENDED:
        return _afterwards(call, directory, errand)
    held = call.state is CallState.HELD
    found = {}
    for extension in call.ringing:
        found[extension] = DeskState.RINGING
    if call.dialler is not None and not call.talks:
        found[call.dialler] = DeskState.DIALLING
    for extension in call.picked_up if call.direction is Direction.INBOUND else ():
        found[extension] = DeskState.TALKING  # the bridge follows within milliseconds
    if call.operator is not None and not call.talking:
        # His part is over (the customer just hung up), unless he parked the customer or sent him on.
        done = DeskState.WATCHING if handed_on(call) else DeskState.WRAP_UP
        found[call.operator] = DeskState.HELD if call.parked else done
    for extension in call.talking:
        found[extension] = DeskState.HELD if held else DeskState.TALKING
    here = _people(call, directory, found, errand)
    return here | dict.fromkeys(watchers(call, directory) - here.keys(), DeskState.WATCHING)


def _afterwards(call: Call, directory: Directory, errand: Errand | None) -> dict[int, DeskState]:
    if call.result is Result.ANSWERED:
        return _people(call, directory, {call.operator: DeskState.WRAP_UP}, None)
    if call.direction is Direction.OUTBOUND:
        return _people(call, directory, {call.dialler: DeskState.ENDED}, errand)
    return {}


def _people(
    call: Call,
    directory: Directory,
    found: Mapping[str | None, DeskState] | Mapping[str, DeskState],
    errand: Errand | None,
) -> dict[int, DeskState]:
    people: dict[int, DeskState] = {}
    for extension, state in found.items():
        operator = directory.operator_at(call.pbx, extension)
        if operator is not None:
            people[operator.id] = state
    if errand is not None and not call.talks:
        # The one who clicked sees his call from the first moment, whichever of his phones rings.
        people[errand.user_id] = DeskState.ENDED if call.state is CallState.ENDED else DeskState.DIALLING
    return people


def describe(
    call: Call,
    state: DeskState,
    *,
    number: Number,
    directory: Directory,
    errand: Errand | None,
    carrier: str | None = None,
) -> dict[str, Any]:
    """Return the CALL object of the push protocol: instants as ISO 8601, seconds as numbers."""
    why = failure(call)
    operator = directory.operator_at(call.pbx, call.operator)
    return {
        "id": str(call.id),
        "state": state,
        "direction": call.direction,
        "remote": {**_remote(call, number), "carrier": carrier},
        "line": _line(call, directory),
        "queue": call.queue,
        "started_at": _iso(call.started_at),
        "queued_at": _iso(call.queued_at),
        "rang_at": _iso(call.rings_since or call.first_rang_at),
        "answered_at": _iso(call.answered_at),
        "held_at": _iso(call.held_at),
        "ended_at": _iso(call.ended_at),
        "wait_s": round(call.wait_s, 3),
        "talk_s": round(call.talk_s, 3),
        "click_to_call": call.click_to_call or errand is not None,
        "stage": _stage(call, state, errand),
        "failure": _failure(why),
        "result": call.result,
        "operator": _person(operator),
    }


def _remote(call: Call, number: Number) -> dict[str, Any]:
    return {
        "number": number.e164,
        "raw": call.remote_number,
        "display": number.display,
        "name": call.remote_name,
        "anonymous": number.anonymous,
        "region": number.region,
        "kind": number.kind,
        "timezone": number.timezones[0] if number.timezones else None,
    }


def _line(call: Call, directory: Directory) -> dict[str, Any] | None:
    entry = directory.line(call.pbx, call.line)
    if entry is None:
        return (
            {
                "id": None,
                "number": call.line,
                "name": call.line,
                "shop_id": None,
                "shop": None,
                "currency": None,
            }
            if call.line
            else None
        )
    return {
        "id": entry.id,
        "number": entry.number,
        "name": entry.name,
        "shop_id": entry.shop_id,
        "shop": entry.shop,
        "currency": entry.currency,
    }


def _stage(call: Call, state: DeskState, errand: Errand | None) -> str | None:
    """How far an outgoing call has come, in words."""
    if state is not DeskState.DIALLING:
        return None
    if (errand is not None or call.click_to_call) and call.originate.agent_answered_at is None:
        return "Your phone is ringing: pick it up" if call.ringing else "Calling your phone"
    far = [channel for channel in call.live_channels if channel.extension is None and channel.dialled_at]
    if any(channel.rings for channel in far):
        return "Ringing at the customer"
    return "Calling the customer"


def _failure(why: Failure | None) -> dict[str, str] | None:
    return None if why is None else {"code": why.code, "text": why.text}


def _person(operator: Operator | None) -> dict[str, Any] | None:
    return None if operator is None else {"id": operator.id, "name": operator.name}


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
