"""When people are at work, as they or their supervisor said it, and what was corrected by whom and why."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Version


class WorkSpan(Base):
    """From `began_at` until `ended_at` (NULL: still) he said that he is at work."""

    __tablename__ = "work_spans"
    __table_args__ = (
        CheckConstraint("ended_at > began_at", name="forward"),
        Index("ix_work_spans_user", "user_id", "began_at"),
        Index("ix_work_spans_open", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[Version]


class WorkCorrection(Base):
    """One span as it was and as it is since. `before` NULL: it was added; `after` NULL: it was taken out."""

    __tablename__ = "work_corrections"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason_given"),
        Index("ix_work_corrections_user", "user_id", "at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str]
    corrected_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]
