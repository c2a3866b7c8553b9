"""The desk in a real browser: what is shown is the state that was pushed, and what is typed is never lost."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, call, card, customer, outcome, served, tree
from tests.browser.tabbing import MOVES, comes_back, in_the_order_of_sight
from tests.chromium import NEEDS_CHROMIUM, launched

pytestmark = NEEDS_CHROMIUM

TREES = [tree(1, outcome("order_placed", needs_link=True), outcome("other"))]
SHOPS = [{"id": 2, "name": "Hearth", "currency": "EUR"}]
MUG = {"id": 31, "shop_id": 2, "sku": "MG-03-BL", "name": "Blue mug 0.3 l", "price": "8.90", "stock": 14}


@pytest.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
async def server() -> AsyncIterator[DeskServer]:
    async with served() as server:
        server.answers["/outcome-trees"] = TREES
        server.answers["/shops"] = SHOPS
        server.answers["/products"] = [MUG]
        yield server


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    yield context
    await context.close()


@pytest.fixture
async def desk(context: BrowserContext, server: DeskServer) -> Page:
    return await opened(context, server)


async def opened(context: BrowserContext, server: DeskServer) -> Page:
    page = await context.new_page()
    await page.goto(server.address)
    await expect(page.locator(".stage .loading")).to_have_count(0)
    return page


async def ring(server: DeskServer, *desks: Page, **different: Any) -> None:
    """A call of Marta's stands on the desk, and the pages show it."""
    entry = {"call": call(**different), "card": card(customer=customer())}
    server.calls = [entry]
    await server.push({"type": "call", **entry})
    for desk in desks:
        await expect(desk.locator(".call h1")).to_contain_text("Marta Zielińska")
    if desks:
        await server.told_of("shown")  # painted, and listening to its keys


async def test_a_ringing_call_shows_its_card_and_says_so_to_the_server(
    desk: Page, server: DeskServer
) -> None:
    await ring(server, desk)
    await expect(desk.locator(".call .bar")).to_contain_text("Ringing")
    assert await server.told_of("shown") == {"type": "shown", "id": "c1"}


async def test_a_call_that_somebody_else_answered_leaves_the_desk_and_names_him(
    desk: Page, server: DeskServer
) -> None:
    await ring(server, desk)
    gone = {"type": "call_gone", "id": "c1", "reason": "answered_elsewhere", "by": {"id": 8, "name": "Oleg"}}
    await server.push(gone)
    await expect(desk.locator(".call")).to_have_count(0)
    await expect(desk.locator(".toast")).to_contain_text("Oleg answered.")


async def test_after_a_lost_message_the_desk_asks_for_everything(desk: Page, server: DeskServer) -> None:
    await ring(server, desk)
    server.calls = []
    await server.push({"type": "agent", "agent": None}, skip=1)
    await server.told_of("resync")
    await expect(desk.locator(".call")).to_have_count(0)


async def test_names_are_text_whatever_they_contain(desk: Page, server: DeskServer) -> None:
    dialogs: list[str] = []
    desk.on("dialog", lambda dialog: dialogs.append(dialog.message))
    hostile = '<script>alert(1)</script><img src=x onerror="alert(2)">'
    entry = {"call": call(), "card": card(customer=customer(hostile))}
    await server.push({"type": "call", **entry})
    await expect(desk.locator(".call h1")).to_contain_text(hostile)
    assert await desk.locator(".call h1 img, .call h1 script").count() == 0
    assert not dialogs


async def test_a_note_is_kept_as_it_is_typed(desk: Page, server: DeskServer) -> None:
    await ring(server, desk, state="talking", answered_at=ago(3))
    await desk.keyboard.press("n")
    await expect(desk.locator("#note")).to_be_focused()
    await desk.keyboard.insert_text("Parcel not there yet")
    assert await server.request("PUT", "/calls/c1/note") == {"text": "Parcel not there yet", "version": 0}
    await expect(desk.locator("#note-kept")).to_contain_text("Kept as you type ·")


async def test_a_note_typed_without_connection_survives_a_reload_and_is_sent_later(
    desk: Page, server: DeskServer, context: BrowserContext
) -> None:
    await ring(server, desk, state="talking", answered_at=ago(3))
    await expect(desk.locator("#note")).to_be_visible()
    await server.cut()
    await desk.fill("#note", "Written in a tunnel")
    await expect(desk.locator(".banner")).to_contain_text("No connection")
    await expect(desk.locator("#note-kept")).to_contain_text("Not saved yet")
    await desk.close()
    server.mend()
    again = await opened(context, server)
    await expect(again.locator("#note")).to_have_value("Written in a tunnel")
    assert (await server.request("PUT", "/calls/c1/note"))["text"] == "Written in a tunnel"


async def test_a_note_of_a_call_that_left_the_desk_is_still_sent(
    desk: Page, server: DeskServer, context: BrowserContext
) -> None:
    await ring(server, desk, state="talking", answered_at=ago(3))
    await expect(desk.locator("#note")).to_be_visible()
    await server.cut()
    await desk.fill("#note", "The last words")
    await desk.close()
    server.calls = []
    server.mend()
    await opened(context, server)
    assert (await server.request("PUT", "/calls/c1/note"))["text"] == "The last words"


async def test_the_connection_comes_back_by_itself_and_takes_no_card_away_that_is_not_read_again_yet(
    desk: Page, server: DeskServer
) -> None:
    await ring(server, desk)
    await server.cut()
    await expect(desk.locator(".banner")).to_contain_text("No connection")
    server.calls = [{"call": call(state="talking", answered_at=ago(3)), "card": None}]
    server.mend()
    await expect(desk.locator(".banner")).to_have_count(0)
    await expect(desk.locator(".call .bar")).to_contain_text("Talking")
    await expect(desk.locator(".call h1")).to_contain_text("Marta Zielińska")


async def test_one_key_says_which_of_several_people_it_is(desk: Page, server: DeskServer) -> None:
    people = [
        {"id": 21, "name": "Marta", "city": "Kraków", "reason": "order A-1099 is open", "vip": False},
        {"id": 22, "name": "Piotr", "city": None, "reason": "has this number", "vip": False},
    ]
    await server.push({"type": "call", "call": call(), "card": card(candidates=people)})
    await expect(desk.locator(".candidate")).to_have_count(2)
    await server.told_of("shown")
    await desk.keyboard.press("2")
    assert await server.request("PUT", "/calls/c1/customer") == {"customer_id": 22}


async def test_an_unknown_caller_is_written_down_with_what_the_telephone_said(
    desk: Page, server: DeskServer
) -> None:
    remote = call()["remote"] | {"name": "J WEBER"}
    await server.push({"type": "call", "call": call(remote=remote), "card": card()})
    await expect(desk.locator(".new-person input").first).to_have_value("J WEBER")
    await desk.locator(".new-person input").nth(2).fill("Berlin")
    await desk.locator(".new-person .btn.main").click()
    assert await server.request("POST", "/calls/c1/customer") == {"name": "J WEBER", "city": "Berlin"}


async def test_an_order_is_taken_with_the_keyboard_and_its_total_is_told_at_once(
    desk: Page, server: DeskServer
) -> None:
    server.answers["/orders"] = {"id": 9, "number": "H-2031", "total": "20.02", "currency": "EUR"}
    sums = {"goods": "17.80", "discount": "1.78", "coupon": "0.00", "delivery": "4.00", "total": "20.02"}
    server.answers["/quotes"] = {
        "sums": sums,
        "delivery_cost": "4.00",
        "deliveries": [],
        "problems": [],
    }
    await ring(server, desk, state="talking", answered_at=ago(3))
    await desk.keyboard.press("F2")
    await desk.keyboard.type("blue mu")
    await expect(desk.locator("#products [role=option]")).to_contain_text("MG-03-BL")
    await desk.keyboard.press("Enter")
    await desk.locator(".qty").fill("2")
    await desk.locator(".delivery input.num").fill("4")
    await desk.get_by_label("Discount", exact=True).fill("10 %")
    await expect(desk.locator(".sum")).to_contain_text("€20.02")  # as the server says
    await desk.keyboard.press("Control+Enter")
    sent = await server.request("POST", "/orders")
    assert len(sent.pop("key")) == 36
    assert sent == {
        "customer_id": 1,
        "shop_id": 2,
        "call_id": "c1",
        "items": [{"product_id": 31, "quantity": 2, "price": "8.90"}],
        "discount_percent": "10",
        "delivery_cost": "4.00",
        "delivery_address": "ul. Długa 14/7, Kraków",
    }
    await expect(desk.locator(".toast")).to_contain_text("H-2031")
    await expect(desk.locator(".basket")).to_have_count(0)


async def test_a_half_made_order_comes_back_with_the_call(
    context: BrowserContext, server: DeskServer
) -> None:
    item = {"product_id": 31, "sku": "MG-03-BL", "name": "Blue mug 0.3 l", "price": "8.90", "quantity": 3}
    draft = {"items": [item], "version": 4, "user_id": 7}
    entry = {
        "call": call(state="talking", answered_at=ago(9)),
        "card": card(customer=customer(), draft=draft),
    }
    server.calls = [entry]
    page = await opened(context, server)
    await expect(page.locator(".sum")).to_contain_text("€26.70")


async def test_wrap_up_is_two_keys_and_one_where_an_order_was_taken(desk: Page, server: DeskServer) -> None:
    over = {"state": "wrap_up", "answered_at": ago(60), "ended_at": ago(2), "talk_s": 58.0}
    await ring(server, desk, **over, result="answered")
    await expect(desk.locator(".outcome")).to_have_count(2)
    await desk.keyboard.press("2")
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c1/wrap-up") == {"code": "other"}
    await expect(desk.locator(".call")).to_have_count(0)

    made = {"id": 1, "kind": "order", "object_id": 11, "label": "A-1099", "role": "created", "rule": "x"}
    sold = {"call": call(id="c2", **over, result="answered"), "card": card(links=[made])}
    await server.push({"type": "call", **sold})
    await expect(desk.locator(".outcome[aria-pressed=true]")).to_have_text("1Order placed")
    await expect(desk.locator(".proposed")).to_contain_text("A-1099 was taken in this call")
    await expect(desk.get_by_role("button", name="Finish")).to_be_focused()
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c2/wrap-up") == {"code": "order_placed"}


async def test_a_new_ring_steps_before_a_wrap_up_but_not_before_a_conversation(
    desk: Page, server: DeskServer
) -> None:
    await ring(
        server, desk, state="wrap_up", answered_at=ago(60), ended_at=ago(2), talk_s=58.0, result="answered"
    )
    remote = call()["remote"] | {"display": "+49 1511 7778899"}
    await server.push({"type": "call", "call": call(id="c2", remote=remote), "card": card()})
    await expect(desk.locator(".call h1")).to_contain_text("+49 1511 7778899")
    await server.push({"type": "call", "call": call(id="c2", remote=remote, state="talking"), "card": card()})
    await server.push({"type": "call", "call": call(id="c3"), "card": card(customer=customer("Piotr"))})
    await expect(desk.locator(".call-rail")).to_contain_text("Piotr")
    await expect(desk.locator(".call h1")).to_contain_text("+49 1511 7778899")


async def test_a_call_is_finished_with_all_that_its_outcome_asks_for_by_keys_alone(
    desk: Page, server: DeskServer, context: BrowserContext
) -> None:
    lost = outcome("lost_parcel", parent="trouble", needs_link=True, needs_note=True, needs_next=True)
    group = [outcome("trouble"), outcome("damaged", parent="trouble"), lost]
    server.answers["/outcome-trees"] = [tree(1, outcome("other")), tree(2, *group, line_ids=[5])]
    order = {"kind": "order", "id": 11, "label": "A-1099", "detail": "On delivery", "why": "it is open"}
    server.answers["/calls/c1/suggestions"] = [order]
    over = {
        "state": "wrap_up",
        "answered_at": ago(60),
        "ended_at": ago(2),
        "talk_s": 58.0,
        "result": "answered",
    }
    await desk.reload()
    await ring(server, desk, line=call()["line"] | {"id": 5}, **over)
    await expect(desk.locator(".outcome")).to_have_text(["1Trouble"])
    await desk.keyboard.press("1")
    await expect(desk.locator(".outcome")).to_have_text(["1Damaged", "2Lost parcel"])
    await desk.keyboard.press("2")
    await expect(desk.locator(".about-what")).to_contain_text("A-1099")
    await desk.keyboard.press("a")
    assert await server.request("POST", "/calls/c1/links") == {"order_id": 11}
    await desk.keyboard.press("Enter")
    await expect(desk.locator("#note")).to_be_focused()  # it asks for a note: that is where one writes now
    await server.cut()  # before the note, which this server would not hand to the desk that is opened later
    await desk.keyboard.insert_text("Gone since Monday")
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("r")
    await expect(desk.locator(".why-next")).to_be_focused()
    await desk.keyboard.insert_text("Tell what the courier says")
    await desk.close()
    server.mend()
    again = await opened(context, server)  # nothing typed is lost
    await expect(again.locator(".outcome[aria-pressed=true]")).to_have_text("2Lost parcel")
    await again.locator(".why-next").press("Enter")
    sent = await server.request("POST", "/calls/c1/wrap-up")
    assert (sent["code"], sent["next_step"]["kind"]) == ("lost_parcel", "callback")
    assert sent["next_step"]["reason"] == "Tell what the courier says"


async def test_one_key_takes_who_waits_most_enter_calls_and_passing_over_needs_a_reason(
    desk: Page, server: DeskServer
) -> None:
    unpaid = {"kind": "unpaid", "object": "order", "id": 11, "label": "A-1099", "since": ago(90000)}
    cause = unpaid | {"money": "148.00", "currency": "EUR", "points": 20.1}
    marta = {"id": 5, "customer_id": 1, "name": "Marta Zielińska", "number": "+48601220114", "points": 20.1}
    shown = {"display": "+48 601 220 114", "causes": [cause], "card": card(customer=customer())}
    server.answers["/queue/turn"] = {"turn": None}
    await desk.reload()
    await expect(desk.locator(".turn-next")).to_be_visible()
    server.answers["/queue/turn"] = {"turn": marta | shown}
    await desk.keyboard.press("h")
    await expect(desk.locator(".turn .causes")).to_contain_text("Unpaid order A-1099 · €148.00")
    await expect(desk.locator(".turn .btn.main")).to_be_focused()
    await desk.keyboard.press("Enter")
    called = {"to": "+48601220114", "customer_id": 1, "order_id": 11, "ask_line": True}
    assert await server.request("POST", "/calls") == called
    await desk.keyboard.press("y")
    await expect(desk.locator(".pass-over input")).to_be_focused()
    await desk.keyboard.insert_text("On holiday")
    await desk.keyboard.press("Enter")
    skipped = await server.request("POST", "/queue/turn/skipped")
    assert skipped == {"reason": "On holiday", "hours": 4}
    await expect(desk.locator(".turn-next")).to_be_visible()


async def test_a_click_on_a_telephone_dials_the_number_for_this_person(
    desk: Page, server: DeskServer
) -> None:
    await ring(server, desk, state="talking", answered_at=ago(3))
    await desk.locator(".who .dial").first.click()
    assert await server.request("POST", "/calls") == {
        "to": "+48601220114",
        "customer_id": 1,
        "line": "+48223071120",
    }


async def test_a_call_that_did_not_get_through_says_why(desk: Page, server: DeskServer) -> None:
    failure = {"code": "busy", "text": "The customer is on another call."}
    await ring(server, desk, state="ended", direction="outbound", result="busy", failure=failure)
    await expect(desk.locator(".call .bar")).to_contain_text("The customer is on another call.")
    await desk.keyboard.press("x")
    await expect(desk.locator(".call")).to_have_count(0)
    await desk.reload()  # the server still has it until it is given an outcome; the operator has closed it
    await expect(desk.locator(".idle h1")).to_be_visible()
    await expect(desk.locator(".call")).to_have_count(0)


BEEPS = """const make = AudioContext.prototype.createOscillator;
AudioContext.prototype.createOscillator = function () {
  document.documentElement.dataset.beeped = "yes";
  return make.call(this);
};"""


async def test_what_i_am_told_stands_beside_the_bell_and_sounds_unless_i_switched_it_off(
    context: BrowserContext, server: DeskServer
) -> None:
    await context.add_init_script(BEEPS)
    desk = await opened(context, server)
    await desk.bring_to_front()
    await desk.mouse.click(700, 880)  # browsers stay silent until somebody has clicked
    notice = {"type": "notice", "level": "info", "text": "Order A-7 is yours now", "address": "/orders/7"}
    server.answers["/notices/unread"] = {"unread": 3}
    await server.push(notice)
    await expect(desk.get_by_role("link", name="For me: 3 not read")).to_have_text("3")
    await expect(desk.get_by_role("link", name="Order A-7 is yours now")).to_have_attribute(
        "href", "/orders/7"
    )
    await desk.wait_for_selector("html[data-beeped]")
    await desk.locator(".head details.menu summary").last.click()
    switch = desk.get_by_role("button", name="Sound when told")
    await expect(switch).to_contain_text("on")
    await switch.click()
    await expect(switch).to_contain_text("off")
    await desk.reload()
    await desk.mouse.click(700, 880)
    server.answers["/notices/unread"] = {"unread": 4}
    await server.push(notice)
    await expect(desk.get_by_role("link", name="For me: 4 not read")).to_be_visible()
    assert await desk.locator("html[data-beeped]").count() == 0


async def test_two_tabs_show_the_call_and_one_of_them_rings(
    context: BrowserContext, server: DeskServer
) -> None:
    await context.add_init_script(BEEPS)
    tabs = [await opened(context, server), await opened(context, server)]
    for tab in tabs:
        await tab.bring_to_front()
        await tab.mouse.click(700, 880)  # browsers stay silent until somebody has clicked
    await ring(server, *tabs)
    rang = [asyncio.create_task(tab.wait_for_selector("html[data-beeped]")) for tab in tabs]
    await asyncio.wait(rang, return_when=asyncio.FIRST_COMPLETED)
    loud, silent = tabs if rang[0].done() else reversed(tabs)
    assert await silent.locator("html[data-beeped]").count() == 0
    await loud.close(run_before_unload=True)
    await silent.wait_for_selector("html[data-beeped]")  # the tab that rang is gone: the other takes over
    await asyncio.gather(*rang, return_exceptions=True)


CLASHES = "async () => (await import('/static/keys.js')).clashes()"
LABELLED = """() => [...document.querySelectorAll("[aria-live], .toasts, output")]
  .filter((one) => !one.ariaLabel).map((one) => one.outerHTML.slice(0, 80))"""


async def sound(page: Page, state: str) -> None:
    """Nothing is cut off, no key has two meanings, live regions have names, Tab goes as one reads, nothing moves for
    whoever wants it still, axe finds nothing."""
    assert await page.evaluate(CLASHES) == [], state
    assert await page.evaluate(LABELLED) == [], state
    assert not await page.evaluate("document.documentElement.scrollWidth > innerWidth"), state
    await in_the_order_of_sight(page, state)
    assert await page.evaluate(MOVES) == [], state
    assert await violations(page) == [], state


@pytest.mark.parametrize(("theme", "width"), [("light", 1440), ("dark", 1100), ("dark", 390)])
async def test_in_every_state_the_desk_is_whole_reachable_and_says_its_keys(
    browser: Browser, server: DeskServer, theme: str, width: int
) -> None:
    own = {"id": 11, "number": "A-1099", "status": "on_delivery", "status_label": "On delivery", "open": True}
    money = {"total": "148.00", "paid": "0.00", "currency": "EUR", "items": "Kettle"}
    sent = {"delivery_method": "DPD", "tracking": "1-99", "promised_at": ago(3600), "created_at": ago(86400)}
    past = {"id": "h1", "direction": "inbound", "result": "abandoned", "started_at": ago(900), "talk_s": 0}
    said = {"disposition": None, "operator": None, "note": None, "recorded": False}
    item = {"product_id": 31, "sku": "MG-03-BL", "name": "Blue mug 0.3 l", "price": "8.90", "quantity": 3}
    draft = {"items": [item], "version": 4, "user_id": 7}
    known = {"customer": customer(), "orders": [own | money | sent], "calls": [past | said], "draft": draft}
    from tests.browser.test_card_details import STATUSES, WHOLE  # which takes its browser from here

    server.answers["/calls/c1/targets"] = {"queues": [], "recent": []}
    server.answers["/orders/11"] = WHOLE
    server.answers["/order-statuses"] = {"version": 1, "statuses": STATUSES}
    narrow = width < 500
    context = await browser.new_context(
        viewport={"width": width, "height": 844}, color_scheme=theme, reduced_motion="reduce"
    )
    page = await opened(context, server)
    await sound(page, "idle")
    await server.push({"type": "call", "call": call(), "card": card()})
    await expect(page.locator(".new-person")).to_be_visible()
    await sound(page, "a stranger rings")
    talking = call(state="talking", answered_at=ago(3))
    await server.push({"type": "call", "call": talking, "card": card(**known)})
    await expect(page.locator(".hands")).to_be_visible()
    await page.get_by_role("button", name="Hold").focus()
    for opens, shown in (("t", ".transfer"), ("k", ".keypad"), ("i", ".promise-form"), ("?", "dialog")):
        await comes_back(page, opens, shown)
    await page.keyboard.press("t")
    await page.locator(".transfer input").first.fill("1002")
    await sound(page, "transfer")
    await page.locator(".transfer input").first.press("Escape")
    asking = {
        "consult": {"stage": "talking", "name": "Boris", "target": "1002"},
        "recording_paused": {"at": ago(9)},
    }
    await server.push({"type": "call", "call": talking | {"control": asking}, "card": card(**known)})
    await expect(page.get_by_role("button", name="All three")).to_be_visible()
    await sound(page, "asking a colleague, the recording silent")
    await page.keyboard.press("o")
    await expect(page.locator(".basket")).to_be_visible()
    await sound(page, "order")
    await page.keyboard.press("F4")
    await expect(page.locator(".read-back")).to_be_visible()
    await sound(page, "read-back")
    await page.keyboard.press("F4")
    over = {"state": "wrap_up", "ended_at": ago(2), "talk_s": 9.0, "result": "answered"}
    await server.push({"type": "call", "call": call(**over), "card": card(**known)})
    if narrow:
        await page.get_by_role("button", name="Call", exact=True).click()
    await page.locator("body").press("Escape")
    await page.keyboard.press("r")
    await expect(page.locator(".why-next")).to_be_focused()
    await page.locator(".why-next").press("Escape")
    await page.keyboard.press("v")  # an opened order, whose Esc the wrap-up has now
    await expect(page.locator(".detail")).to_contain_text(WHOLE["delivery_address"])
    await page.keyboard.press("i")
    await expect(page.locator(".promise-form")).to_be_visible()
    await sound(page, "wrap-up with a callback, an opened order and a promise")
    await server.push({"type": "call", "call": call(id="c2"), "card": card(customer=customer("Piotr"))})
    await expect(page.locator(".call-rail")).to_be_visible()
    await sound(page, "several calls")
    await page.keyboard.press("?")
    keys = page.get_by_role("dialog")
    for name in ("M", "N", "]", "/", "3*", "O"):
        await expect(keys.get_by_text(name, exact=True)).to_be_visible()
    await sound(page, "the sheet of keys")
    await context.close()
