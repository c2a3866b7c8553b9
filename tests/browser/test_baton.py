"""A call that goes on to the next operator, and two calls at once, in a real browser."""

from typing import Any

from playwright.async_api import Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, call, card, customer
from tests.browser.test_control import NOTHING, talk
from tests.browser.test_desk import browser, context, desk, pytestmark, server
from tests.browser.test_guide import GUIDE

__all__ = ["browser", "context", "desk", "pytestmark", "server"]

MUGS = [{"product_id": 1, "sku": "M-1", "name": "<i>Mug</i>", "quantity": 2, "price": "4.00"}]


def baton(giver: int, taker: dict[str, Any] | None, said: str | None) -> dict[str, Any]:
    opened = {"kind": "order", "id": 5, "label": "PL-1004"}
    who = {"id": giver, "name": "Anna Kowalska" if giver == 7 else "Boris Novák"}
    doing = {"pieces": 2, "opened": opened, "noted": True}
    return {"id": 1, "giver": who, "taker": taker, "said": said, "doing": doing, "at": ago(3)}


async def test_whoever_gets_a_call_reads_what_was_done_and_the_first_one_watches(
    desk: Page, server: DeskServer
) -> None:
    shown = {"customer": customer(), "draft": {"items": MUGS, "version": 3, "user_id": 8}}
    came = card(**shown, baton=baton(8, {"id": 7, "name": "Anna"}, "the <b>blue</b> one"))
    server.answers["/guide"] = GUIDE
    ringing = {"type": "call", "call": call(control=NOTHING), "card": came}
    await server.push(ringing)
    await expect(desk.locator(".script-step")).to_contain_text("Hello")
    line = desk.locator(".baton")
    await expect(line).to_contain_text("From Boris Novák")
    await expect(line).to_contain_text("was taking an order of 2 pieces, had PL-1004 open, left a note")
    await expect(line.locator("q")).to_have_text("the <b>blue</b> one")

    # Boris answered at the script while it rang here: whoever has the call now goes on from there.
    server.answers["/guide"] = {**GUIDE, "script": {**GUIDE["script"], "path": [0]}}
    later = came | {"baton": came["baton"] | {"at": ago(1)}}
    await server.push({"type": "call", "call": call(control=NOTHING), "card": later})
    await expect(desk.locator(".script-step")).to_contain_text("Free delivery?")
    await talk(server, desk)
    await desk.keyboard.press("t")
    await desk.keyboard.type("cla")
    await expect(desk.locator("#to-0")).to_contain_text("Clara")
    await desk.get_by_label("A line for whoever gets it").fill("be quick")
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c1/transfer") == {"user_id": 9, "said": "be quick"}

    note = {"text": "typed by Clara", "version": 4, "saved_at": ago(1)}
    handed = card(**shown, note=note, baton=baton(7, {"id": 9, "name": "Clara Weiß"}, None))
    watching = call(state="watching", answered_at=ago(60), operator={"id": 9, "name": "Clara Weiß"})
    await server.push({"type": "call", "call": watching, "card": handed})
    await expect(desk.locator(".bar")).to_contain_text("Watching")
    await expect(desk.locator(".call")).to_contain_text("Clara Weiß has this call now.")
    await expect(desk.locator(".watched")).to_contain_text(["<i>Mug</i>", "typed by Clara"])
    for what in ("#note", ".order", ".hands", ".btn.stop"):
        await expect(desk.locator(what)).to_have_count(0)
    assert await violations(desk) == []
    await desk.keyboard.press("Escape")
    assert (await server.told_of("leave"))["id"] == "c1"


async def test_a_second_call_stands_beside_the_first_and_nothing_typed_is_lost(
    desk: Page, server: DeskServer
) -> None:
    await talk(server, desk)
    await desk.keyboard.press("n")
    await desk.keyboard.type("half a sen")
    await server.push({"type": "call", "call": call(id="c2"), "card": card(customer=customer("Piotr"))})
    second = desk.locator(".call-rail").get_by_role("button", name="Piotr")
    await expect(second).to_contain_text("Ringing")
    await desk.keyboard.type("tence")
    await expect(desk.get_by_label("Note to this call")).to_have_value("half a sentence")
    await desk.locator(".call h1").click()
    await desk.keyboard.press("]")
    await expect(desk.locator(".call h1")).to_contain_text("Piotr")
    await expect(desk.get_by_label("Note to this call")).to_have_value("")
    await desk.keyboard.press("]")
    await expect(desk.get_by_label("Note to this call")).to_have_value("half a sentence")
