"""A click dials: the operator's phone first, then the customer's; what went wrong is said as it was."""

from playwright.async_api import Browser, expect

from tests.e2e.eyes import Screen
from tests.e2e.house import House, calls_of, closed_once
from tests.e2e.shop import ANNA, MARTA


async def _clicks(screen: Screen, house: House) -> None:
    """Press the telephone beside Marta's number on her page, and say which line she shall see."""
    await screen.open(f"/customers/{house.shop.customer}")
    await screen.page.locator(f".dial[data-number='{MARTA}']").first.click()
    await screen.page.get_by_role("menuitem", name="Poland shop").click()


async def test_a_click_rings_ones_own_phone_first_then_the_customers(house: House, browser: Browser) -> None:
    async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
        await _clicks(anna, house)
        own = await shift.rings("1001")
        assert shift.phones["trunk"].incoming.empty()
        await expect(anna.page.locator(".live-call")).to_contain_text("Marta Zielińska")
        await anna.page.get_by_role("link", name="Open the card").click()
        await expect(anna.bar).to_contain_text("Calling")
        await expect(anna.bar).to_contain_text("Your phone is ringing: pick it up")
        await anna.picture("dialling-own-phone")

        await own.answer()
        theirs = await shift.rings("trunk")
        await expect(anna.bar).to_contain_text("Ringing at the customer")
        await anna.picture("dialling-customer")
        await anna.accessible()

        await theirs.answer()
        await expect(anna.bar).to_contain_text("Talking")
        await anna.kept("Told her about the courier")
        await anna.page.get_by_role("button", name="End").click()
        await expect(anna.bar).to_contain_text("Wrap-up")
        assert own.ended.is_set()
        await anna.finish("Question about an order")
        call = await closed_once(house, house.shop.customer, result="answered", direction="outbound")
        assert call["note"] == "Told her about the courier"


async def test_a_busy_customer_is_said_to_be_busy_and_is_called_again_from_the_card(
    house: House, browser: Browser
) -> None:
    async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
        before = len(await calls_of(house, house.shop.customer))
        await _clicks(anna, house)
        own = await shift.rings("1001")
        await anna.open("/")
        await own.answer()
        (await shift.rings("trunk")).decline(486)
        await expect(anna.bar).to_contain_text("The customer is on another call.")
        own.hang_up()
        await expect(anna.bar).to_contain_text("Did not get through")
        await anna.picture("dialling-failed")
        await anna.accessible()
        await closed_once(house, house.shop.customer, before=before, result="busy", direction="outbound")

        await anna.page.get_by_role("button", name="Call again").click()
        own = await shift.rings("1001")
        await own.answer()
        theirs = await shift.rings("trunk")
        await theirs.answer()
        await expect(anna.bar).to_contain_text("Talking")
        theirs.hang_up()
        await expect(anna.bar).to_contain_text("Wrap-up")


async def test_a_phone_that_is_not_registered_is_said(house: House, browser: Browser) -> None:
    async with house.staffed(), Screen.of(browser, house, ANNA) as anna:
        await anna.open("/")
        await expect(anna.page.locator("#state")).to_contain_text("Phone offline")
        await _clicks(anna, house)
        await expect(anna.page.locator(".live-call")).to_contain_text("Your phone is not connected")
        await anna.open("/")
        await expect(anna.bar).to_contain_text("Your phone is not connected to the switchboard")


async def test_a_number_from_the_card_of_a_past_call_is_dialled_from_the_desk(
    house: House, browser: Browser
) -> None:
    async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
        customer = await shift.customer_calls(MARTA)
        await (await shift.rings("1001")).answer()
        await expect(anna.bar).to_contain_text("Talking")
        customer.hang_up()
        await expect(anna.bar).to_contain_text("Wrap-up")
        await anna.call.locator(f".dial[data-number='{MARTA}']").click()
        await (await shift.rings("1001")).answer()
        theirs = await shift.rings("trunk")
        await theirs.answer()
        await expect(anna.page.locator(".call-rail, .next").first).to_contain_text("Talking")
        theirs.hang_up()
