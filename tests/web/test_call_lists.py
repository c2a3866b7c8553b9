"""A call list from the press of a button to the last entry: made, given out, called, counted, paused."""

from datetime import timedelta

from sqlalchemy import update

from crm_core.call_list import CallListEntry
from crm_core.callback import Callback
from crm_core.dial_rule import set_limit
from crm_core.order import Order
from tests.web import shop
from tests.web.test_nouns import API, ok, refused

FILTERS = {"unpaid": True, "older_h": 24}


async def old_order(database, clock) -> shop.Furnished:
    """Marta's order is not paid after two days, and nothing else waits for her."""
    there = await shop.furnish(database)
    async with database.begin() as session:
        await session.execute(update(Order).values(created_at=clock() - timedelta(days=40)))
        await session.execute(update(Callback).values(state="done", done_at=clock()))
    return there


async def test_these_people_are_called_in_one_press_by_whoever_works_on_the_list(
    client_of, database, clock, people
) -> None:
    there = await old_order(database, clock)
    boss, operator, senior = [await client_of(role) for role in ("supervisor", "operator", "senior")]
    page = await (await boss.get("/orders?unpaid=true&older_h=24")).text()
    assert "Call these people" in page
    assert "Call these people" not in await (await operator.get("/orders?unpaid=true")).text()
    form = {"page": "/orders", "query": "older_h=24&unpaid=true"}
    assert (await operator.post("/call-lists", data=form)).status == 403
    made = await boss.post("/call-lists", data=form, allow_redirects=False)
    address = made.headers["Location"].partition("?")[0]
    [told] = await ok(await boss.get(f"{API}/call-lists"))
    assert (told["state"], told["filters"], told["progress"]["open"]) == ("paused", FILTERS, 1)
    assert (await ok(await senior.post(f"{API}/queue/turn")))["turn"] is None  # it has not begun
    form = {"version": "1", "name": "Not paid", "text": "Ask <b>kindly</b>", "works": "people", "drops": "yes",
            "user_ids": str(people["operator"]), "after-_": "0.5", "most-_": "2", "after-other": "x"}  # fmt: skip
    again = await boss.post(address, data=form)
    assert (again.status, "Write the hours" in await again.text()) == (422, True)
    form |= {"after-other": "", "after-callback_promised": "24"}
    assert (await boss.post(address, data=form, allow_redirects=False)).status == 303
    begun = await boss.post(address, data={"version": "2", "do": "open"}, allow_redirects=False)
    assert begun.headers["Location"].endswith("done=list_open")
    told = await ok(await boss.get(f"{API}{address}"))
    rules = {rule["outcome"]: (rule["after_minutes"], rule["most_attempts"]) for rule in told["rules"]}
    assert rules == {None: (30, 2), "callback_promised": (1440, 3)}
    assert (await ok(await senior.post(f"{API}/queue/turn")))["turn"] is None  # it is the operator's
    turn = (await ok(await operator.post(f"{API}/queue/turn")))["turn"]
    assert [(cause["kind"], cause["label"], cause["money"]) for cause in turn["causes"]] == [
        ("list", "Not paid", "17.80")
    ]
    [shown] = turn["lists"]
    assert (shown["text"], shown["order_id"]) == ("Ask <b>kindly</b>", there.order)
    # A call that is wrapped up moves the entry on by its rule.
    call = await shop.add_call(
        database, talked=people["operator"], direction="outbound", customer_id=there.customer
    )
    await ok(await operator.post(f"{API}/calls/{call}/wrap-up", json={"code": "callback_promised"}), 204)
    [row] = (await ok(await boss.get(f"{API}{address}/entries")))["items"]
    assert (row["outcome"], row["attempts"], row["why"]) == ("callback_promised", 1, None)
    assert await ok(await boss.get(f"{API}{address}/results")) == [
        {"outcome": "Callback promised", "customers": 1}
    ]
    page = await (await boss.get(f"{address}?which=reached")).text()
    assert "Marta" in page and "Ask &lt;b&gt;kindly&lt;/b&gt;" in page and "Callback promised" in page


async def test_who_was_tried_often_enough_today_is_passed_by_and_the_list_says_why(
    client_of, database, clock, people
) -> None:
    there = await old_order(database, clock)
    boss, operator = await client_of("supervisor"), await client_of("operator")
    wanted = {"name": "Everybody", "customers": {}}
    await refused(await operator.post(f"{API}/call-lists", json=wanted), 403)
    await refused(await boss.post(f"{API}/call-lists", json={"name": "Nobody"}), 422)
    await refused(await boss.post(f"{API}/call-lists", json=wanted | {"user_ids": [99_999]}), 409)
    made = await ok(await boss.post(f"{API}/call-lists", json=wanted), 201)
    address = f"{API}/call-lists/{made['id']}"
    async with database.begin() as session:
        await set_limit(session, 1)
    await shop.add_call(
        database, talked=None, direction="outbound", result="no_answer", answered_at=None,
        customer_id=there.customer, started_at=clock() - timedelta(hours=1),
    )  # fmt: skip
    assert (await ok(await operator.post(f"{API}/queue/turn")))["turn"] is None
    [row] = (await ok(await boss.get(f"{address}/entries?which=refused")))["items"]
    assert "the limit is 1 a day" in row["refusal"]
    assert "the limit is 1 a day" in await (await boss.get(f"/call-lists/{made['id']}?which=refused")).text()
    async with database.begin() as session:
        await set_limit(session, 0)
        await session.execute(update(CallListEntry).values(due_at=clock()))
    assert (await ok(await operator.post(f"{API}/queue/turn")))["turn"]["lists"][0]["name"] == "Everybody"
    assert (await ok(await boss.post(f"{address}/feed"), 200))["added"] == 0
    await refused(await boss.post(f"{address}/entries/{row['id']}/open"), 409)  # he is still to be called
    page = f"/call-lists/{made['id']}"
    assert (await boss.post(f"{page}/entries/{row['id']}", data={"reason": " "})).status == 422
    await ok(await operator.delete(f"{API}/queue/turn"), 204)
    taken = await boss.post(f"{page}/entries/{row['id']}", data={"reason": "Asked by mail"})
    assert "Taken off the list." in await taken.text()
    assert "Asked by mail" in await (await boss.get(f"{page}?which=closed")).text()
    assert (await ok(await boss.get(address)))["progress"]["by_hand"] == 1
    assert (await ok(await operator.post(f"{API}/queue/turn")))["turn"] is None
    await refused(await boss.post(f"{address}/entries/{row['id']}/close", json={"reason": "Again"}), 409)
    await refused(await operator.post(f"{address}/entries/{row['id']}/open"), 403)
    await boss.post(f"{page}/entries/{row['id']}", data={"do": "open"})
    assert (await ok(await operator.post(f"{API}/queue/turn")))["turn"] is not None
    closed = {"version": 1, "state": "closed"}
    assert (await ok(await boss.patch(address, json=closed)))["state"] == "closed"
    await refused(await boss.patch(address, json=closed), 409)
