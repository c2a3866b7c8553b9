"""Customers, orders, deals, callbacks, lookups and status through the API: read, changed, refused."""

import asyncio

from sqlalchemy import select

from crm_core.outbox import OutboxRow
from crm_core.product import Product
from tests.web import shop

API = "/api/v1"


async def ok(answer, status: int = 200):
    text = await answer.text()
    assert answer.status == status, text
    return await answer.json() if text else None


async def refused(answer, status: int) -> dict:
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    return await answer.json()


async def test_a_customer_is_added_found_changed_and_given_numbers(client_of) -> None:
    operator = await client_of("operator")
    body = {"name": "Greta Lind", "country": "DE", "numbers": ["030 1234567"], "birthday": "1980-02-29"}
    made = await ok(await operator.post(f"{API}/customers", json=body), 201)
    assert (made["numbers"][0]["e164"], made["birthday"]) == ("+49301234567", "1980-02-29")
    at = f"{API}/customers/{made['id']}"
    for query in ("gret", "1234567", "LIND g"):
        found = await ok(await operator.get(f"{API}/customers", params={"query": query}))
        assert [one["id"] for one in found["items"]] == [made["id"]]
    changed = await ok(
        await operator.patch(at, json={"version": made["version"], "vip": True, "city": "Köln"})
    )
    assert (changed["vip"], changed["city"], changed["birthday"]) == (True, "Köln", "1980-02-29")
    await refused(await operator.patch(at, json={"version": made["version"], "city": "Bonn"}), 409)
    number = await ok(await operator.post(f"{at}/numbers", json={"number": "+49 89 123456"}), 201)
    await ok(await operator.delete(f"{at}/numbers/{number['id']}"), 204)
    await refused(await operator.delete(f"{at}/numbers/{number['id']}"), 404)
    await ok(await operator.post(f"{at}/notes", json={"text": "likes blue"}), 201)
    assert len((await ok(await operator.get(at)))["numbers"]) == 1


async def test_what_can_not_be_is_refused_and_named(client_of, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    at = f"{API}/customers/{there.customer}"
    for number, status in (("+1", 422), ("hello", 422), ("000000", 409), ("+48 22 307 11 20", 409)):
        problem = await refused(await operator.post(f"{at}/numbers", json={"number": number}), status)
        assert problem["errors"][0]["field"] == "number"
    for body in (
        {"name": ""},
        {"name": "x", "country": "Germany"},
        {"name": "x", "birthday": "1900-02-29"},
        {},
    ):
        await refused(await operator.post(f"{API}/customers", json=body), 422)
    for name in ("limit=0", "limit=101", "limit=x", "mark=gold", "colour=red"):
        await refused(await operator.get(f"{API}/customers?{name}"), 422)
    await refused(await operator.get(f"{API}/customers?after=bm9uc2Vuc2U"), 404)
    await refused(await operator.get(f"{API}/customers/0"), 404)
    assert len((await ok(await operator.get(f"{API}/customers")))["items"]) == 1


async def test_an_order_follows_its_items_stock_and_version(client_of, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    at = f"{API}/orders/{there.order}"
    order = await ok(await operator.get(at))
    assert (order["total"], order["items"][0]["name"]) == ("17.80", "Blue mug")
    change = {"version": order["version"], "items": [{"product_id": there.tea}], "status": "confirmed"}
    changed = await ok(await operator.patch(at, json=change))
    assert (changed["total"], changed["status_label"], changed["open"]) == ("36.00", "Confirmed", True)
    await refused(await operator.patch(at, json=change), 409)
    more = {"version": changed["version"], "items": [{"product_id": there.tea, "quantity": 2}]}
    assert "none of Tea set left" in (await refused(await operator.patch(at, json=more), 409))["detail"]
    async with database.begin() as session:
        left = dict((await session.execute(select(Product.sku, Product.stock))).all())
    assert left == {"MG-03": 14, "TS-11": 0}
    history = await ok(await operator.get(f"{at}/changes"))
    assert history[0]["what"]["status"] == ["new", "confirmed"] and history[0]["operator"] == "Operator"
    nothing = {"customer_id": there.customer, "shop_id": there.shop, "items": []}
    await refused(await operator.post(f"{API}/orders", json=nothing), 422)
    strange = nothing | {"items": [{"product_id": 99}]}
    await refused(await operator.post(f"{API}/orders", json=strange), 409)
    await refused(await operator.post(f"{API}/orders", json=strange | {"shop_id": 99}), 404)
    listed = await ok(await operator.get(f"{API}/orders", params={"query": "a-1001", "open_only": "true"}))
    assert [one["customer_name"] for one in listed["items"]] == ["Marta Zielińska"]


async def test_two_operators_selling_the_last_piece_at_once_sell_it_once(client_of, database) -> None:
    there = await shop.furnish(database)
    anna, oleg = await client_of("operator"), await client_of("senior")
    wish = {"customer_id": there.customer, "shop_id": there.shop, "items": [{"product_id": there.tea}]}
    answers = await asyncio.gather(*(one.post(f"{API}/orders", json=wish) for one in (anna, oleg)))
    assert sorted(answer.status for answer in answers) == [201, 409]


async def test_a_deal_is_opened_moved_and_follows_its_orders(client_of, database, people) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    body = {"title": "Canteen", "customer_id": there.customer, "currency": "EUR", "amount": "1200.50"}
    made = await ok(await operator.post(f"{API}/deals", json=body), 201)
    assert (made["amount"], made["responsible"], made["stage"]) == ("1200.50", "Operator", "new")
    at = f"{API}/deals/{made['id']}"
    won = await ok(await operator.patch(at, json={"version": made["version"], "stage": "won"}))
    assert (won["open"], won["closed_at"] is not None) == (False, True)
    await refused(await operator.patch(at, json={"version": made["version"], "stage": "lost"}), 409)
    with_order = await ok(await operator.get(f"{API}/deals/{there.deal}"))
    assert with_order["amount"] == "17.80"
    typed = {"version": with_order["version"], "amount": "1.00"}
    await refused(await operator.patch(f"{API}/deals/{there.deal}", json=typed), 409)
    await refused(await operator.post(f"{API}/deals", json=body | {"customer_id": 99}), 404)
    await refused(await operator.post(f"{API}/deals", json=body | {"responsible_id": 99}), 409)
    listed = await ok(await operator.get(f"{API}/deals", params={"query": "cant", "stage": "won"}))
    assert [one["id"] for one in listed["items"]] == [made["id"]]


async def test_a_callback_is_planned_listed_and_closed(client_of, database, clock) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    body = {"number": "602 118 340", "due_at": "2026-11-20T11:00:00Z", "reason": "refund"}
    await refused(await operator.post(f"{API}/callbacks", json=body | {"due_at": "tomorrow"}), 422)
    pl = body | {"number": "+48602118340", "order_id": there.order}
    made = await ok(await operator.post(f"{API}/callbacks", json=pl), 201)
    assert made["order_number"] == "A-1001"
    overdue = await ok(await operator.get(f"{API}/callbacks", params={"which": "overdue"}))
    assert [one["id"] for one in overdue["items"]] == [made["id"]]
    both = await ok(await operator.get(f"{API}/callbacks", params={"state": "open", "mine": "true"}))
    assert len(both["items"]) == 2
    closed = await ok(await operator.patch(f"{API}/callbacks/{made['id']}", json={"state": "done"}))
    assert (closed["state"], closed["done_at"] is not None) == ("done", True)
    done = await ok(await operator.get(f"{API}/callbacks", params={"state": "done"}))
    assert [one["id"] for one in done["items"]] == [made["id"]]
    await refused(await operator.post(f"{API}/callbacks", json=pl | {"order_id": 99}), 409)


async def test_one_field_finds_people_orders_deals_and_calls(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator, other = await client_of("operator"), await client_of("senior")
    found = await ok(await operator.get(f"{API}/search", params={"query": "220114"}))
    assert [one["id"] for one in found["customers"]] == [there.customer]
    assert [one["number"] for one in found["orders"]] == ["A-1001"]
    assert [one["id"] for one in found["deals"]] == [there.deal]
    assert [one["id"] for one in found["calls"]] == [str(call)]
    assert (await ok(await other.get(f"{API}/search", params={"query": "220114"})))["calls"] == []
    by_number = await ok(await operator.get(f"{API}/search", params={"query": "A-10"}))
    assert [one["number"] for one in by_number["orders"]] == ["A-1001"]
    products = await ok(await operator.get(f"{API}/products", params={"query": "blu", "shop_id": there.shop}))
    assert [(one["sku"], one["price"], one["stock"]) for one in products] == [("MG-03", "8.90", 12)]
    assert [one["name"] for one in await ok(await operator.get(f"{API}/shops"))] == ["Kettle House"]
    assert [one["shop"] for one in await ok(await operator.get(f"{API}/lines"))] == ["Kettle House"]


async def test_lists_are_read_page_by_page_to_their_end(client_of, database, people) -> None:
    for _ in range(5):
        await shop.add_call(database, talked=people["operator"])
    operator = await client_of("operator")
    seen, after = [], {}
    while True:
        found = await ok(await operator.get(f"{API}/calls", params={"limit": "2"} | after))
        seen += [one["id"] for one in found["items"]]
        if found["next"] is None:
            break
        after = {"after": found["next"]}
    assert len(seen) == len(set(seen)) == 5


async def test_the_state_of_the_house_is_for_those_who_supervise(client_of, live, database) -> None:
    await shop.add_call(database)
    operator, boss = await client_of("operator"), await client_of("supervisor")
    await refused(await operator.get(f"{API}/status"), 403)
    live.listed[0].state, live.listed[0].detail = "refused", "login refused"
    state = await ok(await boss.get(f"{API}/status"))
    (link,) = [check for check in state["checks"] if check["name"].startswith("pbx")]
    assert not link["ok"] and "manager.conf" in link["fix"]
    assert state["waiting"]["unlinked_calls"] == 1
    text = await (await boss.get("/status")).text()
    assert "refuses our login" in text and "manager.conf" in text


async def test_every_change_is_news_for_the_desks(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator = await client_of("operator")
    async with database.begin() as session:
        await session.execute(OutboxRow.__table__.delete())
    await ok(await operator.post(f"{API}/calls/{call}/links", json={"order_id": there.order}), 201)
    await ok(await operator.patch(f"{API}/customers/{there.customer}", json={"version": 1, "vip": True}))
    async with database.begin() as session:
        topics = (await session.scalars(select(OutboxRow.topic).order_by(OutboxRow.id))).all()
    assert list(topics) == ["call", "customer"]
