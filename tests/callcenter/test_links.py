"""What a call is taken to have been about when nobody said so."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from callcenter.links import SHORTEST_LOOK, Facts, Look, Rule, Target, guess, looked_at

ORDER, OTHER, DEAL = Target(order_id=8), Target(order_id=5), Target(deal_id=3)
NOON = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def test_the_only_open_order_is_what_the_customer_calls_about() -> None:
    facts = Facts(open_orders=(8,), latest_open=Target(deal_id=3))
    assert guess(facts) == (Target(order_id=8), Rule.ONLY_OPEN)


def test_of_several_open_ones_the_latest_is_taken() -> None:
    facts = Facts(open_orders=(8, 5), latest_open=Target(order_id=5))
    assert guess(facts) == (Target(order_id=5), Rule.LATEST_OPEN)


def test_a_customer_without_an_open_order_calls_about_the_open_deal() -> None:
    assert guess(Facts(latest_open=Target(deal_id=3))) == (Target(deal_id=3), Rule.LATEST_OPEN)


def test_nothing_is_guessed_where_something_is_linked_already() -> None:
    assert guess(Facts(linked=True, open_orders=(8,))) is None


def test_what_was_open_in_the_card_comes_before_what_was_edited_and_what_could_be_guessed() -> None:
    facts = Facts(opened=DEAL, linked=True, open_orders=(8,), latest_open=OTHER)
    assert guess(facts) == (DEAL, Rule.OPENED)


def test_what_was_open_in_the_card_never_stands_beside_a_link_made_by_hand() -> None:
    assert guess(Facts(settled=True, linked=True, opened=DEAL)) is None


def test_what_was_open_and_is_unlinked_by_hand_gives_way_to_the_next_rule() -> None:
    facts = Facts(opened=DEAL, refused=frozenset({DEAL}), open_orders=(8,))
    assert guess(facts) == (ORDER, Rule.ONLY_OPEN)


def at(clock: str) -> datetime:
    """12:00:05 as ":05", half past twelve as "30:00"."""
    minutes, _, seconds = clock.rpartition(":")
    return NOON + timedelta(minutes=int(minutes or 0), seconds=int(seconds))


# The talk goes from 12:00:10 to 12:01:00. Each look: what, from, to ("" = never closed).
LOOKS = [
    ("nothing was opened", [], None),
    ("open all the time", [(ORDER, ":05", "")], ORDER),
    ("opened in mid-talk", [(ORDER, ":40", "")], ORDER),
    ("the last of two", [(ORDER, ":12", ":30"), (OTHER, ":30", ":50")], OTHER),
    ("leafing through at the end does not count", [(ORDER, ":12", ":55"), (OTHER, ":55", ":57")], ORDER),
    ("short looks add up", [(OTHER, ":12", ":14"), (ORDER, ":14", ":20"), (OTHER, ":20", ":22")], OTHER),
    ("back to the first", [(ORDER, ":12", ":20"), (OTHER, ":20", ":30"), (ORDER, ":30", "")], ORDER),
    ("closed before the answer", [(ORDER, ":02", ":09")], None),
    ("opened after the hang-up", [(ORDER, "1:05", "")], None),
    ("only a glance", [(ORDER, ":20", ":22")], None),
    ("a deal as well as an order", [(ORDER, ":12", ":20"), (DEAL, ":20", "")], DEAL),
    ("after a transfer the second operator's counts", [(ORDER, ":12", ""), (OTHER, ":35", "")], OTHER),
]


@pytest.mark.parametrize(("looks", "found"), [row[1:] for row in LOOKS], ids=[row[0] for row in LOOKS])
def test_what_was_open_last_and_long_enough_in_the_talk_is_what_it_was_about(looks, found) -> None:
    made = [
        Look(target=target, opened_at=at(opened), closed_at=at(closed) if closed else None)
        for target, opened, closed in looks
    ]
    assert looked_at(made, at(":10"), at("1:00")) == found
    assert looked_at(reversed(made), at(":10"), at("1:00")) == found


SECONDS = some.integers(0, 90)
LOOK = some.builds(
    lambda target, opened, length: Look(
        target=target,
        opened_at=NOON + timedelta(seconds=opened),
        closed_at=None if length is None else NOON + timedelta(seconds=opened + length),
    ),
    some.sampled_from([ORDER, OTHER, DEAL]),
    SECONDS,
    some.none() | SECONDS,
)


@given(some.lists(LOOK, max_size=8), SECONDS, SECONDS)
def test_only_what_was_really_open_in_the_talk_is_found(looks: list[Look], begin: int, length: int) -> None:
    since, until = NOON + timedelta(seconds=begin), NOON + timedelta(seconds=begin + length)
    found = looked_at(looks, since, until)
    open_for = sum(
        (
            max(min(look.closed_at or until, until) - max(look.opened_at, since), timedelta())
            for look in looks
            if look.target == found
        ),
        timedelta(),
    )
    assert found is None or open_for >= SHORTEST_LOOK


def test_a_customer_with_nothing_open_is_asked_about_at_wrap_up() -> None:
    assert guess(Facts()) is None


def test_a_link_that_was_taken_away_does_not_come_back_by_itself() -> None:
    facts = Facts(open_orders=(8,), refused=frozenset({Target(order_id=8)}))
    assert guess(facts) is None
