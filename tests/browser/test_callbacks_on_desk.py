"""Callbacks and promises on the desk, by the keyboard: what is due is called or put off, what was said is promised."""

from typing import Any

from playwright.async_api import Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, card, customer
from tests.browser.desk_server import call as a_call
from tests.browser.test_desk import browser as browser
from tests.browser.test_desk import context as context
from tests.browser.test_desk import desk as desk
from tests.browser.test_desk import pytestmark  # noqa: F401
from tests.browser.test_desk import server as server

DUE: dict[str, Any] = {
    "id": 5,
    "customer_id": 1,
    "customer_name": "Marta <b>Zielińska</b>",
    "number": "+48601220114",
    "display": "+48 601 220 114",
    "order_id": None,
    "deal_id": None,
    "reason": "Refund",
    "note": None,
    "due_at": ago(30),
    "attempts": 1,
    "missed": 2,
}
LISTED = DUE | {
    "state": "open",
    "assigned_to": 7,
    "calling": None,
    "order_number": None,
    "deal": None,
    "team": None,
}
OTHER = DUE | {"id": 6, "customer_name": "Piotr Nowak", "reason": "Invoice"}


async def test_what_is_due_is_called_at_a_key_or_put_off_with_a_note(desk: Page, server: DeskServer) -> None:
    server.answers["/calls"] = {"id": "c9"}
    server.answers["/callbacks/6/snooze"] = {**OTHER, "due_at": ago(-900)}
    for one in (DUE, OTHER):
        await server.push({"type": "reminder", "callback": one})
    await expect(desk.locator(".reminder")).to_have_count(2)
    await expect(desk.locator(".reminder").first).to_contain_text("Refund · called 2 times · 1 attempt")
    assert await violations(desk) == []
    await desk.keyboard.press("r")
    body = await server.request("POST", "/calls")
    assert (body["to"], body["callback_id"], body["customer_id"]) == ("+48601220114", 5, 1)
    await expect(desk.locator(".reminder")).to_have_count(1)  # the other one is the first now
    await desk.locator(".reminder input").fill("Lunch until two")
    await desk.locator(".reminder h2, .reminder-head b").first.click()
    await desk.keyboard.press("z")
    assert await server.request("POST", "/callbacks/6/snooze") == {"minutes": 15, "note": "Lunch until two"}
    await expect(desk.locator(".reminder")).to_have_count(0)


async def test_who_is_called_by_a_colleague_says_so_and_a_promise_of_the_call_stands_first(
    desk: Page, server: DeskServer
) -> None:
    server.answers["/callbacks"] = {"items": [LISTED]}
    await desk.reload()
    row = desk.locator(".next li", has_text="Refund")
    await expect(row.locator(".dial")).to_have_count(1)
    await server.push(
        {"type": "calling", "calling": [{"id": "k", "by": {"id": 8, "name": "Boris"}, "callback_ids": [5]}]}
    )
    await expect(row).to_contain_text("Boris is calling now.")
    await expect(row.locator(".dial")).to_have_count(0)
    await server.push({"type": "calling", "calling": []})
    await expect(row.locator(".dial")).to_have_count(1)

    order = {"id": 11, "number": "A-1099", "open": True, "status": "new", "total": "5.00", "currency": "EUR"}
    waiting = {
        "id": 1,
        "text": "Call on Friday",
        "due_at": ago(60),
        "state": "broken",
        "order_id": None,
        "version": 2,
    }
    known = card(
        customer=customer(), orders=[order], promises=[waiting | {"order_number": None, "by": "Oleg"}]
    )
    entry = {"call": a_call(state="talking", answered_at=ago(20)), "card": known}
    server.calls = [entry]
    server.answers["/promises"] = {
        **waiting, "id": 2, "text": "Send the invoice", "state": "open", "due_at": ago(-9000), "maker": "Anna",
        "order_id": 11, "order_number": "A-1099",
    }  # fmt: skip
    server.answers["/promises/1/settle"] = {**waiting, "closed_at": ago(0)}
    await server.push({"type": "call", **entry})
    await server.told_of("shown")
    await expect(desk.locator(".promises li.late")).to_contain_text("Call on Friday")
    await desk.keyboard.press("i")
    await expect(desk.locator(".promise-form input").first).to_be_focused()
    assert await violations(desk) == []
    await desk.keyboard.type("Send the invoice")
    await desk.keyboard.press("Enter")
    body = await server.request("POST", "/promises")
    assert [body[name] for name in ("text", "customer_id", "call_id", "order_id")] == [
        "Send the invoice",
        1,
        "c1",
        11,
    ]
    await expect(desk.locator(".promises li")).to_have_count(2)
    await desk.locator(".promises li.late .btn").first.click()
    assert await server.request("POST", "/promises/1/settle") == {"state": "kept", "version": 2}
    await expect(desk.locator(".promises li")).to_have_count(1)
