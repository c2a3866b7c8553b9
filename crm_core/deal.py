"""Deals: a chance to sell, on its way through a funnel."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Instant, Money, Version, one_of

SALES = "Sales"


class Stage(StrEnum):
    """Stages of the funnel “Sales”, in their order."""

    NEW = "new"
    OFFER = "offer"
    ORDERED = "ordered"
    WON = "won"
    LOST = "lost"


LABELS = {
    Stage.NEW: "New",
    Stage.OFFER: "Offer",
    Stage.ORDERED: "Ordered",
    Stage.WON: "Won",
    Stage.LOST: "Lost",
}
OPEN = (Stage.NEW, Stage.OFFER, Stage.ORDERED)


class Deal(Base):
    """One chance to sell. With orders, its amount is the sum of theirs; without, what was typed."""

    __tablename__ = "deals"
    __table_args__ = (
        one_of("stage", Stage),
        Index("ix_deals_customer", "customer_id", text("created_at DESC")),
        Index("ix_deals_stage", "stage", text("updated_at DESC")),
    )

    id: Mapped[Id]
    title: Mapped[str]
    funnel: Mapped[str]
    stage: Mapped[str]
    amount: Mapped[Money]
    currency: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    closed_at: Mapped[datetime | None]
    version: Mapped[Version]
    updated_at: Mapped[Instant]
