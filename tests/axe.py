"""What axe says of a page that stands in the browser."""

from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page

# What passed is not written out: for a page of ours that took twice as long as looking at it.
ONLY_VIOLATIONS = {"resultTypes": ["violations"]}


async def violations(page: Page) -> list[tuple[str, Any]]:
    """Every rule that is broken, with the elements that break it; nothing where none is."""
    found = (await Axe().run(page, options=ONLY_VIOLATIONS)).response["violations"]
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found]
