"""Callbacks: somebody is to be called at a time, for a reason."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, or_, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.db import Base, Id, one_of
from crm_core.errors import Invalid, NotFound
from crm_core.outbox import announce
from crm_core.phone import normalise

EDITABLE = frozenset(
    ("due_at", "reason", "note", "assigned_to", "state", "order_id", "deal_id", "closed_by_call_id")
)


NEARLY_DUE = timedelta(minutes=15)


class State(StrEnum):
    """Open until somebody was reached or it was called off."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Callback(Base):
    """A promise to call. `number` is E.164; `assigned_to` NULL means anyone may take it."""

    __tablename__ = "callbacks"
    __table_args__ = (
        one_of("state", State),
        Index("ix_callbacks_due", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_callbacks_open_number", "number", postgresql_where=text("state = 'open'")),
        Index("ix_callbacks_customer", "customer_id", "due_at"),
        Index("ix_callbacks_assigned", "assigned_to", "due_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str]
    due_at: Mapped[datetime]
    reason: Mapped[str]
    note: Mapped[str | None]
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    assigned_to: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(server_default=State.OPEN, default=State.OPEN)
    source_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    closed_by_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    done_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)


async def create_callback(
    session: AsyncSession,
    *,
    number: str,
    country: str,
    due_at: datetime,
    reason: str,
    note: str | None = None,
    customer_id: int | None = None,
    order_id: int | None = None,
    deal_id: int | None = None,
    assigned_to: int | None = None,
    source_call_id: UUID | None = None,
    created_by: int | None = None,
) -> Callback:
    """Promise to call `number`, as written in `country`. Raises `NotFound`, `Invalid`."""
    e164 = normalise(number, country=country).e164
    if e164 is None:
        raise Invalid(f"{number[:40]!r} is not a telephone number.", "number")
    if not reason.strip():
        raise Invalid("A callback needs a reason.", "reason")
    if customer_id is not None:
        customer_id = (await get_customer(session, customer_id)).id
    made = Callback(
        number=e164,
        due_at=_aware(due_at),
        reason=reason.strip()[:200],
        note=note,
        customer_id=customer_id,
        order_id=order_id,
        deal_id=deal_id,
        assigned_to=assigned_to,
        source_call_id=await resolve(session, source_call_id) if source_call_id else None,
        created_by=created_by,
        state=State.OPEN,
    )
    session.add(made)
    await session.flush()
    await _tell(session, made)
    return made


async def ensure_callback(
    session: AsyncSession, *, number: str, country: str, **fields: Any
) -> Callback | None:
    """The same after a missed call, once: nothing (None) when the call made one already, or the number or customer
    waits for one.
    """
    e164 = normalise(number, country=country).e164
    customer_id, source = fields.get("customer_id"), fields.get("source_call_id")
    if source is not None:
        source = await resolve(session, source)
        if await session.scalar(select(Callback.id).where(Callback.source_call_id == source).limit(1)):
            return None
    same = Callback.number == e164
    if customer_id is not None:
        same = or_(same, Callback.customer_id == customer_id)
    if await session.scalar(select(Callback.id).where(Callback.state == State.OPEN, same).limit(1)):
        return None
    return await create_callback(session, number=number, country=country, **fields)


async def get_callback(session: AsyncSession, callback_id: int, *, lock: bool = False) -> Callback:
    """The callback. Raises `NotFound`."""
    found = await session.get(Callback, callback_id, with_for_update=lock)
    if found is None:
        raise NotFound(f"There is no callback {callback_id}.")
    return found


async def update_callback(
    session: AsyncSession, callback_id: int, changes: Mapping[str, Any], *, at: datetime
) -> Callback:
    """Change the fields in `changes` (see `EDITABLE`); `state` finishes, calls off or opens again.

    Raises `NotFound`, `Invalid`.
    """
    found = await get_callback(session, callback_id, lock=True)
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A callback has no field {min(strangers)[:40]!r} to change.", min(strangers))
    for field, value in changes.items():
        setattr(found, field, value)
    found.due_at = _aware(found.due_at)
    if found.state not in tuple(State):
        raise Invalid(f"{found.state[:40]!r} is no state of a callback.", "state")
    found.done_at = None if found.state == State.OPEN else (found.done_at or at)
    await session.flush()
    await _tell(session, found)
    return found


async def close_reached(
    session: AsyncSession, *, e164: str | None, customer_id: int | None, call_id: UUID, at: datetime
) -> Sequence[int]:
    """We talked to this number or customer: close their callbacks. The ids of those closed.

    What a missed call left behind is closed at once. What a colleague promised is closed only when it is due
    by now or nearly so: a short call today does not keep tomorrow's promise.
    """
    same = []
    if e164 is not None:
        same.append(Callback.number == e164)
    if customer_id is not None:
        same.append(Callback.customer_id == customer_id)
    if not same:
        return []
    closed = await session.scalars(
        update(Callback)
        .where(Callback.state == State.OPEN, or_(*same))
        .where(or_(Callback.created_by.is_(None), Callback.due_at <= at + NEARLY_DUE))
        .where(Callback.source_call_id.is_distinct_from(call_id))
        .values(state=State.DONE, done_at=at, closed_by_call_id=call_id)
        .returning(Callback),
        execution_options={"populate_existing": True},
    )
    done = closed.all()
    for it in done:
        await _tell(session, it)
    return [it.id for it in done]


def _aware(due_at: datetime) -> datetime:
    if due_at.tzinfo is None:
        raise Invalid("The time needs a time zone.", "due_at")
    return due_at


async def _tell(session: AsyncSession, it: Callback) -> None:
    call_id = it.source_call_id and str(it.source_call_id)
    await announce(session, "callback", {"id": it.id, "customer_id": it.customer_id, "call_id": call_id})
