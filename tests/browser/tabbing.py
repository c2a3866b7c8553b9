"""How one gets through a page with the Tab key: in the order in which one reads it, and back to where one was."""

from playwright.async_api import Page, expect

# Of every two neighbours that can be reached, the later one stands neither above the earlier one (but for a column to
# its right) nor to the left of it in the same line; and nothing jumps the queue.
AGAINST_SIGHT = """() => {
  const able = "a[href], button, input, select, textarea, summary, [tabindex]";
  const seen = (one) => one.getClientRects().length > 0;
  const reached = (one) => one.tabIndex >= 0 && !one.disabled && !one.closest("[inert]") && seen(one);
  const holds = (one) => (one.matches(able) && reached(one)) || [...one.querySelectorAll(able)].some(reached);
  const called = (one) => (one.ariaLabel || one.innerText || one.outerHTML).trim().slice(0, 60);
  const wrong = [...document.querySelectorAll("[tabindex]")].filter((one) => one.tabIndex > 0).map(called);
  for (const group of document.querySelectorAll("#desk, #desk *")) {
    const parts = [...group.children].filter((one) => holds(one) && seen(one));
    for (let at = 1; at < parts.length; at += 1) {
      const [was, is] = [parts[at - 1].getBoundingClientRect(), parts[at].getBoundingClientRect()];
      const above = is.bottom <= was.top + 1 && is.left < was.right;
      const line = Math.min(was.bottom, is.bottom) - Math.max(was.top, is.top) > Math.min(was.height, is.height) / 2;
      if (above || (line && is.right <= was.left + 1)) wrong.push(`${called(parts[at - 1])} → ${called(parts[at])}`);
    }
  }
  return wrong;
}"""
MOVES = """() => document.getAnimations().filter((one) => one.effect.getComputedTiming().duration > 1)
  .map((one) => one.animationName ?? one.transitionProperty)"""


async def in_the_order_of_sight(page: Page, state: str) -> None:
    assert await page.evaluate(AGAINST_SIGHT) == [], state


async def comes_back(page: Page, opens: str, shown: str, *, closes: str = "Escape") -> None:
    """A panel that a key opens takes the focus, and gives it back where it was when it is closed."""
    was = await page.evaluate_handle("document.activeElement")
    assert await was.evaluate("(one) => one !== document.body"), f"nothing had the focus before {opens}"
    await page.keyboard.press(opens)
    await expect(page.locator(f"{shown} :focus, {shown}:focus")).to_have_count(1)
    await page.keyboard.press(closes)
    await expect(page.locator(shown)).to_have_count(0)
    await page.wait_for_function("(one) => document.activeElement === one", arg=was)
