"""Whatever dies while every form of the desk is half typed: what was typed is there afterwards, and is sent once."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from fnmatch import fnmatch

from playwright.async_api import Locator, Page, Response, Route, WebSocketRoute, expect

from asterisk.fake.people import Caller
from asterisk.fake.switchboard import Switchboard
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.patience import PATIENCE_S
from tests.service.conftest import PASSWORD, Service
from tests.service.test_phone_order import DIRECT, Hands, selling

__all__ = ["selling"]
pytestmark = NEEDS_CHROMIUM
# Nothing waits in the browser any more.
ALL_SENT = """async () => {
  while (Object.keys(localStorage).some((key) => key.startsWith("keep:"))) await new Promise(requestAnimationFrame);
}"""
STRANGER = "+48605700800"
Fault = tuple[str, Callable[[], Awaitable[None]], Callable[[], Awaitable[None]]]
Typed = Mapping[str, Locator]


class PushPort:
    """The way to the push server, as far as this page can go it."""

    def __init__(self) -> None:
        self.open, self.sockets = True, set[WebSocketRoute]()

    async def pass_on(self, socket: WebSocketRoute) -> None:
        if self.open:
            socket.connect_to_server()
            self.sockets.add(socket)
        else:
            await socket.close()

    async def shut(self) -> None:
        self.open = False
        for socket in self.sockets:
            await socket.close()
        self.sockets.clear()

    async def mend(self) -> None:
        self.open = True


@asynccontextmanager
async def annas_desk(service: Service, port: PushPort) -> AsyncIterator[Page]:
    async with launched() as browser:
        context = await browser.new_context(viewport={"width": 1440, "height": 1000}, locale="en-GB")
        await context.route_web_socket("**/push", port.pass_on)
        page = await context.new_page()
        await page.goto(service.url("/login"))
        await page.get_by_label("Login").fill("anna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator(".idle-head")).to_be_visible()
        yield page


async def window(page: Page, service: Service, path: str) -> Page:
    """Another tab with a form of a page."""
    tab = await page.context.new_page()
    await tab.goto(service.url(path))
    return tab


async def through(page: Page, faults: list[Fault], forms: Typed) -> dict[str, str]:
    """In the middle of each word something dies; what stood in each form at the end."""
    pages = {place.page for place in forms.values()}
    written = {name: await form.input_value() for name, form in forms.items()}
    for name, die, come_back in faults:
        await die()
        for form, place in forms.items():
            written[form] += f" {name}"
            await place.fill(written[form])
        await come_back()
        await expect(page.locator(".banner")).to_have_text([])  # a failure tells what it says
        for form, place in forms.items():
            await expect(place, f"{form} after: {name}").to_have_value(written[form])
        async with asyncio.timeout(PATIENCE_S):
            await page.evaluate(ALL_SENT)
    for one in pages:
        await one.reload()
    for form, place in forms.items():
        await expect(place, f"{form} after a reload").to_have_value(written[form])
    return written


async def lost(route: Route) -> None:
    """It arrives, and the answer does not."""
    await route.fetch(max_redirects=0)
    await route.abort()


async def with_a_lost_answer(page: Page, path: str, press: Callable[[], Awaitable[None]]) -> None:
    """The service does what is asked, and nobody hears of it: it is sent again by itself until it is answered."""

    def done(answer: Response) -> bool:
        return answer.ok and fnmatch(answer.url, path)  # a busy service may first say "later"

    await page.route(path, lost, times=1)
    async with page.expect_response(done, timeout=PATIENCE_S * 1000):
        await press()


async def test_whatever_dies_while_every_form_is_half_typed_all_of_it_is_there_and_is_sent_once(
    selling: Service, board: Switchboard
) -> None:
    port = PushPort()

    async def nothing() -> None: ...

    async def dead() -> None:
        selling.kill()
        await expect(page.locator(".banner")).to_contain_text("No connection")

    async def deaf() -> None:
        await port.shut()
        await expect(page.locator(".banner")).to_contain_text("No connection")

    async def without_database() -> None:
        selling.kill_database()

    faults: list[Fault] = [
        ("service", dead, selling.start),
        ("push", deaf, port.mend),
        ("database", without_database, nothing),
    ]
    async with annas_desk(selling, port) as page:
        hands = Hands(page)
        deals = await window(page, selling, "/deals/new")
        callbacks = await window(page, selling, "/callbacks/new?number=%2B48605700801")
        call = board.place_call(STRANGER, "", DIRECT, caller=Caller(talk_s=3600))
        name = page.locator(".new-person input").first
        await expect(name).to_be_visible()
        await board.answer("1001")
        await expect(page.locator(".call .bar")).to_contain_text("Talking")
        await hands.press("o")
        await hands.pick("red k", "Red kettle")
        note, comment = page.locator("#note"), page.get_by_label("Comment")
        await page.get_by_role("button", name="Transfer", exact=True).click()
        line = page.get_by_label("A line for whoever gets it")
        deal, whose = deals.get_by_label("Comment"), deals.locator(".person-name")
        plan = callbacks.get_by_label("Note")
        await expect(callbacks.get_by_label("Reason")).to_be_visible()
        await callbacks.get_by_label("Reason").fill("Warranty")
        talking = {
            "customer": name, "note": note, "order": comment, "handover": line,
            "deal": deal, "whose deal": whose, "callback page": plan,
        }  # fmt: skip
        words = ("Vera", "heard", "gate", "wants", "window", "Ines", "plan")
        for form, text in zip(talking.values(), words, strict=True):
            await form.fill(text)
        written = await through(page, faults, talking)
        await deals.get_by_label("Title").fill("Kitchen")
        save = deals.get_by_role("button", name="Save the deal")
        await with_a_lost_answer(deals, "**/api/v1/customers", save.click)
        await deals.wait_for_url(re.compile(r"/deals/\d+$"))
        await deals.go_back()
        await expect(deals.get_by_label("Comment")).to_have_value("")  # used up
        await deals.close()
        send = callbacks.get_by_role("button", name="Plan callback")
        await callbacks.route("**/callbacks", lost, times=1)
        await send.click()
        await callbacks.wait_for_url("**/callbacks/*?done=planned")
        change = callbacks.get_by_label("Note")
        await expect(change).to_have_value(written["callback page"])
        await change.fill("changed")
        await page.get_by_role("combobox", name="To whom?").press("Escape")
        save = page.get_by_role("button", name="Save the customer")
        await with_a_lost_answer(page, "**/calls/*/customer", save.click)
        await expect(page.locator(".call h1")).to_have_text(written["customer"])

        await page.get_by_role("button", name="Promise something").click()
        promise = page.get_by_label("What was promised")
        await promise.fill("sent")
        call.hang_up()
        await page.locator(".outcome").filter(has_text="Other").click()
        await page.get_by_role("button", name="Call back").click()
        why = page.locator(".why-next")
        await why.fill("ask")
        over = {
            "note": note, "order": comment, "promise": promise, "callback": why, "callback changed": change,
        }  # fmt: skip
        written |= await through(page, faults, over)
        await callbacks.route("**/change", lost, times=1)
        await callbacks.get_by_role("button", name="Save").click()
        await callbacks.wait_for_url("**/callbacks/*?done=saved")
        await callbacks.close()
        await expect(page.locator(".outcome[aria-pressed=true]")).to_contain_text("Other")

        await expect(page.get_by_role("button", name="Place the order")).to_be_enabled()
        order = lambda: hands.press("Control+Enter")  # noqa: E731
        await with_a_lost_answer(page, "**/api/v1/orders", order)
        await expect(page.locator(".basket")).to_have_count(0)
        for form in ("promise", "callback"):  # an order that is placed takes nothing else along
            await expect(over[form]).to_have_value(written[form])
        keep = lambda: promise.press("Enter")  # noqa: E731
        await with_a_lost_answer(page, "**/api/v1/promises", keep)
        await expect(page.locator(".promises")).to_contain_text(written["promise"])
        finish = page.get_by_role("button", name="Finish")
        await with_a_lost_answer(page, "**/calls/*/wrap-up", finish.click)
        await expect(page.locator(".idle-head")).to_be_visible()

    async with selling.signed_in("anna") as anna:
        people = (await anna.ask("GET", "/customers?query=Vera"))["items"]
        assert [it["name"] for it in people] == [written["customer"]]
        of = f"customer_id={people[0]['id']}"
        orders = (await anna.ask("GET", f"/orders?{of}"))["items"]
        assert len(orders) == 1
        made = await anna.ask("GET", f"/orders/{orders[0]['id']}")
        assert (made["comment"], [it["quantity"] for it in made["items"]]) == (written["order"], [1])
        promises = (await anna.ask("GET", "/promises"))["items"]
        assert [it["text"] for it in promises] == [written["promise"]]
        callbacks = (await anna.ask("GET", f"/callbacks?{of}"))["items"]
        assert [it["reason"] for it in callbacks] == [written["callback"]]
        (made,) = (await anna.ask("GET", "/deals"))["items"]
        assert (made["title"], made["comment"]) == ("Kitchen", written["deal"])
        assert made["customer_name"] == written["whose deal"]
        others = [it for it in (await anna.ask("GET", "/callbacks"))["items"] if it["reason"] == "Warranty"]
        assert [(it["note"], it["version"]) for it in others] == [(written["callback changed"], 2)]
        assert len((await anna.ask("GET", "/customers?query=Ines"))["items"]) == 1
        (done,) = (await anna.ask("GET", "/calls"))["items"]
        assert (done["note"], bool(done["disposition"])) == (written["note"], True)
