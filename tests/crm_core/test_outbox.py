"""News travels to the other processes when, and only when, the change is committed; none is skipped."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

from crm_core.db import Database, connect
from crm_core.outbox import News, announce, forget, listen, newest, publish, publish_once, read_after


async def say(database: Database, *numbers: int) -> None:
    async with database.begin() as session:
        for number in numbers:
            await announce(session, "order", {"id": number})


@asynccontextmanager
async def running(*coroutines: object) -> AsyncIterator[None]:
    tasks = [asyncio.ensure_future(it) for it in coroutines]  # type: ignore[call-overload]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def listener(database: Database, heard: asyncio.Queue[int]) -> None:
    async def handler(news: News) -> None:
        heard.put_nowait(news.payload["id"])

    await listen(database, handler, after=0)


async def test_what_was_rolled_back_is_never_told(database: Database) -> None:
    with pytest.raises(RuntimeError, match="no"):
        async with database.begin() as session:
            await announce(session, "order", {"id": 1})
            raise RuntimeError("no")
    assert await publish_once(database) == 0
    await say(database, 2)
    assert await publish_once(database) == 1
    assert [(it.seq, it.topic, it.payload) for it in await read_after(database, 0)] == [
        (1, "order", {"id": 2})
    ]


async def test_a_row_that_was_committed_late_comes_after_those_published_before(database: Database) -> None:
    async with database.begin() as slow:
        await announce(slow, "order", {"id": 1})
        await say(database, 2)
        await publish_once(database)
        assert [it.payload["id"] for it in await read_after(database, 0)] == [2]
        last = await newest(database)
    await publish_once(database)
    assert [it.payload["id"] for it in await read_after(database, last)] == [1]


async def test_every_process_hears_everything_once_and_in_one_order(database: Database) -> None:
    heard: list[asyncio.Queue[int]] = [asyncio.Queue(), asyncio.Queue()]
    async with connect(database.url) as other:
        work = (publish(database), publish(other), *(listener(database, it) for it in heard))
        async with running(*work), asyncio.timeout(60):
            await asyncio.gather(*(say(database if n % 2 else other, n) for n in range(20)))
            orders = [[await it.get() for _ in range(20)] for it in heard]
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == list(range(20))


async def test_a_listener_that_fails_on_one_goes_on_with_the_next(database: Database) -> None:
    heard: asyncio.Queue[int] = asyncio.Queue()

    async def handler(news: News) -> None:
        if news.payload["id"] == 1:
            raise ValueError("broken")
        heard.put_nowait(news.payload["id"])

    async with running(publish(database), listen(database, handler, after=0)), asyncio.timeout(60):
        await say(database, 1)
        await say(database, 2)
        assert await heard.get() == 2


async def test_old_news_is_forgotten_but_the_count_goes_on(database: Database) -> None:
    await say(database, 1, 2, 3)
    await publish_once(database)
    async with database.begin() as session:
        await session.execute(text("UPDATE outbox SET created_at = now() - interval '2 hours'"))
    await forget(database)
    assert [it.seq for it in await read_after(database, 0)] == [3]
    await say(database, 4)
    await publish_once(database)
    assert await newest(database) == 4
