"""Whatever dies while every form of the desk is half typed: what was typed is there afterwards, and is sent once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager

from playwright.async_api import Locator, Page, Route, WebSocketRoute, expect

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
        page = await browser.new_page(viewport={"width": 1440, "height": 1000}, locale="en-GB")
        await page.route_web_socket("**/push", port.pass_on)
        await page.goto(service.url("/login"))
        await page.get_by_label("Login").fill("anna")
        await page.get_by_label("Password").fill(PASSWORD)
        await page.get_by_role("button", name="Sign in").click()
        await expect(page.locator(".idle-head")).to_be_visible()
        yield page


async def through(page: Page, faults: list[Fault], forms: Typed) -> dict[str, str]:
    """In the middle of each word something dies; what stood in each form at the end."""
    written = {name: await form.input_value() for name, form in forms.items()}
    for name, die, come_back in faults:
        await die()
        for form, place in forms.items():
            written[form] += f" {name}"
            await place.fill(written[form])
        await come_back()
        await expect(page.locator(".banner")).to_have_count(0)
        for form, place in forms.items():
            await expect(place, f"{form} after: {name}").to_have_value(written[form])
        async with asyncio.timeout(PATIENCE_S):
            await page.evaluate(ALL_SENT)
    await page.reload()
    for form, place in forms.items():
        await expect(place, f"{form} after a reload").to_have_value(written[form])
    return written


async def with_a_lost_answer(page: Page, path: str, press: Callable[[], Awaitable[None]]) -> None:
    """The service does what is asked, and nobody hears of it: it is sent again by itself, and then answered."""

    async def lose(route: Route) -> None:
        await route.fetch()
        await route.abort()

    await page.route(path, lose, times=1)
    async with page.expect_response(path, timeout=PATIENCE_S * 1000) as answered:
        await press()
    assert (await answered.value).ok


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
        for form, text in ((name, "Vera"), (note, "heard"), (comment, "gate"), (line, "wants")):
            await form.fill(text)
        talking = {"customer": name, "note": note, "order": comment, "handover": line}
        written = await through(page, faults[:2], talking)  # the database is asked by the same drafts below
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
        over = {"note": note, "order": comment, "promise": promise, "callback": why}
        written |= await through(page, faults, over)
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
        (done,) = (await anna.ask("GET", "/calls"))["items"]
        assert (done["note"], bool(done["disposition"])) == (written["note"], True)
