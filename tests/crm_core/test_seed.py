"""The synthetic shop for load, and what the card of a caller costs in it."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import asyncpg
from sqlalchemy import text

from crm_core import card
from crm_core.customer import create_customer
from crm_core.db import Database
from crm_core.seed import CALLS_A_SHIFT, number_of, seed

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
BIG = ("customers", "customer_numbers", "orders", "order_items", "calls", "call_legs")


async def explained(database: Database, number: str) -> str:
    """The plan of the statement of the card, as it is sent."""
    statement = card._CARD.compile(dialect=database.engine.dialect)
    given = {"e164": number, "customer_id": None, "call_id": uuid4(), "now": NOW}
    connection = await asyncpg.connect(database.url)
    try:
        asked = [given[name] for name in statement.positiontup or ()]
        return "\n".join(row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *asked))
    finally:
        await connection.close()


async def test_a_card_reads_by_index_only_and_what_is_seeded_holds_together(database: Database) -> None:
    done = await seed(database.url, customers=2_000, orders=6_000, calls=4_000, now=NOW)
    assert done.rows > 20_000
    plan = await explained(database, number_of(7))
    assert [table for table in BIG if f"Seq Scan on {table} " in plan] == []
    async with database.begin() as session:
        found = await card.load_card(session, e164=number_of(7), customer_id=None, call_id=uuid4(), now=NOW)
        assert found["customer"]["totals"]["orders"] > 0 and found["orders"] and found["calls"]
        shared: dict[str, Any] = await card.load_card(
            session, e164=number_of(23), customer_id=None, call_id=uuid4(), now=NOW
        )
        assert len(shared["candidates"]) == 2
        assert await session.scalar(text(_ORPHANS)) == 0
        assert await session.scalar(text("SELECT count(*) FROM queue_visits")) == 4_000
        assert 500 < await session.scalar(text(_SELLING)) < 900
        assert await session.scalar(text(_SHIFTS)) == 4_000 // CALLS_A_SHIFT
        await create_customer(session, name="Next", country="PL", numbers=["+48 22 555 00 11"])


async def test_a_shop_can_be_seeded_twice(database: Database) -> None:
    for _ in range(2):
        await seed(database.url, customers=50, orders=60, calls=40, now=NOW)
    async with database.begin() as session:
        assert await session.scalar(text("SELECT count(DISTINCT number) FROM orders")) == 120


_SELLING = """
    SELECT count(DISTINCT l.order_id)
    FROM call_links l JOIN calls c ON c.id = l.call_id JOIN orders o ON o.id = l.order_id
    WHERE c.result = 'answered' AND l.role = 'created'
"""
_SHIFTS = """
    SELECT count(DISTINCT (user_id, from_at::date)) FROM agent_states s WHERE state = 'available' AND NOT EXISTS (
        SELECT FROM agent_states o WHERE o.user_id = s.user_id AND o.from_at < s.to_at AND o.to_at > s.from_at
            AND o.id <> s.id) AND extract(hour FROM from_at AT TIME ZONE 'UTC') = 6
"""
_ORPHANS = """
    SELECT (SELECT count(*) FROM orders o WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = o.customer_id))
        + (SELECT count(*) FROM order_items i WHERE NOT EXISTS (SELECT FROM orders o WHERE o.id = i.order_id))
        + (SELECT count(*) FROM call_legs l WHERE NOT EXISTS (SELECT FROM calls c WHERE c.id = l.call_id))
        + (SELECT count(*) FROM calls k WHERE NOT EXISTS (SELECT FROM customers c WHERE c.id = k.customer_id))
"""
