"""What a keystroke in the search of products costs, against a primary-key query in the same run.

Run:     python bench/product_search.py [--products N] [--runs N]
Setup:   a database of its own with N products of one shop, some held by calls, prices by list for one in ten
Floor:   SELECT name FROM products WHERE id = $1 through the same engine
Prints:  p50 and p99 in milliseconds of everything that the desk waits for (products, prices, warehouses, holds), for
         queries as they grow under the fingers; the goal is p99 <= 50 ms at 100 000 products
Fails:   when a p99 is above the goal
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from sqlalchemy import text

from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.keys import search_key
from crm_core.migrations import migrate
from crm_core.read.product_search import found_products

GOAL_MS = 50.0
COLOURS = (
    "red",
    "blue",
    "green",
    "black",
    "white",
    "grey",
    "silver",
    "yellow",
    "pink",
    "purple",
    "golden",
    "brown",
)
THINGS = (
    "kettle", "mug", "lamp", "chair", "heater", "jacket", "laptop", "blanket", "blender", "toaster", "towel",
    "pillow", "plate", "glass", "glove", "headphones", "helmet", "keyboard", "mouse", "mirror", "monitor",
    "sock", "shirt", "desk", "machine", "bicycle", "knife", "spoon",
    "fork", "bowl", "pan", "pot", "grill", "fridge", "oven",
    "tent", "bag", "rope",
)  # fmt: skip
MAKERS = tuple(
    f"{a}{b}"
    for a in ("bo", "ka", "lu", "mi", "no", "ra", "si", "ta", "ve", "zo")
    for b in ("rex", "lin", "dor", "max", "net")
)
Read = Callable[[], Awaitable[object]]


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--products", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=300)
    given = parser.parse_args()
    slow = []
    with tempfile.TemporaryDirectory() as folder:
        async with Embedded(Path(folder) / "db") as server:
            await migrate(server.url)
            await _fill(server.url, given.products)
            async with connect(server.url) as db:
                floor = 0.0
                for name, read in _reads(db, given.products).items():
                    for _ in range(5):
                        await read()
                    took = sorted([await _timed(read) for _ in range(given.runs)])
                    p50, p99 = took[len(took) // 2], took[int(len(took) * 0.99)]
                    floor = floor or p50
                    print(
                        f"{name:28} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   {p50 / floor:6.1f} x floor",
                        flush=True,
                    )
                    if p99 > GOAL_MS:
                        slow.append(name)
    if slow:
        sys.exit(f"slower than {GOAL_MS:.0f} ms: " + ", ".join(slow))


async def _timed(read: Read) -> float:
    began = time.perf_counter()
    await read()
    return (time.perf_counter() - began) * 1000


def _reads(db: Database, products: int) -> dict[str, Read]:
    """What is measured, by name; each draws other products every time. The floor is the first."""
    draw = random.Random(5)

    async def floor() -> None:
        async with db.begin() as session:
            await session.execute(
                text("SELECT name FROM products WHERE id = :id"), {"id": draw.randrange(1, products)}
            )

    def typed(query: Callable[[], str]) -> Read:
        async def read() -> None:
            async with db.begin() as session:
                await found_products(
                    session, query(), shop_id=1, customer_id=1, call_id=None, at=datetime.now(UTC), limit=20
                )

        return read

    def words(*letters: int) -> Callable[[], str]:
        def query() -> str:
            chosen = (draw.choice(COLOURS), draw.choice(THINGS), draw.choice(MAKERS))
            return " ".join(word[:count] for word, count in zip(chosen, letters, strict=False))

        return query

    return {
        "floor: by primary key": floor,
        "one letter": typed(words(1)),
        "two letters": typed(words(2)),
        "a word": typed(words(9)),
        "two beginnings": typed(words(2, 2)),
        "a word and a letter": typed(words(9, 1)),
        "three words": typed(words(9, 9, 9)),
        "beginning of a SKU": typed(lambda: f"AR-{draw.randrange(10, 99)}"),
        "a SKU": typed(lambda: f"AR-{draw.randrange(1, products):06}"),
        "a barcode": typed(lambda: f"59{draw.randrange(1, products):011}"),
        "an alias": typed(lambda: f"nick{draw.randrange(1, products)}"),
        "nothing like it": typed(lambda: "".join(draw.choice("qwxyz") for _ in range(7))),
    }


async def _fill(url: str, products: int) -> None:
    draw = random.Random(7)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "INSERT INTO shops (name, currency, country, timezone, order_prefix)"
            " VALUES ('Load', 'EUR', 'PL', 'Europe/Warsaw', 'L')"
        )
        await connection.execute("INSERT INTO warehouses (shop_id, name) VALUES (1, 'Main'), (1, 'Airport')")
        await connection.execute(
            "INSERT INTO customers (name, sort_key, search_key, price_list)"
            " VALUES ('Marta', 'marta', 'marta', 'wholesale')"
        )

        def rows():
            for place in range(1, products + 1):
                name = f"{draw.choice(COLOURS)} {draw.choice(THINGS)} {draw.choice(MAKERS)} {place % 997}"
                sku, alias = f"AR-{place:06}", f"nick{place}"
                price, stock = draw.randrange(500, 90_000) / 100, draw.choice((0, 1, 2, 5, 14, 40))
                yield (
                    1,
                    sku,
                    name,
                    search_key(f"{name} {sku} {alias}"),
                    [f"59{place:011}"],
                    [alias],
                    price,
                    stock,
                )

        await connection.execute(
            "CREATE TEMP TABLE raw (shop_id bigint, sku text, name text, search_key text,"
            " barcodes text[], aliases text[], price float8, stock bigint)"
        )
        await connection.copy_records_to_table("raw", records=rows())
        await connection.execute(
            "INSERT INTO products (shop_id, sku, name, search_key, barcodes, aliases, price, stock) SELECT * FROM raw"
        )
        await connection.execute(
            "INSERT INTO stock_levels (product_id, warehouse_id, on_hand)"
            " SELECT p.id, w.id, CASE w.name WHEN 'Main' THEN p.stock ELSE 0 END"
            " FROM products p CROSS JOIN warehouses w"
        )
        await connection.execute(
            "INSERT INTO product_prices (product_id, price, price_list)"
            " SELECT id, price * 0.9, 'wholesale' FROM products WHERE id % 10 = 0"
        )
        await connection.execute("ANALYZE")
    finally:
        await connection.close()


if __name__ == "__main__":
    asyncio.run(main())
