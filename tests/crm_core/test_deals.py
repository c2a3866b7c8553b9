"""Deals on their way through funnels: who moved them, what goes with orders, what is lost and why."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_core import deal, funnel
from crm_core.bulk import change_many, undo
from crm_core.bulk_nouns import Deals
from crm_core.bulk_rows import By, Chosen
from crm_core.call_link import link
from crm_core.errors import Conflict, Invalid
from crm_core.funnel import FunnelStage, Kind, StageWanted, stage_for
from crm_core.notice import Notice
from crm_core.order import create_order, get_order, update_order
from crm_core.order_status import Status, is_open
from crm_core.order_stock import ItemWanted
from crm_core.read.deals import list_deals, list_steps, sum_stages

REPAIRS = (
    StageWanted(name="Asked", stuck_days=2),
    StageWanted(name="Agreed", order_status="confirmed"),
    StageWanted(name="On its way", order_status="on_delivery"),
    StageWanted(name="Repaired", kind="won", order_status="done"),
    StageWanted(name="Given up", kind="lost", order_status="cancelled"),
)


async def opened(shop: Any, **fields: Any) -> int:
    async with shop.begin() as session:
        made = await deal.create_deal(
            session, title="Kettle", customer_id=shop.marta, currency="EUR", at=shop.noon, **fields
        )
        return int(made.id)


async def repairs(shop: Any, stages: Any = REPAIRS) -> int:
    async with shop.begin() as session:
        made = await funnel.create_funnel(session, name="Repairs")
        plain = [it for it in stages if it.code is None]
        await funnel.update_funnel(session, made.id, version=1, changes={"stages": plain})
        return int(made.id)


async def ordered(shop: Any, deal_id: int, **fields: Any) -> int:
    async with shop.begin() as session:
        made = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(product_id=shop.mug, quantity=1)],
            user_id=shop.anna, at=shop.noon, deal_id=deal_id, **fields,
        )  # fmt: skip
        return int(made.id)


async def becomes(shop: Any, order_id: int, status: str, call: Any = None) -> None:
    async with shop.begin() as session:
        order = await get_order(session, order_id)
        await update_order(
            session, order_id, version=order.version, changes={"status": status}, user_id=shop.oleg,
            at=shop.noon + timedelta(hours=1), call_id=call,
        )  # fmt: skip


async def move(shop: Any, deal_id: int, **changes: Any) -> None:
    async with shop.begin() as session:
        found = await deal.get_deal(session, deal_id)
        await deal.update_deal(
            session, deal_id, version=found.version, changes=changes, at=shop.noon, user_id=shop.anna
        )


async def where(shop: Any, deal_id: int) -> str:
    async with shop.begin() as session:
        return (await deal.get_deal(session, deal_id)).stage


async def status(shop: Any, order_id: int) -> str:
    async with shop.begin() as session:
        return (await get_order(session, order_id)).status


async def test_an_order_takes_its_deal_along_and_the_deal_its_order(shop: Any) -> None:
    made = await opened(shop, funnel_id=await repairs(shop))
    order = await ordered(shop, made)
    assert await where(shop, made) == "asked"  # no stage goes with a new order
    await becomes(shop, order, "confirmed", shop.call)
    assert await where(shop, made) == "agreed"
    await becomes(shop, order, "packed")
    assert await where(shop, made) == "agreed"
    await move(shop, made, stage="on_its_way")
    assert await status(shop, order) == "on_delivery"
    await move(shop, made, stage="asked")  # moves are free, and this stage goes with no status
    assert await status(shop, order) == "on_delivery"
    await becomes(shop, order, "done")
    async with shop.begin() as session:
        won = await deal.get_deal(session, made)
        assert (won.stage, won.closed_at is not None) == ("repaired", True)
        steps = await list_steps(session, made)
        assert [(it.from_stage, it.to_stage, it.user) for it in reversed(steps)] == [
            (None, "Asked", None), ("Asked", "Agreed", "Oleg Bondar"), ("Agreed", "On its way", "Anna Kowalska"),
            ("On its way", "Asked", "Anna Kowalska"), ("Asked", "Repaired", "Oleg Bondar"),
        ]  # fmt: skip
        assert steps[3].call_id == shop.call


async def test_a_comment_on_an_order_does_not_take_back_where_somebody_put_the_deal(shop: Any) -> None:
    made = await opened(shop)
    order = await ordered(shop, made)
    await move(shop, made, stage="offer")
    async with shop.begin() as session:
        await update_order(
            session, order, version=1, changes={"comment": "Ring twice"}, user_id=None, at=shop.noon
        )
    assert await where(shop, made) == "offer"


async def test_won_by_hand_every_order_under_way_is_done_and_those_called_off_stay(shop: Any) -> None:
    made = await opened(shop)
    first, second, off = [await ordered(shop, made) for _ in range(3)]
    await becomes(shop, off, "cancelled")
    await move(shop, made, stage="won")
    assert [await status(shop, it) for it in (first, second, off)] == ["done", "done", "cancelled"]
    assert await where(shop, made) == "won"


async def test_a_deal_is_not_lost_without_a_reason_unless_its_orders_say_it(shop: Any) -> None:
    made = await opened(shop)
    with pytest.raises(Invalid, match="why the deal is lost"):
        await move(shop, made, stage="lost")
    with pytest.raises(Invalid, match="Only a deal that is lost"):
        await move(shop, made, stage="offer", lost_reason_id=2)
    await move(shop, made, stage="lost", lost_reason_id=2)
    async with shop.begin() as session:
        (row,) = (await list_deals(session)).rows
        assert (row.lost_reason, row.open) == ("Too expensive", False)
    await becomes(shop, await ordered(shop, made), "cancelled")
    async with shop.begin() as session:
        (row,) = (await list_deals(session)).rows
        assert (row.stage, row.lost_reason) == ("lost", "The order was called off")


async def test_goods_that_are_gone_keep_the_deal_where_it_is(shop: Any) -> None:
    made = await opened(shop)
    order = await ordered(shop, made)
    await becomes(shop, order, "cancelled")
    async with shop.begin() as session:
        await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(product_id=shop.mug, quantity=14)],
            user_id=None, at=shop.noon,
        )  # fmt: skip
    with pytest.raises(Conflict):
        await move(shop, made, stage="won")
    assert (await where(shop, made), await status(shop, order)) == ("lost", "cancelled")


async def test_a_deal_that_stands_too_long_is_stuck_until_it_moves(shop: Any) -> None:
    made = await opened(shop, funnel_id=await repairs(shop))
    other = await opened(shop, amount="20.50")
    late = shop.noon + timedelta(days=2, minutes=1)
    async with shop.begin() as session:
        assert [row.id for row in (await list_deals(session, stuck=True, now=late)).rows] == [made]
        assert (await list_deals(session, stuck=True, now=shop.noon)).rows == []
        (sales,) = await sum_stages(session, funnel_id=funnel.SALES, now=late)
        assert (sales.stage, sales.deals, str(sales.amount)) == ("new", 1, "20.50")
        assert [row.id for row in (await list_deals(session, funnel_id=funnel.SALES)).rows] == [other]
    await move(shop, made, stage="agreed")
    async with shop.begin() as session:
        assert (await list_deals(session, stuck=True, now=late)).rows == []


async def test_a_deal_goes_over_into_another_funnel(shop: Any) -> None:
    repair = await repairs(shop)
    made = await opened(shop)
    await move(shop, made, funnel_id=repair)
    assert await where(shop, made) == "asked"
    with pytest.raises(Invalid, match="no stage"):
        await move(shop, made, stage="offer")


async def test_stages_are_renamed_and_ordered_but_not_taken_away_under_deals(shop: Any) -> None:
    repair = await repairs(shop)
    await opened(shop, funnel_id=repair)
    async with shop.begin() as session:
        stages = (await funnel.get_funnel(session, repair)).stages
        kept = [
            StageWanted(name=it.name, kind=it.kind, code=it.code, order_status=it.order_status)
            for it in stages
        ]
    asked, agreed, under_way, *over = kept

    async def change(*wanted: StageWanted) -> list[str]:
        async with shop.begin() as session:
            found = await funnel.get_funnel(session, repair)
            await funnel.update_funnel(session, repair, version=found.version, changes={"stages": wanted})
        async with shop.begin() as session:
            return [it.code for it in (await funnel.get_funnel(session, repair)).stages]

    with pytest.raises(Conflict, match="1 deals stand there"):
        await change(agreed, under_way, *over)
    with pytest.raises(Invalid, match="kind won"):
        await change(asked, over[1])
    exchanged = [
        StageWanted(name="Yes", code="agreed", order_status="on_delivery"),
        StageWanted(name="Out", code="on_its_way", order_status="confirmed"),
    ]
    assert await change(StageWanted(name="Agreed"), asked, *exchanged, *over) == [
        "agreed_2", "asked", "agreed", "on_its_way", "repaired", "given_up",
    ]  # fmt: skip
    assert "agreed" not in await change(asked, *over)


def test_every_status_of_an_order_has_its_place_in_a_funnel() -> None:
    stages = [
        FunnelStage(code=name, kind=kind, order_status=status)
        for name, kind, status in (("a", Kind.OPEN, None), ("b", Kind.OPEN, "confirmed"), ("c", Kind.WON, None),
                                   ("d", Kind.LOST, "returned"))
    ]  # fmt: skip
    way = [status for status in Status if is_open(status)]
    places = {status: stage_for(stages, status, way) for status in Status}
    assert {status: place and place.code for status, place in places.items()} == {
        **dict.fromkeys(way, "b"), "new": None, "done": "c", "cancelled": "d", "returned": "d",
    }  # fmt: skip


async def test_a_funnel_that_asks_for_a_conversation_closes_no_deal_without_one(shop: Any) -> None:
    """By hand, by its order's completion, opened closed; an answered call linked to deal or order is enough."""
    repairs_id = await repairs(shop)
    by_order = await opened(shop, funnel_id=repairs_id, responsible_id=shop.anna)
    plain = await opened(shop, funnel_id=repairs_id)
    order = await ordered(shop, by_order)
    await move(shop, plain, stage="repaired")  # off by default
    async with shop.begin() as session:
        made = await funnel.get_funnel(session, repairs_id)
        await funnel.update_funnel(session, repairs_id, version=made.version, changes={"needs_talk": True})
    many: dict[str, Any] = {"seen": {plain}, "by": By(shop.anna, shop.noon)}
    done = await change_many(shop.db, Deals(), [Chosen(plain)], {"stage": "asked"}, said="Stage", **many)
    assert (await undo(shop.db, Deals(), done.act_id, **many)).changed == 1  # back is back
    assert await where(shop, plain) == "repaired"
    await move(shop, plain, stage="asked")
    done = await change_many(shop.db, Deals(), [Chosen(plain)], {"stage": "repaired"}, said="Stage", **many)
    assert "Nobody has talked" in done.refused[0].why
    missed = await shop.ring(state="ended", result="no_answer")
    async with shop.begin() as session:
        await link(session, missed, deal_id=plain, rule="chosen", user_id=shop.anna)
    for wanted in ({"stage": "repaired"}, {"stage": "given_up", "lost_reason_id": 1}):
        with pytest.raises(Invalid, match="link the call"):
            await move(shop, plain, **wanted)
    with pytest.raises(Invalid, match="Nobody has talked"):
        await opened(shop, funnel_id=repairs_id, stage="repaired")
    await move(shop, plain, stage="agreed")  # open stages are free

    await becomes(shop, order, Status.DONE)
    async with shop.begin() as session:
        assert (await get_order(session, order)).status == Status.DONE  # the order goes its way
        assert (await deal.get_deal(session, by_order)).stage == "asked"
        told = (await session.execute(select(Notice.user_id, Notice.text, Notice.address))).all()
        assert told == [(shop.anna, told[0].text, f"/deals/{by_order}")]
        assert "is not Repaired yet though its order is" in told[0].text
        found = [(await list_deals(session, talk=it)).rows for it in ("none", "some")]
        assert ([it.id for it in found[0]], found[1]) == ([plain, by_order], [])

    talk = await shop.ring(state="ended", result="answered", answered_at=shop.noon)
    async with shop.begin() as session:
        await link(session, talk, order_id=order, rule="chosen", user_id=shop.anna)
    await move(shop, by_order, stage="repaired")
    async with shop.begin() as session:
        assert [it.id for it in (await list_deals(session, talk="some")).rows] == [by_order]
        live = await deal.get_deal(session, plain)
        by = {"version": live.version, "at": shop.noon, "call_id": talk}  # moved in the talk itself
        await deal.update_deal(session, plain, changes={"stage": "repaired"}, **by)
