"""Pages of imports: the list with a form for a file, and one import from its columns to its end."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.errors import Conflict, Invalid
from crm_core.exchange import source_rows, table
from crm_core.exchange.job import AT_WORK
from crm_core.exchange.mapping import list_mappings, load_mapping
from crm_core.exchange.noun import PROPERTY
from crm_core.exchange.source import last_runs, source_of
from crm_core.read.page import Page
from crm_core.stock import list_warehouses
from web import imports
from web.errors import Refusal
from web.forms import checked, sentence, settle
from web.import_sources import allowed_sources
from web.listing import Listed
from web.pages import Flash, Pages, go, number_in, read_filters, render, shops_to_choose, turn
from web.rights import RUN_IMPORTS, require
from web.services import services
from web.sessions import person
from web.uploads import receive_form

pages = Pages()
LABELS = {"products": "Products", "customers": "Customers", "orders": "Orders"}


@pages.get("/imports", right=RUN_IMPORTS)
async def show_imports(request: web.Request) -> web.Response:
    """The newest imports, and a form for a file."""
    return await _list(request)


async def _list(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    filters = read_filters(request, Listed)
    found = await imports.get_imports(request, filters)
    async with services(request).db.begin() as session:
        shops = await shops_to_choose(session)
        sources = await allowed_sources(session, person(request))
        last = await last_runs(session, [it.id for it in sources])
    may = person(request).may
    context = {
        "rows": found.items,
        "pages": turn(request, Page(found.items, found.next)),
        "shops": shops,
        "nouns": [(name, LABELS[name]) for name, right in imports.NEEDED.items() if may(right)],
        "labels": LABELS,
        "noun": request.query.get("noun", ""),
        "at_work": any(row.state in AT_WORK for row in found.items)
        or any(run.state in source_rows.AT_WORK for run in last.values()),
        "sources": [(it, last.get(it.id)) for it in sources],
    }
    return render(request, "imports.html", context, flash=flash, typed=typed)


@pages.post("/imports", right=RUN_IMPORTS)
async def send_file(request: web.Request) -> web.Response:
    """Take a file and show how its columns are understood."""
    typed: dict[str, str] = {}
    try:
        typed, file, name = await receive_form(request, services(request).settings.imports_dir, table.LARGEST)
        try:
            shop = {"shop_id": int(typed["shop_id"])} if typed.get("shop_id", "").isdecimal() else {}
            given = checked(imports.NewImport, typed, filename=name[:200], **shop)
            require(person(request), imports.NEEDED[given.noun])
        except BaseException:
            file.unlink(missing_ok=True)
            raise
        made = await imports.begin(request, given, file)
    except (Conflict, Invalid, Refusal) as refusal:
        return await _list(request, Flash("bad", sentence(refusal)), typed)
    return go(f"/imports/{made.id}")


@pages.get("/imports/{import_id}", right=RUN_IMPORTS)
async def show_import(request: web.Request) -> web.Response:
    """One import; while it is at work the page comes again by itself."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    found = await imports.get_one_import(request, number_in(request, "import_id"))
    async with services(request).db.begin() as session:
        refused = await imports.some_refused(session, found.id)
        kept = await list_mappings(session, found.noun)
        warehouses = await list_warehouses(session, found.shop_id)
        came_from = await source_of(session, found.id)
    context = {
        "it": found,
        "source": came_from,
        "refused": refused,
        "mappings": [(row.name, row.name) for row in kept if set(row.columns) <= set(found.headings)],
        "warehouses": [(row.id, row.name) for row in warehouses] if found.noun == "products" else [],
        "cells": [{cell.heading: cell for cell in row.cells} for row in found.first],
        "properties": found.noun == "products",
        "property": PROPERTY,
        "labels": LABELS,
        "at_work": found.state in AT_WORK,
        "ended": found.state == "done" and not found.dry_run,
        "problems": sum(1 for row in found.first for cell in row.cells if cell.error),
    }
    return render(request, "import.html", context, flash=flash, typed=typed)


@pages.post("/imports/{import_id}", right=RUN_IMPORTS)
async def act_on_import(request: web.Request) -> web.Response:
    """What the button says: look again with these columns, take kept ones, rehearse, put in."""
    import_id = number_in(request, "import_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        found = await imports.get_one_import(request, import_id)
        act = typed.get("act", "look")
        columns = _columns(found.headings, typed)
        if act == "take" and typed.get("mapping"):
            async with services(request).db.begin() as session:
                columns = await load_mapping(session, found.noun, typed["mapping"])
        keep_as = typed.get("keep_as") or None
        told = imports.Columns.model_validate({"columns": columns, "keep_as": keep_as})
        await imports.put_import_columns(request, import_id, told)
        if act in ("rehearse", "put"):
            begin = checked(imports.Begin, {}, dry_run=act == "rehearse", **_warehouse(typed))
            await imports.run_import(request, import_id, begin)
        return go(f"/imports/{import_id}")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/imports/{import_id}/stop", right=RUN_IMPORTS)
async def stop(request: web.Request) -> web.Response:
    """Leave it where it is."""
    import_id = number_in(request, "import_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await imports.stop_import(request, import_id)
        return go(f"/imports/{import_id}")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _columns(headings: list[str], typed: Mapping[str, str]) -> dict[str, str]:
    """Heading -> what was chosen for it; the form names its columns by their places."""
    chosen = {heading: typed.get(f"column-{n}", "") for n, heading in enumerate(headings)}
    return {heading: meaning for heading, meaning in chosen.items() if meaning}


def _warehouse(typed: Mapping[str, str]) -> dict[str, int]:
    written = typed.get("warehouse_id", "")
    return {"warehouse_id": int(written)} if written.isascii() and written.isdigit() else {}
