"""Orders, their items and the history of their changes, as tables."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Id, Instant, Money, Version, one_of
from crm_core.order_status import Status
from crm_core.stock import OrderStock


class Order(Base):
    """What a customer wants from a shop. `total` is goods plus delivery and is computed only here."""

    __tablename__ = "orders"
    __table_args__ = (
        one_of("status", Status),
        UniqueConstraint("number"),
        Index("ix_orders_customer", "customer_id", text("created_at DESC")),
        Index("ix_orders_created_at", text("created_at DESC")),
        Index("ix_orders_status", "status", text("created_at DESC")),
        CheckConstraint("total >= 0 AND paid >= 0 AND delivery_cost >= 0", name="sums_not_negative"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    status: Mapped[str]
    total: Mapped[Money]
    paid: Mapped[Money]
    currency: Mapped[str]
    delivery_method: Mapped[str | None]
    delivery_address: Mapped[str | None]
    delivery_cost: Mapped[Money]
    tracking: Mapped[str | None]
    promised_at: Mapped[datetime | None]
    comment: Mapped[str | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    created_in_call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    custom: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    version: Mapped[Version]
    updated_at: Mapped[Instant]

    items: Mapped[list["OrderItem"]] = relationship(
        lazy="selectin", order_by="OrderItem.id", cascade="all, delete-orphan"
    )
    held: Mapped[list[OrderStock]] = relationship(
        lazy="selectin",
        order_by="OrderStock.product_id, OrderStock.warehouse_id",
        cascade="all, delete-orphan",
    )


Index(
    "ix_orders_number_prefix",
    func.lower(Order.number).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)


class OrderItem(Base):
    """One line of an order; name and price are kept as they were when it was sold."""

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Money]


class OrderChange(Base):
    """Who changed what in an order, and in which call. `what`: field -> [before, after]."""

    __tablename__ = "order_changes"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    what: Mapped[dict[str, Any]]
