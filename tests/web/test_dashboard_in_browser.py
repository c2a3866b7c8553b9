"""A dashboard as a supervisor uses it: made, put in another order by keys, and always of now."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from crm_core.alert import Alert
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.patience import PATIENCE_S
from tests.web import shop
from tests.web.test_pages_in_browser import signed_in
from tests.web.test_walks_in_browser import nothing_wrong

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


async def test_tiles_are_put_in_order_by_keys_and_tell_what_happens_meanwhile(
    browser, server, database, people
) -> None:
    await shop.furnish(database)
    await shop.add_call(database, talked=people["operator"])
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await signed_in(context, server, "supervisor")
    await page.goto(str(server.make_url("/dashboard")))
    await page.get_by_role("button", name="Make it").click()
    tiles, grid = page.locator(".tile"), page.locator("#tiles")
    await expect(tiles.first).to_contain_text("at work")
    await expect(page.locator(".tile-body[aria-busy]")).to_have_count(0)
    await page.get_by_role("button", name="Arrange").click()
    await nothing_wrong(page)
    handle = page.get_by_role("button", name="Move: Alerts")
    await handle.press("ArrowLeft")
    await expect(tiles.first).to_contain_text("Alerts")
    await expect(grid).to_have_attribute("data-version", "2")
    await page.reload()
    await expect(tiles.first).to_contain_text("not over yet")
    await page.get_by_role("button", name="Arrange").click()
    await expect(tiles.nth(1)).to_have_attribute("draggable", "true")
    name = await tiles.nth(1).locator("h2").inner_text()
    await tiles.nth(1).locator("h2").drag_to(tiles.first)  # by the pointer
    await expect(tiles.first).to_contain_text(name)
    await expect(grid).to_have_attribute("data-version", "3")
    await page.reload()
    await expect(tiles.first).to_contain_text(name)
    await expect(tiles.nth(1)).to_contain_text("not over yet")
    async with database.begin() as session:
        facts = {
            "key": "k",
            "kind": "waiting",
            "about": "queue",
            "of": "sales",
            "text": "Somebody <b>waits</b>",
        }
        session.add(Alert(**facts, raised_at=shop.NOON))
    await expect(tiles.nth(1)).to_contain_text("Somebody <b>waits</b>", timeout=1000 * PATIENCE_S)
    await context.close()
