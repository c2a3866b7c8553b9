"""A call as the line that `callcenter replay` promises."""

from datetime import UTC, datetime
from typing import Any

from callcenter.call.missed import died_in
from callcenter.call.model import Call, Channel, LegResult
from callcenter.call.queueing import queue_of
from callcenter.call.visit import Visit

# Results that only a phone that heard of the call can have.
REACHED = frozenset({LegResult.ANSWERED, LegResult.DECLINED, LegResult.BUSY})


def report(call: Call) -> dict[str, Any]:
    """Return the call as JSON-ready values. Seconds are floats, instants ISO 8601 in UTC."""
    return {
        "linkedid": call.linkedid,
        "linkedids": list(call.linkedids),
        "direction": call.direction.value,
        "remote_number": call.remote_number,
        "remote_name": call.remote_name,
        "line": call.line,
        "queue": call.queue,
        "result": call.result.value if call.result else None,
        "operator": call.operator,
        "operators": list(call.operators),
        "queues": [_visit(v) for v in call.visits],
        "missed": died_in(call),
        "rang": [_rang(call, c) for c in call.channels.values() if _was_rung(c)],
        "wait_s": round(call.wait_s, 3),
        "talk_s": round(call.talk_s, 3),
        "hold_s": round(call.hold_s, 3),
        "transfers": [
            {"kind": t.kind, "from": t.sender, "to": t.target, "result": t.result} for t in call.transfers
        ],
        "ended_by": call.ended_by.value if call.ended_by else None,
        "ended_reason": call.ended_reason,
        "click_to_call": call.click_to_call,
        "recordings": list(call.recordings),
        "started_at": instant(call.started_at),
        "answered_at": instant(call.answered_at),
        "ended_at": instant(call.ended_at),
        "complete": call.complete,
    }


def _was_rung(channel: Channel) -> bool:
    """Say whether a phone of ours was reached: it rang, or it declined before it could."""
    if channel.extension is None:
        return False
    return channel.rang_at is not None or (channel.dialled_at is not None and channel.result in REACHED)


def _visit(visit: Visit) -> dict[str, Any]:
    return {
        "queue": visit.queue,
        "entered_at": instant(visit.entered_at),
        "position": visit.position,
        "left_at": instant(visit.left_at),
        "left_position": visit.left_position,
        "wait_s": round(visit.wait_s, 3),
        "outcome": visit.outcome,
    }


def _rang(call: Call, channel: Channel) -> dict[str, Any]:
    since = channel.rang_at or channel.dialled_at or channel.born_at
    until = channel.rung_until or channel.gone_at or since
    return {
        "extension": channel.extension,
        "queue": queue_of(call, channel),
        "rang_s": round(max(0.0, (until - since).total_seconds()), 3),
        "result": channel.result.value if channel.result else None,
    }


def instant(at: datetime | None) -> str | None:
    """Return ISO 8601 in UTC with milliseconds, "…Z"."""
    if at is None:
        return None
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
