"""A call goes on to the next operator, and what was being done goes along."""

from typing import Any

import pytest
from sqlalchemy import select

from crm_core import baton, focus
from crm_core.call import save_note
from crm_core.card import load_card
from crm_core.draft import CallDraft, save_draft
from crm_core.errors import Conflict
from crm_core.order import ItemWanted, create_order

MUGS = {
    "items": [
        {"product_id": 1, "name": "Mug", "quantity": 2},
        {"product_id": 2, "name": "Pot", "quantity": 1},
    ]
}


async def card(shop: Any, session: Any) -> dict[str, Any]:
    return await load_card(session, e164=None, customer_id=shop.marta, call_id=shop.call, now=shop.noon)


async def test_draft_open_order_and_a_line_go_along_and_what_was_on_its_way_follows(shop: Any) -> None:
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon,
        )  # fmt: skip
        await save_draft(session, shop.call, shop.anna, MUGS, at=shop.noon)
        await save_draft(session, shop.call, shop.oleg, {"items": []}, at=shop.noon)  # an order he has placed
        await focus.set_focus(session, shop.call, shop.anna, order_id=order.id, at=shop.noon)
        await save_note(session, shop.call, "asks about handles", version=0, user_id=shop.anna, at=shop.noon)
        await baton.offer(session, shop.call, shop.anna, said="wants the blue one", at=shop.noon)
        await baton.offer(session, shop.call, shop.anna, at=shop.noon)  # the switchboard's own word for it
        offered = (await card(shop, session))["baton"]
        assert (offered["taker"], offered["said"]) == (None, "wants the blue one")
        assert offered["doing"] == {
            "pieces": 3, "opened": {"kind": "order", "id": order.id, "label": order.number}, "noted": True,
        }  # fmt: skip
    async with shop.begin() as session:
        took: Any = {"giver": shop.anna, "taker": shop.oleg, "at": shop.noon}
        assert await baton.take(session, shop.call, **took)
        assert not await baton.take(session, shop.call, **took)  # told again after a restart
    async with shop.begin() as session:
        seen = await card(shop, session)
        assert (seen["baton"]["taker"]["id"], seen["draft"]["user_id"]) == (shop.oleg, shop.oleg)
        assert seen["draft"]["items"] == MUGS["items"]
        assert [(look["user_id"], look["object_id"]) for look in seen["focus"]] == [(shop.oleg, order.id)]
        assert await baton.draft_keeper(session, shop.call, shop.anna) == shop.oleg  # her last letters
        assert await baton.draft_keeper(session, shop.call, shop.oleg) == shop.oleg
        await save_draft(session, shop.call, shop.oleg, {"items": [{"quantity": 9}]}, at=shop.noon)
        with pytest.raises(Conflict, match="has this call now"):
            await baton.draft_keeper(session, shop.call, shop.anna)
        assert await baton.take(session, shop.call, giver=shop.oleg, taker=shop.anna, at=shop.noon)
        assert await baton.draft_keeper(session, shop.call, shop.anna) == shop.anna  # and back again


async def test_whoever_picks_up_goes_on_with_what_a_colleague_began_while_it_rang(shop: Any) -> None:
    async with shop.begin() as session:
        assert not await baton.take(session, shop.call, giver=None, taker=shop.oleg, at=shop.noon)
        await save_draft(session, shop.call, shop.anna, MUGS, at=shop.noon)
        assert await baton.take(session, shop.call, giver=None, taker=shop.oleg, at=shop.noon)
        drafts = (await session.scalars(select(CallDraft))).all()
        assert [(draft.user_id, draft.body) for draft in drafts] == [(shop.oleg, MUGS)]
        assert (await card(shop, session))["baton"]["giver"]["id"] == shop.anna


async def test_whoever_keeps_the_call_after_asking_leaves_no_line_behind(shop: Any) -> None:
    async with shop.begin() as session:
        await baton.offer(session, shop.call, shop.anna, said="ask for a refund", at=shop.noon)
        await baton.withdraw(session, shop.call, shop.anna)
        assert (await card(shop, session))["baton"] is None
