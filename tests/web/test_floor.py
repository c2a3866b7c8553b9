"""The supervisor's board: who may see what of it, and how it is told."""

import json
from dataclasses import replace
from datetime import UTC, datetime

from crm_core.user import Role
from web.floor_viewers import FloorViewers
from web.rights import VIEW_CALLS, VIEW_FIGURES, VIEW_FLOOR, VIEW_ORDERS, Person, Scope

PARTY = {"name": "Marta", "number": "+48 22", "customer_id": 5, "vip": True, "queue": "sales"}
CALL = PARTY | {"id": "c", "order": {"id": 9, "number": "P-9", "owners": [2]}}


def operator(id_: int, **more) -> dict:
    return {
        "id": id_,
        "name": f"N{id_}",
        "state": "talking",
        "call": CALL,
        "today": {"orders": 1},
        "owners": [id_],
    } | more


class Board:
    """A board in memory."""

    def __init__(self) -> None:
        self.parts = {
            "operators": {1: operator(1), 2: operator(2)},
            "waiting": {"w": {**PARTY, "id": "w", "owners": [1]}},
            "queues": {"sales": {"id": "sales", "today": {"level": 1}, "owners": [1]}},
            "lines": {},
            "house": {"all": {"id": "all", "today": {"orders": 2}, "owners": []}},
        }

    def snapshot(self) -> dict:
        return self.parts

    def subscribe(self, send):
        self.send = send
        return lambda: None


def who(**differs: Scope) -> Person:
    rights = {"floor": VIEW_FLOOR, "calls": VIEW_CALLS, "figures": VIEW_FIGURES, "orders": VIEW_ORDERS}
    return Person(
        user_id=3, login="lead", name="Lead", role=Role.SUPERVISOR, timezone="UTC", session_id=b"",
        expires_at=datetime(2030, 1, 1, tzinfo=UTC), team=frozenset({1}),
        differs={rights[name]: scope for name, scope in differs.items()},
    )  # fmt: skip


def test_each_is_told_what_he_may_see_and_changes_of_it_alone() -> None:
    board, said = Board(), {name: [] for name in ("boss", "lead", "clerk")}
    viewers = FloorViewers(board)
    people = {
        "boss": who(),
        "lead": who(floor=Scope.TEAM, calls=Scope.TEAM, figures=Scope.TEAM, orders=Scope.OWN),
        "clerk": who(floor=Scope.NONE),
    }
    for name, heard in said.items():
        viewers.follow(
            name, lambda name=name: people[name], lambda body, heard=heard: heard.append(json.loads(body))
        )
    (boss,), (lead,) = said["boss"], said["lead"]
    assert [row["id"] for row in boss["rows"]["operators"]] == [1, 2]
    assert boss["rows"]["operators"][1]["call"]["order"] == {"id": 9, "number": "P-9"}
    assert [row["id"] for row in lead["rows"]["operators"]] == [1]
    assert lead["rows"]["operators"][0]["call"]["name"] == "Marta"
    assert lead["rows"]["operators"][0]["call"]["order"] is None  # a colleague's of another team
    (queue,) = lead["rows"]["queues"]
    assert queue["today"] is None  # what a queue reached is nobody's alone
    assert lead["rows"]["house"] == [] and len(lead["rows"]["waiting"]) == 1
    assert "owners" not in json.dumps([boss, lead])
    board.send({"operators": {2: operator(2, state="available", call=None)}, "waiting": {"w": None}})
    assert said["boss"][1]["rows"]["operators"][0]["state"] == "available"
    assert said["lead"][1] == {"type": "floor", "rows": {}, "gone": {"operators": [2], "waiting": ["w"]}}
    people["lead"] = replace(people["lead"], differs={VIEW_FLOOR: Scope.NONE})
    board.send({"operators": {1: operator(1, state="held")}})
    assert said["lead"][2] == {"type": "floor", "whole": True, "rows": {}}
    people["lead"] = replace(people["lead"], differs={VIEW_CALLS: Scope.NONE})
    board.send({"operators": {1: operator(1, state="held")}})
    assert {row["call"]["name"] for row in said["lead"][3]["rows"]["operators"]} == {""}
    assert said["clerk"] == []


async def test_the_board_is_opened_by_whoever_supervises(client_of) -> None:
    for login, status in (("supervisor", 200), ("operator", 403), ("courier", 403)):
        browser = await client_of(login)
        for address in ("/floor", "/floor/wall"):
            assert (await browser.get(address)).status == status


async def test_what_if_is_asked_by_whoever_sees_the_figures(client_of, people) -> None:
    boss, clerk = await client_of("supervisor"), await client_of("operator")
    address = f"/api/v1/floor/operators/{people['operator']}/what-if"
    told = await (await boss.get(f"{address}?minutes=30")).json()
    assert (told["with_him"], told["without_him"], told["best"]["level"]) == (0.84, 0.61, 0.8)
    assert (await boss.get("/api/v1/floor/operators/9999/what-if")).status == 404
    assert (await boss.get(f"{address}?minutes=110")).status == 409  # too few called
    assert (await boss.get(f"{address}?minutes=1")).status == 422
    assert (await clerk.get(address)).status == 403
