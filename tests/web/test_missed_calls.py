"""Missed calls as a supervisor finds them: by place, with the queues and the phones that did not answer."""

from datetime import timedelta

import pytest

from crm_core.call import CallLeg
from crm_core.queue_visit import QueueVisit
from tests.web.shop import NOON, add_call, furnish

MISSED = {
    "answered_at": None,
    "talk_s": 0.0,
    "result": "abandoned",
    "missed_place": "queue",
    "queue": "support",
}


async def missed_in_two_queues(database, people):
    call_id = await add_call(database, **MISSED)

    def after(seconds: float):
        return NOON + timedelta(seconds=seconds)

    async with database.begin() as session:
        session.add_all(
            [
                QueueVisit(
                    call_id=call_id, uniqueid="1.0", queue="sales", began_at=after(2), entered_at=after(2),
                    left_at=after(62), position=3, left_position=1, wait_s=60.0, outcome="timeout",
                ),
                QueueVisit(
                    call_id=call_id, uniqueid="1.0", queue="support", began_at=after(62), entered_at=after(62),
                    left_at=after(98), position=1, left_position=1, wait_s=36.0, outcome="abandoned",
                ),
                CallLeg(
                    call_id=call_id, uniqueid="1.1", extension="1001", user_id=people["operator"],
                    rang_at=after(10), ended_at=after(30), result="no_answer", queue="sales", rang_s=20.0,
                ),
            ]
        )  # fmt: skip
    return call_id


async def test_the_call_tells_its_queues_in_turn_and_for_which_a_phone_rang(
    client_of, database, people
) -> None:
    await furnish(database)
    call_id = await missed_in_two_queues(database, people)
    boss = await client_of("supervisor")
    call = await (await boss.get(f"/api/v1/calls/{call_id}")).json()
    assert call["missed_place"] == "queue"
    told = ("queue", "position", "left_position", "wait_s", "outcome")
    assert [tuple(visit[name] for name in told) for visit in call["visits"]] == [
        ("sales", 3, 1, 60.0, "timeout"),
        ("support", 1, 1, 36.0, "abandoned"),
    ]
    assert [(leg["queue"], leg["rang_s"], leg["result"]) for leg in call["legs"]] == [
        ("sales", 20.0, "no_answer")
    ]
    page = await (await boss.get(f"/calls/{call_id}")).text()
    order = [page.index(said) for said in (">sales<", "place 3 → 1", "no answer", ">support<", ">gave up<")]
    assert order == sorted(order)
    assert "missed in the queue" in page


@pytest.mark.parametrize(("wanted", "found"), [("any", 3), ("queue", 1), ("after_hours", 1), ("menu", 0)])
async def test_missed_calls_are_found_by_place(client_of, database, people, wanted, found) -> None:
    await furnish(database)
    await add_call(database, talked=people["operator"])
    await missed_in_two_queues(database, people)
    await add_call(database, **MISSED | {"result": "after_hours", "missed_place": "after_hours"})
    await add_call(database, **MISSED | {"result": "overflow", "missed_place": "all_busy"})
    boss = await client_of("supervisor")
    listed = await (await boss.get("/api/v1/calls", params={"missed": wanted})).json()
    assert len(listed["items"]) == found
    page = await (await boss.get("/calls", params={"missed": wanted})).text()
    assert page.count('<td class="tight"><a href="/calls/') == found


async def test_a_place_that_is_none_is_refused(client_of) -> None:
    boss = await client_of("supervisor")
    assert (await boss.get("/api/v1/calls", params={"missed": "lunch"})).status == 422
    assert (await boss.get("/calls", params={"missed": "lunch"})).status == 422


async def test_an_operator_does_not_find_what_others_missed(client_of, database, people) -> None:
    await furnish(database)
    call_id = await missed_in_two_queues(database, people)  # rang at the operator's phone
    mine = await (await (await client_of("operator")).get("/api/v1/calls", params={"missed": "any"})).json()
    theirs = await (await (await client_of("senior")).get("/api/v1/calls", params={"missed": "any"})).json()
    assert [item["id"] for item in mine["items"]] == [str(call_id)]
    assert theirs["items"] == []
