"""Tasks in the API: listed, given, changed, talked about, done."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import task
from crm_core.read.tasks import Viewer, list_entries, list_tasks, load_task
from crm_core.task_rows import Kind, Means, Priority, State
from crm_core.user import Role
from web.api import Operations
from web.calls import own_call, tell_desk
from web.fields import VISIBLE, Answer, Given, Id, Instant, LongText, Money, Name, Version
from web.listing import Listed, Listing, possible
from web.rights import EDIT_TASKS, GIVE_TASKS, VIEW_TASKS, Right, Scope
from web.services import services
from web.sessions import person

operations = Operations("tasks")
Which = Literal["mine", "group", "given", "overdue", "open", "done"]
Reason = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=VISIBLE)]
Words = Annotated[str, StringConstraints(min_length=1, max_length=task.LONGEST_TEXT, pattern=VISIBLE)]
PRIORITY: Priority = Priority.NORMAL


class TasksQuery(Listed):
    """Which tasks: `mine`, of my `group` that nobody has taken, `given` by me, `overdue`, all `open`, `done`."""

    which: Which = "open"
    performer_id: Id | None = None
    customer_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None
    call_id: UUID | None = None


class TaskAnswer(Answer):
    """A task. Nobody performs it yet when it is a group's (`role` or a team) and not taken.

    `reason`: why it was not done; `taken`: what a courier took, by which `means`."""

    id: int
    kind: Kind
    title: str
    text: str | None
    priority: Priority
    state: State
    due_at: datetime | None
    remind_at: datetime | None
    performer_id: int | None
    performer: str | None
    role: Role | None
    team_id: int | None
    team_name: str | None = Field(validation_alias="team")
    customer_id: int | None
    customer_name: str | None = Field(validation_alias="customer")
    order_id: int | None
    order_number: str | None
    deal_id: int | None
    deal: str | None
    call_id: UUID | None
    created_by: int | None
    author: str | None
    created_at: datetime
    closed_at: datetime | None
    closed_by: str | None = Field(validation_alias="closer")
    reason: str | None
    taken: Money | None
    means: Means | None
    comments: int
    updated_at: datetime
    version: int


class NewTask(Given):
    """Something to be done by somebody, by anyone of a `role`, or by anyone of a team; with none of them it is one's
    own. `remind_at`: when its performers are reminded on their screens."""

    title: Name
    text: LongText | None = None
    priority: Priority = PRIORITY
    due_at: Instant | None = None
    remind_at: Instant | None = None
    performer_id: Id | None = None
    role: Role | None = None
    team_id: Id | None = None
    customer_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None
    call_id: UUID | None = None


class TaskChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    title: Name = ""
    text: LongText | None = None
    priority: Priority = PRIORITY
    due_at: Instant | None = None
    remind_at: Instant | None = None
    performer_id: Id | None = None
    role: Role | None = None
    team_id: Id | None = None


class StateWanted(Given):
    """Done, not done (say why) or open again; saying it twice changes nothing."""

    state: State
    reason: Reason | None = None


class NewComment(Given):
    """Something said about a task."""

    text: Words


class EntryAnswer(Answer):
    """Something said or done about a task."""

    id: int
    what: str
    text: str | None
    user_id: int | None
    user: str | None
    created_at: datetime


def viewer(request: web.Request, right: Right = VIEW_TASKS) -> Viewer:
    """Who looks at tasks here, and how far he may."""
    who = person(request)
    return Viewer(user_id=who.user_id, role=who.role, everybody=who.scope(right) is Scope.ALL)


@operations.get("/tasks", right=VIEW_TASKS, errors=(404,))
async def get_tasks(request: web.Request, query: TasksQuery) -> Listing[TaskAnswer]:
    """Tasks, the most urgent first; closed ones newest first."""
    parts = services(request)
    async with parts.db.begin() as session:
        found = await list_tasks(session, viewer(request), now=parts.now(), **query.model_dump())
    return Listing[TaskAnswer].model_validate(found)


@operations.post("/tasks", right=GIVE_TASKS, errors=(403, 404, 409))
async def post_task(request: web.Request, body: NewTask) -> TaskAnswer:
    """Give a task. 404 for an unknown customer, order, deal or call, 409 for an unknown colleague."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        given = body.model_dump() | {"call_id": call_id}
        with possible():
            made = await task.create_task(session, at=parts.now(), user_id=who.user_id, **given)
        answer = TaskAnswer.model_validate(await load_task(session, viewer(request), made.id))
    await tell_desk(parts, call_id)
    return answer


@operations.get("/tasks/{task_id}", right=VIEW_TASKS)
async def get_task(request: web.Request, task_id: Id) -> TaskAnswer:
    """One task."""
    async with services(request).db.begin() as session:
        return TaskAnswer.model_validate(await load_task(session, viewer(request), task_id))


@operations.patch("/tasks/{task_id}", right=GIVE_TASKS, errors=(409,))
async def patch_task(request: web.Request, task_id: Id, body: TaskChange) -> TaskAnswer:
    """Change a task. 409 when `version` is stale, for an unknown colleague, and when nobody would have it."""
    parts, changes = services(request), body.model_dump(exclude_unset=True, exclude={"version"})
    async with parts.db.begin() as session:
        with possible():
            await task.update_task(
                session,
                task_id,
                version=body.version,
                changes=changes,
                user_id=person(request).user_id,
                at=parts.now(),
            )
        return TaskAnswer.model_validate(await load_task(session, viewer(request), task_id))


@operations.put("/tasks/{task_id}/state", right=EDIT_TASKS, errors=(409,))
async def put_task_state(request: web.Request, task_id: Id, body: StateWanted) -> TaskAnswer:
    """Say that a task is done, or was not and why, or open it again. 409 when it was closed the other way."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        await load_task(session, viewer(request, EDIT_TASKS), task_id)
        with possible():
            await task.set_state(
                session, task_id, body.state, user_id=who.user_id, at=parts.now(), reason=body.reason
            )
        return TaskAnswer.model_validate(await load_task(session, viewer(request), task_id))


@operations.put("/tasks/{task_id}/taken", right=EDIT_TASKS, errors=(409,))
async def put_task_taken(request: web.Request, task_id: Id) -> TaskAnswer:
    """Make a group's task one's own. 409 when a colleague has it."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        await load_task(session, viewer(request, EDIT_TASKS), task_id)
        await task.take_task(session, task_id, user_id=who.user_id, at=parts.now())
        return TaskAnswer.model_validate(await load_task(session, viewer(request), task_id))


@operations.get("/tasks/{task_id}/entries", right=VIEW_TASKS)
async def get_entries(request: web.Request, task_id: Id) -> list[EntryAnswer]:
    """What was said and done about a task, the newest first."""
    async with services(request).db.begin() as session:
        await load_task(session, viewer(request), task_id)
        return [EntryAnswer.model_validate(it) for it in await list_entries(session, task_id)]


@operations.post("/tasks/{task_id}/comments", right=EDIT_TASKS, errors=(409,))
async def post_task_comment(request: web.Request, task_id: Id, body: NewComment) -> EntryAnswer:
    """Say something about a task."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        await load_task(session, viewer(request, EDIT_TASKS), task_id)
        with possible():
            await task.comment(session, task_id, body.text, user_id=who.user_id, at=parts.now())
        return EntryAnswer.model_validate((await list_entries(session, task_id))[0])
