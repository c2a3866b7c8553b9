"""Sources of imports: kept, changed, fetched when asked. `pull.py` fetches what is due."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.outside import place_of
from crm_core.exchange.source_rows import ImportRun, ImportSource, RunState, is_at_work
from crm_core.shop import Shop
from crm_core.user import User

EDITABLE = frozenset(
    ("name", "noun", "shop_id", "url", "username", "password", "every_hours", "daily_at", "told_id")
)
_WHERE = {"url", "username", "password"}  # another file may lie there
_WHAT = {"noun", "shop_id"}  # its columns mean something else


async def save_source(
    session: AsyncSession,
    source_id: int | None,
    given: Mapping[str, Any],
    *,
    version: int | None = None,
    user_id: int | None,
    purchases: bool,
    at: datetime,
) -> ImportSource:
    """Keep a new source (`source_id` None), or change the fields in `given`; it is fetched as `user_id` from now on.

    `purchases`: this person may say what goods cost us. Raises `NotFound`, `Invalid`, `Conflict`.
    """
    source = ImportSource() if source_id is None else await get_source(session, source_id, lock=True)
    if source_id is not None:
        if source.version != version:
            raise Conflict(f"{source.name} was changed by somebody else meanwhile.")
        if await is_at_work(session, source.id):
            raise Conflict(f"{source.name} is being fetched; change it when that is over.")
        source.version += 1
    before = {name: getattr(source, name) for name in EDITABLE}
    for name, value in given.items():
        setattr(source, name, value)
    changed = {name for name in EDITABLE if getattr(source, name) != before[name]}
    await _check(session, source)
    source.user_id, source.purchases = user_id, purchases
    if changed & _WHAT:
        source.columns = source.warehouse_id = None
    if changed & (_WHERE | _WHAT):
        source.etag = source.modified = source.digest = None
    shop = await session.get_one(Shop, source.shop_id)
    source.due_at = source.schedule.next_after(at, shop.timezone) if source.columns is not None else None
    session.add(source)
    await session.flush()
    return source


async def get_source(session: AsyncSession, source_id: int, *, lock: bool = False) -> ImportSource:
    """The source. Raises `NotFound`."""
    found = await session.get(ImportSource, source_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound("There is no such source.")
    return found


async def remove_source(session: AsyncSession, source_id: int) -> None:
    """Fetch it never again; what was put in stays. Raises `NotFound`, `Conflict` while it is at work."""
    source = await get_source(session, source_id, lock=True)
    if await is_at_work(session, source.id):
        raise Conflict(f"{source.name} is being fetched; remove it when that is over.")
    await session.delete(source)


async def ask(
    session: AsyncSession, source_id: int, *, user_id: int | None, at: datetime, anew: bool = False
) -> ImportRun:
    """Have it fetched now; `anew`: and put in even if it has not changed. Raises `NotFound`, `Conflict`."""
    source = await get_source(session, source_id, lock=True)
    if await is_at_work(session, source.id):
        raise Conflict(f"{source.name} is being fetched already.")
    await session.execute(
        update(ImportRun)
        .where(ImportRun.source_id == source.id, ImportRun.state == RunState.LOOK)
        .values(state=RunState.LEFT, ended_at=at)
    )
    run = ImportRun(source_id=source.id, asked_by=user_id, anew=anew, state=RunState.WAITING, created_at=at)
    session.add(run)
    await session.flush()
    return run


async def list_runs(session: AsyncSession, source_id: int, *, limit: int) -> list[ImportRun]:
    """How often it was fetched, the last time first."""
    runs = select(ImportRun).where(ImportRun.source_id == source_id)
    return list(await session.scalars(runs.order_by(ImportRun.id.desc()).limit(limit)))


async def last_runs(session: AsyncSession, source_ids: Sequence[int]) -> dict[int, ImportRun]:
    """The last time each of these was fetched."""
    newest = (
        select(func.max(ImportRun.id))
        .where(ImportRun.source_id.in_(source_ids))
        .group_by(ImportRun.source_id)
    )
    return {
        it.source_id: it for it in await session.scalars(select(ImportRun).where(ImportRun.id.in_(newest)))
    }


async def source_of(session: AsyncSession, import_id: int) -> ImportSource | None:
    """Where an import was fetched from; None for one that somebody sent."""
    query = select(ImportSource).join(ImportRun, ImportRun.source_id == ImportSource.id)
    found: ImportSource | None = await session.scalar(query.where(ImportRun.import_id == import_id))
    return found


async def forget_runs(session: AsyncSession, *, before: datetime) -> None:
    """Remove what is long over."""
    await session.execute(delete(ImportRun).where(ImportRun.ended_at < before))


async def _check(session: AsyncSession, source: ImportSource) -> None:
    source.name = " ".join((source.name or "").split())[:200]
    if not source.name:
        raise Invalid("A source needs a name.", "name")
    with session.no_autoflush:
        same = select(ImportSource.id).where(
            ImportSource.name == source.name, ImportSource.id != (source.id or 0)
        )
        if await session.scalar(same) is not None:
            raise Conflict(f"There is a source {source.name[:60]} already.")
        if await session.get(Shop, source.shop_id) is None:
            raise Invalid(f"There is no shop {source.shop_id}.", "shop_id")
        told = await session.get(User, source.told_id) if source.told_id is not None else None
    if source.told_id is not None and (told is None or not told.active):
        raise Invalid("Choose a colleague who works here.", "told_id")
    noun_of(source.noun)
    if source.every_hours is not None and source.daily_at is not None:
        raise Invalid("Say either every how many hours, or daily at what time.", "daily_at")
    place = place_of(source.url)
    if place.scheme == "ftp" and not place.path.strip("/"):
        raise Invalid("The address names no file.", "url")
