"""What was open in the card of a call, and when."""

from datetime import timedelta
from typing import Any

import pytest

from crm_core.call_record import merge_calls
from crm_core.card import load_card
from crm_core.deal import create_deal
from crm_core.errors import Invalid, NotFound
from crm_core.focus import looks_of, set_focus
from crm_core.order import ItemWanted, create_order


async def things(shop: Any) -> tuple[int, int]:
    """An order and a deal of Marta's."""
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=None, at=shop.noon,
        )  # fmt: skip
        deal = await create_deal(
            session, title="Kitchen", customer_id=shop.marta, currency="EUR", at=shop.noon
        )
        return order.id, deal.id


def later(shop: Any, seconds: float) -> Any:
    return shop.noon + timedelta(seconds=seconds)


async def test_one_thing_is_open_at_a_time_and_every_look_is_kept(shop: Any) -> None:
    order, deal = await things(shop)
    async with shop.begin() as session:
        await set_focus(session, shop.call, shop.anna, order_id=order, at=later(shop, 1))
        await set_focus(session, shop.call, shop.anna, order_id=order, at=later(shop, 2))
        await set_focus(session, shop.call, shop.anna, deal_id=deal, at=later(shop, 5))
        assert await set_focus(session, shop.call, shop.anna, at=later(shop, 9)) is None
        looks = await looks_of(session, shop.call)
        seen = [(it.order_id, it.deal_id, it.opened_at, it.closed_at) for it in looks]
    assert seen == [
        (order, None, later(shop, 1), later(shop, 5)),
        (None, deal, later(shop, 5), later(shop, 9)),
    ]


async def test_the_card_says_what_each_operator_has_open(shop: Any) -> None:
    order, deal = await things(shop)
    async with shop.begin() as session:
        await set_focus(session, shop.call, shop.anna, order_id=order, at=shop.noon)
        await set_focus(session, shop.call, shop.oleg, deal_id=deal, at=shop.noon)
        card = await load_card(session, e164=None, customer_id=None, call_id=shop.call, now=shop.noon)
    assert card["focus"] == [
        {"user_id": shop.anna, "kind": "order", "object_id": order},
        {"user_id": shop.oleg, "kind": "deal", "object_id": deal},
    ]


async def test_what_is_not_there_can_not_be_open(shop: Any) -> None:
    order, deal = await things(shop)
    for wrong, error in (
        ({"order_id": 99}, NotFound),
        ({"deal_id": 99}, NotFound),
        ({"order_id": order, "deal_id": deal}, Invalid),
    ):
        with pytest.raises(error):
            async with shop.begin() as session:
                await set_focus(session, shop.call, shop.anna, at=shop.noon, **wrong)
    async with shop.begin() as session:
        assert await looks_of(session, shop.call) == []


async def test_two_calls_that_are_one_keep_what_was_open_last(shop: Any) -> None:
    order, deal = await things(shop)
    second = await shop.ring()
    async with shop.begin() as session:
        await set_focus(session, shop.call, shop.anna, order_id=order, at=later(shop, 1))
        await set_focus(session, second, shop.anna, deal_id=deal, at=later(shop, 4))
        await merge_calls(session, shop.call, second)
    async with shop.begin() as session:
        looks = await looks_of(session, shop.call)
        still = [it for it in looks if it.closed_at is None]
    assert (len(looks), len(still)) == (2, 1)
