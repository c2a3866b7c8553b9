"""The product as it is used: without an Asterisk, Chromium or espeak-ng these tests are skipped, under CI they fail."""

import os
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.chromium import CHROMIUM, VENDOR, launched
from tests.e2e.eyes import PICTURES
from tests.e2e.house import House
from tests.pbx.tree import ROOT
from tests.pbx.tree import missing as without_pbx

HERE = Path(__file__).parent


def missing() -> str | None:
    """What keeps these tests from running, None when nothing does."""
    lacks = {
        f"an Asterisk in {ROOT}, run as root": without_pbx() is not None,
        "Chromium": not CHROMIUM.exists(),
        "espeak-ng": shutil.which("espeak-ng") is None,
        "the browser libraries of a build": not VENDOR.exists(),
    }
    found = ", ".join(name for name, lacking in lacks.items() if lacking)
    return f"needs {found}; docs/developer.md says how to get it" if found else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it where it can not run."""
    reason = missing()
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.pbx)
        item.add_marker(pytest.mark.browser)
        if reason is not None and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest_asyncio.fixture(scope="module")
async def house(request: pytest.FixtureRequest) -> AsyncIterator[House]:
    """Switchboard, shop and service, for this module; the service's log is kept with the pictures."""
    reason = missing()
    if reason is not None:
        pytest.fail(reason)
    folder = Path(tempfile.mkdtemp(prefix="callcenter-e2e-", dir="/tmp"))
    folder.chmod(0o711)  # the database runs under an account of its own
    try:
        async with House.opened(folder) as house:
            yield house
    finally:
        PICTURES.mkdir(exist_ok=True)
        if (log := folder / "service.log").exists():
            shutil.copy(log, PICTURES / f"{request.path.stem}.log")
        shutil.rmtree(folder, ignore_errors=True)


@pytest_asyncio.fixture(scope="module")
async def browser() -> AsyncIterator[Browser]:
    """Chromium, for this module."""
    async with launched() as browser:
        yield browser
