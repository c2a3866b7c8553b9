"""Whom nobody may call: who asked for it, and whoever was tried often enough today."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id


class DoNotCall(Base):
    """Nobody calls this customer, or this number, because of `reason`."""

    __tablename__ = "do_not_call"
    __table_args__ = (
        CheckConstraint("num_nonnulls(customer_id, number) = 1", name="one_person"),
        Index("ix_do_not_call_customer", "customer_id"),
        Index("ix_do_not_call_number", "number"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str | None]
    reason: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class DialLimit(Base):
    """The one limit of the house: `most_a_day` attempts to reach one customer; 0: as many as one likes."""

    __tablename__ = "dial_limits"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("most_a_day BETWEEN 0 AND 100", name="sane"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    most_a_day: Mapped[int]
