"""The pages in a real browser: readable to everybody, on a desk and on a telephone, with script and without."""

import re
from collections.abc import AsyncIterator

import numpy
import pytest
import soundfile
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from crm_core.call_list import add_list
from crm_core.call_list_feed import feed
from crm_core.courier import give_to_courier
from crm_core.lead import lead_from_form
from crm_core.lead_form import create_form
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.web import flight, shop
from tests.web.conftest import PASSWORD

pytestmark = NEEDS_CHROMIUM
DOCTOR = ["/doctor", "/doctor/calls?since=2026-11-20T11:00Z", "/doctor/pieces"]
OVERFLOW = "document.getElementById('main').scrollWidth - document.getElementById('main').clientWidth"
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach(part => { part.open = true })"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
async def there(database, people, settings):
    """A furnished shop with a call of the operator's: on the order, recorded for twelve seconds."""
    furnished = await shop.furnish(database, name="Marta <b>Zielińska</b>")
    call = await shop.add_call(database, talked=people["operator"], customer_id=furnished.customer)
    await shop.add_sound(database, call, "one moment please")
    await flight.keep(database, call, flight.said_in("a"))
    noise = numpy.sin(numpy.arange(8000 * 12) / 3).astype("float32") / 3
    soundfile.write(settings.recordings_dir / f"{call}.wav", noise, 8000)
    furnished.call = call
    async with database.begin() as session:
        task = await give_to_courier(
            session,
            furnished.order,
            at=shop.NOON,
            user_id=None,
            performer_id=people["admin"],
            wishes="Ring twice",
        )
        furnished.task = task.id
        form = await create_form(
            session, name="Call me", shop_id=furnished.shop, fields=["Colour"], role="manager"
        )
        sent = {"name": "Nina", "phone": shop.NUMBER, "message": "A red kettle", "answers": {"Colour": "red"}}
        furnished.lead = (await lead_from_form(session, form, at=shop.NOON, **sent)).id
        given = {"page": "customers", "filters": {}, "at": shop.NOON, "user_id": None}
        made = await add_list(session, name="Marta <b>", text="Ask <b>kindly</b>", **given)
        await feed(session, made, shop.NOON)
        furnished.call_list = made.id
    furnished.brought = await shop.bring(database, settings, furnished.shop)
    return furnished


async def signed_in(context: BrowserContext, server, login: str) -> Page:
    page = await context.new_page()
    await page.goto(str(server.make_url("/login")))
    await page.fill("input[name=login]", login)
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await page.wait_for_url(str(server.make_url("/")))
    return page


@pytest.mark.parametrize(("colours", "width"), [("light", 1440), ("dark", 390)])
async def test_axe_finds_nothing_and_nothing_is_cut_off(browser, server, there, colours, width) -> None:
    size = {"width": width, "height": 900}
    context = await browser.new_context(viewport=size, color_scheme=colours, locale="en-GB")
    page = await signed_in(context, server, "admin")
    items = [
        f"/customers/{there.customer}",
        f"/orders/{there.order}",
        f"/deals/{there.deal}",
        "/deals/new",
        f"/products/{there.mug}",
        f"/calls/{there.call}",
        f"/calls/{there.call}/timeline?details=true",
        "/lines",
        f"/lines/{there.line}",
    ]
    wrong = []
    for address in [
        "/floor",
        "/floor/wall",
        "/customers",
        "/customers/duplicates",
        "/fields",
        "/segments",
        "/segments/new",
        "/for-me",
        "/orders",
        "/deals",
        "/deals/board",
        "/funnels",
        "/order-statuses",
        "/assignment",
        "/products",
        "/imports",
        "/imports/sources",
        f"/imports/{there.brought}",
        "/selling",
        "/callbacks",
        "/outcomes",
        "/unlinked",
        "/calibration",
        f"/callbacks/{there.callback}",
        f"/callbacks/new?customer_id={there.customer}",
        "/callbacks/calendar?by=day&day=2026-11-20",
        "/promises",
        "/calling",
        "/my-desk",
        "/panels",
        "/phrase-tags",
        "/listening",
        "/attendance",
        "/queue",
        "/tips",
        "/tips/new",
        "/scripts",
        "/scripts/new",
        "/call-lists",
        f"/call-lists/{there.call_list}",
        "/do-not-call",
        "/tasks?which=open",
        f"/tasks/{there.task}",
        f"/leads?open={there.lead}",
        "/lead-forms",
        "/courier",
        "/calls",
        "/calls/said?query=moment",
        "/figures?since=2026-11-20&until=2026-11-20&group=queues&by=queue",
        "/figures/one?since=2026-11-20&until=2026-11-20&figure=talk&whole=true",
        "/figures/talk?since=2026-11-20&until=2026-11-20",
        "/reports",
        "/reports/ready/conversion",
        "/reports/ready/sources",
        "/reports/costs",
        "/goals",
        "/reports/orders?since=2026-11-20&until=2026-11-20&whole=true",
        "/reports/show?by=hour&across=weekday&figures=inbound",
        "/users",
        "/roles",
        "/journal",
        "/status",
        "/rules?pbx=pbx&channel=PJSIP/1001&did=100",
        *items,
        *DOCTOR,
    ]:
        await page.goto(str(server.make_url(address)))
        # What the push server fills stays as it is here, where there is none.
        await expect(page.locator(".loading:not(#floor .loading)")).to_have_count(0)
        await page.evaluate(UNFOLD)
        found = (await Axe().run(page)).response["violations"]
        wrong += [(address, one["id"], one["nodes"][0]["html"][:120]) for one in found]
        if await page.evaluate(OVERFLOW) > 0:
            wrong.append((address, "overflow", ""))
    assert wrong == []


async def test_a_click_on_a_phrase_plays_the_recording_from_there(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(), server, "operator")
    await page.goto(str(server.make_url(f"/calls/{there.call}")))
    await page.get_by_role("button", name="one moment please").click()
    await expect(page.locator(".player .clock")).to_have_text("0:02")


async def test_an_order_is_changed_and_heard_without_script(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(java_script_enabled=False), server, "operator")
    await page.goto(str(server.make_url(f"/calls/{there.call}")))
    assert await page.locator("audio").get_attribute("src")
    await expect(page.locator(".said")).to_contain_text("one moment please")
    await page.goto(str(server.make_url(f"/orders/{there.order}")))
    await page.select_option("select[name=status]", "confirmed")
    await page.locator("form:has(select[name=status]) button").click()
    await expect(page.locator(".page-head .chip")).to_have_text("Confirmed")
    await expect(page.locator(".say.good")).to_have_text("Saved.")


async def test_a_deal_goes_over_the_board_by_keys_by_mouse_and_without_script(browser, server, there) -> None:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url("/deals/board")))
    card = page.locator(f"[data-deal='{there.deal}']")

    def column(stage: str) -> Locator:
        return page.locator(f"[data-stage={stage}] [data-deal='{there.deal}']")

    await expect(column("ordered")).to_have_count(1)
    await card.locator(".title").focus()
    await page.keyboard.press("Shift+ArrowLeft")
    await expect(column("offer")).to_have_count(1)
    await expect(card.locator(".title")).to_be_focused()
    await card.drag_to(page.locator("[data-stage=new]"))
    await expect(column("new")).to_have_count(1)
    await card.drag_to(page.locator("[data-stage=lost]"))
    await page.locator("#why select").select_option(label="No answer")
    await page.locator("#why button[value=yes]").click()
    await expect(column("lost")).to_contain_text("No answer")

    plain = await browser.new_context(java_script_enabled=False)
    page = await signed_in(plain, server, "operator")
    await page.goto(str(server.make_url("/deals/board")))
    card = page.locator(f"[data-deal='{there.deal}']")
    await card.locator("summary").click()
    await card.locator("select").select_option("new")
    await card.locator("form button").click()
    await expect(column("new")).to_have_count(1)


async def test_a_segment_of_groups_is_made_by_keys_and_counted_while_it_is(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "admin")
    await page.goto(str(server.make_url("/segments/new")))
    counted, keys = page.locator("[data-count]"), page.keyboard
    await page.get_by_label("Name", exact=True).focus()
    await keys.type("Not abroad")
    await page.get_by_label("Field of rule 1", exact=True).focus()
    await keys.type("vip")
    await keys.press("Tab")
    await keys.press("Tab")
    await keys.type("no")
    await expect(counted).to_have_text("1 customer now")
    await page.get_by_role("button", name="One more group in group").focus()
    await keys.press("Enter")
    await expect(page.get_by_label("Field of rule 2.1", exact=True)).to_be_focused()
    await expect(page.get_by_label("Value of rule 1", exact=True)).to_have_value("no")
    await keys.type("country")
    await keys.press("Tab")
    await keys.press("Tab")
    await keys.type("PL")
    await page.get_by_label("Who belongs to group 2", exact=True).select_option("none")
    await expect(counted).to_have_text("0 customers now")
    await page.get_by_role("button", name="Take away rule 2.1").focus()
    await keys.press("Enter")
    await expect(page.get_by_label("Who belongs to group 2", exact=True)).to_be_focused()
    await expect(counted).to_have_text("1 customer now")
    await page.get_by_label("Name", exact=True).focus()
    await keys.press("Enter")
    await page.wait_for_url("**/segments/*?done=created")


async def test_a_callback_is_moved_in_the_calendar_by_keys_and_by_the_mouse(browser, server, there) -> None:
    context = await browser.new_context(viewport={"width": 1440, "height": 1600}, locale="en-GB")
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url("/callbacks/calendar?by=week&day=2026-11-20")))
    card = page.locator(".cal-card .title")
    await expect(card).to_have_text("13:00 Marta <b>Zielińska</b>")
    await card.focus()
    async with page.expect_navigation():
        await page.keyboard.press("Shift+ArrowDown")
    await expect(card).to_have_text("14:00 Marta <b>Zielińska</b>")
    await expect(card).to_be_focused()
    async with page.expect_navigation():
        await page.locator(".cal-card").drag_to(page.locator('td[data-day="2026-11-21"][data-hour="10"]'))
    moved = page.locator('td[data-day="2026-11-21"][data-hour="10"] .cal-card .title')
    await expect(moved).to_have_text("10:00 Marta <b>Zielińska</b>")
    await context.close()


async def test_a_press_on_what_was_found_opens_the_call_at_that_second(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url("/calls/said")))
    await page.get_by_label("Words").fill("mom")
    await page.get_by_label("Words").press("Enter")
    await expect(page.locator(".hits mark")).to_have_text("moment")
    await page.locator(".hits a").click()
    await page.wait_for_url(re.compile(r"at=1\.5#sound"))
    player = page.get_by_role("group", name="Recording")
    await expect(player.locator("[aria-current]")).to_contain_text("one moment please")
    await expect(player.get_by_role("slider")).to_have_value("1.5")
    await player.get_by_role("button", name="Play", exact=True).click()
    await expect(player.locator(".clock")).to_have_text(re.compile(r"0:(0[2-9]|1[0-2])"))
