"""Shifts through the API: one's own, a colleague's, the list, the log; pause reasons and rules of wrap-up."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from crm_core.agent_state import log_state
from crm_core.audit import AuditEntry


async def test_an_operator_sets_his_own_shift(client_of, people, live) -> None:
    browser, me = await client_of("operator"), people["operator"]
    paused = await (await browser.post(f"/api/v1/agents/{me}/pause", json={"reason": "lunch"})).json()
    assert (paused["state"], paused["reason_code"]) == ("paused", "lunch")
    ready = await (await browser.post(f"/api/v1/agents/{me}/ready", json={})).json()
    assert ready["state"] == "available"
    signed_in = await browser.put(f"/api/v1/agents/{me}/queues/main/sales")
    assert [queue["queue"] for queue in (await signed_in.json())["queues"]] == ["sales"]
    signed_out = await browser.delete(f"/api/v1/agents/{me}/queues/main/sales")
    assert (await signed_out.json())["queues"] == []
    await browser.post(f"/api/v1/agents/{me}/wrap-up/extend", json={"seconds": 45})
    assert live.duty.extended == {me: 45}


async def test_nobody_but_who_supervises_sets_a_colleagues(client_of, people, live, database) -> None:
    colleague = people["operator"]
    for role in ("senior",):
        browser = await client_of(role)
        for method, path, body in (
            ("GET", f"/api/v1/agents/{colleague}", None),
            ("POST", f"/api/v1/agents/{colleague}/pause", {"reason": "lunch"}),
            ("POST", f"/api/v1/agents/{colleague}/ready", {}),
            ("POST", f"/api/v1/agents/{colleague}/wrap-up/finish", None),
            ("PUT", f"/api/v1/agents/{colleague}/queues/main/sales", None),
            ("GET", f"/api/v1/agents/{colleague}/states", None),
        ):
            answer = await browser.request(method, path, json=body)
            assert answer.status == 403, (method, path)
    assert live.duty.pauses == {}
    browser = await client_of("supervisor")
    answer = await browser.post(f"/api/v1/agents/{colleague}/pause", json={"reason": "meeting"})
    assert answer.status == 200
    async with database.begin() as session:
        (entry,) = await session.scalars(select(AuditEntry).where(AuditEntry.action == "agent.pause"))
    assert (entry.user_id, entry.object_id) == (people["supervisor"], str(colleague))


@pytest.mark.parametrize("reason", ["no-such", "retired"])
async def test_a_reason_that_is_not_offered_is_refused_and_nothing_changes(
    client_of, people, live, reason
) -> None:
    admin = await client_of("admin")
    made = await (await admin.post("/api/v1/pause-reasons", json={"label": "Retired"})).json()
    await admin.patch(f"/api/v1/pause-reasons/{made['id']}", json={"active": False})
    browser = await client_of("operator")
    answer = await browser.post(f"/api/v1/agents/{people['operator']}/pause", json={"reason": reason})
    assert answer.status == 409
    assert "Choose one of the list" in (await answer.json())["detail"]
    assert live.duty.pauses == {}


async def test_a_refusal_of_the_switchboard_comes_in_its_words(client_of, people) -> None:
    browser = await client_of("operator")
    answer = await browser.put(f"/api/v1/agents/{people['operator']}/queues/main/closed")
    assert answer.status == 409
    assert (await answer.json())["detail"] == "The switchboard refused: Permission denied"


async def test_the_log_of_a_shift_is_read_by_the_operator_and_his_supervisor(
    client_of, people, database, clock
) -> None:
    me, noon = people["operator"], clock()
    async with database.begin() as session:
        for hours, state in ((3, "available"), (2, "paused"), (1, "talking")):
            await log_state(
                session,
                me,
                noon - timedelta(hours=hours),
                state=state,
                reason="lunch" if state == "paused" else None,
                signed_in=True,
                call_id=None,
            )
    for role in ("operator", "supervisor"):
        browser = await client_of(role)
        rows = await (await browser.get(f"/api/v1/agents/{me}/states")).json()
        assert [row["state"] for row in rows] == ["available", "paused", "talking"]
        assert [row["to_at"] for row in rows[:2]] == [row["from_at"] for row in rows[1:]]
        assert rows[-1]["to_at"] is None


async def test_the_administrator_keeps_the_reasons(client_of) -> None:
    admin, operator = await client_of("admin"), await client_of("operator")
    answer = await admin.post("/api/v1/pause-reasons", json={"label": "Stock count", "productive": True})
    made = await answer.json()
    assert (answer.status, made["code"], made["productive"]) == (201, "stock_count", True)
    assert (await admin.post("/api/v1/pause-reasons", json={"label": "stock count"})).status == 409
    assert (await admin.post("/api/v1/pause-reasons", json={"label": "WRAPUP"})).status == 409
    await admin.patch(f"/api/v1/pause-reasons/{made['id']}", json={"label": "Counting", "position": 0})
    listed = await (await operator.get("/api/v1/pause-reasons")).json()
    assert (listed[0]["code"], listed[0]["label"]) == ("stock_count", "Counting")
    assert (await operator.post("/api/v1/pause-reasons", json={"label": "Nap"})).status == 403


async def test_the_nearest_rule_of_wrap_up_counts(client_of, people, services) -> None:
    from crm_core.wrap_up_rule import list_wrap_up_rules, wrap_up_seconds

    admin, anna, oleg = await client_of("admin"), people["operator"], people["senior"]
    for rule in (
        {"seconds": 30},
        {"seconds": 60, "queue": "orders"},
        {"seconds": 0, "user_id": oleg},
        {"seconds": 90, "queue": "orders", "user_id": oleg},
        {"seconds": 45},  # in the place of the first
    ):
        assert (await admin.post("/api/v1/wrap-up-rules", json=rule)).status == 201
    async with services.db.begin() as session:
        rules = await list_wrap_up_rules(session)
    of = [wrap_up_seconds(rules, queue, who) for who in (anna, oleg) for queue in ("sales", "orders")]
    assert of == [45, 60, 0, 90]
    assert len(rules) == 4
    assert (await admin.post("/api/v1/wrap-up-rules", json={"seconds": 30, "user_id": 999999})).status == 404
    assert (await admin.delete(f"/api/v1/wrap-up-rules/{rules[0].id}")).status == 204


async def test_the_page_of_pauses_adds_changes_and_removes(client_of) -> None:
    admin = await client_of("admin")
    await admin.post("/pauses/reasons", data={"label": "Stock count", "productive": "yes"})
    await admin.post("/pauses/rules", data={"queue": "sales", "user_id": "", "seconds": "40"})
    page = await (await admin.get("/pauses")).text()
    assert "Stock count" in page and ">40<" in page
    (reason,) = [
        it for it in await (await admin.get("/api/v1/pause-reasons")).json() if it["code"] == "stock_count"
    ]
    await admin.post(f"/pauses/reasons/{reason['id']}", data={"label": "Counting", "position": "9"})
    changed = await (await admin.get("/api/v1/pause-reasons")).json()
    (after,) = [it for it in changed if it["id"] == reason["id"]]
    assert (after["label"], after["productive"], after["active"]) == ("Counting", False, False)
    (rule,) = await (await admin.get("/api/v1/wrap-up-rules")).json()
    assert (rule["queue"], rule["user_id"], rule["seconds"]) == ("sales", None, 40)
    await admin.post(f"/pauses/rules/{rule['id']}/remove")
    assert await (await admin.get("/api/v1/wrap-up-rules")).json() == []
    refused = await admin.post("/pauses/rules", data={"seconds": "99999"})
    assert refused.status == 422
    operator = await client_of("operator")
    assert (await operator.get("/pauses")).status == 403
