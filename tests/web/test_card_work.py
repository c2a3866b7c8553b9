"""What the card's parts ask of the API: what is open, what was said about an order, the site's reports, the line."""

from uuid import uuid4

import pytest

from callcenter.directory import LineEntry
from crm_core.card import load_card
from tests.web import shop
from tests.web.test_calls import API, ok, refused


async def focus(database, call):
    async with database.begin() as session:
        card = await load_card(session, e164=None, customer_id=None, call_id=call, now=shop.NOON)
    return [(it["kind"], it["object_id"]) for it in card["focus"]]


async def test_what_is_open_is_told_for_ones_own_call_and_to_every_desk(
    client_of, database, people, live
) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"])
    operator = await client_of("operator")
    address = f"{API}/calls/{call}/focus"
    assert (await ok(await operator.put(address, json={"order_id": there.order})))["order_id"] == there.order
    assert await focus(database, call) == [("order", there.order)]
    assert live.changed == [call]
    assert (await ok(await operator.put(address, json={"deal_id": there.deal})))["deal_id"] == there.deal
    assert await focus(database, call) == [("deal", there.deal)]
    assert (await ok(await operator.put(address, json={}))) == {
        "order_id": None,
        "deal_id": None,
        "opened_at": None,
    }
    assert await focus(database, call) == []


async def test_what_is_open_in_a_colleagues_call_is_not_ones_business(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["supervisor"])
    operator = await client_of("operator")
    await refused(await operator.put(f"{API}/calls/{call}/focus", json={"order_id": there.order}), 403)
    supervisor = await client_of("supervisor")
    for wrong, status in (({"order_id": 99}, 404), ({"order_id": there.order, "deal_id": there.deal}, 422)):
        await refused(await supervisor.put(f"{API}/calls/{call}/focus", json=wrong), status)
    await refused(await supervisor.put(f"{API}/calls/{uuid4()}/focus", json={}), 404)
    assert await focus(database, call) == []


async def test_an_order_and_a_deal_tell_their_calls_and_whether_one_may_hear_them(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["senior"], note="Wants it on Friday")
    await shop.add_sound(database, call)
    senior = await client_of("senior")
    await ok(await senior.post(f"{API}/calls/{call}/links", json={"order_id": there.order}), 201)
    for address in (f"{API}/orders/{there.order}/calls", f"{API}/deals/{there.deal}/calls"):
        (talk,) = await ok(await senior.get(address))
        assert (talk["id"], talk["operator"], talk["recorded"]) == (str(call), "Senior", True)
        assert talk["note"] == "Wants it on Friday"
        (talk,) = await ok(await (await client_of("operator")).get(address))
        assert (talk["mine"], talk["recorded"]) == (False, False)
    await refused(await senior.get(f"{API}/orders/999/calls"), 404)


CART = {
    "phone": "601 220 114",
    "items": [{"name": "Blue mug", "sku": "MG-03", "quantity": 2, "price": "8.90"}],
    "total": "17.80",
    "currency": "EUR",
    "updated_at": "2026-11-20T11:48:00Z",
    "url": "https://shop.example/cart/7",
}


async def test_the_sites_cart_becomes_an_order_by_telephone(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    manager, operator = await client_of("manager"), await client_of("operator")
    told = CART | {"shop_id": there.shop}
    cart = await ok(await manager.put(f"{API}/carts/c-7", json=told))
    assert (cart["customer_id"], cart["order_id"]) == (there.customer, None)
    assert await ok(await manager.put(f"{API}/carts/c-7", json=told)) == cart
    wish = {
        "customer_id": there.customer,
        "shop_id": there.shop,
        "call_id": str(call),
        "cart_id": cart["id"],
        "items": [{"product_id": there.mug, "quantity": 2, "price": "8.90"}],
    }
    await refused(await operator.post(f"{API}/orders", json=wish | {"cart_id": 999}), 404)
    order = await ok(await operator.post(f"{API}/orders", json=wish), 201)
    after = await ok(await manager.put(f"{API}/carts/c-7", json=told))
    assert after["order_id"] == order["id"]


async def test_visits_are_counted_once(client_of, database) -> None:
    there = await shop.furnish(database)
    manager = await client_of("manager")
    page = {"id": "v-1", "url": "https://shop.example/mugs", "title": "Mugs", "at": "2026-11-20T11:50:00Z"}
    told = {"shop_id": there.shop, "email": "marta@example.com", "visits": [page, page | {"id": "v-2"}]}
    assert await ok(await manager.post(f"{API}/visits", json=told)) == {"added": 2}
    assert await ok(await manager.post(f"{API}/visits", json=told)) == {"added": 0}


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"phone": None}, 422),
        ({"phone": "00000"}, 409),
        ({"phone": None, "customer_id": 999}, 404),
        ({"shop_id": 999}, 404),
        ({"url": "javascript:alert(1)"}, 422),
        ({"currency": "euro"}, 422),
        ({"items": [{"name": "x", "quantity": 0}]}, 422),
        ({"updated_at": "yesterday"}, 422),
    ],
)
async def test_a_report_that_makes_no_sense_is_refused_and_keeps_nothing(
    client_of, database, wrong, status
) -> None:
    there = await shop.furnish(database)
    manager = await client_of("manager")
    await refused(await manager.put(f"{API}/carts/c-1", json=CART | {"shop_id": there.shop} | wrong), status)
    async with database.begin() as session:
        card = await load_card(session, e164=shop.NUMBER, customer_id=None, call_id=uuid4(), now=shop.NOON)
    assert card["cart"] is None


async def test_an_operator_does_not_speak_for_the_site(client_of, database) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    await refused(await operator.put(f"{API}/carts/c-1", json=CART | {"shop_id": there.shop}), 403)


def line(line_id: int, number: str, name: str) -> LineEntry:
    return LineEntry(
        id=line_id, number=number, name=name, shop_id=None, shop="Kettle House", currency=None, country=None
    )


async def test_the_desk_is_told_the_lines_to_choose_from_and_a_program_is_not_asked(client_of, live) -> None:
    live.lines = [line(1, "+48223071120", "Sales"), line(2, "+493023125140", "Berlin")]
    operator = await client_of("operator")
    problem = await refused(
        await operator.post(f"{API}/calls", json={"to": shop.NUMBER, "ask_line": True}), 409
    )
    assert [(it["value"], it["label"], it["detail"]) for it in problem["choices"]] == [
        ("+48223071120", "Sales", "Kettle House"),
        ("+493023125140", "Berlin", "Kettle House"),
    ]
    assert [error["field"] for error in problem["errors"]] == ["line"]
    assert live.calls == {}
    await ok(await operator.post(f"{API}/calls", json={"to": shop.NUMBER}), 202)
    named = {"to": shop.NUMBER, "line": "+493023125140"}
    await ok(await operator.post(f"{API}/calls", json=named), 202)
    assert [call["origin"]["line"] for call in live.calls.values()] == [None, "+493023125140"]


async def test_a_user_has_a_line_of_his_own_until_it_is_taken_back(client_of, database, people) -> None:
    there = await shop.furnish(database)
    admin = await client_of("admin")
    address = f"{API}/users/{people['operator']}"
    assert (await ok(await admin.patch(address, json={"line_id": there.line})))["line_id"] == there.line
    assert (await ok(await admin.patch(address, json={"name": "Olga"})))["line_id"] == there.line
    await refused(await admin.patch(address, json={"line_id": 999}), 409)
    assert (await ok(await admin.patch(address, json={"line_id": None})))["line_id"] is None
    form = {"name": "Olga", "role": "operator", "timezone": "UTC", "active": "yes"}
    await admin.post(f"/users/{people['operator']}", data=form | {"line_id": str(there.line)})
    page = await (await admin.get("/users")).text()
    assert f'<option value="{there.line}" selected>' in page
    await admin.post(f"/users/{people['operator']}", data=form | {"line_id": ""})
    assert "selected>Sales" not in await (await admin.get("/users")).text()
