"""Statuses of one's own: what an order in them means comes from their group, whatever they are called."""

from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.card import load_card
from crm_core.deal import create_deal, get_deal
from crm_core.errors import Conflict, Invalid
from crm_core.funnel import SALES, StageWanted, get_funnel, update_funnel
from crm_core.order import ItemWanted, create_order, get_order, open_orders, set_status
from crm_core.order_status import BUILT_IN, OPEN, RELEASED, SHIPPED, Group, group_of, is_open, is_released
from crm_core.order_status import is_shipped as shipped
from crm_core.product import Product
from crm_core.read.orders import list_orders
from crm_core.status_list import list_statuses, save_statuses
from tests.crm_core.statuses import add_statuses, change_status, wanted_now


@pytest.mark.parametrize("code", [*BUILT_IN, *(f"{group}.done_or_lost" for group in Group)])
def test_a_code_tells_its_group_and_the_group_all_else(code: str) -> None:
    group = group_of(code)
    assert (is_open(code), is_released(code), shipped(code)) == (
        group in OPEN, group in RELEASED, group in SHIPPED,
    )  # fmt: skip
    assert is_open(code) + is_released(code) + (group is Group.DONE) == 1


async def test_goods_sums_deal_and_card_follow_the_group_of_a_status_not_its_name(shop: Any) -> None:
    by: dict[str, Any] = {"user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        await add_statuses(session, ("work", "Done by hand"), ("lost", "New hope"), ("delivery", "Posted"))
        deal = await create_deal(session, title="Mugs", customer_id=shop.marta, currency="EUR", at=shop.noon)
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, deal_id=deal.id, status="work.done_by_hand",
            items=[ItemWanted(shop.mug, 4)], **by,
        )  # fmt: skip

        async def stands() -> tuple[Any, ...]:
            """Free pieces, pieces sent, open orders, the deal's sum and stage."""
            await session.flush()
            left = await session.scalar(select(Product.stock).where(Product.id == shop.mug))
            sent = sum(it.pieces for it in (await get_order(session, order.id)).held if it.shipped)
            opened, found = await open_orders(session, shop.marta), await get_deal(session, deal.id)
            return left, sent, len(opened), found.amount, found.stage

        assert await stands() == (10, 0, 1, Decimal("35.60"), "ordered")
        await set_status(session, order.id, "delivery.posted", **by)
        assert await stands() == (10, 4, 1, Decimal("35.60"), "ordered")
        card = await load_card(session, e164=None, customer_id=shop.marta, call_id=shop.call, now=shop.noon)
        assert (card["orders"][0]["status_label"], card["orders"][0]["open"]) == ("Posted", True)
        await set_status(session, order.id, "lost.new_hope", **by)
        assert await stands() == (14, 0, 0, Decimal(0), "lost")
        card = await load_card(session, e164=None, customer_id=shop.marta, call_id=shop.call, now=shop.noon)
        assert (card["orders"][0]["open"], card["customer"]["totals"]["orders"]) == (False, 0)
        for wanted, found in (("lost.*", 1), ("work.*", 0), ("lost.new_hope", 1), ("nothing.*", 0)):
            assert len((await list_orders(session, status=wanted)).rows) == found
        assert not (await list_orders(session, open_only=True)).rows


async def test_what_orders_were_in_can_only_be_retired(shop: Any) -> None:
    by: dict[str, Any] = {"user_id": shop.anna, "at": shop.noon}
    async with shop.begin() as session:
        await add_statuses(session, ("work", "Вышивка"), ("work", "Engraving"), ("work", "Paint"))
        codes = [it.code for it in await list_statuses(session) if not it.built_in]
        assert codes == ["work.status", "work.engraving", "work.paint"]
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            status="work.engraving", **by,
        )  # fmt: skip
        await set_status(session, order.id, "confirmed", **by)
    refusals = [
        ("work.engraving", {"name": ""}, Conflict, "orders are or were in it"),
        ("packed", {"name": ""}, Conflict, "built in"),
        ("new", {"active": False}, Invalid, "given by Callcenter itself"),
        ("work.paint", {"group": "done"}, Invalid, "can not go to another group"),
        ("work.paint", {"name": "NEW "}, Invalid, "Two statuses are called"),
    ]
    for code, fields, kind, said in refusals:
        with pytest.raises(kind, match=said):
            async with shop.begin() as session:
                await change_status(session, code, **fields)
    async with shop.begin() as session:
        await change_status(session, "work.engraving", active=False, name="Engraved")
        with pytest.raises(Invalid, match="“Engraved” is retired"):
            await set_status(session, order.id, "work.engraving", **by)
        await change_status(session, "work.paint", name="")
        with pytest.raises(Invalid, match="is no status of an order"):
            await set_status(session, order.id, "work.paint", **by)


async def test_a_stage_and_an_own_status_hold_each_other(shop: Any) -> None:
    async with shop.begin() as session:
        await add_statuses(session, ("work", "Engraving"), ("lost", "Refused"))
        sales = await get_funnel(session, SALES)
        kept = [
            StageWanted(name=it.name, kind=it.kind, code=it.code, order_status=it.order_status)
            for it in sales.stages
        ]
        with pytest.raises(Invalid, match="“Refused” of an order is not"):
            wrong = [*kept, StageWanted(name="Odd", order_status="lost.refused")]
            await update_funnel(session, SALES, version=1, changes={"stages": wrong})
    async with shop.begin() as session:
        right = [*kept, StageWanted(name="At work", order_status="work.engraving")]
        await update_funnel(session, SALES, version=1, changes={"stages": right})
    with pytest.raises(Conflict, match="the stage “At work” of the funnel “Sales” goes with it"):
        async with shop.begin() as session:
            await change_status(session, "work.engraving", active=False)
    async with shop.begin() as session:  # names may be exchanged, and a stale list changes nothing
        names = {"packed": "Confirmed", "confirmed": "Packed"}
        wanted = await wanted_now(session)
        exchanged = [
            it if it.code not in names else type(it)(**{**vars(it), "name": names[it.code]}) for it in wanted
        ]
        after = await save_statuses(session, exchanged, version=2)
        assert {it.code: it.name for it in after if it.code in names} == names
        with pytest.raises(Conflict, match="somebody else"):
            await save_statuses(session, wanted, version=2)
