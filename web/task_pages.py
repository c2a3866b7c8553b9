"""Pages of tasks: the list by whose they are, one task with what was said, and the forms of the panels."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.read.tasks import count_tasks, list_entries, list_tasks, load_task
from crm_core.task_rows import State
from web import tasks
from web.fields import Id
from web.forms import checked, fields, id_or_none, settle
from web.listing import Listed
from web.pages import (
    Flash,
    Pages,
    go,
    local_instant,
    number_in,
    read_filters,
    render,
    teams_to_choose,
    turn,
    users_to_choose,
)
from web.rights import EDIT_TASKS, GIVE_TASKS, VIEW_TASKS, Person
from web.services import services
from web.sessions import person
from web.task_panel import files

pages = Pages()
GROUP, TEAM = "role:", "team:"  # how a form says that a task is a group's or a team's


class TaskFilters(Listed):
    """Which tab, and whose."""

    which: tasks.Which | None = None
    performer_id: Id | None = None


@pages.get("/tasks", right=VIEW_TASKS)
async def show_tasks(request: web.Request) -> web.Response:
    """One tab of the list; without a choice one's own."""
    return await _list(request)


async def _list(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts, who = services(request), person(request)
    filters, looks = read_filters(request, TaskFilters), tasks.viewer(request)
    which = filters.which or "mine"
    async with parts.db.begin() as session:
        now = parts.now()
        counts = await count_tasks(session, looks, now=now)
        found = await list_tasks(
            session, looks, now=now, **filters.model_dump(exclude={"which"}), which=which
        )
        colleagues = await users_to_choose(session) if who.may(GIVE_TASKS) else []
        teams = await teams_to_choose(session) if who.may(GIVE_TASKS) else []
    context = {
        "teams": teams,
        "which": which,
        "counts": counts,
        "rows": found.rows,
        "pages": turn(request, found),
        "colleagues": colleagues,
        "filters": filters,
        "may_give": who.may(GIVE_TASKS),
    }
    return render(request, "tasks.html", context, flash=flash, typed=typed)


@pages.post("/tasks", right=GIVE_TASKS)
async def add_task(request: web.Request) -> web.Response:
    """Give a task, from the list or from the page of what it is about (`back`)."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(tasks.NewTask, typed, **_times(typed, person(request)), **_performer(typed))
        made = await tasks.post_task(request, body)
        return go(_back(typed) or f"/tasks/{made.id}", "given")

    return await settle(request, step, lambda flash, typed: _list(request, flash, typed))


@pages.get("/tasks/{task_id}", right=VIEW_TASKS)
async def show_task(request: web.Request) -> web.Response:
    """One task: what, whose, until when, what it is about, what was said."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, task_id = person(request), number_in(request, "task_id")
    async with services(request).db.begin() as session:
        task = await load_task(session, tasks.viewer(request), task_id)
        entries = await list_entries(session, task_id)
        colleagues = await users_to_choose(session) if who.may(GIVE_TASKS) else []
        kept = await files(request, session, "task", task_id)
        teams = await teams_to_choose(session) if who.may(GIVE_TASKS) else []
    context = {
        "teams": teams,
        **kept,
        "task": task,
        "entries": entries,
        "colleagues": colleagues,
        "may_give": who.may(GIVE_TASKS),
        "may_take": task.performer_id is None and task.state == State.OPEN,
    }
    return render(request, "task.html", context, flash=flash, typed=typed)


@pages.post("/tasks/{task_id}", right=GIVE_TASKS)
async def change_task(request: web.Request) -> web.Response:
    """Change what, whose and until when."""
    task_id = number_in(request, "task_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        times = {"due_at": None, "remind_at": None, **_times(typed, person(request))}
        body = checked(tasks.TaskChange, typed, **times, **_performer(typed))
        await tasks.patch_task(request, task_id, body)
        return go(f"/tasks/{task_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/tasks/{task_id}/state", right=EDIT_TASKS)
async def change_state(request: web.Request) -> web.Response:
    """Done, not done, or open again."""
    task_id = number_in(request, "task_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(tasks.StateWanted, typed)
        await tasks.put_task_state(request, task_id, body)
        return go(_back(typed) or f"/tasks/{task_id}", f"task_{body.state}")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/tasks/{task_id}/taken", right=EDIT_TASKS)
async def take(request: web.Request) -> web.Response:
    """Make a group's task one's own."""
    task_id, typed = number_in(request, "task_id"), await fields(request)
    await tasks.put_task_taken(request, task_id)
    return go(_back(typed) or f"/tasks/{task_id}", "taken")


@pages.post("/tasks/{task_id}/comments", right=EDIT_TASKS)
async def add_comment(request: web.Request) -> web.Response:
    """Say something about a task."""
    task_id = number_in(request, "task_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await tasks.post_task_comment(request, task_id, checked(tasks.NewComment, typed))
        return go(f"/tasks/{task_id}", "commented")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _times(typed: Mapping[str, str], who: Person) -> dict[str, Any]:
    """Deadline and reminder as this reader's clock means them, where the form has them."""
    return {
        name: local_instant(typed[name], who, name) for name in ("due_at", "remind_at") if typed.get(name)
    }


def _performer(typed: Mapping[str, str]) -> dict[str, Any]:
    """Who shall do it: one field of the form names somebody, a group or a team."""
    chosen = typed.get("performer", "")
    if chosen.startswith(GROUP):
        return {"performer_id": None, "role": chosen.removeprefix(GROUP), "team_id": None}
    if chosen.startswith(TEAM):
        return {
            "performer_id": None,
            "role": None,
            "team_id": id_or_none(chosen.removeprefix(TEAM), "performer"),
        }
    known = chosen.isascii() and chosen.isdigit() and len(chosen) < 15
    return {"performer_id": int(chosen) if known else None, "role": None, "team_id": None}


def _back(typed: Mapping[str, str]) -> str:
    """The page the form stood on; empty for none, and for an address that is not ours."""
    back = typed.get("back", "")
    plain = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    return back[:500] if plain else ""
