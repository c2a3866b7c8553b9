"""A simulated switchboard and a manager logged in to it."""

from collections.abc import AsyncIterator

import pytest_asyncio

from asterisk.fake import (
    Switchboard,
    lab,
)
from tests.asterisk.manager import Manager


@pytest_asyncio.fixture
async def board() -> AsyncIterator[Switchboard]:
    async with Switchboard(lab(), speed=100) as switchboard:
        yield switchboard


@pytest_asyncio.fixture
async def ami(board: Switchboard) -> AsyncIterator[Manager]:
    async with Manager(board.port) as manager:
        assert (await manager.login())["Response"] == "Success"
        yield manager
