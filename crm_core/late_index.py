"""Indexes of tables so big that a start must not wait for them: built beside the work, without locking anybody out.

A migration builds such an index at once where the table is small. What is missing is built here; until it is there
`is_ready` is False, and whoever searches makes do without it.
"""

import asyncio
import logging
from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession

from crm_core.db import Database
from crm_core.outage import is_outage

LATE = {
    "ix_phrases_words": "phrases USING gin (phrase_words(text))",
    "ix_orders_of_customer": "orders (customer_id, created_at DESC, id DESC)",
    "ix_customer_numbers_parts": "customer_numbers USING gin (number_parts(e164))",
    "ix_calls_parts": "calls USING gin (number_parts(remote_e164)) WHERE customer_id IS NULL",
}
INSTEAD = {"ix_orders_of_customer": "ix_orders_customer"}
"""What was used until then, and is dropped."""
LOCK = 0x696E6478  # one process builds
TRY_AGAIN_S = 60.0
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Building:
    """An index that is not there yet; `share` of it is done, None: nobody is at it at this moment."""

    name: str
    share: float | None


async def is_ready(session: AsyncSession, *names: str) -> bool:
    """Whether these indexes are whole."""
    whole: int = await session.scalar(text(_WHOLE), {"names": list(names)}) or 0
    return whole == len(names)


async def missing(session: AsyncSession) -> list[Building]:
    """The indexes that are still to be built, and how far that is."""
    found = []
    for name in LATE:
        if not await is_ready(session, name):
            found.append(Building(name, await session.scalar(text(_SHARE), {"name": name})))
    return found


async def build(database: Database) -> bool:
    """Build what is missing; whether nothing is now. False while another process builds."""
    async with database.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        if not await connection.scalar(text("SELECT pg_try_advisory_lock(:lock)"), {"lock": LOCK}):
            return False
        try:
            for name, what in LATE.items():
                await _build(connection, name, what)
        finally:
            await connection.invalidate()  # closed, it lets go of the lock, however the building ended
    return True


async def _build(connection: AsyncConnection, name: str, what: str) -> None:
    valid = await connection.scalar(text(_VALID), {"name": name})
    if valid:
        return
    if valid is False:  # what an interrupted build left
        await connection.execute(text(f"DROP INDEX CONCURRENTLY {name}"))
    log.info("building the index %s", name)
    await connection.execute(text(f"CREATE INDEX CONCURRENTLY {name} ON {what}"))
    if name in INSTEAD:
        await connection.execute(text(f"DROP INDEX CONCURRENTLY IF EXISTS {INSTEAD[name]}"))
    log.info("the index %s is built", name)


async def keep_building(database: Database) -> None:
    """Until nothing is missing; an outage of the database is waited for."""
    while True:
        try:
            if await build(database):
                return
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("an index is not built: the database is away: %s", type(error).__name__)
        await asyncio.sleep(TRY_AGAIN_S)


_WHOLE = """SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE c.relname = ANY(CAST(:names AS text[])) AND pg_table_is_visible(c.oid) AND i.indisvalid"""
_VALID = "SELECT i.indisvalid FROM pg_index i WHERE i.indexrelid = to_regclass(CAST(:name AS text))"
_SHARE = """SELECT coalesce(p.blocks_done::float / nullif(p.blocks_total, 0), 0)
    FROM pg_stat_progress_create_index p WHERE p.index_relid = to_regclass(CAST(:name AS text)) LIMIT 1"""
