"""Promises to call."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from crm_core.callback import Callback, close_reached, create_callback, ensure_callback, update_callback
from crm_core.errors import Invalid, NotFound

STRANGER = "+48999888777"


async def promise(shop: Any, *, minutes: int, **fields: Any) -> int:
    due_at = shop.noon + timedelta(minutes=minutes)
    known = {"number": STRANGER, "country": "PL", "reason": "Refund", "due_at": due_at, **fields}
    async with shop.begin() as session:
        return (await create_callback(session, **known)).id


async def test_a_missed_caller_waits_for_one_callback_however_often_they_tried(shop: Any) -> None:
    async with shop.begin() as session:
        wanted = {"country": "PL", "due_at": shop.noon, "reason": "Missed call"}
        assert await ensure_callback(session, number=STRANGER, **wanted) is not None
        assert await ensure_callback(session, number="0048 999 888 777", **wanted) is None
        first = await ensure_callback(session, number="601220114", customer_id=shop.marta, **wanted)
        other_phone = await ensure_callback(
            session, number="+4915112345678", customer_id=shop.marta, **wanted
        )
        assert first is not None and other_phone is None


async def test_reaching_somebody_closes_what_was_missed_and_what_is_due_but_not_a_later_promise(
    shop: Any,
) -> None:
    missed = await promise(shop, minutes=60)
    due = await promise(shop, minutes=10, created_by=shop.anna)
    tomorrow = await promise(shop, minutes=1440, created_by=shop.anna)
    async with shop.begin() as session:
        closed = await close_reached(
            session, e164=STRANGER, customer_id=None, call_id=shop.call, at=shop.noon
        )
        assert sorted(closed) == [missed, due]
        states = dict((await session.execute(select(Callback.id, Callback.state))).all())
        assert states == {missed: "done", due: "done", tomorrow: "open"}


async def test_the_call_in_which_a_promise_was_made_does_not_keep_it(shop: Any) -> None:
    await promise(shop, minutes=5, source_call_id=shop.call, created_by=shop.anna)
    async with shop.begin() as session:
        reached = {"e164": STRANGER, "customer_id": None, "call_id": shop.call, "at": shop.noon}
        assert await close_reached(session, **reached) == []
        assert await close_reached(session, **{**reached, "e164": None}) == []


async def test_a_callback_is_moved_reassigned_finished_and_opened_again(shop: Any) -> None:
    made = await promise(shop, minutes=5)
    async with shop.begin() as session:
        later = shop.noon + timedelta(days=1)
        it = await update_callback(session, made, {"due_at": later, "assigned_to": shop.oleg}, at=shop.noon)
        assert (it.due_at, it.assigned_to, it.done_at) == (later, shop.oleg, None)
        assert (await update_callback(session, made, {"state": "done"}, at=shop.noon)).done_at == shop.noon
        assert (await update_callback(session, made, {"state": "open"}, at=shop.noon)).done_at is None


@pytest.mark.parametrize(
    "fields",
    [{"number": "anonymous"}, {"reason": " "}, {"due_at": datetime(2026, 1, 1)}],
)
async def test_a_promise_that_can_not_be_kept_is_refused(shop: Any, fields: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        await promise(shop, minutes=5, **fields)


async def test_what_is_not_there_is_said_so(shop: Any) -> None:
    async with shop.begin() as session:
        with pytest.raises(NotFound):
            await update_callback(session, 999, {"state": "done"}, at=shop.noon)
