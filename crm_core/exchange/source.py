"""An address from which a supplier's file is fetched again and again."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id


class ImportSource(Base):
    """Where a file is fetched, when, and what its columns mean. `error`: why the last attempt failed."""

    __tablename__ = "import_sources"
    __table_args__ = (CheckConstraint("every_minutes >= 15", name="not_too_often"),)

    id: Mapped[Id]
    name: Mapped[str]
    noun: Mapped[str]
    address: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    columns: Mapped[dict[str, Any]]
    every_minutes: Mapped[int]
    active: Mapped[Flag]
    next_at: Mapped[datetime] = mapped_column(index=True)
    tried_at: Mapped[datetime | None]
    error: Mapped[str | None]


def following(at: datetime, every_minutes: int, *, now: datetime) -> datetime:
    """The next time after `now`, in step with `at`."""
    step = timedelta(minutes=every_minutes)
    return at + step * max(1, -((at - now) // step)) if at <= now else at
