"""How a live call is being handled, as the card shows it: who is asked, the slot, the silent recording. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from callcenter.call import Call
from callcenter.consult import consult_of
from callcenter.directory import Directory


class Pause(NamedTuple):
    """The recording is silent since `at`, because `user_id` asked for it."""

    user_id: int | None
    at: datetime


def handling(
    call: Call, pause: Pause | None, directory: Directory, heard_by: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """Return the part `control` of the CALL object of the push protocol. `heard_by`: who listens, if that is told."""
    return {
        "consult": _consult(call, directory),
        "parked": _parked(call, directory),
        "recording_paused": _paused(pause, directory),
        "heard_by": list(heard_by),
    }


def _consult(call: Call, directory: Directory) -> dict[str, Any] | None:
    consult = consult_of(call)
    if consult is None:
        return None
    return {
        "stage": consult.stage,
        "target": consult.target,
        "name": _name(directory, call.pbx, consult.target),
        "reason": consult.reason,
        "with_customer": consult.with_customer,
    }


def _parked(call: Call, directory: Directory) -> dict[str, Any] | None:
    if call.parked is None:
        return None
    last = next((t for t in reversed(call.transfers) if t.kind == "park"), None)
    return {
        "slot": call.parked,
        "by": _name(directory, call.pbx, last.sender) if last else None,
        "at": last.at.isoformat() if last else None,
        "ringing": bool(call.ringing),
    }


def _paused(pause: Pause | None, directory: Directory) -> dict[str, Any] | None:
    if pause is None:
        return None
    operator = directory.operators.get(pause.user_id or 0)
    return {"at": pause.at.isoformat(), "by": operator.name if operator else None}


def _name(directory: Directory, pbx: str, extension: str | None) -> str | None:
    operator = directory.operator_at(pbx, extension)
    return operator.name if operator else extension
