"""The call as a row: written again and again, never undone, merged when two were one."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from crm_core import call_link, draft, pop
from crm_core.call import (
    Call,
    get_call,
    legs_of,
    resolve,
    save_note,
    set_customer,
    set_disposition,
    took_part,
)
from crm_core.call_record import CallFacts, LegFacts, merge_calls, open_calls, put_call
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.order import ItemWanted, create_order
from crm_core.recording import Recording


def story(shop: Any, call_id: UUID) -> list[CallFacts]:
    """An inbound call from the first ring to the end, as the tracker tells it."""
    leg = LegFacts(uniqueid="1.1", extension="1001", user_id=shop.anna, rang_at=shop.noon)
    ringing = CallFacts(
        id=call_id, pbx="main", linkedid="1.0", linkedids=["1.0"], direction="inbound", state="ringing",
        started_at=shop.noon, rang_at=shop.noon, legs=[leg], tracker_state={"n": 1}, line_id=shop.line,
    )  # fmt: skip
    answered_at = shop.noon + timedelta(seconds=8)
    talking = replace(
        ringing, state="talking", answered_at=answered_at, operator_id=shop.anna, operators=["1001"],
        legs=[replace(leg, answered_at=answered_at)],
    )  # fmt: skip
    over = answered_at + timedelta(seconds=61.5)
    ended = replace(
        talking, state="ended", ended_at=over, talk_s=61.5, wait_s=8.0, result="answered", ended_by="remote",
        complete=True, tracker_state=None, recordings=["a.wav"],
        legs=[replace(leg, answered_at=answered_at, ended_at=over, result="answered")],
    )  # fmt: skip
    return [ringing, talking, ended]


async def put(shop: Any, *facts: CallFacts) -> None:
    for it in facts:
        async with shop.begin() as session:
            await put_call(session, it, at=shop.noon)


async def kept(shop: Any, call_id: UUID) -> Call:
    async with shop.begin() as session:
        return await get_call(session, call_id)


async def test_an_open_call_can_be_restored_and_a_closed_one_needs_nothing(shop: Any) -> None:
    ringing, talking, ended = story(shop, uuid4())
    await put(shop, ringing, talking)
    async with shop.begin() as session:
        assert {it.id for it in await open_calls(session, "main")} == {shop.call, ringing.id}
    assert (await kept(shop, ringing.id)).tracker_state == {"n": 1}
    await put(shop, ended)
    call = await kept(shop, ringing.id)
    assert (call.state, call.result, call.talk_s, call.tracker_state) == ("ended", "answered", 61.5, None)
    async with shop.begin() as session:
        assert [it.id for it in await open_calls(session, "main")] == [shop.call]
        legs = await legs_of(session, ringing.id)
        assert [(it.extension, it.result) for it in legs] == [("1001", "answered")]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(order=st.lists(st.integers(0, 2), min_size=1, max_size=6))
async def test_repeated_and_late_facts_change_nothing_once_a_call_is_over(
    shop: Any, order: list[int]
) -> None:
    facts = story(shop, uuid4())
    facts = [replace(it, linkedid=str(it.id)) for it in facts]
    await put(shop, *facts, *(facts[step] for step in order))
    call = await kept(shop, facts[0].id)
    assert (call.state, call.result, call.ended_at, call.answered_at) == (
        "ended", "answered", facts[2].ended_at, facts[1].answered_at,
    )  # fmt: skip
    async with shop.begin() as session:
        assert len(await legs_of(session, call.id)) == 1


async def test_an_orphan_leg_never_makes_an_answered_call_a_missed_one(shop: Any) -> None:
    *_, ended = story(shop, uuid4())
    await put(shop, ended, replace(ended, result="no_answer", ended_at=ended.ended_at + timedelta(seconds=3)))
    assert (await kept(shop, ended.id)).result == "answered"


async def test_what_people_wrote_survives_what_the_switchboard_says(shop: Any) -> None:
    ringing, talking, ended = story(shop, uuid4())
    await put(shop, ringing)
    async with shop.begin() as session:
        await save_note(session, ringing.id, "wants mugs", version=0, user_id=shop.anna, at=shop.noon)
        await set_customer(session, ringing.id, shop.marta, rule="chosen", user_id=shop.anna, at=shop.noon)
        await set_disposition(session, ringing.id, "order_placed", user_id=shop.anna, at=shop.noon)
    await put(shop, talking, replace(ended, customer_id=None))
    call = await kept(shop, ringing.id)
    assert (call.note, call.customer_id, call.customer_rule, call.disposition) == (
        "wants mugs", shop.marta, "chosen", "order_placed",
    )  # fmt: skip


async def test_a_note_typed_in_two_places_is_not_lost(shop: Any) -> None:
    async with shop.begin() as session:
        first = await save_note(session, shop.call, "a", version=0, user_id=shop.anna, at=shop.noon)
        assert first.note_version == 1
        again = await save_note(session, shop.call, "a", version=0, user_id=shop.anna, at=shop.noon)
        assert again.note_version == 1
        with pytest.raises(Conflict):
            await save_note(session, shop.call, "b", version=0, user_id=shop.oleg, at=shop.noon)


async def test_an_outcome_comes_from_the_list(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(Invalid, match="no outcome"):
            await set_disposition(session, shop.call, "great", user_id=shop.anna, at=shop.noon)


async def test_only_those_whose_phone_rang_took_part(shop: Any) -> None:
    ringing, *_ = story(shop, uuid4())
    await put(shop, ringing)
    async with shop.begin() as session:
        assert await took_part(session, ringing.id, shop.anna)
        assert not await took_part(session, ringing.id, shop.oleg)


async def test_two_calls_that_were_one_keep_everything_under_both_ids(shop: Any) -> None:
    ringing, *_ = story(shop, uuid4())
    other = replace(ringing, id=uuid4(), linkedid="2.0", linkedids=["2.0"], recordings=["b.wav"])
    other = replace(other, legs=[*other.legs, replace(other.legs[0], uniqueid="2.1", extension="1002")])
    await put(shop, ringing, other)
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon, call_id=other.id,
        )  # fmt: skip
        await call_link.link(session, ringing.id, order_id=order.id, rule="asked", user_id=None)
        await save_note(session, ringing.id, "one", version=0, user_id=shop.anna, at=shop.noon)
        await save_note(session, other.id, "two", version=0, user_id=shop.oleg, at=shop.noon)
        await draft.save_draft(session, other.id, shop.oleg, {"items": [1]}, at=shop.noon)
        await pop.log_pop(
            session, other.id, shop.oleg, extension="1002", rang_at=shop.noon, sent_at=shop.noon
        )
        session.add(Recording(call_id=other.id, pbx="pbx", path="b.wav", side="mix", state="ready"))
    for _ in range(2):
        async with shop.begin() as session:
            await merge_calls(session, ringing.id, other.id)
    async with shop.begin() as session:
        assert await resolve(session, other.id) == ringing.id
        call = await get_call(session, other.id)
        assert (call.id, call.note, call.linkedids, call.recordings) == (
            ringing.id, "one\ntwo", ["1.0", "2.0"], ["b.wav"],
        )  # fmt: skip
        assert [it.extension for it in await legs_of(session, call.id)] == ["1001", "1002"]
        assert [it.order_id for it in await call_link.links_of(session, call.id)] == [order.id]
        for table in ("call_drafts", "pop_log", "recordings"):
            assert await session.scalar(text(f"SELECT call_id FROM {table}")) == ringing.id
        assert await session.scalar(text("SELECT created_in_call_id FROM orders")) == ringing.id
    async with shop.begin() as session:
        assert await put_call(session, other, at=shop.noon) == ringing.id
        assert await session.scalar(select(Call.id).where(Call.id == other.id)) is None


async def test_a_call_is_not_merged_into_one_that_was_never_written(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(NotFound):
            await merge_calls(session, uuid4(), shop.call)


async def test_linking_an_order_links_its_deal_and_a_removed_link_stays_as_history(shop: Any) -> None:
    from crm_core.deal import create_deal

    async with shop.begin() as session:
        deal = await create_deal(session, title="T", customer_id=shop.marta, currency="EUR", at=shop.noon)
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon, deal_id=deal.id,
        )  # fmt: skip
        made = await call_link.link(session, shop.call, order_id=order.id, rule="only_open", user_id=None)
        links = await call_link.links_of(session, shop.call)
        assert [(it.order_id, it.deal_id, it.rule) for it in links] == [
            (order.id, None, "only_open"), (None, deal.id, "deal_of_order"),
        ]  # fmt: skip
        await call_link.unlink(session, shop.call, made.id, user_id=shop.anna, at=shop.noon)
        with pytest.raises(NotFound):
            await call_link.unlink(session, shop.call, made.id, user_id=shop.anna, at=shop.noon)
        again = await call_link.link(session, shop.call, order_id=order.id, rule="chosen", user_id=shop.anna)
        assert again.id != made.id
        with pytest.raises(NotFound):
            await call_link.link(session, shop.call, order_id=999_999, rule="x", user_id=None)
        with pytest.raises(Invalid):
            await call_link.link(session, shop.call, rule="x", user_id=None)


async def test_two_who_link_the_same_order_at_once_make_one_link(shop: Any) -> None:
    async with shop.begin() as session:
        order = await create_order(
            session, customer_id=shop.marta, shop_id=shop.shop, items=[ItemWanted(shop.mug, 1)],
            user_id=shop.anna, at=shop.noon,
        )  # fmt: skip

    async def link(role: str) -> None:
        async with shop.begin() as session:
            await call_link.link(session, shop.call, order_id=order.id, role=role, rule=role, user_id=None)

    await asyncio.gather(*(link(role) for role in ("discussed", "changed", "discussed", "changed")))
    async with shop.begin() as session:
        assert [it.role for it in await call_link.links_of(session, shop.call)] == ["changed"]


async def test_a_draft_moves_with_a_transferred_call(shop: Any) -> None:
    async with shop.begin() as session:
        assert await draft.save_draft(session, shop.call, shop.anna, {"items": []}, at=shop.noon) == 1
        assert await draft.save_draft(session, shop.call, shop.anna, {"items": [7]}, at=shop.noon) == 2
        assert await draft.hand_over(session, shop.call, giver=shop.anna, taker=shop.oleg, at=shop.noon)
        assert not await draft.hand_over(session, shop.call, giver=shop.anna, taker=shop.oleg, at=shop.noon)
        found = await session.get(draft.CallDraft, (shop.call, shop.oleg))
        assert found is not None and (found.body, found.version) == ({"items": [7]}, 3)


async def test_a_pop_is_shown_once(shop: Any) -> None:
    async with shop.begin() as session:
        entry = await pop.log_pop(
            session, shop.call, shop.anna, extension="1001", rang_at=shop.noon, sent_at=shop.noon
        )
        for seconds in (1, 9):
            await pop.log_shown(session, shop.call, shop.anna, at=shop.noon + timedelta(seconds=seconds))
        found = await session.get(pop.Pop, entry, populate_existing=True)
        assert found is not None and found.shown_at == shop.noon + timedelta(seconds=1)
