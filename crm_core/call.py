"""A call as a row: one conversation with its legs, whose customer it is and what came of it."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    Uuid,
    bindparam,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import add_number, get_customer, remember_choice
from crm_core.db import Base, Flag, Id, Instant, Texts, one_of
from crm_core.errors import Conflict, NotFound
from crm_core.outbox import announce
from crm_core.outcome import chosen


class Direction(StrEnum):
    """Seen from the house."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


class Origin(StrEnum):
    """Who told us of a call: the link while it went on, or the switchboard's own records afterwards."""

    LIVE = "live"
    CEL = "cel"
    CDR = "cdr"


class State(StrEnum):
    """Where a call is in its life."""

    WAITING = "waiting"
    RINGING = "ringing"
    DIALLING = "dialling"
    TALKING = "talking"
    HELD = "held"
    ENDED = "ended"


class Result(StrEnum):
    """How a call ended, technically; what it meant for the shop is the disposition."""

    ANSWERED = "answered"
    ABANDONED = "abandoned"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FAILED = "failed"
    CANCELLED = "cancelled"
    OVERFLOW = "overflow"
    BLOCKED = "blocked"
    AFTER_HOURS = "after_hours"  # missed while its line was closed: nobody was expected to answer


class MissedPlace(StrEnum):
    """Where a missed call died: the last place that its caller came to."""

    MENU = "menu"
    QUEUE = "queue"
    RINGING = "ringing"
    VOICEMAIL = "voicemail"
    AFTER_HOURS = "after_hours"
    ALL_BUSY = "all_busy"
    BLOCKED = "blocked"


class LegResult(StrEnum):
    """How one ringing of one phone ended."""

    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    DECLINED = "declined"
    BUSY = "busy"
    UNAVAILABLE = "unavailable"
    ELSEWHERE = "elsewhere"
    CANCELLED = "cancelled"


class EndedBy(StrEnum):
    """Who hung up first."""

    REMOTE = "remote"
    OPERATOR = "operator"
    SYSTEM = "system"


class Call(Base):
    """One conversation. Seconds are floats, null when nobody can know them; `tracker_state` is kept only
    while the call is open.

    `missed_place`: this call from outside was missed, and there; NULL: it was not. `unlinked_reason`: why it belongs
    to no customer, order or deal, where somebody said so.
    """

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("pbx", "linkedid"),
        one_of("direction", Direction),
        one_of("state", State),
        one_of("result", Result),
        one_of("ended_by", EndedBy),
        one_of("missed_place", MissedPlace),
        one_of("origin", Origin),
        CheckConstraint("remote_e164 <> ''", name="remote_not_empty"),
        Index("ix_calls_open", "pbx", postgresql_where=text("ended_at IS NULL")),
        Index("ix_calls_started_at", text("started_at DESC")),
        Index("ix_calls_customer", "customer_id", text("started_at DESC")),
        Index("ix_calls_remote", "remote_e164", text("started_at DESC")),
        Index("ix_calls_operator", "operator_id", text("started_at DESC")),
        Index("ix_calls_started_by", "started_by", postgresql_where=text("started_by IS NOT NULL")),
        Index("ix_calls_linkedids", "linkedids", postgresql_using="gin"),
        Index("ix_calls_line", "line_id", text("started_at DESC")),
        Index(
            "ix_calls_parts",
            text("number_parts(remote_e164)"),
            postgresql_using="gin",
            postgresql_where=text("customer_id IS NULL"),
        ),
        Index("ix_calls_missed", text("started_at DESC"), postgresql_where=text("missed_place IS NOT NULL")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True)
    pbx: Mapped[str]
    linkedid: Mapped[str]
    linkedids: Mapped[Texts]
    direction: Mapped[str]
    state: Mapped[str]
    remote_raw: Mapped[str | None]
    remote_e164: Mapped[str | None]
    remote_name: Mapped[str | None]
    line: Mapped[str | None]
    line_id: Mapped[int | None] = mapped_column(ForeignKey("lines.id", ondelete="SET NULL"))
    queue: Mapped[str | None]
    operator_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    operator_extension: Mapped[str | None]
    operators: Mapped[Texts]
    click_to_call: Mapped[Flag]
    started_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    started_from: Mapped[dict[str, Any] | None]
    started_at: Mapped[datetime]
    rang_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wait_s: Mapped[float | None] = mapped_column(server_default="0", default=0.0)
    talk_s: Mapped[float | None] = mapped_column(server_default="0", default=0.0)
    hold_s: Mapped[float | None] = mapped_column(server_default="0", default=0.0)
    result: Mapped[str | None]
    missed_place: Mapped[str | None]
    ended_by: Mapped[str | None]
    ended_reason: Mapped[str | None]
    complete: Mapped[Flag]
    origin: Mapped[str] = mapped_column(server_default="live", default="live")
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    customer_rule: Mapped[str | None]
    disposition: Mapped[str | None]
    disposed_at: Mapped[datetime | None]
    disposed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    unlinked_reason: Mapped[str | None]
    note: Mapped[str] = mapped_column(server_default="", default="")
    note_version: Mapped[int] = mapped_column(server_default="0", default=0)
    noted_at: Mapped[datetime | None]
    noted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    transfers: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]", default=list)
    recordings: Mapped[Texts]
    custom: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    tracker_state: Mapped[dict[str, Any] | None]
    updated_at: Mapped[Instant]


class CallLeg(Base):
    """One ringing of one phone within a call; `queue`: for which it rang, `rang_s`: NULL while it rings."""

    __tablename__ = "call_legs"
    __table_args__ = (
        UniqueConstraint("call_id", "uniqueid", "rang_at", postgresql_nulls_not_distinct=True),
        one_of("result", LegResult),
        Index("ix_call_legs_user", "user_id", text("rang_at DESC")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    uniqueid: Mapped[str]
    extension: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    rang_at: Mapped[datetime | None]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
    queue: Mapped[str | None]
    rang_s: Mapped[float | None]


class CallAlias(Base):
    """The id of a call that was absorbed when two calls turned out to be one."""

    __tablename__ = "call_aliases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)


async def resolve(session: AsyncSession, call_id: UUID) -> UUID:
    """The id under which the call is kept: another one when it was absorbed. Raises `NotFound`."""
    row = await session.scalar(_RESOLVE, {"id": call_id})
    if row is None:
        raise NotFound(f"There is no call {call_id}.")
    found: UUID = row
    return found


async def get_call(session: AsyncSession, call_id: UUID, *, lock: bool = False) -> Call:
    """The call, also by the id of one it absorbed. Raises `NotFound`."""
    call = await session.get(Call, await resolve(session, call_id), with_for_update=lock)
    if call is None:
        raise NotFound(f"There is no call {call_id}.")
    return call


async def legs_of(session: AsyncSession, call_id: UUID) -> Sequence[CallLeg]:
    """The ringings of a call in the order in which they began."""
    found = select(CallLeg).where(CallLeg.call_id == call_id)
    return (await session.scalars(found.order_by(CallLeg.rang_at.nulls_first(), CallLeg.id))).all()


async def called_since(session: AsyncSession, call_id: UUID, e164: str | None) -> bool:
    """Whether there was a later call with this number. Raises `NotFound`."""
    call = await get_call(session, call_id)
    later = select(Call.id).where(Call.remote_e164 == e164, Call.started_at > call.started_at)
    return e164 is not None and await session.scalar(later.limit(1)) is not None


async def took_part(session: AsyncSession, call_id: UUID, user_id: int) -> bool:
    """Whether one of this user's phones rang or talked in the call, or they started it."""
    return bool(await session.scalar(_TOOK_PART, {"id": call_id, "user_id": user_id}))


async def set_customer(
    session: AsyncSession, call_id: UUID, customer_id: int, *, rule: str, user_id: int | None, at: datetime
) -> Call:
    """Say whose call this is. A choice by a person (`user_id`) is remembered for the number.

    Raises `NotFound`, and `Invalid` when the number is a line of ours.
    """
    call = await get_call(session, call_id, lock=True)
    customer = await get_customer(session, customer_id)
    call.customer_id, call.customer_rule = customer.id, rule
    if user_id is not None and call.remote_e164 is not None:
        await remember_choice(session, call.remote_e164, customer.id, user_id=user_id, at=at)
    await _tell(session, call)
    return call


async def attach_number(session: AsyncSession, call_id: UUID, *, country: str) -> None:
    """Give the number of the call to the call's customer. Does nothing when there is no number or customer.

    Raises `NotFound`, and `Invalid` when the number is a line of ours.
    """
    call = await get_call(session, call_id)
    if call.customer_id is not None and call.remote_e164 is not None:
        await add_number(session, call.customer_id, call.remote_e164, country=country)


async def save_note(
    session: AsyncSession, call_id: UUID, note: str, *, version: int, user_id: int | None, at: datetime
) -> Call:
    """Keep what was typed; the version grows by one. Typing the same again changes nothing.

    Raises `NotFound`, and `Conflict` when the note has a newer version than the one that was edited.
    """
    call = await get_call(session, call_id, lock=True)
    if call.note == note:
        return call
    if call.note_version != version:
        raise Conflict("Somebody else has written in this note meanwhile.")
    call.note, call.note_version = note, version + 1
    call.noted_at, call.noted_by = at, user_id
    await _tell(session, call)
    return call


async def set_disposition(
    session: AsyncSession, call_id: UUID, code: str, *, user_id: int | None, at: datetime
) -> Call:
    """Record what came of the call; a later choice replaces an earlier one. Raises `NotFound`, `Invalid`."""
    call = await get_call(session, call_id, lock=True)
    call.disposition = (await chosen(session, code)).code
    call.disposed_at, call.disposed_by = at, user_id
    await _tell(session, call)
    return call


async def _tell(session: AsyncSession, call: Call) -> None:
    news = {"id": str(call.id), "call_id": str(call.id), "customer_id": call.customer_id}
    await announce(session, "call", news)


_RESOLVE = text("""
    SELECT c.id FROM calls c
    WHERE c.id = coalesce((SELECT a.call_id FROM call_aliases a WHERE a.id = :id), :id)
""").bindparams(bindparam("id", type_=Uuid))
_TOOK_PART = text("""
    SELECT EXISTS (
        SELECT FROM calls c
        WHERE c.id = :id AND (
            c.operator_id = :user_id OR c.started_by = :user_id
            OR EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id AND l.user_id = :user_id)
        )
    )
""").bindparams(bindparam("id", type_=Uuid), bindparam("user_id", type_=BigInteger))
