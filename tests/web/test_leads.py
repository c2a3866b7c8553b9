"""A web form brings a lead, whoever sends it; a manager makes a customer and a deal of it, or throws it away."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from sqlalchemy import func, select

from crm_core.lead_rows import Lead
from tests.chromium import launched, needs_chromium
from tests.web.conftest import PASSWORD
from tests.web.shop import furnish
from tests.web.test_nouns import API, ok, refused

SITE = {"Origin": "https://kettles.example", "Sec-Fetch-Site": "cross-site"}
NINA = {"name": "Nina", "phone": "501 222 333", "message": "A <b>red</b> kettle", "fields": {"Colour": "red"}}


async def a_form(admin, shop: int, **more) -> dict:
    body = {"name": "Call me", "shop_id": shop, "origin": "https://kettles.example", "fields": ["Colour"]}
    return await ok(await admin.post(f"{API}/lead-forms", json=body | {"role": "manager"} | more), 201)


async def leads(database) -> int:
    async with database.begin() as session:
        return await session.scalar(select(func.count()).select_from(Lead))


async def test_the_shops_own_pages_may_send_and_nobody_else_may(client_of, client, database) -> None:
    there, admin = await furnish(database), await client_of("admin")
    form = await a_form(admin, there.shop)
    at = f"{API}/forms/{form['key']}"
    asked = await client.options(at, headers=SITE | {"Access-Control-Request-Method": "POST"})
    assert (asked.status, asked.headers["Access-Control-Allow-Origin"]) == (204, SITE["Origin"])
    sent = await client.post(at, json=NINA, headers=SITE)
    assert (sent.status, sent.headers["Access-Control-Allow-Origin"]) == (202, SITE["Origin"])
    assert await sent.json() == {"received": True}
    assert (await client.post(at, json=NINA)).status == 202  # the site's server
    for origin in ("https://evil.example", "null", "https://kettles.example.evil.example"):
        await refused(await client.post(at, json=NINA, headers=SITE | {"Origin": origin}), 403)
        assert (await client.options(at, headers={"Origin": origin})).status == 403
    await refused(await client.post(f"{API}/forms/{'x' * 24}", json=NINA), 404)
    await refused(await client.post(at, json={"name": "Nina", "message": "no way to reach me"}), 409)
    assert await leads(database) == 2
    # What is open to other sites is this address alone.
    await refused(await client.post(f"{API}/session", json={}, headers=SITE), 403)


async def test_machines_and_floods_make_no_leads(client_of, client, database, clock) -> None:
    there, admin = await furnish(database), await client_of("admin")
    at = f"{API}/forms/{(await a_form(admin, there.shop))['key']}"
    assert (await client.post(at, json=NINA | {"website": "https://spam.example"})).status == 202
    assert await leads(database) == 0
    for wrong in (
        {"name": "x" * 201}, {"fields": {"a": 1}}, {"admin": True}, {"message": "x" * 5001}, {"name": ["x"]},
    ):  # fmt: skip
        await refused(await client.post(at, json=NINA | wrong), 422)
    hostile = {"name": "'; DROP TABLE leads; --\u0000", "fields": {"Colour": "<script>", "__proto__": "x"}}
    assert (await client.post(at, json=NINA | hostile)).status == 202
    answers = await asyncio.gather(*(client.post(at, json=NINA) for _ in range(12)))
    assert {answer.status for answer in answers} == {202, 429}
    limited = next(answer for answer in answers if answer.status == 429)
    assert int(limited.headers["Retry-After"]) > 0
    assert await leads(database) == 9  # ten from one address, one of them a machine's
    clock.move(minutes=6)
    assert (await client.post(at, json=NINA)).status == 202
    (first,) = (await ok(await admin.get(f"{API}/leads", params={"query": "DROP TABLE"})))["items"]
    assert first["answers"] == {"Colour": "<script>"}
    page = await (await admin.get(f"/leads?open={first['id']}")).text()
    assert "&lt;script&gt;" in page and "<script>" not in page.split('class="sheet"')[1].split("</main>")[0]


async def test_a_lead_goes_through_the_api_from_the_form_to_the_deal(
    client_of, client, database, people
) -> None:
    there, admin, senior = await furnish(database), await client_of("admin"), await client_of("senior")
    form = await a_form(admin, there.shop, responsible_id=people["manager"])
    await client.post(f"{API}/forms/{form['key']}", json=NINA)
    (lead,) = (await ok(await senior.get(f"{API}/leads", params={"state": "new"})))["items"]
    assert (lead["responsible"], lead["e164"], lead["source"]) == ("Manager", "+48501222333", "Form: Call me")
    at = f"{API}/leads/{lead['id']}"
    wanted = await ok(await senior.put(f"{at}/items/{there.mug}", json={"quantity": 3}))
    assert [(it["name"], it["quantity"]) for it in wanted["items"]] == [("Blue mug", 3)]
    await refused(await senior.put(f"{at}/items/999999", json={"quantity": 1}), 404)
    change = {"version": wanted["version"], "state": "processing", "responsible_id": people["senior"]}
    await ok(await senior.patch(at, json=change))
    await refused(await senior.patch(at, json=change), 409)
    await ok(await senior.put(f"{at}/junk"))
    await refused(await senior.post(f"{at}/qualify", json={}), 409)
    await ok(await senior.delete(f"{at}/junk"), 204)
    asked = {"title": "Mugs", "order": True}
    became = [await ok(await senior.post(f"{at}/qualify", json=asked)) for _ in range(2)]
    assert became[0]["deal_id"] == became[1]["deal_id"]
    deal = await ok(await senior.get(f"{API}/deals/{became[0]['deal_id']}"))
    assert (deal["title"], deal["amount"], deal["responsible"]) == ("Mugs", "26.70", "Senior")
    assert "Form: Call me" in await (await senior.get(f"/deals/{deal['id']}")).text()
    (order,) = (await ok(await senior.get(f"{API}/orders", params={"deal_id": deal["id"]})))["items"]
    assert (order["items"], order["status"], order["manager"]) == ("3 × Blue mug", "new", "Senior")
    await refused(await (await client_of("courier")).get(at), 403)


async def test_forms_are_kept_by_administrators(client_of, database, people) -> None:
    there, admin = await furnish(database), await client_of("admin")
    await refused(await (await client_of("manager")).get(f"{API}/lead-forms"), 403)
    typed = {
        "name": "Ask us",
        "shop_id": there.shop,
        "origin": "https://kettles.example",
        "fields": "Colour\nSize",
    }
    made = await admin.post("/lead-forms", data=typed | {"performer": "role:manager"}, allow_redirects=False)
    assert made.status == 303, await made.text()
    (form,) = await ok(await admin.get(f"{API}/lead-forms"))
    assert (form["fields"], form["role"]) == (["Colour", "Size"], "manager")
    page = await (await admin.get("/lead-forms")).text()
    assert f'fetch("{admin.make_url("/")}api/v1/forms/{form["key"]}"' in page.replace("&#34;", '"')
    assert f"/api/v1/forms/{form['key']}" in page
    change = typed | {"version": form["version"], "performer": people["senior"], "active": ""}
    assert (await admin.post(f"/lead-forms/{form['id']}", data=change, allow_redirects=False)).status == 303
    await refused(await admin.post(f"{API}/forms/{form['key']}", json=NINA), 404)  # out of use
    wrong = await admin.post("/lead-forms", data=typed | {"origin": "kettles"}, allow_redirects=False)
    assert wrong.status == 422


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@needs_chromium
async def test_a_lead_goes_from_the_bell_through_the_managers_hands_to_a_colleague_who_makes_a_deal(
    browser, server, client_of, client, database
) -> None:
    """Walk 3 of the reviews: told, checked, one thrown away, goods of interest, handed over, qualified."""
    there, admin = await furnish(database), await client_of("admin")
    form = await a_form(admin, there.shop)
    for sent in (NINA, {"name": "Spam", "email": "spam@example.com", "message": "Buy!"}):
        assert (await client.post(f"{API}/forms/{form['key']}", json=sent)).status == 202
    page = await browser.new_page()
    await page.goto(str(server.make_url("/login?next=/for-me")))
    await page.fill("input[name=login]", "manager")
    await page.fill("input[name=password]", PASSWORD)
    await page.press("input[name=password]", "Enter")
    await page.get_by_role("link", name="New lead: Spam").click()
    await page.get_by_role("button", name="Throw away").click()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.locator(".say.good")).to_have_text("The lead is back.")
    await page.get_by_role("button", name="Throw away").click()
    await expect(page.locator(".say.care")).to_contain_text("thrown away")
    await page.get_by_role("link", name="Nina").click()
    await expect(page.get_by_role("combobox", name="Find a product")).to_be_visible()
    await page.keyboard.press("F2")
    await page.keyboard.type("2*blu")
    await expect(page.get_by_role("option", name="Blue mug")).to_be_visible()
    await page.keyboard.press("Enter")
    await expect(page.locator(".numbers")).to_contain_text("2 × Blue mug")
    side = page.locator(".beside")
    await side.get_by_label("State").select_option("Being worked on")
    await side.get_by_label("Responsible").select_option(label="Senior")
    await side.get_by_role("button", name="Save").click()
    await expect(page.locator("tr.chosen")).to_contain_text("Being worked on")

    senior = await (await browser.new_context()).new_page()
    await senior.goto(str(server.make_url("/login?next=/for-me")))
    await senior.fill("input[name=login]", "senior")
    await senior.fill("input[name=password]", PASSWORD)
    await senior.press("input[name=password]", "Enter")
    await senior.get_by_role("link", name="Nina").click()
    await expect(senior.locator(".numbers")).to_contain_text("2 × Blue mug")
    page = senior
    await page.get_by_role("button", name="Make customer and deal").click()
    await expect(page.locator("h1")).to_have_text("A <b>red</b> kettle")
    await expect(page.locator(".page")).to_contain_text("Came from a lead: Form: Call me")
