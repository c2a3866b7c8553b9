"""Goods: calls about them, what was sold in these, what all orders with them brought; every number opens its list."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core.call_link import CallLink
from crm_core.order import ItemWanted, create_order
from crm_core.order_rows import Order, OrderItem
from crm_core.product import Product
from tests.web import shop
from tests.web.test_imports import ok
from tests.web.test_missed_report import told

API = "/api/v1/figures/goods"
DAYS = f"since={shop.NOON:%Y-%m-%d}&until={shop.NOON:%Y-%m-%d}"


@pytest.fixture
async def sales(database, people) -> Any:
    """In one call the operator sold two mugs and a tea set for 45 (ten per cent off, and 5 for delivery), paid; in
    another the senior only spoke of it. Two mugs of an order of before are not paid, and one order was called off. What
    a tea set costs us nobody knows."""
    there = await shop.furnish(database)
    async with database.begin() as session:
        for product, category in ((there.mug, "Cups"), (there.tea, "Sets")):
            await session.execute(
                update(Product).where(Product.id == product).values(properties={"Category": category})
            )
        both = [
            ItemWanted(product_id=there.mug, quantity=2, price=Decimal(7)),
            ItemWanted(product_id=there.tea, quantity=1),
        ]
        sold = await create_order(
            session, customer_id=there.customer, shop_id=there.shop, at=shop.NOON, user_id=people["operator"],
            items=both, discount_percent=10, delivery_cost=5,
        )  # fmt: skip
        off = await create_order(
            session,
            customer_id=there.customer,
            shop_id=there.shop,
            at=shop.NOON,
            user_id=None,
            items=both[:1],
        )
        await session.flush()
        assert sold.total == 50
        await session.execute(
            update(Order)
            .where(Order.id == sold.id)
            .values(paid=50, created_at=shop.NOON + timedelta(minutes=1))
        )
        await session.execute(update(Order).where(Order.id == off.id).values(status="cancelled"))
        await session.execute(
            update(OrderItem).where(OrderItem.product_id == there.mug).values(purchase_price=3)
        )
        ids = sold.id
    for login, role in (("operator", "created"), ("senior", "discussed")):
        call = await shop.add_call(
            database, talked=people[login], customer_id=there.customer, line_id=there.line
        )
        async with database.begin() as session:
            session.add(CallLink(call_id=call, order_id=ids, role=role, rule="created_in_call"))
    async with database.begin() as session:
        assert len((await session.scalars(select(OrderItem))).all()) == 4
    return there


async def test_goods_are_told_from_the_call_to_the_margin_and_add_up_to_their_orders(
    client_of, sales
) -> None:
    boss = await client_of("manager")
    grid = await ok(await boss.get(f"{API}?{DAYS}&by=category"))
    by = {row["label"]: told(row, grid) for row in grid["rows"]}
    assert list(by) == ["Sets", "Cups"]  # the greatest turnover first
    assert by["Cups"] == {
        "about": [2], "sold_calls": [1], "won": [0.5], "phone_orders": [1], "phone_revenue": [12.6],
        "phone_margin": [6.6], "placed": [2], "pieces": [4], "turnover": [30.4], "bought_margin": [6.6],
        "bill": [33.9], "again": [0.5], "unfinished": [1], "called_off": [1 / 3],
    }  # fmt: skip
    assert (
        by["Sets"]["turnover"] == [32.4] and by["Sets"]["phone_margin"] == []
    )  # 36 less a tenth; its price unknown
    whole = told(grid["together"], grid)
    assert whole["turnover"] == [62.8] and whole["phone_revenue"] == [45] and whole["placed"] == [2]
    # 50 and 17.80, each once, however many goods are in it
    assert whole["bill"] == [33.9] and whole["again"] == [0.5]
    assert whole["about"] == [2] and whole["phone_orders"] == [1] and whole["pieces"] == [5]
    for row in (*grid["rows"], grid["together"]):
        facts = told(row, grid)
        for column, cell in zip(grid["columns"], row["cells"], strict=True):
            if column["figure"] not in ("about", "sold_calls", "phone_orders", "placed"):
                continue
            noun = "call" if column["figure"] in ("about", "sold_calls") else "order"
            page = await (await boss.get(cell["address"])).text()
            assert f">{facts[column['figure']][0]:g} {noun}" in page, (row["label"], column["figure"])
    off = next(cell["address"] for column, cell in zip(grid["columns"], grid["together"]["cells"], strict=True)
               if column["figure"] == "called_off")  # fmt: skip
    assert ">1 order<" in await (await boss.get(off)).text()

    cups = await ok(await boss.get(f"{API}?{DAYS}&by=product&category=Cups"))
    assert [row["label"] for row in cups["rows"]] == ["Blue mug"]
    assert told(cups["together"], cups) == by["Cups"]
    for by_ in ("product", "family", "shop", "operator", "line", "source", "hour", "day"):
        page = await (await boss.get(f"/reports/goods?{DAYS}&by={by_}&category=Sets")).text()
        assert "€32.40" in page and "Sets" in page and "€62.80" not in page, by_
    shops = await ok(await boss.get(f"{API}?{DAYS}&by=shop"))
    assert [told(row, shops)["bill"] for row in shops["rows"]] == [[33.9]]
    file = await (await boss.get(f"/api/v1/exports/figures/goods?{DAYS}&by=product")).text()
    assert "\nBlue mug,2,1,50,1,12.60,6.60,2,4,30.40,33.90,6.60,100,50,33.33\r\n" in file


async def test_what_goods_cost_us_and_what_others_sell_stays_hidden(client_of, sales) -> None:
    supervisor, senior = await client_of("supervisor"), await client_of("senior")
    for address in (f"{API}?{DAYS}", f"/reports/goods?{DAYS}", f"/api/v1/exports/figures/goods?{DAYS}"):
        assert "argin" not in await (await supervisor.get(address)).text(), address
    hidden = await (await supervisor.get(f"/reports/goods/one?{DAYS}&figure=bought_margin&whole=true")).text()
    assert "Margin" not in hidden and "6.60" not in hidden
    own = await ok(await senior.get(f"{API}?{DAYS}"))
    whole = told(own["together"], own)
    assert whole["about"] == [1] and whole["placed"] == [0] and whole["turnover"] == []
