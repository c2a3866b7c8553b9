"""Votes of customers as people read them: a list, and what each operator's come to."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Numeric, cast, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.order import Order
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.user import User
from crm_core.vote import CallVote


@dataclass(frozen=True, kw_only=True)
class VoteRow:
    """One vote. `order_id`, `order`: an order that the call was about."""

    call_id: UUID
    stars: int
    way: str
    comment: str
    voted_at: datetime
    operator_id: int | None
    operator: str | None
    caller: str | None
    order_id: int | None
    order: str | None


@dataclass(frozen=True, kw_only=True)
class VotesOf:
    """What the votes on one operator's calls come to: how many, the mean, how many of 1 and 2."""

    operator_id: int | None
    name: str | None
    votes: int
    mean: Decimal
    low: int


def _those(
    whose: Collection[int] | None,
    *,
    operator_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    low: bool = False,
) -> ColumnElement[bool]:
    wanted: ColumnElement[bool] = true() if whose is None else CallVote.operator_id.in_(whose)
    if operator_id is not None:
        wanted &= CallVote.operator_id == operator_id
    if since is not None:
        wanted &= CallVote.voted_at >= since
    if until is not None:
        wanted &= CallVote.voted_at < until
    return wanted & (CallVote.stars <= 2) if low else wanted


async def list_votes(
    session: AsyncSession,
    *,
    whose: Collection[int] | None,
    after: str | None = None,
    limit: int = 50,
    **filters: Any,
) -> Page[VoteRow]:
    """Votes on the calls of these operators (None: everybody's), the newest first; `low`: those of 1 and 2 alone."""
    linked = (
        select(Order.id, Order.number)
        .join(CallLink, CallLink.order_id == Order.id)
        .where(CallLink.call_id == CallVote.call_id, CallLink.removed_at.is_(None))
        .order_by(CallLink.id)
        .limit(1)
        .lateral("about")
    )
    names = ("call_id", "stars", "way", "comment", "voted_at", "operator_id")
    query = (
        select(
            *(getattr(CallVote, name) for name in names),
            User.name.label("operator"),
            func.coalesce(Call.remote_name, Call.remote_e164, Call.remote_raw).label("caller"),
            linked.c.id.label("order_id"),
            linked.c.number.label("order"),
        )
        .join(Call, Call.id == CallVote.call_id)
        .outerjoin(User, User.id == CallVote.operator_id)
        .outerjoin(linked, true())
        .where(_those(whose, **filters))
    )
    sorts = (
        Sort(CallVote.voted_at, "voted_at", page.instant, down=True),
        Sort(CallVote.call_id, "call_id", UUID, down=True),
    )
    return await page.load(session, query, sorts, VoteRow, after=after, limit=limit)


async def load_votes_of(
    session: AsyncSession, *, whose: Collection[int] | None, **filters: Any
) -> list[VotesOf]:
    """What the votes on each operator's calls come to, by name."""
    query = (
        select(
            CallVote.operator_id,
            User.name,
            func.count().label("votes"),
            cast(func.avg(CallVote.stars), Numeric(3, 1)).label("mean"),
            func.count().filter(CallVote.stars <= 2).label("low"),
        )
        .outerjoin(User, User.id == CallVote.operator_id)
        .where(_those(whose, **filters))
        .group_by(CallVote.operator_id, User.name)
        .order_by(User.name.nulls_last())
    )
    return [VotesOf(**dict(row._mapping)) for row in await session.execute(query)]


async def load_vote(session: AsyncSession, call_id: UUID) -> CallVote | None:
    """The vote on this call."""
    return await session.get(CallVote, call_id)
