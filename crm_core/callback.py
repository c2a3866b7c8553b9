"""Callbacks: somebody is to be called at a time, for a reason. What calls make of them is in `callback_calls.py`."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.calling_hours import REPEAT_SANE, load_calling
from crm_core.customer import Customer, get_customer
from crm_core.db import Base, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce
from crm_core.phone import normalise

EDITABLE = frozenset(
    (
        *("due_at", "reason", "note", "assigned_to", "team_id", "state", "order_id", "deal_id"),
        *("repeat_minutes", "most_attempts"),
    )
)
LONGEST_SNOOZE = timedelta(days=7)


class State(StrEnum):
    """Open until somebody was reached or it was called off."""

    OPEN = "open"
    DONE = "done"
    CANCELLED = "cancelled"


class Outcome(StrEnum):
    """How it was closed."""

    REACHED = "reached"  # we got through
    CALLED_US = "called_us"
    BY_HAND = "by_hand"
    CALLED_OFF = "called_off"


class Role(StrEnum):
    """What a call is to a callback."""

    MISSED = "missed"  # the customer's, which nobody answered
    ATTEMPT = "attempt"  # ours, made for it


class Callback(Base):
    """Somebody is to be called. `number` is E.164; it is for `assigned_to`, or a team, or (both NULL) anyone.

    `created_by` NULL: a missed call made it; `missed` counts those calls, `attempts` ours that did not get through.
    Without a repeat rule of its own (`repeat_minutes`, `most_attempts`) that of the house counts.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        one_of("state", State),
        one_of("outcome", Outcome),
        CheckConstraint(REPEAT_SANE, name="repeat_sane"),
        Index("ix_callbacks_due", "due_at", postgresql_where=text("state = 'open'")),
        Index("ix_callbacks_open_number", "number", postgresql_where=text("state = 'open'")),
        Index("ix_callbacks_customer", "customer_id", "due_at"),
        Index("ix_callbacks_assigned", "assigned_to", "due_at", postgresql_where=text("state = 'open'")),
        Index(
            "ix_callbacks_remind", "due_at", postgresql_where=text("state = 'open' AND reminded_at IS NULL")
        ),
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
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"), index=True)
    state: Mapped[str] = mapped_column(server_default=State.OPEN, default=State.OPEN)
    outcome: Mapped[str | None]
    source_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    closed_by_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    done_at: Mapped[datetime | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    missed: Mapped[int] = mapped_column(server_default="0", default=0)
    last_missed_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    repeat_minutes: Mapped[int | None]
    most_attempts: Mapped[int | None]
    escalated_at: Mapped[datetime | None]
    reminded_at: Mapped[datetime | None]
    version: Mapped[Version]


class CallbackCall(Base):
    """One call of a callback: counted once, however often the call is written down."""

    __tablename__ = "callback_calls"
    __table_args__ = (one_of("role", Role),)

    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.id", ondelete="CASCADE"), primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id"), primary_key=True, index=True)
    role: Mapped[str]
    at: Mapped[datetime]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    result: Mapped[str | None]


async def create_callback(
    session: AsyncSession,
    *,
    number: str,
    country: str,
    due_at: datetime,
    reason: str,
    customer_id: int | None = None,
    source_call_id: UUID | None = None,
    created_by: int | None = None,
    **fields: Any,
) -> Callback:
    """Plan to call `number`, as written in `country`. `fields` are those of `EDITABLE` and of a missed call.

    What a person plans (`created_by`) lies within the hours in which customers may be called: `OutsideHours`.
    Raises `NotFound`, `Invalid`.
    """
    e164 = normalise(number, country=country).e164
    if e164 is None:
        raise Invalid(f"{number[:40]!r} is not a telephone number.", "number")
    if not reason.strip():
        raise Invalid("A callback needs a reason.", "reason")
    _one_owner(fields)
    if customer_id is not None:
        customer_id = (await get_customer(session, customer_id)).id
    made = Callback(
        number=e164,
        due_at=_aware(due_at),
        reason=reason.strip()[:200],
        customer_id=customer_id,
        source_call_id=await resolve(session, source_call_id) if source_call_id else None,
        created_by=created_by,
        state=State.OPEN,
        **fields,
    )
    if created_by is not None:
        await _within_hours(session, made)
    session.add(made)
    await session.flush()
    await tell(session, made)
    return made


async def get_callback(session: AsyncSession, callback_id: int, *, lock: bool = False) -> Callback:
    """The callback; locked it is as others left it. Raises `NotFound`."""
    found = await session.get(Callback, callback_id, with_for_update=lock, populate_existing=lock)
    if found is None:
        raise NotFound(f"There is no callback {callback_id}.")
    return found


async def update_callback(
    session: AsyncSession,
    callback_id: int,
    changes: Mapping[str, Any],
    *,
    at: datetime,
    version: int | None = None,
) -> Callback:
    """Change the fields in `changes` (see `EDITABLE`); `state` finishes, calls off or opens again.

    `version`: what the caller has seen. Raises `NotFound`, `Invalid` (also `OutsideHours`), `Conflict`.
    """
    found = await get_callback(session, callback_id, lock=True)
    if version is not None and version != found.version:
        raise Conflict("Somebody changed this callback meanwhile; look again.")
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A callback has no field {min(strangers)[:40]!r} to change.", min(strangers))
    _one_owner(changes)
    owner = {"assigned_to": "team_id", "team_id": "assigned_to"}
    for field, value in changes.items():
        setattr(found, field, value)
        if field in owner and value is not None:
            setattr(found, owner[field], None)
    if "due_at" in changes:
        found.due_at, found.reminded_at = _aware(found.due_at), None
        await _within_hours(session, found)
    _settle(found, at)
    found.version += 1
    await session.flush()
    await tell(session, found)
    return found


async def snooze(
    session: AsyncSession, callback_id: int, *, by: timedelta, note: str, at: datetime
) -> Callback:
    """Put it off, to the next moment at which the customer may be called. Raises `NotFound`, `Conflict`, `Invalid`."""
    if not timedelta(0) < by <= LONGEST_SNOOZE:
        raise Invalid("A callback is put off by a minute to seven days.", "minutes")
    found = await get_callback(session, callback_id, lock=True)
    if found.state != State.OPEN:
        raise Conflict("This callback is closed already.")
    calling = await load_calling(session)
    zone = calling.zone(found.number, await own_zone(session, found.customer_id))
    found.due_at, found.reminded_at = calling.next_allowed(at + by, zone), None
    if note.strip():
        found.note = "\n".join(filter(None, (found.note, note.strip())))[-2000:]
    found.version += 1
    await session.flush()
    await tell(session, found)
    return found


async def own_zone(session: AsyncSession, customer_id: int | None) -> str | None:
    """The time zone that is known of a customer."""
    found: str | None = await session.scalar(select(Customer.timezone).where(Customer.id == customer_id))
    return found


async def tell(session: AsyncSession, it: Callback) -> None:
    """Announce that it is new or different."""
    call_id = it.source_call_id and str(it.source_call_id)
    await announce(session, "callback", {"id": it.id, "customer_id": it.customer_id, "call_id": call_id})


def _settle(found: Callback, at: datetime) -> None:
    if found.state not in tuple(State):
        raise Invalid(f"{found.state[:40]!r} is no state of a callback.", "state")
    if found.state == State.OPEN:
        found.done_at = found.outcome = found.closed_by_call_id = None
    else:
        found.done_at = found.done_at or at
        off = found.state == State.CANCELLED
        found.outcome = found.outcome or (Outcome.CALLED_OFF if off else Outcome.BY_HAND)


def _one_owner(fields: Mapping[str, Any]) -> None:
    if fields.get("assigned_to") is not None and fields.get("team_id") is not None:
        raise Invalid("A callback is for one colleague or for a team, not for both.", "team_id")


async def _within_hours(session: AsyncSession, it: Callback) -> None:
    calling = await load_calling(session)
    calling.check(it.due_at, calling.zone(it.number, await own_zone(session, it.customer_id)))


def _aware(due_at: datetime) -> datetime:
    if due_at.tzinfo is None:
        raise Invalid("The time needs a time zone.", "due_at")
    return due_at
