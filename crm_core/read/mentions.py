"""The notes that name a colleague, as a list of his."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.customer import Customer, CustomerNote
from crm_core.mention import NoteMention
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.user import User


@dataclass(frozen=True, kw_only=True)
class ForMe:
    """A note that names the reader."""

    id: int
    text: str
    author: str | None
    customer_id: int
    customer: str
    created_at: datetime
    read_at: datetime | None


async def list_mentions(
    session: AsyncSession, user_id: int, *, unread: bool = False, after: str | None = None, limit: int = 50
) -> Page[ForMe]:
    """The notes that name this user, the newest first."""
    author = aliased(User)
    query = (
        select(
            NoteMention.id,
            CustomerNote.text,
            author.name.label("author"),
            Customer.id.label("customer_id"),
            Customer.name.label("customer"),
            CustomerNote.created_at,
            NoteMention.read_at,
        )
        .join(CustomerNote, CustomerNote.id == NoteMention.note_id)
        .join(Customer, Customer.id == CustomerNote.customer_id)
        .outerjoin(author, author.id == CustomerNote.user_id)
        .where(NoteMention.user_id == user_id)
    )
    if unread:
        query = query.where(NoteMention.read_at.is_(None))
    sorts = (Sort(NoteMention.id, "id", page.number, down=True),)
    return await page.load(session, cast(Select[Any], query), sorts, ForMe, after=after, limit=limit)


async def count_unread(session: AsyncSession, user_id: int) -> int:
    """How many notes this user has not read yet."""
    unread = NoteMention.user_id == user_id, NoteMention.read_at.is_(None)
    return await session.scalar(select(func.count()).where(*unread)) or 0
