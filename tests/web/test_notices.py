"""What a colleague is told: at once on every page, as a number in its head, on his list until he has read it."""

from datetime import timedelta

from sqlalchemy import func, select

from crm_core.notice import Notice, notify
from tests.web.shop import NOON, furnish
from tests.web.test_nouns import API, ok, refused
from web.tidy import tidy


async def test_who_is_put_in_charge_sees_it_until_he_opens_the_order(client_of, database, people) -> None:
    there, operator, senior = await furnish(database), await client_of("operator"), await client_of("senior")
    given = {"version": 1, "manager_id": people["senior"]}
    await ok(await operator.patch(f"{API}/orders/{there.order}", json=given))
    async with database.begin() as session:
        await notify(session, {people["senior"], people["operator"]}, "A <new> price list")
    head = 'aria-label="For me: 2 not read"'
    assert head in await (await senior.get("/customers")).text()
    shown = await (await senior.get("/for-me?unread=true")).text()
    assert f'<a href="/orders/{there.order}">Order A-1001 (Kettle House) is yours now</a>' in shown
    assert "A &lt;new&gt; price list" in shown and head in shown
    assert 'aria-label="For me: 1 not read"' in await (await senior.get(f"/orders/{there.order}")).text()
    (left,) = (await ok(await senior.get(f"{API}/notices?unread=true")))["items"]
    await refused(await operator.post(f"{API}/notices/{left['id']}/read"), 404)
    assert (await ok(await operator.get(f"{API}/notices/unread"))) == {"unread": 1}
    answer = await senior.post(f"/for-me/notices/{left['id']}/read", allow_redirects=False)
    assert answer.status == 303
    assert (await ok(await senior.get(f"{API}/notices/unread"))) == {"unread": 0}
    assert len((await ok(await senior.get(f"{API}/notices")))["items"]) == 2
    await operator.post("/for-me/read")
    assert (await ok(await operator.get(f"{API}/notices/unread"))) == {"unread": 0}


async def test_what_was_told_long_ago_is_forgotten(server, database, people) -> None:
    async with database.begin() as session:
        await notify(session, [people["senior"]], "Old")
        (old,) = await session.scalars(select(Notice))
        old.created_at = NOON - timedelta(days=61)
        await notify(session, [people["senior"]], "Fresh")
    await tidy(server.app)
    async with database.begin() as session:
        assert await session.scalar(select(func.count()).select_from(Notice)) == 1


async def test_a_courier_is_told_of_his_task_and_of_no_customer(client_of, database, people) -> None:
    there, operator, courier = (
        await furnish(database),
        await client_of("operator"),
        await client_of("courier"),
    )
    given = {"title": "Fetch the parcel", "performer_id": people["courier"]}
    await ok(await operator.post(f"{API}/tasks", json=given), 201)
    note = {"text": "@courier she moved"}
    await ok(await operator.post(f"{API}/customers/{there.customer}/notes", json=note), 201)
    assert 'aria-label="For me: 1 not read"' in await (await courier.get("/courier")).text()
    shown = await (await courier.get("/for-me")).text()
    assert "New task: Fetch the parcel" in shown and "she moved" not in shown
