"""What the store's memory costs at size: card, search, history and lists against a primary-key query in the same run.

Run:     python bench/store.py [--customers N] [--runs N] [--plans FILE] [--url DATABASE] [--only WORD] [--warm]
Setup:   a database with N customers, 3 N orders and 10 N calls (or one that `callcenter seed` filled, by --url)
Floor:   SELECT name FROM customers WHERE id = $1 on the connection that reads the cards
Prints:  p50 and p99 in milliseconds and the ratio of p50 to the floor; the goals are card p99 <= 5 ms, search of
         orders <= 300 ms, a page of history <= 50 ms, at a million customers. --plans writes how each is read;
         --warm reads everything once before it is measured, so that no page comes from the disk
Fails:   when a big table is read from end to end
"""

import argparse
import asyncio
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

from sqlalchemy import event, text

from crm_core.card import read_card
from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.migrations import migrate
from crm_core.read.calls import list_calls
from crm_core.read.customers import list_customers
from crm_core.read.guide import About, load_guide
from crm_core.read.late import count_late
from crm_core.read.orders import list_orders
from crm_core.read.timeline import load_timeline
from crm_core.seed import number_of, seed
from crm_core.tip import add_tip

BIG = ("customers", "customer_numbers", "orders", "order_items", "calls", "call_legs")
Read = Callable[[], Awaitable[Any]]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--plans", type=Path)
    parser.add_argument("--url")
    parser.add_argument("--warm", action="store_true", help="the same draws are read once before")
    parser.add_argument("--only", default="", help="what has this word in its name")
    given = parser.parse_args()
    async with _database(given.url, given.customers) as db:
        sizes = {table: await _count(db, table) for table in BIG}
        print(", ".join(f"{rows:,} {table}" for table, rows in sizes.items()))
        floor, walked = 0.0, []
        plans = [f"## {', '.join(f'{rows:,} {table}' for table, rows in sizes.items())}"]
        again = iter((await _reads(db)).values())
        for name, read in (await _reads(db)).items():
            before = next(again)
            if given.only not in name and not name.startswith("floor"):
                continue
            if given.warm:
                for _ in range(given.runs):
                    await before()
            took = sorted([await _timed(read) for _ in range(given.runs)])
            p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
            floor = floor or p50
            print(f"{name:44} p50 {p50:8.2f} ms   p99 {p99:8.2f} ms   {p50 / floor:7.1f} x floor", flush=True)
            scans = await _scans(db, read)
            plans.append(
                f"\n{name}: p50 {p50:.2f} ms, p99 {p99:.2f} ms\n\n"
                + "\n".join(f"    {scan}" for scan in scans)
            )
            # So many have the same first digits that counting them stops after some thousand rows, in whatever order.
            if "first digits" not in name:
                walked += [
                    f"{name}: {scan}" for scan in scans if re.match(rf"Seq Scan on ({'|'.join(BIG)})\b", scan)
                ]
        if given.plans:
            given.plans.write_text("\n".join(plans) + "\n")
    if walked:
        sys.exit("Read from end to end: " + "; ".join(walked))


@asynccontextmanager
async def _database(url: str | None, customers: int) -> AsyncIterator[Database]:
    if url:
        async with connect(url) as db:
            yield db
        return
    with tempfile.TemporaryDirectory() as folder:
        async with Embedded(Path(folder) / "db") as server:
            await migrate(server.url)
            made = await seed(
                server.url,
                customers=customers,
                orders=3 * customers,
                calls=10 * customers,
                now=datetime.now(UTC),
            )
            print(f"seeded {made.rows:,} rows, {made.rows_per_s:,.0f} a second")
            async with connect(server.url) as db:
                async with db.begin() as session:
                    for field in ("orders", "orders_sum", "days_since_purchase", "calls", "missed_calls"):
                        for least in (3, 90):
                            rules = {"field": field, "at_least": least}
                            await add_tip(session, text=f"{field} {least}", rules=rules, user_id=None)
                yield db


async def _count(db: Database, table: str) -> int:
    async with db.begin() as session:
        found = await session.scalar(
            text(f"SELECT reltuples::bigint FROM pg_class WHERE relname = '{table}'")
        )
        return int(found or 0)


async def _reads(db: Database) -> dict[str, Read]:
    """What is measured, by name; each draws other customers and orders every time. The floor is the first."""
    async with db.begin() as session:
        customers = await session.scalar(text("SELECT max(id) FROM customers"))
        picked = list(
            await session.execute(
                text(
                    "SELECT o.number, o.tracking, o.total::text AS total, c.name FROM orders o"
                    " JOIN customers c ON c.id = o.customer_id WHERE o.tracking IS NOT NULL ORDER BY o.id LIMIT 500"
                )
            )
        )
        later = (await list_orders(session, late=True, limit=500)).next
    now, draw = datetime.now(UTC), random.Random(5)

    def somebody() -> int:
        return draw.randrange(1, customers)

    def orders(query: Callable[[], str]) -> Read:
        async def read() -> None:
            async with db.begin() as session:
                await list_orders(session, query=query(), limit=50)

        return read

    def listed(ask: Callable[..., Awaitable[Any]], **given: Any) -> Read:
        async def read() -> None:
            async with db.begin() as session:
                await ask(session, **given)

        return read

    async def floor() -> None:
        await db.reader.value("SELECT name FROM customers WHERE id = $1", somebody())

    async def card() -> None:
        number = number_of(somebody() - 1)
        await read_card(db.reader, e164=number, customer_id=None, call_id=uuid4(), now=now)

    async def history() -> None:
        async with db.begin() as session:
            # Those who buy most have the lowest ids.
            await load_timeline(session, draw.randrange(1, 1 + customers // 10), user_id=1, limit=50)

    async def guide() -> None:
        async with db.begin() as session:
            await load_guide(session, About(customer_id=somebody()), operator="Anna", now=now)

    one = draw.choice
    return {
        "floor: a customer by primary key": floor,
        "card of a caller": card,
        "guide of a caller: lists, script, tips": guide,
        "orders by number": orders(lambda: one(picked).number),
        "orders by tracking": orders(lambda: one(picked).tracking),
        "orders by the sum": orders(lambda: one(picked).total),
        "orders by the whole name": orders(lambda: one(picked).name),
        "orders by the surname": orders(lambda: one(picked).name.split()[-1]),
        "orders by a common given name": orders(lambda: one(picked).name.split()[0]),
        "orders by the telephone number": orders(lambda: number_of(somebody() - 1)),
        "orders by its last six digits": orders(lambda: number_of(somebody() - 1)[-6:]),
        "orders by its last four digits": orders(lambda: number_of(somebody() - 1)[-4:]),
        "orders by its last three digits": orders(lambda: number_of(somebody() - 1)[-3:]),
        "orders by five digits inside of it": orders(lambda: number_of(somebody() - 1)[5:10]),
        "orders by its first digits": orders(lambda: number_of(somebody() - 1)[: draw.randrange(4, 9)]),
        "a page of a good customer's history": history,
        "first page of orders": listed(list_orders),
        "first page of customers": listed(list_customers),
        "first page of everybody's calls": listed(list_calls, user_id=1, everybody=True),
        "first page of one's own calls": listed(list_calls, user_id=1, everybody=False),
        "how many orders are late": listed(count_late, now=now),
        "first page of late orders": listed(list_orders, late=True, now=now),
        "a later page of late orders": listed(list_orders, late=True, now=now, after=later),
        "customers by a common given name": listed(list_customers, query=picked[0].name.split()[0]),
    }


async def _timed(read: Read) -> float:
    began = time.perf_counter()
    await read()
    return (time.perf_counter() - began) * 1000


async def _scans(db: Database, read: Read) -> list[str]:
    """How each table is reached by the statements of `read`: the lines of their plans that name a scan."""
    seen: list[tuple[str, Any]] = []

    def keep(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append((statement, parameters))

    event.listen(db.engine.sync_engine, "before_cursor_execute", keep)
    given = db.reader.value

    async def value(statement: str, *parameters: object) -> Any:
        seen.append((statement, parameters))
        return await given(statement, *parameters)

    db.reader.value = value  # type: ignore[method-assign]  # cards are read past the engine
    try:
        await read()
    finally:
        event.remove(db.engine.sync_engine, "before_cursor_execute", keep)
        del db.reader.value
    lines: list[str] = []
    async with db.engine.connect() as connection:
        raw: Any = (await connection.get_raw_connection()).driver_connection
        for statement, parameters in seen:
            for row in await raw.fetch(f"EXPLAIN {statement}", *parameters):
                line = re.sub(r"\s*\(cost.*", "", row[0]).strip(" ->")
                if (
                    "Scan" in line
                    and "CTE Scan" not in line
                    and "Subquery Scan" not in line
                    and line not in lines
                ):
                    lines.append(line)
    return lines


if __name__ == "__main__":
    asyncio.run(main())
