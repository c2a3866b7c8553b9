"""A call goes from one operator to the next: the card moves with it, in real browsers on a real Asterisk."""

from playwright.async_api import Browser, expect

from tests.e2e.eyes import Screen
from tests.e2e.house import House, calls_of, closed_once
from tests.e2e.shop import ANNA, MARTA, OLEG

NOTE = "Asks for a refund, speak with accounts"
LINE = "She has waited a week: be quick"


async def test_a_colleague_is_asked_and_the_card_moves_to_him_with_the_note(
    house: House, browser: Browser
) -> None:
    async with (
        house.staffed("1001", "1002") as shift,
        Screen.of(browser, house, ANNA) as anna,
        Screen.of(browser, house, OLEG) as oleg,
    ):
        before = len(await calls_of(house, house.shop.customer))
        customer = await shift.customer_calls(MARTA)
        hers, _ = await shift.rings("1001"), await shift.rings("1002")
        await hers.answer()
        await expect(anna.bar).to_contain_text("Talking")
        await anna.kept(NOTE)
        await anna.page.locator("h1:not(.unseen)").click()

        await anna.page.keyboard.press("t")
        await anna.page.keyboard.type("1002")
        await expect(anna.page.get_by_role("option").first).to_contain_text("Free")
        await anna.page.get_by_label("A line for whoever gets it").fill(LINE)
        await anna.picture("transfer")
        await anna.accessible()
        await anna.page.keyboard.press("Shift+Enter")
        his = await shift.rings("1002")
        await expect(anna.bar).to_contain_text("Asking")
        await expect(oleg.call).to_contain_text("Marta")
        await expect(oleg.call).to_contain_text(LINE)
        await his.answer()
        await expect(anna.page.get_by_text("You are talking with")).to_be_visible()
        await anna.picture("asking")
        await anna.page.keyboard.press("j")

        await expect(oleg.bar).to_contain_text("Talking")
        await expect(oleg.note).to_have_value(NOTE)
        await expect(oleg.call).to_contain_text("left a note")
        await expect(anna.bar).to_contain_text("Watching")
        await expect(anna.call).to_contain_text("Oleg")
        await oleg.kept(f"{NOTE}. Promised by Friday")
        await expect(anna.call).to_contain_text("Promised by Friday")
        await anna.picture("watching")
        await anna.accessible()
        await anna.page.keyboard.press("Escape")
        await expect(anna.call).to_have_count(0)
        customer.hang_up()
        await oleg.finish("Other")
        call = await closed_once(
            house, house.shop.customer, before=before, result="answered", note=f"{NOTE}. Promised by Friday"
        )
        assert call["operator_extension"] == "1002"
        await oleg.open(f"/calls/{call['id']}")
        await expect(oleg.page.get_by_text("Asked")).to_be_visible()
        await oleg.picture("transferred-call")
        await oleg.accessible()
