"""An order taken on the telephone: what a call holds, what is sent twice, what was confirmed, what goes with what."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from crm_core.draft import empty_draft, load_draft, save_draft
from crm_core.errors import Conflict, Stale
from crm_core.goes_with import count_pairs, put_accessory, suggestions
from crm_core.hold import Wish, granted, standing, standings, wanted_in
from crm_core.order import ItemWanted, create_order, update_order
from crm_core.order_confirmation import confirm, load_confirmed
from crm_core.product import find_products, update_product
from crm_core.quote import quote
from crm_core.sent_key import done_for, remember


async def types(shop: Any, call: UUID, user: int, *items: tuple[int, int], version: int | None = None) -> int:
    body = {"items": [{"product_id": product, "quantity": pieces} for product, pieces in items]}
    async with shop.begin() as session:
        return await save_draft(session, call, user, body, at=shop.noon, version=version)


async def free(shop: Any, product: int, call: UUID | None, stock: int, *, later: float = 0) -> Any:
    async with shop.begin() as session:
        at = shop.noon + timedelta(minutes=later)
        return (await standings(session, {product: stock}, call_id=call, at=at))[product]


async def order(shop: Any, call: UUID | None, *items: tuple[int, int], **more: Any) -> Any:
    async with shop.begin() as session:
        return await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, at=shop.noon, call_id=call,
            items=[ItemWanted(product, pieces) for product, pieces in items], **more,
        )  # fmt: skip


async def test_the_last_piece_is_held_by_who_named_it_first_and_is_free_again_after_the_call(
    shop: Any,
) -> None:
    other = await shop.ring()
    await types(shop, shop.call, shop.anna, (shop.lamp, 1))
    await types(shop, other, shop.oleg, (shop.lamp, 1))
    here, there = await free(shop, shop.lamp, shop.call, 1), await free(shop, shop.lamp, other, 1)
    assert (here.free, here.ahead, here.behind) == (1, (), ("Oleg Bondar",))
    assert (there.free, there.ahead) == (0, ("Anna Kowalska",))
    with pytest.raises(Conflict, match="Anna Kowalska has the last of Lampa Żyrandol in a call"):
        await order(shop, other, (shop.lamp, 1))
    async with shop.begin() as session:
        said = await quote(
            session, shop_id=shop.shop, customer_id=shop.marta, items=[ItemWanted(shop.lamp, 1)], at=shop.noon,
            most_off=None, call_id=other,
        )  # fmt: skip
        assert (said.items[0].free, said.items[0].ahead) == (0, ("Anna Kowalska",))
        ended = text("UPDATE calls SET ended_at = :at WHERE id = :id")
        await session.execute(ended, {"at": shop.noon, "id": shop.call})
    assert (await free(shop, shop.lamp, other, 1, later=4)).free == 0
    assert (await free(shop, shop.lamp, other, 1, later=6)).free == 1  # nothing ran: the lease is over
    async with shop.begin() as session:
        back = text("UPDATE calls SET ended_at = NULL WHERE id = :id")
        await session.execute(back, {"id": shop.call})
    await order(shop, shop.call, (shop.lamp, 1))
    with pytest.raises(Conflict, match="There is none of Lampa"):
        await order(shop, other, (shop.lamp, 1))


async def test_fifty_drafts_name_the_last_piece_at_once_and_exactly_one_gets_it(shop: Any) -> None:
    calls = [await shop.ring() for _ in range(50)]
    await asyncio.gather(*(types(shop, call, shop.anna, (shop.lamp, 1), (shop.kettle, 1)) for call in calls))
    lamps = [(await free(shop, shop.lamp, call, 1)).free for call in calls]
    kettles = [(await free(shop, shop.kettle, call, 3)).free for call in calls]
    assert (sum(lamps), sum(kettles)) == (1, 3)
    results = await asyncio.gather(
        *(order(shop, call, (shop.lamp, 1)) for call in calls), return_exceptions=True
    )
    (winner,) = (call for call, it in zip(calls, results, strict=True) if not isinstance(it, BaseException))
    assert winner == calls[lamps.index(1)]
    assert all(isinstance(it, Conflict) for it in results if isinstance(it, BaseException))


async def test_of_two_tabs_the_older_text_overwrites_nothing_and_a_used_draft_stays_used(shop: Any) -> None:
    assert await types(shop, shop.call, shop.anna, (shop.mug, 1), version=0) == 1
    assert await types(shop, shop.call, shop.anna, (shop.mug, 2), version=1) == 2
    for old in (0, 1):
        with pytest.raises(Stale) as refused:
            await types(shop, shop.call, shop.anna, (shop.mug, 9), version=old)
        assert refused.value.version == 2
    async with shop.begin() as session:
        await empty_draft(session, shop.call, shop.anna, at=shop.noon)
    with pytest.raises(Stale):
        await types(shop, shop.call, shop.anna, (shop.mug, 2), version=2)
    async with shop.begin() as session:
        kept = await load_draft(session, shop.call, shop.anna)
        assert kept is not None and (kept.body, kept.version) == ({"items": []}, 3)


async def test_an_order_that_is_sent_ten_times_at_once_is_made_once(shop: Any) -> None:
    key = uuid4()

    async def send() -> int:
        async with shop.begin() as session:
            if (known := await done_for(session, "order", key)) is not None:
                return known
            made = await create_order(
                session, customer_id=shop.marta, shop_id=shop.shop, user_id=shop.anna, at=shop.noon,
                items=[ItemWanted(shop.mug, 1)],
            )  # fmt: skip
            await remember(session, key, made.id)
            return made.id

    assert len(set(await asyncio.gather(*(send() for _ in range(10))))) == 1
    async with shop.begin() as session:
        assert await session.scalar(text("SELECT count(*) FROM orders")) == 1


async def test_what_the_customer_confirmed_is_kept_and_says_when_it_holds_no_longer(shop: Any) -> None:
    made = await order(shop, shop.call, (shop.mug, 2))
    async with shop.begin() as session:
        await session.execute(
            text("UPDATE calls SET answered_at = :at"), {"at": shop.noon - timedelta(seconds=161)}
        )
    async with shop.begin() as session:
        own = {"user_id": shop.anna, "at": shop.noon}
        await confirm(session, made, call_id=shop.call, **own)
        await update_order(session, made.id, version=1, changes={"comment": "gate 14B"}, **own)
        kept = await load_confirmed(session, made.id)
        assert kept is not None
        assert (kept.by, kept.talk_s, str(kept.total), kept.holds) == ("Anna Kowalska", 161.0, "17.80", True)
        await update_order(session, made.id, version=2, changes={"items": [ItemWanted(shop.mug, 3)]}, **own)
        kept = await load_confirmed(session, made.id)
        assert kept is not None and not kept.holds


async def test_what_is_offered_is_what_somebody_chose_then_what_people_bought_together(shop: Any) -> None:
    for _ in range(2):
        await order(shop, None, (shop.mug, 1), (shop.kettle, 1))
    later = shop.noon + timedelta(hours=1)
    async with shop.begin() as session:
        assert not await count_pairs(session, at=later)
        assert not await count_pairs(session, at=later)  # each order counts once
        assert [(it.product.id, it.orders) for it in await suggestions(session, [shop.mug])] == [
            (shop.kettle, 2)
        ]
        await put_accessory(session, shop.mug, shop.lamp, "Shall it be bright?", user_id=shop.anna)
        both = await suggestions(session, [shop.mug])
        assert [(it.product.id, it.line) for it in both] == [
            (shop.lamp, "Shall it be bright?"),
            (shop.kettle, None),
        ]
        assert [it.product.id for it in await suggestions(session, [shop.mug, shop.kettle])] == [shop.lamp]


async def test_a_product_is_found_by_what_people_call_it(shop: Any) -> None:
    async with shop.begin() as session:
        given = {"aliases": ["Chandelier", "crystal thing"]}
        await update_product(session, shop.lamp, version=None, changes=given, user_id=None, at=shop.noon)
        for typed in ("chand", "crys th", "lp-01", "5901234123471", "zyran"):
            assert [it.id for it in await find_products(session, typed, shop.shop)] == [shop.lamp], typed


WISHES = st.lists(
    st.builds(Wish, st.sampled_from([uuid4() for _ in range(4)]), st.just("x"), st.integers(1, 9))
)


@given(stock=st.integers(-5, 20), queue=WISHES)
def test_no_more_is_given_than_there_is_and_who_came_first_is_served_first(
    stock: int, queue: list[Wish]
) -> None:
    given_ = granted(stock, queue)
    assert sum(given_) == min(max(0, stock), sum(wish.pieces for wish in queue))
    short = [place for place, wish in enumerate(queue) if given_[place] < wish.pieces]
    assert not any(given_[short[0] + 1 :] if short else ())
    for call in {wish.call_id for wish in queue}:
        own = sum(got for wish, got in zip(queue, given_, strict=True) if wish.call_id == call)
        assert standing(stock, queue, call).free >= own


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda it: st.lists(it) | st.dictionaries(
    st.sampled_from(["items", "product_id", "quantity", "x"]), it)))  # fmt: skip
def test_whatever_a_page_keeps_as_a_draft_holds_sensible_pieces(body: Any) -> None:
    wanted = wanted_in(body if isinstance(body, dict) else {"items": body}, most=99)
    assert all(key > 0 and 0 < pieces <= 99 for key, pieces in wanted.items())
