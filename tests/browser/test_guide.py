"""What guides whoever talks, in the card: a tip with why, the call list with its text, a script worked by keys."""

from playwright.async_api import Page, expect

from tests.axe import violations
from tests.browser.desk_server import DeskServer, ago, card, customer
from tests.browser.desk_server import call as a_call
from tests.browser.test_desk import browser as browser
from tests.browser.test_desk import context as context
from tests.browser.test_desk import desk as desk
from tests.browser.test_desk import pytestmark  # noqa: F401
from tests.browser.test_desk import server as server

HOSTILE = "Marta <img src=x onerror=alert(1)>"


def said(*parts: str | tuple[str, str | None]) -> list[dict[str, str | None]]:
    """Plain text, and (what it is, what is filled in)."""
    return [
        {"text": it, "field": None} if isinstance(it, str) else {"text": it[1], "field": it[0]}
        for it in parts
    ]


STEPS = [
    {
        "name": "Greeting",
        "say": said("Hello ", ("first name", HOSTILE), ", about ", ("number of the order", None)),
        "answers": [{"label": "Go on", "to": "Offer"}, {"label": "Not now", "to": None}],
    },
    {"name": "Offer", "say": said("Free delivery?"), "answers": [{"label": "Yes", "to": None}]},
]
OUTCOMES = [{"code": "sold", "label": "Sold", "parent": None, "active": True}]
GUIDE = {
    "tips": [
        {"words": "Offer the blue mug", "values": {}, "why": "Regulars"},
        {"words": "Usually buys {what} every {days} days", "values": {"what": "tea", "days": 30}, "why": None},
    ],
    "lists": [
        {"entry_id": 1, "list_id": 2, "name": "Not paid <b>", "text": "Ask <i>kindly</i>", "order_id": 7,
         "order_number": "A-1042", "attempts": 1, "last_outcome": None},
    ],
    "script": {"id": 3, "name": "First words", "version_id": 9, "steps": STEPS, "path": []},
}  # fmt: skip


async def test_a_script_is_gone_through_by_digits_that_choose_no_outcome(
    desk: Page, server: DeskServer
) -> None:
    server.answers |= {
        "/guide": GUIDE,
        "/outcome-trees": [
            {"id": 1, "name": "Every call", "line_ids": [], "funnel_ids": [], "outcomes": OUTCOMES}
        ],
    }
    over = a_call(state="wrap_up", result="answered", answered_at=ago(90), ended_at=ago(2), talk_s=88)
    server.calls = [{"call": over, "card": card(customer=customer())}]
    await desk.reload()
    panel = desk.locator(".script-step")
    await expect(panel).to_contain_text(f"Hello {HOSTILE}, about [number of the order]")
    await expect(desk.locator(".tips")).to_contain_text("Offer the blue mug Regulars")
    await desk.get_by_role("button", name="1 more").click()
    await expect(desk.locator(".tips")).to_contain_text("Usually buys tea every 30 days")
    await expect(desk.locator(".on-lists")).to_contain_text("Ask <i>kindly</i>")
    await expect(desk.get_by_role("button", name="Sold")).to_be_visible()
    assert await violations(desk) == []

    await desk.keyboard.press("f")
    await expect(panel).to_be_focused()
    await desk.keyboard.press("1")
    await expect(panel).to_contain_text("Free delivery?")
    await expect(desk.get_by_role("button", name="Sold")).to_have_attribute("aria-pressed", "false")
    kept = await server.request("PUT", "/calls/c1/script")
    assert kept == {"version_id": 9, "path": [0]}
    await desk.keyboard.press("Backspace")
    await expect(panel).to_contain_text("Hello")
    await desk.keyboard.press("2")
    await expect(panel).to_contain_text("The script ends here.")
    await desk.locator(".wrap-up h2").click()  # out of the panel the same digit is an outcome
    await panel.blur()
    await desk.keyboard.press("1")
    await expect(desk.get_by_role("button", name="Sold")).to_have_attribute("aria-pressed", "true")
    # What was answered is there again after a reload, also before the server tells it.
    await desk.reload()
    await expect(panel).to_be_visible()
    server.answers["/guide"] = {"tips": [], "lists": [], "script": None}
    await desk.reload()
    await expect(desk.locator(".wrap-up")).to_be_visible()
    await expect(desk.locator(".script, .tips, .on-lists")).to_have_count(0)  # nothing there, nothing shown
