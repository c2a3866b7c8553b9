"""Who waits for a call: ranked by rule, each with one operator at a time; and whom nobody calls."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text, update

from crm_core.callback import create_callback
from crm_core.calling_hours import set_calling
from crm_core.customer import create_customer
from crm_core.dial_rule import DialRefused, ban, check_dial, list_bans, set_limit, unban
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, Order, create_order
from crm_core.order_rows import WAITED_FOR
from crm_core.queue_rank import Cause, Kind, ranked
from crm_core.read.hot_queue import Taker, load_queue, taken_now
from crm_core.site import Visitor, put_cart
from crm_core.turn import LEASE, How, begin_taking, end_turn, give, keep_turn, turn_of
from tests.crm_core.conftest import MARTA, NOON

CAUSES = st.builds(
    lambda kind, hours, money, customer: Cause(
        kind=kind,
        object="order",
        id=1,
        since=NOON - timedelta(hours=hours),
        label="",
        money=Decimal(money),
        customer_id=customer,
    ),
    st.sampled_from(Kind),
    st.floats(min_value=-5, max_value=500),
    st.integers(min_value=0, max_value=100_000),
    st.integers(min_value=1, max_value=4),
)


@given(st.lists(CAUSES, max_size=12), CAUSES)
def test_nobody_falls_behind_because_more_waits_for_him(causes: list[Cause], more: Cause) -> None:
    before = {one.key: one.points for one in ranked(causes, NOON)}
    found = ranked([*causes, more], NOON)
    after = {one.key: one.points for one in found}
    assert [one.points for one in found] == sorted(after.values(), reverse=True)
    assert set(after) == {cause.key for cause in (*causes, more)}  # each customer once
    assert after[more.key] > before.get(more.key, 0)
    assert all(after[key] == points for key, points in before.items() if key != more.key)
    later = {one.key: one.points for one in ranked(causes, NOON + timedelta(hours=1))}
    assert all(later[key] >= points for key, points in before.items())
    marked = {one.key: one.points for one in ranked(causes, NOON, important=frozenset({1, 2, 3, 4}))}
    assert all(marked[key] >= points for key, points in before.items())


async def furnish(shop: Any) -> int:
    """Marta has an old unpaid order, and was missed; Jan is to be called back. Jan's id."""
    async with shop.begin() as session:
        jan = await create_customer(session, name="Jan", country="PL", numbers=["+48602000001"])
        order = await create_order(
            session,
            customer_id=shop.marta,
            shop_id=shop.shop,
            items=[ItemWanted(product_id=shop.mug, quantity=2)],
            user_id=None,
            at=shop.noon,
        )
        await session.execute(
            update(Order).where(Order.id == order.id).values(created_at=shop.noon - timedelta(days=2))
        )
        for number, customer in ((MARTA, shop.marta), ("+48602000001", jan.id)):
            await create_callback(
                session,
                number=number,
                country="PL",
                due_at=shop.noon - timedelta(minutes=5),
                reason="Missed call",
                customer_id=customer,
            )
        return jan.id


async def taken(shop: Any, user_id: int, at: Any) -> int | None:
    """Whom this operator gets."""
    async with shop.begin() as session:
        await begin_taking(session, at)
        held = {one.key for one in await taken_now(session, at)}
        waiting = await load_queue(session, at, Taker(user_id=user_id, role="operator"))
        first = next((one for one in waiting if one.key not in held), None)
        return (await give(session, user_id, first, at=at)).customer_id if first else None


async def test_two_who_ask_at_once_get_two_customers_and_the_weightier_first(shop: Any) -> None:
    jan = await furnish(shop)
    async with shop.begin() as session:
        marta, other = await load_queue(session, shop.noon)
        assert (marta.customer_id, other.customer_id) == (shop.marta, jan)
        assert {one.cause.kind for one in marta.causes} == {Kind.CALLBACK, Kind.UNPAID}
    got = await asyncio.gather(taken(shop, shop.anna, shop.noon), taken(shop, shop.oleg, shop.noon))
    assert sorted(got) == sorted((shop.marta, jan))
    assert await taken(shop, shop.oleg, shop.noon) is None


async def test_a_cart_that_was_left_is_worth_a_call_until_an_order_or_a_word_came_of_it(shop: Any) -> None:
    left = shop.noon - timedelta(hours=9)

    async def leave(name: str, phone: str, at: Any = left, items: Any = ({"name": "Blue mug"},)) -> None:
        async with shop.begin() as session:
            of = {"shop_id": shop.shop, "visitor": Visitor(phone=phone), "total": Decimal("240.00")}
            await put_cart(
                session, name, **of, items=items, currency="EUR", url=None, updated_at=at, now=shop.noon
            )

    async def waiting() -> dict[str, tuple[str, str]]:
        async with shop.begin() as session:
            found = await load_queue(session, shop.noon)
            return {one.key: (one.causes[0].cause.kind, one.causes[0].cause.label) for one in found}

    marta, stranger = f"c{shop.marta}", "n+48999000111"
    await leave("older", MARTA, left - timedelta(hours=1), [{"name": "Tea"}])
    await leave("newer", MARTA)
    await leave("stranger", stranger[1:])
    await leave("shops still", "+48999000222", shop.noon - timedelta(minutes=20))
    await leave("emptied", "+48999000333", items=())
    await leave("cold", "+48999000444", shop.noon - timedelta(days=6))
    mug = (Kind.CART, "Blue mug")
    assert await waiting() == {marta: mug, stranger: mug}
    async with shop.begin() as session:
        what = [ItemWanted(product_id=shop.mug, quantity=2)]
        order = {"customer_id": shop.marta, "shop_id": shop.shop, "items": what}
        await create_order(session, **order, user_id=None, at=shop.noon - timedelta(minutes=5))
    talk = {"started_at": shop.noon - timedelta(hours=1), "remote_e164": stranger[1:], "customer_id": None}
    await shop.ring(**talk, result="no_answer")
    assert await waiting() == {stranger: mug}
    await shop.ring(**talk, answered_at=talk["started_at"], result="answered")
    assert await waiting() == {}


async def test_a_turn_comes_back_when_nothing_is_heard_and_rests_when_it_was_done(shop: Any) -> None:
    await furnish(shop)
    assert await taken(shop, shop.anna, shop.noon) == shop.marta
    later = shop.noon + LEASE / 2
    async with shop.begin() as session:
        await keep_turn(session, shop.anna, at=later)
    gone = later + LEASE
    async with shop.begin() as session:
        assert await turn_of(session, shop.anna, at=gone) is None
        with pytest.raises(Conflict):
            await end_turn(session, shop.anna, How.DONE, at=gone)
    assert await taken(shop, shop.oleg, gone) == shop.marta  # her browser died: he gets her
    async with shop.begin() as session:
        with pytest.raises(Invalid):
            await end_turn(session, shop.oleg, How.SKIPPED, at=gone)
    async with shop.begin() as session:
        await end_turn(session, shop.oleg, How.SKIPPED, at=gone, reason="On holiday", rest=timedelta(hours=4))
        assert shop.marta not in {one.customer_id for one in await load_queue(session, gone)}
        again = await load_queue(session, gone + timedelta(hours=5))
        assert shop.marta in {one.customer_id for one in again}
        await create_callback(
            session,
            number=MARTA,
            country="PL",
            due_at=gone + timedelta(minutes=1),
            reason="New",
            customer_id=shop.marta,
        )
        fresh = await load_queue(session, gone + timedelta(minutes=2))
        assert shop.marta in {one.customer_id for one in fresh}  # something new happened


async def test_who_asked_not_to_be_called_is_not_and_leaves_the_queue(shop: Any) -> None:
    await furnish(shop)
    dial = {"number": MARTA, "customer_id": shop.marta, "now": shop.noon}
    async with shop.begin() as session:
        await check_dial(session, **dial)
        await ban(session, reason="Asked by letter", user_id=shop.anna, country="PL", number="601 220 114")
        with pytest.raises(DialRefused, match="Asked by letter"):
            await check_dial(session, **dial)
        [(one, _)] = await list_bans(session)
        await unban(session, one.id)
        made = await ban(session, reason="Moved", user_id=shop.anna, country="PL", customer_id=shop.marta)
        with pytest.raises(DialRefused, match="Moved"):
            await check_dial(session, **dial)
        assert shop.marta not in {one.customer_id for one in await load_queue(session, shop.noon)}
        await unban(session, made.id)


async def test_a_dial_is_refused_at_night_there_and_after_enough_attempts(shop: Any) -> None:
    dial = {"number": MARTA, "customer_id": shop.marta}
    night = shop.noon + timedelta(hours=10)
    async with shop.begin() as session:
        await check_dial(session, **dial, now=night)  # nobody has set hours yet
        await set_calling(session, week=["9:00-21:00"] * 7, repeat_minutes=30, most_attempts=3)
        with pytest.raises(DialRefused, match="23:00"):
            await check_dial(session, **dial, now=night)
        await set_limit(session, 2)
    for _ in range(2):
        await shop.ring(
            direction="outbound", state="ended", result="no_answer", remote_e164=MARTA, ended_at=shop.noon
        )
    async with shop.begin() as session:
        with pytest.raises(DialRefused, match="Tried 2 times"):
            await check_dial(session, **dial, now=shop.noon)
        await check_dial(session, **dial, now=shop.noon + timedelta(days=1))  # tomorrow is another day


async def test_the_queue_reads_orders_through_their_indexes(shop: Any) -> None:
    """Where a scan of all orders costs too much, the planner has an index to take for what is late."""
    async with shop.begin() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        late = f"SELECT id FROM orders WHERE {WAITED_FOR} AND promised_at < now()"
        plan = "\n".join(await session.scalars(text(f"EXPLAIN {late} ORDER BY promised_at DESC LIMIT 9")))
        assert "ix_orders_waited_for" in plan
