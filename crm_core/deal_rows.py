"""Deals, what is wanted in them and the way they went, as tables."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Instant, Money, Version


class DealItem(Base):
    """Goods that are wanted in a deal which has no order yet; name and price as they were agreed.

    `list_price`: what it cost this customer by the list that day.
    """

    __tablename__ = "deal_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deals.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Money]
    list_price: Mapped[Money]

    @property
    def sum(self) -> Decimal:
        return self.price * self.quantity


class Deal(Base):
    """One chance to sell. With orders, its amount is the sum of theirs; with goods, of these; else what was typed.

    `stage` is the code of a stage of its funnel, `stage_since` when it came there. `kind_of_sale` is a word of the
    house; `probability` a per cent that somebody thought; `for_all`: every colleague may work on it, whoever is
    responsible; `from_store`: goods, sum and delivery are those of an order, also before there is one.
    """

    __tablename__ = "deals"
    __table_args__ = (
        ForeignKeyConstraint(["funnel_id", "stage"], ["funnel_stages.funnel_id", "funnel_stages.code"]),
        Index("ix_deals_customer", "customer_id", text("created_at DESC")),
        Index("ix_deals_stage", "funnel_id", "stage", "stage_since"),
        Index("ix_deals_opened", "funnel_id", "created_at"),
        Index("ix_deals_for_all", "customer_id", postgresql_where=text("for_all")),
        UniqueConstraint("key"),
        CheckConstraint("probability BETWEEN 0 AND 100", name="probability_sane"),
        CheckConstraint("delivery_until > delivery_from", name="window_forward"),
    )

    id: Mapped[Id]
    title: Mapped[str]
    funnel_id: Mapped[int]
    stage: Mapped[str]
    stage_since: Mapped[Instant]
    lost_reason_id: Mapped[int | None] = mapped_column(ForeignKey("lost_reasons.id"))
    amount: Mapped[Money]
    currency: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    closed_at: Mapped[datetime | None]
    custom: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    version: Mapped[Version]
    updated_at: Mapped[Instant]
    kind_of_sale: Mapped[str | None]
    probability: Mapped[int | None]
    for_all: Mapped[Flag]
    from_store: Mapped[Flag]
    comment: Mapped[str | None]
    delivery_date: Mapped[date | None]
    delivery_from: Mapped[time | None]
    delivery_until: Mapped[time | None]
    key: Mapped[UUID | None]

    items: Mapped[list[DealItem]] = relationship(
        lazy="selectin", order_by=DealItem.id, cascade="all, delete-orphan"
    )


class DealMove(Base):
    """One step of a deal, in the words of that day; `from_stage` is None at its beginning. `funnel_id`, `stage`: where
    to, by id and code (None of old steps, of which only the words are known)."""

    __tablename__ = "deal_moves"
    __table_args__ = (Index("ix_deal_moves_deal", "deal_id", "id"),)

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deals.id", ondelete="CASCADE"))
    funnel: Mapped[str]
    from_stage: Mapped[str | None]
    to_stage: Mapped[str]
    funnel_id: Mapped[int | None]
    stage: Mapped[str | None]
    reason: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"))
