"""What was told to a colleague, as a list of his."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.notice import Notice
from crm_core.read import page
from crm_core.read.page import Page, Sort


@dataclass(frozen=True, kw_only=True)
class Told:
    """One notice; `address` is the page it is about."""

    id: int
    text: str
    address: str | None
    level: str
    created_at: datetime
    read_at: datetime | None


async def list_notices(
    session: AsyncSession, user_id: int, *, unread: bool = False, after: str | None = None, limit: int = 50
) -> Page[Told]:
    """What this user was told, the newest first."""
    query = select(*(getattr(Notice, name) for name in Told.__annotations__)).where(Notice.user_id == user_id)
    if unread:
        query = query.where(Notice.read_at.is_(None))
    sorts = (Sort(Notice.id, "id", page.number, down=True),)
    return await page.load(session, cast(Select[Any], query), sorts, Told, after=after, limit=limit)
