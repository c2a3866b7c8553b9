"""Sign-in as rows: sessions (only the hash of the cookie is kept) and the counters of the throttle."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Instant


class SignInSession(Base):
    """A browser that is signed in. `id` is the sha256 of the random cookie value."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_expires_at", "expires_at"),)

    id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    data: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    expires_at: Mapped[datetime]
    seen_at: Mapped[Instant]
    address: Mapped[str | None]


class LoginAttempt(Base):
    """Failed sign-ins per key (account or address), counted until `until`."""

    __tablename__ = "login_attempts"

    key: Mapped[str] = mapped_column(primary_key=True)
    n: Mapped[int]
    until: Mapped[datetime]
