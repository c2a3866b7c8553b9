"""Statuses of orders through the API and on their page; where orders show them."""

from typing import Any

from tests.web.shop import furnish
from tests.web.test_nouns import API, ok, refused

GIVEN = ("code", "name", "tone", "shape", "active", "late_days")


def as_given(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: it[name] for name in GIVEN} for it in found["statuses"]]


async def test_a_manager_makes_a_status_and_orders_come_into_it(client_of, database, people) -> None:
    there, manager, operator = (
        await furnish(database),
        await client_of("manager"),
        await client_of("operator"),
    )
    at, order = f"{API}/order-statuses", f"{API}/orders/{there.order}"
    found = await ok(await manager.get(at))
    groups = ["new", "work", "work", "delivery", "handed", "done", "lost", "lost"]
    assert [it["group"] for it in found["statuses"]] == groups
    more = [
        *as_given(found),
        {"name": "Waits for <money>", "group": "work", "tone": "teal", "shape": "square"},
    ]
    body = {"version": found["version"], "statuses": more}
    await refused(await operator.put(at, json=body), 403)
    made = await ok(await manager.put(at, json=body))
    assert made["statuses"][3]["code"] == "work.waits_for_money"
    await refused(await manager.put(at, json=body), 409)

    before = await ok(await operator.get(order))
    moved = {"version": before["version"], "status": "work.waits_for_money"}
    after = await ok(await operator.patch(order, json=moved))
    assert (after["group"], after["status_label"], after["open"]) == ("work", "Waits for <money>", True)
    await refused(await operator.patch(order, json={"version": after["version"], "status": "work.none"}), 409)
    await refused(await operator.patch(order, json={"version": after["version"], "status": "Nope!"}), 422)
    (listed,) = (await ok(await operator.get(f"{API}/orders?status=work.*")))["items"]
    assert (listed["id"], listed["status_tone"], listed["status_shape"]) == (there.order, "teal", "square")
    for page in (
        f"/orders/{there.order}",
        "/orders?status=work.waits_for_money",
        f"/customers/{there.customer}",
    ):
        shown = await (await operator.get(page)).text()
        assert '<span class="chip teal square"><i></i>Waits for &lt;money&gt;</span>' in shown, page
    gone = {
        "version": made["version"],
        "statuses": [it for it in as_given(made) if it["code"] != moved["status"]],
    }
    said = await refused(await manager.put(at, json=gone), 409)
    assert "orders are or were in it" in said["detail"]
    (entry,) = (
        await ok(await (await client_of("admin")).get(f"{API}/journal?action=order_statuses.change"))
    )["items"]
    assert entry["detail"]["work.waits_for_money"] == [None, "Waits for <money> (teal square)"]


async def test_the_page_saves_all_and_gives_back_what_was_typed(client_of, database, people) -> None:
    manager = await client_of("manager")
    found = await ok(await manager.get(f"{API}/order-statuses"))
    form: dict[str, Any] = {"version": found["version"]}
    for n, it in enumerate(found["statuses"]):
        row = {name: it[name] or "" for name in ("code", "group", "name", "tone", "shape", "late_days")}
        row |= {"place": 10 * n, "active": "yes" if it["active"] else ""}
        form |= {f"{name}{n}": value for name, value in row.items()}
    form |= {"name20": "Sewing", "group20": "work", "place20": 5, "active20": "yes", "late_days20": "3"}
    form |= {"tone20": "blue", "shape20": "dot"}
    form |= {"name3": "", "late_days1": "2", "active2": ""}
    refused_page = await manager.post("/order-statuses", data=form, allow_redirects=False)
    said = await refused_page.text()
    assert refused_page.status == 422 and "built in and stays" in said and 'value="Sewing"' in said
    form["name3"] = "On its way"
    answer = await manager.post("/order-statuses", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    after = await ok(await manager.get(f"{API}/order-statuses"))
    assert [(it["name"], it["late_days"], it["active"]) for it in after["statuses"][1:5]] == [
        ("Sewing", 3, True), ("Confirmed", 2, True), ("Packed", None, False), ("On its way", None, True),
    ]  # fmt: skip
    offered = await (await (await client_of("admin")).get("/funnels")).text()
    assert "Sewing" in offered and "Packed" not in offered
