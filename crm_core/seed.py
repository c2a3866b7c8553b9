"""A big synthetic shop for measuring: customers, orders and calls by the hundred thousand, streamed by COPY.

Not for looking at (that is `demo`) but with believable shapes: few customers buy often, most orders are
closed, some numbers are shared, calls cluster on those who buy, given names are common and surnames are not.

It is one transaction: the indexes are taken off and built anew when the rows are in, which takes a third of the time,
and whoever interrupts it finds the database as it was.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any
from uuid import UUID

import asyncpg

from crm_core.call_link import CREATED_IN_CALL, Role
from crm_core.db import plain_url
from crm_core.demo_people import COUNTRIES
from crm_core.keys import search_key

FIRST_NUMBER = 500_000_000  # Polish mobile numbers from +48 500 000 000 on; nobody is ever called
SPAN = timedelta(days=730)
OPERATORS = 20
CALLS_A_SHIFT = 300
TALKS_A_SHIFT = 40
ANSWERED, SELLS = 0.87, 0.2
STATES_A_SHIFT = TALKS_A_SHIFT * 4 + TALKS_A_SHIFT // 10 + 1
_OPEN = ("new", "confirmed", "packed", "on_delivery", "delivered")
_CLOSED = ("done",) * 22 + ("cancelled", "cancelled", "returned")
_PRICES = tuple(Decimal(cents) / 100 for cents in range(590, 39_990, 370))
_GOODS = ("Red kettle", "Blue mug", "Black lamp", "Wooden chair", "Grey blanket", "Silver toaster")


# Three of these make a surname, so that there are as many as in a country: some fifty thousand.
_SYLLABLES = (
    "ba", "bor", "cha", "da", "dor", "fa", "gra", "ha", "jan", "ka", "kow", "kra", "la", "lew", "ma", "mar", "mi",
    "no", "ol", "pa", "pie", "ra", "ro", "sa", "sta", "sza", "ta", "to", "wa", "wie", "wo", "za", "ze", "zie", "zy",
)  # fmt: skip
Told = Callable[[str, int], None]
"""Is told what is being written and how many rows more are done."""
STEP = 5_000


@dataclass(frozen=True)
class Seeded:
    """How much was written, and how fast."""

    rows: int
    seconds: float

    @property
    def rows_per_s(self) -> float:
        """Rows of all tables together, per second."""
        return self.rows / self.seconds if self.seconds else 0.0


def number_of(place: int) -> str:
    """The number of the customer at `place` (from 0) of an empty database that was seeded."""
    return f"+48{FIRST_NUMBER + place}"


async def seed(
    url: str,
    *,
    customers: int,
    orders: int,
    calls: int,
    now: datetime,
    pbx: str = "main",
    seed_value: int = 7,
    told: Told = lambda what, rows: None,
) -> Seeded:
    """Add so many customers (with numbers), orders (with items) and calls (with legs) to a migrated database.

    Orders and calls are those of the new customers; with the calls go their stays in a queue, what they sold and shifts
    of operators (whose states are no calls': nobody talks to two at once). The statistics of the planner are fresh
    afterwards.
    """
    connection = await asyncpg.connect(plain_url(url))
    try:
        began = time.perf_counter()
        house = await _house(connection, pbx)
        first = await _first_free(connection)
        random = Random(seed_value + first["customers"])  # a second seeding draws other ids
        plan = _Plan(random, now, house, first, customers)
        async with connection.transaction():
            rows = await _write(connection, plan, orders, calls, house, told)
        told("statistics", 0)
        await connection.execute("ANALYZE")
        return Seeded(rows, time.perf_counter() - began)
    finally:
        await connection.close()


def expected(customers: int, orders: int, calls: int) -> int:
    """About how many rows that will be."""
    shifts = min(OPERATORS * SPAN.days, calls // CALLS_A_SHIFT) * STATES_A_SHIFT
    sold = min(orders, round(calls * ANSWERED * SELLS))
    return customers * 2 + customers // 25 + orders + orders * 7 // 4 + calls * 3 + sold + shifts


async def _write(connection: Any, plan: "_Plan", orders: int, calls: int, house: "_House", told: Told) -> int:
    if await connection.fetchval("SELECT current_setting('is_superuser') = 'on'"):
        # The rows fit together by construction; looking up every reference would double the time.
        await connection.execute("SET LOCAL session_replication_role = replica")
    await connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
    indexes = await connection.fetch(_INDEXES, list(_TABLES))
    for index in indexes:
        await connection.execute(f'DROP INDEX "{index["name"]}"')
    rows = 0
    for table, columns, records in plan.tables(orders, calls):
        counted = _counted(table, records, told)
        written = await connection.copy_records_to_table(table, records=counted, columns=columns)
        rows += int(written.split()[-1])
    for index in indexes:
        told(f"index {index['name']}", 0)
        await connection.execute(index["definition"])
    for table in ("customers", "orders"):
        await connection.execute(
            f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), greatest(max(id), 1)) FROM {table}"
        )
    await connection.execute(
        "UPDATE shops SET next_order_number = next_order_number + $1 WHERE id = $2", orders, house.shop
    )
    return rows


def _counted(table: str, records: Iterable[tuple[Any, ...]], told: Told) -> Iterator[tuple[Any, ...]]:
    """The same records; who wants to know is told of every few thousand."""
    place = 0
    for place, record in enumerate(records, 1):
        yield record
        if place % STEP == 0:
            told(table, STEP)
    told(table, place % STEP)


@dataclass(frozen=True)
class _House:
    shop: int
    line: int
    users: Sequence[int]
    idle: bool  # nothing is known of these operators yet
    pbx: str
    next_order: int


async def _house(connection: Any, pbx: str) -> _House:
    """The shop, the line and the operators of the synthetic business, made when they are not there."""
    await connection.execute(
        "INSERT INTO shops (name, currency, country, timezone, order_prefix)"
        " VALUES ('Load', 'EUR', 'PL', 'Europe/Warsaw', 'L') ON CONFLICT (order_prefix) DO NOTHING"
    )
    shop = await connection.fetchrow("SELECT id, next_order_number FROM shops WHERE order_prefix = 'L'")
    await connection.execute(
        "INSERT INTO lines (pbx, did, name, e164, shop_id)"
        " VALUES ($1, '48223071199', 'Load', '+48223071199', $2) ON CONFLICT DO NOTHING",
        pbx,
        shop["id"],
    )
    line = await connection.fetchval("SELECT id FROM lines WHERE pbx = $1 AND did = '48223071199'", pbx)
    await connection.execute(
        "INSERT INTO users (login, name, role) SELECT 'load' || n, 'Operator ' || n, 'operator'"
        " FROM generate_series(1, $1) AS n ON CONFLICT DO NOTHING",
        OPERATORS,
    )
    users = await connection.fetch("SELECT id FROM users WHERE login ~ '^load[0-9]+$' ORDER BY id")
    ids = [row["id"] for row in users]
    idle = not await connection.fetchval(
        "SELECT EXISTS (SELECT FROM agent_states WHERE user_id = ANY($1))", ids
    )
    return _House(shop["id"], line, ids, idle, pbx, shop["next_order_number"])


async def _first_free(connection: Any) -> dict[str, int]:
    return {
        table: await connection.fetchval(f"SELECT coalesce(max(id), 0) + 1 FROM {table}")
        for table in ("customers", "orders")
    }


class _Plan:
    """Generators of rows; nothing is kept in memory but the names."""

    def __init__(
        self, random: Random, now: datetime, house: _House, first: dict[str, int], customers: int
    ) -> None:
        self._random, self._now, self._house, self._first = random, now, house, first
        self._customers = customers
        self._given = [
            (given, country.code, country.cities[0])
            for country in COUNTRIES
            for given in (*country.women, *country.men)
        ]

    def _name(self) -> tuple[str, str, str, str]:
        """A name, as it is sorted and searched for, with country and city."""
        choice = self._random.choice
        given, country, city = choice(self._given)
        name = f"{given} {''.join((choice(_SYLLABLES), choice(_SYLLABLES), choice(_SYLLABLES))).capitalize()}"
        return name, search_key(name), country, city

    def tables(
        self, orders: int, calls: int
    ) -> Iterator[tuple[str, Sequence[str], Iterable[tuple[Any, ...]]]]:
        """(table, columns, rows) in an order in which they may be written."""
        yield "customers", _CUSTOMERS, self._customer_rows()
        yield "customer_numbers", ("customer_id", "e164", "raw", "position"), self._number_rows()
        yield "orders", _ORDERS, self._order_rows(orders)
        yield "order_items", _ITEMS, self._item_rows(orders)
        # The legs need the ids of the calls, which are drawn; the same seed draws them again.
        drawn = self._random.getrandbits(64)
        yield "calls", _CALLS, self._call_rows(calls, Random(drawn))
        yield "call_legs", _LEGS, self._leg_rows(calls, Random(drawn))
        yield "queue_visits", _VISITS, self._visit_rows(calls, Random(drawn))
        yield "call_links", _LINKS, self._link_rows(calls, orders, Random(drawn))
        if self._house.idle:
            yield (
                "agent_states",
                _STATES,
                self._state_rows(min(OPERATORS * SPAN.days, calls // CALLS_A_SHIFT)),
            )

    def _customer_rows(self) -> Iterator[tuple[Any, ...]]:
        random, first = self._random, self._first["customers"]
        for place in range(self._customers):
            name, key, country, city = self._name()
            created_at = self._now - SPAN * random.random()
            yield (first + place, name, key, key, country, city, random.random() < 0.05, created_at)

    def _number_rows(self) -> Iterator[tuple[Any, ...]]:
        first = self._first["customers"]
        for place in range(self._customers):
            own = number_of(first - 1 + place)
            yield first + place, own, own, 0
            if place % 25 == 24:  # one in 25 shares the number of the one before
                other = number_of(first - 2 + place)
                yield first + place, other, other, 1

    def _buyer(self, random: Random) -> int:
        """Few buy often: half of the orders belong to a quarter of the customers."""
        return self._first["customers"] + int(self._customers * random.random() ** 2)

    def _order_rows(self, orders: int) -> Iterator[tuple[Any, ...]]:
        random, house, first = self._random, self._house, self._first["orders"]
        for place in range(orders):
            at = self._now - SPAN * random.random() ** 2
            status = random.choice(_OPEN if self._now - at < timedelta(days=5) else _CLOSED)
            total = Decimal(random.randrange(590, 79_990)) / 100
            yield (
                first + place, f"L-{house.next_order + place}", house.shop, self._buyer(random), status,
                total, total if status == "done" else Decimal(0), "EUR", "DPD",
                f"PL{first + place:010}" if status not in ("new", "confirmed") else None,
                random.choice(house.users), at, at,
            )  # fmt: skip

    def _item_rows(self, orders: int) -> Iterator[tuple[Any, ...]]:
        random, first = self._random, self._first["orders"]
        for place in range(orders):
            for _ in range(random.choice((1, 1, 2, 3))):
                yield (
                    first + place,
                    "XX-01",
                    random.choice(_GOODS),
                    random.choice((1, 1, 2)),
                    random.choice(_PRICES),
                )

    def _call_rows(self, calls: int, random: Random) -> Iterator[tuple[Any, ...]]:
        house = self._house
        for _ in range(calls):
            call_id, at, operator, answered = self._call(random)
            customer = self._buyer(self._random)
            number = number_of(customer - 1)
            talk_s = round(self._random.lognormvariate(5, 0.6), 1) if answered else 0.0
            over = at + timedelta(seconds=12 + talk_s)
            linkedid = f"{at.timestamp():.0f}.{call_id.hex[:12]}"
            yield (
                call_id, house.pbx, linkedid, [linkedid], "inbound", "ended", number, number, "48223071199",
                house.line, "sales", operator if answered else None, at, at,
                at + timedelta(seconds=12) if answered else None, over, 12.0, talk_s,
                "answered" if answered else "abandoned", None if answered else "queue", True, customer, "number",
                at, over,
            )  # fmt: skip

    def _leg_rows(self, calls: int, random: Random) -> Iterator[tuple[Any, ...]]:
        for _ in range(calls):
            call_id, at, operator, answered = self._call(random)
            yield call_id, "1.1", "1001", operator, at, "answered" if answered else "no_answer"

    def _visit_rows(self, calls: int, random: Random) -> Iterator[tuple[Any, ...]]:
        for _ in range(calls):
            call_id, at, _, answered = self._call(random)
            wait_s = round(self._random.expovariate(1 / 15 if answered else 1 / 45), 1)
            left = at + timedelta(seconds=wait_s)
            yield call_id, "1.1", "sales", at, at, left, 1, wait_s, "answered" if answered else "abandoned"

    def _link_rows(self, calls: int, orders: int, random: Random) -> Iterator[tuple[Any, ...]]:
        """Every fifth talk or so sold something. Which order it was is not fitted to customer and day."""
        sold, first = 0, self._first["orders"]
        for _ in range(calls):
            call_id, at, _, answered = self._call(random)
            if answered and sold < orders and self._random.random() < SELLS:
                yield call_id, first + sold, Role.CREATED, CREATED_IN_CALL, at
                sold += 1

    def _state_rows(self, shifts: int) -> Iterator[tuple[Any, ...]]:
        """So many shifts of the operators, the newest days first: forty talks each, a pause after every tenth."""
        random, users = self._random, self._house.users
        day = self._now.replace(hour=6, minute=0, second=0, microsecond=0) - timedelta(days=1)
        for place in range(shifts):
            user, at = users[place % len(users)], day - timedelta(days=place // len(users))
            for talk in range(1, TALKS_A_SHIFT + 1):
                each = [("available", 300), ("ringing", 8), ("talking", 170), ("wrap_up", 40)]
                for state, mean in [*each, ("paused", 900)] if talk % 10 == 0 else each:
                    until = at + timedelta(seconds=1 + round(random.uniform(0, 2 * mean), 1))
                    yield user, state, "lunch" if state == "paused" else None, True, at, until
                    at = until
            yield user, "offline", None, False, at, at + timedelta(minutes=1)

    def _call(self, random: Random) -> tuple[UUID, datetime, int, bool]:
        """What the row of a call and that of its leg have in common: only this is drawn from `random`."""
        call_id = UUID(int=random.getrandbits(128), version=4)
        at = self._now - SPAN * random.random()
        return call_id, at, random.choice(self._house.users), random.random() < ANSWERED


_CUSTOMERS = ("id", "name", "sort_key", "search_key", "country", "city", "vip", "created_at")
_ORDERS = (
    "id", "number", "shop_id", "customer_id", "status", "total", "paid", "currency", "delivery_method",
    "tracking", "created_by", "created_at", "updated_at",
)  # fmt: skip
_ITEMS = ("order_id", "sku", "name", "quantity", "price")
_CALLS = (
    "id", "pbx", "linkedid", "linkedids", "direction", "state", "remote_raw", "remote_e164", "line", "line_id",
    "queue", "operator_id", "started_at", "rang_at", "answered_at", "ended_at", "wait_s", "talk_s", "result",
    "missed_place", "complete", "customer_id", "customer_rule", "created_at", "updated_at",
)  # fmt: skip
_VISITS = (
    "call_id", "uniqueid", "queue", "began_at", "entered_at", "left_at", "position", "wait_s", "outcome",
)  # fmt: skip
_LINKS = ("call_id", "order_id", "role", "rule", "created_at")
_STATES = ("user_id", "state", "reason", "signed_in", "from_at", "to_at")
_LEGS = ("call_id", "uniqueid", "extension", "user_id", "rang_at", "result")
_TABLES = (
    "customers", "customer_numbers", "orders", "order_items", "calls", "call_legs", "queue_visits", "call_links",
    "agent_states",
)  # fmt: skip
_INDEXES = """
    SELECT c.relname AS name, pg_get_indexdef(i.indexrelid) AS definition
    FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
    WHERE t.relname = ANY($1::text[]) AND t.relnamespace = 'public'::regnamespace AND NOT i.indisprimary
        AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = i.indexrelid)
    ORDER BY t.relname, c.relname
"""
