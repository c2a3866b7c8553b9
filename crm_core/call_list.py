"""Call lists: customers of a saved filter, called one after the other, with what came of each."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Version, one_of


class EntryState(StrEnum):
    """Where one customer of a list is."""

    WAITING = "waiting"
    DONE = "done"
    GIVEN_UP = "given_up"  # as often as the list wants, and never reached


class CallList(Base):
    """`source`: what it was made of ({"kind": "segment", "id": 3}, {"kind": "view", "query": "city=Riga"}).

    `retry`: outcome -> hours until the next attempt; an outcome not there ends it. Not active: nobody is called.
    """

    __tablename__ = "call_lists"
    __table_args__ = (
        UniqueConstraint("name"),
        CheckConstraint("most_attempts BETWEEN 1 AND 20", name="attempts_sane"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    script: Mapped[str] = mapped_column(server_default="", default="")
    source: Mapped[dict[str, Any]]
    retry: Mapped[dict[str, Any]]
    most_attempts: Mapped[int]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    version: Mapped[Version]


class CallListEntry(Base):
    """One customer of a list. `due_at`: not before; `outcome`: of the last attempt."""

    __tablename__ = "call_list_entries"
    __table_args__ = (
        one_of("state", EntryState),
        UniqueConstraint("list_id", "customer_id"),
        Index("ix_call_list_entries_due", "due_at", postgresql_where=text("state = 'waiting'")),
        Index("ix_call_list_entries_customer", "customer_id"),
    )

    id: Mapped[Id]
    list_id: Mapped[int] = mapped_column(ForeignKey("call_lists.id", ondelete="CASCADE"))
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    state: Mapped[str] = mapped_column(server_default="waiting", default=EntryState.WAITING)
    due_at: Mapped[datetime]
    attempts: Mapped[int] = mapped_column(server_default="0", default=0)
    outcome: Mapped[str | None]
    last_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    done_at: Mapped[datetime | None]
