"""What a shop sells: price and stock of each variant."""

from collections.abc import Sequence

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    UniqueConstraint,
    false,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Money
from crm_core.keys import words_query


class Product(Base):
    """One thing that can be put into an order; a variant (colour, size) is a product of its own."""

    __tablename__ = "products"
    __table_args__ = (
        UniqueConstraint("shop_id", "sku"),
        Index("ix_products_words", text("to_tsvector('simple', search_key)"), postgresql_using="gin"),
        Index("ix_products_barcode", "barcode"),
        CheckConstraint("stock >= 0", name="stock_not_negative"),
        CheckConstraint("price >= 0", name="price_not_negative"),
    )

    id: Mapped[Id]
    shop_id: Mapped[int] = mapped_column(ForeignKey("shops.id"))
    sku: Mapped[str]
    name: Mapped[str]
    search_key: Mapped[str]
    barcode: Mapped[str | None]
    price: Mapped[Money]
    stock: Mapped[int] = mapped_column(server_default="0", default=0)


Index(
    "ix_products_sku",
    func.lower(Product.sku).label("lowered"),
    postgresql_ops={"lowered": "text_pattern_ops"},
)


async def find_products(
    session: AsyncSession, query: str, shop_id: int | None = None, *, limit: int = 20
) -> Sequence[Product]:
    """Products by the first letters of their words, by the beginning of the SKU, or by the barcode.

    Exact codes come first, then what is in stock, by name. Nothing for an empty query.
    """
    written = query.strip()
    words = words_query(written)
    if words is None:
        return []
    sku = func.lower(Product.sku)
    same_words = text("to_tsvector('simple', products.search_key) @@ to_tsquery('simple', :words)")
    found = (
        select(Product)
        .where(
            or_(
                same_words.bindparams(words=words),
                sku.startswith(written.lower(), autoescape=True),
                Product.barcode == written,
            )
        )
        .order_by(
            or_(sku == written.lower(), func.coalesce(Product.barcode == written, false())).desc(),
            (Product.stock > 0).desc(),
            Product.search_key,
            Product.id,
        )
        .limit(limit)
    )
    if shop_id is not None:
        found = found.where(Product.shop_id == shop_id)
    return (await session.scalars(found)).all()
