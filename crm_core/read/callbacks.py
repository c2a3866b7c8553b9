"""Callbacks as a list: overdue, due today, planned, done."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.callback import Callback, CallbackCall, State
from crm_core.calling_hours import zone_of_number
from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.errors import Invalid, NotFound
from crm_core.order import Order
from crm_core.phone import display
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.shop import Shop
from crm_core.team import Team
from crm_core.user import User

OPEN_SORTS = (Sort(Callback.due_at, "due_at", page.instant), Sort(Callback.id, "id", page.number))
DONE_SORTS = (
    Sort(Callback.due_at, "due_at", page.instant, down=True),
    Sort(Callback.id, "id", page.number, down=True),
)
WHICH = ("open", "overdue", "today", "planned", "done")


@dataclass(frozen=True, kw_only=True)
class CallbackRow:
    """A promise to call, whom and what about."""

    id: int
    customer_id: int | None
    customer: str | None
    number: str
    due_at: datetime
    reason: str
    note: str | None
    order_id: int | None
    order_number: str | None
    deal_id: int | None
    deal: str | None
    assigned_to: int | None
    assignee: str | None
    team_id: int | None
    team: str | None
    state: str
    outcome: str | None
    source_call_id: UUID | None
    closed_by_call_id: UUID | None
    done_at: datetime | None
    created_at: datetime
    created_by: int | None
    author: str | None
    missed: int
    last_missed_at: datetime | None
    attempts: int
    repeat_minutes: int | None
    most_attempts: int | None
    escalated_at: datetime | None
    version: int
    own_zone: str | None
    home_zone: str | None

    @property
    def display(self) -> str:
        """The number as people write it."""
        return display(self.number)

    @property
    def timezone(self) -> str:
        """The zone in which whoever is to be called lives."""
        return zone_of_number(self.number, self.own_zone, self.home_zone or "UTC")


@dataclass(frozen=True, kw_only=True)
class CallRow:
    """A call of a callback: the customer's that was missed, or ours that was made for it."""

    call_id: UUID
    role: str
    at: datetime
    operator: str | None
    result: str | None


_author = aliased(User)


def _rows() -> Select[Any]:
    return (
        select(
            *(column for column in Callback.__table__.c if column.name in CallbackRow.__annotations__),
            Customer.name.label("customer"),
            Order.number.label("order_number"),
            Deal.title.label("deal"),
            User.name.label("assignee"),
            Team.name.label("team"),
            _author.name.label("author"),
            Customer.timezone.label("own_zone"),
            select(Shop.timezone).order_by(Shop.id).limit(1).scalar_subquery().label("home_zone"),
        )
        .select_from(Callback)
        .outerjoin(Customer, Customer.id == Callback.customer_id)
        .outerjoin(Order, Order.id == Callback.order_id)
        .outerjoin(Deal, Deal.id == Callback.deal_id)
        .outerjoin(User, User.id == Callback.assigned_to)
        .outerjoin(Team, Team.id == Callback.team_id)
        .outerjoin(_author, _author.id == Callback.created_by)
    )


def _which(which: str, now: datetime, day_end: datetime) -> ColumnElement[bool]:
    """The condition of one tab; `day_end` is the midnight that ends the reader's day."""
    is_open = Callback.state == State.OPEN
    match which:
        case "open":
            return is_open
        case "overdue":
            return is_open & (Callback.due_at < now)
        case "today":
            return is_open & Callback.due_at.between(now, day_end)
        case "planned":
            return is_open & (Callback.due_at > day_end)
        case "done":
            return ~is_open
    raise Invalid(f"A list of callbacks is one of: {', '.join(WHICH)}.", "which")


async def list_callbacks(
    session: AsyncSession,
    *,
    now: datetime,
    day_end: datetime,
    which: str = "open",
    state: str | None = None,
    mine: int | None = None,
    assigned_to: int | None = None,
    team_id: int | None = None,
    customer_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[CallbackRow]:
    """Callbacks, the most urgent first; done ones newest first.

    `mine`: those of this user, of his team and anyone's; `since` is included in when they are due, `until` is not.
    """
    wanted = _rows().where(_which(which, now, day_end))
    if state is not None:
        wanted = wanted.where(Callback.state == state)
    if mine is not None:
        wanted = wanted.where(for_user(mine))
    if assigned_to is not None:
        wanted = wanted.where(Callback.assigned_to == assigned_to)
    if team_id is not None:
        wanted = wanted.where(Callback.team_id == team_id)
    if since is not None:
        wanted = wanted.where(Callback.due_at >= since)
    if until is not None:
        wanted = wanted.where(Callback.due_at < until)
    if customer_id is not None:
        wanted = wanted.where(Callback.customer_id == customer_id)
    sorts = DONE_SORTS if which == "done" else OPEN_SORTS
    return await page.load(session, wanted, sorts, CallbackRow, after=after, limit=limit)


def for_user(user_id: int) -> ColumnElement[bool]:
    """The callbacks that this user may take: his own, those of his team, those of nobody."""
    team = select(User.team_id).where(User.id == user_id).scalar_subquery()
    nobodys = Callback.assigned_to.is_(None) & Callback.team_id.is_(None)
    return (Callback.assigned_to == user_id) | (Callback.team_id == team) | nobodys


async def load_callback_calls(session: AsyncSession, callback_id: int) -> list[CallRow]:
    """The calls of a callback, oldest first."""
    found = (
        select(
            CallbackCall.call_id,
            CallbackCall.role,
            CallbackCall.at,
            User.name.label("operator"),
            CallbackCall.result,
        )
        .outerjoin(User, User.id == CallbackCall.user_id)
        .where(CallbackCall.callback_id == callback_id)
        .order_by(CallbackCall.at, CallbackCall.call_id)
    )
    return [CallRow(**dict(row._mapping)) for row in await session.execute(found)]


async def load_callback(session: AsyncSession, callback_id: int) -> CallbackRow:
    """One callback. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Callback.id == callback_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such callback.")
    return CallbackRow(**dict(row._mapping))


async def count_callbacks(session: AsyncSession, *, now: datetime, day_end: datetime) -> dict[str, int]:
    """How many are overdue, due today and planned: the figures on the tabs."""
    kinds = ("overdue", "today", "planned")
    counts = [func.count().filter(_which(kind, now, day_end)).label(kind) for kind in kinds]
    row = (await session.execute(select(*counts).where(Callback.state == State.OPEN))).one()
    return dict(row._mapping)
