"""Figures on their pages: told with their formula, opened to the calls behind them, one's own or everybody's."""

import re
from typing import Any

import pytest

from crm_core.queue_visit import QueueVisit
from tests.web import shop

DAYS = f"since={shop.NOON:%Y-%m-%d}&until={shop.NOON:%Y-%m-%d}"


@pytest.fixture
async def morning(database, people) -> Any:
    """Operator and senior answered two calls each; one caller gave up after 31 s."""
    there = await shop.furnish(database)
    for login in ("operator", "operator", "senior", "senior"):
        await shop.add_call(database, talked=people[login], customer_id=there.customer, queue="sales")
    gone = {
        "result": "abandoned",
        "missed_place": "queue",
        "talk_s": 0.0,
        "answered_at": None,
        "queue": "sales",
    }
    call = await shop.add_call(database, remote_name="Lost <One>", **gone)
    async with database.begin() as session:
        session.add(
            QueueVisit(
                call_id=call,
                uniqueid="1",
                queue="sales",
                began_at=shop.NOON,
                wait_s=31.0,
                outcome="abandoned",
            )
        )
    return there


async def read(browser: Any, address: str) -> str:
    answer = await browser.get(address)
    text = await answer.text()
    assert answer.status == 200, text[:2000]
    return text


async def test_a_figure_explains_itself_and_opens_the_calls_behind_it(client_of, morning) -> None:
    supervisor = await client_of("supervisor")
    table = await read(supervisor, f"/figures?{DAYS}&by=queue")
    (rate,) = re.findall(r'href="(/figures/one[^"]*figure=answer_rate[^"]*key=sales[^"]*)"', table)
    page = await read(supervisor, rate.replace("&amp;", "&"))
    assert "Answered calls from outside / (answered + missed)" in page
    assert "80.0 %" in page and "4 calls" in page
    below = await read(supervisor, rate.replace("&amp;", "&") + "&side=bottom")
    assert "5 calls" in below and "Lost &lt;One&gt;" in below
    for by in ("operator", "queue", "line", "hour", "day"):
        above = set()
        for group in ("calls", "queues", "time", "care", "speech", "sales"):
            text = await read(supervisor, f"/figures?{DAYS}&by={by}&group={group}")
            numbers = re.search(r'<dl class="headlines">.*?</dl>', text, re.DOTALL)
            above.add(re.sub(r"<[^>]*>|\s+", " ", numbers[0] if numbers else ""))
        assert len(above) == 1, "the numbers above are of all subjects"
    await read(supervisor, f"/figures/talk?{DAYS}")
    assert (await supervisor.get("/figures?since=2026-01-02&until=2026-01-01")).status == 422
    assert (await supervisor.get("/figures?since=2020-01-01&until=2026-01-01")).status == 422


async def test_an_operator_reads_his_own_figures_and_nobody_elses(client_of, morning, people) -> None:
    operator = await client_of("operator")
    address = f"/figures/one?{DAYS}&by=operator&figure=answered"
    mine = await read(operator, f"{address}&key={people['operator']}")
    assert "2 calls" in mine
    assert "0 calls" in await read(operator, f"{address}&key={people['senior']}")
    assert "2 calls" in await read(operator, f"{address}&whole=true")
    for code in (
        "margin",
        "missed",
    ):  # what goods cost, and what is nobody's: the first figure stands there instead
        assert "Calls from outside that are over" in await read(
            operator, f"/figures/one?{DAYS}&figure={code}"
        )


async def test_what_a_queue_shall_reach_changes_its_service_level(client_of, morning) -> None:
    supervisor = await client_of("supervisor")
    level = f"/figures/one?{DAYS}&by=queue&figure=service_level&key=sales"
    assert "0.0 %" in await read(supervisor, level)
    form = {"queue": "sales", "target_s": "20", "short_s": "60", "goal": "90"}
    assert (await (await client_of("operator")).post("/figures/targets", data=form)).status == 403
    assert (await supervisor.post("/figures/targets", data={**form, "target_s": "0"})).status == 422
    await supervisor.post("/figures/targets", data=form)
    shown = await read(supervisor, level)
    assert (
        "sales 20 s, short 60 s" in shown and '<b class="result">–</b>' in shown
    )  # he was gone within the short moment
    page = await read(supervisor, f"/figures?{DAYS}&by=queue&group=queues")
    (remove,) = re.findall(r'action="(/figures/targets/\d+/remove)"', page)
    await supervisor.post(remove)
    assert "0.0 %" in await read(supervisor, level)
