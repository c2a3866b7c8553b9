"""Leads, the goods they are interested in, and the web forms they come from, as tables."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from crm_core.db import Base, Flag, Id, Instant, Texts, Version, one_of
from crm_core.user import Role


class State(StrEnum):
    """Where a lead is on its way to becoming a customer."""

    NEW = "new"
    PROCESSING = "processing"
    QUALIFIED = "qualified"
    JUNK = "junk"


OPEN = (State.NEW, State.PROCESSING)


class LeadForm(Base):
    """A form of a web site. `key` names it in its address; `origin` is the site whose pages may send it.

    `fields` are what it asks besides name, telephone, e-mail and message; leads go to `responsible_id`, else to
    everybody of `role`.
    """

    __tablename__ = "lead_forms"
    __table_args__ = (
        UniqueConstraint("key"),
        one_of("role", Role),
        CheckConstraint("name <> ''", name="name_not_empty"),
        CheckConstraint("num_nonnulls(responsible_id, role) > 0", name="somebodys"),
    )

    id: Mapped[Id]
    key: Mapped[str]
    name: Mapped[str]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    origin: Mapped[str | None]
    fields: Mapped[Texts]
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    role: Mapped[str | None]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]


class LeadItem(Base):
    """Goods that a lead is interested in."""

    __tablename__ = "lead_items"
    __table_args__ = (
        UniqueConstraint("lead_id", "product_id"),
        CheckConstraint("quantity > 0", name="quantity_positive"),
    )

    id: Mapped[Id]
    lead_id: Mapped[int] = mapped_column(ForeignKey("leads.id", ondelete="CASCADE"))
    product_id: Mapped[int] = mapped_column(ForeignKey("products.id"), index=True)
    quantity: Mapped[int]


class Lead(Base):
    """Somebody who showed interest and is not known yet. `source` tells whence, in words that stay.

    `answers`: what a form asked besides; `junked_from`: the state it had before it was thrown away.
    """

    __tablename__ = "leads"
    __table_args__ = (
        one_of("state", State),
        Index("ix_leads_state", "state", text("id DESC")),
        Index("ix_leads_responsible", "responsible_id", text("id DESC")),
        Index("ix_leads_open_number", "e164", postgresql_where=text("state IN ('new', 'processing')")),
    )

    id: Mapped[Id]
    state: Mapped[str]
    junked_from: Mapped[str | None]
    source: Mapped[str]
    form_id: Mapped[int | None] = mapped_column(ForeignKey("lead_forms.id"), index=True)
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"))
    name: Mapped[str | None]
    phone: Mapped[str | None]
    e164: Mapped[str | None]
    email: Mapped[str | None]
    message: Mapped[str | None]
    page: Mapped[str | None]
    answers: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"), index=True)
    deal_id: Mapped[int | None] = mapped_column(ForeignKey("deals.id"), index=True)
    closed_at: Mapped[datetime | None]
    version: Mapped[Version]
    updated_at: Mapped[Instant]

    items: Mapped[list[LeadItem]] = relationship(
        lazy="selectin", order_by=LeadItem.id, cascade="all, delete-orphan"
    )
