"""A click dials: the operator's phone first, then the customer's; what went wrong is said as it was."""

from datetime import UTC, datetime
from typing import Any

from playwright.async_api import Browser, expect

from crm_core.demo import PASSWORD
from tests.e2e.eyes import Screen
from tests.e2e.house import SALES, House, calls_of, closed_once
from tests.e2e.shop import ANNA, MARTA

EWA = "+48601220777"


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


async def test_who_was_missed_is_called_back_at_one_key_and_whoever_gets_through_closes_it(
    house: House, browser: Browser
) -> None:
    async with house.service.signed_in("admin", PASSWORD) as admin:
        all_day = [[{"opens": "00:00", "closes": "24:00"}]] * 7  # whenever this test runs
        await admin.ask("PUT", "/calling-rule", week=all_day, repeat_minutes=30, most_attempts=3)
        (line,) = [one for one in await admin.ask("GET", "/lines") if SALES in str(one["did"])]
        await admin.ask("PUT", f"/lines/{line['id']}/missed", strategies=["first_missed"])
        ewa = await admin.ask("POST", "/customers", name="Ewa Lis", country="PL", numbers=[EWA])

        async def callbacks(state: str) -> list[dict[str, Any]]:
            found = await admin.ask("GET", f"/callbacks?customer_id={ewa['id']}&state={state}")
            return list(found["items"])

        async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
            row = anna.page.locator(".next li", has_text="Ewa Lis")
            for times in (1, 2):  # missed twice, waiting once
                caller = await shift.customer_calls(EWA)
                await shift.rings("1001")
                await expect(anna.bar).to_contain_text("Ringing")
                caller.hang_up()
                await expect(anna.call).to_have_count(0)
                await closed_once(house, ewa["id"], before=times - 1, result="abandoned")
            await expect(row).to_contain_text("Missed call · called 2 times")
            (waiting,) = await callbacks("open")
            assert (waiting["assignee"], waiting["missed"]) == ("Anna Kowalska", 2)
            await anna.picture("missed-waits")

            now = datetime.now(UTC).isoformat()
            await admin.ask("PATCH", f"/callbacks/{waiting['id']}", due_at=now)
            await expect(anna.page.get_by_role("article", name="Due: Ewa Lis")).to_be_visible()
            await anna.picture("missed-due")
            await anna.accessible()
            await anna.page.keyboard.press("r")
            own = await shift.rings("1001")
            assert shift.phones["trunk"].incoming.empty()
            await own.answer()
            theirs = await shift.rings("trunk")
            await theirs.answer()
            await expect(anna.bar).to_contain_text("Talking")
            theirs.hang_up()
            await anna.finish("Other")
            await expect(row).to_have_count(0)
            (reached,) = await callbacks("done")
            assert (reached["id"], reached["outcome"], reached["attempts"]) == (waiting["id"], "reached", 0)
            await anna.open(f"/callbacks/{waiting['id']}")
            await expect(anna.page.locator(".timeline li")).to_have_count(3)
            await anna.picture("missed-reached")
            await anna.accessible()
            await anna.open("/")

            before = len(await calls_of(house, ewa["id"]))
            caller = await shift.customer_calls(EWA)
            await shift.rings("1001")
            caller.hang_up()
            await closed_once(house, ewa["id"], before=before, result="abandoned")
            assert [it["missed"] for it in await callbacks("open")] == [1]
            caller = await shift.customer_calls(EWA)
            await (await shift.rings("1001")).answer()
            await expect(anna.bar).to_contain_text("Talking")
            caller.hang_up()
            await anna.finish("Other")
            await closed_once(house, ewa["id"], before=before + 1, result="answered")
            assert not await callbacks("open")
            assert {it["outcome"] for it in await callbacks("done")} == {"reached", "called_us"}
