"""What lists and pages show: found by what people type, in a stable order, page by page."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text as sql
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallLeg
from crm_core.call_link import CallLink
from crm_core.callback import Callback
from crm_core.customer import Customer, CustomerNote, CustomerNumber
from crm_core.db import Database
from crm_core.deal_rows import Deal
from crm_core.errors import Forbidden, Invalid, NotFound
from crm_core.keys import search_key, sort_key
from crm_core.order import Order, OrderItem
from crm_core.read import callbacks, calls, customers, deals, match, one_call, orders, page, sound, timeline
from crm_core.recording import Phrase, Recording, Transcript
from crm_core.shop import Shop
from crm_core.unlinked import count_waiting
from crm_core.user import User

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


async def person(session: AsyncSession, name: str, *numbers: str, **more: object) -> Customer:
    customer = Customer(name=name, sort_key=sort_key(name), search_key=search_key(name), tags=[], **more)
    customer.numbers = [CustomerNumber(e164=e164, raw=e164) for e164 in numbers]
    session.add(customer)
    await session.flush()
    return customer


async def colleague(session: AsyncSession, login: str) -> User:
    user = User(login=login, name=login.title(), role="operator")
    session.add(user)
    await session.flush()
    return user


async def order(session: AsyncSession, customer: Customer, number: str, **more: object) -> Order:
    shop = Shop(
        name=f"Shop {number}", currency="EUR", country="DE", timezone="UTC", order_prefix=f"{number}-"
    )
    session.add(shop)
    await session.flush()
    made = Order(
        number=number, shop_id=shop.id, customer_id=customer.id, currency="EUR", **{"status": "new"} | more
    )
    made.items = [OrderItem(sku="M-1", name="blue mug", quantity=2, price=Decimal("8.90"))]
    session.add(made)
    await session.flush()
    return made


async def call(session: AsyncSession, **more: object) -> Call:
    id_ = uuid4()
    usual = {
        "direction": "inbound",
        "state": "ended",
        "result": "answered",
        "started_at": NOON,
        "ended_at": NOON,
    }
    made = Call(
        id=id_, pbx="pbx", linkedid=str(id_), linkedids=[], operators=[], recordings=[], **usual | more
    )
    session.add(made)
    await session.flush()
    return made


async def test_a_customer_is_found_by_words_numbers_and_mail(database: Database) -> None:
    async with database.begin() as session:
        await person(session, "Marta Zielińska", "+48601220114", email="marta@example.com", vip=True)
        await person(session, "Олександр Коваль", "+380501234567", bad=True)
        for typed in (
            "zielin mar",
            "Zielińska",
            "601 220 114",
            "+48 601",
            "0114",
            "MARTA@",
            "+48 (601) 220-114",
        ):
            found = (await customers.list_customers(session, query=typed)).rows
            assert [row.name for row in found] == ["Marta Zielińska"], typed
        assert [row.name for row in (await customers.list_customers(session, query="коваль")).rows]
        assert (await customers.list_customers(session, query="%_'\\")).rows == []
        assert [row.vip for row in (await customers.list_customers(session, mark="vip")).rows] == [True]
        assert [row.bad for row in (await customers.list_customers(session, mark="bad")).rows] == [True]


async def test_pages_hold_every_row_once_though_rows_come_between(database: Database) -> None:
    async with database.begin() as session:
        for n in range(7):
            await person(session, f"Person {n}")
        seen, after = [], None
        while True:
            found = await customers.list_customers(session, after=after, limit=3)
            seen += [row.name for row in found.rows]
            await person(session, "A person before all others")
            after = found.next
            if after is None:
                break
    assert seen == [f"Person {n}" for n in range(7)]


@given(st.text(max_size=60))
def test_a_cursor_that_we_did_not_make_is_refused(text: str) -> None:
    try:
        values = page.decode(text, [page.instant, page.number])
    except NotFound:
        pass
    else:
        assert len(values) == 2


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 2**63 - 1), st.uuids())
def test_a_cursor_gives_back_what_was_put_in(at: datetime, id_: int, uuid: UUID) -> None:
    assert page.decode(page.encode([at, id_, uuid]), [page.instant, page.number, UUID]) == [at, id_, uuid]


@given(st.text(max_size=40))
def test_digits_are_those_of_a_number_or_nothing(text: str) -> None:
    found = match.digits(text)
    assert found == "" or (
        found.isdigit() and not found.startswith("0") and len(found) >= match.FEWEST_DIGITS
    )


async def test_a_page_has_one_row_at_least_and_never_all_there_are(database: Database) -> None:
    async with database.begin() as session:
        for limit in (0, page.MOST + 1):
            with pytest.raises(Invalid):
                await customers.list_customers(session, limit=limit)


async def test_totals_count_what_was_bought_and_said(database: Database) -> None:
    async with database.begin() as session:
        marta = await person(session, "Marta")
        await order(session, marta, "A-1", total=Decimal(10))
        await order(session, marta, "A-2", total=Decimal(5), status="cancelled")
        await call(session, customer_id=marta.id, talk_s=61.0)
        shown = await customers.load_customer(session, marta.id)
        assert (shown.totals.orders, shown.totals.sum, shown.totals.currency) == (1, Decimal(10), "EUR")
        assert (shown.totals.calls, shown.totals.talk_s) == (1, 61.0)
        with pytest.raises(NotFound):
            await customers.load_customer(session, 999)


async def test_a_merged_customer_is_shown_as_the_one_that_stayed(database: Database) -> None:
    async with database.begin() as session:
        stayed = await person(session, "Stayed")
        gone = await person(session, "Gone", merged_into_id=stayed.id)
        assert (await customers.load_customer(session, gone.id)).id == stayed.id
        assert [row.name for row in (await customers.list_customers(session)).rows] == ["Stayed"]


async def test_an_order_is_found_and_tells_its_calls(database: Database) -> None:
    async with database.begin() as session:
        anna = await colleague(session, "anna")
        marta = await person(session, "Marta", "+48601220114")
        deal = Deal(title="Kitchen", funnel_id=1, stage="offer", currency="EUR", customer_id=marta.id)
        session.add(deal)
        await session.flush()
        silent = await order(session, marta, "A-1041")
        talked = await order(
            session, marta, "A-1042", deal_id=deal.id, tracking="DPD 1-99", created_by=anna.id
        )
        rang = await call(session, operator_id=anna.id, customer_id=marta.id, talk_s=30.0)
        session.add(CallLink(call_id=rang.id, order_id=talked.id, role="created", rule="made in the call"))
        session.add(CallLink(call_id=rang.id, deal_id=deal.id, role="discussed", rule="deal of the order"))
        await session.flush()
        for typed in ("a-1042", "DPD 1-99"):
            assert [row.id for row in (await orders.list_orders(session, query=typed)).rows] == [talked.id]
        for typed in ("marta", "220114"):
            assert len((await orders.list_orders(session, query=typed)).rows) == 2
        (with_call,) = (await orders.list_orders(session, calls="some")).rows
        assert (with_call.id, with_call.calls, with_call.talk_s) == (talked.id, 1, 30.0)
        assert with_call.items == "2 × blue mug"
        assert [row.id for row in (await orders.list_orders(session, calls="none")).rows] == [silent.id]
        assert len((await orders.list_orders(session, open_only=True, status="new")).rows) == 2
        shown = await orders.load_order(session, talked.id)
        assert (shown.deal, shown.created_by, shown.items[0].name) == ("Kitchen", "Anna", "blue mug")
        (said,) = await timeline.load_talks(session, user_id=anna.id, order_id=talked.id)
        assert (said.role, said.mine, said.talk_s) == ("created", True, 30.0)
        (of_deal,) = await timeline.load_talks(session, user_id=anna.id, deal_id=deal.id)
        assert of_deal.id == str(rang.id)
        (listed,) = (await deals.list_deals(session, query="kit", open_only=True)).rows
        assert (listed.orders, listed.calls) == (1, 1)
        assert (await deals.load_deal(session, deal.id)).customer == "Marta"


async def test_the_history_holds_every_kind_newest_first(database: Database) -> None:
    async with database.begin() as session:
        anna = await colleague(session, "anna")
        marta = await person(session, "Marta")
        await order(session, marta, "A-1", created_at=NOON - timedelta(days=3))
        session.add(
            Deal(title="D", funnel_id=1, stage="won", currency="EUR", customer_id=marta.id, created_at=NOON)
        )
        session.add(
            Callback(
                customer_id=marta.id,
                number="+48601220114",
                due_at=NOON,
                reason="again",
                created_at=NOON - timedelta(days=1),
            )
        )
        session.add(
            CustomerNote(customer_id=marta.id, text="likes blue", created_at=NOON - timedelta(days=4))
        )
        await call(session, customer_id=marta.id, started_at=NOON - timedelta(days=2))
        await session.flush()
        whole = await timeline.load_timeline(session, marta.id, user_id=anna.id)
        assert [item.kind for item in whole.rows] == ["deal", "callback", "call", "order", "note"]
        first = await timeline.load_timeline(session, marta.id, user_id=anna.id, limit=2)
        rest = await timeline.load_timeline(session, marta.id, user_id=anna.id, after=first.next)
        assert [item.kind for item in first.rows + rest.rows] == [item.kind for item in whole.rows]
        only = await timeline.load_timeline(session, marta.id, user_id=anna.id, kind="note")
        assert [item.text for item in only.rows] == ["likes blue"]
        assert [item.mine for item in whole.rows if item.kind == "call"] == [False]


async def test_an_operator_sees_calls_that_rang_at_his_desk_and_hears_those_he_talked_in(
    database: Database,
) -> None:
    async with database.begin() as session:
        anna, oleg = await colleague(session, "anna"), await colleague(session, "oleg")
        talked = await call(session, operator_id=anna.id)
        session.add(
            CallLeg(call_id=talked.id, uniqueid="1", user_id=oleg.id, rang_at=NOON, result="elsewhere")
        )
        await call(session, started_by=anna.id)
        await session.flush()
        mine = (await calls.list_calls(session, user_id=oleg.id, everybody=False)).rows
        assert [(row.id, row.hearable) for row in mine] == [(talked.id, False)]
        assert len((await calls.list_calls(session, user_id=anna.id, everybody=False)).rows) == 2
        assert len((await calls.list_calls(session, user_id=oleg.id, everybody=True)).rows) == 2
        stranger = await colleague(session, "stranger")
        with pytest.raises(Forbidden):
            await one_call.load_call(session, talked.id, user_id=stranger.id, everybody=False)
        with pytest.raises(NotFound):
            await one_call.load_call(session, uuid4(), user_id=anna.id, everybody=True)
        shown = await one_call.load_call(session, talked.id, user_id=oleg.id, everybody=False)
        assert [(leg.user, leg.result) for leg in shown.legs] == [("Oleg", "elsewhere")]


async def test_an_operator_pages_through_his_calls_however_old_they_are(database: Database) -> None:
    now = datetime.now(UTC)
    async with database.begin() as session:
        anna, oleg = await colleague(session, "anna"), await colleague(session, "oleg")
        ages = [timedelta(days=days) for days in (-1, 0, 3, 20, 300, 900)]  # the first by a clock before ours
        for age in ages:
            rang = await call(session, started_at=now - age, operator_id=oleg.id)
            session.add(
                CallLeg(
                    call_id=rang.id,
                    uniqueid="1",
                    user_id=anna.id,
                    rang_at=None if age > ages[4] else now - age,
                    result="elsewhere",
                )
            )
        await call(session, started_at=now, operator_id=oleg.id)
        seen, after = [], None
        while True:
            found = await calls.list_calls(session, user_id=anna.id, everybody=False, after=after, limit=2)
            seen += [now - row.started_at for row in found.rows]
            if (after := found.next) is None:
                break
        assert seen == ages


async def test_a_name_that_very_many_have_finds_the_same_as_a_rare_one(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with database.begin() as session:
        for place, name in enumerate(("John Stone", "Mary Johnson", "John-Paul Reed", "Jo Hnatiuk")):
            someone = await person(session, name, f"+4850011122{place}")
            await order(session, someone, f"JOHN-{place}" if name.startswith("Jo H") else f"N-{place}")
            await call(session, customer_id=someone.id, started_at=NOON + timedelta(minutes=place))

        async def found(text: str) -> list[list[str | None]]:
            return [
                [row.customer for row in (await orders.list_orders(session, query=text)).rows],
                [row.name for row in (await customers.list_customers(session, query=text)).rows],
                [row.name for row in await customers.suggest_customers(session, text, limit=50)],
                [
                    row.customer
                    for row in (await calls.list_calls(session, user_id=1, everybody=True, query=text)).rows
                ],
            ]

        for text in ("john", "john st", "N-1", "nobody", "+4850011", "01112", "11122", "0011122"):
            rare = await found(text)
            with monkeypatch.context() as patch:
                patch.setattr(match, "COMMON", 1)
                patch.setattr(match, "COMMON_OF_CALLS", 1)
                assert await found(text) == rare, text
        assert set((await found("john"))[0]) == {"John Stone", "Mary Johnson", "John-Paul Reed", "Jo Hnatiuk"}
        with monkeypatch.context() as patch:
            patch.setattr(match, "COMMON", 1)
            assert len(await customers.suggest_customers(session, "john", limit=2)) == 2
            assert not await customers.suggest_customers(session, "?", limit=2)


async def test_a_number_is_found_by_five_digits_anywhere_in_it_and_by_its_last_ones(
    database: Database,
) -> None:
    async with database.begin() as session:
        marta = await person(session, "Marta", "+48600123456")
        await order(session, marta, "A-1")
        await call(session, customer_id=marta.id, remote_e164="+48600123456")
        await call(session, remote_e164="+48799887766", remote_raw="799887766")

        async def found(text: str) -> tuple[list[str], list[str], list[str | None]]:
            heard = await calls.list_calls(session, user_id=1, everybody=True, query=text)
            return (
                [row.name for row in (await customers.list_customers(session, query=text)).rows],
                [row.number for row in (await orders.list_orders(session, query=text)).rows],
                [row.remote_e164 for row in heard.rows],
            )

        known = ["Marta"], ["A-1"], ["+48600123456"]
        for said in ("600 123 456", "+48 600", "12345", "(0) 12-34-5", "456", "3456"):
            assert await found(said) == known, said
        for said in ("998877", "+48 799", "766", "7766"):  # nobody's number yet
            assert await found(said) == ([], [], ["+48799887766"]), said
        assert await found("1234") == ([], [], [])  # in the middle so few digits mean too many people
        await session.execute(sql("DROP INDEX ix_customer_numbers_parts"))  # is being built
        assert await found("600 123 456") == known
        assert await found("98877") == await found("12346") == ([], [], [])


async def test_a_conversation_about_nothing_waits_to_be_linked(database: Database) -> None:
    async with database.begin() as session:
        marta = await person(session, "Marta")
        unknown = await call(session)
        about_nothing = await call(session, customer_id=marta.id)
        with_outcome = await call(session, customer_id=marta.id, disposition="other")
        linked = await call(session, customer_id=marta.id)
        made = await order(session, marta, "A-1")
        session.add(CallLink(call_id=linked.id, order_id=made.id, role="discussed", rule="by hand"))
        await call(session, direction="internal")
        await call(session, result="no_answer")
        await session.flush()
        found = (await calls.list_calls(session, user_id=0, everybody=True, unlinked_only=True)).rows
        assert {row.id for row in found} == {unknown.id, about_nothing.id}
        assert with_outcome.id not in {row.id for row in found}
        assert await count_waiting(session) == 2
        about = (await calls.list_calls(session, user_id=0, everybody=True, order_id=made.id)).rows
        assert [row.id for row in about] == [linked.id]


async def test_callbacks_stand_under_their_tab(database: Database) -> None:
    async with database.begin() as session:
        for hours, state in ((-1, "open"), (2, "open"), (40, "open"), (-5, "done")):
            session.add(
                Callback(
                    number="+48601220114",
                    reason=f"{hours}",
                    due_at=NOON + timedelta(hours=hours),
                    state=state,
                )
            )
        await session.flush()
        midnight = NOON + timedelta(hours=12)
        for which, expected in (("overdue", "-1"), ("today", "2"), ("planned", "40"), ("done", "-5")):
            rows = (await callbacks.list_callbacks(session, now=NOON, day_end=midnight, which=which)).rows
            assert [row.reason for row in rows] == [expected]
        counts = await callbacks.count_callbacks(session, now=NOON, day_end=midnight)
        assert counts == {"overdue": 1, "today": 1, "planned": 1}


async def test_the_sound_of_a_call_is_the_whole_conversation_first(database: Database) -> None:
    async with database.begin() as session:
        talked, silent = await call(session), await call(session)
        for side in ("agent", "mix"):
            session.add(
                Recording(call_id=talked.id, pbx="pbx", side=side, state="ready", path=side, seconds=2.0)
            )
        text = Transcript(call_id=talked.id, state="ready")
        session.add(text)
        await session.flush()
        for start, said in ((1.5, "second"), (0.5, "first")):
            session.add(
                Phrase(transcript_id=text.id, side="customer", start_s=start, end_s=start + 1, text=said)
            )
        await session.flush()
        sounds = await sound.load_sounds(session, [talked.id, silent.id])
        assert sounds[talked.id].best is not None and sounds[talked.id].best.side == "mix"
        assert [phrase.text for phrase in sounds[talked.id].text.phrases] == ["first", "second"]
        assert (sounds[silent.id].best, sounds[silent.id].text.state) == (None, "none")
