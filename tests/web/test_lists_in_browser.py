"""Working in a list, in a real browser: rows ticked by keys, one opened beside it, and a colleague at work too."""

import asyncio
import socket
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
import pytest_asyncio
from playwright.async_api import Browser, expect

from crm_core import outbox
from crm_core.dial_lock import free, lock
from crm_core.lead_form import create_form
from crm_core.order import ItemWanted, create_order, set_status
from tests.axe import violations
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.web import shop
from tests.web.test_pages_in_browser import signed_in
from tests.web.test_push import Desks
from web.push import PushServer
from web.register import Register
from web.sessions import make_store

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
def settings(settings):
    """The pages know the port on which the push server listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return settings.model_copy(update={"push_port": free.getsockname()[1]})


@pytest_asyncio.fixture
async def pushing(services, database, people) -> AsyncIterator[Desks]:
    """What is announced in the database reaches the browsers, as in the running service."""
    register, desks = Register(database), Desks()
    push = PushServer(desks, make_store(services), services.metrics, register=register)
    async with push.listening("127.0.0.1", services.settings.push_port):
        parts = [
            asyncio.create_task(part)
            for part in (outbox.publish(database), outbox.listen(database, register.heard), register.run())
        ]
        yield desks
        for part in parts:
            part.cancel()
        await asyncio.gather(*parts, return_exceptions=True)


async def take_order(database, there: shop.Furnished) -> int:
    async with database.begin() as session:
        made = await create_order(
            session, customer_id=there.customer, shop_id=there.shop,
            items=[ItemWanted(product_id=there.mug, quantity=1)], user_id=None, at=shop.NOON,
        )  # fmt: skip
        return made.id


async def test_orders_are_worked_through_by_keys_while_a_colleague_changes_some(
    browser, server, database, pushing
) -> None:
    there = await shop.furnish(database)
    ids = [there.order, *[await take_order(database, there) for _ in range(3)]]
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url("/orders")))
    rows = page.locator("tr[data-row]")

    def status(order_id: int):
        return page.locator(f"tr[data-row='{order_id}'] td").nth(2)

    await expect(page.locator(".bulk-box.lifted")).to_have_count(1)  # the script is there
    for key in ("j", "x", "j", "j", "Shift+X"):
        await page.keyboard.press(key)
    await expect(page.locator("#bulk [data-count]")).to_have_text("3 chosen")
    assert await violations(page) == []
    async with database.begin() as session:
        await set_status(session, ids[2], "packed", user_id=None, at=shop.NOON)
    await expect(status(ids[2])).to_contain_text("Packed")  # a colleague was here; it was not reloaded
    await expect(page.locator("#bulk [data-count]")).to_have_text("3 chosen")
    await page.select_option("#bulk select[name=status]", "confirmed")
    await page.locator("#bulk button.main").click()
    await expect(page.locator("dialog")).to_contain_text("Change 3 rows?")
    await page.keyboard.press("Enter")
    await expect(page.locator(".toast")).to_contain_text("3 changed")
    await expect(status(ids[3])).to_contain_text("Confirmed")
    await page.locator(".toast").get_by_role("button", name="Undo").click()
    await expect(status(ids[2])).to_contain_text("Packed")
    await expect(status(ids[3])).to_contain_text("New")

    await page.locator(f"tr[data-row='{ids[1]}'] td.tight a").click()
    panel = page.locator(".beside")
    await expect(panel).to_be_focused()
    await expect(page).to_have_url(str(server.make_url(f"/orders?open={ids[1]}")))
    await panel.locator("textarea[name=comment]").fill("Ring twice")
    async with database.begin() as session:
        await set_status(session, ids[1], "delivered", user_id=None, at=shop.NOON)
    await expect(panel.locator(".meanwhile")).to_be_visible()  # what is typed stays
    await expect(panel.locator("textarea[name=comment]")).to_have_value("Ring twice")
    await panel.locator("form:has(textarea[name=comment]) button.main").click()
    await expect(panel.locator(".say.good")).to_have_text("Saved.")
    await expect(panel.locator("textarea[name=comment]")).to_have_value("Ring twice")
    await expect(panel.locator(".page-head")).to_contain_text("Delivered")
    await expect(status(ids[1])).to_contain_text("Delivered")
    assert await violations(page) == []
    await page.reload()
    await expect(panel.locator("textarea[name=comment]")).to_have_value("Ring twice")
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(page).to_have_url(str(server.make_url("/orders")))

    await take_order(database, there)
    await expect(page.locator("#came")).to_contain_text("1 new order")
    await expect(rows).to_have_count(4)
    await page.locator("#came").click()
    await expect(rows).to_have_count(5)


async def test_goods_are_added_beside_the_list_and_found_again_after_a_reload_and_a_colleagues_change(
    browser, server, database, pushing
) -> None:
    there = await shop.furnish(database)
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url("/orders")))
    await expect(page.locator(".bulk-box.lifted")).to_have_count(1)  # the script is there
    await page.locator(f"tr[data-row='{there.order}'] td").last.click()
    panel, colleague = page.locator(".beside"), await context.new_page()
    await colleague.goto(str(server.make_url(f"/orders/{there.order}")))
    tea = panel.get_by_label("Quantity of Tea set")
    await panel.get_by_label("Find a product").fill("tea")
    await expect(panel.get_by_role("option", name="Tea set")).to_be_visible()
    assert await violations(page) == []
    await page.keyboard.press("Enter")
    await expect(tea).to_have_value("1")
    await page.reload()
    await expect(tea).to_have_value("1")
    await expect(panel.get_by_text("What you typed is back. It is not saved yet.")).to_have_count(1)
    await page.route("**/orders/*", lambda route: route.abort())  # the server can not be reached
    await panel.get_by_role("button", name="Save items").click()
    await expect(page.locator(".toast")).to_have_count(1)
    await page.unroute("**/orders/*")
    await page.reload()
    await expect(tea).to_have_value("1")
    await panel.get_by_role("button", name="Save items").click()
    await expect(panel.locator(".say.good")).to_have_text("Saved.")

    await expect(colleague.get_by_label("Quantity of Tea set")).to_have_value("1")  # his page followed
    await colleague.get_by_label("Find a product").fill("mu")  # and is as able as before
    await expect(colleague.get_by_role("option", name="Blue mug")).to_be_visible()
    await context.close()


async def late(route) -> None:
    """What this route brings is there a second after everything else of the page."""
    await asyncio.sleep(1)
    await route.continue_()


async def test_what_changes_before_the_list_listens_is_shown(browser, server, database, pushing) -> None:
    there = await shop.furnish(database)
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.route("**/lists/live.js*", late)
    await page.goto(str(server.make_url("/orders")))
    status = page.locator(f"tr[data-row='{there.order}'] td").nth(2)
    before = await status.inner_text()
    async with database.begin() as session:
        await set_status(session, there.order, "confirmed", user_id=None, at=shop.NOON)
    await expect(status).not_to_have_text(before)


async def test_the_list_of_callbacks_says_who_is_called_by_a_colleague_at_this_moment(
    browser, server, database, services, people, pushing
) -> None:
    there, senior = await shop.furnish(database), people["senior"]
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.route("**/lists/live.js*", late)
    await page.goto(str(server.make_url("/callbacks")))
    row = page.locator(f"tr[data-row='{there.callback}']")
    number = await row.locator(".dial").get_attribute("data-number") or ""
    call = uuid4()
    async with database.begin() as session:
        await lock(
            session,
            number=number,
            customer_id=there.customer,
            call_id=call,
            user_id=senior,
            now=services.now(),
        )
    busy = {"id": str(call), "by": {"id": senior, "name": "Senior"}, "callback_ids": [there.callback]}
    pushing.tell_who_calls([busy])
    await expect(row).to_contain_text("Senior is calling now.")
    async with database.begin() as session:
        await free(session, call)
    pushing.tell_who_calls([])
    await expect(row).not_to_contain_text("is calling now")


async def test_a_list_that_could_not_be_read_when_something_changed_is_read_again(
    browser, server, database, pushing
) -> None:
    there = await shop.furnish(database)
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url("/orders")))
    status = page.locator(f"tr[data-row='{there.order}'] td").nth(2)
    before = await status.inner_text()
    refused: list[str] = []

    async def away(route) -> None:  # once not reached, once too busy
        refused.append(route.request.url)
        await (route.abort() if len(refused) == 1 else route.fulfill(status=503, body="Too busy."))

    await page.route("**/orders", away, times=2)
    async with database.begin() as session:
        await set_status(session, there.order, "confirmed", user_id=None, at=shop.NOON)
    await expect(status).not_to_have_text(before)
    assert len(refused) == 2


async def test_leads_of_a_web_form_are_sorted_checked_and_made_a_deal_without_leaving_the_list(
    browser, server, database, client, pushing
) -> None:
    """Scenario 3 of the reviews: the form is filled, junk goes out, goods of interest come in, a deal is made."""
    there = await shop.furnish(database)
    async with database.begin() as session:
        form = await create_form(
            session, name="Call me", shop_id=there.shop, fields=["Colour"], role="manager"
        )
    at = f"/api/v1/forms/{form.key}"
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "manager")
    await page.goto(str(server.make_url("/leads")))
    for name, message in (("Spam", "Cheap watches"), ("Spam again", "Cheap pills"), ("Nina", "A red kettle")):
        sent = {"name": name, "phone": "501 222 333", "message": message, "fields": {"Colour": "red"}}
        assert (await client.post(at, json=sent)).status == 202
    await page.locator("#came", has_text="3 new leads").click()  # told at once, without a reload
    rows = page.locator("tr[data-row]")
    await expect(rows).to_have_count(3)
    await page.get_by_label("Choose Spam", exact=True).check()
    await page.get_by_label("Choose Spam again").check()
    await page.select_option("#bulk select[name=state]", "junk")
    await page.locator("#bulk button.main").click()
    await page.locator("dialog").get_by_role("button", name="Change 2").click()
    await expect(page.locator("tr", has_text="Cheap pills")).to_contain_text("Thrown away")

    await page.locator("tr[data-row]", has_text="Nina").locator("a").first.click()
    panel = page.locator(".beside")
    await expect(panel).to_contain_text("Colour")
    await panel.locator("select[name=state]").select_option("processing")
    await panel.locator("select[name=responsible_id]").select_option(label="Senior")
    await panel.locator("form:has(select[name=state]) button").click()
    await expect(panel.locator(".say.good")).to_have_text("Saved.")
    await expect(panel.locator("select[name=responsible_id] option:checked")).to_have_text("Senior")
    await expect(page.locator("tr", has_text="Nina")).to_contain_text("Being worked on")
    await panel.get_by_role("combobox", name="Find a product").fill("MG-03")
    await page.keyboard.press("Enter")
    await expect(panel).to_contain_text("1 × Blue mug")
    await panel.get_by_role("button", name="Make customer and deal").click()
    await expect(page.locator("h1")).to_have_text("A red kettle")  # and on to the deal
    await expect(page.locator("#main")).to_contain_text("€8.90")


async def test_a_task_is_answered_beside_the_list_without_the_mouse(browser, server, client_of) -> None:
    manager = await client_of("manager")
    given = await manager.post("/api/v1/tasks", json={"title": "Ask about kettles", "role": "operator"})
    assert given.status == 201, await given.text()
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url("/tasks?which=group")))
    await expect(page.locator(".bulk-box.lifted")).to_have_count(1)  # the script is there
    await page.keyboard.press("j")
    await page.keyboard.press("Enter")
    answer = page.locator(".beside").get_by_label("Say something")
    await answer.fill("Twelve on Thursday")
    await answer.press("Enter")  # a new line
    await answer.press("Control+Enter")
    await expect(page.locator(".beside .timeline", has_text="Twelve on Thursday")).to_be_visible()
    await expect(answer).to_have_value("")
    await page.keyboard.press("Escape")
    await page.keyboard.press("?")
    await expect(page.locator("dialog")).to_contain_text("Send what is typed")
