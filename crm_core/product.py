"""What a shop sells: price and stock of each variant."""

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Money


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
