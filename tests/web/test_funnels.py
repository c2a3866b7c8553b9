"""Funnels and lost reasons through the API and on their page; what deals take from them."""

from typing import Any

from tests.web.shop import furnish
from tests.web.test_nouns import API, ok, refused


async def test_an_administrator_makes_a_funnel_and_deals_go_through_it(client_of, database, people) -> None:
    there, admin, operator = await furnish(database), await client_of("admin"), await client_of("operator")
    made = await ok(await admin.post(f"{API}/funnels", json={"name": "Wholesale"}), 201)
    assert [stage["name"] for stage in made["stages"]] == ["New", "Won", "Lost"]
    new, won, lost = made["stages"]
    stages = [new, {"name": "Contract", "stuck_days": 5, "order_status": "confirmed"}, won, lost]
    at = f"{API}/funnels/{made['id']}"
    changed = await ok(await admin.patch(at, json={"version": made["version"], "stages": stages}))
    assert [stage["code"] for stage in changed["stages"]] == ["new", "contract", "won", "lost"]
    await refused(await admin.patch(at, json={"version": made["version"], "name": "Late"}), 409)
    await refused(await admin.patch(at, json={"version": changed["version"], "stages": [new]}), 409)
    await refused(await operator.post(f"{API}/funnels", json={"name": "Mine"}), 403)
    await refused(await admin.post(f"{API}/funnels", json={"name": "Wholesale"}), 409)

    body = {"title": "Canteen", "customer_id": there.customer, "currency": "EUR", "funnel_id": made["id"]}
    deal = await ok(await operator.post(f"{API}/deals", json=body), 201)
    assert (deal["funnel"], deal["stage_label"], deal["owned"]) == ("Wholesale", "New", {})
    where = f"{API}/deals/{deal['id']}"
    why = await refused(await operator.patch(where, json={"version": 1, "stage": "lost"}), 409)
    assert why["errors"][0]["field"] == "lost_reason_id"
    await refused(await operator.patch(where, json={"version": 1, "stage": "offer"}), 409)
    reason = await ok(await admin.post(f"{API}/lost-reasons", json={"label": "Too far"}), 201)
    gone = {"version": 1, "stage": "lost", "lost_reason_id": reason["id"]}
    assert (await ok(await operator.patch(where, json=gone)))["lost_reason"] == "Too far"
    steps = await ok(await operator.get(f"{where}/steps"))
    assert [(it["from_stage"], it["to_stage"], it["reason"], it["user"]) for it in steps] == [
        ("New", "Lost", "Too far", "Operator"),
        (None, "New", None, "Operator"),
    ]
    owned = await ok(await operator.get(f"{API}/deals/{there.deal}"))
    assert owned["owned"]["amount"] == "The amount follows the deal's orders."


async def test_the_page_orders_renames_and_takes_away_stages(client_of, database, people) -> None:
    admin = await client_of("admin")
    (sales,) = await ok(await admin.get(f"{API}/funnels"))
    form: dict[str, Any] = {"version": 1, "name": "Sales", "position": 1, "active": "yes"}
    for n, stage in enumerate(sales["stages"]):
        kept = {"name": stage["name"], "code": stage["code"], "kind": stage["kind"], "place": n * 10}
        kept |= {"status": stage["order_status"] or "", "days": stage["stuck_days"] or ""}
        form |= {f"{field}{n}": value for field, value in kept.items()}
    form |= {"name1": "", "name5": "Measured", "kind5": "open", "place5": 5, "days5": 4}
    answer = await admin.post("/funnels/1", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    (after,) = await ok(await admin.get(f"{API}/funnels"))
    assert [(it["name"], it["stuck_days"]) for it in after["stages"][:3]] == [
        ("New", 3), ("Measured", 4), ("Ordered", None),
    ]  # fmt: skip
    stale = await admin.post("/funnels/1", data=form, allow_redirects=False)
    assert stale.status == 422
    assert "changed by somebody else" in await stale.text()
    assert (await admin.post("/funnels", data={"name": "Repairs"}, allow_redirects=False)).status == 303
    assert (await admin.post("/lost-reasons", data={"label": "Rude"}, allow_redirects=False)).status == 303
    await admin.post("/lost-reasons/2", data={"label": "Price"}, allow_redirects=False)
    reasons = await ok(await admin.get(f"{API}/lost-reasons"))
    assert [(it["label"], it["active"]) for it in (reasons[1], reasons[-1])] == [
        ("Price", False), ("Rude", True),
    ]  # fmt: skip
    page = await (await admin.get("/funnels")).text()
    assert "Measured" in page and "Rude" in page


async def test_a_deal_is_lost_by_a_form_and_the_list_keeps_its_filters(client_of, database, people) -> None:
    there, operator = await furnish(database), await client_of("operator")
    body = {"title": "Canteen", "customer_id": there.customer, "currency": "EUR"}
    deal = await ok(await operator.post(f"{API}/deals", json=body), 201)
    form = {"version": 1, "title": "Canteen", "stage": "lost:3", "amount": "5", "responsible_id": ""}
    answer = await operator.post(f"/deals/{deal['id']}", data=form, allow_redirects=False)
    assert answer.status == 303, await answer.text()
    shown = await (await operator.get(f"/deals/{deal['id']}")).text()
    assert "Bought elsewhere" in shown
    listed = await (
        await operator.get("/deals?funnel_id=1&stage=lost&since=2026-11-01&until=2026-11-30")
    ).text()
    assert f"/deals/{deal['id']}" in listed and 'value="2026-11-01"' in listed
    assert "Canteen" not in await (await operator.get("/deals?stuck=true")).text()
