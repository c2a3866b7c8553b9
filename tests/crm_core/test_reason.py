"""Why they call: shares that add up, evidence that never speaks against its reason, and a check against outcomes."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crm_core.call import set_disposition
from crm_core.card import load_card
from crm_core.forecast import keep_forecast
from crm_core.read.calibration import Judged, load_calibration, reliability
from crm_core.reason import KNOWN, OTHER, Fact, forecast, weigh
from tests.crm_core.conftest import NOON

ORDER = {"id": 11, "number": "A-1042", "total": "148.00", "paid": "148.00", "currency": "EUR", "open": True}
FACTS = st.builds(
    lambda reason, points: Fact(reason=reason, points=points, words="", values={}),
    st.sampled_from(sorted(set(KNOWN) - {OTHER})),
    st.floats(min_value=0.1, max_value=20),
)


@given(st.lists(FACTS, max_size=12), FACTS)
def test_shares_make_one_and_more_evidence_never_lowers_its_reason(known: list[Fact], more: Fact) -> None:
    before, after = weigh(known), weigh([*known, more])
    for found in (before, after):
        assert sum(guess.share for guess in found) == pytest.approx(1)
        assert found == sorted(found, key=lambda guess: -guess.share)
    share = {guess.reason: guess.share for guess in before}
    grown = {guess.reason: guess.share for guess in after}
    assert grown[more.reason] >= share.get(more.reason, 0.0)
    assert all(grown[reason] <= share[reason] for reason in share if reason != more.reason)


def test_a_parcel_that_is_late_comes_before_a_call_that_we_missed_long_ago() -> None:
    late = ORDER | {"status": "on_delivery", "promised_at": at(-50), "created_at": at(-200)}
    missed = {"direction": "inbound", "result": "abandoned", "started_at": at(-5), "about": None}
    first, second, *_ = forecast({"orders": [late], "calls": [missed]}, NOON)
    assert (first["reason"], first["facts"][0]["values"]["days"]) == ("late_parcel", 2)
    assert second["reason"] == "missed_call"
    assert first["share"] + second["share"] < 1  # something else is always possible
    talked = missed | {"result": "answered", "started_at": at(-1)}
    reasons = {guess["reason"] for guess in forecast({"calls": [talked, missed]}, NOON)}
    assert "missed_call" not in reasons  # somebody has spoken with them since


def test_who_just_ordered_and_has_not_paid_probably_calls_about_that() -> None:
    fresh = ORDER | {"status": "new", "paid": "0", "promised_at": None, "created_at": at(-0.1)}
    found = forecast({"orders": [fresh]}, NOON)
    assert [guess["reason"] for guess in found] == ["unpaid_order", "order_just_placed"]
    assert forecast({}, NOON) == []


def test_every_judged_call_stands_in_one_tenth() -> None:
    rows = [
        Judged(reason="late_parcel", share=share, outcome="x", label="X", about=about, calls=2)
        for share, about in ((0.05, ()), (0.7, ("late_parcel",)), (0.79, ()), (1.0, ("late_parcel",)))
    ]
    steps = reliability(rows)
    assert [(step.calls, step.hits) for step in steps if step.calls] == [(2, 0), (4, 2), (2, 2)]


async def test_what_the_card_said_is_checked_against_the_outcome(shop: Any) -> None:
    async with shop.begin() as session:
        card = await load_card(
            session, e164="+48601220114", customer_id=None, call_id=shop.call, now=shop.noon
        )
        late = ORDER | {"status": "packed", "promised_at": at(-30), "created_at": at(-90)}
        said = forecast(card | {"orders": [late]}, shop.noon)
        await keep_forecast(session, shop.call, said, at=shop.noon)
        await keep_forecast(
            session, shop.call, forecast({}, shop.noon), at=shop.noon
        )  # the next operator's card
        week = (shop.noon - timedelta(days=1), shop.noon + timedelta(days=1))
        assert (await load_calibration(session, *week)).judged == 0
        await set_disposition(session, shop.call, "delivery_problem", user_id=shop.anna, at=shop.noon)
        found = await load_calibration(session, *week)
        assert (found.told, found.judged, found.hits, found.rate) == (1, 1, 1, 1.0)
        await set_disposition(session, shop.call, "complaint", user_id=shop.anna, at=shop.noon)
        found = await load_calibration(session, *week)
        assert found.rate == 0
        assert found.reasons[0].instead == (("Complaint or return", 1),)


def at(hours: float) -> str:
    return (NOON + timedelta(hours=hours)).isoformat()
