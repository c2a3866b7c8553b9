"""What stands on the supervisor's board, as rows. Pure.

In:      AGENT objects, live calls with their cards, the figures of the day
Out:     JSON-ready rows; instants as ISO 8601, from which the browser counts. What only decides who may see a row
         stands under `owners` (ids of operators), where it comes from under `pbxs`; neither leaves the house.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from callcenter.call import Call, CallState, Visit
from callcenter.directory import Directory, LineEntry
from callcenter.errand import Errand
from crm_core.alert import About, Logged
from crm_core.figure.figure import BY_CODE
from crm_core.figure.rules import Target
from crm_core.figure.tally import SECOND, Tally
from crm_core.phone import Number

Row = dict[str, Any]
Counts = Mapping[str, int]
STATES = ("available", "ringing", "dialling", "talking", "held", "wrap_up", "paused", "offline")


def operator_row(agent: Mapping[str, Any], call: Row | None, today: Row) -> Row:
    """One operator: what he does since when, with whom, and what he did today."""
    return {
        **{
            key: agent[key] for key in ("id", "name", "state", "since", "reason", "reason_code", "productive")
        },
        "extensions": agent["extensions"],
        "queues": [it["queue"] for it in agent["queues"] if it["member"]],
        "wrap_until": agent["wrap_up"] and agent["wrap_up"]["until"],
        "trouble": agent["trouble"],
        "call": call,
        "today": today,
        "owners": [agent["id"]],
        "pbxs": sorted({it["pbx"] for it in agent["phones"]}),
    }


def operator_day(counts: Counts, orders: int, sums: Mapping[str, str]) -> Row:
    """What one operator did today: calls answered and made, seconds of talk, rings he let go by, what he sold."""
    return {
        "answered": counts.get("answered_in", 0),
        "out": counts.get("answered_out", 0),
        "talk_s": counts.get("talk_us", 0) // SECOND,
        "let_ring": counts.get("unanswered", 0),
        "orders": orders,
        "sums": sums,
    }


def call_row(
    call: Call,
    number: Number,
    card: Mapping[str, Any] | None,
    errand: Errand | None,
    user_id: int,
    directory: Directory,
) -> Row:
    """The call that an operator has, with the customer and the order that it is about, as far as that is known."""
    line = directory.line(call.pbx, call.line)
    return {
        "id": str(call.id),
        "direction": call.direction,
        "line": line.name if line else call.line,
        "queue": call.queue,
        "talking_since": _iso(call.answered_at),
        "held_at": _iso(call.held_at),
        **party(call, number, card),
        "order": _order(card or {}, errand, user_id),
    }


def party(call: Call, number: Number, card: Mapping[str, Any] | None) -> Row:
    """Who is at the other end."""
    customer = (card or {}).get("customer") or {}
    return {
        "number": number.display,
        "name": customer.get("name") or call.remote_name or "",
        "customer_id": customer.get("id"),
        "vip": bool(customer.get("vip")),
    }


def _order(card: Mapping[str, Any], errand: Errand | None, user_id: int) -> Row | None:
    """The order that he has open, else the one he called about, else one the call is linked to, else the only open."""
    orders = {it["id"]: it for it in card.get("orders", ())}
    opened = [
        it["object_id"] for it in card.get("focus", ()) if it["kind"] == "order" and it["user_id"] == user_id
    ]
    wanted = [errand.target.order_id] if errand and errand.target else []
    linked = [it["object_id"] for it in card.get("links", ()) if it["kind"] == "order"]
    unfinished = [id_ for id_, it in orders.items() if it["open"]]
    only = unfinished if len(unfinished) == 1 else []
    found = next((orders[id_] for id_ in (*opened, *wanted, *linked, *only) if id_ in orders), None)
    return found and {"id": found["id"], "number": found["number"], "owners": found["owners"]}


def waits_in(call: Call) -> Visit | None:
    """The stay in a queue that is not over."""
    if call.ended_at is not None or call.merged_into is not None or not call.visits:
        return None
    last = call.visits[-1]
    open_ = last.entered_at is not None and last.left_at is None and last.outcome is None
    return last if open_ and call.state in (CallState.WAITING, CallState.RINGING) else None


def waiting_row(call: Call, visit: Visit, who: Row, line: LineEntry | None, owners: Iterable[int]) -> Row:
    """Somebody who waits in a queue; `rings`: a telephone rings for him."""
    return {
        "id": str(call.id),
        "queue": visit.queue,
        "since": _iso(visit.entered_at),
        "line": line.name if line else call.line,
        "rings": bool(call.ringing),
        **who,
        "owners": sorted(owners),
    }


def queue_row(name: str, target: Target, agents: Iterable[Mapping[str, Any]], counts: Counts) -> Row:
    """One queue: who is in it doing what, what it shall reach and what it reached today."""
    members = list(agents)
    return {
        "id": name,
        "target_s": target.target_s,
        "goal": target.goal,
        "members": dict(Counter(_in_queue(agent, name) for agent in members)),
        "today": queue_day(counts),
        "owners": sorted(agent["id"] for agent in members),
        "pbxs": sorted({it["pbx"] for agent in members for it in agent["queues"] if it["queue"] == name}),
    }


def _in_queue(agent: Mapping[str, Any], queue: str) -> str:
    """What he is to this queue: his state, but paused where it can not ring him."""
    free = any(it["queue"] == queue and it["member"] and not it["paused"] for it in agent["queues"])
    return "paused" if agent["state"] == "available" and not free else str(agent["state"])


def queue_day(counts: Counts) -> Row:
    """Of stays in queues: how many were answered, and gave up, the share in time, the seconds to an answer."""
    tally = _tally(counts)
    return {
        "answered": tally.queue_answered,
        "abandoned": tally.abandoned - tally.short,
        "short": tally.short,
        "let_go": tally.let_go + tally.refused,
        "level": _figure("service_level", tally),
        "asa_s": _figure("asa", tally),
    }


def line_row(line: LineEntry, now: int, counts: Counts, orders: int) -> Row:
    """One line: how many calls are on it now, and what came today."""
    return {
        "id": line.id,
        "name": line.name,
        "number": line.number,
        "shop": line.shop,
        "now": now,
        "today": {
            "inbound": counts.get("inbound", 0),
            "answered": counts.get("answered_in", 0),
            "missed": counts.get("missed", 0),
            "outbound": counts.get("outbound", 0),
            "orders": orders,
        },
        "owners": [],
    }


def house_row(calls: Iterable[Call], counts: Counts, orders: int, sums: Mapping[str, str]) -> Row:
    """The whole house: calls now by state, and the figures of the day."""
    tally = _tally(counts)
    return {
        "id": "all",
        "calls": dict(Counter(str(call.state) for call in calls)),
        "today": {
            **queue_day(counts),
            "inbound": tally.inbound,
            "outbound": tally.outbound,
            "answered_calls": tally.answered,
            "missed": tally.missed,
            "talk_s": tally.talk_us // SECOND,
            "orders": orders,
            "sums": sums,
        },
        "owners": [],
    }


def alert_row(it: Logged, owners: Iterable[int]) -> Row:
    """Something that is wrong; `of`: the id of the operator, or the name of the queue or switchboard."""
    operator = it.about == About.OPERATOR
    return {
        "id": it.id,
        "kind": it.kind,
        "about": it.about,
        "of": int(it.of) if operator else it.of,
        "text": it.text,
        "since": _iso(it.raised_at),
        "acked_by": it.acked_name,
        "acked_at": _iso(it.acked_at),
        "owners": [int(it.of)] if operator else sorted(owners),
    }


def _tally(counts: Counts) -> Tally:
    facts: dict[str, Any] = dict(counts)
    return Tally(**facts)


def _figure(code: str, tally: Tally) -> float | None:
    (value,) = BY_CODE[code].of(tally)
    return None if value.value is None else round(float(value.value), 4)


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()
