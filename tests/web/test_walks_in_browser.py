"""The first two walks of the reviews as a person goes them, in a real browser: an order of the shop until its deal is
won, and a deal begun in a call, without the store and with it."""

import re
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from playwright.async_api import Browser, Page, expect
from sqlalchemy import select

from crm_core.deal import create_deal
from crm_core.order import ItemWanted, Order, create_order
from crm_core.payment_came import payment_arrived
from crm_core.payment_terms import save_terms
from tests.axe import violations
from tests.chromium import NEEDS_CHROMIUM, launched
from tests.web import shop
from tests.web.conftest import PASSWORD
from tests.web.test_pages_in_browser import signed_in

pytestmark = NEEDS_CHROMIUM


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


async def nothing_wrong(page: Page) -> None:
    assert await violations(page) == []


async def test_an_order_of_the_shop_goes_from_the_bell_to_a_deal_that_is_won(
    browser, server, database, people
) -> None:
    """Walk 1: told, looked at, called back later, changed, brought by a courier, closed by his mark."""
    there = await shop.furnish(database)
    async with database.begin() as session:
        deal = await create_deal(
            session, title="Tea for six", customer_id=there.customer, currency="EUR", at=shop.NOON,
            responsible_id=people["operator"],
        )  # fmt: skip
        goods = [
            ItemWanted(product_id=there.mug, quantity=2), ItemWanted(product_id=there.tea, quantity=1),
        ]  # fmt: skip
        order = await create_order(
            session, customer_id=there.customer, shop_id=there.shop, user_id=None, at=shop.NOON,
            items=goods, deal_id=deal.id, manager_id=people["operator"], customer_comment="Please ring first",
        )  # fmt: skip
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url("/for-me")))
    await page.get_by_role("link", name=order.number).click()
    main = page.locator("#main")
    await expect(main).to_contain_text("Please ring first")
    await expect(main).to_contain_text("€53.80")

    await page.goto(str(server.make_url(f"/callbacks/new?customer_id={there.customer}")))
    await page.get_by_label("Reason").fill("No answer, confirm the order")
    await page.get_by_role("button", name="Plan callback").click()
    await expect(main).to_contain_text("No answer, confirm the order")

    await page.goto(str(server.make_url(f"/orders/{order.id}")))
    await page.get_by_label("Quantity of Tea set").fill("0")  # refused in the second call
    await page.get_by_label("Find a product").fill("2*mu")
    await expect(page.get_by_role("option", name="Blue mug")).to_be_visible()
    await nothing_wrong(page)
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Quantity of Blue mug")).to_have_value("4")  # the line that was there
    await page.get_by_label("Quantity of Blue mug").fill("2")
    await page.get_by_label("Discount on the order").fill("some")
    await page.get_by_role("button", name="Save items").click()
    await expect(page.locator("#wrong-discount")).to_contain_text("Write a discount as 10 %")
    await expect(page.get_by_label("Quantity of Tea set")).to_have_value("0")  # as it was typed
    await page.get_by_label("Discount on the order").fill("10 %")
    await expect(page.get_by_label("Total")).to_have_text("€16.02")  # at once, by the server's quote
    await expect(page.locator(".sum-lines")).to_contain_text("Not saved yet.")
    await page.get_by_role("button", name="Save items").click()
    await expect(page.locator(".say.good")).to_have_text("Saved.")
    await expect(page.locator(".sum-lines")).to_contain_text("€16.02")
    await page.locator("summary", has_text="Give to courier").click()
    errand = page.locator(f"form[action='/orders/{order.id}/courier']")
    await errand.locator("select[name=performer_id]").select_option(label="Courier")
    await page.get_by_label("Wishes for the courier").fill("After six")
    await page.get_by_role("button", name="Give to courier").click()
    await expect(page.locator("#tasks")).to_contain_text("Courier")
    await context.close()

    phone = await browser.new_context(viewport={"width": 390, "height": 844}, locale="en-GB")
    page = await phone.new_page()
    await page.goto(str(server.make_url("/login")))
    await page.fill("input[name=login]", "courier")
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await expect(page.locator(".delivery")).to_contain_text("After six")
    await page.get_by_role("button", name=re.compile("^Delivered")).click()
    await expect(page.locator(".delivery")).to_have_count(0)
    await phone.close()

    page = await signed_in(await browser.new_context(locale="en-GB"), server, "operator")
    await page.goto(str(server.make_url(f"/deals/{deal.id}")))
    await expect(page.locator(".page-head")).to_contain_text("Won")
    await expect(page.locator(".page-head")).to_contain_text("€16.02")


async def test_a_deal_is_begun_in_a_call_with_goods_and_somebody_new_and_gets_its_order_in_the_store(
    browser, server, database, people
) -> None:
    """Walk 2 (a) and (b), in one window: goods by first letters, a price agreed, the person written down on the way;
    he gets a payment link, and pays."""
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], remote_e164="+48501222333")
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = await signed_in(context, server, "operator")
    await page.goto(str(server.make_url(f"/calls/{call}")))
    await page.get_by_role("link", name="New deal from this call").click()
    await page.get_by_label("Find a product").fill("2*mu")
    await expect(page.get_by_role("option", name="Blue mug")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_label("Price of Blue mug").fill("8.50")
    await expect(page.locator(".deal-sum")).to_contain_text("€17.00")
    who = page.get_by_label("Customer: name, number or e-mail")
    await who.fill("Mart")
    await expect(page.get_by_role("option", name="Marta")).to_be_visible()  # looked up first: it is not she
    await who.fill("Nina New")
    await page.get_by_label("Telephone").fill("501 222 333")
    await page.get_by_label("Comment").fill("Bring it after six")
    await page.get_by_label("Probability").fill("60")
    await page.get_by_label("Available to all").check()
    await nothing_wrong(page)
    await page.reload()
    await expect(page.get_by_label("Comment")).to_have_value("Bring it after six")  # nothing typed is lost
    await expect(page.get_by_label("Price of Blue mug")).to_have_value("8.50")
    await page.get_by_role("button", name="Save the deal").click()
    await expect(page.locator("h1", has_text="Blue mug").or_(page.locator(".failed"))).to_have_text(
        "Blue mug"
    )
    main = page.locator("#main")
    for said in ("€17.00", "Nina New", "Bring it after six", "+48 501 222 333"):
        await expect(main).to_contain_text(said)

    await page.get_by_role("link", name="Change").click()
    await page.get_by_label("Deal from the online store").check()
    await expect(page.get_by_label("Price of Blue mug")).not_to_be_editable()
    await expect(page.get_by_label("Find a product")).to_have_count(0)
    await page.get_by_role("button", name="Create order in the store").click()
    await expect(page.get_by_label("Quantity of Blue mug")).to_have_value("2")
    await expect(page.get_by_label("Comment")).to_have_value("Bring it after six")
    await page.get_by_label("Find a product").fill("tea")
    await expect(page.get_by_role("option", name="Tea set")).to_be_visible()
    await page.keyboard.press("Enter")
    await page.get_by_label("Price of Blue mug").fill("8.90")
    await expect(page.locator(".sum")).to_contain_text("€53.80")
    await nothing_wrong(page)
    await page.get_by_role("button", name="Place the order").click()
    await expect(page.locator("h1")).to_have_text("Blue mug")  # back on the deal, with the full order
    await expect(main).to_contain_text("2 × Blue mug, 1 × Tea set")
    await expect(page.locator(".page-head")).to_contain_text("€53.80")
    await expect(page.get_by_label("Amount (EUR)")).not_to_be_editable()

    # He gets an invoice and can pay: asked from the order, he opens his page on a telephone, the gateway tells it.
    async with database.begin() as session:
        terms = {
            "page_url": "https://pay.example/?n={order}",
            "payee": "Kettle House",
            "account": "PL61 1090",
        }
        await save_terms(session, there.shop, version=0, changes=terms | {"paid_status": "confirmed"})
    await page.get_by_role("link", name="Send payment link").click()
    await expect(page.get_by_label("Ask for")).to_have_value("53.80")  # unfolded by the address
    await nothing_wrong(page)
    await page.get_by_role("button", name="Make the link").click()
    message = page.get_by_role("link", name="Open in the SMS of this device")
    await expect(message).to_have_attribute("href", re.compile(r"^sms:\+48501222333\?body=Kettle%20House"))
    theirs = await page.get_by_label("The address alone").input_value()
    phone = await (await browser.new_context(viewport={"width": 390, "height": 844})).new_page()
    await phone.goto(theirs)
    await expect(phone.locator(".pay-sum")).to_contain_text("€53.80")
    await expect(phone.get_by_role("link", name="Pay €53.80")).to_be_visible()
    await nothing_wrong(phone)
    async with database.begin() as session:
        number = await session.scalar(select(Order.number).order_by(Order.id.desc()).limit(1))
        told = {"external_id": "gw-1", "user_id": None, "at": shop.NOON}
        for _ in range(2):
            await payment_arrived(session, number, amount=Decimal("53.80"), currency="EUR", **told)
    await phone.reload()
    await expect(phone.locator(".pay-state")).to_have_text("This order is paid. Thank you!")
    await page.get_by_role("link", name="Back to the order").click()
    await expect(page.locator(".page-head")).to_contain_text("Confirmed")
    await expect(page.locator("#payments")).to_contain_text("opened")
