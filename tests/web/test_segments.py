"""Segments as a supervisor makes them on the pages; what an operator may not."""

from decimal import Decimal

from sqlalchemy import update

from crm_core.order import OrderItem
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page


async def test_a_segment_is_made_by_a_form_and_counted(client_of, database) -> None:
    await shop.furnish(database)
    boss, operator = await client_of("supervisor"), await client_of("operator")
    form = {
        "name": "Bought lately",
        "match": "all",
        "field0": "orders",
        "op0": "at_least",
        "value0": "1",
        "field1": "email",
        "op1": "known",
        "value1": "yes",
        "field2": "country",
        "op2": "one_of",
        "value2": "PL, DE",
    }
    assert await (await boss.post("/segments/count", data=form)).json() == {"customers": 1}
    wrong = await (await boss.post("/segments/count", data=form | {"value0": "many"})).json()
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
    assert "nested" in await page(boss, f"/segments/{segment['id']}")
    assert "Bought lately" in await page(operator, "/segments")
    cells = await ok(await operator.get(f"{API}/customer-matrix"))
    assert sum(cell["customers"] for cell in cells) == 1 and len(cells) == 25

    listed = f"/customers?segment_id={segment['id']}"
    assert "Marta Zielińska" in await page(operator, listed)
    assert (await boss.post(f"/segments/{segment['id']}", data={"do": "remove"})).status == 200
    assert await ok(await operator.get(f"{API}/segments")) == []


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
