"""Who listens sees it on every page and changes how by the mouse; whoever is listened to is told."""

from typing import Any

from playwright.async_api import Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago
from tests.browser.test_control import NOTHING, TALKING
from tests.browser.test_desk import browser, context, desk, pytestmark, ring, server

__all__ = ["browser", "context", "desk", "pytestmark", "server"]


def heard(**different: Any) -> dict[str, Any]:
    usual = {"call_id": "c7", "operator": {"id": 8, "name": "Boris <b>Novák</b>"}, "extension": "1002"}
    usual |= {"mode": "listen", "told": False, "takes_over": False, "since": ago(30)}
    return {"type": "listening", "listening": usual | different}


async def test_a_supervisor_hears_a_colleague_and_is_heard_of(desk: Page, server: DeskServer) -> None:
    bar = desk.get_by_role("region", name="Listening")
    await server.push(heard(mode=None))
    await expect(bar).to_contain_text("Pick it up to hear Boris <b>Novák</b>")
    await server.push(heard())
    await expect(bar).to_contain_text("nobody hears you · Boris <b>Novák</b> does not see it")
    await expect(bar.get_by_role("button", name="Listen", exact=True)).to_have_attribute(
        "aria-pressed", "true"
    )
    await bar.get_by_role("button", name="Whisper").click()
    assert await server.request("POST", "/calls/c7/listening") == {"mode": "whisper"}
    await server.push(heard(mode="whisper"))
    await expect(bar.get_by_role("button", name="Whisper")).to_have_attribute("aria-pressed", "true")
    assert await violations(desk) == []
    await server.push({"type": "listening", "listening": None})
    await expect(bar).to_have_count(0)
    by = [{"name": "Eva Supervisor", "mode": "whisper"}]
    await ring(server, desk, **TALKING, control=NOTHING | {"heard_by": by})
    await expect(desk.get_by_text("Eva Supervisor whispers to you")).to_be_visible()
