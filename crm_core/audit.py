"""The audit log: who read, changed, exported, listened or signed in. Rows are only ever added."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id

_HEARD: ContextVar[list[str] | None] = ContextVar("heard", default=None)


class AuditEntry(Base):
    """One thing somebody did. `object_id` is text because calls have uuids and the rest have numbers."""

    __tablename__ = "audit_log"
    __table_args__ = (
        Index("ix_audit_log_created_at", text("created_at DESC")),
        Index("ix_audit_log_object", "object_kind", "object_id"),
        Index("ix_audit_log_user", "user_id", text("created_at DESC")),
        Index("ix_audit_log_call", "call_id", postgresql_where=text("call_id IS NOT NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    action: Mapped[str]
    object_kind: Mapped[str | None]
    object_id: Mapped[str | None]
    call_id: Mapped[UUID | None]
    detail: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    address: Mapped[str | None]


async def record(
    session: AsyncSession,
    *,
    user_id: int | None,
    action: str,
    object_kind: str | None = None,
    object_id: int | str | UUID | None = None,
    call_id: UUID | None = None,
    detail: Mapping[str, Any] | None = None,
    address: str | None = None,
) -> None:
    """Write down that `user_id` (None: the system) did `action`: order.update, sign_in …"""
    heard = _HEARD.get()
    if heard is not None:
        heard.append(action)
    session.add(
        AuditEntry(
            user_id=user_id,
            action=action,
            object_kind=object_kind,
            object_id=None if object_id is None else str(object_id),
            call_id=call_id,
            detail=dict(detail or {}),
            address=address,
        )
    )


@contextmanager
def listening() -> Iterator[list[str]]:
    """The actions that are written down inside, as they come."""
    heard: list[str] = []
    token = _HEARD.set(heard)
    try:
        yield heard
    finally:
        _HEARD.reset(token)
