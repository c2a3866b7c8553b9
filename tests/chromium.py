"""The browser in which pages are tested: Debian's Chromium, without a window."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, async_playwright, expect

from tests.patience import PATIENCE_S

CHROMIUM = Path(os.environ.get("CHROMIUM", "/usr/bin/chromium"))
VENDOR = Path(__file__).parents[1] / "web/static/vendor"
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"),
    *("--mute-audio", "--autoplay-policy=no-user-gesture-required"),
]
expect.set_options(timeout=PATIENCE_S * 1000)
# What a module of browser tests sets as its `pytestmark`.
NEEDS_CHROMIUM = [
    pytest.mark.browser,
    pytest.mark.skipif(not CHROMIUM.exists(), reason="needs Chromium; docs/developer.md says how to get it"),
    pytest.mark.skipif(not VENDOR.exists(), reason="needs the browser libraries: make test builds them"),
]


def needs_chromium(test: Callable[..., Any]) -> Callable[..., Any]:
    """The same for one test among others."""
    for mark in NEEDS_CHROMIUM:
        test = mark(test)
    return test


@asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A running browser, gone at the end."""
    async with async_playwright() as player:
        browser = await player.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        try:
            yield browser
        finally:
            await browser.close()
