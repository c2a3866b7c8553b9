"""What an operator has typed into the card and not yet sent: kept per call, so that nothing is lost."""

from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Instant, Version


class CallDraft(Base):
    """The half-made order of one operator in one call, as the page wrote it."""

    __tablename__ = "call_drafts"

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    body: Mapped[dict[str, Any]]
    version: Mapped[Version]
    updated_at: Mapped[Instant]
