"""Call lists: a filter becomes people to call, each call moves them on, and who needs no call leaves by himself."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from crm_core.call_list import CallListEntry, RuleWanted, add_list, change_list
from crm_core.call_list_calls import call_ended
from crm_core.call_list_feed import feed, tend_one
from crm_core.call_record import merge_calls
from crm_core.customer import create_customer
from crm_core.customer_merge import merge
from crm_core.dial_rule import ban
from crm_core.errors import Conflict, Invalid
from crm_core.order import ItemWanted, Order, create_order
from crm_core.queue_rank import Kind
from crm_core.reach import Reach, seeing
from crm_core.read.call_lists import load_entries, load_progress, load_results
from crm_core.read.guide import About, load_guide
from crm_core.read.hot_queue import Taker, load_queue
from crm_core.retry_rule import Again, Closed, Retry, Why, after_call
from crm_core.segment import add_segment, remove_segment
from crm_core.wrap_up import choose_outcome

LATER = RuleWanted(outcome="callback_promised", after_minutes=60, most_attempts=3)
UNANSWERED = RuleWanted(outcome=None, after_minutes=240, most_attempts=2)


def test_a_rule_says_again_or_through() -> None:
    rules = {None: Retry(timedelta(hours=4), 3), "later": Retry(timedelta(days=1), 2), "no": Retry(None)}

    def said(answered: bool, outcome: str | None, attempts: int = 1) -> Again | Closed:
        return after_call(rules, answered=answered, outcome=outcome, attempts=attempts)

    assert said(False, None) == Again(timedelta(hours=4))
    assert said(False, None, 3) == Closed(Why.TRIED)
    assert said(True, None) == Closed(Why.REACHED)  # nobody said what came of it
    assert said(True, "sold") == Closed(Why.DONE)  # no rule of its own
    assert said(True, "later") == Again(timedelta(days=1))
    assert said(True, "later", 2) == Closed(Why.TRIED)
    assert said(False, "no") == Closed(Why.DONE)  # a wrong number, chosen after nobody answered
    assert said(False, "sold") == Again(timedelta(hours=4))  # nobody answered, whatever was chosen
    assert after_call({}, answered=False, outcome=None, attempts=2) == Again(timedelta(hours=4))


async def buyer(session: Any, shop: Any, name: str, number: str, *orders: int) -> int:
    """A customer with unpaid orders that are so many hours old."""
    made = await create_customer(session, name=name, country="PL", numbers=[number])
    for hours in orders:
        order = await create_order(
            session, customer_id=made.id, shop_id=shop.shop, items=[ItemWanted(product_id=shop.mug, quantity=2)],
            user_id=None, at=shop.noon,
        )  # fmt: skip
        old = update(Order).where(Order.id == order.id)
        await session.execute(old.values(created_at=shop.noon - timedelta(hours=hours)))
    return made.id


async def unpaid(shop: Any, **more: Any) -> tuple[int, dict[str, int]]:
    """A list of orders not paid after a day: Jan has two of them, Ewa one, Piotr's is too young. The ids."""
    async with shop.begin() as session:
        known = {
            name: await buyer(session, shop, name, number, *hours)
            for name, number, hours in (
                ("Jan", "+48602000001", (30, 50)),
                ("Ewa", "+48602000002", (40,)),
                ("Piotr", "+48602000003", (3,)),
            )
        }
        made = await add_list(
            session, name="Not paid", text="Ask kindly.", page="orders", at=shop.noon, user_id=shop.anna,
            filters={"unpaid": True, "older_h": 24}, rules=(UNANSWERED, LATER), **more,
        )  # fmt: skip
        assert await feed(session, made, shop.noon) == 2
        return made.id, known


async def waiting(shop: Any, at: Any, user_id: int | None = None) -> dict[int | None, Any]:
    """Who stands in the queue for a call list, by customer."""
    async with shop.begin() as session:
        taker = Taker(user_id=user_id, role="operator") if user_id else None
        found = {}
        for one in await load_queue(session, at, taker):
            for weighed in one.causes:
                if weighed.cause.kind is Kind.LIST:
                    found[one.customer_id] = weighed.cause
        return found


async def ended(shop: Any, customer_id: int, at: Any, *, ours: bool = True, answered: bool = False) -> Any:
    """A call with this customer that is over; its id."""
    facts = {
        "direction": "outbound" if ours else "inbound",
        "result": "answered" if answered else "no_answer",
    }
    call = await shop.ring(
        **facts, state="ended", started_at=at, ended_at=at, answered_at=at if answered else None,
        customer_id=customer_id, customer_rule="number", remote_e164="+48602000009",
    )  # fmt: skip
    await heard(shop, call, customer_id, at, ours=ours, answered=answered)
    return call


async def heard(shop: Any, call: Any, customer_id: int, at: Any, *, ours: bool, answered: bool) -> None:
    async with shop.begin() as session:
        await call_ended(
            session,
            call_id=call,
            customer_id=customer_id,
            user_id=shop.anna,
            ours=ours,
            answered=answered,
            at=at,
        )


async def entry(shop: Any, list_id: int, customer_id: int) -> CallListEntry:
    async with shop.begin() as session:
        rows = [
            row
            for which in ("open", "closed")
            for row in (await load_entries(session, list_id, which=which)).rows
            if row.customer_id == customer_id
        ]
        assert len(rows) == 1
        return rows[0]


async def test_unpaid_orders_are_called_again_by_the_rule_and_leave_when_they_are_paid(shop: Any) -> None:
    list_id, known = await unpaid(shop)
    jan, ewa = known["Jan"], known["Ewa"]
    found = await waiting(shop, shop.noon)
    assert set(found) == {jan, ewa}  # each once, though Jan owes for two
    assert (found[jan].label, found[jan].money > 0, found[jan].number) == ("Not paid", True, "+48602000001")
    # Nobody answers: again in four hours; told twice it counts once.
    first = shop.noon + timedelta(minutes=5)
    call = await ended(shop, jan, first)
    await heard(shop, call, jan, first, ours=True, answered=False)
    assert set(await waiting(shop, first)) == {ewa}
    assert (await entry(shop, list_id, jan)).attempts == 1
    again = first + timedelta(hours=4)
    assert set(await waiting(shop, again)) == {jan, ewa}
    # One of the two orders is paid: the other is the cause now. Both: he is not offered, and swept away.
    async with shop.begin() as session:
        rows = (await load_entries(session, list_id)).rows
        [newer] = [row.order_id for row in rows if row.customer_id == jan]
        await session.execute(update(Order).where(Order.id == newer).values(paid=Order.total))
        assert await tend_one(session, again)
    [row] = [await entry(shop, list_id, jan)]
    assert (row.why, row.order_id != newer) == (None, True)
    async with shop.begin() as session:
        await session.execute(update(Order).where(Order.customer_id == jan).values(paid=Order.total))
    assert set(await waiting(shop, again)) == {ewa}  # at once
    async with shop.begin() as session:
        assert await tend_one(session, again + timedelta(minutes=2))
        assert not await tend_one(session, again + timedelta(minutes=2))  # another process has nothing to do
    assert (await entry(shop, list_id, jan)).why == Why.GONE
    # Ewa is tried in vain as often as the rule says.
    for hours in (5, 10):
        await ended(shop, ewa, shop.noon + timedelta(hours=hours))
    row = await entry(shop, list_id, ewa)
    assert (row.why, row.attempts) == (Why.TRIED, 2)
    async with shop.begin() as session:
        progress = (await load_progress(session, again))[list_id]
    assert (progress.all, progress.open, progress.gone, progress.tried) == (2, 0, 1, 1)


async def test_whoever_gets_through_leaves_the_list_unless_the_outcome_says_later(shop: Any) -> None:
    list_id, known = await unpaid(shop)
    jan, ewa = known["Jan"], known["Ewa"]
    at = shop.noon + timedelta(minutes=1)
    call = await ended(shop, jan, at, ours=False, answered=True)  # he calls us
    assert (await entry(shop, list_id, jan)).why == Why.REACHED
    async with shop.begin() as session:
        about = About(customer_id=jan, call_id=call)
        guide = await load_guide(session, about, operator="Anna", now=at)
        assert [one.name for one in guide.lists] == ["Not paid"]
        await choose_outcome(session, call, "callback_promised", user_id=shop.anna, at=at)
    row = await entry(shop, list_id, jan)
    assert (row.why, row.due_at, row.outcome) == (None, at + timedelta(hours=1), "callback_promised")
    # The outcome may be typed before the end of the call is written down: the end changes nothing.
    live = await shop.ring(
        direction="outbound", state="talking", customer_id=ewa, customer_rule="number", answered_at=at
    )
    async with shop.begin() as session:
        await choose_outcome(session, live, "order_changed", user_id=shop.anna, at=at)
    await heard(shop, live, ewa, at, ours=True, answered=True)
    row = await entry(shop, list_id, ewa)
    assert (row.why, row.outcome_label, row.attempts) == (Why.DONE, "Order changed", 1)
    async with shop.begin() as session:
        assert dict(await load_results(session, list_id)) == {"Callback promised": 1, "Order changed": 1}
        assert (await load_progress(session, at))[list_id].talked == 2
        twin = await shop.ring(customer_id=ewa, customer_rule="number")
    async with shop.begin() as session:  # two calls turn out to be one: what counted stays
        await merge_calls(session, twin, live)
    assert (await entry(shop, list_id, ewa)).why == Why.DONE


async def test_a_list_is_for_those_whom_it_names_and_for_nobody_who_may_not_be_called(shop: Any) -> None:
    list_id, known = await unpaid(shop, user_ids=[shop.oleg], ends_at=shop.noon + timedelta(days=2))
    jan, ewa = known["Jan"], known["Ewa"]
    assert not await waiting(shop, shop.noon, shop.anna)
    assert set(await waiting(shop, shop.noon, shop.oleg)) == {jan, ewa}
    async with shop.begin() as session:
        await ban(session, reason="Asked by letter", user_id=shop.anna, country="PL", number="602 000 002")
        await merge(session, shop.marta, jan, user_id=None, at=shop.noon)  # Jan is Marta's second card
        assert await tend_one(session, shop.noon + timedelta(minutes=2))
    row = await entry(shop, list_id, ewa)
    assert (row.why, row.refusal) == (Why.REFUSED, "Not to be called: Asked by letter")
    assert set(await waiting(shop, shop.noon, shop.oleg)) == {shop.marta}
    async with shop.begin() as session:
        changed = await change_list(session, list_id, version=1, changes={"state": "paused"})
        assert changed.version == 2
        with pytest.raises(Conflict):
            await change_list(session, list_id, version=1, changes={"state": "open"})
    assert not await waiting(shop, shop.noon)
    for wrong in (
        {"rules": [RuleWanted(outcome="nonsense", after_minutes=1)]},
        {"user_ids": [99]},
        {"name": " "},
    ):
        with pytest.raises(Invalid):
            async with shop.begin() as session:
                await change_list(session, list_id, version=2, changes=wrong)
    async with shop.begin() as session:
        await change_list(session, list_id, version=2, changes={"state": "open"})
    assert not await waiting(shop, shop.noon + timedelta(days=3))  # it is over
    async with shop.begin() as session:
        await tend_one(session, shop.noon + timedelta(days=3))
        changed = await change_list(session, list_id, version=4, changes={"text": "Too late"})
        assert changed.state == "closed"


async def test_a_segment_grows_its_list_and_stays_quiet_when_it_is_forgotten(shop: Any) -> None:
    with seeing(Reach(customers=frozenset({shop.oleg}))):  # whoever sees few puts nobody else on a list
        async with shop.begin() as session:
            everybody = {
                "page": "customers",
                "filters": {},
                "at": shop.noon,
                "user_id": shop.oleg,
                "state": "closed",
            }
            assert await feed(session, await add_list(session, name="Mine", **everybody), shop.noon) == 0
    async with shop.begin() as session:
        rules = {"all": [{"field": "city", "is": "Gdynia"}]}
        segment = await add_segment(session, name="From Gdynia", rules=rules, user_id=None)
        given = {"page": "customers", "filters": {"segment_id": segment.id}, "grows": True}
        made = await add_list(session, name="Gdynia", at=shop.noon, user_id=None, **given)
        assert await feed(session, made, shop.noon) == 0
        await create_customer(session, name="Zofia", country="PL", numbers=["602 000 007"], city="Gdynia")
    later = shop.noon + timedelta(minutes=11)
    async with shop.begin() as session:
        assert await tend_one(session, later)
    assert len(await waiting(shop, later)) == 1
    async with shop.begin() as session:
        await remove_segment(session, segment.id)
    assert not await waiting(shop, later)
    async with shop.begin() as session:
        assert await tend_one(
            session, later + timedelta(minutes=11)
        )  # it is named in the log, and no trouble
        assert not await tend_one(session, later + timedelta(minutes=11))
