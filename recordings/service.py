"""The worker of the queue: takes jobs until it is told to stop, and sweeps in between.

Survives a lost database, a killed neighbour and its own end: a job that is not finished goes back into the queue.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg
import structlog
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.errors import FailingListenerError, RetryRequested
from pgqueuer.executors import DatabaseRetryEntrypointExecutor
from pgqueuer.models import Job
from sqlalchemy.exc import DBAPIError

from crm_core.db import Database
from recordings.cache import Cache
from recordings.engine import Engine
from recordings.intake import Clock
from recordings.jobs import INTAKE, TRANSCRIBE, Worker
from recordings.roots import Roots

log = structlog.get_logger(__name__)

# Of a job whose worker was killed: after this it is given to another.
HEARTBEAT = timedelta(seconds=20)
SWEEP_EVERY_S = 60.0
CACHE_BYTES = 2 * 1024**3
RECONNECT_S = 2.0
CLOSING_S = 3.0
# How the loss of the database shows itself, through each of the ways we use it.
LOST = (
    OSError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that died while it was given back
    DBAPIError,
    FailingListenerError,
)


async def run(
    db: Database,
    *,
    roots: Roots,
    engine: Engine,
    cache: Cache | None = None,
    workers: int = 1,
    clock: Clock | None = None,
) -> None:
    """Work off the queue until cancelled. `workers`: how many calls are transcribed at once.

    Survives a lost database: connects again. The queue's tables must be there (`install`).
    """
    worker = Worker(db, roots, engine, clock or Clock())
    while True:
        # In a task of its own: a task group that fails while it is cancelled forgets one of the two.
        work = asyncio.create_task(_work(worker, cache, workers))
        try:
            await asyncio.wait({work})
        finally:
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
        try:
            work.result()
        except* LOST as errors:
            log.error("queue lost its database", error=repr(errors.exceptions[0]))
        await asyncio.sleep(RECONNECT_S)


async def _work(worker: Worker, cache: Cache | None, workers: int) -> None:
    await worker.recover()
    async with _pool(worker.db.url) as pool, asyncio.TaskGroup() as tasks:
        # Two queues: long transcriptions never keep the sound of a call that just ended waiting.
        fetch, listen = (PgQueuer(_Listening(pool)) for _ in range(2))
        stop = asyncio.Event()
        _serve(fetch, INTAKE, worker.intake, stop)
        _serve(listen, TRANSCRIBE, worker.transcribe, stop)
        tasks.create_task(_set_at_the_end(stop))
        # An idle queue looks for the jobs of killed workers only as often as `dequeue_timeout` says.
        for queue, batch, limit in ((fetch, 10, None), (listen, 1, 1 + workers)):
            manage = queue.qm.run(
                dequeue_timeout=HEARTBEAT / 2,
                batch_size=batch,
                max_concurrent_tasks=limit,
                heartbeat_timeout=HEARTBEAT,
                shutdown_on_listener_failure=True,
            )
            tasks.create_task(manage)
        tasks.create_task(_keep_sweeping(worker, cache))


class _Listening(AsyncpgPoolDriver):
    """A queue asks whether it hears itself as soon as it starts. Asked before it listens, it hears nothing, waits ten
    seconds for it and gives its database up for lost."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        super().__init__(pool)
        self._listens = asyncio.Event()

    async def add_listener(self, channel: str, callback: Callable[[str | bytes | bytearray], None]) -> None:
        await super().add_listener(channel, callback)
        self._listens.set()

    async def notify(self, channel: str, payload: str) -> None:
        await self._listens.wait()
        await super().notify(channel, payload)


@asynccontextmanager
async def _pool(url: str) -> AsyncIterator[asyncpg.Pool]:
    pool = await asyncpg.create_pool(url, min_size=2, max_size=8)
    try:
        yield pool
    finally:
        try:
            await asyncio.wait_for(pool.close(), CLOSING_S)
        except TimeoutError:
            # A listener whose connection was cut is never given back, and a pool waits for ever for it.
            pool.terminate()


def _serve(queue: PgQueuer, kind: str, work: Callable[[Job], Awaitable[None]], stop: asyncio.Event) -> None:
    async def serve(job: Job) -> None:
        await _unless_stopped(work(job), stop)

    queue.entrypoint(
        kind,
        executor_factory=lambda parameters: DatabaseRetryEntrypointExecutor(parameters, max_attempts=8),
    )(serve)


async def _set_at_the_end(stop: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        stop.set()


async def _unless_stopped(work: Awaitable[None], stop: asyncio.Event) -> None:
    """Do the work, but give the job back to the queue when the process is told to stop.

    The queue's own manager would wait for its jobs, and a transcription can take minutes.
    """
    task, stopped = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise RetryRequested(timedelta(), "the worker stops")
        task.result()
    finally:
        for part in (task, stopped):
            part.cancel()
        await asyncio.gather(task, stopped, return_exceptions=True)


async def _keep_sweeping(worker: Worker, cache: Cache | None) -> None:
    while True:
        found = await worker.sweep()
        if found:
            log.info("recordings appeared late", calls=found)
        if cache:
            await asyncio.to_thread(cache.trim, CACHE_BYTES)
        await asyncio.sleep(SWEEP_EVERY_S)
