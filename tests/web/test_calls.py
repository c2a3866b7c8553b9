"""Calls through the API: whose they are, what they were about, what was written; nothing typed is lost."""

from uuid import uuid4

from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.db import Database
from crm_core.order import Order
from tests.web import shop

API = "/api/v1"


async def ok(answer, status: int = 200):
    text = await answer.text()
    assert answer.status == status, text
    return await answer.json() if text else None


async def refused(answer, status: int) -> dict:
    assert answer.status == status, await answer.text()
    assert answer.content_type == "application/problem+json"
    return await answer.json()


async def links(database: Database, call) -> list[tuple]:
    async with database.begin() as session:
        found = await session.scalars(select(CallLink).where(CallLink.call_id == call).order_by(CallLink.id))
        return [(link.order_id, link.deal_id, link.role, link.removed_at is None) for link in found]


async def test_an_order_taken_during_a_call_is_linked_to_the_call_and_to_its_deal(
    client_of, database, people, live
) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator = await client_of("operator")
    wish = {
        "customer_id": there.customer,
        "shop_id": there.shop,
        "call_id": str(call),
        "deal_id": there.deal,
        "items": [{"product_id": there.mug, "quantity": 3, "price": "8.50"}, {"product_id": there.tea}],
        "delivery_cost": "4.00",
        "delivery_method": "DPD",
    }
    order = await ok(await operator.post(f"{API}/orders", json=wish), 201)
    assert (order["total"], order["goods"], order["created_in_call_id"]) == ("65.50", "61.50", str(call))
    assert await links(database, call) == [
        (order["id"], None, "created", True),
        (None, there.deal, "discussed", True),
    ]
    seen = await ok(await operator.get(f"{API}/calls", params={"order_id": order["id"]}))
    assert [one["id"] for one in seen["items"]] == [str(call)]
    assert call in live.changed
    for address in (f"/orders/{order['id']}", f"/deals/{there.deal}"):
        assert str(call) in await (await operator.get(address)).text()


async def test_relinking_moves_a_call_and_is_kept_in_the_history(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator = await client_of("operator")
    first = await ok(await operator.post(f"{API}/calls/{call}/links", json={"deal_id": there.deal}), 201)
    moved = await operator.post(
        f"{API}/calls/{call}/links", json={"order_id": there.order, "role": "changed"}
    )
    assert (await ok(moved, 201))["label"] == "A-1001"
    await ok(await operator.delete(f"{API}/calls/{call}/links/{first['id']}"), 204)
    shown = await ok(await operator.get(f"{API}/calls/{call}"))
    assert [(one["kind"], one["removed_by"]) for one in shown["links_made"]][-1] == ("deal", "Operator")
    async with database.begin() as session:
        logged = (await session.scalars(select(AuditEntry.action).where(AuditEntry.call_id == call))).all()
    assert sorted(logged) == ["call.view", "link_call", "link_call", "unlink_call"]
    await refused(await operator.delete(f"{API}/calls/{call}/links/{first['id']}"), 404)
    both = {"order_id": there.order, "deal_id": there.deal}
    for wrong in ({}, both, {"order_id": None}, {"order_id": there.order, "role": "sold"}):
        await refused(await operator.post(f"{API}/calls/{call}/links", json=wrong), 422)


async def test_an_operator_neither_sees_nor_hears_a_colleagues_call(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["senior"], customer_id=there.customer)
    recording = await shop.add_sound(database, call, "nobody else may read this")
    operator, senior, boss = [await client_of(role) for role in ("operator", "senior", "supervisor")]
    urls = [one["url"] for one in await ok(await senior.get(f"{API}/calls/{call}/recordings"))]
    assert urls and f"/recordings/{recording}/audio?" in urls[0]
    for path in ("", "/recordings", "/transcript"):
        await refused(await operator.get(f"{API}/calls/{call}{path}"), 403)
        await ok(await boss.get(f"{API}/calls/{call}{path}"))
    await refused(await operator.get(urls[0]), 403)
    assert "download=true" in await (await boss.get(f"/calls/{call}")).text()
    assert "download=true" not in await (await senior.get(f"/calls/{call}")).text()
    body = {"text": "mine", "version": 0}
    await refused(await operator.put(f"{API}/calls/{call}/note", json=body), 403)
    assert (await operator.get(f"/calls/{call}")).status == 403
    for address in (f"/calls/{call}", f"/orders/{there.order}", f"/customers/{there.customer}", "/calls"):
        text = await (await operator.get(address)).text()
        assert "nobody else may read this" not in text and f"/calls/{call}" not in text.replace("next=", "")
    assert (await ok(await operator.get(f"{API}/calls")))["items"] == []
    assert len((await ok(await boss.get(f"{API}/calls")))["items"]) == 1
    assert (await ok(await boss.get(f"{API}/calls", params={"mine": "true"})))["items"] == []


async def test_whose_phone_only_rang_sees_the_call_but_does_not_hear_it(client_of, database, people) -> None:
    call = await shop.add_call(database, talked=people["senior"], rang=people["operator"])
    await shop.add_sound(database, call, "said to the other")
    operator = await client_of("operator")
    shown = await ok(await operator.get(f"{API}/calls/{call}"))
    assert [leg["result"] for leg in shown["legs"]] == ["answered", "elsewhere"]
    assert [leg["rang_s"] for leg in shown["legs"]] == [8.0, 8.0]
    for path in ("recordings", "transcript"):
        await refused(await operator.get(f"{API}/calls/{call}/{path}"), 403)
    assert "said to the other" not in await (await operator.get(f"/calls/{call}")).text()


async def test_a_call_is_hers_from_the_moment_it_stands_on_her_desk(
    client_of, database, people, live
) -> None:
    operator = await client_of("operator")
    call = await live.dial(people["operator"], "+79161234567")
    note = f"{API}/calls/{call}/note"
    await refused(await operator.get(f"{API}/calls/{call}"), 404)
    said = await refused(await operator.put(note, json={"text": "blue mugs", "version": 0}), 503)
    assert "just being written down" in said["detail"]
    # Its row is there before it says whose telephone rings.
    await shop.add_call(database, talked=people["supervisor"], id=call)
    assert (await ok(await operator.get(f"{API}/calls/{call}")))["id"] == str(call)
    await ok(await operator.put(note, json={"text": "blue mugs", "version": 0}))
    assert (await operator.get(f"/calls/{call}")).status == 200
    await live.finish(call)
    await refused(await operator.get(f"{API}/calls/{call}"), 403)


async def test_a_note_with_a_stale_version_is_refused_and_nothing_is_lost(
    client_of, database, people, live
) -> None:
    call = await shop.add_call(database, talked=people["operator"])
    operator, boss = await client_of("operator"), await client_of("supervisor")
    first = await ok(await operator.put(f"{API}/calls/{call}/note", json={"text": "mine", "version": 0}))
    assert first["version"] == 1 and first["saved_at"] and live.changed == [call]
    stale = {"text": "theirs", "version": 0}
    problem = await refused(await boss.put(f"{API}/calls/{call}/note", json=stale), 409)
    assert "meanwhile" in problem["detail"]
    page = await boss.post(f"/calls/{call}/note", data=stale)
    text = await page.text()
    assert page.status == 422 and "mine" in text and "theirs" in text
    assert (await ok(await operator.get(f"{API}/calls/{call}")))["note"] == "mine"
    await ok(await boss.put(f"{API}/calls/{call}/note", json=stale | {"version": 1}))


async def test_an_unknown_caller_becomes_a_customer_with_the_number_of_the_call(
    client_of, database, people, live
) -> None:
    there = await shop.furnish(database)
    new = {"remote_e164": "+48602118340", "remote_raw": "602118340", "line_id": there.line}
    call = await shop.add_call(database, talked=people["operator"], **new)
    operator = await client_of("operator")
    body = {"name": "Ivan Petrov", "city": "Łódź", "email": "ivan@example.com"}
    made = await ok(await operator.post(f"{API}/calls/{call}/customer", json=body), 201)
    assert [number["e164"] for number in made["numbers"]] == ["+48602118340"]
    assert made["source"] == "Call to Sales"
    assert (await ok(await operator.get(f"{API}/calls/{call}")))["customer_name"] == "Ivan Petrov"
    assert live.changed == [call]


async def test_a_choice_among_several_customers_is_kept_with_the_call_and_its_number(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    new = {"remote_e164": "+48602118340", "remote_raw": "602118340"}
    call = await shop.add_call(database, talked=people["operator"], **new)
    operator = await client_of("operator")
    chosen = await operator.put(f"{API}/calls/{call}/customer", json={"customer_id": there.customer})
    assert "+48602118340" in [number["e164"] for number in (await ok(chosen))["numbers"]]
    await refused(await operator.put(f"{API}/calls/{call}/customer", json={"customer_id": 99}), 404)


async def test_drafts_and_outcomes_are_kept_and_end_the_wrap_up(client_of, database, people) -> None:
    call = await shop.add_call(database, talked=people["operator"])
    operator = await client_of("operator")
    for version in (1, 2):
        kept = await ok(await operator.put(f"{API}/calls/{call}/draft", json={"body": {"items": []}}))
        assert kept["version"] == version
    outcome = {"code": "other", "note": "wrong shop"}
    await ok(await operator.put(f"{API}/calls/{call}/disposition", json=outcome), 204)
    shown = await ok(await operator.get(f"{API}/calls/{call}"))
    assert (shown["disposition_label"], shown["note"]) == ("Other", "wrong shop")
    await refused(await operator.put(f"{API}/calls/{call}/disposition", json={"code": "sold"}), 409)
    listed = [one["code"] for one in await ok(await operator.get(f"{API}/dispositions"))]
    assert "other" in listed


async def test_a_click_rings_and_says_where_it_came_from(client_of, database, live) -> None:
    there = await shop.furnish(database)
    operator = await client_of("operator")
    wish = {"to": "+48 601 220 114", "order_id": there.order, "customer_id": there.customer}
    made = await ok(await operator.post(f"{API}/calls", json=wish), 202)
    (dialled,) = live.calls.values()
    assert dialled["id"] == made["id"] and dialled["origin"]["order_id"] == there.order
    await ok(await operator.post(f"{API}/calls/{made['id']}/hangup"), 202)
    assert live.calls == {}
    await refused(await operator.post(f"{API}/calls/{made['id']}/hangup"), 404)
    for to in ("not a number", "", "+", "1;2", "12\r\nAction: x", None, 5):
        await refused(await operator.post(f"{API}/calls", json={"to": to}), 422)
    assert live.calls == {}


async def test_a_malformed_change_of_a_call_changes_nothing(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    operator = await client_of("operator")
    for path, body in (
        ("note", {"text": 5, "version": 0}),
        ("note", {"text": "x", "version": "0"}),
        ("note", {"text": "x", "version": 0, "more": 1}),
        ("customer", {"customer_id": "1"}),
        ("customer", []),
        ("draft", {"body": "text"}),
        ("disposition", {}),
    ):
        await refused(await operator.put(f"{API}/calls/{call}/{path}", json=body), 422)
    broken = await operator.put(
        f"{API}/calls/{call}/note", data=b"{", headers={"Content-Type": "application/json"}
    )
    await refused(broken, 400)
    await refused(await operator.get(f"{API}/calls/{uuid4()}"), 404)
    await refused(await operator.get(f"{API}/calls/nonsense"), 404)
    async with database.begin() as session:
        kept = await session.get(Call, call)
        assert (kept.note, kept.customer_id, kept.disposition) == ("", there.customer, None)
        assert len((await session.scalars(select(Order))).all()) == 1
