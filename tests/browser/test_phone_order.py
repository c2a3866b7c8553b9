"""An order that is there is changed on the line, in the form of a new one; two who change the same are both shown."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, call, card, customer, served
from tests.browser.tabbing import in_the_order_of_sight
from tests.browser.test_card_details import ORDER, STATUSES, WHOLE
from tests.chromium import NEEDS_CHROMIUM, launched

pytestmark = NEEDS_CHROMIUM
SUMS = {"gross": "214.50", "goods": "214.50", "discount": "0.00", "coupon": "0.00", "delivery": "5.00"}
LINE = {
    "product_id": 31,
    "name": "Red kettle <b>hot</b>",
    "quantity": 3,
    "price": "71.50",
    "list_price": "71.50",
}
FREE = {"sum": "214.50", "free": 2, "ahead": ["Oleg"], "behind": []}
QUOTE: dict[str, Any] = {
    "items": [LINE | FREE], "sums": SUMS | {"total": "219.50"}, "margin": None, "delivery_cost": "5.00",
    "currency": "EUR", "weight_g": 0, "problems": [],
    "deliveries": [{"id": 1, "name": "DPD", "cost": "5.00"}],
}  # fmt: skip
CLASH = {
    "status": 409, "title": "Conflict", "detail": "Oleg changed order A-1099 meanwhile. Choose what shall hold.",
    "version": 4, "clash": [{"field": "items", "base": ["2 × Red kettle"], "theirs": ["5 × Red kettle"],
                             "mine": ["3 × Red kettle"], "by": "Oleg", "at": ago(5)}],
}  # fmt: skip


@pytest.fixture
async def server() -> AsyncIterator[DeskServer]:
    async with served() as server:
        server.answers["/shops"] = [{"id": 2, "name": "Hearth", "currency": "EUR"}]
        server.answers["/quotes"] = QUOTE
        server.answers["/order-statuses"] = {"version": 1, "statuses": STATUSES}
        server.answers["/suggestions"] = [{
            "product_id": 32, "sku": "LD", "name": "Lid", "price": "2.00", "stock": 4, "because": "Red kettle",
            "line": "A lid keeps it warm: shall I add one?", "orders": 0, "chosen": True,
        }]  # fmt: skip
        more = dict.fromkeys(
            ("coupon", "delivery_method_id", "delivery_city", "delivery_postcode", "payment_method")
        )
        more |= dict.fromkeys(("delivery_date", "delivery_from", "delivery_until"))
        off = {"discount_percent": "0.00", "discount_amount": "0.00"}
        items = [item | off for item in WHOLE["items"]]
        server.answers["/orders/11"] = (
            WHOLE | more | off | {"id": 11, "delivery_by_hand": False, "items": items}
        )
        yield server


async def test_an_order_is_changed_on_the_line_and_a_colleagues_change_is_shown_beside(
    server: DeskServer,
) -> None:
    server.calls = [
        {
            "call": call(state="talking", answered_at=ago(9)),
            "card": card(customer=customer(), orders=[ORDER | {"id": 11}]),
        }
    ]
    async with launched() as browser:
        desk = await browser.new_page(viewport={"width": 1440, "height": 900}, locale="en-GB")
        await desk.goto(server.address)
        await expect(desk.locator(".call h1")).to_contain_text("Marta")
        await server.told_of("shown")
        await desk.keyboard.press("v")
        await expect(desk.locator(".detail")).to_contain_text("Ring twice")
        await desk.keyboard.press("c")
        await expect(desk.locator(".order h2")).to_contain_text(ORDER["number"])
        await desk.locator(".qty").fill("3")
        await expect(desk.locator(".basket")).to_contain_text("Oleg has the rest in a call")
        mine = LINE | {"sum": "214.50", "free": 3, "ahead": [], "behind": ["Oleg"]}
        server.answers["/quotes"] = QUOTE | {"items": [mine]}  # his call is over: said on both desks at once
        await server.push({"type": "stock", "product_ids": [31]})
        await expect(desk.locator(".basket")).to_contain_text("held for this call; Oleg would like it too")
        acme = {"supplier": "Acme", "quantity": 12, "lead_days": 3}
        beside = LINE | FREE | {"free": 0, "ahead": [], "suppliers": [acme]}
        server.answers["/quotes"] = QUOTE | {
            "items": [beside],
            "may_promise": True,
        }  # somebody else took them
        await server.push({"type": "stock", "product_ids": [31]})
        await expect(desk.locator(".basket")).to_contain_text("none left · 12 at supplier, 3 days")
        await desk.get_by_label("What is not here comes from the supplier").check()
        await expect(desk.locator(".offers")).to_contain_text("A lid keeps it warm")
        await expect(desk.locator(".call .bar")).to_contain_text("Talking")  # the call stays where it is
        server.refusals["/orders/11"] = CLASH
        await desk.keyboard.press("Control+Enter")
        sent = await server.request("PATCH", "/orders/11")
        assert (sent["version"], sent["call_id"], sent["items"][0]["quantity"]) == (3, "c1", 3)
        assert sent["beyond_stock"]
        assert set(sent) == {"version", "call_id", "key", "items", "beyond_stock"}  # nothing else was touched
        both = desk.locator(".order-clash")
        await expect(both).to_contain_text("5 × Red kettle")
        for look in ("order", "read"):
            assert await violations(desk) == [], look
            if look == "order":
                await desk.keyboard.press("F4")
                await expect(desk.locator(".read-back")).to_contain_text(
                    "two hundred and nineteen euros fifty"
                )
        await desk.keyboard.press("F2")
        del server.refusals["/orders/11"]
        server.sent.clear()
        server.answers["/orders/11"] |= {"version": 4, "number": ORDER["number"]}
        await both.get_by_role("button", name="Go on with what I chose").click()
        await expect(both).to_have_count(0)
        await desk.keyboard.press("Control+Enter")
        assert (await server.request("PATCH", "/orders/11"))["version"] == 4
        await expect(desk.locator(".toast")).to_contain_text("is changed")

        # A deal begun in the call stands where the order would; from the store, its order follows with the goods.
        server.answers["/products"] = [
            {"id": 33, "shop_id": 2, "sku": "MG", "name": "Mug", "price": "8.90", "stock": 9}
        ]
        goods = {"product_id": 33, "sku": "MG", "name": "Mug", "quantity": 2, "price": "8.90"}
        made = {
            "id": 5,
            "title": "Mug",
            "amount": "17.80",
            "currency": "EUR",
            "items": [goods],
            "comment": None,
        }
        server.answers["/deals"] = made | dict.fromkeys(("delivery_date", "delivery_from", "delivery_until"))
        await desk.keyboard.press("F2")
        field = desk.get_by_label("Find a product by its first letters or SKU")
        await expect(field).to_be_focused()
        await desk.keyboard.press("Escape")
        await expect(field).not_to_be_focused()
        await desk.keyboard.press("F7")
        deal = desk.get_by_role("complementary", name="Deal")
        await expect(deal).to_contain_text("Marta")
        await deal.get_by_label("Find a product").fill("2*mu")
        await expect(deal.get_by_role("option", name="Mug")).to_be_visible()
        await desk.keyboard.press("Enter")
        await deal.get_by_label("Deal from the online store").check()
        assert await violations(desk) == []
        await in_the_order_of_sight(desk, "deal")
        await deal.get_by_role("button", name="Create order in the store").click()
        sent = await server.request("POST", "/deals")
        assert (sent["call_id"], sent["from_store"], sent["items"][0]["quantity"]) == ("c1", True, 2)
        order = desk.get_by_role(
            "complementary", name="Order"
        )  # the deal, while it is saved, says the same number
        await expect(order.get_by_label("Quantity of Mug")).to_have_value("2")
        await desk.keyboard.press("Control+Enter")
        assert (await server.request("POST", "/orders"))["deal_id"] == 5
