"""Shops and the lines (numbers people dial) that belong to them."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Texts


class Shop(Base):
    """One online store: its currency, its country, its series of order numbers."""

    __tablename__ = "shops"
    __table_args__ = (
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency_code"),
        CheckConstraint("country ~ '^[A-Z]{2}$'", name="country_code"),
        UniqueConstraint("order_prefix"),
    )

    id: Mapped[Id]
    name: Mapped[str]
    currency: Mapped[str]
    country: Mapped[str]
    timezone: Mapped[str]
    order_prefix: Mapped[str]
    next_order_number: Mapped[int] = mapped_column(server_default="1001", default=1001)


class Line(Base):
    """A number that is dialled to reach a shop. `aliases`: other spellings in which a PBX names it."""

    __tablename__ = "lines"
    __table_args__ = (
        UniqueConstraint("pbx", "did"),
        Index("ix_lines_aliases", "aliases", postgresql_using="gin"),
        CheckConstraint("did <> ''", name="did_not_empty"),
    )

    id: Mapped[Id]
    pbx: Mapped[str]
    did: Mapped[str]
    name: Mapped[str]
    aliases: Mapped[Texts]
    e164: Mapped[str | None] = mapped_column(index=True)
    shop_id: Mapped[int | None] = mapped_column(ForeignKey("shops.id"), index=True)
