"""Tips on their page and in the API, and on the card of the customer whom they mean."""

from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page


async def test_a_tip_is_written_with_rules_and_told_with_why(client_of, database) -> None:
    there = await shop.furnish(database)
    boss, operator = await client_of("manager"), await client_of("operator")
    assert (await operator.get("/tips")).status == 403
    form = {
        "text": "Offer <b>tea</b>",
        "priority": "8",
        "match-0": "all",
        "field-0.0": "orders",
        "op-0.0": "at_least",
    }
    again = await boss.post("/tips", data=form | {"value-0.0": "many"})
    assert (again.status, "Give a number." in await again.text()) == (422, True)
    more = await boss.post("/tips/edit", data=form | {"value-0.0": "1", "edit": "rule:0"})
    assert 'name="field-0.1"' in await more.text()
    assert (await boss.post("/tips", data=form | {"value-0.0": "1"}, allow_redirects=False)).status == 303
    shown = await page(boss, "/tips")
    assert "Offer &lt;b&gt;tea&lt;/b&gt;" in shown and "number of orders at least 1" in shown
    [tip] = (await ok(await operator.get(f"{API}/guide?customer_id={there.customer}")))["tips"]
    assert (tip["words"], tip["why"]) == ("Offer <b>tea</b>", "number of orders at least 1")
    [kept] = await ok(await boss.get(f"{API}/tips"))
    await refused(await boss.patch(f"{API}/tips/{kept['id']}", json={"version": 9, "priority": 1}), 409)
    await refused(await boss.post(f"{API}/tips", json={"text": "To nobody"}), 409)
    address = f"/tips/{kept['id']}"
    assert "Offer" in await page(boss, address)
    rest = {"do": "rest", "version": "1"}
    assert (await boss.post(address, data=rest, allow_redirects=False)).status == 303
    assert (await ok(await operator.get(f"{API}/guide?customer_id={there.customer}")))["tips"] == []
    await ok(await boss.delete(f"{API}{address}"), 204)
    assert await ok(await boss.get(f"{API}/tips")) == []
