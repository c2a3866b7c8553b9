"""Facts that are rolled up by the day are those of the rows, whatever is changed afterwards and however."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import text

from crm_core.figure.counted import Counted, Spread
from crm_core.figure.period import By, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.sales import Sales
from crm_core.read.fact_days import apart_of_days, tell_days
from crm_core.read.fact_rolled import LOST_BY_LINE, ROLLED, Rolled
from crm_core.read.facts import Asking, Key, Way, tell
from crm_core.read.figure_days import Stretch
from crm_core.read.figures import ANYWHERE, Ledger, count
from crm_core.read.missed import line_numbers, lost_by_line
from crm_core.read.sales import SALES_FAMILIES, load_sales
from tests.crm_core.figure_floor import Floor, put
from tests.crm_core.happenings import NOW, happenings
from tests.crm_core.test_figure_days import CHANGES, FIRST, LAST, ZONES, floor, rolled

__all__ = ["floor"]
GOODS = (
    "UPDATE orders SET created_at = timestamptz '2026-10-24 18:00+00' + id * interval '7 hours'",
    "INSERT INTO products (id, shop_id, sku, name, search_key, properties, barcodes, aliases, price)"
    " OVERRIDING SYSTEM VALUE SELECT n, (SELECT min(id) FROM shops), 's' || n, 'N', 'n',"
    " jsonb_build_object('Category', 'c' || n % 2), '{}', '{}', 5 FROM generate_series(1, 3) n",
    "INSERT INTO order_items (order_id, product_id, sku, name, quantity, price, purchase_price)"
    " SELECT w.id, n, 's', 'n', n, 3, 1 FROM orders w, generate_series(1, 3) n WHERE (w.id + n) % 2 = 0",
    "INSERT INTO deals (title, funnel_id, stage, amount, currency, customer_id, responsible_id, created_at, closed_at)"
    " SELECT 'd', s.funnel_id, s.code, n, 'EUR', (SELECT min(id) + n % 2 FROM customers),"
    " (SELECT min(id) + n % 3 FROM users), timestamptz '2026-10-24 18:00+00' + n * interval '5 hours',"
    " CASE WHEN s.kind <> 'open' THEN timestamptz '2026-10-30 18:00+00' END"
    " FROM generate_series(1, 20) n JOIN funnel_stages s ON s.funnel_id = 1 AND s.position = 1 + n % 5",
    "INSERT INTO deal_moves (deal_id, funnel, to_stage, funnel_id, stage, created_at, reason)"
    " SELECT d.id, u.name, s.name, u.id, s.code, d.created_at + s.position * interval '50 minutes',"
    " CASE WHEN s.kind = 'lost' THEN 'Price' END FROM deals d JOIN funnels u ON u.id = d.funnel_id"
    " JOIN funnel_stages now ON now.funnel_id = u.id AND now.code = d.stage"
    " JOIN funnel_stages s ON s.funnel_id = u.id AND (s.position <= 2 OR s.code = d.stage)"
    " AND s.position <= now.position ORDER BY d.id, s.position",
)
MORE = (
    'UPDATE products SET properties = \'{"category": "c7"}\' WHERE id = 1',
    "UPDATE products SET shop_id = (SELECT max(id) FROM shops) WHERE id = 2",
    "UPDATE orders SET created_at = created_at - interval '3 hours', manager_id = (SELECT max(id) FROM users)"
    " WHERE id % 2 = 0",
    "INSERT INTO order_changes (order_id, created_at, what) SELECT id, created_at + interval '90 minutes',"
    ' \'{"status": ["new", "packed"]}\' FROM orders WHERE id % 3 = 0',
    "UPDATE calls SET ended_at = started_at + interval '2 minutes' WHERE missed_place IS NOT NULL AND random() < 0.5",
    "DELETE FROM order_items WHERE product_id = 3",
    "UPDATE orders SET customer_id = (SELECT max(id) FROM customers) WHERE id % 3 = 1",
    "UPDATE orders SET status = 'cancelled' WHERE id = (SELECT min(id) FROM orders)",
    "UPDATE deals SET created_at = created_at - interval '4 hours', responsible_id = NULL WHERE id % 3 = 0",
    "DELETE FROM deal_moves WHERE id % 4 = 0",
    "UPDATE funnel_stages SET kind = 'open' WHERE kind = 'lost'",
)


def near(one: Spread, other: Spread, *, slots: bool) -> bool:
    """As much time; what lasts is taken to have begun in the middle of its quarter of an hour."""
    return abs(one.whole_us - other.whole_us) <= other.times * (450_000_001 if slots else 1)


def same(rolled_up: Rolled, found: Mapping[Any, Counted], rows: Mapping[Any, Counted]) -> None:
    facts = rolled_up.facts
    for keys in {*found, *rows}:
        here, there = found.get(keys, Counted()), rows.get(keys, Counted())
        for name in (*facts.counts, *facts.numbers):
            assert here.of(name) == there.of(name), (keys, name)
        for name in facts.sums:
            assert here.money(name) == there.money(name), (keys, name)
        for name in facts.spreads:
            slots = name in facts.lasting or name in facts.whole
            assert near(here.spread(name), there.spread(name), slots=slots), (keys, name)
            assert name in facts.whole or here.spread(name).times == there.spread(name).times, (keys, name)


async def compare(floor: Floor, random: Random, these: Sequence[Rolled] = ROLLED) -> int:
    """What is told of facts, read from the roll-ups and counted from the rows, in some ways; how much there was."""
    zone, seen = ZoneInfo(random.choice(ZONES)), 0
    stretch = Stretch(FIRST, LAST, zone, Rules(now=NOW))
    period = of_days(FIRST, LAST, zone)
    given = {"since": period.since, "until": period.until, "now": NOW, "zone": str(zone),
             "again_within": stretch.rules.again_within}  # fmt: skip
    async with floor.db.snapshot() as session:
        for one in these:
            asking = Asking(given=given | one.when)
            things = [
                *{way for ways in one.families[0].rolled for way in ways if way is not Way.HOUR},
                *one.through,
            ]
            things.sort()
            pairs = [ways for ways in one.families[0].rolled if len(ways) > 1 and Way.HOUR not in ways]
            for ways in random.sample(pairs, min(2, len(pairs))):
                rows = await tell(session, one.facts, ways, asking)
                assert rows
                same(one, await tell_days(session, [one], ways, asking, stretch, few=-1), rows)
            way = random.choice((*things, Way.HOUR, Way.DAY, Way.WEEKDAY))
            rows = await tell(session, one.facts, [way], asking)
            same(one, await tell_days(session, [one], [way], asking, stretch, few=-1), rows)
            seen += sum(it.of(name) for it in rows.values() for name in one.facts.counts)
            if way in things:
                key: Key = next((keys[0] for keys in rows if keys), None)
                narrow = Asking(given=asking.given, only={way: key})
                told = await tell_days(session, [one], [Way.DAY], narrow, stretch, few=-1)
                same(one, told, await tell(session, one.facts, [Way.DAY], narrow))
        dims = random.choice(
            ((By.MONTH,), (By.SOURCE,), (By.OPERATOR,), (By.LINE, By.HOUR), (By.QUEUE, By.DAY))
        )
        ledger = Ledger(Sales)
        for family in SALES_FAMILIES:
            ledger.add(family, await count(session, family, period, dims, stretch.rules))
        sales = await load_sales(session, FIRST, LAST, zone, dims, stretch.rules, ANYWHERE)
        assert sales == ledger.tallies(), dims
        asking = Asking(given=given)
        if ROLLED[0] in these:
            apart = await apart_of_days(session, LOST_BY_LINE, Way.QUEUE, asking, stretch, few=-1) or {}
            lost = {keys: line_numbers(it.get("lost_by_line", {})) for keys, it in apart.items()}
            of_rows = await lost_by_line(session, Way.QUEUE, asking)
            assert {keys: it for keys, it in lost.items() if it} == of_rows
    return seen


async def test_facts_that_are_rolled_up_are_those_of_the_rows_whatever_changes(floor: Floor) -> None:
    random = Random(5)
    await put(floor, happenings(random, calls=40))
    async with floor.db.begin() as session:
        for statement in GOODS:
            await session.execute(text(statement))
    await rolled(floor)
    assert await compare(floor, random) > 50
    for place, change in enumerate(random.sample([*MORE, *CHANGES], 12), 1):
        async with floor.db.begin() as session:
            await session.execute(text(f"SELECT setseed({place / 100})"))
            await session.execute(text(change))
        if place % 3 == 0:
            await compare(floor, random, [ROLLED[place // 3], random.choice(ROLLED)])
    await rolled(floor)
    assert await compare(floor, random) > 50


def test_the_middle_of_times_is_told_to_within_one_per_cent_and_what_lasts_to_a_quarter_of_an_hour() -> None:
    missed, steps = ROLLED[0], ROLLED[1]
    from math import floor as whole
    from math import log

    times = sorted(Random(3).lognormvariate(6, 2) for _ in range(1001))
    found: dict[str, int] = {}
    for it in times:
        step = str(-1 if it < 1 else whole(log(it) / log(1.02)))
        found[step] = found.get(step, 0) + 1
    told = missed.counted({"first": found, "first_us": {"1": 5}}, NOW).spread("first")
    assert (
        abs(told.median_us / 1e6 / times[500] - 1) <= 0.01
        and abs(told.late_us / 1e6 / times[900] - 1) <= 0.01
    )
    assert (told.times, told.whole_us) == (1001, 5)
    slot = whole((NOW - timedelta(hours=5)).timestamp() / 900)
    waits = steps.counted({"wait": {str(slot): 3}}, NOW)
    assert abs(waits.spread("wait").median_us / 3.6e9 - 5) <= 0.25
    assert waits.spread("time").whole_us == 3 * waits.spread("wait").median_us
