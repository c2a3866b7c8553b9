"""One caller at a time: the customer of a click-to-call is ours before the switchboard is asked to dial."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.errand import Errand
from callcenter.linking import customer_of, owner_of
from crm_core import dial_lock
from crm_core.callback import Callback
from crm_core.db import Database
from crm_core.dial_rule import check_dial
from crm_core.outage import is_outage

log = structlog.get_logger(__name__)


@asynccontextmanager
async def alone(
    db: Database, errand: Errand, call_id: UUID, now: datetime, *, anyway: bool = False
) -> AsyncIterator[None]:
    """Nobody else calls this customer inside; given back when no call comes of it, else by whoever writes its end.

    Raises `EngagedNow`, and unless `anyway` `DialRefused`. Calls to colleagues need no lock, and without a database a
    call is worth more than one.
    """
    taken = errand.number.startswith("+") and await _lock(db, errand, call_id, now, anyway=anyway)
    try:
        yield
    except Exception:
        if taken:
            async with db.begin() as session:
                await dial_lock.free(session, call_id)
        raise


async def may_be_called(session: AsyncSession, errand: Errand, now: datetime) -> None:
    """Raises `DialRefused` for somebody who is not to be called now: before anything is asked about the call."""
    if errand.number.startswith("+"):
        customer_id = await _customer(session, errand)
        await check_dial(session, number=errand.number, customer_id=customer_id, now=now)


async def _lock(db: Database, errand: Errand, call_id: UUID, now: datetime, *, anyway: bool) -> bool:
    try:
        async with db.begin() as session:
            customer_id = await _customer(session, errand)
            if not anyway:
                await check_dial(session, number=errand.number, customer_id=customer_id, now=now)
            await dial_lock.lock(
                session,
                number=errand.number,
                customer_id=customer_id,
                call_id=call_id,
                user_id=errand.user_id,
                now=now,
            )
    except Exception as error:
        if not is_outage(error):
            raise
        log.warning("dialling without a lock: the database is away", error=type(error).__name__)
        return False
    return True


async def _customer(session: AsyncSession, errand: Errand) -> int | None:
    """Who is called: as it was said, else whose order, deal or callback it is, else the owner of the number."""
    if errand.customer_id is not None:
        return errand.customer_id
    if found := await customer_of(session, errand.target):
        return found
    planned = await session.get(Callback, errand.callback_id) if errand.callback_id is not None else None
    if planned is not None and planned.customer_id is not None:
        return planned.customer_id
    owner = await owner_of(session, errand.number)
    return owner[0] if owner else None
