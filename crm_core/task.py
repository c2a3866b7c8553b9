"""Tasks: given to somebody or to a group, linked to what they are about, done or not, opened again."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.deal import get_deal
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.notice import notify
from crm_core.order import get_order
from crm_core.outbox import announce
from crm_core.task_rows import Kind, Priority, State, Task, TaskEntry, What
from crm_core.team import Team
from crm_core.user import Role, User, get_user

EDITABLE = frozenset(("title", "text", "priority", "due_at", "remind_at", "performer_id", "role", "team_id"))
LONGEST_TEXT = 20_000
LONGEST_REASON = 500


async def create_task(
    session: AsyncSession,
    *,
    title: str,
    at: datetime,
    user_id: int | None,
    kind: str = Kind.PLAIN,
    priority: str = Priority.NORMAL,
    performer_id: int | None = None,
    role: str | None = None,
    team_id: int | None = None,
    customer_id: int | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
    call_id: UUID | None = None,
    **fields: Any,
) -> Task:
    """Give a task to `performer_id`, else to everybody of `role` or of a team, else to `user_id` who makes it.

    `fields` are text, due_at, remind_at. What it is about names its customer too. The performers are told.
    Raises `NotFound`, `Invalid`.
    """
    if performer_id is None and role is None and team_id is None:
        performer_id = user_id
    task = Task(
        kind=kind,
        state=State.OPEN,
        created_by=user_id,
        created_at=at,
        updated_at=at,
        version=1,
        customer_id=(await get_customer(session, customer_id)).id if customer_id is not None else None,
        deal_id=(await get_deal(session, deal_id)).id if deal_id is not None else None,
        order_id=(await get_order(session, order_id)).id if order_id is not None else None,
        call_id=await resolve(session, call_id) if call_id else None,
    )
    task.customer_id = task.customer_id or await _customer_of(session, task)
    given = {
        "title": title,
        "priority": priority,
        "performer_id": performer_id,
        "role": role,
        "team_id": team_id,
        **fields,
    }
    await _apply(session, task, given)
    session.add(task)
    await session.flush()
    await add_entry(session, task, What.CREATED, None, user_id=user_id, at=at)
    await _tell(session, task)
    await notify_performers(session, task, f"New task: {task.title}", besides=user_id)
    return task


async def get_task(session: AsyncSession, task_id: int, *, lock: bool = False) -> Task:
    """The task; locked it is as others left it. Raises `NotFound`."""
    found = await session.get(Task, task_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such task.")
    return found


async def update_task(
    session: AsyncSession,
    task_id: int,
    *,
    version: int,
    changes: Mapping[str, Any],
    user_id: int | None,
    at: datetime,
) -> Task:
    """Change the fields in `changes` (see `EDITABLE`); whoever gets the task by it is told.

    Raises `NotFound`, `Invalid`, `Conflict` when `version` is not the newest.
    """
    task = await get_task(session, task_id, lock=True)
    if task.version != version:
        raise Conflict(f"The task “{task.title}” was changed by somebody else meanwhile.")
    before = {name: getattr(task, name) for name in EDITABLE}
    await _apply(session, task, changes)
    changed = sorted(name for name in EDITABLE if getattr(task, name) != before[name])
    if not changed:
        return task
    task.version, task.updated_at = task.version + 1, at
    if "remind_at" in changed:
        task.reminded_at = None
    said = ", ".join(changed).replace("_id", "").replace("_at", "")
    await add_entry(session, task, What.CHANGED, said, user_id=user_id, at=at)
    await _tell(session, task)
    if {"performer_id", "role", "team_id"} & set(changed):
        await notify_performers(session, task, f"New task: {task.title}", besides=user_id)
    return task


async def take_task(session: AsyncSession, task_id: int, *, user_id: int, at: datetime) -> Task:
    """Make a group's task one's own; again is nothing new. Raises `NotFound`, `Conflict` when a colleague has it."""
    task = await get_task(session, task_id, lock=True)
    if task.performer_id == user_id:
        return task
    if task.performer_id is not None or task.state != State.OPEN:
        raise Conflict(f"A colleague has the task “{task.title}” already.")
    task.performer_id, task.version, task.updated_at = user_id, task.version + 1, at
    await add_entry(session, task, What.TAKEN, None, user_id=user_id, at=at)
    await _tell(session, task)
    return task


async def set_state(
    session: AsyncSession,
    task_id: int,
    state: str,
    *,
    user_id: int | None,
    at: datetime,
    reason: str | None = None,
) -> Task:
    """Say that a task is done, or was not done and why, or open it again; saying it twice changes nothing.

    Who gave the task is told. Raises `NotFound`, `Invalid`, and `Conflict` when it was closed the other way.
    """
    task = await get_task(session, task_id, lock=True)
    if task.kind == Kind.COURIER and state == State.DONE and task.state == State.OPEN:
        raise Conflict("An order that was brought is marked delivered, with what was paid.")
    if close(task, state, user_id=user_id, at=at, reason=reason):
        what = What.REOPENED if state == State.OPEN else What(state)
        await add_entry(session, task, what, task.reason, user_id=user_id, at=at)
        await _tell(session, task)
        said = {State.OPEN: "Open again", State.DONE: "Done"}.get(State(state), "Not done")
        await notify_author(session, task, f"{said}: {task.title}", besides=user_id)
    return task


def close(task: Task, state: str, *, user_id: int | None, at: datetime, reason: str | None = None) -> bool:
    """Put a locked task into `state`; False when it is there already. Raises `Invalid`, `Conflict`."""
    if state not in tuple(State):
        raise Invalid(f"{str(state)[:40]!r} is no state of a task.", "state")
    if task.state == state:
        return False
    if task.state != State.OPEN and state != State.OPEN:
        raise Conflict(f"The task “{task.title}” is closed already. Open it again first.")
    reason = (reason or "").strip()[:LONGEST_REASON]
    if state == State.NOT_DONE and not reason:
        raise Invalid("Say why it was not done.", "reason")
    task.state, task.reason = state, reason or None
    task.closed_at = None if state == State.OPEN else at
    task.closed_by = None if state == State.OPEN else user_id
    task.version, task.updated_at = task.version + 1, at
    return True


async def comment(
    session: AsyncSession, task_id: int, words: str, *, user_id: int | None, at: datetime
) -> TaskEntry:
    """Say something about a task; performers and who gave it are told. Raises `NotFound`, `Invalid`."""
    words = words.strip()[:LONGEST_TEXT]
    if not words:
        raise Invalid("The comment is empty.", "text")
    task = await get_task(session, task_id)
    made = await add_entry(session, task, What.COMMENT, words, user_id=user_id, at=at)
    await notify_performers(session, task, f"{task.title}: {words}", besides=user_id)
    if task.created_by != task.performer_id:
        await notify_author(session, task, f"{task.title}: {words}", besides=user_id)
    await _tell(session, task)
    return made


async def add_entry(
    session: AsyncSession, task: Task, what: str, words: str | None, *, user_id: int | None, at: datetime
) -> TaskEntry:
    """Write down what was said or done about a task."""
    made = TaskEntry(task_id=task.id, user_id=user_id, what=what, text=words, created_at=at)
    session.add(made)
    await session.flush()
    return made


async def performers(session: AsyncSession, task: Task) -> set[int]:
    """Who is to do it: one, or every active user of the team or of the role."""
    if task.performer_id is not None:
        return {task.performer_id}
    group = User.team_id == task.team_id if task.team_id is not None else User.role == task.role
    return set(await session.scalars(select(User.id).where(group, User.active)))


async def notify_performers(
    session: AsyncSession, task: Task, words: str, *, besides: int | None, level: str = "info"
) -> None:
    """Tell whoever is to do it, except who did this himself."""
    told = await performers(session, task) - {besides}
    await notify(session, {it for it in told if it}, words, address=f"/tasks/{task.id}", level=level)


async def notify_author(session: AsyncSession, task: Task, words: str, *, besides: int | None) -> None:
    """Tell who gave the task, except when he did this himself."""
    told = {task.created_by} - {None, besides}
    await notify(session, {it for it in told if it}, words, address=f"/tasks/{task.id}")


async def _apply(session: AsyncSession, task: Task, changes: Mapping[str, Any]) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A task has no field {min(strangers)[:40]!r} to change.", min(strangers))
    if changes.get("performer_id") is not None:
        await _working(session, changes["performer_id"])
    for field, value in changes.items():
        setattr(task, field, value)
    task.title = " ".join((task.title or "").split())[:200]
    if not task.title:
        raise Invalid("A task needs a title.", "title")
    task.text = (task.text or "").strip()[:LONGEST_TEXT] or None
    if task.priority not in tuple(Priority):
        raise Invalid(f"{str(task.priority)[:40]!r} is no priority.", "priority")
    if task.role is not None and task.role not in tuple(Role):
        raise Invalid(f"{str(task.role)[:40]!r} is no role.", "role")
    if changes.get("team_id") is not None and await session.get(Team, changes["team_id"]) is None:
        raise Invalid("There is no such team.", "team_id")
    if task.role is not None and task.team_id is not None:
        raise Invalid("Give it to a group or to a team, not to both.", "team_id")
    if task.performer_id is None and task.role is None and task.team_id is None:
        raise Invalid("Say who shall do it: somebody, a group or a team.", "performer_id")


async def _working(session: AsyncSession, user_id: int) -> None:
    try:
        colleague = await get_user(session, user_id)
    except NotFound as missing:
        raise Invalid(str(missing), "performer_id") from None
    if not colleague.active:
        raise Invalid(f"{colleague.name} does not work here any more.", "performer_id")


async def _customer_of(session: AsyncSession, task: Task) -> int | None:
    given = {"order_id": task.order_id, "deal_id": task.deal_id, "call_id": task.call_id}
    found: int | None = await session.scalar(_CUSTOMER, given)
    return found


async def _tell(session: AsyncSession, task: Task) -> None:
    await announce(session, "task", {"id": task.id, "customer_id": task.customer_id})


_CUSTOMER = text("""
    SELECT coalesce(
        (SELECT customer_id FROM orders WHERE id = :order_id),
        (SELECT customer_id FROM deals WHERE id = :deal_id),
        (SELECT customer_id FROM calls WHERE id = :call_id))
""")
