"""Pages of call scripts: the list, and one script as a text with its preview in a real call beside it."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_script import EVERY_STAGE, get_script, list_scripts, versions_of
from crm_core.errors import Invalid
from crm_core.funnel import list_funnels
from crm_core.line import list_lines
from crm_core.read.calls import list_calls
from crm_core.read.guide import load_call, load_counts, load_values
from crm_core.script_tree import FIELDS
from web import scripts
from web.calls import all_calls
from web.forms import checked, fields, settle, whole_or_none
from web.guide import steps_of
from web.pages import Flash, Pages, go, number_in, render
from web.reach import narrowed
from web.rights import EDIT_SCRIPTS
from web.services import services
from web.sessions import person

pages = Pages()
CALLS = 20
BEGIN = """# Greeting
Good morning, {customer.first_name}! This is {operator.first_name} of {shop.name}.
- It suits -> Offer
- Not now

# Offer
Your order {order.number} comes to {order.total}. May I add something to it?
- Yes
- No
"""


@pages.get("/scripts", right=EDIT_SCRIPTS)
async def show_scripts(request: web.Request) -> web.Response:
    """Every script and where it is shown."""
    async with services(request).db.begin() as session:
        found = await list_scripts(session)
        names = await _places(session)
    rows = [(it, [names[key] for key in _keys(it.line_ids, it.stages) if key in names]) for it in found]
    return render(request, "scripts.html", {"rows": rows})


@pages.get("/scripts/new", right=EDIT_SCRIPTS)
async def new_script(request: web.Request) -> web.Response:
    """A script to begin with."""
    return await _page(request, None)


@pages.get("/scripts/{script_id}", right=EDIT_SCRIPTS)
async def show_script(request: web.Request) -> web.Response:
    """One script."""
    return await _page(request, number_in(request, "script_id"))


async def _page(
    request: web.Request,
    script_id: int | None,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    who = person(request)
    async with services(request).db.begin() as session:
        it = await get_script(session, script_id) if script_id is not None else None
        texts = await versions_of(session, it.id) if it is not None else []
        wanted = whole_or_none(request.query.get("version", ""), "version")
        shown = next((text for text in texts if text.number == wanted), texts[0] if texts else None)
        counts = await load_counts(session, it.id) if it is not None else []
        places = await _places(session)
        calls = await list_calls(session, everybody=all_calls(who), user_id=who.user_id, limit=CALLS)
    taken = set(_keys(it.line_ids, it.stages)) if it is not None else set()
    if typed:
        taken = {key for key in places if typed.get(key) == "yes"}
    context = {
        "it": it,
        "source": (typed or {}).get("source") or (shown.source if shown else BEGIN),
        "shown": shown,
        "texts": texts,
        "counts": counts,
        "most": max((number for *_, number in counts), default=1),
        "places": places,
        "taken": taken,
        "known": FIELDS,
        "calls": [row for row in calls.rows if row.customer_id is not None],
    }
    return render(request, "script.html", context, flash=flash, typed=typed)


@pages.post("/scripts/preview", right=EDIT_SCRIPTS, audited=False)
async def preview(request: web.Request) -> web.Response:
    """The steps of the text as it stands in the form, filled in from a call; or what is wrong with it."""
    typed = await fields(request)
    values: dict[str, Any] = {}
    with narrowed(request):
        async with services(request).db.begin() as session:
            about = await load_call(session, _call_id(typed.get("call", "")))
            if about is not None:
                values = await load_values(session, about, services(request).now())
    name = person(request).name
    values |= {"operator.name": name, "operator.first_name": name.split()[0]}
    try:
        steps = steps_of(typed.get("source", ""), values)
    except Invalid as wrong:
        return web.json_response({"wrong": str(wrong)})
    return web.json_response({"steps": [step.model_dump() for step in steps]})


@pages.post("/scripts", right=EDIT_SCRIPTS)
async def add_script(request: web.Request) -> web.Response:
    """Keep a new script."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(scripts.NewScript, typed, **_uses(typed))
        made = await scripts.post_script(request, body)
        return go(f"/scripts/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, None, flash, typed))


@pages.post("/scripts/{script_id}", right=EDIT_SCRIPTS)
async def change_script(request: web.Request) -> web.Response:
    """Keep the text as the next version and where it is shown, or (`do`) take the script out of use or back."""
    script_id = number_in(request, "script_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        version = whole_or_none(typed.get("version", ""), "version")
        act = typed.get("do", "save")
        if act in ("rest", "use"):
            body = checked(scripts.ScriptChange, {}, version=version, active=act == "use")
        else:
            given = {name: typed.get(name, "") for name in ("name", "source")}
            body = checked(scripts.ScriptChange, given, version=version, **_uses(typed))
        await scripts.patch_script(request, script_id, body)
        return go(f"/scripts/{script_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, script_id, flash, typed))


async def _places(session: AsyncSession) -> dict[str, str]:
    """Where a script can be shown: the name of a tick -> what it is called."""
    found = {f"line-{line.id}": line.name or line.did for line, _ in await list_lines(session)}
    for funnel in await list_funnels(session):
        found[f"stage-{funnel.id}-"] = f"{funnel.name}: every stage"
        found |= {f"stage-{funnel.id}-{it.code}": f"{funnel.name}: {it.name}" for it in funnel.stages}
    return found


def _keys(line_ids: list[int], stages: list[tuple[int, str]]) -> list[str]:
    return [f"line-{id_}" for id_ in line_ids] + [f"stage-{id_}-{stage}" for id_, stage in stages]


def _uses(typed: Mapping[str, str]) -> dict[str, Any]:
    """The lines and stages that are ticked."""
    lines, stages = [], []
    for key in (key for key, value in typed.items() if value == "yes"):
        kind, _, rest = key.partition("-")
        id_, _, stage = rest.partition("-")
        if kind in ("line", "stage") and id_.isascii() and id_.isdecimal() and len(id_) < 16:
            if kind == "line":
                lines.append(int(id_))
            else:
                stages.append({"funnel_id": int(id_), "stage": stage or EVERY_STAGE})
    return {"line_ids": lines, "stages": stages}


def _call_id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)
