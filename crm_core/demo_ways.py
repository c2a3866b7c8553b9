"""The ways that orders and deals of the demo went: which steps, how long in each, who led them."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from crm_core.funnel import SALES

_BEFORE = {  # a status -> what an order was in before it came there
    "confirmed": (),
    "cancelled": (),
    "packed": ("confirmed",),
    "on_delivery": ("confirmed", "packed"),
    "delivered": ("confirmed", "packed", "on_delivery"),
    "done": ("confirmed", "packed", "on_delivery", "delivered"),
    "returned": ("confirmed", "packed", "on_delivery", "delivered"),
}
_HOURS = {"confirmed": 9, "packed": 26, "on_delivery": 40, "delivered": 30}
_STAGES = {"new": "New", "offer": "Offer", "ordered": "Ordered", "won": "Won", "lost": "Lost"}
_LOST = {2: "Too expensive", 3: "Bought elsewhere", 4: "Not in stock", 5: "No answer", 6: "No longer wanted"}


def order_steps(
    random: Random, order: Mapping[str, Any], first_at: datetime, until: datetime
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """When the status of an order changed, and what else did; from `first_at` on, all before `until`."""
    way = (*_BEFORE[order["status"]], order["status"])
    gaps = [timedelta(hours=random.expovariate(1 / _HOURS[status])) for status in way[:-1]]
    room = max(until - first_at, timedelta(0))
    scale = min(1.0, room / sum(gaps, timedelta(seconds=1)))
    at, before = first_at, "new"
    for status, gap in zip(way, [*gaps, timedelta(0)], strict=True):
        what: dict[str, Any] = {"status": [before, status]}
        if before == "new" and order["manager_id"] is not None:
            what["manager_id"] = [None, order["manager_id"]]
        yield at, what
        at, before = at + gap * scale, status


def lead_deals(random: Random, deals: Sequence[dict[str, Any]], now: datetime) -> Iterator[dict[str, Any]]:
    """The steps of deals, by whoever is responsible; when they came where they are is written into them."""
    for deal in deals:
        stage = deal["stage"]
        ways = {
            "new": (),
            "offer": ("offer",),
            "ordered": ("offer", "ordered"),
            "won": ("offer", "ordered", "won"),
        }
        way = ways.get(stage) or (("lost",) if random.random() < 0.3 else ("offer", "lost"))
        at, before = deal["created_at"], "new"
        way = () if stage == "new" else way
        yield _step(deal, None, "new", at)
        each = (now - timedelta(minutes=5) - at) / (len(way) + 1)
        for code in way:
            hours = {"offer": 5, "ordered": 60, "won": 26, "lost": 50}[code]
            at += min(each, timedelta(hours=random.expovariate(1 / hours)))
            yield _step(deal, before, code, at, _LOST[deal["lost_reason_id"]] if code == "lost" else None)
            before = code
        deal["stage_since"] = deal["updated_at"] = at
        deal["closed_at"] = at if stage in ("won", "lost") else None


def _step(
    deal: Mapping[str, Any], before: str | None, code: str, at: datetime, reason: str | None = None
) -> dict[str, Any]:
    return {
        "deal_id": deal["id"],
        "funnel": "Sales",
        "funnel_id": SALES,
        "stage": code,
        "from_stage": before and _STAGES[before],
        "to_stage": _STAGES[code],
        "reason": reason,
        "user_id": deal["responsible_id"],
        "created_at": at,
    }
