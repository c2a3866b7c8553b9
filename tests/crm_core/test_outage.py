"""A database that is away is told from one that refuses."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionFree

from crm_core import outbox
from crm_core.db import Database, connect
from crm_core.outage import is_outage
from crm_core.outbox import announce, publish, read_after
from tests.patience import PATIENCE_S


async def failure(url: str) -> Exception:
    async with connect(url) as database:
        with pytest.raises((OSError, DBAPIError)) as failed:
            async with database.begin() as session:
                await session.execute(text("SELECT nothing FROM nowhere"))
    return failed.value


async def test_nobody_at_the_port_or_at_the_socket_is_an_outage(tmp_path: Path) -> None:
    assert is_outage(await failure("postgresql://nobody@127.0.0.1:1/none"))
    assert is_outage(await failure(f"postgresql://nobody@/none?host={tmp_path}"))


async def test_that_every_connection_is_taken_is_an_outage(database_url: str) -> None:
    async with AsyncExitStack() as all_of_them:
        database = await all_of_them.enter_async_context(connect(database_url, pool_size=1))
        database.engine.pool._timeout = 0.05  # type: ignore[attr-defined]  # not half a minute
        for _ in range(2):
            session = await all_of_them.enter_async_context(database.begin())
            await session.execute(text("SELECT 1"))
        with pytest.raises(NoConnectionFree) as failed:
            async with database.begin() as session:
                await session.execute(text("SELECT 1"))
        assert is_outage(failed.value)


async def test_a_refused_statement_or_a_missing_file_is_none(database_url: str, tmp_path: Path) -> None:
    assert not is_outage(await failure(database_url))
    with pytest.raises(FileNotFoundError) as failed:
        (tmp_path / "gone").read_text()
    assert not is_outage(failed.value)


def test_a_connection_that_died_in_our_hands_is_an_outage_and_a_wrong_value_is_none() -> None:
    assert is_outage(
        asyncpg.InternalClientError("cannot switch to state 12; another operation is in progress")
    )
    assert is_outage(asyncpg.InterfaceError("cannot perform operation: connection is closed"))
    assert not is_outage(asyncpg.DataError("invalid input for query argument $1: 'closed'"))
    assert not is_outage(
        asyncpg.InterfaceError("the server expects 2 arguments for this query, 1 was passed")
    )


def starting_up() -> DBAPIError:
    """What SQLAlchemy makes of a server that is not ready for anybody."""
    driver = Exception("the database system is starting up")
    driver.__cause__ = asyncpg.CannotConnectNowError("the database system is starting up")
    return DBAPIError("SELECT 1", None, driver)


async def test_news_wait_in_a_database_that_is_starting(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_outage(starting_up())
    monkeypatch.setattr("crm_core.outbox.SAFETY_S", 0.1)
    really = outbox.publish_once
    failures = iter([starting_up(), ConnectionRefusedError()])

    async def sometimes(database: Database) -> int:
        if failure := next(failures, None):
            raise failure
        return await really(database)

    monkeypatch.setattr(outbox, "publish_once", sometimes)
    publishing = asyncio.create_task(publish(database))
    async with database.begin() as session:
        await announce(session, "order", {"id": 7})
    async with asyncio.timeout(PATIENCE_S):
        while not await read_after(database, 0):
            await asyncio.sleep(0.02)
    publishing.cancel()
    await asyncio.gather(publishing, return_exceptions=True)
