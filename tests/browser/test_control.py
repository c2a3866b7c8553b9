"""Call control on the desk in a real browser: by the keyboard, with words, and only what the server says is shown."""

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago
from tests.browser.test_desk import browser, context, desk, opened, pytestmark, ring, server

__all__ = ["browser", "context", "desk", "pytestmark", "server"]

NOTHING: dict[str, Any] = {"consult": None, "parked": None, "recording_paused": None}
TALKING = {"state": "talking", "answered_at": ago(40)}
HELD = {"state": "held", "answered_at": ago(40), "held_at": ago(5)}


def colleague(user_id: int, name: str, state: str, extension: str) -> dict[str, Any]:
    phone = {"pbx": "main", "extension": extension, "device": "idle"}
    return {
        "id": user_id,
        "name": name,
        "state": state,
        "since": ago(9),
        "reason": None,
        "phones": [phone],
    }


COLLEAGUES = [
    colleague(8, "Boris Novák", "available", "1002"),
    colleague(9, "Clara Weiß", "talking", "1003"),
    colleague(10, "Ірина <b>Коваль</b>", "offline", "1004"),
]


async def talk(server: DeskServer, desk: Page, **control: Any) -> None:
    """Marta is on the line; colleagues are in the house."""
    server.answers["/calls/c1/targets"] = {
        "queues": [{"name": "returns", "waiting": 2, "free": 0}],
        "recent": ["+48601234567"],
    }
    await ring(server, desk, **TALKING, control=NOTHING | control)
    await server.push({"type": "colleagues", "changed": COLLEAGUES})


def consult(stage: str, **different: Any) -> dict[str, Any]:
    usual = {"stage": stage, "target": "1002", "name": "Boris Novák", "reason": None, "with_customer": False}
    return usual | different


async def test_a_call_is_given_away_by_the_keyboard_alone(desk: Page, server: DeskServer) -> None:
    await talk(server, desk)
    await desk.keyboard.press("t")
    await expect(desk.get_by_role("combobox", name="To whom?")).to_be_focused()
    first = desk.get_by_role("option").first
    await expect(first).to_contain_text("Boris Novák")
    await expect(first).to_contain_text("Free")
    await desk.keyboard.type("cla")
    await expect(desk.get_by_role("option")).to_have_count(1)
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c1/transfer") == {"user_id": 9}
    await expect(desk.get_by_role("combobox", name="To whom?")).to_have_count(0)


async def test_a_colleague_is_asked_first_and_the_stages_are_shown(desk: Page, server: DeskServer) -> None:
    await talk(server, desk)
    await desk.keyboard.press("t")
    await desk.keyboard.type("1002")
    await expect(desk.get_by_role("option").first).to_contain_text("Boris Novák")
    await desk.keyboard.press("Shift+Enter")
    assert await server.request("POST", "/calls/c1/consult") == {"user_id": 8}
    for stage, said in (
        ("ringing", "Ringing at Boris Novák"),
        ("talking", "You are talking with Boris Novák"),
    ):
        await ring(server, **HELD, control=NOTHING | {"consult": consult(stage)})
        await expect(desk.get_by_text(said)).to_be_visible()
    await expect(desk.get_by_role("button", name="End")).to_have_count(0)
    await desk.keyboard.press("w")
    await server.request("POST", "/calls/c1/consult/swap")
    await expect(desk.locator("[aria-busy=true]")).to_have_count(0)
    await desk.keyboard.press("j")
    await server.request("POST", "/calls/c1/consult/complete")
    await ring(server, **HELD, control=NOTHING | {"consult": consult("failed", reason="busy")})
    await expect(desk.get_by_text("Boris Novák can not be had: busy")).to_be_visible()
    await expect(desk.get_by_role("button", name="Connect")).to_have_count(0)
    await desk.keyboard.press("b")
    await server.request("POST", "/calls/c1/consult/cancel")


async def test_a_queue_a_number_and_the_arrows(desk: Page, server: DeskServer) -> None:
    await talk(server, desk)
    await desk.keyboard.press("t")
    await expect(desk.get_by_role("option", name="returns")).to_contain_text("2 wait")
    for _ in range(3):
        await desk.keyboard.press("ArrowDown")
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c1/transfer") == {"queue": "returns"}
    await expect(desk.get_by_role("combobox", name="To whom?")).to_have_count(0)
    server.sent.clear()
    await desk.keyboard.press("t")
    await desk.keyboard.type("+48 22 307 11 20")
    await desk.keyboard.press("Enter")
    assert await server.request("POST", "/calls/c1/transfer") == {"to": "+48 22 307 11 20"}


async def test_hold_park_and_keys(desk: Page, server: DeskServer) -> None:
    await talk(server, desk)
    await desk.keyboard.press("h")
    await server.request("POST", "/calls/c1/hold")
    await ring(server, **HELD, control=NOTHING | {"consult": consult("hold", target="00", name="00")})
    await expect(desk.get_by_text("The customer hears music")).to_be_visible()
    await desk.keyboard.press("h")
    await server.request("POST", "/calls/c1/resume")
    await ring(server, desk, **TALKING, control=NOTHING)
    await expect(desk.get_by_text("The customer hears music")).to_have_count(0)
    await desk.keyboard.press("k")
    await desk.get_by_role("button", name="1", exact=True).wait_for()
    await desk.keyboard.press("5")
    assert await server.request("POST", "/calls/c1/dtmf") == {"digits": "5"}
    await desk.keyboard.press("Escape")
    await desk.keyboard.press("p")
    await server.request("POST", "/calls/c1/park")
    slot = {"slot": "701", "by": "Anna", "at": ago(4), "ringing": False}
    await ring(server, **HELD, control=NOTHING | {"parked": slot})
    await expect(desk.get_by_text("Parked in slot 701")).to_be_visible()
    await desk.keyboard.press("f")
    await server.request("POST", "/calls/c1/retrieve")


async def test_a_silent_recording_is_seen_until_it_goes_on(desk: Page, server: DeskServer) -> None:
    await talk(server, desk)
    await desk.keyboard.press("r")
    await server.request("POST", "/calls/c1/recording/pause")
    paused = {"at": ago(12), "by": "Anna"}
    await ring(server, **TALKING, control=NOTHING | {"recording_paused": paused})
    await expect(desk.get_by_text("Recording paused")).to_be_visible()
    await desk.keyboard.press("r")
    await server.request("POST", "/calls/c1/recording/resume")


async def test_whoever_is_parked_can_be_fetched_from_an_idle_desk(desk: Page, server: DeskServer) -> None:
    waiting = {"id": "c9", "slot": "702", "who": "<i>Oleg</i>", "by": "Boris", "at": ago(20)}
    await server.push({"type": "parked", "parked": [waiting]})
    await expect(desk.get_by_role("region", name="Parked")).to_contain_text("<i>Oleg</i>")
    await desk.get_by_role("button", name="Fetch").click()
    await server.request("POST", "/calls/c9/retrieve")
    await server.push({"type": "parked", "parked": []})
    await expect(desk.get_by_role("region", name="Parked")).to_have_count(0)


@pytest.mark.parametrize("width", [1440, 390])
async def test_everybody_can_use_it(context: Any, server: DeskServer, width: int) -> None:
    page = await opened(context, server)
    await page.set_viewport_size({"width": width, "height": 900})
    paused = {"at": ago(12), "by": "Anna"}
    await talk(server, page, recording_paused=paused)
    await page.keyboard.press("t")
    await expect(page.get_by_role("option").first).to_be_visible()
    assert await page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert await violations(page) == []
    await page.keyboard.press("Escape")
    await ring(server, **HELD, control=NOTHING | {"consult": consult("talking")})
    assert await violations(page) == []
