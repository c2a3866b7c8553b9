"""The pages in a real browser: readable to everybody, on a desk and on a telephone, with script and without."""

import re
from collections.abc import AsyncIterator

import numpy
import pytest
import soundfile
from playwright.async_api import Browser, BrowserContext, Locator, Page, expect

from crm_core.call_list import add_list
from crm_core.call_list_feed import feed
from crm_core.courier import give_to_courier
from crm_core.lead import lead_from_form
from crm_core.lead_form import create_form
from crm_core.payment_link import Way, ask_payment
from crm_core.payment_terms import save_terms
from crm_core.review import give_review
from crm_core.review_calibration import ask_several
from crm_core.score import Kind, Mark
from crm_core.scorecard import Wanted, create_card
from crm_core.vote import invite
from tests.axe import violations
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
        questions = [Wanted(text="Was it <b>kind</b>?", kind=Kind.YES_NO, weight=10, critical=True)]
        card = await create_card(session, name="Sales <b>", questions=questions, user_id=None)
        mark = Mark(key=1, points=100, comment="Very", at_s=4.0)
        given = {"operator_id": people["operator"], "reviewer_id": people["admin"], "marks": [mark]}
        made = await give_review(
            session, call, edition_id=card.edition_id, comment="Well <i>done</i>", at=shop.NOON, **given
        )
        furnished.review = made.id
        judges = [people["supervisor"], people["manager"]]
        asked = {"operator_id": people["operator"], "edition_id": card.edition_id, "reviewers": judges}
        several = await ask_several(session, call, may=judges, user_id=people["admin"], at=shop.NOON, **asked)
        furnished.compared = several.id
        furnished.vote, _ = await invite(session, call, user_id=None, at=shop.NOON)
        furnished.card = card.id
        page = {"page_url": "https://pay.example/{order}", "payee": "Kettle <b>", "account": "PL61 1090"}
        await save_terms(session, furnished.shop, version=0, changes=page)
        asked = await ask_payment(session, furnished.order, way=Way.OTHER, user_id=None, at=shop.NOON)
        furnished.pay = asked.word
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
        "/orders/new",
        f"/orders/new?customer_id={there.customer}",
        f"/products/{there.mug}",
        f"/calls/{there.call}",
        f"/calls/{there.call}/timeline?details=true",
        f"/calls/{there.call}/review",
        f"/reviews/{there.review}",
        f"/review-calibrations/{there.compared}",
        f"/scorecards/{there.card}",
        "/lines",
        "/shops",
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
        "/payment-terms",
        f"/pay/{there.pay}",
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
        "/script-trials",
        "/figures/moments",
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
        "/calls/talked",
        "/figures?since=2026-11-20&until=2026-11-20&group=queues&by=queue",
        "/figures/one?since=2026-11-20&until=2026-11-20&figure=talk&whole=true",
        "/figures/talk?since=2026-11-20&until=2026-11-20",
        "/reports",
        "/dashboard?new",
        "/reports/missed",
        "/reports/goods?since=2026-11-20&until=2026-11-20",
        "/reports/steps?since=2026-11-20&until=2026-11-20",
        "/reports/funnel?since=2026-11-20&until=2026-11-20",
        "/reports/ready/conversion",
        "/reports/ready/sources",
        "/reports/costs",
        "/goals",
        "/reviews",
        "/review-tasks?whose=all",
        "/review-rules",
        "/votes",
        f"/vote/{there.vote}",
        "/scorecards",
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
        wrong += [(address, rule, nodes[0][:120]) for rule, nodes in await violations(page)]
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


async def test_what_is_half_typed_outlives_a_reload_another_form_and_a_lost_connection(
    browser, server, there
) -> None:
    context = await browser.new_context(locale="en-GB")
    page = await signed_in(context, server, "operator")
    address = str(server.make_url(f"/orders/{there.order}"))
    await page.goto(address)
    comment, street = page.get_by_label("Our comment"), page.get_by_label("Address")
    state, delivery = page.locator("form:has([value=state])"), page.locator("form:has([value=delivery])")
    told = page.get_by_text("What you typed is back. It is not saved yet.")
    await comment.fill("ring twice")
    await page.locator("summary").filter(has_text="Change").click()
    await street.fill("Long street 5")
    await page.reload()
    await expect(comment).to_have_value("ring twice")
    await expect(street).to_have_value("Long street 5")
    await expect(told).to_have_count(2)

    await state.get_by_role("button", name="Save").click()
    await expect(page.locator(".say.good")).to_have_text("Saved.")
    await expect(street).to_have_value("Long street 5")
    await expect(told).to_have_count(1)

    await context.route("**/orders/*", lambda route: route.abort())  # the server can not be reached
    await delivery.get_by_role("button", name="Save").click()
    await page.wait_for_url("chrome-error://**")
    await context.unroute("**/orders/*")
    await page.go_back()
    await expect(street).to_have_value("Long street 5")

    colleague = await context.new_page()
    await colleague.goto(address)
    await colleague.locator("summary").filter(has_text="Change").click()
    await colleague.get_by_label("Address").fill("Short street 1")
    await colleague.locator("form:has([value=delivery])").get_by_role("button", name="Save").click()
    await expect(colleague.locator(".say.good")).to_have_text("Saved.")
    await page.reload()
    await expect(street).to_have_value("Short street 1")
    await expect(told).to_have_count(0)
    await expect(
        page.get_by_text("is not put back, because the page is another now: Long street 5")
    ).to_be_visible()


async def test_what_was_added_to_an_order_and_not_saved_yet_outlives_a_reload(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url(f"/orders/{there.order}")))
    mugs = page.get_by_label("Quantity of Blue mug")
    had = int(await mugs.input_value())
    tea, price = page.get_by_label("Quantity of Tea set"), page.get_by_label("Price of Tea set")
    for what, product in (("2*mu", "Blue mug"), ("tea", "Tea set")):
        await page.get_by_label("Find a product").fill(what)
        await expect(page.get_by_role("option", name=product)).to_be_visible()
        await page.keyboard.press("Enter")
    await price.fill("34")
    for _ in range(2):
        await page.reload()
        await expect(mugs).to_have_value(str(had + 2))
        await expect(tea).to_have_value("1")
        await expect(price).to_have_value("34")
        await expect(page.get_by_text("What you typed is back. It is not saved yet.")).to_have_count(1)
    await page.get_by_role("button", name="Save items").click()
    await expect(page.locator(".say.good")).to_have_text("Saved.")
    await expect(tea).to_have_count(1)
    await page.reload()
    await expect(price).to_have_value("34.00")
    await expect(page.get_by_text("What you typed is back.")).to_have_count(0)


async def test_an_order_is_begun_from_the_list_for_somebody_new_and_a_refusal_costs_nothing(
    browser, server, there
) -> None:
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url("/orders")))
    await page.get_by_role("link", name="New order").click()
    name = page.get_by_label("Customer: name, number or e-mail")
    await expect(name).to_be_focused()
    await page.keyboard.type("Nina Nowak")
    await page.get_by_label("Telephone").fill("601 222 333")
    await expect(page.get_by_text("Kept as you type ·")).to_be_visible()
    await page.reload()
    await expect(page.get_by_label("Telephone")).to_have_value("601 222 333")
    await page.keyboard.press("Control+Enter")

    await expect(page.get_by_role("heading", name="Nina Nowak")).to_be_visible()
    mugs, order = page.get_by_label("Quantity of Blue mug"), page.locator(".order")
    await expect(page.get_by_label("Find a product")).to_be_focused()
    for what, product in (("2*mu", "Blue mug"), ("tea", "Tea set"), ("mu", "Blue mug")):
        await page.keyboard.press("F2")
        await page.keyboard.type(what)
        await expect(page.get_by_role("option", name=product)).to_be_visible()
        assert await violations(page) == []
        await page.keyboard.press("Enter")
    await expect(mugs).to_have_value("3")
    await expect(order).to_contain_text("Kept as you type ·")
    await page.reload()
    await expect(mugs).to_have_value("3")
    await page.get_by_label("Remove Tea set").click()

    await mugs.fill("99")
    await page.keyboard.press("Control+Enter")
    await expect(order.get_by_role("alert")).to_be_visible()
    await expect(mugs).to_have_value("99")
    await mugs.fill("2")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".say.good")).to_have_text("The order is placed.")
    await expect(page.get_by_label("Quantity of Blue mug")).to_have_value("2")

    await page.get_by_role("link", name="Nina Nowak").first.click()
    await page.get_by_role("link", name="New order").click()
    await expect(
        page.get_by_label("Find a product")
    ).to_be_visible()  # the placed one has used up what was typed
    await expect(mugs).to_have_count(0)
    await page.goto(str(server.make_url("/orders/new")))
    await expect(name).to_have_value("")
    await name.fill("601 222")
    await page.get_by_role("option", name="Nina Nowak").click()
    await expect(page.get_by_role("heading", name="Nina Nowak")).to_be_visible()
    await page.goto(str(server.make_url("/orders/new")))
    await name.fill("Somebody else")
    await page.get_by_label("Telephone").fill("+48 601-222-333")  # written down already, under another name
    await page.get_by_role("button", name="Nina Nowak").click()
    await expect(page.get_by_role("heading", name="Nina Nowak")).to_be_visible()


async def test_who_may_call_anyway_is_told_at_the_telephone_why_not_and_an_operator_only_why_not(
    browser, server, there, live
) -> None:
    live.refused = "Not to be called: <b>asked</b> by letter"
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url(f"/customers/{there.customer}")))
    await page.locator("#main .dial").first.click()
    await expect(page.locator("#toasts")).to_contain_text(live.refused)
    await expect(page.get_by_role("menu")).to_have_count(0)
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "supervisor")
    await page.goto(str(server.make_url(f"/customers/{there.customer}")))
    await page.locator("#main .dial").first.click()
    await expect(page.get_by_role("menu", name=live.refused)).to_have_text("1Call anyway")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    assert not live.calls
    await page.locator("#main .dial").first.click()
    await page.keyboard.press("1")
    await expect(page.locator("#toasts")).to_contain_text("Your phone rings first.")
    assert [call["to"] for call in live.calls.values()] == [shop.NUMBER]


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
    await expect(card.locator(".title")).to_be_focused()  # the page that came is alive
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


async def test_a_mark_of_a_review_is_taken_from_the_recording_and_plays_it(browser, server, there) -> None:
    page = await signed_in(await browser.new_context(locale="en-GB"), server, "supervisor")
    await page.goto(str(server.make_url(f"/calls/{there.call}/review")))
    await page.get_by_role("button", name="one moment please").click()
    await expect(page.locator(".player .clock")).to_have_text("0:02")
    await page.get_by_role("button", name="Pause", exact=True).click()
    await expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()
    stands = await page.locator(".player .clock").text_content()
    await page.get_by_role("button", name="Mark the place that is heard now").click()
    await expect(page.get_by_label("Place in the recording: Was it")).to_have_value(stands or "")
    await page.get_by_label("Comment on").fill("He said so")
    await page.get_by_role("radio", name="yes").check(force=True)
    await page.get_by_role("button", name="Keep the review").click()
    await page.wait_for_url("**/reviews/*")
    await expect(page.locator(".player .clock")).to_have_text("0:00")
    await page.locator(".judged .play-at").click()
    await expect(page.locator(".player .clock")).not_to_have_text("0:00")
    assert "?at=" not in page.url
