"""Works off imports, one after the other, beside everything else that the process does."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path

import structlog
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit
from crm_core.db import Database
from crm_core.exchange import child
from crm_core.exchange.house import habits_of
from crm_core.exchange.job import SILENT as SILENT
from crm_core.exchange.job import Import, RefusedImportRow, State, fail, get_import, take_next
from crm_core.exchange.noun import Putting
from crm_core.exchange.rows import Outcome, grouped, put_rows, remember
from crm_core.exchange.table import Row
from crm_core.outage import is_collision, is_outage
from crm_core.shop import Shop

log = structlog.get_logger(__name__)
AT_ONCE = 50  # things put in within one transaction: nobody waits long for what these lock
LOOK_EVERY_S = 1.0
COUNTS = ("created", "updated", "unchanged")
Clock = Callable[[], datetime]
Group = Sequence[Row]


async def run(db: Database, folder: Path, *, now: Clock) -> None:
    """For ever. A database that is away is waited for."""
    while True:
        try:
            while await work_once(db, folder, now=now):
                pass
        except Exception as error:
            if not (is_outage(error) or is_collision(error)):
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def work_once(db: Database, folder: Path, *, now: Clock) -> bool:
    """Carry out one import that waits; False when there is none."""
    async with db.begin() as session:
        found = await take_next(session, at=now())
    if found is None:
        return False
    try:
        await perform(db, found, folder, now=now)
    except Exception as error:
        if is_outage(error) or is_collision(error):
            raise  # it is taken up again when nobody has touched it for a while
        # A bug here must not silence the telephones: the process goes on, and the page says what happened.
        log.exception("import failed", import_id=found.id)
        why = f"Something went wrong on our side after row {found.done}: {type(error).__name__}."
        if isinstance(error, FileNotFoundError):
            why = "The rows of this file are not here any more; upload it again."
        async with db.begin() as session:
            await fail(session, found.id, why, at=now())
    return True


async def perform(
    db: Database, found: Import, folder: Path, *, now: Clock, told: Callable[[int], None] = lambda done: None
) -> None:
    """Put in what is left of an import that is running; `told`: how many rows are behind us."""
    groups = grouped(found.plug, found.columns, child.rows(found.rows_in(folder)))
    seen, done = await _taken_up(db, found, groups)
    while bite := list(islice(groups, AT_ONCE)):
        if not await _put(db, found.id, bite, seen, done, now=now):
            return
        done += sum(map(len, bite))
        told(done)
    async with db.begin() as session:
        ended = await get_import(session, found.id, lock=True)
        if ended.state != State.RUNNING:
            return
        ended.state, ended.ended_at = State.DONE, now()
        if not ended.dry_run:
            counts = {name: getattr(ended, name) for name in (*COUNTS, "refused")}
            detail = {**counts, "file": ended.filename, "shop_id": ended.shop_id}
            await audit.record(
                session, user_id=ended.user_id, action=f"{ended.noun[:-1]}.import", object_kind="import",
                object_id=ended.id, detail=detail,
            )  # fmt: skip
    if not found.dry_run:
        found.rows_in(folder).unlink(missing_ok=True)


async def _taken_up(db: Database, found: Import, groups: Iterator[Group]) -> tuple[dict[str, int], int]:
    """What the rows that are behind us were about, and how many they are; `groups` is left at the next one."""
    if not found.done:
        return {}, 0
    async with db.begin() as session:
        refused = select(RefusedImportRow.place).where(RefusedImportRow.import_id == found.id)
        places = set(await session.scalars(refused))
        to = await _putting(session, found, at=found.created_at, seen={})
    return to.seen, remember(to, found.plug, found.columns, _up_to(groups, found.done), places)


def _up_to(groups: Iterable[Group], rows: int) -> Iterator[Group]:
    left = rows
    while left > 0 and (group := next(iter(groups), None)):
        left -= len(group)
        yield group


async def _put(
    db: Database, import_id: int, groups: Sequence[Group], seen: dict[str, int], done: int, *, now: Clock
) -> bool:
    """Put some in, and say so in the same transaction; False when it was stopped or taken by another."""
    async with db.begin() as session:
        found = await get_import(session, import_id, lock=True)
        if found.state != State.RUNNING or found.done != done:
            return False
        to = await _putting(session, found, at=now(), seen=seen)
        rehearsal = await session.begin_nested() if found.dry_run else None
        outcome = await put_rows(to, found.plug, found.columns, groups)
        await session.flush()
        if rehearsal is not None:
            await rehearsal.rollback()
            await session.refresh(found)
        _count(found, outcome, at=now())
        if outcome.refused:
            rows = [
                {"import_id": import_id, "place": it.row.place, "reason": it.reason, "cells": it.row.cells}
                for it in outcome.refused
            ]
            await session.execute(insert(RefusedImportRow), rows)
    return True


def _count(found: Import, outcome: Outcome, *, at: datetime) -> None:
    found.done, found.heard_at = found.done + outcome.rows, at
    found.refused += len(outcome.refused)
    for name in COUNTS:
        setattr(found, name, getattr(found, name) + getattr(outcome, name))


async def _putting(session: AsyncSession, found: Import, *, at: datetime, seen: dict[str, int]) -> Putting:
    shop = await session.get_one(Shop, found.shop_id)
    habits = await habits_of(session, shop)
    return Putting(
        session=session, habits=habits, shop_id=shop.id, user_id=found.user_id, at=at,
        warehouse_id=found.warehouse_id, seen=seen,
    )  # fmt: skip
