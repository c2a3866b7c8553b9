"""Tasks and the courier through the API and on the pages: who may see and do what."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from tests.chromium import launched, needs_chromium
from tests.web.shop import furnish
from tests.web.test_nouns import API, ok, refused

PHONE = {"width": 390, "height": 844}


async def test_a_colleague_is_given_a_task_and_does_it(client_of, database, people) -> None:
    there, operator, senior = await furnish(database), await client_of("operator"), await client_of("senior")
    body = {"title": "Ask about the colour", "order_id": there.order, "performer_id": people["senior"]}
    made = await ok(await operator.post(f"{API}/tasks", json=body | {"priority": "high"}), 201)
    assert (made["customer_id"], made["performer"], made["order_number"]) == (
        there.customer,
        "Senior",
        "A-1001",
    )
    await refused(await operator.post(f"{API}/tasks", json={"title": "x", "performer_id": 999999}), 409)
    await refused(await operator.post(f"{API}/tasks", json={"title": "x", "order_id": 999999}), 404)
    await refused(await operator.post(f"{API}/tasks", json={"title": " "}), 422)
    at = f"{API}/tasks/{made['id']}"
    changed = await ok(await operator.patch(at, json={"version": 1, "due_at": "2026-11-20T11:00:00Z"}))
    await refused(await operator.patch(at, json={"version": 1, "title": "Late"}), 409)
    await ok(await senior.post(f"{at}/comments", json={"text": "Blue"}), 201)
    late = await ok(await senior.get(f"{API}/tasks", params={"which": "overdue", "order_id": there.order}))
    assert [(one["id"], one["comments"], one["version"]) for one in late["items"]] == [
        (made["id"], 1, changed["version"])
    ]
    await refused(await senior.put(f"{at}/state", json={"state": "not_done"}), 409)
    done = await ok(await senior.put(f"{at}/state", json={"state": "done"}))
    assert (done["state"], done["closed_by"]) == ("done", "Senior")
    assert [one["what"] for one in await ok(await senior.get(f"{at}/entries"))] == [
        "done", "comment", "changed", "created",
    ]  # fmt: skip


async def test_the_pages_give_a_task_take_it_and_close_it(client_of, database, people) -> None:
    there, operator = await furnish(database), await client_of("operator")
    form = {"title": "Ring <b>Marta</b>", "performer": "role:operator", "due_at": "2026-11-20T18:00"}
    form |= {
        "customer_id": there.customer,
        "back": f"/customers/{there.customer}#tasks",
        "priority": "normal",
    }
    given = await operator.post("/tasks", data=form, allow_redirects=False)
    assert (given.status, given.headers["Location"]) == (303, f"/customers/{there.customer}?done=given#tasks")
    for page in (f"/customers/{there.customer}?kind=task", "/tasks?which=group", "/tasks?which=given"):
        assert "Ring &lt;b&gt;Marta&lt;/b&gt;" in await (await operator.get(page)).text(), page
    (task,) = (await ok(await operator.get(f"{API}/tasks")))["items"]
    at = f"/tasks/{task['id']}"
    assert (await operator.post(f"{at}/taken", allow_redirects=False)).status == 303
    change = {
        "version": 2,
        "title": "Ring",
        "performer": people["operator"],
        "priority": "low",
        "remind_at": "",
    }
    assert (await operator.post(at, data=change, allow_redirects=False)).status == 303
    wrong = await operator.post(
        f"{at}/state", data={"state": "not_done", "reason": ""}, allow_redirects=False
    )
    assert wrong.status == 422 and "why" in await wrong.text()
    away = {"state": "done", "back": "//evil.example"}
    closed = await operator.post(f"{at}/state", data=away, allow_redirects=False)
    assert closed.headers["Location"] == f"{at}?done=task_done"
    assert "Ring" in await (await operator.get("/tasks?which=done")).text()


async def test_a_courier_sees_his_own_orders_and_nothing_else(client_of, database, people) -> None:
    there, operator, courier = (
        await furnish(database),
        await client_of("operator"),
        await client_of("courier"),
    )
    other = await ok(await operator.post(f"{API}/tasks", json={"title": "The manager's secret"}), 201)
    at = f"{API}/orders/{there.order}/courier"
    given = await ok(await operator.post(at, json={"performer_id": people["courier"]}), 201)
    await refused(await operator.post(at, json={}), 409)
    home = await courier.get("/", allow_redirects=False)
    assert (home.status, home.headers["Location"]) == (303, "/courier")
    (shown,) = await ok(await courier.get(f"{API}/deliveries"))
    assert (shown["to_take"], shown["items"], shown["e164"]) == ("17.80", [[2, "Blue mug"]], "+48601220114")
    for hidden in (f"/orders/{there.order}", f"/customers/{there.customer}", f"{API}/search?query=Marta"):
        assert (await courier.get(hidden)).status == 403, hidden
    assert (await courier.get(f"/tasks/{other['id']}")).status == 404
    await refused(await courier.put(f"{API}/tasks/{other['id']}/state", json={"state": "done"}), 404)
    listed = await ok(await courier.get(f"{API}/tasks"))
    assert [one["id"] for one in listed["items"]] == [given["id"]]
    await refused(await operator.put(f"{API}/deliveries/{given['id']}", json={"mark": "delivered"}), 403)
    mark = {"mark": "delivered", "taken": "17.80", "means": "card"}
    for _ in range(2):
        answer = await ok(await courier.put(f"{API}/deliveries/{given['id']}", json=mark))
        assert (answer["state"], answer["taken"]) == ("done", "17.80")
    order = await ok(await operator.get(f"{API}/orders/{there.order}"))
    deal = await ok(await operator.get(f"{API}/deals/{there.deal}"))
    assert (order["status"], order["paid"], deal["kind"]) == ("done", "17.80", "won")


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@needs_chromium
async def test_a_courier_marks_at_the_door_where_there_is_no_network(
    browser, server, client_of, database, people
) -> None:
    there, operator = await furnish(database), await client_of("operator")
    form = {"performer_id": people["courier"], "wishes": "Ring twice"}
    await operator.post(f"/orders/{there.order}/courier", data=form)
    context = await browser.new_context(viewport=PHONE, is_mobile=True, has_touch=True)
    page = await context.new_page()
    await page.goto(str(server.make_url("/login")))
    await page.fill("input[name=login]", "courier")
    await page.fill("input[name=password]", "correct horse")
    await page.press("input[name=password]", "Enter")
    await expect(page.locator(".delivery")).to_contain_text("Ring twice")
    await page.get_by_role("button", name="I have it, on my way").click()
    await expect(page.locator(".delivery .chip")).to_have_text("on the way")
    await page.wait_for_load_state()  # the page came anew: what keeps a mark is its script
    await context.set_offline(True)
    await page.get_by_role("button", name="Delivered").first.click()
    await expect(page.locator("#waiting")).to_contain_text("one mark waits")
    await context.set_offline(False)
    await expect(page.locator(".delivery")).to_have_count(0)
    order = await ok(await operator.get(f"{API}/orders/{there.order}"))
    assert (order["status"], order["paid"]) == ("done", "17.80")
