"""Segments as a supervisor makes them on the pages; what an operator may not."""

import re
from decimal import Decimal

import pytest
from sqlalchemy import update

from crm_core.order import OrderItem
from crm_core.segment_rule import kind_of
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page
from web import segment_form


async def test_a_segment_is_made_by_a_form_and_counted(client_of, database) -> None:
    await shop.furnish(database)
    boss, operator = await client_of("supervisor"), await client_of("operator")
    form = {
        "name": "Bought lately",
        "match-0": "all",
        "field-0.0": "orders",
        "op-0.0": "at_least",
        "value-0.0": "1",
        "field-0.1": "email",
        "op-0.1": "known",
        "value-0.1": "yes",
        "field-0.2": "country",
        "op-0.2": "one_of",
        "value-0.2": "PL, DE",
    }
    assert await (await boss.post("/segments/count", data=form)).json() == {"customers": 1}
    wrong = await (await boss.post("/segments/count", data=form | {"value-0.0": "many"})).json()
    assert wrong == {"wrong": "Give a number."}
    answer = await boss.post("/segments", data=form)
    assert answer.status == 200 and "1 customer" in await answer.text()
    (segment,) = await ok(await operator.get(f"{API}/segments"))
    assert segment["rules"]["all"][2] == {"field": "country", "one_of": ["PL", "DE"]}
    at = f"{API}/segments/{segment['id']}"
    assert await ok(await operator.get(f"{at}/count")) == {"customers": 1}
    await refused(await operator.patch(at, json={"version": 1, "name": "Mine"}), 403)
    problem = await refused(
        await boss.patch(at, json={"version": 1, "rules": {"field": "hat", "is": 1}}), 409
    )
    assert problem["errors"][0]["field"] == "rules.field"
    nested = {"any": [{"not": {"field": "vip", "is": True}}]}
    await ok(await boss.patch(at, json={"version": 1, "rules": nested}))
    shown = await page(boss, f"/segments/{segment['id']}")
    assert 'name="match-0.0"' in shown and 'name="field-0.0.0"' in shown  # none of: VIP
    assert "Bought lately" in await page(operator, "/segments")
    cells = await ok(await operator.get(f"{API}/customer-matrix"))
    assert sum(cell["customers"] for cell in cells) == 1 and len(cells) == 25

    listed = f"/customers?segment_id={segment['id']}"
    assert "Marta Zielińska" in await page(operator, listed)
    assert (await boss.post(f"/segments/{segment['id']}", data={"do": "remove"})).status == 200
    assert await ok(await operator.get(f"{API}/segments")) == []


async def test_groups_within_groups_are_made_by_buttons_and_nothing_is_lost_meanwhile(
    client_of, database
) -> None:
    await shop.furnish(database)
    boss = await client_of("supervisor")
    form = {"name": "Not <abroad>", "match-0": "any", "field-0.0": "vip", "op-0.0": "is", "value-0.0": "yes"}
    shown = await (await boss.post("/segments/edit", data=form | {"edit": "group:0"})).text()
    assert 'value="Not &lt;abroad&gt;"' in shown
    assert re.search('name="field-0.1.0"[^>]*autofocus', shown) and 'name="match-0.1"' in shown
    form |= {"match-0.1": "none", "field-0.1.0": "country", "op-0.1.0": "is_not", "value-0.1.0": "PL"}
    form |= {
        "field-0.1.1": "",
        "op-0.1.1": "is",
        "value-0.1.1": "",
    }  # a row that was not filled in says nothing
    assert await (await boss.post("/segments/count", data=form)).json() == {"customers": 1}
    assert (await boss.post("/segments", data=form)).status == 200
    (kept,) = await ok(await boss.get(f"{API}/segments"))
    abroad = {"not": {"any": [{"field": "country", "is_not": "PL"}]}}
    assert kept["rules"] == {"any": [{"field": "vip", "is": True}, abroad]}
    less = await (await boss.post("/segments/edit", data=form | {"edit": "drop:0.1.0"})).text()
    assert 'value="PL"' not in less and 'name="field-0.1.0"' in less
    for nonsense in ("rule:0.9", "drop:0.0.0", "rule:../x", "drop:0"):
        refused = await boss.post("/segments/edit", data=form | {"edit": nonsense})
        assert refused.status == 422 and 'value="PL"' in await refused.text()
    lost = await boss.post("/segments", data={"name": "x", "match-0": "all", "field-0.1.0": "vip"})
    assert lost.status == 422


@pytest.mark.parametrize(
    "rules",
    [
        {"all": []},
        {"all": [{"field": "city", "one_of": ["Kraków", "Łódź"]}, {"any": [{"field": "vip", "is": False}]}]},
        {
            "any": [
                {"all": [{"field": "orders", "at_least": "3"}]},
                {"not": {"any": [{"field": "bad", "is": True}]}},
            ]
        },
        {"not": {"any": [{"field": "tags", "has": "web"}, {"field": "email", "known": False}]}},
    ],
)
def test_whatever_rules_there_are_the_form_says_them_again(rules) -> None:
    root = segment_form.of_rules(rules)
    typed: dict[str, str] = {}

    def write(part: segment_form.Part, place: str) -> None:
        if isinstance(part, segment_form.Group):
            typed[f"match-{place}"] = part.match
            for number, each in enumerate(part.parts):
                write(each, f"{place}.{number}")
        else:
            typed.update({f"field-{place}": part.field, f"op-{place}": part.op, f"value-{place}": part.value})

    write(root, "0")
    again = segment_form.of_form(dict(reversed(typed.items())))
    assert segment_form.to_rules(again, lambda field: kind_of(field, {})) == rules


async def test_the_margin_is_told_to_whom_it_concerns(client_of, database) -> None:
    there = await shop.furnish(database)
    operator, manager = await client_of("operator"), await client_of("manager")
    async with database.begin() as session:
        await session.execute(update(OrderItem).values(purchase_price=Decimal("5.00")))
    customer = f"{API}/customers/{there.customer}"
    assert (await ok(await manager.get(customer)))["totals"]["margin"] == "7.80"
    assert (await ok(await operator.get(customer)))["totals"]["margin"] is None
    assert "€7.80" in await page(manager, f"/customers/{there.customer}")
    assert "€7.80" not in await page(operator, f"/customers/{there.customer}")
