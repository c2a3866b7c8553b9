"""What every room's tests share: one real PostgreSQL a worker, and a fresh database for each test."""

import itertools
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Generator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.migrations import migrate

TEMPLATE = "crm_template"
LONGEST = ("test_api_description", "test_no_call_is_lost", "test_pages_in_browser", "test_what_breaks")
MEMORY = Path("/dev/shm")  # a test's database does not outlive the run, so it need not touch a disk


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes long begins first."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed (CI=true) a test that skips itself has failed."""
    report = yield
    if report.skipped and os.environ.get("CI") == "true":
        report.outcome, report.longrepr = "failed", f"skipped, but CI=true: {report.longrepr}"
    return report


HASTY = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "shared_buffers": "64MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}
_numbers = itertools.count(1)


def named(url: str, database: str) -> str:
    """The address of another database of the same server."""
    return url.replace("@/callcenter?", f"@/{database}?")


@pytest_asyncio.fixture(scope="session")
async def postgres() -> AsyncIterator[str]:
    """The address of a running server; its database `crm_template` has the newest shape and no rows."""
    roomy = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > 1 << 30
    base = Path(tempfile.mkdtemp(prefix="callcenter-tests-", dir=MEMORY if roomy else "/tmp"))
    try:
        async with Embedded(base, settings=HASTY) as server:
            connection = await asyncpg.connect(server.url)
            await connection.execute(f"CREATE DATABASE {TEMPLATE}")
            await connection.close()
            await migrate(named(server.url, TEMPLATE))
            yield server.url
    finally:
        shutil.rmtree(base, ignore_errors=True)


@asynccontextmanager
async def copied(postgres: str, template: str) -> AsyncIterator[str]:
    """The address of a copy of that database, dropped afterwards."""
    name = f"test_{next(_numbers)}"
    connection = await asyncpg.connect(postgres)
    try:
        await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        yield named(postgres, name)
        await connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
    finally:
        await connection.close()


@asynccontextmanager
async def made(postgres: str, name: str) -> AsyncIterator[Database]:
    """A database of that name to put rows into; `copied` makes others from it once it is let go."""
    connection = await asyncpg.connect(postgres)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    await connection.close()
    async with connect(named(postgres, name)) as db:
        yield db


@pytest.fixture
def template(postgres: str) -> str:
    """The database that this test's own begins as; a folder whose tests all need the same rows has its own."""
    return TEMPLATE


@pytest_asyncio.fixture
async def database_url(postgres: str, template: str) -> AsyncIterator[str]:
    """The address of a database of this test's own, migrated and, unless `template` says otherwise, empty."""
    async with copied(postgres, template) as url:
        yield url


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The same, connected: `async with database.begin() as session`."""
    async with connect(database_url) as db:
        yield db
