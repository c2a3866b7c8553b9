"""The queue in the API and on pages: taken by one, seen by supervisors; whom nobody calls is refused at the dial."""

from tests.web import shop
from tests.web.test_nouns import API, ok, refused

TURN = f"{API}/queue/turn"


async def test_an_operator_takes_the_next_alone_and_a_supervisor_sees_who_has_whom(
    client_of, database, clock
) -> None:
    there = await shop.furnish(database)
    clock.move(hours=3)  # the callback is due
    operator, senior = await client_of("operator"), await client_of("senior")
    turn = (await ok(await operator.post(TURN)))["turn"]
    assert (turn["customer_id"], turn["number"]) == (there.customer, shop.NUMBER)
    assert [cause["kind"] for cause in turn["causes"]] == ["callback", "unpaid"]
    assert turn["card"]["customer"]["id"] == there.customer
    assert (await ok(await operator.post(TURN)))["turn"]["id"] == turn["id"]  # pressed twice
    assert await ok(await senior.post(TURN)) == {"turn": None}
    supervisor = await client_of("supervisor")
    [row] = await ok(await supervisor.get(f"{API}/queue"))
    assert (row["customer_id"], row["user"]) == (there.customer, "Operator")
    page = await (await supervisor.get("/queue")).text()
    assert "A callback is due" in page and "How the rank is made" in page
    assert (await operator.get("/queue")).status == 403
    await refused(await operator.post(f"{TURN}/skipped", json={"reason": ""}), 422)
    await ok(await operator.put(TURN), 204)
    await ok(await operator.post(f"{TURN}/skipped", json={"reason": "Asked to wait", "hours": 24}), 204)
    await refused(await operator.post(f"{TURN}/done"), 409)
    assert await ok(await senior.post(TURN)) == {"turn": None}  # he rests


async def test_a_dial_says_why_not_and_a_supervisor_may_call_anyway(client_of, database, live) -> None:
    there = await shop.furnish(database)
    operator, supervisor = await client_of("operator"), await client_of("supervisor")
    form = {"customer_id": str(there.customer), "reason": "Asked by letter"}
    assert (await operator.post("/do-not-call", data=form, allow_redirects=False)).status == 403
    assert (await supervisor.post("/do-not-call", data=form, allow_redirects=False)).status == 303
    page = await (await supervisor.get("/do-not-call")).text()
    assert "Asked by letter" in page and "Marta" in page
    live.refused = "Not to be called: Asked by letter"
    dial = {"to": shop.NUMBER}
    problem = await refused(await operator.post(f"{API}/calls", json=dial), 409)
    assert ("Asked by letter" in problem["detail"], problem.get("choices")) == (True, [])
    await refused(await operator.post(f"{API}/calls", json=dial | {"anyway": True}), 403)
    problem = await refused(await supervisor.post(f"{API}/calls", json=dial), 409)
    assert problem["choices"][0]["value"] == "anyway"
    await ok(await supervisor.post(f"{API}/calls", json=dial | {"anyway": True}), 202)
    [ban] = await ok(await supervisor.get(f"{API}/do-not-call"))
    await ok(await supervisor.delete(f"{API}/do-not-call/{ban['id']}"), 204)
    assert (
        await supervisor.post("/do-not-call/limit", data={"most_a_day": "3"}, allow_redirects=False)
    ).status == 303
    assert 'value="3"' in await (await supervisor.get("/do-not-call")).text()
