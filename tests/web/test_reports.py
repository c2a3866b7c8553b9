"""Reports: put together, kept, shared, taken away as files and sent by e-mail; to each only what he may see."""

import asyncio
import csv
import io
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP
from markupsafe import escape
from sqlalchemy import select, update

from crm_core.audit import AuditEntry
from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.customer import Customer
from crm_core.exchange.table import read_table
from crm_core.order_rows import Order, OrderItem
from crm_core.report import Every, ReportMail
from crm_core.report_mail import addresses, next_time
from crm_core.user import User
from tests.web import shop
from tests.web.test_imports import ok
from web.report import Time, days_of
from web.report_mail import send_due
from web.report_ready import BY_CODE
from web.settings import Settings, SmtpTls

API = "/api/v1"
DAYS = f"since={shop.NOON:%Y-%m-%d}&until={shop.NOON:%Y-%m-%d}"
HOSTILE = "=HYPERLINK(1) Ґанна"


@pytest.fixture
async def morning(database, people) -> Any:
    """Operator and senior talked twice each; the operator sold one order, paid, of which the cost is known."""
    there = await shop.furnish(database)
    sold = None
    for login in ("operator", "operator", "senior", "senior"):
        call = await shop.add_call(
            database, talked=people[login], customer_id=there.customer, queue="sales", line_id=there.line
        )
        sold = sold or call
    async with database.begin() as session:
        session.add(CallLink(call_id=sold, order_id=there.order, role="created", rule="created_in_call"))
        paid = {"total": Decimal(20), "paid": Decimal(20), "delivery_cost": 0, "status": "confirmed"}
        await session.execute(update(Order).values(**paid))
        await session.execute(update(OrderItem).values(purchase_price=3, quantity=1))
        await session.execute(update(User).where(User.login == "senior").values(name=HOSTILE))
        await session.execute(update(Customer).values(source="Fair"))
    return there


@pytest.fixture
async def mailbox(settings: Settings) -> AsyncIterator[tuple[Settings, list[Any]]]:
    """A mail server on this machine, what it took, and settings that name it."""
    taken: list[Any] = []

    class Keep:
        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            taken.append(envelope)
            return "250 kept"

    server = await asyncio.get_running_loop().create_server(lambda: SMTP(Keep()), "127.0.0.1", 0)
    named = {
        "smtp_host": "127.0.0.1",
        "smtp_port": server.sockets[0].getsockname()[1],
        "smtp_tls": SmtpTls.NONE,
        "smtp_from": "crm@shop.example",
    }
    try:
        yield settings.model_copy(update=named), taken
    finally:
        server.close()
        await server.wait_closed()


def column(grid: dict[str, Any], figure: str) -> dict[str, Any]:
    """What each row has in a column: the values of its cell."""
    place = next(n for n, it in enumerate(grid["columns"]) if it["figure"] == figure)
    return {row["label"]: row["cells"][place]["values"] for row in grid["rows"]}


async def test_a_report_says_what_happened_and_opens_it(client_of, morning) -> None:
    manager = await client_of("manager")
    asked = f"{API}/figures?{DAYS}&by=operator&figures=answered,conversion,revenue,margin"
    grid = await ok(await manager.get(asked))
    assert {row: it[0]["value"] for row, it in column(grid, "answered").items()} == {
        "Operator": 2,
        HOSTILE: 2,
    }
    assert [it["value"] for it in column(grid, "margin")["Operator"]] == [17]
    by_source = await ok(await manager.get(f"{API}/figures?{DAYS}&by=source&across=hour&figures=answered"))
    (fair,) = by_source["rows"]
    assert fair["label"] == "Fair" and [it["values"][0]["value"] for it in fair["cells"]] == [4, 4]
    for address in (fair["cells"][0]["address"], grid["rows"][0]["cells"][0]["address"]):
        page = await (await manager.get(address)).text()
        wanted = 4 if "source" in address else 2
        assert f"{wanted} calls" in page, address
    for code in BY_CODE:
        answer = await manager.get(f"/reports/ready/{code}")
        assert answer.status == 200, await answer.text()
    shown = await manager.get(f"/reports/show?{DAYS}&by=hour&across=weekday&figures=answered&figures=missed")
    assert "figures=answered,missed" in str(shown.url).replace("%2C", ",") and "Friday" in await shown.text()
    for wrong in (
        "by=all",
        "by=day&across=day",
        "by=line&across=day&time=last_365_days",
        "by=script&subject=orders",
    ):
        assert (await manager.get(f"{API}/figures?{wrong}")).status == 409, wrong


async def test_columns_that_are_named_by_strangers_are_shown_as_they_are(
    client_of, morning, database
) -> None:
    bargain = "100 %(x)s <b>Bargain</b> 5%"
    async with database.begin() as session:
        await session.execute(update(Customer).values(source=bargain))
        await session.execute(update(Call).values(queue=bargain))
    manager = await client_of("manager")
    for across in ("source", "queue"):
        page = await manager.get(f"/reports/show?{DAYS}&by=hour&across={across}&figures=answered")
        text = await page.text()
        assert page.status == 200, text
        assert str(escape(bargain)) in text and "<b>Bargain" not in text


async def test_purchase_prices_and_colleagues_stay_hidden_in_every_form(client_of, morning, people) -> None:
    supervisor, operator = await client_of("supervisor"), await client_of("operator")
    asked = f"{DAYS}&by=operator&figures=answered,margin,margin_minute"
    grid = await ok(await supervisor.get(f"{API}/figures?{asked}"))
    assert [it["figure"] for it in grid["columns"]] == ["answered"]
    file = await (await supervisor.get(f"{API}/exports/report?{asked}")).text()
    assert (
        "Margin" not in file and "Margin" not in await (await supervisor.get(f"/reports/show?{asked}")).text()
    )
    own = await ok(await operator.get(f"{API}/figures?{asked}"))
    assert [row["label"] for row in own["rows"]] == ["Operator"]
    assert HOSTILE not in await (await operator.get(f"/reports/show?{asked}")).text()
    assert (await operator.get(f"{API}/exports/report?{asked}")).status == 403


async def test_files_hold_the_numbers_and_nothing_that_runs(client_of, morning, database) -> None:
    manager = await client_of("manager")
    asked = f"{API}/exports/report?{DAYS}&by=operator&figures=answered,conversion,talk,revenue"
    rows = list(csv.reader(io.StringIO((await (await manager.get(asked)).text()).lstrip("\ufeff"))))
    assert rows[0] == ["Operator", "Answered", "Conversion %", "Talk a call s", "Revenue EUR"]
    assert {row[0]: row[1:] for row in rows[1:]} == {
        f"'{HOSTILE}": ["2", "0", "90", ""],
        "Operator": ["2", "50", "90", "20.00"],
        "Together": ["4", "25", "90", "20.00"],
    }
    sheet = read_table(await (await manager.get(asked + "&format=xlsx")).read())
    assert HOSTILE in str(list(sheet.rows)) and "50" in str(list(sheet.rows))
    page = await manager.get(asked + "&format=pdf")
    assert page.content_type == "application/pdf" and (await page.read()).startswith(b"%PDF-")
    async with database.begin() as session:
        noted = await session.scalars(select(AuditEntry).where(AuditEntry.action == "report.exported"))
        assert len(noted.all()) == 3


async def test_a_kept_report_is_shared_and_stays_its_owners(client_of, morning) -> None:
    supervisor, manager = await client_of("supervisor"), await client_of("manager")
    form = {
        "name": "Monday <b>",
        "shared": "all",
        "by": "operator",
        "figures": "answered,margin",
        "time": "last_7_days",
    }
    answer = await supervisor.post("/reports", data=form, allow_redirects=False)
    address = answer.headers["Location"].partition("?")[0]
    assert "Monday &lt;b&gt;" in await (await manager.get("/reports")).text()
    assert "Margin" in await (await manager.get(address)).text()  # with his own eyes
    assert "Margin</" not in await (await supervisor.get(address)).text()
    kept = await ok(await manager.get(f"{API}/reports"))
    assert [(it["name"], it["own"]) for it in kept] == [("Monday <b>", False)]
    assert (await manager.delete(f"{API}{address}")).status == 403
    assert (await supervisor.post("/reports", data={**form, "by": "nothing"})).status == 422
    assert (await supervisor.post("/reports", data={**form, "name": " "})).status == 422
    await supervisor.post("/reports", data={**form, "shared": "me"})
    assert (await manager.get(address)).status == 404
    await supervisor.post(f"{address}/remove")
    assert await ok(await supervisor.get(f"{API}/reports")) == []


async def test_a_report_comes_by_mail_as_its_owner_may_see_it(
    client_of, morning, database, mailbox, people
) -> None:
    settings, taken = mailbox
    supervisor = await client_of("supervisor")
    query = {"by": "operator", "figures": "answered,margin", "since": "2026-11-20", "until": "2026-11-20"}
    kept = await ok(await supervisor.post(f"{API}/reports", json={"name": "Łódź, Київ", "query": query}))
    address = f"/reports/{kept['id']}/mail"
    form = {"recipients": "boss@shop.example", "every": "day", "hour": "7", "format": "csv"}
    assert (
        await supervisor.post(address, data={**form, "recipients": "boss@shop.example\r\nBcc: x"})
    ).status == 422
    await supervisor.post(address, data=form)
    due = (await ok(await supervisor.get(f"{API}{address}")))["next_at"]
    at = datetime.fromisoformat(due)
    assert at == datetime(2026, 11, 21, 6, tzinfo=UTC)  # at seven in Warsaw
    assert not await send_due(database, settings, at - timedelta(seconds=1))

    away = settings.model_copy(update={"smtp_port": 1})
    assert await send_due(database, away, at)
    page = await (await supervisor.get(f"/reports/{kept['id']}")).text()
    assert "The mail server did not take it" in page and taken == []
    assert await send_due(database, settings, at + timedelta(minutes=10))
    assert not await send_due(database, settings, at + timedelta(minutes=11))
    (envelope,) = taken
    message = message_from_bytes(envelope.content, policy=default)
    assert isinstance(message, EmailMessage)
    assert envelope.rcpt_tos == ["boss@shop.example"] and "Łódź, Київ" in message["Subject"]
    (file,) = message.iter_attachments()
    text = str(file.get_content())
    assert "Operator,2" in text and "Margin" not in text

    # What is told of missed calls, goods and the like is kept and sent in the same way.
    day = {"since": "2026-11-20", "until": "2026-11-20"}
    facts = {"theme": "goods", "by": "shop", "name": "Goods of shops", **day}
    answer = await supervisor.post("/reports", data=facts, allow_redirects=False)
    goods = answer.headers["Location"].partition("?")[0]
    page = await (await supervisor.get(goods)).text()
    assert "<h1>Goods of shops</h1>" in page and "What each number is" in page and "Send regularly" in page
    asked = next(it for it in await ok(await supervisor.get(f"{API}/reports")) if it["theme"])
    assert (asked["theme"], asked["facts"]["by"], f"/reports/{asked['id']}") == ("goods", "shop", goods)
    assert (await supervisor.post("/reports", data={**facts, "since": "soon"})).status == 422
    await supervisor.post(f"{goods}/mail", data={**form, "recipients": "boss@shop.example"})
    assert await send_due(database, settings, at + timedelta(days=2))
    assert await send_due(database, settings, at + timedelta(days=2))
    sent = [message_from_bytes(it.content, policy=default) for it in taken]
    letter = next(it for it in sent if "Goods of shops" in it["Subject"])
    assert isinstance(letter, EmailMessage)
    assert "Shop,Calls about it," in str(next(letter.iter_attachments()).get_content())

    async with database.begin() as session:
        await session.execute(update(User).where(User.id == people["supervisor"]).values(active=False))
    assert await send_due(database, settings, at + timedelta(days=4))
    async with database.begin() as session:
        mails = (await session.scalars(select(ReportMail))).all()
        assert len(taken) == 3 and any("may not" in (it.failed or "") for it in mails)


def test_times_and_addresses_are_what_people_mean_by_them() -> None:
    today = datetime(2026, 3, 1).date()
    assert [str(it) for it in days_of(Time.LAST_MONTH, today)] == ["2026-02-01", "2026-02-28"]
    assert [str(it) for it in days_of(Time.LAST_WEEK, today)] == ["2026-02-16", "2026-02-22"]
    warsaw = ZoneInfo("Europe/Warsaw")
    saturday = datetime(2026, 10, 24, 12, tzinfo=UTC)  # the night after is an hour longer
    assert next_time(Every.DAY, 7, warsaw, saturday) == datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert next_time(Every.WEEK, 7, warsaw, saturday) == datetime(2026, 10, 26, 6, tzinfo=UTC)
    assert next_time(Every.MONTH, 0, warsaw, saturday) == datetime(2026, 10, 31, 23, tzinfo=UTC)
    assert addresses("a@b.pl, c@d.com\na@b.pl") == ["a@b.pl", "c@d.com"]
    assert not re.search("[\r\n]", "".join(addresses("a@b.pl\r\nc@d.com")))


async def test_what_queues_shall_reach_is_said_through_the_api(client_of, morning) -> None:
    supervisor = await client_of("supervisor")
    given = {"queue": "sales", "target_s": 15, "short_s": 5, "goal": 90}
    made = await ok(await supervisor.put(f"{API}/queue-targets", json=given))
    assert made == {"id": made["id"], **given}
    assert (await (await client_of("operator")).put(f"{API}/queue-targets", json=given)).status == 403
    assert (await supervisor.put(f"{API}/queue-targets", json={**given, "goal": 0})).status == 422
    assert (await supervisor.delete(f"{API}/queue-targets/{made['id']}")).status == 204
    assert await ok(await supervisor.get(f"{API}/queue-targets")) == []


async def test_orders_are_told_by_source_with_what_it_cost_and_what_came_back(client_of, morning) -> None:
    manager, supervisor = await client_of("manager"), await client_of("supervisor")
    cost = {"source": "Fair", "month": "2026-11-14", "currency": "EUR", "cost": "30.00"}
    said = await ok(await manager.put(f"{API}/source-costs", json=cost))
    assert said["month"] == "2026-11-01"
    asked = "subject=orders&by=source&since=2026-11-20&until=2026-11-22&figures=turnover,bill,profit,cost,roi,again"
    grid = await ok(await manager.get(f"{API}/figures?{asked}"))
    told = {it["figure"]: column(grid, it["figure"])["Fair"] for it in grid["columns"]}
    money = {figure: [(it["value"], it["currency"]) for it in values] for figure, values in told.items()}
    assert money["turnover"] == money["bill"] == [(20, "EUR")] and money["profit"] == [(17, "EUR")]
    assert money["cost"] == [(3, "EUR")]  # three days of thirty
    assert round(money["roi"][0][0], 2) == 4.67 and told["again"][0]["value"] == 0
    for row in grid["rows"]:
        page = await (await manager.get(row["cells"][0]["address"])).text()
        assert "1 order" in page and f"/orders/{morning.order}" in page
    hidden = await ok(await supervisor.get(f"{API}/figures?{asked}"))
    assert {it["figure"] for it in hidden["columns"]} == {"turnover", "bill", "cost", "again"}
    assert (await supervisor.get("/reports/orders?figure=profit")).status == 404
    assert (await supervisor.get("/reports/costs")).status == 403
    form = {"source": "Fair", "month": "2026-11", "currency": "eur", "cost": "60"}
    assert "60.00" in await (await manager.post("/reports/costs", data=form)).text()
    assert (await manager.post("/reports/costs", data={**form, "cost": "-1"})).status == 422
    assert (await manager.delete(f"{API}/source-costs/{said['id']}")).status == 204
    own = await ok(
        await (await client_of("operator")).get(f"{API}/figures?subject=orders&by=day&figures=placed")
    )
    assert [row["cells"][0]["values"][0]["value"] for row in own["rows"]] == [
        0
    ] * 7  # nobody's order is not his
