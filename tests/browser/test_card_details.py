"""The desk in a real browser: what opens in the card, the cart that becomes an order, the line that is asked for."""

import asyncio
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, call, card, customer
from tests.browser.test_desk import browser as browser
from tests.browser.test_desk import context as context
from tests.browser.test_desk import desk as desk
from tests.browser.test_desk import opened, pytestmark  # noqa: F401
from tests.browser.test_desk import server as server

ORDER: dict[str, Any] = {
    "id": 11,
    "number": "A-1099",
    "status": "on_delivery",
    "status_label": "On delivery",
    "status_tone": "amber",
    "status_shape": "diamond",
    "open": True,
    "total": "148.00",
    "paid": "0.00",
    "currency": "EUR",
    "delivery_method": "DPD",
    "tracking": "1-99",
    "promised_at": ago(3600),
    "created_at": ago(86400),
    "shop_id": 2,
    "version": 3,
    "items": "Kettle",
}
SECOND = ORDER | {"id": 12, "number": "A-1100", "status": "new", "status_label": "New"}
STATUSES: list[dict[str, Any]] = [
    {"code": code, "name": name, "active": active}
    for code, name, active in (
        ("new", "New", True),
        ("work.sewing", "Sewing", True),
        ("packed", "Packed", False),
        ("on_delivery", "On delivery", True),
    )
]
FUNNEL: dict[str, Any] = {
    "id": 1,
    "name": "Sales",
    "stages": [
        {"code": "offer", "name": "Offer", "kind": "open"},
        {"code": "won", "name": "Won", "kind": "won"},
        {"code": "lost", "name": "Lost", "kind": "lost"},
    ],
}
DEAL: dict[str, Any] = {
    "id": 5,
    "title": "Kitchen refresh",
    "funnel": "Sales",
    "funnel_id": 1,
    "kind": "open",
    "stage": "offer",
    "stage_label": "Offer",
    "amount": "900.00",
    "currency": "EUR",
    "open": True,
    "version": 1,
}
WHOLE = ORDER | {
    "goods": "143.00",
    "delivery_cost": "5.00",
    "delivery_address": "ul. Długa 14/7",
    "deal_id": 5,
    "comment": "Ring twice",
    "shop": "Hearth",
    "created_by": "Oleg",
    "created_in_call_id": None,
    "items": [
        {
            "id": 1,
            "product_id": 31,
            "sku": "KT",
            "name": "Red kettle <b>hot</b>",
            "quantity": 2,
            "price": "71.50",
        }
    ],
}
TALK = {
    "id": "k1",
    "started_at": ago(90_000),
    "direction": "inbound",
    "result": "answered",
    "operator": "Oleg",
    "talk_s": 95.0,
    "role": "discussed",
    "mine": True,
    "note": "Asked for Friday",
    "disposition": None,
    "recorded": False,
}
CART: dict[str, Any] = {
    "id": 4,
    "shop_id": 2,
    "total": "26.70",
    "currency": "EUR",
    "url": "https://shop.example/cart",
    "items": [
        {
            "sku": "MG",
            "name": "Blue mug 0.3 l",
            "quantity": 3,
            "price": "8.90",
            "product_id": 31,
            "stock": 2,
        },
        {"sku": None, "name": "Gift wrap", "quantity": 1, "price": "1.00", "product_id": None, "stock": None},
    ],
}
VISITS = [{"title": "Blue mug 0.3 l", "url": "https://shop.example/p/mug", "at": ago(750)}]
LINES = [
    {"value": "+48223071120", "label": "Poland shop", "detail": "Hearth"},
    {"value": "+493023125140", "label": "Berlin", "detail": "Haus"},
]


def known(**more: Any) -> dict[str, Any]:
    return card(customer=customer(), orders=[ORDER, SECOND], deals=[DEAL], **more)


async def talk(server: DeskServer, shown: dict[str, Any], **different: Any) -> dict[str, Any]:
    """A talk with Marta stands on the desk, and the page listens to its keys."""
    server.answers |= {
        "/orders/11": WHOLE,
        "/orders/11/calls": [TALK],
        "/orders/12": WHOLE | SECOND | {"items": []},
    }
    server.answers |= {"/orders/12/calls": [], "/deals/5/calls": [], "/orders": {"items": [ORDER]}}
    server.answers |= {
        "/funnels": [FUNNEL],
        "/order-statuses": {"version": 1, "statuses": STATUSES},
        "/lost-reasons": [{"id": 3, "label": "Too expensive", "active": True}],
    }
    server.answers["/deals/5"] = DEAL | {"responsible": "Oleg", "created_at": ago(9e5)}
    entry = {"call": call(state="talking", answered_at=ago(9), **different), "card": shown}
    server.calls = [entry]
    await server.push({"type": "call", **entry})
    await server.told_of("shown")
    return entry


async def looks(server: DeskServer, count: int) -> list[Any]:
    """What the page said is open, once it said so many things."""
    for _ in range(500):
        said = [body for method, path, body in server.sent if path == "/calls/c1/focus"]
        if len(said) >= count:
            return said
        await asyncio.sleep(0.01)
    raise AssertionError(f"the page said only {said}")


async def test_an_order_opens_in_its_place_with_what_one_is_asked_about(
    desk: Page, server: DeskServer
) -> None:
    await talk(server, known())
    await desk.get_by_role("button", name="A-1099", exact=True).click()
    detail = desk.get_by_role("region", name="A-1099")
    for said in (
        "Red kettle <b>hot</b>",
        "€143.00",
        "€148.00 to pay",
        "DPD · ul. Długa 14/7",
        "1-99",
        "late",
    ):
        await expect(detail).to_contain_text(said)
    for said in ("Kitchen refresh · Offer", "Ring twice", "Asked for Friday", "1:35"):
        await expect(detail).to_contain_text(said)
    assert await looks(server, 1) == [{"order_id": 11}]
    await expect(desk.locator(".links")).to_contain_text("A-1099 is open: it will be linked at the end")
    await detail.get_by_role("button", name="Kitchen refresh", exact=True).click()
    await expect(desk.get_by_role("region", name="Kitchen refresh")).to_contain_text("Oleg")
    await expect(detail).to_have_count(0)
    await looks(server, 2)
    await desk.get_by_role("button", name="Kitchen refresh", exact=True).first.click()
    await expect(desk.locator(".detail")).to_have_count(0)
    assert await looks(server, 3) == [{"order_id": 11}, {"deal_id": 5}, {}]


async def test_keys_go_through_orders_and_deals_and_close_them(desk: Page, server: DeskServer) -> None:
    link = {
        "id": 1,
        "kind": "order",
        "object_id": 12,
        "label": "A-1100",
        "role": "discussed",
        "rule": "only_open",
    }
    await talk(server, known(links=[link]))
    for place, name in enumerate(
        ("A-1100", "Kitchen refresh", "A-1099"), 1
    ):  # what it is about first, then round
        await desk.keyboard.press("v")
        await expect(desk.get_by_role("region", name=name)).to_be_visible()
        await looks(server, place)
    await desk.keyboard.press("Escape")
    await expect(desk.locator(".detail")).to_have_count(0)
    await expect(desk.locator(".open-it").first).to_have_attribute("aria-expanded", "false")
    assert await looks(server, 4) == [{"order_id": 12}, {"deal_id": 5}, {"order_id": 11}, {}]


async def test_what_is_open_comes_back_after_a_reload_and_stands_in_the_other_tab(
    context: BrowserContext, server: DeskServer
) -> None:
    first = await opened(context, server)
    entry = await talk(server, known())
    second = await opened(context, server)
    await first.get_by_role("button", name="A-1099", exact=True).click()
    await expect(first.locator(".detail")).to_be_visible()
    mine = {"user_id": 7, "kind": "order", "object_id": 11}
    others = {"user_id": 8, "kind": "deal", "object_id": 5}
    entry["card"] = known(focus=[others, mine])
    await server.push({"type": "call", **entry})
    await expect(second.get_by_role("region", name="A-1099")).to_be_visible()
    await expect(second.locator(".detail")).to_have_count(1)
    await first.reload()
    await expect(first.get_by_role("region", name="A-1099")).to_be_visible()


async def test_the_state_changed_in_the_card_is_changed_in_this_call(desk: Page, server: DeskServer) -> None:
    await talk(server, known())
    await desk.get_by_role("button", name="A-1099", exact=True).click()
    await desk.get_by_label("State of A-1099").select_option("Sewing")
    assert await server.request("PATCH", "/orders/11") == {
        "version": 3,
        "status": "work.sewing",
        "call_id": "c1",
    }


async def test_one_key_makes_the_cart_an_order(desk: Page, server: DeskServer) -> None:
    server.answers["/orders"] = {"id": 9, "number": "H-2031", "total": "27.70", "currency": "EUR"}
    await talk(server, known(cart=CART | {"updated_at": ago(720)}, visits=VISITS))
    server.answers["/orders"] = {"id": 9, "number": "H-2031", "total": "27.70", "currency": "EUR"}
    await expect(desk.locator(".cart")).to_contain_text("4 pieces · abandoned 12 min")
    await expect(desk.locator(".visits")).to_contain_text("Blue mug 0.3 l")
    await desk.keyboard.press("q")
    await expect(desk.locator(".basket")).to_contain_text("only 2 left")
    await expect(desk.locator(".cart .btn")).to_be_disabled()
    await expect(desk.locator(".sum")).to_contain_text("€27.70")
    await expect(desk.get_by_role("button", name="Place the order")).to_be_enabled()
    await desk.keyboard.press("Control+Enter")
    body = await server.request("POST", "/orders")
    assert (body["cart_id"], body["shop_id"], body["items"]) == (
        4,
        2,
        [
            {"product_id": 31, "quantity": 3, "price": "8.90"},
            {"name": "Gift wrap", "quantity": 1, "price": "1.00"},
        ],
    )


async def test_the_number_says_its_carrier(desk: Page, server: DeskServer) -> None:
    remote = call()["remote"] | {"kind": "mobile", "carrier": "Plus", "region": "DE"}
    await talk(server, known(), remote=remote)
    await expect(desk.locator(".facts-line")).to_contain_text("Mobile · Plus (original) · Germany")


async def asks(server: DeskServer, page: Page) -> None:
    """The server wants to know which line to show."""
    problem = {"title": "Conflict", "status": 409, "detail": "Choose the line.", "choices": LINES}
    server.refusals["/calls"] = problem
    await page.locator(".who .dial").first.click()
    await expect(page.get_by_role("menuitem", name="Poland shop")).to_be_focused()


def dialled(server: DeskServer) -> list[Any]:
    return [body for method, path, body in server.sent if (method, path) == ("POST", "/calls")]


async def test_the_line_is_asked_once_for_a_customer_and_chosen_by_key(
    desk: Page, server: DeskServer
) -> None:
    line = call()["line"] | {"shop_id": None}
    await talk(server, known(), line=line)
    await asks(server, desk)
    assert dialled(server) == [{"to": "+48601220114", "customer_id": 1, "ask_line": True}]
    server.refusals.clear()
    await desk.keyboard.press("2")
    chosen = {"to": "+48601220114", "customer_id": 1, "line": "+493023125140"}
    await expect(desk.locator(".toast")).to_contain_text("Your phone rings first")
    assert dialled(server)[1:] == [chosen]
    await desk.locator(".who .dial").first.click()
    await expect(desk.locator(".toast")).to_have_count(2)
    assert dialled(server)[2:] == [chosen]


async def test_who_does_not_choose_a_line_calls_nobody(desk: Page, server: DeskServer) -> None:
    await talk(server, known(), line=None)
    await asks(server, desk)
    await desk.keyboard.press("ArrowDown")
    await expect(desk.get_by_role("menuitem", name="Berlin")).to_be_focused()
    await desk.keyboard.press("Escape")
    await expect(desk.get_by_role("menu")).to_have_count(0)
    await expect(desk.locator(".who .dial").first).to_be_focused()
    assert len(dialled(server)) == 1
    await expect(desk.locator(".toast")).to_have_count(0)


async def test_whoever_called_a_shop_sees_that_shop_when_called_from_the_card(
    desk: Page, server: DeskServer
) -> None:
    await talk(server, known())
    await desk.locator(".who .dial").first.click()
    assert await server.request("POST", "/calls") == {
        "to": "+48601220114",
        "customer_id": 1,
        "line": "+48223071120",
    }


async def test_a_call_that_was_not_yet_written_down_to_its_end_is_read_again(
    desk: Page, server: DeskServer
) -> None:
    row = {"id": "k9", "direction": "inbound", "result": None, "started_at": ago(5), "talk_s": 0}
    who = {"remote_e164": "+48601220114", "display": "+48 601 220 114", "customer_name": "Marta"}
    server.answers["/calls"] = {"items": [row | who]}
    await desk.reload()
    await expect(desk.locator(".idle table")).to_contain_text("Marta")
    server.answers["/calls"] = {"items": [row | who | {"result": "abandoned"}]}
    await expect(desk.locator(".idle table")).to_contain_text("Missed")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 390])
async def test_axe_finds_nothing_on_an_opened_order_a_cart_and_the_menu_of_lines(
    browser: Browser, server: DeskServer, theme: str, width: int
) -> None:
    context = await browser.new_context(viewport={"width": width, "height": 844}, color_scheme=theme)
    page = await opened(context, server)
    remote = call()["remote"] | {"kind": "mobile", "carrier": "Plus"}
    await talk(server, known(cart=CART | {"updated_at": ago(720)}, visits=VISITS), remote=remote, line=None)
    await page.get_by_role("button", name="A-1099", exact=True).click()
    await expect(page.locator(".detail dl")).to_be_visible()
    wide = await page.evaluate("document.documentElement.scrollWidth > innerWidth")
    found = await violations(page)
    await asks(server, page)
    found += await violations(page)
    await context.close()
    assert found == []
    assert not wide
