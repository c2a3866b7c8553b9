"""The end of a call through the API and the pages: finished in one step, linked or explained; outcomes in trees."""

import re

from tests.web import shop
from tests.web.test_nouns import API, ok, refused

LATER = "2026-11-20T15:00:00Z"


async def test_a_call_is_finished_in_one_step_and_leaves_the_list_of_those_to_link(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    call = await shop.add_call(database, talked=people["operator"])
    operator, senior = await client_of("operator"), await client_of("senior")
    waiting = await ok(await operator.get(f"{API}/unlinked-calls"))
    assert [one["id"] for one in waiting["items"]] == [str(call)]
    page = await (await operator.get("/unlinked")).text()
    assert "1 waits" in page
    assert '<span class="waits">1</span>' in page  # in the menu
    assert (await ok(await senior.get(f"{API}/unlinked-calls")))["items"] == []  # a colleague's
    await refused(await senior.put(f"{API}/calls/{call}/explanation", json={"reason": "x"}), 403)
    await ok(await operator.put(f"{API}/calls/{call}/customer", json={"customer_id": there.customer}))
    offered = await ok(await operator.get(f"{API}/calls/{call}/suggestions"))
    assert [one["kind"] for one in offered] == ["order", "deal"]
    step = {"kind": "callback", "due_at": LATER, "reason": "Say when it comes"}
    body = {"code": "order_question", "note": "Asked for the parcel", "next_step": step}
    unknown = await operator.post(f"{API}/calls/{call}/wrap-up", json=body | {"code": "sold"})
    assert (await refused(unknown, 409))["errors"][0]["field"] == "code"
    for _ in range(2):  # the answer may be lost
        await ok(await operator.post(f"{API}/calls/{call}/wrap-up", json=body), 204)
    planned = (await ok(await operator.get(f"{API}/callbacks?customer_id={there.customer}")))["items"]
    assert [one["reason"] for one in planned].count("Say when it comes") == 1
    answer = await operator.post(f"{API}/unlinked-calls/settled", json={"call_ids": [str(call)]})
    assert await ok(answer) == {"settled": 1, "left": 0}
    assert "Nothing waits" in await (await operator.get("/unlinked")).text()


async def test_a_supervisor_sees_who_owes_how_many_and_explains_many_at_once(
    client_of, database, people
) -> None:
    calls = [await shop.add_call(database, talked=people[who]) for who in ("operator", "operator", "senior")]
    supervisor = await client_of("supervisor")
    owed = await ok(await supervisor.get(f"{API}/unlinked-calls/owed"))
    assert [one["calls"] for one in owed] == [2, 1]
    page = await (await supervisor.get(f"/unlinked?operator_id={people['senior']}")).text()
    assert re.findall(r'data-call="([^"]+)"', page) == [str(calls[2])]
    form = {"call_ids": [str(call) for call in calls], "do": "explain", "reason": "Advertising"}
    answer = await supervisor.post("/unlinked", data=form, allow_redirects=False)
    assert answer.status == 303
    assert "Nothing waits" in await (await supervisor.get("/unlinked")).text()


async def test_an_administrator_nests_outcomes_and_says_what_they_ask_for(
    client_of, database, people
) -> None:
    there = await shop.furnish(database)
    admin, operator = await client_of("admin"), await client_of("operator")
    assert (await operator.get("/outcomes")).status == 403
    answer = await admin.post("/outcomes", data={"name": "Sales line"}, allow_redirects=False)
    assert answer.status == 303
    form = {
        "version": "1",
        "name": "Sales line",
        f"line{there.line}": "yes",
        "place0": "10",
        "name0": "Trouble",
        "place1": "20",
        "name1": "Damaged",
        "group1": "Trouble",
        "needs_note1": "yes",
        "about1_complaint": "yes",
    }
    assert (await admin.post("/outcomes/2", data=form, allow_redirects=False)).status == 303
    tree = (await ok(await operator.get(f"{API}/outcome-trees")))[1]
    assert (tree["line_ids"], tree["version"]) == ([there.line], 2)
    group, damaged = [one for one in tree["outcomes"] if one["active"]]
    assert (damaged["parent"], damaged["needs_note"], damaged["about"]) == (
        group["code"],
        True,
        ["complaint"],
    )
    assert (
        await admin.post("/outcomes/2", data=form, allow_redirects=False)
    ).status == 422  # somebody else was first
    call = await shop.add_call(database, talked=people["operator"])
    body = {"code": damaged["code"]}
    problem = await refused(await operator.post(f"{API}/calls/{call}/wrap-up", json=body), 409)
    assert problem["errors"][0]["field"] == "note"
