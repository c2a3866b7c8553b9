"""Statuses of one's own, for the tests of what follows from them."""

from dataclasses import replace
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.status_list import OrderStatus, StatusWanted, list_statuses, save_statuses


async def wanted_now(session: AsyncSession) -> list[StatusWanted]:
    """The statuses as they are, to be saved again."""
    fields = ("code", "name", "tone", "shape", "active", "late_days")
    return [
        StatusWanted(**{name: getattr(it, name) for name in fields}) for it in await list_statuses(session)
    ]


async def add_statuses(session: AsyncSession, *new: tuple[str, str], **fields: Any) -> list[OrderStatus]:
    """Make more of them: (group, name)."""
    there = await list_statuses(session)
    more = [StatusWanted(group=group, name=name, **fields) for group, name in new]
    wanted = [*await wanted_now(session), *more]
    return await save_statuses(session, wanted, version=max(it.version for it in there))


async def change_status(session: AsyncSession, code: str, **fields: Any) -> list[OrderStatus]:
    """Let one status be otherwise; `name` "" takes it away."""
    there = await list_statuses(session)
    wanted = [replace(it, **fields) if it.code == code else it for it in await wanted_now(session)]
    kept = [it for it in wanted if it.name]
    return await save_statuses(session, kept, version=max(it.version for it in there))
