"""What customers write stands in their history, whoever carried it; a stranger's message waits with a lead."""

from typing import Any

from sqlalchemy import select

from crm_core.notice import Notice
from tests.web import shop
from tests.web.test_nouns import API, ok, refused
from tests.web.test_pages import page


async def test_messages_find_their_customer_or_make_a_lead_that_takes_them_along(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    manager, operator = await client_of("manager"), await client_of("operator")
    at = f"{API}/customers/{there.customer}"
    await ok(await operator.post(f"{at}/contacts", json={"kind": "telegram", "value": "@marta_z"}), 201)
    await ok(await operator.patch(at, json={"version": 1, "manager_id": people["senior"]}))

    async def carried(key: str, channel: str, address: str, text: str, **more: Any) -> Any:
        told = {"id": key, "shop_id": there.shop, "channel": channel, "address": address, "text": text}
        told |= {"direction": "inbound", "at": "2026-11-20T11:50:00Z"} | more
        return await manager.post(f"{API}/messages", json=told)

    sms = await ok(await carried("m-1", "sms", shop.NUMBER, "Is it in yet?"))
    assert (sms["customer_id"], sms["lead_id"], sms["added"]) == (there.customer, None, True)
    again = await ok(await carried("m-1", "sms", shop.NUMBER, "Is it in yet?"))
    assert (again["id"], again["added"]) == (sms["id"], False)
    for name, channel, address in (("m-2", "email", "Marta@Example.com"), ("m-3", "telegram", "marta_z")):
        assert (await ok(await carried(name, channel, address, "Hello")))["customer_id"] == there.customer
    body = {"channel": "whatsapp", "direction": "outbound", "text": "Two are left, =SUM(1)"}
    await ok(await operator.post(f"{at}/messages", json=body), 201)
    form = {"channel": "viber", "direction": "inbound", "text": "<b>Keep one</b> for me"}
    await operator.post(f"/customers/{there.customer}/messages", data=form)
    told = (await ok(await operator.get(f"{at}/history?kind=message")))["items"]
    assert [(it["title"], it["direction"], it["operator"]) for it in told[:2]] == [
        ("viber", "inbound", "Operator"), ("whatsapp", "outbound", "Operator"),
    ]  # fmt: skip
    assert {it["title"] for it in told} == {"sms", "email", "telegram", "viber", "whatsapp"}
    assert {"message", "order", "deal", "callback"} <= {
        it["kind"] for it in (await ok(await operator.get(f"{at}/history")))["items"]
    }
    said = await page(operator, f"/customers/{there.customer}?kind=message")
    assert "&lt;b&gt;Keep one" in said and "Order A-1" not in said
    async with database.begin() as session:
        heard = (await session.scalars(select(Notice.text).where(Notice.user_id == people["senior"]))).all()
    assert len(heard) == 4 and all(it.startswith("Marta") for it in heard)

    stranger = "+48 601 777 111"
    first = await ok(await carried("m-4", "whatsapp", stranger, "Do you sell kettles?", name="Zoe"))
    second = await ok(await carried("m-5", "sms", "601777111", "And tea?"))
    assert first["customer_id"] is None and first["lead_id"] == second["lead_id"]
    lead = await ok(await manager.get(f"{API}/leads/{first['lead_id']}"))
    assert (lead["name"], lead["message"]) == ("Zoe", "Do you sell kettles?\nAnd tea?")
    made = await ok(await manager.post(f"{API}/leads/{lead['id']}/qualify", json={}))
    theirs = (await ok(await manager.get(f"{API}/customers/{made['customer_id']}/history?kind=message")))[
        "items"
    ]
    assert {it["text"] for it in theirs} == {"Do you sell kettles?", "And tea?"}

    problem = await refused(await carried("m-6", "telegram", "nobody", "Hi"), 409)
    assert "add it to a card" in problem["detail"]
    await refused(await carried("m-6", "sms", shop.NUMBER, "Hi", shop_id=999), 404)
    await refused(await carried("m-6", "sms", shop.NUMBER, " "), 422)
    await refused(await operator.post(f"{API}/messages", json={}), 403)
