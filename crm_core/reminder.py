"""Reminders: what is to be remembered at an instant is told then, once, whichever process looks first."""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from typing import Never

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Database
from crm_core.outage import is_outage
from crm_core.task import notify_performers
from crm_core.task_rows import State, Task

log = logging.getLogger(__name__)

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


async def keep_reminding(database: Database, now: Callable[[], datetime]) -> Never:
    """For ever. While the database is away reminders wait in it."""
    while True:
        try:
            async with database.begin() as session:
                await remind(session, now=now())
        except (SQLAlchemyError, OSError) as error:
            if not is_outage(error):
                raise
            log.warning("the database is away, reminders wait: %s", type(error).__name__)
        await asyncio.sleep(LOOK_EVERY_S)
