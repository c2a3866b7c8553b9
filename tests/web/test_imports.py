"""A file sent in, understood, rehearsed and put in, over the API and by the page."""

from aiohttp import FormData

from crm_core.exchange import table, worker
from tests.web.shop import furnish

API = "/api/v1"
FILE = "SKU;Name;Price;Cost;Colour\nMG-03;Blue mug;9,50;4.10;blue\nNEW-1;=Tea pot;12;;white\nNEW-2;Broken;much;;\n"
OCTETS = {"Content-Type": "application/octet-stream"}


async def ok(answer):
    assert answer.status < 300, await answer.text()
    return await answer.json()


async def work(services) -> None:
    while await worker.work_once(services.db, services.settings.imports_dir, now=services.now):
        pass


async def test_a_price_list_goes_from_the_file_to_the_catalogue(client_of, database, services) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    where = {"noun": "products", "shop_id": there.shop, "filename": "prices.csv"}
    made = await ok(await manager.post(f"{API}/imports", params=where, data=FILE.encode(), headers=OCTETS))
    assert made["columns"] == {"SKU": "sku", "Name": "name", "Price": "price", "Cost": "purchase_price"}
    errors = {
        (row["place"], it["heading"]): it["error"]
        for row in made["first"]
        for it in row["cells"]
        if it["error"]
    }
    assert errors == {(4, "Price"): "'much' is no sum."}
    one = f"{API}/imports/{made['id']}"
    columns = {"columns": made["columns"] | {"Colour": "property:colour"}, "keep_as": "acme"}
    await ok(await manager.put(f"{one}/columns", json=columns))
    assert (await manager.put(f"{one}/columns", json={"columns": {"Price": "price"}})).status == 409
    await ok(await manager.post(f"{one}/run", json={"dry_run": True}))
    assert (await manager.put(f"{one}/columns", json=columns)).status == 409
    await work(services)
    rehearsed = await ok(await manager.get(one))
    assert (rehearsed["state"], rehearsed["created"], rehearsed["updated"], rehearsed["refused"]) == (
        "done",
        1,
        1,
        1,
    )
    assert "NEW-1" not in await (await manager.get(f"{API}/catalogue")).text()
    await ok(await manager.post(f"{one}/run", json={"dry_run": False}))
    await work(services)
    assert (await ok(await manager.get(one)))["created"] == 1
    assert "NEW-1" in await (await manager.get(f"{API}/catalogue")).text()
    told = await (await manager.get(f"{one}/refused")).text()
    assert told.lstrip("\ufeff").splitlines()[1] == "NEW-2;Broken;much;;;4;Price: 'much' is no sum."
    assert (await manager.post(f"{one}/run", json={"dry_run": False})).status == 409
    kept = await ok(await manager.get(f"{API}/import-mappings", params={"noun": "products"}))
    assert [it["name"] for it in kept] == ["acme"]
    assert list(services.settings.imports_dir.iterdir()) == []
    for role in ("operator", "supervisor"):
        assert (await (await client_of(role)).get(one)).status == 403


async def test_the_page_does_the_same_without_script(client_of, database, services) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    assert "/imports?noun=products" in await (await manager.get("/products")).text()
    assert "/imports?noun=products" not in await (await (await client_of("operator")).get("/products")).text()
    form = FormData({"noun": "products", "shop_id": str(there.shop)})
    form.add_field("file", FILE.encode(), filename="prices.csv", content_type="text/csv")
    shown = await manager.post("/imports", data=form)
    page = await shown.text()
    assert shown.status == 200 and "&#39;much&#39; is no sum." in page, page
    columns = {"column-0": "sku", "column-1": "name", "column-2": "price"}
    again = await manager.post(shown.url.path, data={**columns, "act": "put"})
    assert "It is put in" in await again.text()
    await work(services)
    page = await (await manager.get(shown.url.path)).text()
    assert "Download all, with reasons" in page and "=Tea pot" not in page
    assert "prices.csv" in await (await manager.get("/imports")).text()


async def test_files_that_are_none_are_refused_and_leave_nothing_behind(
    client_of, database, services, monkeypatch
) -> None:
    monkeypatch.setattr(table, "LARGEST", 100_000)
    there = await furnish(database)
    manager = await client_of("manager")
    where = {"noun": "products", "shop_id": there.shop}
    nothing = FormData({"noun": "products", "shop_id": str(there.shop)}, default_to_multipart=True)
    assert "Choose a file." in await (await manager.post("/imports", data=nothing)).text()

    async def sent(content: bytes, **more: str | int) -> int:
        answer = await manager.post(f"{API}/imports", params=where | more, data=content, headers=OCTETS)
        return answer.status

    assert await sent(b"\x00\x01\x02") == 409
    assert await sent(b"") == 400
    assert await sent(FILE.encode(), shop_id=999_999) == 409
    assert await sent(b"a" * 100_001) == 413
    assert list(services.settings.imports_dir.iterdir()) == []


ORDERS = "Order;Phone;SKU;Quantity;Discount %;10 % off\nW-1;601555777;MG-03;2;10;yes\n"


async def test_a_heading_with_a_per_cent_sign_is_a_heading_like_others(client_of, database, services) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    for noun in ("orders", "customers", "products"):
        form = FormData({"noun": noun, "shop_id": str(there.shop)})
        form.add_field("file", ORDERS.encode(), filename="orders.csv", content_type="text/csv")
        page = await manager.post("/imports", data=form)
        text = await page.text()
        assert page.status == 200 and "10 % off" in text, noun
