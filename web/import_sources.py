"""Sources of imports in the API: an address whose file is fetched and put in on a schedule, or when asked."""

from collections.abc import Sequence
from datetime import datetime, time
from typing import Annotated

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.audit import record
from crm_core.errors import NotFound
from crm_core.exchange import source
from crm_core.exchange.source_rows import ImportRun, ImportSource, RunState
from crm_core.seal import Seal
from web.api import Operations
from web.fields import Answer, Clock, Given, Id, Name, Version
from web.imports import NEEDED, NounName
from web.listing import possible
from web.middleware import visitor_address
from web.rights import RUN_IMPORTS, VIEW_PURCHASES, Person, require
from web.services import services
from web.sessions import person

operations = Operations("imports")
Url = Annotated[str, StringConstraints(min_length=10, max_length=1900, pattern="^(https?|ftp)://[!-~]+$")]
Secret = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern="^[ -~]+$")]
Hours = Annotated[int, Field(ge=1, le=168)]
SHOWN_RUNS = 50


class NewSource(Given):
    """A file at an address. Fetched every `every_hours`, or daily at `daily_at` of the shop's clock; with neither only
    when asked. The first file waits until somebody says what its columns mean. `told_id` learns of trouble."""

    name: Name
    noun: NounName
    shop_id: Id
    url: Url
    username: Secret | None = None
    password: Secret | None = None
    every_hours: Hours | None = None
    daily_at: Clock | None = None
    told_id: Id | None = None


class SourceChange(Given):
    """What shall be different; what is absent stays, also the password."""

    version: Version
    name: Name = ""
    url: Url = ""
    username: Secret | None = None
    password: Secret | None = None
    every_hours: Hours | None = None
    daily_at: Clock | None = None
    told_id: Id | None = None


class SourceAnswer(Answer):
    """A source. `columns`: null until somebody put the first file in; then `due_at` is its next time."""

    id: int
    name: str
    noun: NounName
    shop_id: int
    url: str
    username: str | None
    has_password: bool
    every_hours: int | None
    daily_at: time | None
    due_at: datetime | None
    columns: dict[str, str] | None
    told_id: int | None
    user_id: int | None
    task_id: int | None
    version: int
    created_at: datetime


class RunAnswer(Answer):
    """One time it was fetched: `import_id` is what came of it, `asked_by` nobody when the schedule did."""

    id: int
    state: RunState
    asked_by: int | None
    anew: bool
    import_id: int | None
    size: int | None
    created: int
    updated: int
    unchanged: int
    refused: int
    error: str | None
    created_at: datetime
    ended_at: datetime | None


class FetchWanted(Given):
    """`anew`: put it in even if it is the same as last time."""

    anew: bool = False


@operations.get("/import-sources", right=RUN_IMPORTS)
async def get_import_sources(request: web.Request) -> list[SourceAnswer]:
    """Every source by name."""
    async with services(request).db.begin() as session:
        return [SourceAnswer.model_validate(it) for it in await allowed_sources(session, person(request))]


@operations.post("/import-sources", right=RUN_IMPORTS, errors=(409,))
async def post_import_source(request: web.Request, body: NewSource) -> SourceAnswer:
    """Keep a source. 409 for an address that can not be, an unknown shop or colleague, a name in use."""
    require(person(request), NEEDED[body.noun])
    return await _save(request, None, body)


@operations.get("/import-sources/{source_id}", right=RUN_IMPORTS)
async def get_import_source(request: web.Request, source_id: Id) -> SourceAnswer:
    """One source."""
    async with services(request).db.begin() as session:
        return SourceAnswer.model_validate(await allowed_source(session, person(request), source_id))


@operations.patch("/import-sources/{source_id}", right=RUN_IMPORTS, errors=(409,))
async def patch_import_source(request: web.Request, source_id: Id, body: SourceChange) -> SourceAnswer:
    """Change a source; it is fetched in the name of whoever did that. 409 while it is at work, and when stale."""
    async with services(request).db.begin() as session:
        await allowed_source(session, person(request), source_id)
    return await _save(request, source_id, body)


@operations.delete("/import-sources/{source_id}", right=RUN_IMPORTS, errors=(409,))
async def delete_import_source(request: web.Request, source_id: Id) -> None:
    """Fetch it never again; what was put in stays. 409 while it is at work."""
    async with services(request).db.begin() as session:
        found = await allowed_source(session, person(request), source_id)
        await _note(request, session, "remove", found)
        await source.remove_source(session, source_id)


@operations.post("/import-sources/{source_id}/runs", right=RUN_IMPORTS, errors=(409,))
async def post_import_run(request: web.Request, source_id: Id, body: FetchWanted) -> RunAnswer:
    """Fetch it now, beside everything else. 409 while it is at work."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        found = await allowed_source(session, who, source_id)
        await _note(request, session, "fetch", found)
        run = await source.ask(session, source_id, user_id=who.user_id, at=parts.now(), anew=body.anew)
        return RunAnswer.model_validate(run)


@operations.get("/import-sources/{source_id}/runs", right=RUN_IMPORTS)
async def get_import_runs(request: web.Request, source_id: Id) -> list[RunAnswer]:
    """The last fifty times it was fetched, newest first."""
    async with services(request).db.begin() as session:
        return [RunAnswer.model_validate(it) for it in await runs_of(session, person(request), source_id)]


async def allowed_sources(session: AsyncSession, who: Person) -> list[ImportSource]:
    """The sources of what this person may edit, by name; those that say what goods cost for who may see it."""
    mine = [noun for noun, right in NEEDED.items() if who.may(right)]
    query = select(ImportSource).where(ImportSource.noun.in_(mine)).order_by(ImportSource.name)
    if not who.may(VIEW_PURCHASES):
        query = query.where(~ImportSource.purchases)
    return list(await session.scalars(query))


async def allowed_source(session: AsyncSession, who: Person, source_id: int) -> ImportSource:
    """The source, when this person may edit what it brings. Raises `NotFound`, `Forbidden`."""
    found = await source.get_source(session, source_id)
    require(who, NEEDED[found.noun])
    if found.purchases and not who.may(VIEW_PURCHASES):
        raise NotFound("There is no such source.")
    return found


async def runs_of(session: AsyncSession, who: Person, source_id: int) -> list[ImportRun]:
    """The last times it was fetched."""
    await allowed_source(session, who, source_id)
    return await source.list_runs(session, source_id, limit=SHOWN_RUNS)


async def _save(request: web.Request, source_id: int | None, body: NewSource | SourceChange) -> SourceAnswer:
    parts, who = services(request), person(request)
    given = body.model_dump(exclude_unset=source_id is not None, exclude={"version"})
    if given.get("password"):
        given["password"] = Seal(parts.settings.secret_key_bytes).close(given["password"])
    async with parts.db.begin() as session:
        with possible():
            saved = await source.save_source(
                session,
                source_id,
                given,
                version=getattr(body, "version", None),
                user_id=who.user_id,
                purchases=who.may(VIEW_PURCHASES),
                at=parts.now(),
            )
        await _note(request, session, "add" if source_id is None else "change", saved, sorted(given))
        return SourceAnswer.model_validate(saved)


async def _note(
    request: web.Request, session: AsyncSession, verb: str, about: ImportSource, fields: Sequence[str] = ()
) -> None:
    """Who did what to a source; what was put in is noted with each import."""
    detail = {"name": about.name, "url": about.url} | ({"fields": fields} if fields else {})
    await record(
        session, user_id=person(request).user_id, action=f"import_source.{verb}",
        object_kind="import_source", object_id=about.id, detail=detail, address=visitor_address(request),
    )  # fmt: skip
