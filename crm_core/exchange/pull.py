"""Fetches what is due or asked for, has it put in, and tells somebody when that does not go well.

Every step is written down before the next begins: a killed process leaves a run to the next one, which fetches again.
"""

import asyncio
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex

import structlog
from sqlalchemy import or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import task
from crm_core.db import Database
from crm_core.errors import Invalid, Refused
from crm_core.exchange import child, job
from crm_core.exchange.fetch import LONGEST_S, Account, Fetched, Stamp, fetch
from crm_core.exchange.nouns import noun_of
from crm_core.exchange.source import ask
from crm_core.exchange.source_rows import ImportRun, ImportSource, RunState, is_at_work
from crm_core.outage import is_collision, is_outage
from crm_core.seal import Seal, is_sealed
from crm_core.shop import Shop
from crm_core.task_rows import State as TaskState
from crm_core.task_rows import Task
from crm_core.user import Role, User

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 5.0
SILENT = timedelta(seconds=LONGEST_S + child.LONGEST_S + 60)  # whoever fetches longer is dead
COUNTS = ("created", "updated", "unchanged", "refused")
ENDED = (job.State.DONE, job.State.STOPPED, job.State.FAILED)
Clock = Callable[[], datetime]


async def run(db: Database, folder: Path, *, now: Clock, allowed: Collection[str], seal: Seal) -> None:
    """For ever; a database that is away is waited for. `allowed`: hosts that may lie inside the house; `seal` opens
    the passwords of sources."""
    while True:
        try:
            while await pull_once(db, folder, now=now, allowed=allowed, seal=seal):
                pass
        except Exception as error:
            if not (is_outage(error) or is_collision(error)):
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def pull_once(db: Database, folder: Path, *, now: Clock, allowed: Collection[str], seal: Seal) -> bool:
    """Settle what ended, ask for what is due, fetch one file; False when there is none to fetch."""
    async with db.begin() as session:
        await _settle(session, at=now())
    async with db.begin() as session:
        await _plan(session, at=now())
    async with db.begin() as session:
        taken = await _take(session, at=now())
    if taken is None:
        return False
    run_id, source = taken
    try:
        await _pull(db, run_id, source, folder, now=now, allowed=allowed, seal=seal)
    except Refused as refused:
        await _fail(db, run_id, str(refused), at=now())
    except Exception as error:
        if is_outage(error) or is_collision(error):
            raise  # it is taken up again when nobody has touched it for a while
        log.exception("a source could not be fetched", source_id=source.id)
        await _fail(db, run_id, f"Something went wrong on our side: {type(error).__name__}.", at=now())
    return True


async def _plan(session: AsyncSession, *, at: datetime) -> None:
    """Ask for every source whose time has come; one that is still at work is passed over this once."""
    due = select(ImportSource, Shop.timezone).join(Shop, Shop.id == ImportSource.shop_id)
    due = due.where(ImportSource.due_at <= at).order_by(ImportSource.due_at).limit(20)
    for source, zone in await session.execute(due.with_for_update(of=ImportSource, skip_locked=True)):
        source.due_at = source.schedule.following(source.due_at or at, at, zone)
        if not await is_at_work(session, source.id):
            await ask(session, source.id, user_id=None, at=at)


async def _take(session: AsyncSession, *, at: datetime) -> tuple[int, ImportSource] | None:
    """The oldest run that waits, or whose process is silent; it is this process's from now on."""
    waits = or_(
        ImportRun.state == RunState.WAITING,
        (ImportRun.state == RunState.FETCHING) & (ImportRun.heard_at < at - SILENT),
    )
    query = select(ImportRun).where(waits).order_by(ImportRun.id).limit(1)
    found = await session.scalar(query.with_for_update(skip_locked=True))
    if found is None:
        return None
    found.state, found.heard_at = RunState.FETCHING, at
    return found.id, await session.get_one(ImportSource, found.source_id)


async def _pull(
    db: Database,
    run_id: int,
    source: ImportSource,
    folder: Path,
    *,
    now: Clock,
    allowed: Collection[str],
    seal: Seal,
) -> None:
    """Fetch one file and have it put in. Raises `Refused`."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / token_hex(16)
    rows = path.with_suffix(".rows")
    async with db.begin() as session:
        anew = (await session.get_one(ImportRun, run_id)).anew
        await _must_work_here(session, source)
        await _sealed(session, source, seal)
    known = Stamp() if anew else Stamp(source.etag, source.modified)
    try:
        account = Account(source.username, seal.open(source.password) if source.password else None)
        came = await fetch(source.url, path, account=account, known=known, allowed=allowed)
        if came is None or (came.digest == source.digest and not anew):
            async with db.begin() as session:
                await _unchanged(session, run_id, came, at=now())
            return
        head = await child.read_file(path, rows)
        async with db.begin() as session:
            kept = await _hand_over(session, run_id, came, head, path.name, at=now())
        if not kept:
            rows.unlink(missing_ok=True)
    except BaseException:
        rows.unlink(missing_ok=True)
        raise
    finally:
        path.unlink(missing_ok=True)


async def _sealed(session: AsyncSession, source: ImportSource, seal: Seal) -> None:
    """Seal a password that was kept before there were seals."""
    kept = await session.get_one(ImportSource, source.id)
    if kept.password and not is_sealed(kept.password):
        kept.password = seal.close(kept.password)


async def _must_work_here(session: AsyncSession, source: ImportSource) -> None:
    user = await session.get(User, source.user_id) if source.user_id is not None else None
    if source.user_id is not None and (user is None or not user.active):
        raise Invalid("Whoever kept this source does not work here any more: somebody else must save it.")


async def _unchanged(session: AsyncSession, run_id: int, came: Fetched | None, *, at: datetime) -> None:
    found = await _fetching(session, run_id)
    if found is None:
        return
    found.state, found.ended_at = RunState.UNCHANGED, at
    if came is not None:  # the same file under another stamp
        found.size = came.size
        source = await session.get_one(ImportSource, found.source_id, with_for_update=True)
        source.etag, source.modified = came.stamp.etag, came.stamp.modified


async def _hand_over(
    session: AsyncSession, run_id: int, came: Fetched, head: child.Head, file: str, *, at: datetime
) -> bool:
    """Make an import of what came, and begin it where its columns are known; False when nobody waits for it now."""
    found = await _fetching(session, run_id)
    if found is None:
        return False
    source = await session.get_one(ImportSource, found.source_id, with_for_update=True)
    made = await job.begin_import(
        session, noun_of(source.noun), head, file=file, filename=came.name, shop_id=source.shop_id,
        user_id=source.user_id, purchases=source.purchases,
    )  # fmt: skip
    found.import_id, found.size, found.digest = made.id, came.size, came.digest
    found.etag, found.modified = came.stamp.etag, came.stamp.modified
    if source.columns is None:
        found.state = RunState.LOOK
        await _tell(session, source, f"Say what the columns of {came.name} mean: /imports/{made.id}", at=at)
        return True
    await session.flush()
    await job.set_columns(session, made.id, source.columns)
    await job.start(session, made.id, dry_run=False, warehouse_id=source.warehouse_id, at=at)
    return True


async def _settle(session: AsyncSession, *, at: datetime) -> None:
    """Write down what became of files that were put in."""
    ended = (
        select(ImportRun, job.Import)
        .outerjoin(job.Import, job.Import.id == ImportRun.import_id)
        .where(ImportRun.state == RunState.PUTTING, or_(job.Import.state.in_(ENDED), job.Import.id.is_(None)))
        .with_for_update(of=ImportRun, skip_locked=True)
    )
    for found, put in (await session.execute(ended)).all():
        source = await session.get_one(ImportSource, found.source_id, with_for_update=True)
        for name in COUNTS if put is not None else ():
            setattr(found, name, getattr(put, name))
        if put is None or put.state != job.State.DONE:
            await _failed(session, source, found, (put and put.error) or "It was stopped.", at=at)
            continue
        found.state, found.ended_at = RunState.DONE, at
        source.etag, source.modified, source.digest = found.etag, found.modified, found.digest
        if found.refused:
            words = f"{found.refused} of {put.rows} rows were refused: /imports/{put.id}"
            await _tell(session, source, words, at=at)
        else:
            await _all_is_well(session, source, at=at)


async def _fail(db: Database, run_id: int, why: str, *, at: datetime) -> None:
    async with db.begin() as session:
        found = await _fetching(session, run_id)
        if found is not None:
            source = await session.get_one(ImportSource, found.source_id, with_for_update=True)
            await _failed(session, source, found, why, at=at)


async def _failed(
    session: AsyncSession, source: ImportSource, found: ImportRun, why: str, *, at: datetime
) -> None:
    """It did not go well; the same trouble again is not told again."""
    before = select(ImportRun.error).where(ImportRun.source_id == source.id, ImportRun.id < found.id)
    told = await session.scalar(before.order_by(ImportRun.id.desc()).limit(1))
    found.state, found.error, found.ended_at = RunState.FAILED, why[:500], at
    if told != found.error:
        await _tell(session, source, why, at=at)


async def _fetching(session: AsyncSession, run_id: int) -> ImportRun | None:
    """The run, when it still is to be fetched."""
    found = await session.get(ImportRun, run_id, with_for_update=True, populate_existing=True)
    return found if found is not None and found.state == RunState.FETCHING else None


async def _tell(session: AsyncSession, source: ImportSource, words: str, *, at: datetime) -> None:
    """Put it before whoever looks after the source: a task, with one more comment while that is open."""
    if await _open_task(session, source) is not None:
        assert source.task_id is not None
        await task.comment(session, source.task_id, words, user_id=None, at=at)
        return
    told = await session.get(User, source.told_id or source.user_id or 0)
    whose = {"performer_id": told.id} if told is not None and told.active else {"role": Role.ADMIN}
    title = f"Import “{source.name[:150]}” needs somebody"
    made = await task.create_task(session, title=title, text=words, at=at, user_id=None, **whose)
    source.task_id = made.id


async def _all_is_well(session: AsyncSession, source: ImportSource, *, at: datetime) -> None:
    """What was told of trouble is over."""
    if await _open_task(session, source) is not None:
        assert source.task_id is not None
        await task.set_state(session, source.task_id, TaskState.DONE, user_id=None, at=at)


async def _open_task(session: AsyncSession, source: ImportSource) -> Task | None:
    found = await session.get(Task, source.task_id) if source.task_id is not None else None
    return found if found is not None and found.state == TaskState.OPEN else None
