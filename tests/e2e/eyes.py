"""A browser with an operator in front of it: signs in, looks, keeps pictures, notices every fault."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from playwright.async_api import Browser, ConsoleMessage, Locator, Page, Response, expect

from crm_core.demo import PASSWORD
from tests.axe import violations
from tests.e2e.house import House
from tests.patience import PATIENCE_S

PICTURES = Path(__file__).parents[1] / "artefacts"
SETTLED = (  # at its end at once: a page that paints nothing would never come to it
    "document.getAnimations().filter((one) => one instanceof CSSTransition).forEach((one) => one.finish())"
)
SIZES = {"wide": (1440, 900), "narrow": (390, 844)}
WIDE = SIZES["wide"]


class Screen:
    """One operator's browser, showing one page."""

    def __init__(self, house: House, page: Page) -> None:
        self.house = house
        self.page = page
        self.faults: list[str] = []  # dialogs, script errors, what the content policy stopped
        self.heard: list[int] = []  # how requests for sound were answered
        page.on("dialog", lambda dialog: self.faults.append(f"dialog: {dialog.message}"))
        page.on("pageerror", lambda error: self.faults.append(f"script: {error}"))
        page.on("console", self._console)
        page.on("response", self._response)

    @classmethod
    @asynccontextmanager
    async def of(cls, browser: Browser, house: House, login: str) -> AsyncIterator["Screen"]:
        """A browser of its own, signed in and showing the desk; at the end there was no fault."""
        width, height = WIDE
        context = await browser.new_context(viewport={"width": width, "height": height}, locale="en-GB")
        context.set_default_timeout(PATIENCE_S * 1000)
        screen = cls(house, await context.new_page())
        try:
            await screen.open("/login")
            await screen.page.get_by_label("Login").fill(login)
            await screen.page.get_by_label("Password").fill(PASSWORD)
            await screen.page.get_by_role("button", name="Sign in").click()
            await expect(screen.page.locator(".idle, .call").first).to_be_visible()
            await expect(screen.page.locator(".stage .loading")).to_have_count(0)
            yield screen
            assert not screen.faults, "\n".join(screen.faults)
        finally:
            await context.close()

    def _console(self, said: ConsoleMessage) -> None:
        # What the network does is no fault of the page: some tests break it on purpose. A message without an
        # address comes from what the test itself put into the page (axe, the freezing of animations).
        broken = "Failed to load resource" in said.text or "WebSocket" in said.text
        if said.type == "error" and said.location["url"] and not broken:
            self.faults.append(f"console: {said.text}")

    def _response(self, response: Response) -> None:
        if "/audio?" in response.url:
            self.heard.append(response.status)

    async def open(self, path: str) -> None:
        """Show this page."""
        await self.page.goto(self.house.service.url(path))

    @property
    def call(self) -> Locator:
        """The card in the middle of the desk."""
        return self.page.locator("article.call")

    @property
    def bar(self) -> Locator:
        """State of the call, timer, buttons."""
        return self.call.locator(".bar")

    @property
    def note(self) -> Locator:
        return self.page.locator("#note")

    async def kept(self, text: str) -> None:
        """Write the note and wait until the server has it."""
        await self.note.fill(text)
        await expect(self.page.locator("#note-kept")).to_contain_text("Kept as you type ·")

    async def finish(self, outcome: str) -> None:
        """Choose the outcome and be done with the call."""
        await self.page.get_by_role("group", name="Outcome").get_by_role("button", name=outcome).click()
        await self.page.get_by_role("button", name="Finish").click()
        await expect(self.call).to_have_count(0)

    async def listen(self, place: Locator) -> None:
        """Press play on a recording; returns when a second of it has been heard."""
        await place.get_by_role("button", name="Play").click()
        await expect(place.locator(".clock").first).to_have_text("0:01")
        assert self.heard and self.heard[-1] == 206

    async def picture(self, name: str) -> None:
        """Keep what is shown in both colours and both widths, then go back to the usual one."""
        PICTURES.mkdir(exist_ok=True)
        for size, (width, height) in SIZES.items():
            await self.page.set_viewport_size({"width": width, "height": height})
            for colours in ("light", "dark"):
                await self.page.emulate_media(color_scheme=colours)
                file = PICTURES / f"{name}-{size}-{colours}.png"
                await self.page.screenshot(path=file, full_page=size == "narrow", animations="disabled")
        await self.page.emulate_media(color_scheme="light")
        await self.page.set_viewport_size({"width": WIDE[0], "height": WIDE[1]})

    async def accessible(self) -> None:
        """axe has nothing to say against what is shown, and nothing stands out of the screen."""
        await self.page.evaluate(SETTLED)  # a colour half-way to another is none of the design's
        assert await violations(self.page) == []
        assert not await self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
