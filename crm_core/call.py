"""A call as a row: one conversation with its legs, whose customer it is and what came of it."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Instant, Texts, one_of


class Direction(StrEnum):
    """Seen from the house."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"
    INTERNAL = "internal"


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
    """One conversation. Seconds are floats; `tracker_state` is kept only while the call is open."""

    __tablename__ = "calls"
    __table_args__ = (
        UniqueConstraint("pbx", "linkedid"),
        one_of("direction", Direction),
        one_of("state", State),
        one_of("result", Result),
        one_of("ended_by", EndedBy),
        CheckConstraint("remote_e164 <> ''", name="remote_not_empty"),
        Index("ix_calls_open", "pbx", postgresql_where=text("ended_at IS NULL")),
        Index("ix_calls_started_at", text("started_at DESC")),
        Index("ix_calls_customer", "customer_id", text("started_at DESC")),
        Index("ix_calls_remote", "remote_e164", text("started_at DESC")),
        Index("ix_calls_operator", "operator_id", text("started_at DESC")),
        Index("ix_calls_line", "line_id", text("started_at DESC")),
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
    wait_s: Mapped[float] = mapped_column(server_default="0", default=0.0)
    talk_s: Mapped[float] = mapped_column(server_default="0", default=0.0)
    hold_s: Mapped[float] = mapped_column(server_default="0", default=0.0)
    result: Mapped[str | None]
    ended_by: Mapped[str | None]
    ended_reason: Mapped[str | None]
    complete: Mapped[Flag]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    customer_rule: Mapped[str | None]
    disposition: Mapped[str | None]
    disposed_at: Mapped[datetime | None]
    disposed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    note: Mapped[str] = mapped_column(server_default="", default="")
    note_version: Mapped[int] = mapped_column(server_default="0", default=0)
    noted_at: Mapped[datetime | None]
    noted_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    transfers: Mapped[list[dict[str, Any]]] = mapped_column(server_default="[]", default=list)
    recordings: Mapped[Texts]
    tracker_state: Mapped[dict[str, Any] | None]
    updated_at: Mapped[Instant]


class CallLeg(Base):
    """One ringing of one phone within a call."""

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


class CallAlias(Base):
    """The id of a call that was absorbed when two calls turned out to be one."""

    __tablename__ = "call_aliases"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
