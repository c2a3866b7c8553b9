"""Reminders: what is to be remembered at an instant is told then, once, whichever process looks first."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Never

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.callback import Callback
from crm_core.callback import State as CallbackState
from crm_core.customer import Customer
from crm_core.db import Database
from crm_core.outage import is_outage
from crm_core.outbox import announce
from crm_core.phone import display
from crm_core.promise import break_overdue
from crm_core.task import notify_performers
from crm_core.task_rows import State, Task
from crm_core.user import User

log = logging.getLogger(__name__)

TOPIC = "reminder"
LOOK_EVERY_S = 5.0
AT_ONCE = 100


async def remind(session: AsyncSession, *, now: datetime) -> int:
    """Tell the performers of every open task whose reminder has come; how many there were."""
    due = (
        select(Task)
        .where(Task.state == State.OPEN, Task.reminded_at.is_(None), Task.remind_at <= now)
        .order_by(Task.remind_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = (await session.scalars(due)).all()
    for task in found:
        task.reminded_at = now
        await notify_performers(session, task, f"Remember: {task.title}", besides=None, level="warning")
    return len(found)


async def remind_callbacks(session: AsyncSession, *, now: datetime) -> int:
    """Bring every callback that is due before whoever it is for, him or his team; how many there were.

    One that anyone may take stands in everybody's list and disturbs nobody.
    """
    due = (
        select(Callback)
        .where(Callback.state == CallbackState.OPEN, Callback.reminded_at.is_(None), Callback.due_at <= now)
        .order_by(Callback.due_at)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    found = (await session.scalars(due)).all()
    for it in found:
        it.reminded_at = now
        await session.flush()
        team = select(User.id).where(User.team_id == it.team_id, User.active)
        whose = (
            {it.assigned_to} if it.assigned_to else set(await session.scalars(team)) if it.team_id else set()
        )
        if whose:
            who = await session.scalar(select(Customer.name).where(Customer.id == it.customer_id))
            told = {
                "id": it.id,
                "customer_id": it.customer_id,
                "customer_name": who,
                "number": it.number,
                "display": display(it.number),
                "order_id": it.order_id,
                "deal_id": it.deal_id,
                "reason": it.reason,
                "note": it.note,
                "due_at": it.due_at.isoformat(),
                "attempts": it.attempts,
                "missed": it.missed,
            }
            await announce(session, TOPIC, {"user_ids": sorted(whose), "callback": told})
    return len(found)


async def keep_reminding(database: Database, now: Callable[[], datetime]) -> Never:
    """For ever. While the database is away reminders wait in it."""
    while True:
        try:
            async with database.begin() as session:
                await remind(session, now=now())
            async with database.begin() as session:
                await remind_callbacks(session, now=now())
                await break_overdue(session, now=now())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, reminders wait: %s", type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)
