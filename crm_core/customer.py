"""Customers, the numbers by which we know them, and what was written about them."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Texts, Version

E164 = r"^\+[1-9][0-9]{2,14}$"


class Customer(Base):
    """A person who buys. `sort_key` and `search_key` are made of the name by `crm_core.keys`."""

    __tablename__ = "customers"
    __table_args__ = (
        Index("ix_customers_sort_key", "sort_key", "id"),
        Index("ix_customers_words", text("to_tsvector('simple', search_key)"), postgresql_using="gin"),
        CheckConstraint("name <> ''", name="name_not_empty"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    sort_key: Mapped[str]
    search_key: Mapped[str]
    email: Mapped[str | None]
    city: Mapped[str | None]
    country: Mapped[str | None]
    address: Mapped[str | None]
    timezone: Mapped[str | None]
    birthday: Mapped[date | None]
    vip: Mapped[Flag]
    bad: Mapped[Flag]
    tags: Mapped[Texts]
    source: Mapped[str | None]
    note: Mapped[str | None]
    version: Mapped[Version]
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)

    numbers: Mapped[list["CustomerNumber"]] = relationship(
        lazy="selectin", order_by="CustomerNumber.position, CustomerNumber.id", cascade="all, delete-orphan"
    )


class CustomerNumber(Base):
    """A number of a customer; several customers may share one."""

    __tablename__ = "customer_numbers"
    __table_args__ = (
        UniqueConstraint("customer_id", "e164"),
        Index("ix_customer_numbers_e164", "e164", postgresql_ops={"e164": "text_pattern_ops"}),
        CheckConstraint(f"e164 ~ '{E164}'", name="e164_form"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"))
    e164: Mapped[str]
    raw: Mapped[str]
    label: Mapped[str | None]
    position: Mapped[int] = mapped_column(server_default="0", default=0)


Index(
    "ix_customers_email",
    func.lower(Customer.email).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)
# The last digits of a number are what people remember and say.
Index(
    "ix_customer_numbers_reversed",
    func.reverse(CustomerNumber.e164).label("reversed"),
    postgresql_ops={"reversed": "text_pattern_ops"},
)


class NumberChoice(Base):
    """Whom an operator chose the last time when several customers had this number."""

    __tablename__ = "number_choices"

    e164: Mapped[str] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    chosen_at: Mapped[datetime]


class CustomerNote(Base):
    """Something a colleague wrote about a customer; never changed afterwards."""

    __tablename__ = "customer_notes"

    id: Mapped[Id]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id", ondelete="CASCADE"), index=True)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    text: Mapped[str]
