"""Pages of sources: a form for a new one, and one with its schedule and every time it was fetched."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.exchange.source_rows import AT_WORK
from web import import_sources
from web.forms import checked, settle
from web.import_pages import LABELS
from web.imports import NEEDED
from web.pages import Flash, Pages, go, number_in, render, shops_to_choose, users_to_choose
from web.rights import RUN_IMPORTS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/imports/sources", right=RUN_IMPORTS)
async def show_new(request: web.Request) -> web.Response:
    """The form for a new source."""
    return await _new(request)


async def _new(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        shops, people = await shops_to_choose(session), await users_to_choose(session)
    may = person(request).may
    nouns = [(name, LABELS[name]) for name, right in NEEDED.items() if may(right)]
    context = {"it": None, "shops": shops, "people": people, "nouns": nouns}
    return render(request, "import_source.html", context, flash=flash, typed=typed)


@pages.post("/imports/sources", right=RUN_IMPORTS)
async def add_source(request: web.Request) -> web.Response:
    """Keep a source, and fetch its first file at once."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(
            import_sources.NewSource, typed, **_plan(typed), **_numbers(typed, "shop_id", "told_id")
        )
        made = await import_sources.post_import_source(request, body)
        await import_sources.post_import_run(request, made.id, import_sources.FetchWanted())
        return go(f"/imports/sources/{made.id}")

    return await settle(request, step, lambda flash, typed: _new(request, flash, typed))


@pages.get("/imports/sources/{source_id}", right=RUN_IMPORTS)
async def show_source(request: web.Request) -> web.Response:
    """One source; while it is at work the page comes again by itself."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, source_id = person(request), number_in(request, "source_id")
    async with services(request).db.begin() as session:
        found = await import_sources.allowed_source(session, who, source_id)
        runs = await import_sources.runs_of(session, who, source_id)
        people, shops = await users_to_choose(session), await shops_to_choose(session)
    context = {
        "it": found,
        "runs": runs,
        "people": people,
        "names": dict(people),
        "shop": dict(shops)[found.shop_id],
        "labels": LABELS,
        "at_work": bool(runs) and runs[0].state in AT_WORK,
    }
    return render(request, "import_source.html", context, flash=flash, typed=typed)


@pages.post("/imports/sources/{source_id}", right=RUN_IMPORTS)
async def change_source(request: web.Request) -> web.Response:
    """Save its address and schedule; fetch it, anew if asked; or remove it."""
    source_id = number_in(request, "source_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        match typed.get("act"):
            case "fetch" | "anew" as act:
                wanted = import_sources.FetchWanted(anew=act == "anew")
                await import_sources.post_import_run(request, source_id, wanted)
                return go(f"/imports/sources/{source_id}")
            case "remove":
                await import_sources.delete_import_source(request, source_id)
                return go("/imports", "removed")
        given = {name: value for name, value in typed.items() if name != "password" or value}
        if typed.get("forget"):
            given["password"] = ""
        fixed = _plan(typed) | _numbers(typed, "version", "told_id")
        body = checked(import_sources.SourceChange, given, **fixed)
        await import_sources.patch_import_source(request, source_id, body)
        return go(f"/imports/sources/{source_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _plan(typed: Mapping[str, str]) -> dict[str, Any]:
    """The schedule: `plan` says which of both fields counts."""
    plan = typed.get("plan", "")
    hours = _numbers(typed, "every_hours")["every_hours"] if plan == "hours" else None
    return {"every_hours": hours, "daily_at": (typed.get("daily_at") or None) if plan == "daily" else None}


def _numbers(typed: Mapping[str, str], *names: str) -> dict[str, Any]:
    """Fields of a form that are numbers; what is none is refused by the check that follows."""
    said = {name: typed.get(name, "") for name in names}
    return {
        name: int(it) if it.isascii() and it.isdigit() and len(it) < 16 else it or None
        for name, it in said.items()
    }
