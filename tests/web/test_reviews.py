"""Calls judged by scorecards: the text that stays, whose they are, one appeal, and who decides it."""

from sqlalchemy import select

from crm_core.audit import AuditEntry
from crm_core.leads_of import SUPERVISORS, leads_of
from crm_core.review_draw import draw_due
from crm_core.team import OwnRole, RoleScope, Team, give_role, place
from crm_core.user import User
from tests.web import shop
from tests.web.test_roles import ok
from web.rights import REVIEW_CALLS, RIGHTS, Scope

API = "/api/v1"
CARD = {
    "name": "Sales <b>",
    "questions": [
        {"text": "Greeted <i>by name</i>", "kind": "scale", "weight": 30},
        {"text": "Offered what goes with it", "kind": "yes_no", "weight": 10},
        {"text": "Asked for no card number", "kind": "yes_no", "weight": 0, "critical": True},
    ],
}


def marks(*points: int | None) -> list[dict[str, object]]:
    return [{"key": key, "points": one} for key, one in enumerate(points, 1)]


async def told(browser) -> list[str]:
    return [it["text"] for it in (await ok(await browser.get(f"{API}/notices")))["items"]]


async def test_a_review_keeps_the_text_it_was_judged_by_and_is_its_operators_alone(
    client_of, database, people
) -> None:
    call = await shop.add_call(database, talked=people["operator"], remote_name="Marta")
    await shop.add_sound(database, call, "one moment please")
    operator, senior, supervisor = [await client_of(it) for it in ("operator", "senior", "supervisor")]
    assert (await operator.post(f"{API}/scorecards", json=CARD)).status == 403
    card = await ok(await supervisor.post(f"{API}/scorecards", json=CARD), 201)
    assert (await supervisor.post(f"{API}/scorecards", json=CARD)).status == 409
    form = await (await supervisor.get(f"/calls/{call}/review")).text()
    assert "Greeted &lt;i&gt;by name&lt;/i&gt;" in form and "one moment please" in form
    given = {"operator_id": people["operator"], "edition_id": card["edition_id"], "comment": "Well <done>"}
    place_ = f"{API}/calls/{call}/reviews"
    for wrong in (
        {"marks": marks(50, 0)},
        {"marks": marks(50, 50, 100)},
        {"marks": marks(50, 0, 100), "edition_id": 999},
        {"marks": marks(50, 0, 100), "operator_id": people["senior"]},  # did not talk in it
    ):
        assert (await supervisor.post(place_, json=given | wrong)).status == 409, wrong
    assert (await operator.post(place_, json=given | {"marks": marks(50, 0, 100)})).status == 403
    typed = {
        "scorecard_id": str(card["id"]),
        "edition_id": str(card["edition_id"]),
        "operator_id": str(people["operator"]),
        "points_1": "50",
        "comment_1": "after a minute",
        "at_1": "1:05",
        "points_2": "0",
        "comment": "Well <done>",
    }
    assert "Mark question 3" in await (await supervisor.post(f"/calls/{call}/review", data=typed)).text()
    kept = await supervisor.post(f"/calls/{call}/review", data={**typed, "points_3": "100"})
    page = str(kept.url.path)
    assert (await supervisor.post(place_, json=given | {"marks": marks(1, 0, 100)})).status == 409  # once

    questions = [{"key": 1, "text": "Smiled", "kind": "scale", "weight": 100}]
    change = {"version": 1, "questions": questions}
    changed = await ok(await supervisor.patch(f"{API}/scorecards/{card['id']}", json=change))
    assert (changed["version"], [it["key"] for it in changed["questions"]]) == (2, [1])
    assert (await supervisor.patch(f"{API}/scorecards/{card['id']}", json=change)).status == 409  # stale
    own = await (await operator.get(page)).text()
    for said in ("Greeted &lt;i&gt;by name", "Well &lt;done&gt;", "37.5", f'href="{page}?at=65.0#sound"'):
        assert said in own, said
    assert "Smiled" not in own
    assert "A call of yours was reviewed: 37.5 of 100." in await told(operator)
    assert (await senior.get(page)).status == 404
    assert [len((await ok(await it.get(f"{API}/reviews")))["items"]) for it in (operator, senior)] == [1, 0]
    averages = await ok(await supervisor.get(f"{API}/review-averages"))
    assert [(it["name"], it["mean"], it["reviews"]) for it in averages] == [("Operator", 37.5, 1)]
    assert page in await (await operator.get(f"/calls/{call}")).text()


async def test_an_appeal_is_made_once_and_decided_by_somebody_else(client_of, database, people) -> None:
    call = await shop.add_call(database, talked=people["operator"])
    operator, supervisor, manager = [await client_of(it) for it in ("operator", "supervisor", "manager")]
    card = await ok(await supervisor.post(f"{API}/scorecards", json=CARD), 201)
    body = {"operator_id": people["operator"], "edition_id": card["edition_id"], "marks": marks(40, 0, 0)}
    made = await ok(await supervisor.post(f"{API}/calls/{call}/reviews", json=body), 201)
    assert (made["score"], made["zeroed"]) == (0.0, True)
    address = f"{API}/reviews/{made['id']}"
    better = {"version": 1, "marks": marks(40, 0, 100)}
    assert (await manager.patch(address, json=better)).status == 403  # a colleague's
    assert (await ok(await supervisor.patch(address, json=better)))["score"] == 30.0
    assert (await supervisor.patch(address, json=better)).status == 409  # stale

    assert (await supervisor.post(f"{address}/appeal", json={"text": "No"})).status == 403
    page = f"/reviews/{made['id']}"
    assert (
        "kept; a colleague decides"
        in await (await operator.post(f"{page}/appeal", data={"text": "I <did>"})).text()
    )
    assert (await operator.post(f"{address}/appeal", json={"text": "again"})).status == 409
    assert "A review was appealed. Listen and decide." in await told(manager)
    assert await told(supervisor) == []
    decision = {"version": 2, "answer": "He did."}
    for who, refused in ((operator, 403), (supervisor, 403)):
        assert (await who.post(f"{address}/decision", json=decision)).status == refused
    assert (await supervisor.patch(address, json=better | {"version": 2})).status == 409  # too late
    typed = {"version": "2", "answer": "He <did>.", "outcome": "changed", "points_1": "80", "points_2": "100"}
    shown = await (await manager.post(f"{page}/decision", data={**typed, "points_3": "100"})).text()
    assert "changed the score from 30 to 85" in shown and "He &lt;did&gt;." in shown
    found = await ok(await operator.get(address))
    assert (found["score"], found["before"], found["outcome"]) == (85.0, 30.0, "changed")
    assert [(it["was"] or {}).get("points") for it in found["judged"]] == [40, 0, None]
    assert "Your appeal was decided: the review was changed from 30.0 to 85.0." in await told(operator)
    assert (await manager.post(f"{address}/decision", json=decision | {"version": 3})).status == 409
    async with database.begin() as session:
        noted = set(
            await session.scalars(select(AuditEntry.action).where(AuditEntry.object_kind == "review"))
        )
    assert noted == {"review.add", "review.change", "review.appeal", "review.decide"}


async def test_a_supervisor_of_one_team_reviews_his_team_and_no_other(client_of, database, people) -> None:
    assert {role for role, held in RIGHTS.items() if held.get(REVIEW_CALLS) is Scope.ALL} == set(SUPERVISORS)
    calls = {it: await shop.add_call(database, talked=people[it]) for it in ("operator", "senior")}
    async with database.begin() as session:
        role, team = OwnRole(name="North lead", based_on="supervisor"), Team(name="North")
        session.add_all([role, team])
        await session.flush()
        for action in ("view", "make"):
            session.add(RoleScope(role_id=role.id, object="reviews", action=action, scope=2))
        for login in ("supervisor", "operator"):
            await place(session, await session.get_one(User, people[login]), team_id=team.id)
        await give_role(session, await session.get_one(User, people["supervisor"]), role.id)
    manager, lead = await client_of("manager"), await client_of("supervisor")
    card = await ok(await manager.post(f"{API}/scorecards", json=CARD), 201)
    for login, status in (("operator", 201), ("senior", 403)):
        body = {"operator_id": people[login], "edition_id": card["edition_id"], "marks": marks(40, 0, 100)}
        assert (await lead.get(f"/calls/{calls[login]}/review")).status == min(
            status, 200 if status < 300 else 403
        )
        assert (await lead.post(f"{API}/calls/{calls[login]}/reviews", json=body)).status == status
    body["marks"] = marks(100, 100, 100)
    other = await ok(await manager.post(f"{API}/calls/{calls['senior']}/reviews", json=body), 201)
    assert (await lead.get(f"{API}/reviews/{other['id']}")).status == 404
    assert [it["operator"] for it in (await ok(await lead.get(f"{API}/reviews")))["items"]] == ["Operator"]
    found = {}
    for by in ("operator", "team", "week", "month"):
        told_by = await ok(await manager.get(f"{API}/review-averages?by={by}"))
        found[by] = [(it["name"] or it["since"], it["mean"], it["reviews"]) for it in told_by]
        assert (
            "<b>65</b>" in await (await manager.get(f"/reviews?by={by}&since=2026-11-01")).text()
            or by[0] in "ot"
        )
    assert found == {
        "operator": [("Operator", 30.0, 1), ("Senior", 100.0, 1)],
        "team": [("North", 30.0, 1), (None, 100.0, 1)],
        "week": [("2026-11-16", 65.0, 2)],
        "month": [("2026-11-01", 65.0, 2)],
    }
    assert len(await ok(await lead.get(f"{API}/review-averages?by=team"))) == 1
    async with database.begin() as session:
        everybody = set(await leads_of(session, people["senior"], *REVIEW_CALLS))
    assert everybody == {people["manager"], people["admin"]}


async def test_a_week_is_drawn_once_and_the_list_of_what_waits_comes_to_nothing(
    client_of, database, people, clock
) -> None:
    clock.move(days=7)
    calls = []
    for login, talk_s in (("operator", 400.0), ("operator", 90.0), ("operator", 20.0), ("senior", 70.0)):
        calls.append(await shop.add_call(database, talked=people[login], talk_s=talk_s))
        await shop.add_sound(database, calls[-1])
    await shop.add_call(database, talked=people["senior"], talk_s=500.0)  # without a recording
    supervisor, manager, operator = [await client_of(it) for it in ("supervisor", "manager", "operator")]
    card = await ok(await supervisor.post(f"{API}/scorecards", json=CARD), 201)
    rule = {
        "name": "Long <ones>",
        "scorecard_id": card["id"],
        "per_operator": 1,
        "pick": "long_without_order",
    }
    reviewers = {"reviewers": [people["supervisor"], people["manager"]]}
    assert (await operator.post(f"{API}/review-rules", json=rule | reviewers)).status == 403
    assert (await supervisor.post(f"{API}/review-rules", json=rule | {"reviewers": [99]})).status == 409
    made = await ok(await supervisor.post(f"{API}/review-rules", json=rule | reviewers), 201)
    assert made["drawn_week"] == "2026-11-16"
    async with database.begin() as session:
        assert await draw_due(session, now=clock()) == 0  # once
    everybody = await ok(await supervisor.get(f"{API}/review-tasks?mine=false"))
    assert {it["call_id"] for it in everybody} == {str(calls[0]), str(calls[3])}
    assert {it["reviewer_id"] for it in everybody} == set(reviewers["reviewers"])
    mine = {people[who]: it for who, it in (("supervisor", supervisor), ("manager", manager))}
    first, second = everybody
    reviewer, other = mine[first["reviewer_id"]], mine[second["reviewer_id"]]
    assert [it["id"] for it in await ok(await reviewer.get(f"{API}/review-tasks"))] == [first["id"]]
    assert "A call waits for your review." in await told(reviewer)
    page = f"/calls/{first['call_id']}/review?task_id={first['id']}"
    assert "Long &lt;ones&gt;" in await (await reviewer.get("/review-tasks")).text()
    form = await (await reviewer.get(page)).text()
    assert f'name="task_id" value="{first["id"]}"' in form
    typed = {
        "task_id": str(first["id"]),
        "scorecard_id": str(card["id"]),
        "edition_id": str(card["edition_id"]),
        "operator_id": str(first["operator_id"]),
        **{f"points_{key}": "100" for key in (1, 2, 3)},
    }
    done = await reviewer.post(f"/calls/{first['call_id']}/review", data=typed)
    assert done.url.path == "/review-tasks" and "Nothing waits for a review" in await done.text()
    skip = f"{API}/review-tasks/{second['id']}/skip"
    assert (await reviewer.post(skip, json={"reason": "mine now"})).status == 403
    assert (await other.post(skip, json={"reason": "only noise"})).status == 204
    assert (await other.post(skip, json={"reason": "only noise"})).status == 409
    assert await ok(await other.get(f"{API}/review-tasks?mine=false")) == []
    progress = {it["reviewer_id"]: it for it in await ok(await manager.get(f"{API}/review-progress"))}
    counted = [
        (progress[it["reviewer_id"]]["done"], progress[it["reviewer_id"]]["skipped"]) for it in everybody
    ]
    assert counted == [(1, 0), (0, 1)]

    again = await ok(
        await supervisor.post(f"{API}/review-rules", json=rule | {"name": "Random", "pick": "random"}), 201
    )
    assert [it["call_id"] for it in await ok(await supervisor.get(f"{API}/review-tasks"))] == [str(calls[1])]
    form = {"name": "Random", "version": "1", "per_operator": "2", "min_talk_s": "30", "pick": "random"}
    address = f"/review-rules/{again['id']}"
    assert (await supervisor.post(address, data=form | {"scorecard_id": str(card["id"])})).status == 200
    rules = await ok(await supervisor.get(f"{API}/review-rules"))
    assert [(it["name"], it["active"]) for it in rules] == [("Long <ones>", True), ("Random", False)]


async def test_several_judge_a_call_without_seeing_each_other_and_it_counts_for_nobody(
    client_of, database, people
) -> None:
    call = await shop.add_call(database, talked=people["operator"])
    await shop.add_sound(database, call)
    supervisor, manager, operator = [await client_of(it) for it in ("supervisor", "manager", "operator")]
    card = await ok(await supervisor.post(f"{API}/scorecards", json=CARD), 201)
    body = {"operator_id": people["operator"], "edition_id": card["edition_id"]}
    ask = f"{API}/calls/{call}/calibrations"
    for wrong in ([people["manager"]], [people["manager"], people["senior"]]):
        assert (await supervisor.post(ask, json=body | {"reviewers": wrong})).status == 409
    judges = [people["supervisor"], people["manager"]]
    made = await ok(await supervisor.post(ask, json=body | {"reviewers": judges}), 201)
    compared, place_ = f"{API}/review-calibrations/{made['id']}", f"{API}/calls/{call}/reviews"
    # the card is changed meanwhile: all judge by the text of that day
    questions = [{"text": "Smiled", "kind": "scale", "weight": 1}]
    await ok(
        await supervisor.patch(f"{API}/scorecards/{card['id']}", json={"version": 1, "questions": questions})
    )
    mine = body | {"calibration_id": made["id"], "marks": marks(100, 100, 100)}
    assert (await manager.post(place_, json=mine | {"calibration_id": 999})).status == 409
    kept = await ok(await manager.post(place_, json=mine), 201)
    assert (await supervisor.get(compared)).status == 403
    assert (await supervisor.get(f"{API}/reviews/{kept['id']}")).status == 404
    await ok(await supervisor.post(place_, json=mine | {"marks": marks(40, 0, None)}), 201)
    found = await ok(await supervisor.get(compared))
    assert [(it["reviewer"], it["score"]) for it in found["given"]] == [
        ("Manager", 100.0),
        ("Supervisor", 30.0),
    ]
    assert [it["spread"] for it in found["lines"]] == [60, 100, None]
    assert "far-apart" in await (await manager.get(f"/review-calibrations/{made['id']}")).text()
    assert "70 apart" in await (await manager.get("/review-tasks")).text()
    assert await told(operator) == []
    assert (await ok(await operator.get(f"{API}/reviews")))["items"] == []
    assert await ok(await supervisor.get(f"{API}/review-averages")) == []
    await ok(
        await supervisor.post(
            place_, json=body | {"edition_id": card["edition_id"], "marks": marks(1, 0, 0)}
        ),
        201,
    )
