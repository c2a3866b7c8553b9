"""The delivery log of pops: for every ring, to whom a card went, when it was sent and when it was seen."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id


class Pop(Base):
    """One card for one operator because one of their phones rang. No rang_at: the card came otherwise."""

    __tablename__ = "pop_log"
    __table_args__ = (
        Index("ix_pop_log_user", "user_id", text("created_at DESC")),
        Index("ix_pop_log_call_user", "call_id", "user_id"),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    extension: Mapped[str | None]
    rang_at: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    shown_at: Mapped[datetime | None]
