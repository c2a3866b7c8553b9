"""Why the card said that somebody calls, kept with the call as it popped, to be compared with its outcome."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base


class CallForecast(Base):
    """The likeliest `reason` with its `share`, and all of them as the card showed them."""

    __tablename__ = "call_forecasts"
    __table_args__ = (
        CheckConstraint("share BETWEEN 0 AND 1", name="share_sane"),
        Index("ix_call_forecasts_at", "at"),
    )

    call_id: Mapped[UUID] = mapped_column(ForeignKey("calls.id", ondelete="CASCADE"), primary_key=True)
    at: Mapped[datetime]
    reason: Mapped[str]
    share: Mapped[float] = mapped_column(Float)
    reasons: Mapped[list[dict[str, Any]]]


async def keep_forecast(
    session: AsyncSession, call_id: UUID, reasons: Sequence[dict[str, Any]], *, at: datetime
) -> None:
    """Keep what the card said first; what it says later, to the next operator, changes nothing."""
    if not reasons:
        return
    first = reasons[0]
    row = {
        "call_id": call_id,
        "at": at,
        "reason": first["reason"],
        "share": first["share"],
        "reasons": list(reasons),
    }
    await session.execute(insert(CallForecast).values(row).on_conflict_do_nothing(index_elements=["call_id"]))
