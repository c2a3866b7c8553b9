"""Whatever dies in mid-call: afterwards the call is there once, closed, with what the operator had typed."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from playwright.async_api import Browser, expect

from crm_core.demo import PASSWORD
from tests.e2e.eyes import Screen
from tests.e2e.house import House, calls_of, closed_once
from tests.e2e.shop import ANNA, MARTA
from tests.patience import PATIENCE_S
from tests.pbx.phone import Call
from tests.service.conftest import Desk

NOTE = "Two blue mugs, the courier rings twice"
DISCONNECTED = "ended while disconnected"


@dataclass
class Talk:
    """Marta talks with Anna."""

    house: House
    screen: Screen
    customer: Call
    hers: Call
    before: int  # so many calls Marta had made earlier

    async def customer_leaves(self) -> None:
        """Marta hangs up, and Anna's phone knows it."""
        self.customer.hang_up()
        await asyncio.wait_for(self.hers.ended.wait(), PATIENCE_S)

    async def is_closed(self, reason: str | None = None, *, recorded: bool = True) -> None:
        """Anna finishes the call; the row says what happened and what she typed, once."""
        await expect(self.screen.bar).to_contain_text("Wrap-up")
        await expect(self.screen.note).to_have_value(NOTE)
        await self.screen.finish("Question about an order")
        marta = self.house.shop.customer
        expected = {"result": "answered", "note": NOTE, "disposition": "order_question"}
        call = await closed_once(self.house, marta, before=self.before, **expected)
        async with self.house.service.signed_in(ANNA, PASSWORD) as anna:
            row = await anna.ask("GET", f"/calls/{call['id']}")
            assert row["ended_reason"] == reason
            if recorded:
                await _is_recorded(anna, call["id"])


async def _is_recorded(desk: Desk, call: str) -> None:
    """What was recorded until then can be heard."""
    async with asyncio.timeout(
        3 * PATIENCE_S
    ):  # the job of a worker that died is another's when its heartbeat is late
        while True:
            recordings = await desk.ask("GET", f"/calls/{call}/recordings")
            if recordings and all(each["state"] == "ready" for each in recordings):
                return
            await asyncio.sleep(0.2)


@asynccontextmanager
async def talking(house: House, browser: Browser) -> AsyncIterator[Talk]:
    """A call in the middle."""
    async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
        before = len(await calls_of(house, house.shop.customer))
        customer = await shift.customer_calls(MARTA)
        hers = await shift.rings("1001")
        await expect(anna.bar).to_contain_text("Ringing")
        await hers.answer()
        await expect(anna.bar).to_contain_text("Talking")
        await _is_written(house)
        yield Talk(house, anna, customer, hers, before)


async def _is_written(house: House) -> None:
    """The answer is in the row, which is written beside the pop: what dies then dies in the middle of the call."""
    async with asyncio.timeout(PATIENCE_S):
        while not (calls := await calls_of(house, house.shop.customer)) or calls[0]["state"] != "talking":
            await asyncio.sleep(0.05)


async def test_the_link_is_cut_and_mended_while_they_talk(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        house.wire.cut()
        await expect(talk.screen.page.locator("#state")).to_contain_text("No switchboard")
        await expect(talk.screen.bar).to_contain_text("Talking")
        await talk.screen.kept(NOTE)
        house.wire.mend()
        await expect(talk.screen.page.locator("#state")).not_to_contain_text("No switchboard")
        await expect(talk.screen.bar).to_contain_text("Talking")
        await talk.customer_leaves()
        await talk.is_closed()


async def test_the_customer_leaves_while_the_link_is_cut(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        house.wire.cut()
        await talk.screen.note.fill(NOTE)
        await talk.customer_leaves()
        house.wire.mend()
        await talk.is_closed(DISCONNECTED)


async def test_asterisk_is_killed(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        house.pbx.kill()
        await talk.screen.note.fill(NOTE)
        await asyncio.to_thread(house.pbx.start)
        # What a killed Asterisk left behind is taken a minute later, when it is sure that nobody writes to it.
        await talk.is_closed(DISCONNECTED, recorded=False)


async def test_asterisk_is_restarted(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        await talk.screen.note.fill(NOTE)
        await asyncio.to_thread(house.pbx.restart)
        await talk.is_closed()
        await house.attached()


async def test_the_service_is_killed_while_she_types(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        await talk.screen.note.fill(NOTE)
        house.service.kill()
        await expect(talk.screen.page.locator(".banner")).to_contain_text("No connection")
        await house.start()
        await expect(talk.screen.page.locator(".banner")).to_have_count(0)
        await expect(talk.screen.bar).to_contain_text("Talking")
        await talk.customer_leaves()
        await talk.is_closed()


async def test_the_customer_leaves_while_the_service_is_dead(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        house.service.kill()
        await talk.screen.note.fill(NOTE)
        await talk.customer_leaves()
        await house.start()
        await talk.is_closed(DISCONNECTED)


async def test_the_browser_is_reloaded_while_she_types(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        await talk.screen.note.fill(NOTE)
        await talk.screen.page.reload()
        await expect(talk.screen.bar).to_contain_text("Talking")
        await expect(talk.screen.note).to_have_value(NOTE)
        await talk.customer_leaves()
        await talk.is_closed()


async def test_the_database_is_killed(house: House, browser: Browser) -> None:
    async with talking(house, browser) as talk:
        house.kill_database()
        await talk.screen.note.fill(NOTE)
        await expect(talk.screen.bar).to_contain_text("Talking")
        await talk.customer_leaves()
        await expect(talk.screen.page.locator("#note-kept")).to_contain_text("Kept as you type ·")
        await talk.is_closed()
