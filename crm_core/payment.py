"""Payments of orders as they came: how much, what for, how, when, taken down by whom. `orders.paid` is their sum."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Money, one_of
from crm_core.errors import Invalid
from crm_core.money import money
from crm_core.order_rows import Order


class Kind(StrEnum):
    """What a payment is."""

    PREPAID = "prepaid"
    PART = "part"
    FINAL = "final"
    REFUND = "refund"


METHODS = ("cash", "card", "transfer", "online", "on_delivery")


class Payment(Base):
    """Money that came, or (`refund`) went back. Rows are only ever added. `external_id`: what whoever told it calls it,
    so that what is told twice is taken down once."""

    __tablename__ = "payments"
    __table_args__ = (
        one_of("kind", Kind),
        one_of("method", METHODS),
        CheckConstraint("amount > 0", name="amount_positive"),
        Index(
            "uq_payments_external_id",
            "order_id",
            "external_id",
            unique=True,
            postgresql_where=text("external_id IS NOT NULL"),
        ),
    )

    id: Mapped[Id]
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    amount: Mapped[Money]
    method: Mapped[str | None]
    note: Mapped[str | None]
    external_id: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"))


def paid_after(paid: Decimal, kind: str, amount: Decimal) -> Decimal:
    """What is paid when this came too. Raises `Invalid` when more would go back than came. Pure."""
    if kind != Kind.REFUND:
        return paid + amount
    if amount > paid:
        raise Invalid(f"Only {paid} was paid; more can not go back.", "amount")
    return paid - amount


def kind_of(paid: Decimal, amount: Decimal, total: Decimal) -> Kind:
    """What an amount is that came without a word: the rest, the beginning or a part. Pure."""
    if paid + amount >= total:
        return Kind.FINAL
    return Kind.PART if paid else Kind.PREPAID


def book(
    session: AsyncSession,
    order: Order,
    amount: Decimal | int | str,
    *,
    kind: str | None = None,
    method: str | None = None,
    note: str | None = None,
    external_id: str | None = None,
    user_id: int | None,
    call_id: UUID | None,
    at: datetime,
) -> Payment:
    """Take down a payment of an order that is locked. Raises `Invalid`."""
    amount = money(amount, "amount")
    if not amount:
        raise Invalid("Say how much.", "amount")
    known = kind or kind_of(order.paid, amount, order.total)
    if known not in set(Kind):
        raise Invalid(f"{str(known)[:40]!r} is no kind of payment.", "kind")
    if method is not None and method not in METHODS:
        raise Invalid(f"{str(method)[:40]!r} is no way to pay.", "method")
    order.paid = paid_after(order.paid, known, amount)
    made = Payment(
        order_id=order.id,
        kind=known,
        amount=amount,
        method=method,
        note=(note or "").strip() or None,
        external_id=external_id,
        user_id=user_id,
        call_id=call_id,
        created_at=at,
    )
    session.add(made)
    return made


async def list_payments(session: AsyncSession, order_id: int) -> Sequence[Payment]:
    """The payments of an order, the oldest first."""
    query = select(Payment).where(Payment.order_id == order_id).order_by(Payment.id)
    return (await session.scalars(query)).all()
