"""Which order and which deal a call belongs to."""

from callcenter.links import Facts, Rule, Target, decide
from crm_core.call_link import Role


def reasons(facts: Facts) -> list[tuple[Target, Role, Rule]]:
    return [(link.target, link.role, link.rule) for link in decide(facts)]


def test_a_call_started_from_an_order_is_about_that_order_and_its_deal() -> None:
    facts = Facts(started_from=Target(order_id=7), open_orders=(7, 8), deal_of_order={7: 70, 8: 80})
    assert reasons(facts) == [
        (Target(order_id=7), Role.DISCUSSED, Rule.STARTED_FROM),
        (Target(deal_id=70), Role.DISCUSSED, Rule.DEAL_OF_ORDER),
    ]


def test_an_order_taken_in_the_call_outranks_the_open_one() -> None:
    facts = Facts(created_orders=(9,), open_orders=(8,), deal_of_order={9: 90})
    assert reasons(facts) == [
        (Target(order_id=9), Role.CREATED, Rule.EDITED),
        (Target(deal_id=90), Role.CREATED, Rule.DEAL_OF_ORDER),
    ]


def test_the_only_open_order_is_what_the_customer_calls_about() -> None:
    assert reasons(Facts(open_orders=(8,), latest_open=Target(deal_id=3))) == [
        (Target(order_id=8), Role.DISCUSSED, Rule.ONLY_OPEN)
    ]


def test_of_several_open_ones_the_latest_is_taken() -> None:
    facts = Facts(open_orders=(8, 5), latest_open=Target(order_id=8))
    assert reasons(facts) == [(Target(order_id=8), Role.DISCUSSED, Rule.LATEST_OPEN)]


def test_a_customer_with_nothing_open_is_asked_about_at_wrap_up() -> None:
    assert decide(Facts()) == ()


def test_an_order_changed_in_a_call_that_was_started_from_it_is_linked_once_as_changed() -> None:
    facts = Facts(started_from=Target(order_id=7), changed_orders=(7,))
    assert reasons(facts) == [(Target(order_id=7), Role.CHANGED, Rule.EDITED)]
