"""A customer calls the shop: the card, the talk, the order, the recording and its text, in real browsers."""

from playwright.async_api import Browser, expect

from tests.e2e.eyes import PICTURES, Screen
from tests.e2e.house import House, calls_of, closed_once
from tests.e2e.shop import ANNA, MARTA, OLEG
from tests.e2e.speech import CUSTOMER, OPERATOR

STRANGER, HOSTILE = "+48602000111", "<script>alert(1)</script>"
NOTE = "Wants the kettle as well, courier before noon"


async def test_a_customer_calls_and_her_order_holds_the_call(house: House, browser: Browser) -> None:
    async with (
        house.staffed("1001", "1002") as shift,
        Screen.of(browser, house, ANNA) as anna,
        Screen.of(browser, house, OLEG) as oleg,
    ):
        customer = await shift.customer_calls(MARTA)
        hers, his = await shift.rings("1001"), await shift.rings("1002")
        for screen in (anna, oleg):
            await _knows_marta(screen, house)
        await anna.picture("ringing")
        await anna.accessible()

        await hers.answer()
        await expect(anna.bar).to_contain_text("Talking")
        await expect(oleg.call).to_have_count(0)
        await expect(oleg.page.locator(".toast")).to_contain_text("Anna Kowalska answered.")
        assert his.ended.is_set()

        await shift.says(hers, "good morning this is anna speaking how can i help you", OPERATOR)
        await anna.kept(NOTE)
        await anna.page.reload()
        await expect(anna.bar).to_contain_text("Talking")
        await expect(anna.note).to_have_value(NOTE)
        await shift.says(customer, "hello i would like to order two red kettles", CUSTOMER)

        order = await _order_is_taken(anna)
        await shift.says(hers, "thank you your order is confirmed", OPERATOR)
        await _is_about(anna, house.shop.order_number)
        customer.hang_up()

        await expect(anna.bar).to_contain_text("Wrap-up")
        await anna.picture("wrap-up")
        await anna.accessible()
        await anna.finish("Order placed")

        call = await closed_once(house, house.shop.customer, result="answered", note=NOTE)
        await _is_heard_and_read(anna, f"/calls/{call['id']}", "call")
        for page in (f"/orders/{house.shop.order}", order, f"/deals/{house.shop.deal}"):
            await _is_heard_and_read(anna, page)
        await anna.open(f"/customers/{house.shop.customer}")
        await expect(anna.page.locator(f"a[href='/calls/{call['id']}']")).to_be_visible()
        await anna.accessible()


async def test_a_caller_who_gives_up_leaves_no_ghost_but_a_missed_call(
    house: House, browser: Browser
) -> None:
    async with (
        house.staffed("1001", "1002") as shift,
        Screen.of(browser, house, ANNA) as anna,
        Screen.of(browser, house, OLEG) as oleg,
    ):
        before = len(await calls_of(house, house.shop.customer))
        customer = await shift.customer_calls(MARTA)
        for extension, screen in (("1001", anna), ("1002", oleg)):
            await shift.rings(extension)
            await expect(screen.bar).to_contain_text("Ringing")
        customer.hang_up()
        for screen in (anna, oleg):
            await expect(screen.call).to_have_count(0)
            await expect(screen.page.locator(".toast")).to_contain_text("The caller gave up.")
        await expect(anna.page.get_by_role("table").get_by_text("Missed").first).to_be_visible()
        await closed_once(house, house.shop.customer, before=before, result="abandoned")


async def test_a_stranger_with_a_hostile_name_is_written_down_and_stays_text(
    house: House, browser: Browser
) -> None:
    async with house.staffed("1001") as shift, Screen.of(browser, house, ANNA) as anna:
        customer = await shift.customer_calls(STRANGER, HOSTILE)
        hers = await shift.rings("1001")
        await expect(anna.call.locator("h1")).to_contain_text("+48 602 000 111")
        await expect(anna.call).to_contain_text(f"The telephone says “{HOSTILE}”")
        await hers.answer()
        await expect(anna.bar).to_contain_text("Talking")
        await anna.picture("stranger")
        await anna.accessible()
        await expect(anna.page.get_by_label("Name", exact=True)).to_have_value(HOSTILE)
        await anna.page.get_by_label("City").fill("Gdynia")
        await anna.page.get_by_role("button", name="Save the customer").click()
        await expect(anna.call.locator("h1")).to_contain_text(HOSTILE)
        page = await anna.call.locator("h1 a").get_attribute("href")
        assert page is not None
        await _stays_text(anna)
        customer.hang_up()
        await expect(anna.bar).to_contain_text("Wrap-up")
        await anna.finish("Question about a product")

        call = await closed_once(house, int(page.rpartition("/")[2]), result="answered")
        await expect(anna.page.get_by_role("table")).to_contain_text(HOSTILE)
        await _stays_text(anna)
        for address in (page, f"/calls/{call['id']}", "/calls", "/customers?query=script"):
            await anna.open(address)
            await expect(anna.page.locator("main")).to_contain_text(HOSTILE)
            await _stays_text(anna)
        await anna.page.keyboard.press("/")
        await anna.page.keyboard.type("602000111")
        await expect(anna.page.locator(".find")).to_contain_text(HOSTILE)
        await _stays_text(anna)


async def test_the_sign_in_page_is_accessible(house: House, browser: Browser) -> None:
    page = await browser.new_page(locale="en-GB")
    screen = Screen(house, page)
    await screen.open("/login")
    await expect(page.get_by_label("Login")).to_be_focused()
    await screen.picture("login")
    await screen.accessible()
    await page.close()
    assert screen.faults == []


async def _stays_text(screen: Screen) -> None:
    scripts = await screen.page.locator("script").evaluate_all("all => all.map((one) => one.text)")
    assert not any(text.strip().startswith("alert") for text in scripts)


async def _knows_marta(screen: Screen, house: House) -> None:
    """Who calls, from where, about what: everything that is said before hello."""
    await expect(screen.bar).to_contain_text("Ringing")
    await expect(screen.call.locator("h1")).to_contain_text("Marta Zielińska")
    await expect(screen.call).to_contain_text("+48 601 220 114")
    await expect(screen.call).to_contain_text(house.shop.order_number)
    await expect(screen.call).to_contain_text("Kitchen for the new flat")
    await expect(screen.bar).to_contain_text("Poland shop")
    await expect(screen.bar).to_contain_text("sales")


async def _order_is_taken(screen: Screen) -> str:
    """Two pieces of the first kettle; returns the address of the order."""
    page = screen.page
    await page.keyboard.press("F2")
    await page.keyboard.type("kett")
    await expect(page.locator("#products").get_by_role("option").first).to_contain_text(
        "kettle", ignore_case=True
    )
    await page.keyboard.press("Enter")
    await page.get_by_label("Quantity of").fill("2")
    await page.get_by_label("Delivery by").fill("InPost")
    await page.get_by_label("Delivery costs").fill("11.90")
    await expect(page.locator("aside.order .saved")).to_contain_text("Kept as you type ·")
    await screen.picture("talking")
    await page.screenshot(path=PICTURES / "desk.png", animations="disabled")
    await screen.accessible()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(".toast")).to_contain_text("is placed")
    chip = screen.call.locator(".links .chip.link a")
    await expect(chip).to_have_count(1)
    return str(await chip.get_attribute("href"))


async def _is_about(screen: Screen, number: str) -> None:
    """The operator links the call with another order by a click."""
    await screen.call.get_by_role("button", name=f"This call is about {number}").click()
    await expect(screen.call.locator(".links .chip.link", has_text=number)).to_be_visible()


async def _is_heard_and_read(screen: Screen, path: str, picture: str = "") -> None:
    """The page plays the recording and shows what each side said."""
    await screen.open(path)
    player = screen.page.get_by_role("group", name="Recording", exact=True)
    said = player.get_by_role("list", name="What was said")
    await expect(said.locator(".customer", has_text="kettle").first).to_be_visible()
    await expect(said.locator(".operator", has_text="morning").first).to_be_visible()
    if picture:
        await screen.picture(picture)
        await screen.accessible()
    await screen.listen(player)
