"""Imports in the API: a file is sent, its columns are told, it is rehearsed and put in beside everything else."""

import asyncio
from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import record
from crm_core.errors import NotFound
from crm_core.exchange import child, job, table
from crm_core.exchange.house import habits_of
from crm_core.exchange.job import Import, RefusedImportRow, State
from crm_core.exchange.kinds import Habits
from crm_core.exchange.mapping import list_mappings, save_mapping
from crm_core.exchange.noun import CUSTOM
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.preview import FIRST, preview
from crm_core.exchange.refused import refused_file, refused_sheet
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.shop import Shop
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id
from web.listing import Listed, Listing, possible
from web.middleware import visitor_address
from web.rights import (
    EDIT_CUSTOMERS,
    EDIT_ORDERS,
    EDIT_PRODUCTS,
    RUN_IMPORTS,
    VIEW_PURCHASES,
    Person,
    require,
)
from web.services import services
from web.sessions import person
from web.uploads import receive_body

operations = Operations("imports")
NounName = Literal["products", "customers", "orders"]
NEEDED = {"products": EDIT_PRODUCTS, "customers": EDIT_CUSTOMERS, "orders": EDIT_ORDERS}
CSV, XLSX = "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
Heading = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=VISIBLE)]
FileName = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=VISIBLE)]
SORTS = (Sort(Import.id, "id", page.number, down=True),)


class NewImport(Given):
    """What is in the file, and whose it is: its shop says country and time zone of what names none."""

    noun: NounName
    shop_id: Id
    filename: FileName = "file"


class Columns(Given):
    """Heading -> field, or `property:NAME` of a product; `keep_as`: a name to keep this under."""

    columns: Annotated[dict[Heading, Heading], Field(max_length=200)]
    keep_as: FileName | None = None


class Begin(Given):
    """How: `dry_run` says what would become of it and changes nothing."""

    dry_run: bool
    warehouse_id: Id | None = None


class ImportAnswer(Answer):
    """An import. `done` of `rows` are behind us; things are counted in created, updated, unchanged, rows in refused."""

    id: int
    noun: NounName
    shop_id: int
    filename: str
    state: State
    dry_run: bool
    rows: int
    done: int
    created: int
    updated: int
    unchanged: int
    refused: int
    error: str | None
    headings: list[str]
    columns: dict[str, str]
    user_id: int | None
    created_at: datetime
    ended_at: datetime | None


class CellAnswer(Answer):
    """What was understood of a cell, or what is wrong with it."""

    heading: str
    value: str
    error: str | None


class RowAnswer(Answer):
    """A row of the file as it would be read."""

    place: int
    cells: list[CellAnswer]


class FieldAnswer(Answer):
    """What a column can mean."""

    name: str
    label: str


class ImportPage(ImportAnswer):
    """One import with its first rows and what its columns can mean."""

    first: list[RowAnswer]
    fields: list[FieldAnswer]


class MappingsQuery(Given):
    """Of what."""

    noun: NounName


class MappingAnswer(Answer):
    """What columns mean, kept under a name."""

    name: str
    columns: dict[str, str]


@operations.get("/imports", right=RUN_IMPORTS, errors=(404,))
async def get_imports(request: web.Request, query: Listed) -> Listing[ImportAnswer]:
    """Imports, the newest first."""
    mine = [name for name, right in NEEDED.items() if person(request).may(right)]
    async with services(request).db.begin() as session:
        wanted = select(*Import.__table__.c).where(Import.noun.in_(mine))
        found: Page[dict[str, Any]] = await page.load(
            session, wanted, SORTS, dict, after=query.after, limit=query.limit
        )
    rows = [ImportAnswer.model_validate(row) for row in found.rows]
    return Listing[ImportAnswer].model_validate({"rows": rows, "next": found.next})


@operations.post("/imports", right=RUN_IMPORTS, errors=(409,), accepts="application/octet-stream")
async def post_import(request: web.Request, query: NewImport) -> ImportPage:
    """Send a file, at most 50 MB; it is read, and nothing is put in yet. 409 for one that can not be read."""
    require(person(request), NEEDED[query.noun])
    return await begin(
        request, query, await receive_body(request, services(request).settings.imports_dir, table.LARGEST)
    )


async def begin(request: web.Request, given: NewImport, file: Path) -> ImportPage:
    """Read a file that was received, and keep its rows."""
    parts, who = services(request), person(request)
    rows = file.with_suffix(".rows")
    try:
        with possible():
            head = await child.read_file(file, rows)
            async with parts.db.begin() as session:
                made = await job.begin_import(
                    session, noun_of(given.noun), head, file=file.name, filename=given.filename,
                    shop_id=given.shop_id, user_id=who.user_id, purchases=who.may(VIEW_PURCHASES),
                )  # fmt: skip
                return await whole(session, request, made)
    except BaseException:
        rows.unlink(missing_ok=True)
        raise
    finally:
        file.unlink(missing_ok=True)


@operations.get("/imports/{import_id}", right=RUN_IMPORTS)
async def get_one_import(request: web.Request, import_id: Id) -> ImportPage:
    """One import, its first rows as they would be read, what its columns can mean."""
    async with services(request).db.begin() as session:
        return await whole(session, request, await allowed(session, person(request), import_id))


@operations.put("/imports/{import_id}/columns", right=RUN_IMPORTS, errors=(409,))
async def put_import_columns(request: web.Request, import_id: Id, body: Columns) -> ImportPage:
    """Say what its columns mean; 409 while it is at work and when it was put in."""
    async with services(request).db.begin() as session:
        found = await allowed(session, person(request), import_id)
        with possible():
            found = await job.set_columns(session, import_id, body.columns)
        if body.keep_as is not None:
            await save_mapping(session, found.noun, body.keep_as, body.columns)
        return await whole(session, request, found)


@operations.post("/imports/{import_id}/run", right=RUN_IMPORTS, errors=(409,), status=200)
async def run_import(request: web.Request, import_id: Id, body: Begin) -> ImportAnswer:
    """Put it in, or rehearse it; it is done in the background."""
    async with services(request).db.begin() as session:
        await allowed(session, person(request), import_id)
        with possible():
            found = await job.start(
                session,
                import_id,
                dry_run=body.dry_run,
                warehouse_id=body.warehouse_id,
                at=services(request).now(),
            )
        return ImportAnswer.model_validate(found)


@operations.post("/imports/{import_id}/stop", right=RUN_IMPORTS, errors=(409,), status=200)
async def stop_import(request: web.Request, import_id: Id) -> ImportAnswer:
    """Leave it where it is; what was put in stays."""
    async with services(request).db.begin() as session:
        await allowed(session, person(request), import_id)
        return ImportAnswer.model_validate(await job.stop(session, import_id, at=services(request).now()))


@operations.get("/imports/{import_id}/refused", right=RUN_IMPORTS, produces=f"{CSV}, {XLSX}")
async def get_refused_rows(request: web.Request, import_id: Id) -> web.Response:
    """The rows that were not put in, with their reasons, in the form in which they came."""
    who = person(request)
    async with services(request).db.begin() as session:
        found = await allowed(session, who, import_id)
        refused = await job.refused_rows(session, import_id)
        await record(
            session, user_id=who.user_id, action=f"{found.noun[:-1]}.export", object_kind="import",
            object_id=import_id, detail={"refused_rows": len(refused)}, address=visitor_address(request),
        )  # fmt: skip
    _, end = refused_sheet(found)
    content = await asyncio.to_thread(refused_file, found, refused)
    name = f"refused-{Path(found.filename).stem or 'rows'}.{end}"
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
        "Cache-Control": "no-store",
    }
    return web.Response(body=content, content_type=XLSX if end == "xlsx" else CSV, headers=headers)


@operations.get("/import-mappings", right=RUN_IMPORTS)
async def get_import_mappings(request: web.Request, query: MappingsQuery) -> list[MappingAnswer]:
    """What columns mean, as kept."""
    require(person(request), NEEDED[query.noun])
    async with services(request).db.begin() as session:
        return [MappingAnswer.model_validate(it) for it in await list_mappings(session, query.noun)]


async def allowed(session: AsyncSession, who: Person, import_id: int) -> Import:
    """The import, when this person may edit what is in it; purchase prices are for who may see them.

    Raises `NotFound`, `Forbidden`.
    """
    found = await job.get_import(session, import_id)
    require(who, NEEDED[found.noun])
    if found.purchases and not who.may(VIEW_PURCHASES):
        raise NotFound("There is no such import.")
    return found


async def whole(session: AsyncSession, request: web.Request, found: Import) -> ImportPage:
    """The import as its page shows it."""
    shop = await session.get_one(Shop, found.shop_id)
    path = found.rows_in(services(request).settings.imports_dir)
    first = list(islice(child.rows(path), FIRST)) if path.exists() else []
    habits = await habits_of(session, shop)
    read = preview(found.plug, found.columns, first, habits)
    above = ImportAnswer.model_validate(found).model_dump()
    fields = [*fields_of(found), *own_fields(found, habits)]
    return ImportPage.model_validate({**above, "first": read, "fields": fields})


def fields_of(found: Import) -> Iterator[FieldAnswer]:
    """What a column of this import can mean."""
    for field in found.plug.fields:
        if found.purchases or not field.purchase:
            yield FieldAnswer(name=field.name, label=field.label)


def own_fields(found: Import, habits: Habits) -> Iterator[FieldAnswer]:
    """The fields that the house made itself for what is in this import."""
    for code, rule in habits.fields.get(found.noun, {}).items() if found.plug.custom else ():
        yield FieldAnswer(name=CUSTOM + code, label=rule.name)


async def some_refused(session: AsyncSession, import_id: int) -> list[RefusedImportRow]:
    """The first refused rows, for a page."""
    return await job.refused_rows(session, import_id, limit=50)
