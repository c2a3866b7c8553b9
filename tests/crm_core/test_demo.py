"""The furnished shop of the demo."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from sqlalchemy import func, select, true

from crm_core import demo
from crm_core.call import Call
from crm_core.callback import Callback
from crm_core.card import load_card
from crm_core.customer import Customer, CustomerNumber, create_customer
from crm_core.db import Database, connect
from crm_core.demo_work import price_list
from crm_core.document import list_documents
from crm_core.exchange.table import read_table
from crm_core.figure.moments import Kind
from crm_core.figure.period import of_days
from crm_core.figure.rules import Rules
from crm_core.lead_rows import Lead
from crm_core.line import find_line
from crm_core.order import ItemWanted, Order, create_order
from crm_core.phone import normalise
from crm_core.product import Product, find_products
from crm_core.read.deliveries import list_deliveries
from crm_core.read.figures import Within, behind
from crm_core.read.moments import load_moments
from crm_core.read.phrases import spoken, tagged
from crm_core.read.tasks import Viewer, list_tasks
from crm_core.read.trials import load_trials
from crm_core.read.votes import load_votes_of
from crm_core.said_words import wanted
from crm_core.user import Passwords, find_by_login

NOW = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)


@pytest_asyncio.fixture(scope="module")
async def furnished(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Database]:
    """One furnished database for the stories that only look at it or only add to it."""
    connection = await asyncpg.connect(postgres)
    await connection.execute("CREATE DATABASE furnished TEMPLATE crm_template STRATEGY FILE_COPY")
    await connection.close()
    async with connect(postgres.replace("@/callcenter?", "@/furnished?")) as db:
        async with db.begin() as session:
            await demo.furnish(session, NOW, documents=tmp_path_factory.mktemp("documents"))
        yield db


async def test_the_shop_is_furnished_once(database: Database, tmp_path: Path) -> None:
    async with database.begin() as session:
        assert await demo.furnish(session, NOW, documents=tmp_path)
    async with database.begin() as session:
        assert not await demo.furnish(session, NOW, documents=tmp_path)
        counts = {
            table.__tablename__: await session.scalar(select(func.count()).select_from(table))
            for table in (Customer, Product, Order, Call, Callback)
        }
    assert counts["customers"] == 320 and counts["orders"] == 706
    assert counts["products"] > 150 and counts["calls"] > 600 and counts["callbacks"] == 14


async def test_what_is_furnished_is_believable(furnished: Database) -> None:
    async with furnished.begin() as session:
        for order in await session.scalars(select(Order).limit(200)):
            assert order.total == order.sums.total
            assert order.created_at < NOW
        shared = select(CustomerNumber.e164).group_by(CustomerNumber.e164).having(func.count() > 1)
        assert len((await session.scalars(shared)).all()) >= 8
        for raw, country in await session.execute(
            select(CustomerNumber.raw, Customer.country).join(
                Customer, Customer.id == CustomerNumber.customer_id
            )
        ):
            assert normalise(raw, country=country).e164, (raw, country)
        assert await session.scalar(select(Customer.id).where(Customer.name == demo.HOSTILE))
        late = select(func.count()).where(Callback.due_at < NOW)
        assert await session.scalar(late.select_from(Callback)) == 4
        assert not await session.scalar(select(Call.id).where(Call.ended_at > NOW))


async def test_everybody_has_something_to_do(furnished: Database) -> None:
    async with furnished.begin() as session:
        staff = {
            login: await find_by_login(session, login) for login in ("courier", "operator", "supervisor")
        }

        async def waiting(login: str, which: str) -> int:
            user = staff[login]
            assert user is not None
            viewer = Viewer(user_id=user.id, role=user.role, everybody=False)
            return len((await list_tasks(session, viewer, now=NOW, which=which)).rows)

        courier = staff["courier"]
        assert courier is not None
        round_ = await list_deliveries(session, Viewer(user_id=courier.id, role="courier", everybody=False))
        assert [it.mine for it in round_] == [True, True, False] and all(it.address for it in round_)
        assert await list_documents(session, "order", [round_[0].order_id]) != {round_[0].order_id: []}
        assert await waiting("operator", "mine") == await waiting("operator", "group") == 1
        assert await waiting("supervisor", "overdue") == 1
        assert await session.scalar(select(func.count()).select_from(Lead)) == 3


def test_the_supplier_of_the_demo_writes_a_price_list_that_is_read() -> None:
    table = read_table(price_list(NOW).encode())
    assert len(table.rows) == 10 and [it.cells["Price"] for it in table.rows].count("on request") == 1
    assert price_list(NOW) != price_list(NOW + timedelta(hours=1))


async def test_every_caller_of_the_demo_dials_a_line_and_most_are_known(furnished: Database) -> None:
    known = 0
    async with furnished.begin() as session:
        for caller in demo.callers():
            line = await find_line(session, demo.PBX, caller.did, country="PL")
            assert line is not None
            e164 = normalise(caller.number, country="PL").e164
            card = await load_card(
                session, e164=e164, customer_id=None, call_id=await any_call(session), now=NOW
            )
            known += bool(card["customer"] or card["candidates"])
    assert known >= 55


async def any_call(session):  # type: ignore[no-untyped-def]
    return await session.scalar(select(Call.id).limit(1))


async def test_the_accounts_sign_in_with_demo_and_the_machines_do_not(furnished: Database) -> None:
    passwords = Passwords()
    async with furnished.begin() as session:
        for login in ("operator", "supervisor", "manager", "admin"):
            user = await find_by_login(session, login)
            assert user is not None and await passwords.fits(user.password_hash, "demo")
        oleg = await find_by_login(session, "OLEG")
        assert oleg is not None and not await passwords.fits(oleg.password_hash, "demo")


async def test_work_goes_on_where_the_furniture_ends(furnished: Database) -> None:
    async with furnished.begin() as session:
        newest = await session.scalar(select(func.max(Order.id)))
        customer = await create_customer(session, name="New", country="PL", numbers=["601 999 000"])
        kettle = (await find_products(session, "red ket"))[0]
        order = await create_order(
            session, customer_id=customer.id, shop_id=kettle.shop_id, user_id=None, at=NOW,
            items=[ItemWanted(None, 1, name="Red kettle")],
        )  # fmt: skip
        assert order.id == newest + 1


async def test_what_goes_with_a_sale_is_told_with_the_calls_in_which_it_was_said(furnished: Database) -> None:
    days = of_days((NOW - timedelta(days=80)).date(), NOW.date(), UTC)
    async with furnished.begin() as session:
        found = await load_moments(session, days, Rules(now=NOW), Within(), true())
        marked = {it.heard.whole or found.tags.get(it.heard.key, ""): it for it in found.found if it.marked}
        assert marked["Free delivery"].low > 0 and marked["i will think about it and call again"].high < 0
        assert len(marked) < len(found.found)
        assert not any(it.marked for it in found.found if "have a good day" in it.heard.whole)  # said in most
        sold = behind(["sold"], days, Rules(now=NOW))
        for it in [one for one in found.found if one.heard.kind is not Kind.MANNER][:6]:
            if it.heard.kind is Kind.TAG:
                there = await tagged(session, int(it.heard.key))
            else:
                there = await spoken(session, [wanted(f'"{it.heard.key}"')], it.heard.side)
            for condition, number in ((there, it.here.calls), (there & sold, it.here.sold)):
                query = select(func.count()).select_from(Call).where(condition)
                assert await session.scalar(query) == number, it
        nobody = await load_moments(session, days, Rules(now=NOW), Within(operator=0), true())
        assert (nobody.calls.calls, nobody.found) == (0, [])
        (trial,) = await load_trials(session, now=NOW)
        assert trial.verdict == "not_enough" and 0 < trial.arms[0].followed < trial.arms[0].counted.calls
        assert sum(it.votes for it in await load_votes_of(session, whose=None)) > 50
