"""The catalogue as people of each role see and change it."""

from typing import Any

import pytest

from tests.web.shop import furnish

API = "/api/v1"


async def ok(answer: Any) -> Any:
    assert answer.status < 300, await answer.text()
    return None if answer.status == 204 else await answer.json()


async def test_a_manager_adds_a_variant_counts_it_and_gives_it_a_price(client_of, database) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    new = {
        "shop_id": there.shop, "sku": "TS-L", "name": "T-shirt", "price": "20.00", "purchase_price": "8.00",
        "family": "T-shirt", "properties": {"size": "L"}, "barcodes": ["111", "222"],
    }  # fmt: skip
    made = await ok(await manager.post(f"{API}/products", json=new))
    assert (made["margin"], made["variant"], made["stock"]) == ("60.0", "L", 0)
    place = (await ok(await manager.get(f"{API}/warehouses", params={"shop_id": there.shop})))[0]["id"]
    one = f"{API}/products/{made['id']}"
    counted = await ok(await manager.put(f"{one}/stock/{place}", json={"on_hand": 5, "was": 0}))
    assert (counted["stock"], counted["levels"][0]["on_hand"]) == (5, 5)
    assert (await manager.put(f"{one}/stock/{place}", json={"on_hand": 9, "was": 0})).status == 409
    priced = await ok(await manager.post(f"{one}/prices", json={"price": "15.00", "price_list": "wholesale"}))
    await ok(
        await manager.patch(
            f"{API}/customers/{there.customer}", json={"version": 1, "price_list": "wholesale"}
        )
    )
    found = await ok(
        await manager.get(f"{API}/products", params={"query": "222", "customer_id": there.customer})
    )
    assert [(it["price"], it["usual_price"], it["variant"], it["stock"]) for it in found] == [
        ("15.00", "20.00", "L", 5)
    ]
    assert (await manager.delete(f"{one}/prices/{priced['prices'][0]['id']}")).status == 204
    assert (await ok(await manager.get(one)))["prices"] == []
    assert (await manager.post(f"{API}/products", json=new)).status == 409


@pytest.mark.parametrize("role", ["operator", "senior", "supervisor"])
async def test_what_goods_cost_us_is_shown_nowhere_to_who_may_not_know(client_of, database, role) -> None:
    there = await furnish(database)
    manager, other = await client_of("manager"), await client_of(role)
    change = {"version": 1, "purchase_price": "3.21"}
    shown = await ok(await manager.patch(f"{API}/products/{there.mug}", json=change))
    assert (shown["purchase_price"], shown["margin"]) == ("3.21", "63.9")
    for path in (f"{API}/products/{there.mug}", f"{API}/catalogue", f"{API}/products?query=mug",
                 f"/products/{there.mug}", "/products"):  # fmt: skip
        answer = await other.get(path)
        assert answer.status == 200
        told = await answer.text()
        assert "3.21" not in told and "63.9" not in told, path
        assert "Blue mug" in told
    assert (await other.patch(f"{API}/products/{there.mug}", json=change)).status == 403
    assert "3.21" in await (await manager.get(f"/products/{there.mug}")).text()


async def test_only_who_has_the_right_sells_beyond_the_stock(client_of, database) -> None:
    there = await furnish(database)
    order = {
        "customer_id": there.customer, "shop_id": there.shop, "beyond_stock": True,
        "items": [{"product_id": there.tea, "quantity": 3}],
    }  # fmt: skip
    operator, supervisor = await client_of("operator"), await client_of("supervisor")
    assert (await operator.post(f"{API}/orders", json=order)).status == 403
    assert (await supervisor.post(f"{API}/orders", json=order | {"beyond_stock": False})).status == 409
    await ok(await supervisor.post(f"{API}/orders", json=order))
    tea = await ok(await operator.get(f"{API}/products/{there.tea}"))
    assert (tea["stock"], tea["levels"][0]["reserved"]) == (-2, 3)
    assert "2 too many sold" in await (await operator.get("/products")).text()


async def test_the_pages_change_a_product_and_keep_what_was_typed_when_refused(client_of, database) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    form = {
        "version": "1", "name": "Blue mug <b>", "sku": "MG-03", "price": "9.10", "purchase_price": "",
        "family": "Mugs", "properties": "colour: blue\nsize: 0.3 l", "barcodes": "111\n222", "active": "yes",
    }  # fmt: skip
    page = f"/products/{there.mug}"
    assert (await manager.post(page, data=form, allow_redirects=False)).status == 303
    shown = await (await manager.get(page)).text()
    assert "Blue mug &lt;b&gt;" in shown and "blue · 0.3 l" in shown and "111\n222" in shown
    refused = await manager.post(page, data=form | {"price": "a lot", "name": "Green mug"})
    told = await refused.text()
    assert refused.status == 422 and "Green mug" in told and "a lot" in told
    found = await (await manager.get("/products", params={"query": "222"})).text()
    assert "MG-03" in found and "TS-11" not in found
    assert (await (await client_of("operator")).post(page, data=form)).status == 403
