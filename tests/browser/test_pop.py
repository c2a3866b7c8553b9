"""How calls reach an operator: when cards open, what sounds and shows, the same in all her tabs."""

import asyncio
import re
from contextlib import suppress

import pytest
from playwright.async_api import BrowserContext, Page, Route, expect

from tests.browser.desk_server import DeskServer, ago, call, card, customer
from tests.browser.test_desk import browser, context, opened, pytestmark, server

__all__ = ["browser", "context", "pytestmark", "server"]

# What the system would show; and nobody looks at our pages.
SYSTEM = """document.hasFocus = () => false;
window.Notification = class extends EventTarget {
  static permission = "granted";
  constructor(title, { body }) {
    super();
    document.documentElement.dataset.noted = `${title} | ${body}`;
    window.noted = this;
  }
  close() { delete document.documentElement.dataset.noted; }
};"""
USUAL = {"mode": "ring", "sound": True, "volume": 60, "desktop": True, "most_cards": 4, "hide_min": None}
HOSTILE = "<img src=x> Marta"


async def wants(server: DeskServer, **different: object) -> None:
    """She said so on her own page: every tab is told."""
    await server.push({"type": "pop", "pop": USUAL | {"badge": True} | different})


async def test_cards_open_when_she_wants_and_what_she_does_in_one_tab_holds_in_the_other(
    context: BrowserContext, server: DeskServer
) -> None:
    await context.add_init_script(SYSTEM)
    tabs = [await opened(context, server), await opened(context, server)]
    await wants(server, mode="answer")
    marta = card(customer=customer(HOSTILE))
    await server.push({"type": "call", "call": call(), "card": marta})
    for tab in tabs:
        await expect(tab.locator(".call-rail")).to_contain_text(HOSTILE)
        await expect(tab.locator(".call")).to_have_count(0)  # a line says who rings, no card
        await expect(tab).to_have_title(f"Ringing: {HOSTILE}")
    loud, other = await one_that_notes(tabs)
    await expect(loud.locator("html")).to_have_attribute(
        "data-noted", f"Ringing: {HOSTILE} | +48 601 220 114 · Poland shop · Sales"
    )
    await loud.evaluate("noted.dispatchEvent(new Event('click'))")  # leads to the card
    await expect(loud.locator(".call h1")).to_contain_text(HOSTILE)
    await other.keyboard.press("]")
    await other.keyboard.press("m")  # silenced in one tab is silent in all
    await expect(loud.locator("html[data-noted]")).to_have_count(0)

    await wants(server, mode="never", most_cards=2)
    await server.push({"type": "call", "call": call(state="talking", answered_at=ago(1)), "card": marta})
    over = {"state": "wrap_up", "answered_at": ago(200), "talk_s": 9.0, "result": "answered"}
    for name in ("c2", "c3", "c4"):
        ended = call(id=name, ended_at=ago(600), **over)
        await server.push({"type": "call", "call": ended, "card": card(customer=customer(name))})
    for tab in tabs:
        await expect(tab.locator(".call h1")).to_contain_text(HOSTILE)
        await expect(tab.locator(".call-rail .who-line")).to_have_count(2)
        await expect(tab.locator(".rail-more")).to_have_text("2 more")
        await expect(tab).to_have_title("(4) Desk · Callcenter")
    await wants(server, hide_min=2, badge=False)  # nobody touched the three: they go
    for tab in tabs:
        await expect(tab.locator(".call-rail")).to_have_count(0)
        await expect(tab).to_have_title("Desk · Callcenter")

    failure = {"code": "busy", "text": "The customer is on another call."}
    gone = call(state="ended", direction="outbound", result="busy", failure=failure)
    await server.push({"type": "call", "call": gone, "card": marta})
    await expect(loud.locator(".call .bar")).to_contain_text("on another call")
    await loud.keyboard.press("x")
    for tab in tabs:
        await expect(tab.locator(".call")).to_have_count(0)
    server.answers["/pop-settings"] = USUAL | {"sound": False, "badge": True}
    await other.get_by_role("button", name="Rings").click()
    assert (await server.request("PUT", "/pop-settings"))["sound"] is False
    await expect(other.get_by_role("button", name="Silent")).to_be_visible()


async def one_that_notes(tabs: list[Page]) -> tuple[Page, Page]:
    """The tab that shows the notification of the system, and the one that leaves it to that."""
    shown = [asyncio.create_task(tab.wait_for_selector("html[data-noted]")) for tab in tabs]
    await asyncio.wait(shown, return_when=asyncio.FIRST_COMPLETED)
    one, other = tabs if shown[0].done() else reversed(tabs)
    assert await other.locator("html[data-noted]").count() == 0
    for task in shown:
        task.cancel()
    await asyncio.gather(*shown, return_exceptions=True)
    return one, other


SPY = """<!doctype html><title>Stock</title><p>Stock of the other house</p><script>
const tried = [];
const attempt = (name, act) => {
  try { act(); tried.push(`${name}: reached`); } catch { tried.push(`${name}: refused`); }
};
attempt("page", () => parent.document.body);
attempt("storage", () => parent.localStorage.length);
tried.push(`origin: ${self.origin}`);
try { top.location = "/taken"; } catch { tried.push("top: refused"); }
tried.push(`referrer: ${document.referrer || "none"}`);
document.body.append(tried.join(", "));
</script>"""


GRABBER = """<!doctype html><title>Grabber</title><input id=taken><script>
const taken = document.getElementById("taken");
taken.addEventListener("input", () => { fetch("/heard?" + taken.value, { mode: "no-cors" }); });
setInterval(() => taken.focus(), %d);
</script>"""


ANSWERED_S = 3.0  # a key is, if it is at all


@pytest.mark.parametrize("every_ms", [400, 15])
async def test_a_panel_that_takes_the_keyboard_is_closed_before_it_hears_a_word(
    context: BrowserContext, server: DeskServer, every_ms: int
) -> None:
    other = server.address.replace("127.0.0.1", "localhost")
    heard: list[str] = []

    async def grab(route: Route) -> None:
        if "/heard" in route.request.url:
            heard.append(route.request.url)
        await route.fulfill(body=GRABBER % every_ms, content_type="text/html; charset=utf-8")

    await context.route(f"{other}/**", grab)
    usual = {"place": "beside", "line_ids": [], "automatic": True, "own_origin": False, "active": True}
    server.answers["/panels"] = [usual | {"id": 1, "name": "Grabber", "address": f"{other}/grabber"}]
    server.frames = [other]
    desk = await opened(context, server)
    await server.push({"type": "call", "call": call(), "card": card(customer=customer("Marta"))})
    search = desk.locator("input[type=search]:visible, #search:visible").first
    await search.focus()
    for letter in "zofia kowalska, mill street 4":
        # The browser may never say what became of a key that was on its way to a panel when it was closed.
        with suppress(TimeoutError):
            async with asyncio.timeout(ANSWERED_S):
                await desk.keyboard.press("Space" if letter == " " else letter)
        await desk.wait_for_timeout(60)
    await expect(desk.get_by_role("alert")).to_contain_text("took the keyboard while you typed")
    await expect(search).to_have_value(
        re.compile("mill street 4$")
    )  # once it is closed nothing is in the way
    assert len(heard) <= 3  # a letter that was pressed in the moment of a grab, until it is closed


async def test_whoever_points_into_a_panel_or_goes_there_with_tab_types_in_it(
    context: BrowserContext, server: DeskServer
) -> None:
    other = server.address.replace("127.0.0.1", "localhost")
    await context.route(
        f"{other}/**",
        lambda route: route.fulfill(
            body="<title>Notes</title><input aria-label=Note>", content_type="text/html"
        ),
    )
    usual = {"place": "beside", "line_ids": [], "automatic": True, "own_origin": False, "active": True}
    server.answers["/panels"] = [usual | {"id": 1, "name": "Notes", "address": f"{other}/notes"}]
    server.frames = [other]
    desk = await opened(context, server)
    await server.push({"type": "call", "call": call(), "card": card(customer=customer("Marta"))})
    note = desk.frame_locator("iframe[title=Notes]").get_by_label("Note")
    await expect(note).to_be_visible()
    await desk.wait_for_timeout(1100)
    for _ in range(4):
        await note.click()  # too early, as long as it loads; but nobody was at work in our page
    await expect(desk.get_by_role("alert")).to_have_count(0)
    await desk.wait_for_timeout(3200)  # it is loaded, and nobody is at work in our page
    await note.click()
    await desk.keyboard.type("by mouse")
    await expect(note).to_have_value("by mouse")
    before = desk.get_by_role("region", name="Panels").get_by_role("button", name="Notes")
    await before.focus()
    await desk.keyboard.press("Tab")
    await desk.keyboard.press("End")
    await desk.keyboard.type(" and by keys")
    await expect(note).to_have_value("by mouse and by keys")


async def test_a_page_of_another_system_stands_beside_the_card_and_reaches_nothing_of_ours(
    context: BrowserContext, server: DeskServer
) -> None:
    other = server.address.replace("127.0.0.1", "localhost")  # another host, as the browser sees it
    asked: list[str] = []

    async def spy(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=SPY, content_type="text/html; charset=utf-8")

    await context.route(f"{other}/stock**", spy)
    stock = {
        "id": 1,
        "name": "Stock",
        "address": f"{other}/stock?who={{name}}&tel={{phone}}&order={{order_id}}",
    }
    usual = {"place": "beside", "line_ids": [], "automatic": True, "own_origin": False, "active": True}
    theirs = usual | {"id": 2, "name": "Old programme", "address": f"{other}/stock/old", "automatic": False}
    new = usual | {"id": 3, "name": "Elsewhere", "address": "https://elsewhere.example/", "automatic": False}
    window = usual | {"id": 4, "name": "Map", "address": f"{other}/map?{{did}}", "place": "window"}
    far = usual | {"id": 5, "name": "Of another line", "address": f"{other}/far", "line_ids": [99]}
    server.answers["/panels"] = [usual | stock, theirs | {"own_origin": True}, new, window, far]
    server.frames = [other]
    desk = await opened(context, server)
    await server.push({"type": "call", "call": call(), "card": card(customer=customer("</a>&tel=1 #x"))})
    panels = desk.get_by_role("region", name="Panels")
    closed = panels.frame_locator("iframe[title=Stock]").locator("body")
    nothing = "page: refused, storage: refused, origin: null, top: refused, referrer: none"
    await expect(closed).to_contain_text(nothing)
    assert asked == [f"{other}/stock?who=%3C%2Fa%3E%26tel%3D1%20%23x&tel=%2B48601220114&order="]
    await panels.get_by_role("button", name="Old programme").click()
    await expect(panels.get_by_role("link", name="Open it in a window").last).to_have_attribute(
        "href", f"{other}/stock/old"
    )  # for a page that stays empty
    own = panels.frame_locator("iframe[title='Old programme']").locator("body")
    await expect(own).to_contain_text(nothing.replace("null", other))  # its own
    await panels.get_by_role("button", name="Elsewhere").click()
    await expect(panels.get_by_role("status")).to_contain_text("Load the page anew")  # not let in yet
    await expect(panels.get_by_role("link", name="Map")).to_have_attribute(
        "href", f"{other}/map?%2B48223071120"
    )
    await expect(panels).not_to_contain_text("Of another line")
    linked = card(customer=customer("Marta"), links=[{"kind": "order", "object_id": 11, "rule": "chosen"}])
    await server.push({"type": "call", "call": call(state="talking", answered_at=ago(1)), "card": linked})
    await panels.get_by_role("button", name="Load it with that").click()
    await expect(closed).to_contain_text(nothing)
    assert asked[-1] == f"{other}/stock?who=Marta&tel=%2B48601220114&order=11"
    server.answers["/panels"] = []
    await server.push({"type": "panels"})
    await expect(panels).to_have_count(0)
