"""What reports cost at size: roll-ups against the same figures and facts counted from the rows, in the same run.

Run:     python bench/reports.py [--days N] [--runs N] [--raw-days N] [--url DATABASE]
Setup:   a migrated database with calls (`callcenter seed`, by --url; else 300,000 calls are seeded)
Prints:  how long all days take to be rolled up; p50 and slowest of each report over --days days, the last of them
         counted from rows; how long the rows of --raw-days days take, and the ratio for as many days. The goal is 1 s.
Fails:   when what is rolled up is not what the rows say (one month of it is compared)
"""

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from crm_core.call import Call
from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.figure.period import By, of_days
from crm_core.figure.rules import Rules
from crm_core.figure_rolling import roll_up
from crm_core.funnel import SALES
from crm_core.migrations import migrate
from crm_core.read import fact_rolled
from crm_core.read.fact_days import tell_days
from crm_core.read.fact_rolled import Rolled
from crm_core.read.facts import Asking, Way, newest, tell
from crm_core.read.figure_days import Stretch, tally_days
from crm_core.read.figure_families import FAMILIES, Family, families_of
from crm_core.read.figure_labels import zones
from crm_core.read.figures import Ledger, count
from crm_core.seed import seed

REPORTS: dict[str, Sequence[By]] = {
    "by operator": (By.OPERATOR,),
    "by queue and month": (By.QUEUE, By.MONTH),
    "by line and weekday": (By.LINE, By.WEEKDAY),
    "by source": (By.SOURCE,),
    "by hour and weekday": (By.HOUR, By.WEEKDAY),
    "by operator and month": (By.OPERATOR, By.MONTH),
    "by day": (By.DAY,),
    "by script": (By.SCRIPT,),
    "by operator and line": (By.OPERATOR, By.LINE),
    "by line and source": (By.LINE, By.SOURCE),
}
HEAT_MAP = families_of(
    ("queue_answered", "in_target", "abandoned", "short")
)  # across columns one figure is told
FACTS: Sequence[tuple[str, Rolled, Way]] = (
    ("missed calls by line", fact_rolled.OF_MISSED, Way.LINE),
    ("missed calls by day", fact_rolled.OF_MISSED, Way.DAY),
    ("steps of orders", fact_rolled.OF_STEPS[0], Way.STEP),
    ("steps by operator", fact_rolled.OF_STEPS[1], Way.OPERATOR),
    ("calls about goods", fact_rolled.OF_GOODS[0], Way.PRODUCT),
    ("goods sold in calls", fact_rolled.OF_GOODS[1], Way.PRODUCT),
    ("goods by product", fact_rolled.OF_GOODS[2], Way.PRODUCT),
    ("goods by day", fact_rolled.OF_GOODS[2], Way.DAY),
    ("funnel by stage", fact_rolled.OF_STAGES, Way.STAGE),
    ("funnel by operator", fact_rolled.OF_STAGES, Way.OPERATOR),
    ("deals by operator", fact_rolled.OF_DEALS, Way.OPERATOR),
    ("deals by day", fact_rolled.OF_DEALS, Way.DAY),
)
LISTS: Sequence[tuple[str, Rolled, str]] = (
    ("missed calls", fact_rolled.OF_MISSED, "open"),
    ("calls with an order", fact_rolled.OF_GOODS[1], "sold_calls"),
    ("orders in a step", fact_rolled.OF_STEPS[0], "there"),
    ("orders", fact_rolled.OF_GOODS[2], "again"),
)
"""The first page behind a number: of what, and the number."""


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--days", type=int, default=731)
    parser.add_argument("--raw-days", type=int, default=31)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--url")
    given = parser.parse_args()
    async with _database(given.url) as db:
        async with db.begin() as session:
            zone = ZoneInfo((await zones(session))[0])
            calls = await session.scalar(select(func.count()).select_from(Call))
            newest = await session.scalar(select(func.max(Call.started_at)))
        now = newest or datetime.now(UTC)
        print(f"{calls:,} calls; rolled up in {await _roll_all(db, now):.1f} s", flush=True)
        last = now.astimezone(zone).date()
        first, lately = last - timedelta(days=given.days - 1), last - timedelta(days=given.raw_days - 1)
        for name, dims in REPORTS.items():
            took = sorted([await _report(db, first, last, zone, dims, now) for _ in range(given.runs)])
            raw = await _rows(db, lately, last, zone, dims, now)
            short = await _report(db, lately, last, zone, dims, now)
            print(
                f"{name:24} {given.days} days: p50 {took[len(took) // 2]:6.3f} s, slowest {took[-1]:6.3f} s;"
                f"   {given.raw_days} days: rows {raw:7.3f} s, roll-ups {short:6.3f} s, {raw / short:6.1f} x",
                flush=True,
            )
        heat = sorted(
            [
                await _report(db, first, last, zone, (By.HOUR, By.WEEKDAY), now, HEAT_MAP)
                for _ in range(given.runs)
            ]
        )
        middle, slowest = heat[len(heat) // 2], heat[-1]
        print(f"{'heat map of a figure':24} {given.days} days: p50 {middle:6.3f} s, slowest {slowest:6.3f} s")
        for name, rolled, way in FACTS:
            took = sorted([await _facts(db, rolled, way, first, last, zone, now) for _ in range(given.runs)])
            raw = await _facts(db, rolled, way, lately, last, zone, now, rows=True)
            print(
                f"{name:24} {given.days} days: p50 {took[len(took) // 2]:6.3f} s, slowest {took[-1]:6.3f} s;"
                f"   {given.raw_days} days: rows {raw:7.3f} s",
                flush=True,
            )
        for name, rolled, number in LISTS:
            took = sorted(
                [await _page(db, rolled, number, first, last, zone, now) for _ in range(given.runs)]
            )
            print(
                f"list of {name:16} {given.days} days: p50 {took[len(took) // 2]:6.3f} s, slowest {took[-1]:6.3f} s"
            )


async def _roll_all(db: Database, now: datetime) -> float:
    began, more = time.perf_counter(), True
    while more:
        async with db.begin() as session:
            more = await roll_up(session, at=now)
    return time.perf_counter() - began


async def _report(
    db: Database,
    first: date,
    last: date,
    zone: ZoneInfo,
    dims: Sequence[By],
    now: datetime,
    families: Sequence[Family] = FAMILIES,
) -> float:
    began = time.perf_counter()
    async with db.begin() as session:
        await tally_days(session, first, last, zone, dims, Rules(now=now), families=families)
    return time.perf_counter() - began


async def _facts(
    db: Database,
    rolled: Rolled,
    way: Way,
    first: date,
    last: date,
    zone: ZoneInfo,
    now: datetime,
    *,
    rows: bool = False,
) -> float:
    """As a page asks for them, or each row by itself."""
    stretch, asking = Stretch(first, last, zone, Rules(now=now)), _asking(rolled, first, last, zone, now)
    began = time.perf_counter()
    async with db.snapshot() as session:
        if rows:
            await tell(session, rolled.facts, [way], asking)
        else:
            await tell_days(session, [rolled], [way], asking, stretch)
    return time.perf_counter() - began


async def _page(
    db: Database, rolled: Rolled, number: str, first: date, last: date, zone: ZoneInfo, now: datetime
) -> float:
    asking, began = _asking(rolled, first, last, zone, now), time.perf_counter()
    async with db.snapshot() as session:
        await newest(session, rolled.facts, number, asking, before=None, enough=51)
    return time.perf_counter() - began


def _asking(rolled: Rolled, first: date, last: date, zone: ZoneInfo, now: datetime) -> Asking:
    period = of_days(first, last, zone)
    given = {"since": period.since, "until": period.until, "now": now, "zone": str(zone),
             "again_within": Rules(now=now).again_within}  # fmt: skip
    only = {Way.FUNNEL: SALES} if Way.FUNNEL in rolled.facts.ways else {}
    return Asking(given={**given, **rolled.when}, only=only)


async def _rows(
    db: Database, first: date, last: date, zone: ZoneInfo, dims: Sequence[By], now: datetime
) -> float:
    began, ledger = time.perf_counter(), Ledger()
    async with db.begin() as session:
        for family in FAMILIES:
            ledger.add(family, await count(session, family, of_days(first, last, zone), dims, Rules(now=now)))
        took = time.perf_counter() - began
        if ledger.tallies() != await tally_days(session, first, last, zone, dims, Rules(now=now)):
            sys.exit("What is rolled up is not what the rows say.")
    return took


@asynccontextmanager
async def _database(url: str | None) -> AsyncIterator[Database]:
    if url:
        await migrate(url)
        async with connect(url) as db:
            yield db
        return
    with tempfile.TemporaryDirectory() as folder:
        async with Embedded(Path(folder) / "db") as server:
            await migrate(server.url)
            now = datetime.now(UTC)
            await seed(server.url, customers=30_000, orders=90_000, calls=300_000, now=now)
            async with connect(server.url) as db:
                yield db


if __name__ == "__main__":
    asyncio.run(main())
