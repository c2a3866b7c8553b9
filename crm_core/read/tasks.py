"""Tasks as a list: mine, my groups', those I gave, overdue, about one thing; one task with what was said."""

from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.errors import Invalid, NotFound
from crm_core.order import Order
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.task_rows import State, Task, TaskEntry
from crm_core.team import Team
from crm_core.user import User

WHICH = ("mine", "group", "given", "overdue", "open", "done")
FAR = datetime(9999, 1, 1, tzinfo=UTC)  # where a task without a deadline stands among those that have one
DUE = func.coalesce(Task.due_at, FAR)
OPEN_SORTS = (Sort(DUE, "sorted_at", page.instant), Sort(Task.id, "id", page.number))
DONE_SORTS = (
    Sort(Task.closed_at, "closed_at", page.instant, down=True),
    Sort(Task.id, "id", page.number, down=True),
)
PERFORMER, AUTHOR, CLOSER = aliased(User), aliased(User), aliased(User)


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """A task, whose it is and what it is about."""

    id: int
    kind: str
    title: str
    text: str | None
    priority: str
    state: str
    due_at: datetime | None
    remind_at: datetime | None
    performer_id: int | None
    performer: str | None
    role: str | None
    team_id: int | None
    team: str | None
    customer_id: int | None
    customer: str | None
    order_id: int | None
    order_number: str | None
    deal_id: int | None
    deal: str | None
    call_id: UUID | None
    created_by: int | None
    author: str | None
    created_at: datetime
    closed_at: datetime | None
    closer: str | None
    reason: str | None
    taken: Decimal | None
    means: str | None
    updated_at: datetime
    version: int
    comments: int
    sorted_at: datetime

    def overdue(self, now: datetime) -> bool:
        """Open after its deadline."""
        return self.state == State.OPEN and self.due_at is not None and self.due_at < now


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """Who looks: with `everybody` at all tasks, else at those that concern him alone."""

    user_id: int
    role: str
    everybody: bool = True

    def performs(self) -> ColumnElement[bool]:
        """His own, or his group's that nobody has taken."""
        return or_(Task.performer_id == self.user_id, self.group())

    def group(self) -> ColumnElement[bool]:
        """His group's or his team's that nobody has taken."""
        team = select(User.team_id).where(User.id == self.user_id).scalar_subquery()
        return and_(Task.performer_id.is_(None), or_(Task.role == self.role, Task.team_id == team))

    def sees(self) -> ColumnElement[bool]:
        """What concerns him: his own, his group's, those he gave."""
        return or_(self.performs(), Task.created_by == self.user_id)


def _rows() -> Select[Any]:
    names = set(TaskRow.__annotations__)
    said = select(func.count()).where(TaskEntry.task_id == Task.id, TaskEntry.what == "comment")
    return (
        select(
            *(column for column in Task.__table__.c if column.name in names),
            DUE.label("sorted_at"),
            PERFORMER.name.label("performer"),
            Team.name.label("team"),
            AUTHOR.name.label("author"),
            CLOSER.name.label("closer"),
            Customer.name.label("customer"),
            Order.number.label("order_number"),
            Deal.title.label("deal"),
            said.correlate(Task).scalar_subquery().label("comments"),
        )
        .select_from(Task)
        .outerjoin(PERFORMER, PERFORMER.id == Task.performer_id)
        .outerjoin(Team, Team.id == Task.team_id)
        .outerjoin(AUTHOR, AUTHOR.id == Task.created_by)
        .outerjoin(CLOSER, CLOSER.id == Task.closed_by)
        .outerjoin(Customer, Customer.id == Task.customer_id)
        .outerjoin(Order, Order.id == Task.order_id)
        .outerjoin(Deal, Deal.id == Task.deal_id)
    )


def _which(which: str, viewer: Viewer, now: datetime) -> ColumnElement[bool]:
    is_open = Task.state == State.OPEN
    match which:
        case "mine":
            return is_open & (Task.performer_id == viewer.user_id)
        case "group":
            return is_open & viewer.group()
        case "given":
            return (
                is_open
                & (Task.created_by == viewer.user_id)
                & ~func.coalesce(Task.performer_id == viewer.user_id, False)
            )
        case "overdue":
            return is_open & (Task.due_at < now)
        case "open":
            return is_open
        case "done":
            return ~is_open
    raise Invalid(f"A list of tasks is one of: {', '.join(WHICH)}.", "which")


async def list_tasks(
    session: AsyncSession,
    viewer: Viewer,
    *,
    now: datetime,
    which: str = "open",
    query: str = "",
    performer_id: int | None = None,
    customer_id: int | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
    call_id: UUID | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[TaskRow]:
    """Tasks, the most urgent first; closed ones newest first. `query`: something of the title."""
    wanted = _rows().where(_which(which, viewer, now))
    if not viewer.everybody:
        wanted = wanted.where(viewer.sees())
    if query.strip():
        wanted = wanted.where(Task.title.icontains(query.strip(), autoescape=True))
    about = {
        Task.performer_id: performer_id,
        Task.customer_id: customer_id,
        Task.order_id: order_id,
        Task.deal_id: deal_id,
        Task.call_id: call_id,
    }
    wanted = wanted.where(*(column == value for column, value in about.items() if value is not None))
    sorts = DONE_SORTS if which == "done" else OPEN_SORTS
    return await page.load(session, wanted, sorts, TaskRow, after=after, limit=limit)


async def tasks_about(
    session: AsyncSession,
    viewer: Viewer,
    *,
    now: datetime,
    customer_id: int | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
) -> list[TaskRow]:
    """What a page of an object shows: its open tasks, and the last five that were closed."""
    about = {"customer_id": customer_id, "order_id": order_id, "deal_id": deal_id}
    still = await list_tasks(session, viewer, now=now, which="open", **about)  # type: ignore[arg-type]  # ids
    over = await list_tasks(session, viewer, now=now, which="done", limit=5, **about)  # type: ignore[arg-type]
    return [*still.rows, *over.rows]


async def load_task(session: AsyncSession, viewer: Viewer, task_id: int) -> TaskRow:
    """One task. Raises `NotFound`, also for one that does not concern who looks."""
    query = _rows().where(Task.id == task_id)
    if not viewer.everybody:
        query = query.where(viewer.sees())
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such task.")
    return TaskRow(**dict(row._mapping))


async def count_tasks(session: AsyncSession, viewer: Viewer, *, now: datetime) -> dict[str, int]:
    """How many stand in each tab of open tasks."""
    kinds = [kind for kind in WHICH if kind != "done"]
    counts = [func.count().filter(_which(kind, viewer, now)).label(kind) for kind in kinds]
    query = select(*counts).select_from(Task).where(Task.state == State.OPEN)
    if not viewer.everybody:
        query = query.where(viewer.sees())
    return dict((await session.execute(query)).one()._mapping)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Something said or done about a task."""

    id: int
    what: str
    text: str | None
    user_id: int | None
    user: str | None
    created_at: datetime


async def list_entries(session: AsyncSession, task_id: int) -> list[Entry]:
    """What was said and done about a task, the newest first."""
    names = ("id", "what", "text", "user_id", "created_at")
    query = (
        select(*(getattr(TaskEntry, name) for name in names), User.name.label("user"))
        .outerjoin(User, User.id == TaskEntry.user_id)
        .where(TaskEntry.task_id == task_id)
        .order_by(TaskEntry.id.desc())
    )
    return [Entry(**dict(row._mapping)) for row in await session.execute(query)]
