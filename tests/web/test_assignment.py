"""Rules of who gets an order, through the API and on their page."""

from typing import Any

from tests.web.shop import furnish
from tests.web.test_nouns import API, ok, refused


async def test_a_manager_tries_rules_before_orders_follow_them(client_of, database, people) -> None:
    there, manager, operator = (
        await furnish(database),
        await client_of("manager"),
        await client_of("operator"),
    )
    at = f"{API}/assignment-rules"
    assert await ok(await manager.get(at)) == {"version": 0, "rules": []}
    large = {"name": "Large", "how": "person", "user_id": people["supervisor"], "amount_from": "10.00"}
    rules = [large, {"name": "The rest", "how": "fewest", "present": False, "thing": "order"}]
    (tried,) = await ok(await manager.post(f"{at}/trial", json={"rules": rules}))
    assert (tried["number"], tried["rule"], tried["place"], tried["names"]) == (
        "A-1001", "Large", 1, ["Supervisor"],
    )  # fmt: skip
    await refused(await operator.post(f"{at}/trial", json={"rules": rules}), 403)
    await refused(await operator.put(at, json={"version": 0, "rules": rules}), 403)
    nameless = {"version": 0, "rules": [large | {"user_id": None}]}
    assert "name the colleague" in (await refused(await manager.put(at, json=nameless), 409))["detail"]
    kept = await ok(await manager.put(at, json={"version": 0, "rules": rules}))
    assert [it["name"] for it in kept["rules"]] == ["Large", "The rest"]
    await refused(await manager.put(at, json={"version": 0, "rules": []}), 409)

    wish = {
        "customer_id": there.customer,
        "shop_id": there.shop,
        "items": [{"product_id": there.mug, "quantity": 2}],
    }
    order = await ok(await operator.post(f"{API}/orders", json=wish), 201)
    assert order["manager"] == "Supervisor"
    supervisor = await client_of("supervisor")
    assert (await ok(await supervisor.get(f"{API}/notices/unread"))) == {"unread": 1}
    shown = await (await supervisor.get(f"/orders/{order['id']}")).text()
    assert "<b>By the rule</b> Large" in shown and "<b>In charge</b> Supervisor" in shown
    own = await ok(await operator.post(f"{API}/orders", json=wish | {"manager_id": people["senior"]}), 201)
    assert own["manager"] == "Senior"


async def test_the_page_orders_tries_and_saves_rules(client_of, database, people) -> None:
    await furnish(database)
    manager = await client_of("manager")
    form: dict[str, Any] = {
        "version": "0",
        "do": "try",
        "name0": "Night & rest",
        "how0": "random",
        "place0": "20",
    }
    form |= {"name1": "Trade", "how1": "person", "user_id1": str(people["senior"]), "place1": "10"}
    form |= {
        "amount_from1": "10,5",
        "vip1": "no",
        "active0": "yes",
        "active1": "yes",
        "category0": "none such",
    }
    page = await manager.post("/assignment", data=form)
    shown = await page.text()
    assert page.status == 200 and "1. Trade" in shown and "nothing is saved yet" in shown
    assert shown.index('value="Trade"') < shown.index('value="Night &amp; rest"')
    assert (await ok(await manager.get(f"{API}/assignment-rules")))["rules"] == []
    wrong = await manager.post(
        "/assignment", data=form | {"do": "save", "user_id1": ""}, allow_redirects=False
    )
    assert wrong.status == 422 and "name the colleague" in await wrong.text()
    answer = await manager.post("/assignment", data=form | {"do": "save"}, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    saved = (await ok(await manager.get(f"{API}/assignment-rules")))["rules"]
    assert [(it["name"], it["amount_from"], it["vip"], it["category"], it["present"]) for it in saved] == [
        ("Trade", "10.50", False, None, False), ("Night & rest", None, None, "none such", False),
    ]  # fmt: skip
    again = await (await manager.get("/assignment")).text()
    assert 'value="Trade"' in again and f'<option value="{people["senior"]}" selected>' in again
