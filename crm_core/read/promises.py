"""Promises as a list, and how many of theirs operators kept."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer
from crm_core.errors import Invalid, NotFound
from crm_core.order import Order
from crm_core.promise import Promise, State
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.user import User

SORTS = (Sort(Promise.due_at, "due_at", page.instant), Sort(Promise.id, "id", page.number))
CLOSED_SORTS = (
    Sort(Promise.due_at, "due_at", page.instant, down=True),
    Sort(Promise.id, "id", page.number, down=True),
)
WHICH = ("open", "broken", "closed")


@dataclass(frozen=True, kw_only=True)
class PromiseRow:
    """What was promised to whom, by whom, until when, and what became of it."""

    id: int
    text: str
    due_at: datetime
    state: str
    customer_id: int
    customer: str
    order_id: int | None
    order_number: str | None
    call_id: UUID | None
    made_by: int | None
    maker: str | None
    broken_at: datetime | None
    closed_at: datetime | None
    created_at: datetime
    version: int


@dataclass(frozen=True, kw_only=True)
class Share:
    """How an operator kept what he promised; withdrawn promises do not count."""

    user_id: int
    name: str
    kept: int
    broken: int
    waiting: int

    @property
    def share(self) -> float | None:
        """Kept of all that are decided, 0 to 1; None while none is."""
        decided = self.kept + self.broken
        return self.kept / decided if decided else None


def _rows() -> Select[Any]:
    return (
        select(
            *(column for column in Promise.__table__.c if column.name in PromiseRow.__annotations__),
            Customer.name.label("customer"),
            Order.number.label("order_number"),
            User.name.label("maker"),
        )
        .select_from(Promise)
        .join(Customer, Customer.id == Promise.customer_id)
        .outerjoin(Order, Order.id == Promise.order_id)
        .outerjoin(User, User.id == Promise.made_by)
    )


def _which(which: str) -> ColumnElement[bool]:
    match which:
        case "open":
            return Promise.state == State.OPEN
        case "broken":
            return (Promise.state == State.BROKEN) & Promise.closed_at.is_(None)
        case "closed":
            return Promise.closed_at.is_not(None)
    raise Invalid(f"A list of promises is one of: {', '.join(WHICH)}.", "which")


async def list_promises(
    session: AsyncSession,
    *,
    which: str,
    whose: frozenset[int] | None = None,
    customer_id: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[PromiseRow]:
    """Promises by their deadlines, closed ones the latest first. `whose`: made by these alone; None: by all."""
    wanted = _rows().where(_which(which))
    if whose is not None:
        wanted = wanted.where(Promise.made_by.in_(whose))
    if customer_id is not None:
        wanted = wanted.where(Promise.customer_id == customer_id)
    sorts = CLOSED_SORTS if which == "closed" else SORTS
    return await page.load(session, wanted, sorts, PromiseRow, after=after, limit=limit)


async def load_promise(session: AsyncSession, promise_id: int) -> PromiseRow:
    """One promise. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Promise.id == promise_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such promise.")
    return PromiseRow(**dict(row._mapping))


async def load_shares(
    session: AsyncSession, *, since: datetime, whose: frozenset[int] | None = None
) -> list[Share]:
    """How each operator kept promises whose deadline is not before `since`, by name."""
    query = (
        select(
            User.id,
            User.name,
            func.count().filter(Promise.state == State.KEPT),
            func.count().filter(Promise.state == State.BROKEN),
            func.count().filter(Promise.state == State.OPEN),
        )
        .join(User, User.id == Promise.made_by)
        .where(Promise.due_at >= since)
        .group_by(User.id, User.name)
        .order_by(User.name, User.id)
    )
    if whose is not None:
        query = query.where(Promise.made_by.in_(whose))
    return [
        Share(user_id=user_id, name=name, kept=kept, broken=broken, waiting=waiting)
        for user_id, name, kept, broken, waiting in await session.execute(query)
    ]
