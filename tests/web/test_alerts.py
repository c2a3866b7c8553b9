"""Alerts: rules that supervisors keep, and who looks after what."""

from sqlalchemy import select

from crm_core.alert import About, raise_alert
from crm_core.audit import AuditEntry


async def test_supervisors_keep_the_rules_and_what_can_not_be_is_refused(client_of, database, people) -> None:
    boss, clerk = await client_of("supervisor"), await client_of("operator")
    usual = await (await boss.get("/api/v1/alert-rules")).json()
    assert {it["kind"] for it in usual} >= {"waiting", "service_level", "switchboard", "no_operator"}
    body = {
        "kind": "waiting",
        "bound": 45,
        "queue": "sales",
        "roles": ["senior"],
        "user_ids": [people["manager"]],
    }
    made = await (await boss.post("/api/v1/alert-rules", json=body)).json()
    assert (made["unit"], made["roles"], made["minutes"]) == ("seconds", ["senior"], None)
    address = f"/api/v1/alert-rules/{made['id']}"
    change = body | {"bound": 90, "version": 1}
    assert (await (await boss.put(address, json=change)).json())["version"] == 2
    assert (await boss.put(address, json=change)).status == 409  # somebody was quicker
    for wrong in ({"bound": 4000}, {"kind": "service_level", "bound": 70}, {"user_ids": [10**9]}):
        assert (await boss.post("/api/v1/alert-rules", json=body | wrong)).status == 409
    assert (await boss.post("/api/v1/alert-rules", json=body | {"kind": "weather"})).status == 422
    assert (await clerk.get("/api/v1/alert-rules")).status == 403
    form = {
        "kind": "waiting",
        "bound": "120",
        "queue": "sales",
        "version": "2",
        "roles": "manager",
        "active": "yes",
    }
    page = f"/floor/alerts/rules/{made['id']}"
    assert (await boss.post(page, data=form, allow_redirects=False)).status == 303
    shown = await (await boss.get("/floor/alerts")).text()
    assert "longer than 120 s" in shown and "Managers" in shown
    assert (await boss.post(page, data=form | {"bound": "1", "version": "3"})).status == 422
    assert (await boss.delete(address)).status == 204
    async with database.begin() as session:
        actions = (await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id))).all()
    assert [it for it in actions if it.startswith("alert_rule.")] == [
        "alert_rule.add", "alert_rule.change", "alert_rule.change", "alert_rule.remove",
    ]  # fmt: skip


async def test_one_looks_after_an_alert_and_is_not_told_twice(client_of, database, people, clock) -> None:
    boss = await client_of("supervisor")
    (rule, *_) = await (await boss.get("/api/v1/alert-rules")).json()
    async with database.begin() as session:
        for key, about, of in (("q", About.QUEUE, "sales"), ("o", About.OPERATOR, str(people["operator"]))):
            made = await raise_alert(
                session, rule["id"], key=key, about=about, of=of, said=f"{key} is wrong", at=clock.at
            )
            again = await raise_alert(
                session, rule["id"], key=key, about=about, of=of, said=f"{key} is wrong", at=clock.at
            )
            assert made and again is None  # told once, also by two processes
    found = (await (await boss.get("/api/v1/alerts?unfinished=true")).json())["items"]
    assert [it["text"] for it in found] == ["o is wrong", "q is wrong"]
    taken = f"/api/v1/alerts/{found[0]['id']}/acknowledge"
    assert [(await boss.post(taken)).status for _ in range(2)] == [204, 409]
    (shown, _) = (await (await boss.get("/api/v1/alerts")).json())["items"]
    assert shown["acked_name"] == "Supervisor"
    assert (await (await client_of("manager")).post(f"/api/v1/alerts/{10**9}/acknowledge")).status == 404
    assert (await (await client_of("operator")).get("/api/v1/alerts")).status == 403
