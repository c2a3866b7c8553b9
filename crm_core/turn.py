"""Whose turn it is: an operator takes a customer off the queue, alone, and lets go of him again."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of


class How(StrEnum):
    """How a turn ended."""

    DONE = "done"
    SKIPPED = "skipped"
    LET_GO = "let_go"  # another one was wanted, or the browser said goodbye
    LOST = "lost"  # nobody has said for a while that it still goes on


class Turn(Base):
    """`user_id` has this customer (or, where none is known, this number) until `ended_at`, or until `lease_until` when
    his browser says no more. `causes`: why he stood there and what that was worth; `rest_until`: not again before."""

    __tablename__ = "turns"
    __table_args__ = (
        one_of("how", How),
        CheckConstraint("num_nonnulls(customer_id, number) = 1", name="one_person"),
        Index("ix_turns_open", "user_id", postgresql_where=text("ended_at IS NULL")),
        Index("ix_turns_resting", "rest_until", postgresql_where=text("rest_until IS NOT NULL")),
        Index("ix_turns_taken_at", text("taken_at DESC")),
        Index("ix_turns_customer", "customer_id", postgresql_where=text("customer_id IS NOT NULL")),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str | None]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    taken_at: Mapped[datetime]
    lease_until: Mapped[datetime]
    score: Mapped[float] = mapped_column(Float)
    causes: Mapped[list[dict[str, Any]]]
    ended_at: Mapped[datetime | None]
    how: Mapped[str | None]
    reason: Mapped[str | None]
    rest_until: Mapped[datetime | None]
