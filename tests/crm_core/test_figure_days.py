"""Figures of days that are rolled up are those of the rows, whatever is changed afterwards and however."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import func, select, text

from crm_core.db import Database
from crm_core.errors import Conflict
from crm_core.figure.count import total
from crm_core.figure.period import By, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.figure_day import FigureDay, FigureMark, good_of
from crm_core.figure_rolling import roll_up
from crm_core.queue_target import load_targets
from crm_core.read.figure_days import tally_days
from crm_core.read.figure_families import CALLS, FAMILIES, JUDGED
from crm_core.read.figures import ANYWHERE, Ledger, Within, count
from crm_core.shop import create_shop
from tests.crm_core.figure_floor import Floor, facts, furnish, put
from tests.crm_core.happenings import NOW, RULES, happenings

ZONES = ("Europe/Warsaw", "Australia/Lord_Howe")
FIRST, LAST = date(2026, 10, 14), date(2026, 11, 3)
THINGS: Sequence[tuple[By, ...]] = (
    (), (By.OPERATOR,), (By.QUEUE,), (By.LINE,), (By.SOURCE,), (By.HOUR,), (By.QUEUE, By.HOUR), (By.LINE, By.HOUR),
    (By.SCRIPT,), (By.LINE, By.OPERATOR), (By.SCRIPT, By.SOURCE),
)  # fmt: skip
DATES: Sequence[tuple[By, ...]] = ((), (By.DAY,), (By.WEEK,), (By.MONTH,), (By.WEEKDAY,))
CHANGES = (  # what may happen to a day that is over
    "UPDATE calls SET customer_id = (SELECT min(id) FROM customers) WHERE random() < 0.2",
    "UPDATE calls SET result = 'answered', missed_place = NULL WHERE random() < 0.1",
    "UPDATE calls SET operator_id = (SELECT max(id) FROM users), queue = 'orders' WHERE random() < 0.1",
    "UPDATE calls SET transfers = '[]' WHERE random() < 0.2",
    "INSERT INTO calls (id, pbx, linkedid, direction, state, result, started_at, ended_at, remote_e164, talk_s)"
    " SELECT gen_random_uuid(), 'main', gen_random_uuid()::text, 'inbound', 'ended', 'answered',"
    " started_at + interval '3 hours', started_at, remote_e164, 12 FROM calls ORDER BY random() LIMIT 3",
    "UPDATE call_talks SET silence_ms = silence_ms + 5 WHERE random() < 0.2",
    "DELETE FROM queue_visits WHERE random() < 0.2",
    "UPDATE queue_visits SET wait_s = wait_s + 7 WHERE random() < 0.2",
    "UPDATE call_legs SET rang_s = 3, result = 'declined' WHERE random() < 0.2",
    "UPDATE orders SET paid = total WHERE random() < 0.4",
    "UPDATE orders SET status = 'cancelled' WHERE random() < 0.2",
    "UPDATE order_items SET purchase_price = 1 WHERE random() < 0.4",
    "INSERT INTO order_items (order_id, sku, name, quantity, price, purchase_price)"
    " SELECT id, 's', 'n', 2, 1, 1 FROM orders ORDER BY random() LIMIT 2",
    "UPDATE call_links SET removed_at = now() WHERE random() < 0.4",
    "DELETE FROM call_links WHERE random() < 0.3",
    "DELETE FROM order_changes WHERE random() < 0.3",
    "UPDATE callbacks SET due_at = due_at - interval '2 days' WHERE random() < 0.4",
    "UPDATE agent_states SET to_at = from_at + (to_at - from_at) / 2 WHERE random() < 0.3",
    "UPDATE agent_states SET state = 'paused', reason = 'late' WHERE random() < 0.2",
    "INSERT INTO call_aliases (id, call_id) SELECT DISTINCT call_id, (SELECT min(id::text)::uuid FROM calls"
    " WHERE direction <> 'internal' AND result IS NOT NULL) FROM agent_states"
    " WHERE state = 'wrap_up' AND call_id IS NOT NULL ON CONFLICT DO NOTHING",
    "UPDATE call_votes SET stars = 1",
    "DELETE FROM call_script_choices WHERE id % 2 = 0",
    "UPDATE reviews SET score = 12.5, zeroed = true WHERE id % 2 = 0",
    "UPDATE customers SET source = 'Fair ' || id",
    "UPDATE queue_targets SET short_s = 9, target_s = 11",
    "UPDATE extensions SET user_id = (SELECT min(id) FROM users)",
    "DELETE FROM calls WHERE id IN (SELECT id FROM calls c WHERE NOT EXISTS (SELECT FROM callbacks b"
    " WHERE b.source_call_id = c.id) AND NOT EXISTS (SELECT FROM order_changes h WHERE h.call_id = c.id)"
    " ORDER BY random() LIMIT 2)",
)  # fmt: skip


@pytest.fixture
async def floor(database: Database) -> Floor:
    made = await furnish(database)
    async with database.begin() as session:
        await create_shop(
            session, name="South", currency="AUD", country="AU", timezone=ZONES[1], order_prefix="S"
        )
    return made


async def rolled(floor: Floor, at: datetime = NOW) -> None:
    """Roll up all there is."""
    more = True
    while more:
        async with floor.db.begin() as session:
            more = await roll_up(session, at=at)


async def same(
    floor: Floor, zone: str, dims: Sequence[By], within: Within = ANYWHERE, *, at: datetime = NOW
) -> Tally:
    """The figures that are read are those of the rows; all of them together."""
    here = ZoneInfo(zone)
    first, last = (FIRST, LAST) if at == NOW else ((at - timedelta(days=2)).date(), at.date())
    async with floor.db.snapshot() as session:
        rules = Rules(now=at, targets=await load_targets(session))
        ledger = Ledger()
        for family in FAMILIES:
            period = of_days(first, last, here)
            ledger.add(family, await count(session, family, period, dims, rules, within))
        found = await tally_days(session, first, last, here, dims, rules, within)
    assert facts(found) == facts(ledger.tallies()), (zone, dims)
    return total(found.values())


async def test_what_is_rolled_up_is_the_sum_of_the_rows_whatever_changes(floor: Floor) -> None:
    random = Random(11)
    await put(floor, happenings(random, calls=30))
    await rolled(floor)
    async with floor.db.begin() as session:
        assert await session.scalar(select(func.count()).select_from(FigureMark)) == 0
        assert (await session.scalar(select(func.count()).select_from(FigureDay)) or 0) > 100
        good = await good_of(session, FIRST, LAST, ZoneInfo(ZONES[0]))
        # A week ago people still may call again, and who was missed yesterday may still be reached.
        calls, judged = good[CALLS.shape], good[JUDGED.shape]
        assert max(calls.days, default=None) == (NOW - timedelta(days=1)).date() and calls.days - judged.days
        assert max(calls.hours) == NOW - timedelta(hours=3)  # today's, until an hour ago
    for things in THINGS:
        await same(floor, random.choice(ZONES), (*things, *random.choice(DATES)))
    await same(floor, ZONES[0], (By.DAY,), Within(operators=frozenset({floor.users[1] or 0})))
    await same(floor, ZONES[0], (By.HOUR, By.WEEKDAY), Within(queue="sales"))
    await same(floor, ZONES[1], (By.WEEK,), Within(source=""))
    await same(floor, ZONES[0], (By.OPERATOR, By.HOUR), Within(line=floor.lines[1]))
    await same(floor, ZONES[1], (By.QUEUE, By.DAY), Within(line=floor.lines[1]))
    for place, change in enumerate(random.sample(CHANGES, len(CHANGES)), 1):
        async with floor.db.begin() as session:
            await session.execute(text(f"SELECT setseed({place / 100})"))
            await session.execute(text(change))
        await same(floor, ZONES[0], (random.choice((By.OPERATOR, By.QUEUE, By.SOURCE, By.SCRIPT)), By.DAY))
        if place in (11, len(CHANGES)):
            await rolled(floor)
            await same(floor, ZONES[1], (By.QUEUE, By.DAY))


async def test_what_happens_now_changes_what_was_added_up_an_hour_ago(floor: Floor) -> None:
    now, number = datetime.now(UTC), "+48601220177"
    call = (
        "INSERT INTO calls (id, pbx, linkedid, direction, state, result, missed_place, started_at, remote_e164, talk_s)"
        " VALUES (CAST(:id AS uuid), 'main', gen_random_uuid()::text, 'inbound', 'ended', :result, :missed, :at,"
        " :number, 60)"
    )
    missed, talked, live = uuid4(), uuid4(), uuid4()
    given = {"number": number, "missed": None, "result": "answered"}
    async with floor.db.begin() as session:
        old = given | {"id": missed, "result": "abandoned", "missed": "queue", "at": now - timedelta(hours=4)}
        await session.execute(text(call), old)
        await session.execute(text(call), given | {"id": talked, "at": now - timedelta(hours=4)})
        await session.execute(
            text(call), given | {"id": live, "result": None, "at": now - timedelta(minutes=5)}
        )
    await rolled(floor, now)
    assert (await same(floor, ZONES[0], (By.HOUR,), at=now)).recovered == 0
    async with floor.db.begin() as session:
        # Who was missed four hours ago is talked with now; somebody is still busy with the call of four hours ago.
        await session.execute(text("UPDATE calls SET result = 'answered' WHERE id = :id"), {"id": live})
        state = "INSERT INTO agent_states (user_id, state, signed_in, call_id, from_at)"
        state += " SELECT min(id), 'wrap_up', true, CAST(:id AS uuid), CAST(:at AS timestamptz) FROM users"
        await session.execute(text(state), {"id": talked, "at": now - timedelta(minutes=30)})
        await session.execute(
            text("INSERT INTO call_talks (call_id, length_ms) VALUES (:id, 9)"), {"id": talked}
        )
    assert (await same(floor, ZONES[0], (By.HOUR,), at=now)).wrap_us == 1_800_000_000
    await rolled(floor, now + timedelta(minutes=1))
    after = await same(floor, ZONES[0], (By.HOUR,), at=now + timedelta(minutes=1))
    assert (after.recovered, after.wrap_us) == (1, 1_860_000_000)
    async with floor.db.begin() as session:
        await session.execute(text("UPDATE agent_states SET to_at = from_at + interval '5 minutes'"))
    assert (await same(floor, ZONES[0], (By.OPERATOR,), at=now)).wrap_us == 300_000_000


async def test_a_year_that_is_not_added_up_yet_says_so(floor: Floor) -> None:
    await put(floor, happenings(Random(5), calls=8))
    year, zone = (date(2025, 11, 1), LAST), ZoneInfo(ZONES[0])
    async with floor.db.begin() as session:
        assert await tally_days(session, *year, zone, (By.QUEUE,), RULES)  # few calls are counted at once
        with pytest.raises(Conflict, match="still being added up"):
            await tally_days(session, *year, zone, (By.QUEUE,), RULES, few=3)
        with pytest.raises(Conflict, match="at most 92 days"):
            await tally_days(session, *year, zone, (By.OPERATOR, By.SOURCE), RULES, few=3)
