"""The way of a caller until somebody talked to him, as bars on one scale of time. Pure.

In:      the page of a call
Out:     rows in the order in which they began: queues, under each the phones that it rang, then other phones
Units:   `x` and `width` in thousandths of the whole strip
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from crm_core.read.one_call import CallPage, LegRow, VisitRow

WHOLE = 1000
THINNEST = 4  # what lasted no time is seen all the same


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One row: a queue (`kind` queue) or a phone. `result` None: it goes on."""

    kind: str
    label: str
    at: datetime
    seconds: float | None
    result: str | None
    x: int
    width: int
    position: int | None = None
    left_position: int | None = None


def way(call: CallPage, now: datetime) -> list[Bar]:
    """Return the bars of the call."""
    rows, start = list(_in_turn(call)), call.started_at
    end = max((_end(row, now) for row in rows), default=start)
    scale = WHOLE / max((end - start).total_seconds(), 1.0)
    return [_bar(row, start, scale, now) for row in rows]


def _in_turn(call: CallPage) -> Iterator[VisitRow | LegRow]:
    """Yield each queue with the phones that rang for it while the caller was in it, then the other phones."""
    left = [leg for leg in call.legs if leg.rang_at or leg.result]
    for n, visit in enumerate(call.visits):
        until = call.visits[n + 1].began_at if n + 1 < len(call.visits) else None
        own = [
            leg for leg in left if leg.queue == visit.queue and (until is None or _begin(leg, call) < until)
        ]
        left = [leg for leg in left if leg not in own]
        yield visit
        yield from own
    yield from left


def _begin(leg: LegRow, call: CallPage) -> datetime:
    return leg.rang_at or leg.ended_at or call.started_at


def _end(it: VisitRow | LegRow, now: datetime) -> datetime:
    if isinstance(it, VisitRow):
        return it.left_at or now
    if it.rang_at is None:
        return it.ended_at or now
    return it.answered_at or it.ended_at or now


def _bar(it: VisitRow | LegRow, start: datetime, scale: float, now: datetime) -> Bar:
    begin = it.began_at if isinstance(it, VisitRow) else it.rang_at or it.ended_at or start
    x = max(0, min(WHOLE - THINNEST, round((begin - start).total_seconds() * scale)))
    width = round((_end(it, now) - begin).total_seconds() * scale)
    width = max(THINNEST, min(WHOLE - x, width))
    if isinstance(it, VisitRow):
        seconds = it.wait_s if it.left_at else None
        return Bar(
            kind="queue", label=it.queue, at=begin, seconds=seconds, result=it.outcome, x=x, width=width,
            position=it.position, left_position=it.left_position,
        )  # fmt: skip
    label = " ".join(part for part in (it.user, it.extension) if part)
    return Bar(kind="phone", label=label, at=begin, seconds=it.rang_s, result=it.result, x=x, width=width)
