"""Pictures and what suppliers have, as people of each role meet them on pages and in the API."""

from aiohttp import FormData

from crm_core.drawn import BOXES
from tests.crm_core.test_pictures import photo
from tests.web.shop import furnish
from tests.web.test_calls import API, ok, refused
from tests.web.test_documents import OCTETS


async def test_a_picture_is_shown_wherever_the_product_is_and_gone_when_it_is_taken_away(
    client_of, database, services
) -> None:
    there = await furnish(database)
    manager, operator = await client_of("manager"), await client_of("operator")
    page, path = f"/products/{there.mug}", f"{API}/products/{there.mug}/pictures"
    assert (await operator.post(path, data=photo(), headers=OCTETS)).status == 403
    first = await ok(await manager.post(path, data=photo(), headers=OCTETS), 201)
    problem = await refused(await manager.post(path, data=photo(), headers=OCTETS), 409)
    assert problem["detail"] == "The product has this picture already."
    problem = await refused(await manager.post(path, data=b"<svg/>", headers=OCTETS), 409)
    assert problem["detail"] == "This is no JPEG, PNG or WebP picture."

    # By the form of the page, too; its refusal is a sentence on a page.
    form = FormData()
    form.add_field("file", photo("PNG", (60, 60)), filename="second.png", content_type="image/png")
    assert (await manager.post(f"{page}/pictures", data=form, allow_redirects=False)).status == 303
    form = FormData()
    form.add_field("file", b"nothing", filename="x.png", content_type="image/png")
    assert (
        "This is no JPEG, PNG or WebP picture."
        in await (await manager.post(f"{page}/pictures", data=form)).text()
    )
    _, second = await ok(await operator.get(path))
    assert (
        await manager.post(f"{page}/pictures/{second['id']}/earlier", allow_redirects=False)
    ).status == 303
    assert [it["id"] for it in await ok(await operator.get(path))] == [second["id"], first["id"]]
    await refused(await manager.put(path, json={"picture_ids": [first["id"]]}), 409)

    # Its address stands where goods are found; the bytes are kept by the browser and asked for by their tag.
    found = await ok(await operator.get(f"{API}/products", params={"query": "mug"}))
    assert found[0]["picture"] == second["small"]
    for address in ("/products", page):
        assert second["small"] in await (await operator.get(address)).text()
    shown = await operator.get(second["large"])
    assert shown.content_type == "image/webp" and "private" in shown.headers["Cache-Control"]
    again = await operator.get(second["large"], headers={"If-None-Match": shown.headers["ETag"]})
    assert again.status == 304
    assert (await (await client_of("courier")).get(second["large"])).status == 403
    assert (await operator.get(second["large"].replace("large", "huge"))).status == 404

    assert (await operator.delete(f"{path}/{second['id']}")).status == 403
    assert (await manager.delete(f"{path}/{second['id']}")).status == 204
    assert (await operator.get(second["large"])).status == 404
    lie = [it for it in services.settings.pictures_dir.rglob("*") if it.is_file()]
    assert len(lie) == len(BOXES)  # of the first alone


async def test_what_a_supplier_has_is_no_stock_and_an_order_beyond_it_says_from_whom(
    client_of, database
) -> None:
    there = await furnish(database)
    manager, operator = await client_of("manager"), await client_of("operator")
    supplies = f"{API}/products/{there.tea}/suppliers"
    await ok(await manager.put(supplies, json={"supplier": "Slow", "quantity": 40, "lead_days": 9}))
    told = await ok(await manager.put(supplies, json={"supplier": "Acme", "quantity": 12, "lead_days": 3}))
    assert (told["stock"], told["supplied"], told["supply_days"]) == (1, 52, 3)
    assert [it["supplier"] for it in told["suppliers"]] == ["Acme", "Slow"]
    assert (await operator.put(supplies, json={"supplier": "Acme", "quantity": 1})).status == 403
    (found,) = await ok(await operator.get(f"{API}/products", params={"query": "tea"}))
    assert (found["stock"], found["free"], found["suppliers"][0]) == (
        1, 1, {"supplier": "Acme", "quantity": 12, "lead_days": 3},
    )  # fmt: skip
    assert "52 at supplier, 3 days" in await (await operator.get("/products")).text()

    wish = {
        "shop_id": there.shop, "customer_id": there.customer, "items": [{"product_id": there.tea, "quantity": 2}],
    }  # fmt: skip
    quote = await ok(await operator.post(f"{API}/quotes", json=wish))
    assert (quote["items"][0]["free"], quote["may_promise"]) == (1, False)
    assert quote["items"][0]["suppliers"][0]["supplier"] == "Acme"
    await refused(await operator.post(f"{API}/orders", json=wish), 409)
    order = await ok(await manager.post(f"{API}/orders", json=wish | {"beyond_stock": True}), 201)
    assert [(it["supplier"], it["lead_days"]) for it in order["items"]] == [("Acme", 3)]
    assert "from supplier, 3 days" in await (await operator.get(f"/orders/{order['id']}")).text()

    # What stays sold beyond the stock keeps its mark; with fewer pieces it is all here, and the mark goes.
    again = {
        "version": order["version"],
        "beyond_stock": True,
        "items": [{"product_id": there.tea, "quantity": 2}],
    }
    order = await ok(await manager.patch(f"{API}/orders/{order['id']}", json=again))
    assert order["items"][0]["supplier"] == "Acme"
    fewer = {"version": order["version"], "items": [{"product_id": there.tea, "quantity": 1}]}
    order = await ok(await manager.patch(f"{API}/orders/{order['id']}", json=fewer))
    assert order["items"][0]["supplier"] is None
    await manager.delete(supplies, params={"supplier": "Acme"})
    form = {"supplier": "Slow", "quantity": ""}
    assert (
        await manager.post(f"/products/{there.tea}/suppliers", data=form, allow_redirects=False)
    ).status == 303
    assert (await ok(await operator.get(f"{API}/products/{there.tea}")))["suppliers"] == []
