"""What a call was about: links to orders and deals, each with a role and the rule that made it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, one_of

_LIVE = "removed_at IS NULL"


class Role(StrEnum):
    """What happened to the order or deal in this call."""

    CREATED = "created"
    CHANGED = "changed"
    DISCUSSED = "discussed"


class CallLink(Base):
    """One call to one order or one deal. A removed link stays as history."""

    __tablename__ = "call_links"
    __table_args__ = (
        one_of("role", Role),
        CheckConstraint("num_nonnulls(order_id, deal_id) = 1", name="one_object"),
        Index("uq_call_links_order", "call_id", "order_id", unique=True, postgresql_where=text(_LIVE)),
        Index("uq_call_links_deal", "call_id", "deal_id", unique=True, postgresql_where=text(_LIVE)),
        Index("ix_call_links_order_id", "order_id", postgresql_where=text("order_id IS NOT NULL")),
        Index("ix_call_links_deal_id", "deal_id", postgresql_where=text("deal_id IS NOT NULL")),
    )

    id: Mapped[Id]
    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), index=True)
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"))
    role: Mapped[str]
    rule: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    removed_at: Mapped[datetime | None]
    removed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
