"""News for the other processes, written in the same transaction as the change itself.

A transaction only inserts a row; NOTIFY in every commit would cut the rate of writes to a third. After the
commit the process's publisher is woken and sends one NOTIFY for all that gathered within `PAUSE_S`.
Rows get their `seq` when they are published, under a lock, so `seq` grows in the order in which rows become
visible: a reader that goes on after the highest it has seen misses nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Never

import asyncpg
from asyncpg_listen import NotificationListener, NotificationOrTimeout
from sqlalchemy import Index, event, insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, Session

from crm_core.db import Base, Database, Id
from crm_core.outage import is_outage

log = logging.getLogger(__name__)

CHANNEL = "callcenter_outbox"
PAUSE_S = 0.03  # news wait at most this long for company
SAFETY_S = 2.0  # rows of a process that died before publishing are found this late
RECONNECT_S = 1.0
KEPT = timedelta(hours=1)
_LOCK = 0x6E657773  # "news"
_ANNOUNCED = "outbox.announced"


class OutboxRow(Base):
    """One piece of news. `seq` is NULL until it is published."""

    __tablename__ = "outbox"
    __table_args__ = (
        Index("ix_outbox_seq", "seq", unique=True),
        Index("ix_outbox_unpublished", "id", postgresql_where=text("seq IS NULL")),
    )

    id: Mapped[Id]
    seq: Mapped[int | None]
    topic: Mapped[str]
    payload: Mapped[dict[str, Any]]


@dataclass(frozen=True)
class News:
    """What a reader gets: `topic` is customer, order, deal, callback, call, recording, transcript, site, user, task,
    stock or notice."""

    seq: int
    topic: str
    payload: Mapping[str, Any]


async def announce(session: AsyncSession, topic: str, payload: Mapping[str, Any]) -> None:
    """Tell the other processes, when and only when this transaction commits."""
    await session.execute(insert(OutboxRow).values(topic=topic, payload=dict(payload)))
    tell_on_commit(session)


def tell_on_commit(session: AsyncSession) -> None:
    """Wake the publisher when this transaction commits: a row was put into the outbox by other means."""
    session.sync_session.info[_ANNOUNCED] = True


def on_commit(database: Database, wake: Callable[[], None]) -> None:
    """Call `wake` after each commit of a session of `database` that announced something."""

    def after_commit(session: Session) -> None:
        if session.info.pop(_ANNOUNCED, False):
            wake()

    event.listen(database.session_class, "after_commit", after_commit)


async def publish(database: Database) -> Never:
    """Publish what is announced, for ever. One such task per process; they may run side by side.

    While the database is away the news wait in it, and are published when it is back.
    """
    news = asyncio.Event()
    on_commit(database, news.set)
    while True:
        quiet = not await _within(news.wait(), SAFETY_S)
        await asyncio.sleep(0 if quiet else PAUSE_S)
        news.clear()
        try:
            if quiet:
                await forget(database)
            await publish_once(database)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, news wait: %s", type(error).__name__)
            await asyncio.sleep(SAFETY_S)
            news.set()


async def _within(wait: Awaitable[Any], seconds: float) -> bool:
    """Whether what is waited for happened in time."""
    try:
        async with asyncio.timeout(seconds):
            await wait
    except TimeoutError:
        return False
    return True


async def publish_once(database: Database) -> int:
    """Number the rows that wait and send one NOTIFY with the highest number; how many there were."""
    async with database.begin() as session:
        waiting = await session.scalar(text("SELECT EXISTS (SELECT FROM outbox WHERE seq IS NULL)"))
        if not waiting:
            return 0
        await session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        numbered = await session.execute(_NUMBER)
        seqs = [row.seq for row in numbered]
        if seqs:
            await session.execute(
                text("SELECT pg_notify(:channel, :seq)"), {"channel": CHANNEL, "seq": str(max(seqs))}
            )
        return len(seqs)


async def forget(database: Database) -> None:
    """Remove news that every reader has had the time to read; the newest row stays to keep the count."""
    async with database.begin() as session:
        await session.execute(
            text(
                "DELETE FROM outbox WHERE seq < (SELECT max(seq) FROM outbox)"
                " AND created_at < now() - CAST(:kept AS interval)"
            ),
            {"kept": KEPT},
        )


async def read_after(database: Database, seq: int) -> list[News]:
    """The news after number `seq`, in order."""
    async with database.begin() as session:
        rows = await session.execute(
            select(OutboxRow.seq, OutboxRow.topic, OutboxRow.payload)
            .where(OutboxRow.seq > seq)
            .order_by(OutboxRow.seq)
        )
        return [News(number, topic, payload) for number, topic, payload in rows if number is not None]


async def newest(database: Database) -> int:
    """The number of the newest published row, 0 when there is none."""
    async with database.begin() as session:
        return await session.scalar(text("SELECT coalesce(max(seq), 0) FROM outbox")) or 0


async def listen(
    database: Database, handler: Callable[[News], Awaitable[None]], *, after: int | None = None
) -> None:
    """Call `handler` for every piece of news after number `after` (default: from now on), for ever.

    Connections that break are made anew and nothing is skipped. An exception of `handler` is logged by the
    listener; the row at fault is not offered again.
    """
    last = await _as_soon_as_it_answers(database) if after is None else after

    async def catch_up(_: NotificationOrTimeout) -> None:
        nonlocal last
        for news in await read_after(database, last):
            last = news.seq
            await handler(news)

    async def connection() -> asyncpg.Connection:
        return await asyncpg.connect(database.url)

    await NotificationListener(connection, reconnect_delay=RECONNECT_S).run(
        {CHANNEL: catch_up}, notification_timeout=SAFETY_S
    )


async def _as_soon_as_it_answers(database: Database) -> int:
    """The number of the newest row: the database may die in the moment in which the service is ready."""
    while True:
        try:
            return await newest(database)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, nobody hears news yet: %s", type(error).__name__)
            await asyncio.sleep(RECONNECT_S)


_NUMBER = text("""
    WITH waiting AS (SELECT id, row_number() OVER (ORDER BY id) AS place FROM outbox WHERE seq IS NULL)
    UPDATE outbox SET seq = (SELECT coalesce(max(seq), 0) FROM outbox) + waiting.place
    FROM waiting WHERE outbox.id = waiting.id RETURNING outbox.seq
""")
