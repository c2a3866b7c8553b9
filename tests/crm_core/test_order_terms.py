"""What is agreed about an order: discounts, coupons, delivery, payments; and two people agreeing at once."""

import asyncio
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text

from crm_core.coupon import Coupon, create_coupon
from crm_core.delivery import DeliveryRate, RateWanted, Where, cost, create_method, update_method
from crm_core.errors import Conflict, Invalid
from crm_core.order import (
    Clash,
    ItemWanted,
    Order,
    OrderChange,
    create_order,
    get_order,
    set_status,
    update_order,
)
from crm_core.outbox import OutboxRow
from crm_core.payment import Payment
from crm_core.payment_came import add_payment
from crm_core.product import Product
from crm_core.read import orders
from crm_core.read.late import count_late
from crm_core.read.order_steps import Move, stays
from crm_core.read.orders import list_orders, load_order
from tests.crm_core.statuses import change_status

MUG = Decimal("8.90")


async def take(shop: Any, *items: ItemWanted, **fields: Any) -> Order:
    known = {"customer_id": shop.marta, "shop_id": shop.shop, "user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        return await create_order(session, items=items or [ItemWanted(shop.mug, 2)], **{**known, **fields})


async def change(shop: Any, order: Order, version: int | None = None, **changes: Any) -> Order:
    given = {name: changes.pop(name) for name in ("most_off", "user_id") if name in changes}
    async with shop.begin() as session:
        newest = (await get_order(session, order.id)).version
        by = {"user_id": shop.anna, "at": shop.noon + timedelta(minutes=5)} | given
        return await update_order(
            session, order.id, version=newest if version is None else version, changes=changes, **by
        )


async def issue(shop: Any, code: str = "SPRING", **fields: Any) -> Coupon:
    async with shop.begin() as session:
        return await create_coupon(session, code=code, user_id=shop.anna, **{"amount": Decimal(5), **fields})


async def used(shop: Any, coupon: Coupon) -> int:
    async with shop.begin() as session:
        return (await session.scalars(select(Coupon.used).where(Coupon.id == coupon.id))).one()


async def test_a_line_and_an_order_get_their_discounts_and_the_list_price_is_kept(shop: Any) -> None:
    line = ItemWanted(shop.mug, 2, discount_percent=Decimal(10))
    order = await take(shop, line, ItemWanted(shop.kettle, 1), discount_amount="5", delivery_cost="4")
    assert (order.sums.goods, order.total) == (Decimal("55.52"), Decimal("54.52"))
    percent = await change(shop, order, discount_percent="10")
    assert (percent.discount_amount, percent.total) == (0, Decimal("53.97"))
    with pytest.raises(Invalid, match="at most 10 %"):
        await change(shop, order, items=[ItemWanted(shop.mug, 2, price=Decimal(5))], most_off=Decimal(10))
    by_chief = await change(
        shop, order, items=[ItemWanted(shop.mug, 2, price=Decimal(5))], discount_percent=0
    )
    assert by_chief.items[0].list_price == MUG
    kept = ItemWanted(shop.mug, 1, price=Decimal(5))
    assert (await change(shop, order, items=[kept], most_off=Decimal(10))).total == Decimal(9)


async def test_a_coupon_counts_within_its_rules_and_comes_back_with_a_cancelled_order(shop: Any) -> None:
    coupon = await issue(shop, minimum=Decimal(15), max_uses=1, ends_at=shop.noon + timedelta(days=1))
    with pytest.raises(Invalid, match=r"counts from 15\.00 on"):
        await take(shop, ItemWanted(shop.mug, 1), coupon="spring")
    with pytest.raises(Invalid, match="no longer valid"):
        await take(shop, coupon="spring", at=shop.noon + timedelta(days=1))
    order = await take(shop, coupon=" spring ")
    assert (order.total, order.coupon_code, await used(shop, coupon)) == (Decimal("12.80"), "SPRING", 1)
    with pytest.raises(Invalid, match="used up"):
        await take(shop, coupon="SPRING")
    assert (await change(shop, order, items=[ItemWanted(shop.mug, 1)])).total == MUG  # below the minimum
    await change(shop, order, status="cancelled")
    assert await used(shop, coupon) == 0
    second = await take(shop, coupon="SPRING")
    with pytest.raises(Conflict, match="used up"):
        await change(shop, order, status="new")
    await change(shop, second, coupon=None)
    assert await used(shop, coupon) == 0


async def test_the_last_use_of_a_coupon_goes_to_one_of_many(shop: Any) -> None:
    coupon = await issue(shop, max_uses=3)
    tries = (
        take(shop, ItemWanted(None, 1, price=Decimal(9), name="Tea"), coupon="SPRING") for _ in range(12)
    )
    results = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(it, Order) for it in results) == await used(shop, coupon) == 3
    assert all(isinstance(it, Order | Conflict | Invalid) for it in results)


@pytest.mark.parametrize(
    ("where", "grams", "goods", "said"),
    [
        (Where(city="krakow"), 500, "50", "8.00"),
        (Where(city="Kraków"), 6000, "50", "15.00"),
        (Where(postcode="30 059"), 500, "50", "8.00"),
        (Where(region="Kraków", city="Wieliczka"), 500, "50", "8.00"),
        (Where(city="Gdańsk"), 500, "50", "15.00"),
        (Where(), 500, "50", "15.00"),
        (Where(city="Kraków"), 500, "100", "0.00"),
        (Where(city="Kraków"), 31_000, "50", None),
    ],
)
def test_delivery_costs_by_zone_and_weight_and_nothing_from_a_sum_on(
    where: Where, grams: int, goods: str, said: str | None
) -> None:
    rates = [
        DeliveryRate(places=["Kraków", "30-"], to_weight_g=5000, cost=Decimal("8.00")),
        DeliveryRate(places=[], to_weight_g=30_000, cost=Decimal("15.00")),
    ]
    told = cost(rates, Decimal(100), where, weight_g=grams, goods=Decimal(goods))
    assert told == (None if said is None else Decimal(said))


async def test_the_rate_follows_the_goods_until_a_cost_is_typed(shop: Any) -> None:
    rates = [
        RateWanted(cost=Decimal(8), to_weight_g=1000),
        RateWanted(cost=Decimal(12), to_weight_g=5000),
    ]
    async with shop.begin() as session:
        method = await create_method(
            session, shop_id=shop.shop, name="DPD", user_id=shop.anna, rates=rates, free_from=Decimal(100)
        )
        (await session.get_one(Product, shop.mug)).weight_g = 400
    order = await take(shop, delivery_method_id=method.id, delivery_date=date(2026, 11, 24))
    assert (order.delivery_method, order.delivery_city) == ("DPD", "Kraków")
    assert order.delivery_cost == 8
    assert (await change(shop, order, items=[ItemWanted(shop.mug, 3)])).delivery_cost == 12
    assert (
        await change(shop, order, items=[ItemWanted(shop.mug, 12)], delivery_cost="20")
    ).delivery_cost == 20
    assert (await change(shop, order, items=[ItemWanted(shop.mug, 2)])).delivery_cost == 20
    with pytest.raises(Invalid, match="no rate for this place and weight"):
        await change(shop, order, items=[ItemWanted(shop.mug, 13)], delivery_cost=None)
    async with shop.begin() as session:
        new = {"rates": [RateWanted(cost=Decimal(99))]}
        await update_method(session, method.id, version=1, changes=new, user_id=shop.anna)
    assert (await change(shop, order, comment="ring twice")).delivery_cost == 20
    assert (await change(shop, order, delivery_cost=None)).delivery_cost == 99


async def test_what_is_paid_is_the_sum_of_payments_and_no_more_goes_back(shop: Any) -> None:
    order = await take(shop, paid="5")

    async def pay(amount: str, **fields: Any) -> None:
        async with shop.begin() as session:
            await add_payment(session, order.id, amount=amount, user_id=shop.anna, at=shop.noon, **fields)

    await pay("10", method="card", call_id=shop.call)
    await pay("2.80")
    with pytest.raises(Invalid, match=r"Only 17\.80 was paid"):
        await pay("17.81", kind="refund")
    for wrong in (
        {"amount": "0"},
        {"amount": "-1"},
        {"amount": "1", "kind": "gift"},
        {"amount": "1", "method": "x"},
    ):
        with pytest.raises(Invalid):
            await pay(**wrong)
    await pay("7.80", kind="refund", note="one came broken")
    async with shop.begin() as session:
        rows = (await session.scalars(select(Payment).order_by(Payment.id))).all()
        assert [(it.kind, it.amount) for it in rows] == [
            ("prepaid", 5), ("part", 10), ("final", Decimal("2.80")), ("refund", Decimal("7.80")),
        ]  # fmt: skip
        kept = await get_order(session, order.id)
        assert (kept.paid, kept.version) == (10, 4)
        changes = (await session.scalars(select(OrderChange).order_by(OrderChange.id))).all()
        assert changes[1].call_id == shop.call and changes[1].what["payment"] == [None, "part 10.00 card"]
    assert (await change(shop, order, paid="17.80")).paid == Decimal("17.80")


async def test_two_changes_that_do_not_touch_each_other_both_hold(shop: Any) -> None:
    order = await take(shop)
    await change(shop, order, delivery_address="Długa 5", user_id=shop.oleg)
    mine = await change(shop, order, version=1, comment="gift", status="new", delivery_address=None)
    assert (mine.comment, mine.delivery_address, mine.version) == ("gift", "Długa 5", 3)


async def test_two_people_who_change_the_same_are_shown_both(shop: Any) -> None:
    order = await take(shop)
    await change(shop, order, comment="ring", items=[ItemWanted(shop.mug, 3)], user_id=shop.oleg)
    with pytest.raises(Clash, match="Oleg Bondar changed order A-1001") as refused:
        await change(shop, order, version=1, comment="knock", discount_percent="10", tracking="T-1")
    clash = refused.value
    assert (clash.version, clash.mine) == (2, ["comment", "discount_percent", "tracking"])
    shown = {it.field: (it.base, it.theirs, it.mine) for it in clash.fields}
    assert shown == {
        "comment": (None, "ring", "knock"),
        "discount_percent": ("0.00", "0.00", "10.00"),
        "items": (
            ["2 × Blue mug 0.3 l à 8.90"],
            ["3 × Blue mug 0.3 l à 8.90"],
            ["2 × Blue mug 0.3 l à 8.90"],
        ),
    }
    same = await change(shop, order, version=1, comment="ring", tracking="T-1")
    assert (same.comment, same.tracking, same.version) == ("ring", "T-1", 3)
    await change(shop, order, status="cancelled")
    with pytest.raises(Clash):
        await change(shop, order, version=3, delivery_address="Długa 5")
    with pytest.raises(Conflict):
        await change(shop, order, version=99, comment="from the future")


async def test_a_status_is_set_whatever_the_version(shop: Any) -> None:
    order = await take(shop)
    await change(shop, order, comment="ring")
    async with shop.begin() as session:
        moved = await set_status(
            session, order.id, "confirmed", user_id=None, at=shop.noon, comment="by the courier"
        )
        assert (moved.status, moved.status_comment, moved.version) == ("confirmed", "by the courier", 3)


async def test_fifty_operators_on_one_order_and_one_shelf_leave_it_right(shop: Any) -> None:
    """Stock, totals, payments and history after fifty changes of one order and fifty buyers of fourteen mugs."""
    order = await take(shop, ItemWanted(shop.kettle, 1))

    async def edit(place: int) -> None:
        async with shop.begin() as session:
            if place % 2:
                await add_payment(session, order.id, amount="1", user_id=shop.anna, at=shop.noon)
            else:
                seen = (await get_order(session, order.id)).version
        if place % 2 == 0:
            await change(shop, order, version=seen, comment=f"note {place}", discount_percent=str(place % 10))

    results = await asyncio.gather(
        *(edit(place) for place in range(50)),
        *(take(shop, ItemWanted(shop.mug, 1)) for _ in range(50)),
        return_exceptions=True,
    )
    wrong = [it for it in results if isinstance(it, BaseException) and not isinstance(it, Conflict)]
    assert wrong == []
    assert sum(isinstance(it, Order) for it in results[50:]) == 14
    async with shop.begin() as session:
        kept = await get_order(session, order.id)
        assert kept.total == kept.sums.total and kept.paid == 25
        changes = (
            await session.scalars(
                select(OrderChange).where(OrderChange.order_id == order.id).order_by(OrderChange.version)
            )
        ).all()
        assert [it.version for it in changes] == list(range(1, kept.version + 1))
        said: dict[str, Any] = {}
        for step in changes:  # each change begins where the one before ended
            for field, (was, now) in step.what.items():
                assert field == "payment" or said.get(field, was) == was
                said[field] = now
        assert (await session.get_one(Product, shop.mug)).stock == 0
        numbers = (await session.scalars(select(Order.number))).all()
        assert len(numbers) == len(set(numbers)) == 15


async def test_whoever_is_put_in_charge_is_told_at_once_with_the_way_into_the_order(shop: Any) -> None:
    order = await take(shop, manager_id=shop.oleg)
    await change(shop, order, comment="ring")
    await change(shop, order, manager_id=shop.anna)  # herself: she knows
    async with shop.begin() as session:
        told = await session.scalars(select(OutboxRow.payload).where(OutboxRow.topic == "notice"))
        assert [(it["user_ids"], it["text"], it["address"]) for it in told] == [
            ([shop.oleg], "Order A-1001 (Home) is yours now", f"/orders/{order.id}")
        ]
    with pytest.raises(Invalid, match="can not be put in charge"):
        await change(shop, order, manager_id=999)


async def test_an_order_is_found_by_its_tracking_and_its_sum_through_an_index(shop: Any) -> None:
    order = await take(shop, tracking="InPost 7-42", needs_call=True, manager_id=shop.anna)
    await take(shop, ItemWanted(shop.kettle, 1))
    async with shop.begin() as session:
        for typed in ("inpost 7", "INPOST 7-42", "17.80", "17,8", "A-1001"):
            found = await list_orders(session, query=typed)
            assert [it.id for it in found.rows] == [order.id], typed
        assert [it.manager for it in (await list_orders(session, needs_call=True)).rows] == ["Anna Kowalska"]
        assert (await list_orders(session, manager_id=shop.oleg)).rows == []
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        for condition, index in (
            ("tracking IS NOT NULL AND lower(tracking) LIKE 'inpost%'", "ix_orders_tracking"),
            ("total = 17.80", "ix_orders_total"),
        ):
            plan = await session.scalars(text(f"EXPLAIN SELECT id FROM orders WHERE {condition}"))
            assert index in "".join(plan)


def test_the_history_says_how_long_an_order_was_in_each_status_and_who_brought_it_there() -> None:
    noon, hour = datetime(2026, 11, 21, 12, tzinfo=UTC), timedelta(hours=1)
    taken: dict[str, Any] = {"at": noon, "by": "Anna", "call_id": None}
    moves = [
        Move(at=noon + hour, before="new", after="confirmed", by="Oleg", call_id=None),
        Move(at=noon + 3 * hour, before="confirmed", after="new", by=None, call_id=None),
    ]
    found = stays("new", moves, now=noon + 4 * hour, **taken)
    assert [(it.status, it.spent, it.by, it.until is None) for it in found] == [
        ("new", hour, "Anna", False),
        ("confirmed", 2 * hour, "Oleg", False),
        ("new", hour, None, True),
    ]
    (only,) = stays("done", [], now=noon + hour, **taken)
    assert (only.status, only.since, only.spent) == ("done", noon, hour)


async def test_an_order_is_late_past_its_promise_or_too_long_in_its_status(
    shop: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    day, now = timedelta(days=1), shop.noon + timedelta(days=3)
    async with shop.begin() as session:
        await change_status(session, "confirmed", late_days=2)

        async def take(**fields: Any) -> int:
            made = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, user_id=None, at=shop.noon,
                items=[ItemWanted(shop.mug, 1)], **fields,
            )  # fmt: skip
            return made.id

        # The shop's clock is an hour ahead of UTC: a window until 13:00 is over at noon.
        today = {"delivery_date": now.date(), "promised_at": now - day}
        over = await take(**today, delivery_from=time(10), delivery_until=time(12, 59))
        in_time = await take(**today, delivery_from=time(10), delivery_until=time(13, 1))
        promised, waits = await take(promised_at=now - day), await take(status="confirmed")
        moved = await take()
        await set_status(session, moved, "confirmed", user_id=None, at=now - day)
        brought = await take(promised_at=now - day, status="delivered")

        async def late(at: datetime) -> dict[int, str | None]:
            listed = [it.id for it in (await list_orders(session, late=True, now=at)).rows]
            assert await count_late(session, at) == len(listed)
            with monkeypatch.context() as patched:  # so many are late that a page is read from each status
                patched.setattr(orders, "MOST", 0)
                first = await list_orders(session, late=True, now=at, limit=1, shop_id=shop.shop)
                others = await list_orders(session, late=True, now=at, after=first.next)
                assert [it.id for it in (*first.rows, *others.rows)] == listed
            return {it.id: it.late for it in (await list_orders(session, now=at)).rows}

        assert await late(now) == {
            over: "promise", in_time: None, promised: "promise", waits: "status", moved: None, brought: None,
        }  # fmt: skip
        later = await late(now + 2 * day)
        assert (later[in_time], later[moved], later[brought]) == ("promise", "status", None)
        assert (await load_order(session, waits, now=now)).late == "status"
