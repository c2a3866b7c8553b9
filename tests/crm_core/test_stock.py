"""What lies where, what is promised to whom, and that the last piece is sold once."""

import asyncio
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text

from crm_core.customer import Customer
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.order import ItemWanted, Order, create_order, update_order
from crm_core.price import add_price, margin, price_now, prices_for, remove_price
from crm_core.product import Product, create_product, find_products, update_product
from crm_core.stock import Shelf, StockLevel, allot, create_warehouse, on_shelves, open_books, set_on_hand


async def take(shop: Any, product_id: int, pieces: int, **fields: Any) -> Order:
    async with shop.begin() as session:
        return await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, at=shop.noon,
            items=[ItemWanted(product_id, pieces)], **fields,
        )  # fmt: skip


async def change(shop: Any, order: Order, *, beyond_stock: bool = False, **changes: Any) -> Order:
    async with shop.begin() as session:
        newest = await session.get_one(Order, order.id)
        return await update_order(
            session, order.id, version=newest.version, changes=changes, user_id=shop.anna,
            at=shop.noon, beyond_stock=beyond_stock,
        )  # fmt: skip


async def books(shop: Any, product_id: int) -> list[tuple[int, int]]:
    """On hand and reserved in each warehouse; and the product says what that leaves."""
    async with shop.begin() as session:
        query = select(StockLevel).where(StockLevel.product_id == product_id)
        levels = (await session.scalars(query.order_by(StockLevel.warehouse_id))).all()
        product = await session.get_one(Product, product_id)
        assert product.stock == sum(it.on_hand - it.reserved for it in levels)
        return [(it.on_hand, it.reserved) for it in levels]


async def second_place(shop: Any, product_id: int, pieces: int) -> int:
    async with shop.begin() as session:
        made = await create_warehouse(session, shop_id=shop.shop, name="Airport", user_id=shop.anna)
        await set_on_hand(session, product_id, made.id, pieces, user_id=shop.anna)
        return made.id


async def test_an_order_reserves_what_shipping_takes_from_hand_and_a_return_brings_back(shop: Any) -> None:
    order = await take(shop, shop.kettle, 2)
    assert await books(shop, shop.kettle) == [(3, 2)]
    await change(shop, order, status="on_delivery")
    assert await books(shop, shop.kettle) == [(1, 0)]
    await change(shop, order, status="packed")
    assert await books(shop, shop.kettle) == [(3, 2)]
    await change(shop, order, status="done")
    await change(shop, order, status="returned")
    assert await books(shop, shop.kettle) == [(3, 0)]


async def test_of_two_who_give_one_barcode_away_at_once_one_is_told_whose_it_is(shop: Any) -> None:
    async def give(product_id: int) -> Product:
        async with shop.begin() as session:
            return await update_product(
                session,
                product_id,
                version=None,
                changes={"barcodes": ["4006381333931"]},
                user_id=None,
                at=shop.noon,
            )

    goods = (shop.mug, shop.kettle, shop.lamp)
    results = await asyncio.gather(*(give(it) for it in goods), return_exceptions=True)
    (owner,) = (it for it in results if isinstance(it, Product))
    told = {str(it) for it in results if isinstance(it, Conflict)}
    assert told == {f"{owner.name} ({owner.sku}) has the barcode 4006381333931 already."}
    async with shop.begin() as session:
        await session.execute(text("UPDATE products SET barcodes = '{}' WHERE id = :id"), {"id": owner.id})
    assert isinstance(await give(next(it for it in goods if it != owner.id)), Product)


async def test_fifty_operators_want_the_last_piece_and_one_gets_it(shop: Any) -> None:
    results = await asyncio.gather(*(take(shop, shop.lamp, 1) for _ in range(50)), return_exceptions=True)
    assert sum(isinstance(it, Order) for it in results) == 1
    assert {str(it) for it in results if not isinstance(it, Order)} == {
        "There is none of Lampa Żyrandol left. Take it out, or offer something else."
    }
    assert await books(shop, shop.lamp) == [(1, 1)]


async def test_orders_shipments_and_counts_at_once_leave_the_books_right(shop: Any) -> None:
    orders = [await take(shop, shop.mug, 1) for _ in range(6)]
    place = await second_place(shop, shop.mug, 5)

    async def count() -> None:
        async with shop.begin() as session:
            await set_on_hand(session, shop.mug, place, 7, user_id=None)

    steps = [
        change(shop, it, status=status) for it, status in zip(orders, ["done", "cancelled"] * 3, strict=True)
    ]
    await asyncio.gather(*steps, count(), *(take(shop, shop.mug, 2) for _ in range(4)))
    assert await books(shop, shop.mug) == [(11, 8), (7, 0)]


async def test_what_one_warehouse_has_not_comes_from_the_other(shop: Any) -> None:
    await second_place(shop, shop.kettle, 5)
    order = await take(shop, shop.kettle, 7)
    assert await books(shop, shop.kettle) == [(3, 3), (5, 4)]
    with pytest.raises(Conflict, match="are only 1 of Red kettle left"):
        await change(shop, order, items=[ItemWanted(shop.kettle, 9)])
    await change(shop, order, status="done")
    assert await books(shop, shop.kettle) == [(0, 0), (1, 0)]


async def test_selling_beyond_the_stock_is_asked_for_and_waits_for_the_goods(shop: Any) -> None:
    order = await take(shop, shop.lamp, 3, beyond_stock=True)
    assert await books(shop, shop.lamp) == [(1, 3)]
    await change(shop, order, comment="knows that it takes a week")
    with pytest.raises(Conflict, match="2 of Lampa Żyrandol are not on hand"):
        await change(shop, order, status="on_delivery")
    async with shop.begin() as session:
        place = await session.scalar(
            select(StockLevel.warehouse_id).where(StockLevel.product_id == shop.lamp)
        )
        await set_on_hand(session, shop.lamp, place, 3, was=1, user_id=shop.anna)
    await change(shop, order, status="on_delivery")
    assert await books(shop, shop.lamp) == [(0, 0)]


async def test_a_count_that_is_no_longer_true_is_refused(shop: Any) -> None:
    async with shop.begin() as session:
        place = await session.scalar(select(StockLevel.warehouse_id).where(StockLevel.product_id == shop.mug))
    order = await take(shop, shop.mug, 4)
    await change(shop, order, status="done")
    with pytest.raises(Conflict, match="There are 10 on hand now, not 14"):
        async with shop.begin() as session:
            await set_on_hand(session, shop.mug, place, 13, was=14, user_id=shop.anna)
    with pytest.raises(NotFound):
        async with shop.begin() as session:
            await set_on_hand(session, shop.mug, 999, 13, user_id=shop.anna)


async def test_opening_the_books_twice_changes_nothing(shop: Any) -> None:
    await take(shop, shop.mug, 4)
    async with shop.begin() as session:
        await open_books(session)
    assert await books(shop, shop.mug) == [(14, 4)]


shelves = st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=1, max_size=4).map(
    lambda pairs: [Shelf(place, on_hand, reserved) for place, (on_hand, reserved) in enumerate(pairs)]
)


@given(shelves, st.integers(0, 60), st.booleans())
def test_an_allotment_is_complete_and_promises_nothing_twice(
    places: list[Shelf], pieces: int, beyond: bool
) -> None:
    given_, missing = allot(pieces, {}, places, beyond=beyond)
    assert sum(given_.values()) + missing == pieces
    room = sum(it.room(0) for it in places)
    assert missing == (0 if beyond else max(0, pieces - room))
    if pieces <= room:
        assert all(given_.get(it.warehouse_id, 0) <= it.room(0) for it in places)
        if any(it.room(0) >= pieces for it in places):
            assert len(given_) <= 1
        shipped, short = on_shelves(given_, places)
        assert (shipped, short) == (given_, 0)


async def test_a_variant_is_found_by_its_property_its_second_barcode_and_the_family(shop: Any) -> None:
    async with shop.begin() as session:
        fields = {"name": "T-shirt", "family": "T-shirt basic", "price": "19.90"}
        for size in ("S", "L"):
            await create_product(
                session, shop_id=shop.shop, user_id=shop.anna, at=shop.noon, sku=f"TS-{size}",
                properties={"colour": "red", "size": size}, barcodes=[f"111{size}", f"222{size}"], **fields,
            )  # fmt: skip
    async with shop.begin() as session:
        assert [it.sku for it in await find_products(session, "t-shirt l", shop.shop)] == ["TS-L"]
        small = (await find_products(session, "222S", shop.shop))[0]
        large = (await find_products(session, "TS-L", shop.shop))[0]
        assert (small.variant, small.barcode, small.stock) == ("red · S", "111S", 0)
        assert small.family_id == large.family_id is not None


async def test_codes_belong_to_one_product_and_a_withdrawn_one_is_not_offered(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(Conflict, match=r"Blue mug 0.3 l \(MG-03-BL\) has the barcode 5901234123457"):
            await update_product(
                session, shop.kettle, version=1, changes={"barcodes": ["5901234123457"]},
                user_id=shop.anna, at=shop.noon,
            )  # fmt: skip
        await session.rollback()
    async with shop.begin() as session:
        by = {"user_id": shop.anna, "at": shop.noon}
        await update_product(session, shop.kettle, version=1, changes={"active": False}, **by)
        assert await find_products(session, "kettle", shop.shop) == []
        with pytest.raises(Conflict, match="changed by somebody else"):
            await update_product(session, shop.kettle, version=1, changes={"name": "Kettle"}, **by)


async def test_a_wholesaler_pays_his_price_and_the_promotion_while_it_lasts(shop: Any) -> None:
    async def add(price: str, price_list: str | None = None, days: tuple[int, int] | None = None) -> int:
        starts, ends = (shop.noon + timedelta(days=it) for it in days) if days else (None, None)
        async with shop.begin() as session:
            made = await add_price(
                session, shop.mug, price=Decimal(price), price_list=price_list, promotion=None,
                starts_at=starts, ends_at=ends, user_id=shop.anna,
            )  # fmt: skip
            return made.id

    async def costs(price_list: str | None, day: int = 0) -> str:
        async with shop.begin() as session:
            mug = await session.get_one(Product, shop.mug)
            at = shop.noon + timedelta(days=day)
            return str((await prices_for(session, [mug], price_list=price_list, at=at))[shop.mug])

    await add("6.00", "Wholesale")
    sale = await add("5.00", days=(2, 4))
    assert [await costs(None), await costs("wholesale"), await costs("VIP")] == ["8.90", "6.00", "8.90"]
    assert [await costs(None, day) for day in (1, 2, 3, 4)] == ["8.90", "5.00", "5.00", "8.90"]
    with pytest.raises(Invalid, match="for which price list"):
        await add("7.00")
    async with shop.begin() as session:
        (await session.get_one(Customer, shop.marta)).price_list = "wholesale"
    assert (await take(shop, shop.mug, 2)).total == Decimal("12.00")
    async with shop.begin() as session:
        await remove_price(session, shop.mug, sale, user_id=shop.anna)
    assert await costs(None, 3) == "8.90"


def test_the_margin_is_what_stays_of_the_price() -> None:
    assert margin(Decimal("39.50"), Decimal("21.10")) == Decimal("46.6")
    assert margin(Decimal("10"), Decimal("12")) == Decimal("-20.0")
    assert margin(Decimal("10"), None) is margin(Decimal(0), Decimal(1)) is None
    assert price_now(Decimal("3"), [], price_list=None, at=None) == Decimal("3")  # type: ignore[arg-type]


async def test_every_change_of_goods_is_in_the_audit_log(shop: Any) -> None:
    async with shop.begin() as session:
        changes = {"price": Decimal("9.90"), "purchase_price": Decimal("4.10")}
        await update_product(session, shop.mug, version=1, changes=changes, user_id=shop.anna, at=shop.noon)
        row = (
            await session.execute(text("SELECT user_id, action, detail FROM audit_log ORDER BY id DESC"))
        ).first()
    assert row == (
        shop.anna, "product.update", {"price": ["8.90", "9.90"], "purchase_price": [None, "4.10"]}
    )  # fmt: skip
