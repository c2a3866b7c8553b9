"""One's own shift in a real browser: pause, ready, queues and wrap-up by key and click, as the switchboard confirms."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from playwright.async_api import BrowserContext, Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, queue
from tests.browser.test_desk import browser, context, opened, pytestmark, server

__all__ = ["browser", "context", "pytestmark", "server"]

REASONS = [
    {"id": place, "code": code, "label": label, "productive": work, "active": True, "position": place}
    for place, (code, label, work) in enumerate(
        [("break", "Break", False), ("lunch", "Lunch", False), ("training", "Training", True)], 1
    )
]


@pytest.fixture
async def desk(context: BrowserContext, server: DeskServer) -> AsyncIterator[Page]:
    server.answers["/pause-reasons"] = REASONS
    yield await opened(context, server)


def wrap_up(seconds: float) -> dict:
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    return {"state": "wrap_up", "since": ago(2), "wrap_up": {"since": ago(2), "until": until.isoformat()}}


async def test_lunch_is_two_keys_and_is_said_when_it_is_confirmed(desk: Page, server: DeskServer) -> None:
    await desk.keyboard.press("s")
    await expect(desk.get_by_role("button", name="Lunch")).to_be_visible()
    await desk.keyboard.press("2")
    assert await server.request("POST", "/agents/7/pause") == {"reason": "lunch"}
    await expect(desk.locator(".shift-state")).to_contain_text("Available")  # nobody has confirmed it yet
    pause = {"kind": "pause", "reason": "Lunch", "since": ago(0), "until": None, "call_id": None}
    await server.shift_changed(state="paused", reason="Lunch", since=ago(0), pauses=[pause])
    await expect(desk.locator(".shift-state")).to_contain_text("Paused · Lunch")
    await expect(desk.locator(".idle h1")).to_have_text("You are paused")
    await desk.keyboard.press("g")
    assert await server.request("POST", "/agents/7/ready") == {"auto_pause": False}


async def test_what_the_switchboard_refuses_is_said_in_its_words(desk: Page, server: DeskServer) -> None:
    said = "The switchboard refused: Interface not found"
    server.refusals["/agents/7/pause"] = {"title": "Conflict", "status": 409, "detail": said}
    await desk.keyboard.press("s")
    await desk.get_by_role("button", name="Break").click()
    await expect(desk.locator("#toasts")).to_contain_text("Interface not found")
    await expect(desk.locator(".shift-state")).to_contain_text("Available")


async def test_other_tabs_follow_at_once(desk: Page, context: BrowserContext, server: DeskServer) -> None:
    other = await opened(context, server)
    await server.shift_changed(state="paused", reason="Lunch", since=ago(0))
    for tab in (desk, other):
        await expect(tab.locator(".shift-state")).to_contain_text("Lunch")


async def test_the_wrap_up_counts_down_and_is_extended_or_finished(desk: Page, server: DeskServer) -> None:
    await server.shift_changed(**wrap_up(25))
    await expect(desk.locator(".shift-state")).to_contain_text("left")
    await desk.keyboard.press("l")
    assert await server.request("POST", "/agents/7/wrap-up/extend") == {"seconds": 30}
    await desk.keyboard.press("g")
    await server.request("POST", "/agents/7/wrap-up/finish")


async def test_queues_are_entered_and_left(desk: Page, server: DeskServer) -> None:
    queues = [queue("sales", fixed=True), queue("orders"), queue("support", member=False)]
    await server.shift_changed(queues=queues)
    await desk.locator(".shift-state").click()
    await desk.get_by_role("button", name="Sign out of orders").click()
    await server.request("DELETE", "/agents/7/queues/main/orders")
    await expect(desk.locator("#shift-menu")).to_have_count(0)  # it closes with the answer
    await desk.locator(".shift-state").click()
    await desk.get_by_role("button", name="Sign in to support").click()
    await server.request("PUT", "/agents/7/queues/main/support")
    await expect(desk.locator("#shift-menu")).to_have_count(0)
    await desk.locator(".shift-state").click()
    await expect(desk.get_by_role("button", name="Sign out of orders")).to_be_visible()
    assert await desk.get_by_role("button", name="sales").count() == 0  # the configuration holds her there


async def test_a_pause_of_somebody_else_is_explained_and_has_no_button(
    desk: Page, server: DeskServer
) -> None:
    held = [queue("sales", fixed=True, paused=True, by_others=True, reason="see me")]
    await server.shift_changed(state="paused", reason="see me", since=ago(9), queues=held)
    await expect(desk.get_by_role("button", name="Ready")).to_have_count(0)
    await desk.locator(".shift-state").click()
    await expect(desk.locator(".shift-say")).to_contain_text("Whoever did it lifts it")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_axe_finds_nothing_in_the_menu(desk: Page, server: DeskServer, scheme: str) -> None:
    await desk.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    await desk.keyboard.press("s")
    await expect(desk.get_by_role("button", name="Lunch")).to_be_visible()
    assert await violations(desk) == []
