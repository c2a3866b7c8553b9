"""Dashboards: tiles put together and kept, shared with a team; in each what its reader may see."""

import re

from crm_core.team import place, save_team
from crm_core.user import User
from tests.web import shop

API = "/api/v1/dashboards"


async def test_a_dashboard_is_kept_and_shared_and_each_reader_sees_his_own_numbers(
    client_of, database, people
) -> None:
    made = await shop.furnish(database)
    for login in ("operator", "operator", "supervisor"):
        await shop.add_call(database, talked=people[login])
    async with database.begin() as session:
        team = await save_team(session, None, "Floor")
        for login in ("operator", "supervisor"):
            await place(session, await session.get_one(User, people[login]), team_id=team.id)
    supervisor, operator, senior = [await client_of(who) for who in ("supervisor", "operator", "senior")]
    report = {
        "name": "By operator <b>",
        "query": {"by": "operator", "figures": "answered", "time": "last_365_days"},
    }
    report_id = (await (await supervisor.post("/api/v1/reports", json={**report, "shared": "team"})).json())[
        "id"
    ]
    view = {"page": "/orders", "name": "All & open", "query": "open_only=true", "shared": True}
    view_id = (await (await supervisor.post("/api/v1/views", json=view)).json())["id"]
    tiles = [
        {"kind": "figure", "figure": "answered", "time": "last_365_days", "wide": True},
        {"kind": "report", "report_id": report_id},
        {"kind": "list", "view_id": view_id},
        *({"kind": kind} for kind in ("goals", "floor", "alerts", "queue")),
    ]
    given = {"name": "Morning", "shared": "team", "tiles": tiles}
    assert (await supervisor.post(API, json={**given, "tiles": [{"kind": "figure"}]})).status == 409
    assert (
        await supervisor.post(API, json={**given, "tiles": [{"kind": "figure", "figure": "x"}]})
    ).status == 409
    kept = await (await supervisor.post(API, json=given)).json()
    assert (await supervisor.post(API, json=given)).status == 409, "the name is taken"
    own = f"{API}/{kept['id']}"

    async def shown(browser, number: int, version: int) -> str:
        answer = await browser.get(f"/dashboard/{kept['id']}/tile/{number}?version={version}")
        assert answer.status == 200, await answer.text()
        return re.sub(r"\s+", " ", await answer.text())

    page = await (await supervisor.get("/dashboard")).text()
    assert page.count('<article class="tile') == 7 and "By operator &lt;b&gt;" in page and "Arrange" in page
    figure, orders = await shown(supervisor, 1, 1), await shown(supervisor, 3, 1)
    assert "<b>3</b>" in figure and "/reports/show?by=week" in figure
    assert f"/reports/{report_id}" in await shown(supervisor, 2, 1)
    assert "By operator <b>" not in await (await supervisor.get(f"/reports/{report_id}")).text()
    assert f"/orders/{made.order}" in orders and "open_only=true" in orders
    assert "No goals are set for you" in await shown(supervisor, 4, 1)
    assert "at work" in await shown(supervisor, 5, 1) and "wait for a call" in await shown(supervisor, 7, 1)
    # His mate sees it with his own calls alone, and no floor; who is in no team does not see it.
    assert "Arrange" not in await (await operator.get(f"/dashboard/{kept['id']}")).text()
    assert "<b>2</b>" in await shown(operator, 1, 1)
    assert "Your rights do not reach" in await shown(operator, 5, 1)
    assert (await operator.put(own, json={**given, "version": 1})).status == 403
    assert (await operator.delete(own)).status == 403
    assert [(await senior.get(it)).status for it in (own, f"/dashboard/{kept['id']}")] == [404, 404]

    turned = {**given, "tiles": tiles[::-1], "version": 1, "shared": "me"}
    assert (await (await supervisor.put(own, json=turned)).json())["version"] == 2
    assert (await supervisor.put(own, json=turned)).status == 409
    assert (await supervisor.get(f"/dashboard/{kept['id']}/tile/1?version=1")).status == 409
    assert "wait for a call" in await shown(supervisor, 1, 2)
    assert (await operator.get(own)).status == 404
    answer = await senior.post("/dashboard", data={"name": "Mine"}, allow_redirects=False)
    assert answer.status == 303, "with tiles to begin with"
    assert [it["name"] for it in await (await senior.get(API)).json()] == ["Mine"]
    answer = await supervisor.post(f"/dashboard/{kept['id']}/remove", allow_redirects=False)
    assert answer.status == 303 and await (await supervisor.get(API)).json() == []
