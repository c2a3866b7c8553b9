"""The tester of rules says what the live path would do, and which rule decided."""

import re
from datetime import UTC, datetime

import pytest

from callcenter.call import Direction, Rules
from callcenter.directory import EMPTY
from callcenter.numbers import Numbers, TrunkRule
from callcenter.tester import Trial, Verdict, judge
from crm_core.phone import NumberRule

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = Rules(re.compile(r"\d{4}"), re.compile(r"9\d{3}|gate"))
NUMBERS = Numbers(
    "PL", {"warsaw": (TrunkRule(trunk=re.compile("gate"), rule=NumberRule(r"8(\d{10})", r"+7\1")),)}
)


def tried(channel: str, **more: str) -> Verdict:
    return judge(Trial(pbx="warsaw", channel=channel, **more), RULES, NUMBERS, EMPTY, AT)


def test_a_trunk_that_calls_us_makes_an_incoming_call() -> None:
    found = tried("PJSIP/gate-0000001f", number="89161234567", did="48223071120")
    assert found.call is not None and found.number is not None
    assert (found.call.direction, found.call.line, found.call.trunk) == (
        Direction.INBOUND,
        "48223071120",
        "gate",
    )
    assert (found.number.e164, found.number_rule) == ("+79161234567", r"8(\d{10})")
    assert "trunks" in found.why


def test_the_rule_of_one_trunk_does_not_touch_the_numbers_of_another() -> None:
    found = tried("PJSIP/other", number="601220114")
    assert found.number is not None
    assert (found.number.e164, found.number_rule, found.country) == ("+48601220114", None, "PL")
    assert "does not match" in found.why


def test_a_phone_that_dials_out_makes_an_outgoing_call() -> None:
    found = tried("PJSIP/1001", did="601220114", trunk="PJSIP/gate")
    assert found.call is not None and found.number is not None
    assert (found.party.extension, found.call.direction) == ("1001", Direction.OUTBOUND)
    assert (found.call.trunk, found.number.e164) == ("gate", "+48601220114")
    assert found.why == r"extensions = \d{4} matches the peer '1001'."


@pytest.mark.parametrize(
    ("channel", "word"),
    [("Local/1001@agents-00000003;1", "pipe"), ("Message/ast_msg_queue", "itself"), ("PJSIP/9001", "before")],
)
def test_every_verdict_says_why(channel: str, word: str) -> None:
    assert word in tried(channel, number="601220114").why
