"""Orders taken and changed while somebody is on the line."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import deal
from crm_core.call_link import links_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.money import money
from crm_core.order import (
    ItemWanted,
    Order,
    OrderChange,
    changed_in_call,
    create_order,
    find_products,
    get_order,
    open_orders,
    update_order,
)
from crm_core.product import Product


async def take(shop: Any, *items: tuple[int, int], **fields: Any) -> Order:
    wanted = [ItemWanted(product, pieces) for product, pieces in items]
    known = {"customer_id": shop.marta, "shop_id": shop.shop, "user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        return await create_order(session, items=wanted, **{**known, **fields})


async def change(shop: Any, order: Order, *, version: int | None = None, **changes: Any) -> Order:
    call_id = changes.pop("call_id", None)
    async with shop.begin() as session:
        return await update_order(
            session, order.id, version=version or order.version, changes=changes,
            user_id=shop.anna, at=shop.noon + timedelta(minutes=1), call_id=call_id,
        )  # fmt: skip


async def stock(shop: Any, product_id: int) -> int:
    async with shop.begin() as session:
        return (await session.scalars(select(Product.stock).where(Product.id == product_id))).one()


async def test_an_order_adds_up_gets_the_next_number_and_empties_the_shelf(shop: Any) -> None:
    order = await take(shop, (shop.mug, 2), (shop.kettle, 1), delivery_cost="4.00")
    assert (order.number, order.total, order.currency) == ("A-1001", Decimal("61.30"), "EUR")
    assert [(it.sku, it.quantity, it.price) for it in order.items] == [
        ("MG-03-BL", 2, Decimal("8.90")),
        ("KT-10-RD", 1, Decimal("39.50")),
    ]
    assert (await stock(shop, shop.mug), await stock(shop, shop.kettle)) == (12, 2)
    assert (await take(shop, (shop.mug, 1))).number == "A-1002"


async def test_the_last_piece_is_sold_once_when_two_operators_want_it(shop: Any) -> None:
    results = await asyncio.gather(*(take(shop, (shop.lamp, 1)) for _ in range(4)), return_exceptions=True)
    refused = [it for it in results if isinstance(it, Conflict)]
    assert len(refused) == 3
    assert str(refused[0]) == "There is none of Lampa Żyrandol left. Take it out, or offer something else."
    assert await stock(shop, shop.lamp) == 0
    async with shop.begin() as session:
        assert [it.number for it in await open_orders(session, shop.marta)] == ["A-1001"]


async def test_orders_that_take_the_same_goods_crosswise_do_not_wait_in_a_ring(shop: Any) -> None:
    await asyncio.gather(
        *(
            take(shop, *pair)
            for pair in [((shop.mug, 1), (shop.kettle, 1)), ((shop.kettle, 1), (shop.mug, 1))]
        )
    )
    assert (await stock(shop, shop.mug), await stock(shop, shop.kettle)) == (12, 1)


async def test_taking_more_moves_only_the_difference(shop: Any) -> None:
    order = await take(shop, (shop.mug, 10))
    await change(shop, order, items=[ItemWanted(shop.mug, 14)])
    assert await stock(shop, shop.mug) == 0


async def test_a_cancelled_order_puts_the_goods_back_and_a_revived_one_takes_them_again(shop: Any) -> None:
    order = await take(shop, (shop.kettle, 3))
    cancelled = await change(shop, order, status="cancelled")
    assert await stock(shop, shop.kettle) == 3
    await take(shop, (shop.kettle, 1))
    with pytest.raises(Conflict, match="There are only 2 of Red kettle left"):
        await change(shop, cancelled, status="confirmed")
    assert await stock(shop, shop.kettle) == 2


async def test_a_colleagues_newer_version_is_not_overwritten(shop: Any) -> None:
    order = await take(shop, (shop.mug, 1))
    await change(shop, order, comment="gate code 14B")
    with pytest.raises(Conflict, match="Anna Kowalska changed order A-1001"):
        await change(shop, order, version=1, comment="leave at the door")


async def test_the_history_says_who_changed_what_in_which_call(shop: Any) -> None:
    order = await take(shop, (shop.mug, 1))
    await change(shop, order, call_id=shop.call, items=[ItemWanted(shop.mug, 3)], comment="gift")
    async with shop.begin() as session:
        changes = (await session.scalars(select(OrderChange).order_by(OrderChange.id))).all()
        assert [it.call_id for it in changes] == [None, shop.call]
        assert changes[1].what == {
            "comment": [None, "gift"],
            "items": [["1 × Blue mug 0.3 l à 8.90"], ["3 × Blue mug 0.3 l à 8.90"]],
            "total": ["8.90", "26.70"],
        }
        assert await changed_in_call(session, shop.call) == [order.id]


async def test_a_change_that_changes_nothing_leaves_no_trace(shop: Any) -> None:
    order = await take(shop, (shop.mug, 1))
    assert (await change(shop, order, items=[ItemWanted(shop.mug, 1)])).version == 1


async def test_an_order_made_in_a_call_is_linked_as_created_and_changed_later_stays_so(shop: Any) -> None:
    order = await take(shop, (shop.mug, 1), call_id=shop.call)
    assert order.created_in_call_id == shop.call
    await change(shop, order, call_id=shop.call, comment="x")
    async with shop.begin() as session:
        assert [(it.order_id, it.role, it.rule) for it in await links_of(session, shop.call)] == [
            (order.id, "created", "created_in_call")
        ]


async def test_the_deal_follows_its_orders_until_it_is_won(shop: Any) -> None:
    async with shop.begin() as session:
        made = await deal.create_deal(
            session,
            title="Kitchen refresh",
            customer_id=shop.marta,
            currency="EUR",
            at=shop.noon,
            amount="500",
        )
    first = await take(shop, (shop.mug, 1), deal_id=made.id)
    second = await take(shop, (shop.kettle, 1), deal_id=made.id)
    async with shop.begin() as session:
        followed = await deal.get_deal(session, made.id)
        assert (followed.stage, followed.amount) == ("ordered", Decimal("48.40"))
        with pytest.raises(Invalid, match="follows the deal's orders"):
            await deal.update_deal(
                session, made.id, version=followed.version, changes={"amount": 1}, at=shop.noon
            )
    await change(shop, first, status="cancelled")
    await change(shop, second, status="done")
    async with shop.begin() as session:
        won = await deal.get_deal(session, made.id)
        assert (won.stage, won.amount, won.closed_at is not None) == ("won", Decimal("39.50"), True)
        assert await deal.latest_open_deal(session, shop.marta) is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"items": []}, "at least one item"),
        ({"items": [ItemWanted(None, 1)]}, "needs a name"),
        ({"items": [ItemWanted(999_999, 1)]}, "no product"),
        ({"paid": "-1"}, "between 0"),
        ({"paid": "NaN"}, "sum"),
        ({"status": "lost"}, "no status"),
        ({"deal_id": 5}, "no deal"),
        ({"total": 5}, "no field 'total'"),
    ],
)
async def test_nonsense_is_refused_and_changes_nothing(
    shop: Any, fields: dict[str, Any], message: str
) -> None:
    order = await take(shop, (shop.mug, 1))
    with pytest.raises((Invalid, NotFound), match=message):
        await change(shop, order, **fields)
    async with shop.begin() as session:
        kept = await get_order(session, order.id)
        assert (kept.version, kept.total) == (1, Decimal("8.90"))


@pytest.mark.parametrize("pieces", [0, -1, 10_000])
async def test_a_quantity_is_a_sensible_number(shop: Any, pieces: int) -> None:
    with pytest.raises(Invalid, match="quantity"):
        await take(shop, (shop.mug, pieces))


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("blue mu", ["MG-03-BL"]),
        ("MU BL", ["MG-03-BL"]),
        ("mg-03", ["MG-03-BL"]),
        ("5901234123464", ["KT-10-RD"]),
        ("zyr", ["LP-01"]),
        ("lampa ŻYRANDOL", ["LP-01"]),
        ("", []),
        ("' | !:*", []),
        ("%", []),
        ("_g-03", []),
    ],
)
async def test_a_product_is_found_by_first_letters_sku_or_barcode(
    shop: Any, typed: str, found: list[str]
) -> None:
    async with shop.begin() as session:
        assert [it.sku for it in await find_products(session, typed, shop.shop)] == found


def test_half_a_cent_is_rounded_up() -> None:
    assert money("1.005", "paid") == Decimal("1.01")
