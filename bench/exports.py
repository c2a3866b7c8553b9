"""Does a big export hold up everybody else? The lag of the event loop while a list goes out, against the idle loop.

Run:     python bench/exports.py [--customers N] [--format csv|xlsx]
Setup:   the web application on a database with N customers and N orders; the file is fetched by another process
Floor:   how late a task of the same loop wakes up from a sleep of 5 ms while nothing else is done
Prints:  p50, p99 and the worst lag in milliseconds, and how much of it was our own work, idle and during the export
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from aiohttp import web

from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.migrations import migrate
from crm_core.seed import seed
from crm_core.user import create_user
from web.app import build_app
from web.services import Services
from web.sessions import COOKIE_NAME, make_store
from web.settings import Settings

SLEEP_S = 0.005
FETCH = """
import sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Cookie": sys.argv[2]})
with urllib.request.urlopen(request) as answer:
    lines = size = 0
    while piece := answer.read(1 << 16):
        lines, size = lines + piece.count(b"\\n"), size + len(piece)
print(lines, size)
"""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--format", choices=("csv", "xlsx"), default="csv")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        async with _shop(Path(folder), given.customers) as (db, address, cookie):
            assert db is not None
            show("idle", await lags(asyncio.sleep(5)))
            began = time.monotonic()
            fetching = fetch(f"{address}/api/v1/exports/customers?format={given.format}", cookie)
            measured = asyncio.create_task(fetching)
            show("during the export", await lags(measured))
            lines, size = measured.result().split()
            took = time.monotonic() - began
            print(f"{given.customers:,} customers, {lines} lines, {int(size) / 2**20:.0f} MB in {took:.1f} s:"
                  f" {given.customers / took:,.0f} a second")  # fmt: skip


async def lags(work: Any) -> tuple[list[float], list[float]]:
    """How late, in ms, a sleeper of this loop wakes up while `work` is done, and how much of that the loop's own
    thread was at work (the rest others had the processor); sorted."""
    late: list[float] = []
    busy: list[float] = []
    task = asyncio.ensure_future(work)
    while not task.done():
        began, worked = time.monotonic(), time.thread_time()
        await asyncio.sleep(SLEEP_S)
        late.append((time.monotonic() - began - SLEEP_S) * 1000)
        busy.append((time.thread_time() - worked) * 1000)
    await task
    return sorted(late), sorted(busy)


def show(name: str, measured: tuple[list[float], list[float]]) -> None:
    for what, times in zip(("late", "at work"), measured, strict=True):
        p50, p99 = times[len(times) // 2], times[int(len(times) * 0.99)]
        print(
            f"{name:18} {what:8} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   worst {times[-1]:7.2f} ms",
            flush=True,
        )


async def fetch(url: str, cookie: str) -> str:
    """What another process read: lines and bytes."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", FETCH, url, cookie), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await process.communicate()
    if process.returncode:
        sys.exit("the export was refused")
    return said.decode()


@asynccontextmanager
async def _shop(folder: Path, customers: int) -> AsyncIterator[tuple[Database, str, str]]:
    """A seeded database, the address of the application over it, the cookie of a manager."""
    async with Embedded(folder / "db") as server:
        await migrate(server.url)
        made = await seed(server.url, customers=customers, orders=customers, calls=0, now=datetime.now(UTC))
        print(f"seeded {made.rows:,} rows, {made.rows_per_s:,.0f} a second", flush=True)
        async with connect(server.url) as db:
            async with db.begin() as session:
                user = await create_user(session, login="bench", name="Bench", role="manager")
            settings = Settings(data_dir=folder / "data", secret_key="k" * 40)
            services = Services(db=db, settings=settings, live=cast(Any, None), now=lambda: datetime.now(UTC))
            token = await make_store(services).open(user.id, None)
            runner = web.AppRunner(build_app(services), access_log=None)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            port = runner.addresses[0][1]
            try:
                yield db, f"http://127.0.0.1:{port}", f"{COOKIE_NAME}={token}"
            finally:
                await runner.cleanup()


if __name__ == "__main__":
    asyncio.run(main())
