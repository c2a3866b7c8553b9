"""How long orders stand in each step and with whom; where the time goes; every number opens its orders."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from crm_core.order import ItemWanted, create_order, update_order
from crm_core.order_rows import Order
from tests.web import shop
from tests.web.test_imports import ok
from tests.web.test_missed_report import told

API = "/api/v1/figures/steps"
PLACED = datetime(2026, 11, 16, 23, 30, tzinfo=UTC)  # half past midnight of the 17th in Warsaw
DAYS = "since=2026-11-17&until=2026-11-17"


@pytest.fixture
async def orders(database, people, clock) -> Any:
    """Three orders of one night. The first was new for 2 hours, confirmed for 10 (4 with the operator, then with the
    senior) and is done; the second was new for 4 hours and is confirmed since; the third was called off after an hour.
    The operator took them all."""
    there = await shop.furnish(database)
    operator, senior = people["operator"], people["senior"]
    async with database.begin() as session:
        made = [
            await create_order(
                session, customer_id=there.customer, shop_id=there.shop, at=PLACED, user_id=operator,
                items=[ItemWanted(product_id=there.mug, quantity=1)],
            )
            for _ in range(3)
        ]  # fmt: skip
        way = [
            (0, 2, {"status": "confirmed", "manager_id": operator}),
            (0, 6, {"manager_id": senior}),
            (0, 12, {"status": "done"}),
            (1, 4, {"status": "confirmed"}),
            (2, 1, {"status": "cancelled"}),
        ]
        for place, hours, changes in way:
            order = made[place]
            await update_order(
                session, order.id, version=order.version, changes=changes, user_id=operator,
                at=PLACED + timedelta(hours=hours),
            )  # fmt: skip
        await session.execute(
            update(Order).where(Order.id == there.order).values(created_at=PLACED - timedelta(days=9))
        )
    clock.at = PLACED + timedelta(hours=24)
    return [it.id for it in made]


async def test_time_is_told_by_step_and_by_whose_it_was(client_of, orders) -> None:
    boss = await client_of("supervisor")
    grid = await ok(await boss.get(f"{API}?{DAYS}"))
    steps = {row["label"]: told(row, grid) for row in grid["rows"]}
    assert list(steps) == ["New", "Confirmed"]  # closed orders stay where they are
    hour = 3600
    assert steps["New"] == {
        "came": [3], "left": [3], "there": [0], "stay_median": [2 * hour], "stay_late": [3.6 * hour],
        "wait_median": [None], "part": [7 / 37],
    }  # fmt: skip
    assert steps["Confirmed"] == {
        "came": [2], "left": [1], "there": [1], "stay_median": [10 * hour], "stay_late": [10 * hour],
        "wait_median": [20 * hour], "part": [30 / 37],
    }  # fmt: skip
    for row in (*grid["rows"], grid["together"]):
        for cell in row["cells"][:3]:
            number = cell["values"][0]["value"]
            page = await (await boss.get(cell["address"])).text()
            assert (
                f">{number:g} order" in page and page.count('<td class="tight"><a href="/orders/') == number
            )

    hands = await ok(await boss.get(f"{API}?{DAYS}&by=operator&step=confirmed"))
    by = {row["label"]: told(row, hands) for row in hands["rows"]}
    assert by["Operator"]["stay_median"] == [4 * hour] and by["Operator"]["wait_median"] == [20 * hour]
    assert by["Senior"]["stay_median"] == [6 * hour] and by["Senior"]["came"] == [1]
    assert told(hands["together"], hands)["came"] == [2]
    own = await ok(await (await client_of("senior")).get(f"{API}?{DAYS}"))
    assert {row["label"]: told(row, own)["stay_median"] for row in own["rows"]} == {"Confirmed": [6 * hour]}
    before = await ok(await boss.get(f"{API}?since=2026-11-16&until=2026-11-16"))
    assert told(before["together"], before)["came"] == [0]
    for by_ in ("shop", "line", "day", "source"):
        page = await (await boss.get(f"/reports/steps?{DAYS}&by={by_}&step=confirmed")).text()
        assert "81.1 %" in page and "Confirmed, by" in page, by_
