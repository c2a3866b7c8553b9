"""Promises are kept, withdrawn or broken; what is due is told once to whom it concerns."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from crm_core.callback import create_callback
from crm_core.errors import Conflict, Invalid
from crm_core.outbox import OutboxRow
from crm_core.promise import Promise, break_overdue, make_promise, settle_promise
from crm_core.reminder import remind_callbacks
from crm_core.team import save_team
from crm_core.user import User, create_user


async def promise(shop: Any, **fields: Any) -> Promise:
    known = {"words": "Send the invoice", "due_at": shop.noon + timedelta(hours=2), "made_by": shop.anna}
    async with shop.begin() as session:
        return await make_promise(session, customer_id=shop.marta, at=shop.noon, **{**known, **fields})


async def settled(shop: Any, made: Promise, state: str, *, minutes: int) -> Promise:
    async with shop.begin() as session:
        at = shop.noon + timedelta(minutes=minutes)
        return await settle_promise(session, made.id, state, version=made.version, user_id=shop.oleg, at=at)


async def told(shop: Any, topic: str) -> list[dict[str, Any]]:
    async with shop.begin() as session:
        return list(await session.scalars(select(OutboxRow.payload).where(OutboxRow.topic == topic)))


async def test_a_promise_is_kept_or_withdrawn_once(shop: Any) -> None:
    made = await promise(shop, call_id=shop.call)
    kept = await settled(shop, made, "kept", minutes=30)
    assert (kept.state, kept.closed_by) == ("kept", shop.oleg)
    with pytest.raises(Conflict):
        await settled(shop, kept, "withdrawn", minutes=31)
    assert (await settled(shop, await promise(shop), "withdrawn", minutes=5)).state == "withdrawn"


async def test_a_promise_that_is_late_is_broken_and_its_maker_and_a_supervisor_hear_of_it_once(
    shop: Any,
) -> None:
    async with shop.begin() as session:
        boss = await create_user(session, login="boss", name="Boss", role="supervisor")
    made = await promise(shop)
    for minutes, broken in ((119, 0), (120, 1), (121, 0)):
        async with shop.begin() as session:
            assert await break_overdue(session, now=shop.noon + timedelta(minutes=minutes)) == broken
    [notice] = await told(shop, "notice")
    assert sorted(notice["user_ids"]) == sorted([shop.anna, boss.id]) and "Send the invoice" in notice["text"]
    async with shop.begin() as session:
        made = await session.get_one(Promise, made.id)
    done = await settled(shop, made, "kept", minutes=200)
    assert (done.state, done.closed_at is not None) == ("broken", True)  # late is late


@pytest.mark.parametrize("fields", [{"words": "  "}, {"hours": -1}])
async def test_a_promise_of_nothing_or_about_the_past_is_none(shop: Any, fields: dict[str, Any]) -> None:
    if hours := fields.pop("hours", None):
        fields["due_at"] = shop.noon + timedelta(hours=hours)
    with pytest.raises(Invalid):
        await promise(shop, **fields)


async def test_what_is_due_is_brought_once_before_whom_it_is_for(shop: Any) -> None:
    async with shop.begin() as session:
        team = await save_team(session, None, "Returns")
        await session.execute(update(User).where(User.id == shop.oleg).values(team_id=team.id))
        for number, whom in (
            ("601000001", {"assigned_to": shop.anna}),
            ("601000002", {"team_id": team.id}),
            ("601000003", {}),
        ):
            await create_callback(
                session, number=number, country="PL", due_at=shop.noon, reason="Refund", **whom
            )
    for found in (3, 0):
        async with shop.begin() as session:
            assert await remind_callbacks(session, now=shop.noon) == found
    reminders = await told(shop, "reminder")
    assert [(it["user_ids"], it["callback"]["number"]) for it in reminders] == [
        ([shop.anna], "+48601000001"),
        ([shop.oleg], "+48601000002"),
    ]
