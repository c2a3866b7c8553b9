"""Somebody is taken off a call list by hand, with the reason, and put back."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_list import TOPIC, CallListEntry
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.retry_rule import Why


async def close_by_hand(
    session: AsyncSession, list_id: int, entry_id: int, reason: str, *, at: datetime
) -> None:
    """Nobody has to call him for this list any more. Raises `NotFound`, `Invalid`, `Conflict` when he is through."""
    if not reason.strip():
        raise Invalid("Say why nobody has to call them.", "reason")
    entry = await _locked(session, list_id, entry_id)
    if entry.why is not None:
        raise Conflict("Somebody has finished with them meanwhile: look at the list again.")
    entry.why, entry.refusal, entry.closed_at = Why.BY_HAND, reason.strip(), at
    await _told(session, list_id)


async def open_again(session: AsyncSession, list_id: int, entry_id: int, *, at: datetime) -> None:
    """Put him back; he is to be called at once. Raises `NotFound`, `Conflict` when it was no hand that took him off."""
    entry = await _locked(session, list_id, entry_id)
    if entry.why != Why.BY_HAND:
        raise Conflict("Only who was taken off by hand can be put back.")
    entry.why, entry.refusal, entry.closed_at, entry.due_at = None, None, None, at
    await _told(session, list_id)


async def _locked(session: AsyncSession, list_id: int, entry_id: int) -> CallListEntry:
    query = select(CallListEntry).where(CallListEntry.id == entry_id, CallListEntry.list_id == list_id)
    found = await session.scalar(query.with_for_update())
    if found is None:
        raise NotFound(f"There is no entry {entry_id} on this list.")
    return found


async def _told(session: AsyncSession, list_id: int) -> None:
    await session.flush()
    await announce(session, TOPIC, {"id": list_id})
