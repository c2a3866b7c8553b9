"""Callbacks: somebody is to be called at a time, for a reason."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of


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
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
