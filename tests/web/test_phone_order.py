"""The phone order through the API, as the desk uses it: found, held, priced, read back, placed once, shown."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

from sqlalchemy import text

from tests.web import shop
from tests.web.test_calls import API, ok, refused


async def test_an_order_is_taken_in_a_call_and_placed_once(client_of, database, people) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"], customer_id=there.customer)
    other = await shop.add_call(database, talked=people["senior"], customer_id=there.customer)
    operator, senior, manager = (
        await client_of("operator"),
        await client_of("senior"),
        await client_of("manager"),
    )
    at, body = f"{API}/calls/{call}/draft", {"items": [{"product_id": there.mug, "quantity": 14}]}
    left = (await ok(await operator.get(f"{API}/products", params={"query": "mug"})))[0]["stock"]
    body["items"][0]["quantity"] = left
    kept = await ok(await operator.put(at, json={"body": body, "version": 0}))
    stale = await refused(await operator.put(at, json={"body": {"items": []}, "version": 0}), 409)
    assert stale["version"] == kept["version"] == 1
    assert (await ok(await operator.get(at)))["body"] == body

    seen = (await ok(await senior.get(f"{API}/products", params={"query": "mug", "call_id": str(other)})))[0]
    assert (seen["free"], seen["ahead"]) == (0, ["Operator"])
    item = {"product_id": there.mug, "quantity": 1}
    asked = {"customer_id": there.customer, "shop_id": there.shop, "items": [item]}
    problem = await refused(await senior.post(f"{API}/orders", json=asked | {"call_id": str(other)}), 409)
    assert problem["detail"].startswith("Operator has the last of")
    await refused(await senior.get(at), 403)

    question = {name: asked[name] for name in ("shop_id", "customer_id", "items")}
    quote = await ok(await operator.post(f"{API}/quotes", json=question | {"call_id": str(call)}))
    assert (quote["items"][0]["free"], quote["margin"]) == (left, None)
    await ok(
        await manager.patch(f"{API}/products/{there.mug}", json={"version": 1, "purchase_price": "3.00"})
    )
    assert (await ok(await manager.post(f"{API}/quotes", json=question)))["margin"] == "5.90"

    wish = asked | {"call_id": str(call), "key": str(uuid4()), "confirmed": True}
    first = await ok(await operator.post(f"{API}/orders", json=wish), 201)
    again = await ok(await operator.post(f"{API}/orders", json=wish), 201)
    assert (
        again["id"] == first["id"] and first["confirmed"]["by"] == "Operator" and first["confirmed"]["holds"]
    )
    draft = await ok(await operator.get(at))
    assert (draft["body"], draft["version"]) == ({"items": []}, 2)
    page = await (await operator.get(f"/orders/{first['id']}")).text()
    assert "confirmed by the customer" in page
    async with database.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM call_holds")) == 0

    change = {
        "version": first["version"],
        "call_id": str(call),
        "items": [item | {"quantity": 2}],
        "key": str(uuid4()),
    }
    changed = await ok(await operator.patch(f"{API}/orders/{first['id']}", json=change))
    resent = await ok(await operator.patch(f"{API}/orders/{first['id']}", json=change))
    assert (changed["version"], resent["version"], changed["confirmed"]["holds"]) == (2, 2, False)


async def test_two_who_take_the_last_piece_in_the_same_second_one_gets_it_the_other_reads_why(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    item = {"product_id": there.tea, "quantity": 1}  # one is left
    both = {name: await client_of(name) for name in ("operator", "senior")}
    calls = {
        name: str(await shop.add_call(database, talked=people[name], customer_id=there.customer))
        for name in both
    }

    async def of_each(act: Callable[[str, Any], Awaitable[Any]]) -> list[Any]:
        return await asyncio.gather(*(act(name, client) for name, client in both.items()))

    async def types(name: str, client: Any) -> None:
        draft = {"body": {"items": [item]}, "version": 0}
        await ok(await client.put(f"{API}/calls/{calls[name]}/draft", json=draft))

    async def sees(name: str, client: Any) -> tuple[int, list[str]]:
        asked = {"shop_id": there.shop, "items": [item], "call_id": calls[name]}
        (line,) = (await ok(await client.post(f"{API}/quotes", json=asked)))["items"]
        return line["free"], line["ahead"]

    async def presses(name: str, client: Any) -> tuple[int, Any]:
        wish = {"customer_id": there.customer, "shop_id": there.shop, "items": [item]}
        wish |= {"call_id": calls[name], "key": str(uuid4())}
        answer = await client.post(f"{API}/orders", json=wish)
        return answer.status, await answer.json()

    await of_each(types)
    first, second = sorted(await of_each(sees), reverse=True)
    winner = second[1][0]
    assert (first, second) == ((1, []), (0, [winner]))  # both know it before either presses
    taken, refusal = sorted(await of_each(presses), key=lambda answer: answer[0])
    assert (taken[0], refusal[0]) == (201, 409)
    assert taken[1]["created_by"] == winner
    said = refusal[1]["detail"]  # by its place in the queue, or by what is left once the other has it
    assert winner in said or "There is none of Tea set left" in said
    assert "offer something else" in said
    assert len((await ok(await both["senior"].get(f"{API}/orders")))["items"]) == 2  # one was there before


async def test_the_catalogue_says_what_goes_with_a_product_and_the_desk_offers_it(
    client_of, database
) -> None:
    there = await shop.furnish(database)
    operator, manager = await client_of("operator"), await client_of("manager")
    lid = {"shop_id": there.shop, "sku": "LD-01", "name": "Lid", "price": "2.00", "aliases": ["cover"]}
    other = await ok(await manager.post(f"{API}/products", json=lid), 201)
    at = f"{API}/products/{there.mug}/accessories"
    await refused(await operator.put(f"{at}/{other['id']}", json={"line": ""}), 403)
    await refused(await manager.put(f"{at}/{there.mug}", json={"line": ""}), 409)
    form = {"accessory": "ld-01", "line": "A lid keeps it warm: shall I add one?"}
    await manager.post(f"/products/{there.mug}/accessories", data=form)
    page = await (await manager.get(f"/products/{there.mug}")).text()
    assert (
        "A lid keeps it warm" in page
        and "cover" in await (await manager.get(f"/products/{other['id']}")).text()
    )
    assert (
        await ok(await operator.get(f"{API}/suggestions", params={"product_ids": str(there.mug)})) == []
    )  # none left
    async with database.begin() as session:
        await session.execute(text("UPDATE products SET stock = 5 WHERE id = :id"), {"id": other["id"]})
    (offer,) = await ok(await operator.get(f"{API}/suggestions", params={"product_ids": str(there.mug)}))
    assert (offer["name"], offer["line"], offer["price"]) == ("Lid", form["line"], "2.00")
    found = await ok(await operator.get(f"{API}/products", params={"query": "cov"}))
    assert [it["sku"] for it in found] == ["LD-01"]
    await manager.post(f"/products/{there.mug}/accessories/{other['id']}/remove")
    assert await ok(await operator.get(at)) == []
