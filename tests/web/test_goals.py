"""Goals: set by who may, reached by calls, seen by whom they are meant for."""

from datetime import date

import pytest

from crm_core.goal import Goal, SeenBy
from crm_core.read.goals import seen, since
from crm_core.team import place, save_team
from crm_core.user import User
from tests.web import shop
from tests.web.test_imports import ok

API = "/api/v1/goals"
TEAMS = {1: 7, 2: 7, 3: None, 4: 8}


@pytest.mark.parametrize(
    ("whose", "seen_by", "readers"),
    [
        ({"user_id": 1}, SeenBy.LEADS, set()),
        ({"user_id": 1}, SeenBy.OWN, {1}),
        ({"user_id": 1}, SeenBy.TEAM, {1, 2}),
        ({"team_id": 7}, SeenBy.LEADS, set()),
        ({"team_id": 7}, SeenBy.OWN, {1, 2}),
        ({"team_id": 7}, SeenBy.TEAM, {1, 2}),
        ({"user_id": 3}, SeenBy.TEAM, {3}),  # in no team
    ],
)
def test_a_goal_is_seen_by_whom_it_is_meant_for(whose, seen_by, readers) -> None:
    goal = Goal(**whose, seen_by=seen_by)

    def shown(reader: int, everybody: frozenset[int] | None) -> bool:
        return seen(goal, reader=reader, everybody=everybody, team=TEAMS[reader], teams=TEAMS)

    assert {it for it in TEAMS if shown(it, frozenset((it,)))} == readers
    assert shown(4, None)  # who sees everybody's figures


def test_a_goal_of_the_week_begins_on_monday() -> None:
    assert [str(since(every, date(2026, 11, 22))) for every in ("day", "week", "month")] == [
        "2026-11-22",
        "2026-11-16",
        "2026-11-01",
    ]


async def test_goals_are_set_by_supervisors_and_reached_by_calls(client_of, database, people) -> None:
    for login in ("operator", "operator", "senior"):
        await shop.add_call(database, talked=people[login])
    async with database.begin() as session:
        team = await save_team(session, None, "Floor <1>")
        for login in ("operator", "senior"):
            await place(session, await session.get_one(User, people[login]), team_id=team.id)
        team_id = team.id
    supervisor, operator, senior = [await client_of(who) for who in ("supervisor", "operator", "senior")]
    own = {
        "figure": "answered",
        "every": "day",
        "amount": "4",
        "user_id": people["operator"],
        "seen_by": "own",
    }
    assert (await operator.put(API, json=own)).status == 403
    assert (await supervisor.put(API, json=own)).status == 204
    form = {
        "figure": "conversion",
        "every": "week",
        "amount": "25",
        "team_id": str(team_id),
        "seen_by": "team",
    }
    assert "25.0 %" in await (await supervisor.post("/goals", data=form)).text()
    await supervisor.put(
        API, json=own | {"team_id": team_id, "user_id": None, "amount": "3", "seen_by": "team"}
    )
    for wrong in (
        {"amount": "0"},
        {"user_id": None},
        {"currency": "EUR"},
        {"user_id": 99},
        {"figure": "conversion"},
    ):
        assert (await supervisor.put(API, json=own | wrong)).status == 409, wrong
    told = await ok(await operator.get(API))
    assert [(it["whose"], it["name"], it["said"], it["wanted"], it["share"], it["own"]) for it in told] == [
        ("Floor <1>", "Answered", "3", "3", 1.0, False),
        ("Floor <1>", "Conversion", "0.0 %", "25.0 %", 0.0, False),
        ("Operator", "Answered", "2", "4", 0.5, True),
    ]
    assert [it["whose"] for it in await ok(await senior.get(API))] == ["Floor <1>"] * 2
    page = await (await operator.get("/goals")).text()
    assert "Floor &lt;1&gt;" in page and "reached" in page and "Set a goal" not in page
    await supervisor.post(f"/goals/{told[2]['id']}/remove")
    assert len(await ok(await supervisor.get(API))) == 2
