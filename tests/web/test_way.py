"""The strip on a call's page: queues in turn, the phones each rang under it, all within one scale of time."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from crm_core.read.one_call import LegRow, VisitRow
from web.way import WHOLE, way

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def visit(queue: str, came: float, left: float | None) -> VisitRow:
    return VisitRow(
        queue=queue, began_at=after(came), entered_at=after(came), left_at=None if left is None else after(left),
        position=1, left_position=1, wait_s=0 if left is None else left - came, outcome=None,
    )  # fmt: skip


def leg(queue: str | None, rang: float, until: float | None, result: str | None = "no_answer") -> LegRow:
    ended = None if until is None else after(until)
    return LegRow(
        extension="1001", user=None, rang_at=after(rang), answered_at=None, ended_at=ended, result=result,
        queue=queue, rang_s=None if until is None else until - rang,
    )  # fmt: skip


def bars(visits: list[VisitRow], legs: list[LegRow], now: float = 200) -> list[Any]:
    call: Any = SimpleNamespace(started_at=NOON, visits=visits, legs=legs)
    return way(call, after(now))


def test_phones_stand_under_the_queue_that_rang_them_also_when_it_is_visited_twice() -> None:
    told = bars(
        [visit("sales", 0, 40), visit("support", 40, 60), visit("sales", 60, 100)],
        [leg("sales", 10, 20), leg("support", 45, 50), leg("sales", 70, 80), leg(None, 101, 102)],
    )
    assert [(bar.kind, bar.x) for bar in told] == [
        ("queue", 0), ("phone", 98), ("queue", 392), ("phone", 441), ("queue", 588), ("phone", 686), ("phone", 990),
    ]  # fmt: skip


def test_what_goes_on_reaches_to_now() -> None:
    (waiting, ringing) = bars([visit("sales", 0, None)], [leg("sales", 50, None, None)], now=100)
    assert (waiting.x, waiting.width, waiting.seconds) == (0, WHOLE, None)
    assert (ringing.x, ringing.width, ringing.seconds) == (500, 500, None)


def test_a_call_that_reached_nobody_has_no_way() -> None:
    assert bars([], []) == []


spans = st.tuples(st.floats(0, 5000), st.floats(0, 5000)).map(sorted)


@given(st.lists(spans, max_size=5), st.lists(spans, max_size=8))
def test_every_bar_lies_within_the_strip_and_none_is_lost(stays: list[Any], rings: list[Any]) -> None:
    visits = [visit(f"q{n}", *span) for n, span in enumerate(sorted(stays))]
    legs = [leg(f"q{n % 3}", *span) for n, span in enumerate(rings)]
    told = bars(visits, legs, now=6000)
    assert len(told) == len(visits) + len(legs)
    assert all(bar.x >= 0 and bar.width > 0 and bar.x + bar.width <= WHOLE for bar in told)
