"""The supervisor's board in a real browser: what needs a hand stands first, and a hand is given by keys."""

from typing import Any

from playwright.async_api import BrowserContext, expect

from tests.browser.desk_server import DeskServer, ago
from tests.browser.test_desk import browser, context, pytestmark, server

__all__ = ["browser", "context", "pytestmark", "server"]


def operator(id_: int, name: str, state: str, **different: Any) -> dict:
    today = {"answered": 3, "out": 1, "talk_s": 600, "let_ring": 0, "orders": 2, "sums": {"EUR": "40.00"}}
    usual = {"reason": None, "reason_code": None, "productive": None, "wrap_until": None, "trouble": None}
    known = {"id": id_, "name": name, "state": state, "since": ago(100), "extensions": [f"100{id_}"]}
    return usual | known | {"queues": ["sales"], "call": None, "today": today} | different


MARTA = {"name": "Marta Zielińska", "number": "+48 601 220 114", "customer_id": 5, "vip": True}
TALK = MARTA | {"id": "c1", "direction": "inbound", "line": "Poland shop", "queue": "sales", "held_at": None}
ANNA = operator(1, "Anna", "talking", call=TALK | {"order": {"id": 9, "number": "P-9"}})
OLEG = operator(2, "Oleg", "paused", reason="Lunch", reason_code="lunch")
ALERT = {
    "id": 4,
    "kind": "pause",
    "about": "operator",
    "of": 2,
    "text": "Oleg: paused (Lunch) for more than 30:00",
}
DAY = {"answered": 8, "abandoned": 2, "short": 0, "let_go": 0, "level": 0.6, "asa_s": 14.0}
MORE = {
    "inbound": 11,
    "outbound": 2,
    "answered_calls": 9,
    "missed": 2,
    "talk_s": 900,
    "orders": 2,
    "sums": {},
}


def queue(**members: int) -> dict:
    return {"id": "sales", "target_s": 20, "goal": 80, "members": members, "today": DAY}


def whole(*operators: dict, **different: list[dict]) -> dict[str, list[dict]]:
    waiting = MARTA | {
        "id": "c2",
        "name": "Jan",
        "queue": "sales",
        "since": ago(45),
        "line": None,
        "rings": True,
    }
    usual = {"waiting": [waiting], "queues": [queue(talking=1, paused=1)], "lines": []}
    house = {"id": "all", "calls": {"talking": 1, "waiting": 1}, "today": DAY | MORE}
    return {"operators": list(operators), "alerts": [], "house": [house]} | usual | different


async def test_what_needs_a_hand_stands_first_and_gets_it_by_keys(
    context: BrowserContext, server: DeskServer
) -> None:
    server.floor = whole(ANNA, OLEG, alerts=[ALERT | {"since": ago(5), "acked_by": None, "acked_at": None}])
    server.answers["/floor/operators/1/what-if"] = {
        "operator": {"id": 1, "name": "Anna"}, "minutes": 30, "present": True, "queues": ["sales"],
        "with_him": 0.84, "without_him": 0.61, "best": {"at": ago(-3600), "level": 0.79},
        "callers_an_hour": 40, "handle_s": 190,
    }  # fmt: skip
    page = await context.new_page()
    await page.goto(f"{server.address}/floor")
    rows = page.locator(".operators > li")
    await expect(rows.nth(0)).to_contain_text("Oleg")  # an alert names him
    await expect(rows.nth(1)).to_contain_text("P-9")
    await expect(page.locator(".waiting-list li")).to_contain_text("Jan")
    await expect(page.locator("[data-queue=sales]")).to_have_class("need-3")  # Jan waits longer than 20 s
    await page.keyboard.press("a")
    await server.request("POST", "/alerts/4/acknowledge")
    await page.keyboard.press("j")
    await expect(rows.nth(0).get_by_role("button", name="Make ready")).to_be_visible()
    await page.keyboard.press("g")
    assert await server.request("POST", "/agents/2/ready") == {"auto_pause": True}
    free = operator(2, "Oleg", "available", since=ago(0))
    changes = {"operators": [free], "queues": [queue(talking=1, available=1)]}
    await server.push({"type": "floor", "rows": changes, "gone": {"alerts": [4], "waiting": ["c2"]}})
    await expect(rows.nth(0)).to_contain_text("Anna")
    await expect(page.locator(".alerts, .waiting-list")).to_have_count(0)
    await expect(page.locator("[data-queue=sales]")).to_have_class(
        "need-1"
    )  # below the goal, and that is all
    await page.keyboard.press("Escape")
    await expect(page.locator(".opened")).to_have_count(0)
    await page.keyboard.press("j")
    await expect(rows.nth(0).get_by_role("button", name="What if he left")).to_be_visible()
    await page.keyboard.press("i")
    await expect(rows.nth(0).locator(".what-if")).to_contain_text("84 % → 61 %")
    server.floor = whole(free)
    await server.push(
        {"type": "floor", "rows": {}, "gone": {}}, skip=1
    )  # a message was lost: all of it is asked for anew
    await expect(rows).to_have_count(1)
    await expect(rows.nth(0)).to_contain_text("Oleg")
