"""Brings the pictures that imports named by their address, a few at a time, beside everything else.

Addresses go through the same guards as those of imports (`exchange.fetch`): out into the world, and inside the house
only to hosts that the administrator named. A browser is never sent to any of them.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from secrets import token_hex

import structlog
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.db import Database
from crm_core.drawn import LARGEST
from crm_core.errors import Refused
from crm_core.exchange.fetch import Account, Stamp, fetch
from crm_core.outage import is_collision, is_outage
from crm_core.outbox import announce
from crm_core.picture import Picture, drawn, put_bytes

log = structlog.get_logger(__name__)
LOOK_EVERY_S = 5.0
AT_ONCE = 3
LONGEST_S = 60.0
TAKEN = timedelta(minutes=5)  # whoever has one in hand longer is dead
AGAIN = (timedelta(minutes=5), timedelta(hours=2))  # so long after the first and second failure; then no more
Clock = Callable[[], datetime]


async def run(db: Database, folder: Path, *, quota: int, now: Clock, allowed: Collection[str]) -> None:
    """For ever. A database that is away is waited for; `allowed`: hosts that may lie inside the house."""
    while True:
        try:
            while await bring_some(db, folder, quota=quota, now=now, allowed=allowed):
                pass
        except Exception as error:
            if not (is_outage(error) or is_collision(error)):
                raise
        await asyncio.sleep(LOOK_EVERY_S)


async def bring_some(db: Database, folder: Path, *, quota: int, now: Clock, allowed: Collection[str]) -> int:
    """Fetch a few that are due; how many were looked at."""
    async with db.begin() as session:
        taken = await _take(session, at=now())
    await asyncio.gather(
        *(_bring(db, folder, id_, address, quota=quota, now=now, allowed=allowed) for id_, address in taken)
    )
    return len(taken)


async def _take(session: AsyncSession, *, at: datetime) -> Sequence[tuple[int, str]]:
    """Some that are due; they are this process's for a while."""
    due = select(Picture.id).where(Picture.due_at <= at).order_by(Picture.due_at).limit(AT_ONCE)
    mine = (await session.scalars(due.with_for_update(skip_locked=True))).all()
    taken = update(Picture).where(Picture.id.in_(mine)).values(due_at=at + TAKEN)
    found = await session.execute(taken.returning(Picture.id, Picture.address))
    return [(id_, address or "") for id_, address in found]


async def _bring(
    db: Database,
    folder: Path,
    picture_id: int,
    address: str,
    *,
    quota: int,
    now: Clock,
    allowed: Collection[str],
) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    came = folder / f"new-{token_hex(16)}"
    try:
        async with asyncio.timeout(LONGEST_S):
            await fetch(address, came, account=Account(), known=Stamp(), allowed=allowed, largest=LARGEST)
        async with drawn(came, folder) as (found, room), db.begin() as session:
            row = await session.get(Picture, picture_id, with_for_update=True)
            if row is not None:  # an import may have let it go meanwhile
                await put_bytes(session, folder, found, room, quota=quota)
                for name, value in vars(found).items():
                    setattr(row, name, value)
                row.due_at, row.problem = None, None
                await announce(session, "product", {"id": row.product_id})
    except (Refused, TimeoutError) as refused:
        async with db.begin() as session:
            await _failed(session, picture_id, str(refused) or "The other side is too slow.", at=now())
    except Exception as error:
        if is_outage(error) or is_collision(error):
            raise  # it is due again when nobody has it in hand any more
        log.exception("a picture could not be brought", picture_id=picture_id)
        why = f"Something went wrong on our side: {type(error).__name__}."
        async with db.begin() as session:
            await _failed(session, picture_id, why, at=now())
    finally:
        came.unlink(missing_ok=True)


async def _failed(session: AsyncSession, picture_id: int, why: str, *, at: datetime) -> None:
    row = await session.get(Picture, picture_id, with_for_update=True)
    if row is not None:
        row.due_at = at + AGAIN[row.tries] if row.tries < len(AGAIN) else None
        row.tries, row.problem = row.tries + 1, why
