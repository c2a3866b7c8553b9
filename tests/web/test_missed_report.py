"""What became of missed calls: counted, called back by whom, lost for how much; every number opens its calls."""

from datetime import timedelta
from decimal import Decimal
from html import unescape
from re import findall
from typing import Any

import pytest
from sqlalchemy import update

from crm_core.call_link import CallLink
from crm_core.figure.missed import FEWEST, basis, lost_money, worth
from crm_core.figure.tally import Tally
from crm_core.order_rows import Order
from tests.web import shop
from tests.web.test_imports import ok

API = "/api/v1/figures/missed"
DAYS = f"since={shop.NOON:%Y-%m-%d}&until={shop.NOON:%Y-%m-%d}"
MISSED = {
    "answered_at": None,
    "talk_s": 0.0,
    "result": "abandoned",
    "missed_place": "queue",
    "queue": "sales",
}


def test_a_caller_is_worth_what_answered_calls_of_his_line_brought_or_of_all_where_these_are_few() -> None:
    busy = Tally(answered_in=FEWEST, orders=5, revenue={"EUR": Decimal(200)})
    quiet = Tally(answered_in=10, orders=1, revenue={"EUR": Decimal(40)})
    lines = {1: busy, 2: quiet}
    (own,) = worth(basis(1, lines))
    assert (own.conversion, own.average, own.a_caller) == (Decimal("0.1"), 40, 4)
    (whole,) = worth(basis(2, lines))
    assert (whole.answered, whole.orders) == (
        60,
        6,
    ) and whole.conversion * whole.average == whole.a_caller == 4
    assert lost_money({1: 3, 2: 1, None: 1}, lines) == {"EUR": Decimal("20.00")}
    assert lost_money({1: 3}, {1: Tally(answered_in=FEWEST)}) == {} == lost_money({7: 2}, {})


@pytest.fixture
async def afternoon(database, people, clock) -> Any:
    """Five were missed. The first was called back in vain and then reached, the second reached us himself, the third
    was missed twice and tried once, the fourth nobody called, the fifth hides his number. One talk sold for 60."""
    there = await shop.furnish(database)

    async def call(number: str | None, minutes: float, **facts: Any) -> Any:
        at = shop.NOON + timedelta(minutes=minutes)
        known = {
            "remote_e164": number,
            "started_at": at,
            "ended_at": at + timedelta(seconds=60),
            "line_id": there.line,
        }
        return await shop.add_call(database, **{**known, **facts})

    ours = {"direction": "outbound", "operator_id": people["operator"]}
    vain = {**ours, "operator_id": None, "started_by": people["senior"], "result": "no_answer", "talk_s": 0.0}
    one, two, three, four = (f"+4860122011{n}" for n in range(4))
    for number, minutes in ((one, 0), (two, 0), (three, 0), (three, 5), (four, 0), (None, 0)):
        await call(number, minutes, **MISSED)
    await call(one, 3, **vain)
    await call(one, 11, **ours)
    await call(two, 2, operator_id=people["senior"])
    await call(three, 31, **vain)
    sold = await call("+48601229999", -60, operator_id=people["operator"])
    await call(four, -30, **{**MISSED, "missed_place": "blocked", "result": "blocked"})
    async with database.begin() as session:
        session.add(CallLink(call_id=sold, order_id=there.order, role="created", rule="created_in_call"))
        await session.execute(update(Order).values(total=60, paid=60))
    clock.move(hours=8)
    return there


def told(row: dict[str, Any], grid: dict[str, Any]) -> dict[str, Any]:
    return {
        column["figure"]: [it["value"] for it in cell["values"]]
        for column, cell in zip(grid["columns"], row["cells"], strict=True)
    }


async def test_missed_calls_are_told_by_what_became_of_them_and_open_as_they_are_counted(
    client_of, afternoon
) -> None:
    boss = await client_of("supervisor")
    grid = await ok(await boss.get(f"{API}?{DAYS}&by=line"))
    whole = told(grid["together"], grid)
    assert whole | {"lost_money": 0} == {
        "missed": [6], "called_back": [1], "came_back": [1], "tried": [2], "open": [1], "hidden": [1],
        "reached": [0.4], "first_median": [25 * 60], "first_late": [29 * 60], "lost": [2], "lost_money": 0,
    }  # fmt: skip
    assert whole["lost_money"] == [40]  # two callers; of three answered calls one sold for 60
    for column, cell in zip(grid["columns"], grid["together"]["cells"], strict=True):
        page = await (await boss.get(cell["address"])).text()
        listed = {"reached": 2, "first_median": 3, "first_late": 3, "lost_money": 2}
        number = listed.get(column["figure"]) or cell["values"][0]["value"]
        assert f">{number:g} call" in page, column["figure"]
        assert page.count('<td class="tight"><a href="/calls/') == number
    assert (
        ">5 calls" in await (await boss.get(grid["together"]["cells"][6]["address"] + "&side=bottom")).text()
    )

    # A list of a long time turns its pages, also where many began at once.
    listed, turned = (
        list[str](),
        f"/reports/missed/one?since=2026-01-05&until={shop.NOON:%Y-%m-%d}&figure=missed&whole=true&limit=2",
    )
    while turned:
        page = await (await boss.get(turned)).text()
        listed += findall(r'<td class="tight"><a href="/calls/([-0-9a-f]+)', page)
        turned = unescape(next(iter(findall(r'href="([^"]*after=[^"]*)"', page)), ""))
    assert len(listed) == len(set(listed)) == 6

    people = await ok(await boss.get(f"{API}?{DAYS}&by=operator"))
    by = {row["label"]: told(row, people) for row in people["rows"]}
    assert {name: it["missed"] for name, it in by.items()} == {"Senior": [4], "nobody": [2]}
    assert by["Senior"]["called_back"] == [1] and by["nobody"]["open"] == [1]
    callers = await ok(await boss.get(f"{API}?{DAYS}&by=caller"))
    assert sorted(row["cells"][0]["values"][0]["value"] for row in callers["rows"]) == [1, 1, 1, 1, 2]
    for by_ in ("queue", "hour", "day", "source", "shop", "weekday"):
        page = await boss.get(f"/reports/missed?{DAYS}&by={by_}")
        assert page.status == 200 and "€40.00" in await page.text(), by_
    assert "1 / 3 = 33.3 %" in await (await boss.get(f"/reports/missed?{DAYS}")).text()
    empty = await ok(await boss.get(f"{API}?since=2026-11-19&until=2026-11-19"))  # Warsaw's day
    assert told(empty["together"], empty)["missed"] == [0]


async def test_who_sees_his_own_sees_whom_he_called_back_and_no_money_of_others(client_of, afternoon) -> None:
    grid = await ok(await (await client_of("senior")).get(f"{API}?{DAYS}&by=line"))
    assert told(grid["together"], grid)["missed"] == [4]
    assert "lost_money" not in {it["figure"] for it in grid["columns"]}
    operator, boss = await client_of("operator"), await client_of("supervisor")
    page = await (await operator.get(f"/reports/missed?{DAYS}")).text()
    assert "No missed call" in page and "Senior" not in page
    assert (await operator.get(f"/api/v1/exports/figures/missed?{DAYS}")).status == 403
    file = await (await boss.get(f"/api/v1/exports/figures/missed?{DAYS}&by=operator")).text()
    assert file.lstrip("\ufeff").splitlines()[0].startswith("Operator,Missed,Called back,")
    assert (await boss.get(f"{API}?by=step")).status == 409 and (
        await boss.get("/api/v1/figures/tea")
    ).status == 404
    assert (await boss.get(f"/reports/missed/one?{DAYS}&by=line&key=x")).status == 422
