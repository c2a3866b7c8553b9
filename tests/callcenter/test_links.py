"""What a call is taken to have been about when nobody said so."""

from callcenter.links import Facts, Rule, Target, guess


def test_the_only_open_order_is_what_the_customer_calls_about() -> None:
    facts = Facts(open_orders=(8,), latest_open=Target(deal_id=3))
    assert guess(facts) == (Target(order_id=8), Rule.ONLY_OPEN)


def test_of_several_open_ones_the_latest_is_taken() -> None:
    facts = Facts(open_orders=(8, 5), latest_open=Target(order_id=5))
    assert guess(facts) == (Target(order_id=5), Rule.LATEST_OPEN)


def test_a_customer_without_an_open_order_calls_about_the_open_deal() -> None:
    assert guess(Facts(latest_open=Target(deal_id=3))) == (Target(deal_id=3), Rule.LATEST_OPEN)


def test_nothing_is_guessed_where_somebody_linked_already() -> None:
    assert guess(Facts(linked=True, open_orders=(8,))) is None


def test_a_customer_with_nothing_open_is_asked_about_at_wrap_up() -> None:
    assert guess(Facts()) is None


def test_a_link_that_was_taken_away_does_not_come_back_by_itself() -> None:
    facts = Facts(open_orders=(8,), refused=frozenset({Target(order_id=8)}))
    assert guess(facts) is None
