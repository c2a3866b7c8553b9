"""Who gets an order or a lead that nobody is responsible for."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from crm_core import agent_state, lead, lead_form
from crm_core.assignment import list_rules, save_rules, try_rules
from crm_core.assignment_rule import Colleague, Facts, How, Rule, Thing, fits, possible
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, OrderChange, create_order
from crm_core.outbox import OutboxRow
from crm_core.shop import create_shop
from crm_core.user import create_user

ANY = st.sampled_from
FACTS = st.builds(
    Facts, thing=ANY(Thing), amount=st.decimals(0, 300, places=2), shop_id=ANY((1, 2)), vip=st.booleans(),
    category=ANY((None, "Trade", "trade")), source=st.none(), line_id=ANY((None, 5)),
)  # fmt: skip
PEOPLE = st.lists(
    st.builds(
        Colleague, user_id=st.integers(1, 9), name=st.just("x"), team_id=ANY((None, 1, 2)), takes=st.booleans(),
        present=st.booleans(), load=st.integers(0, 3),
    ),
    max_size=8, unique_by=lambda it: it.user_id,
)  # fmt: skip
RULE = st.builds(
    Rule, name=st.text(max_size=3), thing=ANY((None, "order")), shop_id=ANY((None, 1)), vip=ANY((None, True)),
    amount_from=ANY((None, Decimal(100))), category=ANY((None, "TRADE")), how=ANY(list(How)), user_id=st.integers(1, 9),
    team_id=ANY((None, 1)), present=st.booleans(), active=st.booleans(), line_id=ANY((None, 5)),
)  # fmt: skip


@given(rules=st.lists(RULE, max_size=6), facts=FACTS, people=PEOPLE)
def test_the_first_rule_that_fits_and_has_somebody_counts(
    rules: list[Rule], facts: Facts, people: list[Colleague]
) -> None:
    chosen, some = possible(rules, facts, people)
    before = rules[: next(n for n, it in enumerate(rules) if it is chosen)] if chosen else rules
    for rule in before:  # what was passed over did not fit, or had nobody
        assert not fits(rule, facts) or possible([rule], facts, people) == (None, [])
    assert set(some) <= set(people)
    if chosen is None:
        assert some == []
        return
    assert fits(chosen, facts) and chosen.active
    assert bool(some) == (chosen.how != How.NOBODY)
    if chosen.how == How.PERSON:
        assert [it.user_id for it in some] == [chosen.user_id]
    elif some:
        pool = [it for it in people if it.present or not chosen.present]
        pool = [it for it in pool if (it.takes if chosen.team_id is None else it.team_id == chosen.team_id)]
        least = min(it.load for it in pool)
        expected = [it for it in pool if chosen.how == How.RANDOM or it.load == least]
        assert some == expected
    assert set(possible(rules, facts, people[::-1])[1]) == set(some)  # the order of people decides nothing


@pytest.mark.parametrize(
    ("conditions", "yes", "no"),
    [
        ({"amount_from": Decimal(100)}, {"amount": Decimal(100)}, {"amount": Decimal("99.99")}),
        ({"amount_below": Decimal(100)}, {"amount": Decimal("99.99")}, {"amount": Decimal(100)}),
        ({"vip": True}, {"vip": True}, {"vip": False}),
        ({"category": "Trade"}, {"category": "tRADE"}, {"category": None}),
        ({"source": "Form: Call me"}, {"source": "form: call me"}, {"source": "Call: Main"}),
        ({"line_id": 5}, {"line_id": 5}, {"line_id": None}),
        ({"thing": "lead"}, {"thing": Thing.LEAD}, {"thing": Thing.ORDER}),
    ],
)  # fmt: skip
def test_a_condition_holds_or_not(
    conditions: dict[str, Any], yes: dict[str, Any], no: dict[str, Any]
) -> None:
    rule, facts = Rule(name="", **conditions), Facts(thing=Thing.ORDER, amount=Decimal(50))
    assert fits(rule, replace(facts, **yes)) and not fits(rule, replace(facts, **no))


async def test_a_new_order_goes_to_whom_the_rules_name_and_he_is_told(shop: Any) -> None:
    async with shop.begin() as session:
        boss = (await create_user(session, login="boss", name="Boss", role="manager")).id
        rules = [
            Rule(name="Large", amount_from=Decimal(30), how="person", user_id=boss),
            Rule(name="At work", how="random"),
            Rule(name="At night", how="fewest", present=False, thing="order"),
        ]
        await save_rules(session, rules, version=0)

    async def take(pieces: int = 1, **fields: Any) -> tuple[int | None, dict[str, Any]]:
        async with shop.begin() as session:
            made = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon,
                items=[ItemWanted(shop.mug, pieces)], **fields,
            )  # fmt: skip
            step = await session.scalar(select(OrderChange.what).where(OrderChange.order_id == made.id))
            return made.manager_id, step or {}

    assert await take(4) == (
        boss,
        {"created": [None, "A-1001"], "rule": [None, "Large"], "manager_id": [None, boss]},
    )
    assert (await take(4, manager_id=shop.oleg))[0] == shop.oleg  # who was named stays
    assert (await take(4, status="done"))[0] is None  # what is over needs nobody
    # Nobody is at work: the last rule takes who has the fewest; Oleg has one already.
    assert (await take())[0] == shop.anna
    async with shop.begin() as session:
        await agent_state.log_state(
            session, shop.oleg, shop.noon, state="available", reason=None, signed_in=True, call_id=None
        )
    assert (await take())[0] == shop.oleg
    async with shop.begin() as session:
        told = (await session.scalars(select(OutboxRow).where(OutboxRow.topic == "notice"))).all()
        assert [it.payload["user_ids"] for it in told] == [[boss], [shop.oleg], [shop.anna], [shop.oleg]]
        form = await lead_form.create_form(
            session, name="Call me", shop_id=shop.shop, fields=[], role="manager"
        )
        sent = await lead.lead_from_form(session, form, at=shop.noon, phone="501222333", answers={})
        assert sent.responsible_id == shop.oleg
        tried = await try_rules(session, rules)
        assert [(it.number, it.place, it.names) for it in tried] == [
            ("A-1005", 2, ["Oleg Bondar"]), ("A-1004", 2, ["Oleg Bondar"]), ("A-1003", 1, ["Boss"]),
            ("A-1002", 1, ["Boss"]), ("A-1001", 1, ["Boss"]),
        ]  # fmt: skip


async def test_rules_that_make_no_sense_or_are_stale_are_refused(shop: Any) -> None:
    wrong = [
        (Rule(name="A", how="person"), "name the colleague"),
        (Rule(name="B", how="person", user_id=999), "no such colleague"),
        (Rule(name="C", amount_from=Decimal(5), amount_below=Decimal(5)), "no amount is from"),
        (Rule(name="D", team_id=999, how="fewest"), "no such team"),
    ]
    for rule, said in wrong:
        with pytest.raises(Invalid, match=said):
            async with shop.begin() as session:
                await save_rules(session, [rule], version=0)
    large = Rule(name="Large", amount_from=Decimal(30))
    async with shop.begin() as session:
        await create_shop(
            session, name="Czajnik", currency="PLN", country="PL", timezone="Europe/Warsaw", order_prefix="C"
        )
        with pytest.raises(Invalid, match="“Large”: name the shop, amounts are in EUR, PLN"):
            await save_rules(session, [large], version=0)
        await save_rules(session, [replace(large, shop_id=shop.shop)], version=0)
        await save_rules(session, [], version=1)
    async with shop.begin() as session:
        await save_rules(session, [Rule(name="A")], version=0)
        with pytest.raises(Conflict, match="somebody else"):
            await save_rules(session, [], version=0)
        assert [it.rule for it in await list_rules(session)] == [Rule(name="A")]
