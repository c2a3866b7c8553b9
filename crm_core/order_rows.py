"""Orders, their items and the history of their changes, as tables."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Instant, Money, Percent, Version
from crm_core.order_status import TO_BRING, among_sql
from crm_core.order_total import Off, OrderLine, Sums, add_up
from crm_core.stock import OrderStock

WAITED_FOR = f"promised_at IS NOT NULL AND {among_sql('status', TO_BRING)}"
"""Of an order that somebody waits for, as the index says it: a query must say the same to use it."""

BROUGHT_ON = f"delivery_date IS NOT NULL AND {among_sql('status', TO_BRING)}"
"""The same of one whose day of delivery is agreed."""


class Order(Base):
    """What a customer wants from a shop. `total` is computed only in `order_total`, `paid` only from payments.

    What a coupon gives is kept as it was when it was used. `delivery_by_hand`: its cost was typed, so no rate moves it.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("number"),
        Index("ix_orders_of_customer", "customer_id", text("created_at DESC"), text("id DESC")),
        Index("ix_orders_created_at", text("created_at DESC")),
        Index("ix_orders_status", "status", text("created_at DESC")),
        Index("ix_orders_total", "total"),
        Index("ix_orders_waited_for", "promised_at", postgresql_where=text(WAITED_FOR)),
        Index("ix_orders_brought_on", "delivery_date", postgresql_where=text(BROUGHT_ON)),
        CheckConstraint("total >= 0 AND paid >= 0 AND delivery_cost >= 0", name="sums_not_negative"),
        CheckConstraint("discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0", name="discount_sane"),
        CheckConstraint("delivery_until > delivery_from", name="window_forward"),
    )

    id: Mapped[Id]
    number: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"), index=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    status: Mapped[str] = mapped_column(ForeignKey("order_statuses.code"))
    total: Mapped[Money]
    paid: Mapped[Money]
    currency: Mapped[str]
    delivery_method: Mapped[str | None]
    delivery_address: Mapped[str | None]
    delivery_method_id: Mapped[int | None] = mapped_column(ForeignKey("delivery_methods.id"))
    delivery_city: Mapped[str | None]
    delivery_region: Mapped[str | None]
    delivery_postcode: Mapped[str | None]
    delivery_cost: Mapped[Money]
    delivery_by_hand: Mapped[Flag]
    delivery_date: Mapped[date | None]
    delivery_from: Mapped[time | None]
    delivery_until: Mapped[time | None]
    payment_method: Mapped[str | None]
    discount_percent: Mapped[Percent]
    discount_amount: Mapped[Money]
    coupon_id: Mapped[int | None] = mapped_column(ForeignKey("coupons.id"), index=True)
    coupon_code: Mapped[str | None]
    coupon_percent: Mapped[Percent]
    coupon_amount: Mapped[Money]
    coupon_minimum: Mapped[Money]
    tracking: Mapped[str | None]
    promised_at: Mapped[datetime | None]
    comment: Mapped[str | None]
    customer_comment: Mapped[str | None]
    status_comment: Mapped[str | None]
    needs_call: Mapped[Flag]
    manager_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
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

    @property
    def sums(self) -> Sums:
        """The parts of its total."""
        return add_up(
            [it.line for it in self.items],
            discount=Off(self.discount_percent, self.discount_amount),
            coupon=Off(self.coupon_percent, self.coupon_amount),
            coupon_minimum=self.coupon_minimum,
            delivery=self.delivery_cost,
        )


Index(
    "ix_orders_number_prefix",
    func.lower(Order.number).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)


Index(
    "ix_orders_tracking",
    func.lower(Order.tracking).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
    postgresql_where=Order.tracking.is_not(None),
)


class OrderItem(Base):
    """One line of an order; name and prices are kept as they were when it was sold.

    `list_price`: what it cost this customer by the list (NULL: what he pays); `purchase_price` NULL: not known.
    `supplier`: not all of it was here when it was sold; it comes from him, in `lead_days` (NULL: not known).
    """

    __tablename__ = "order_items"
    __table_args__ = (
        CheckConstraint("quantity > 0", name="quantity_positive"),
        CheckConstraint("price >= 0", name="price_not_negative"),
        CheckConstraint("discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0", name="discount_sane"),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    product_id: Mapped[int | None] = mapped_column(ForeignKey("products.id"), index=True)
    sku: Mapped[str]
    name: Mapped[str]
    quantity: Mapped[int]
    price: Mapped[Money]
    discount_percent: Mapped[Percent]
    discount_amount: Mapped[Money]
    list_price: Mapped[Decimal | None]
    purchase_price: Mapped[Decimal | None]
    supplier: Mapped[str | None]
    lead_days: Mapped[int | None]

    @property
    def line(self) -> OrderLine:
        """What of it counts for the total."""
        return OrderLine(self.quantity, self.price, Off(self.discount_percent, self.discount_amount))

    @property
    def line_sum(self) -> Decimal:
        """What is paid for it before the order's own discount."""
        return self.line.sum


class OrderChange(Base):
    """Who changed what in an order, and in which call. `what`: field -> [before, after]; `version`: what it made
    of the order (NULL: not known of old changes)."""

    __tablename__ = "order_changes"

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    what: Mapped[dict[str, Any]]
    version: Mapped[int | None]
