"""Variants, warehouses, prices by kind of customer, reservations, imports."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _named("product_families")
    _named("warehouses")
    _products()
    _prices()
    _levels()
    op.add_column("customers", sa.Column("price_list", sa.Text(), nullable=True))
    _open_books()
    _mappings()


def _made() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _to(table: str, column: str, target: str, **options: Any) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, **options)


def _named(table: str) -> None:
    op.create_table(
        table,
        _id(),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        _made(),
        _to(table, "shop_id", "shops"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "name", name=op.f(f"uq_{table}_shop_id_name")),
    )


def _products() -> None:
    properties = postgresql.JSONB(none_as_null=True)
    for column in (
        sa.Column("family_id", sa.BigInteger(), nullable=True),
        sa.Column("properties", properties, server_default="{}", nullable=False),
        sa.Column("barcodes", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("purchase_price", sa.Numeric(12, 2), nullable=True),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
    ):
        op.add_column("products", column)
    op.execute("UPDATE products SET barcodes = ARRAY[barcode] WHERE barcode <> ''")
    op.drop_index("ix_products_barcode", table_name="products")
    op.drop_column("products", "barcode")
    op.drop_constraint(op.f("ck_products_stock_not_negative"), "products", type_="check")
    op.create_check_constraint(
        op.f("ck_products_purchase_price_not_negative"), "products", "purchase_price >= 0"
    )
    op.create_foreign_key(
        op.f("fk_products_family_id_product_families"), "products", "product_families", ["family_id"], ["id"]
    )
    op.create_index(op.f("ix_products_family_id"), "products", ["family_id"])
    op.create_index("ix_products_barcodes", "products", ["barcodes"], postgresql_using="gin")
    op.create_index("ix_products_listed", "products", ["search_key", "id"])


def _prices() -> None:
    table = "product_prices"
    op.create_table(
        table,
        _id(),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("price_list", sa.Text(), nullable=True),
        sa.Column("promotion", sa.Text(), nullable=True),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint("price >= 0", name=op.f("ck_product_prices_price_not_negative")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_product_prices_ends_after_start")),
        sa.CheckConstraint(
            "num_nonnulls(price_list, starts_at, ends_at) > 0", name=op.f("ck_product_prices_is_special")
        ),
        _to(table, "product_id", "products", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_prices")),
    )
    op.create_index(op.f("ix_product_prices_product_id"), table, ["product_id"])


def _levels() -> None:
    table = "stock_levels"
    op.create_table(
        table,
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("on_hand", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("reserved", sa.BigInteger(), server_default="0", nullable=False),
        _made(),
        sa.CheckConstraint("on_hand >= 0", name=op.f("ck_stock_levels_on_hand_not_negative")),
        sa.CheckConstraint("reserved >= 0", name=op.f("ck_stock_levels_reserved_not_negative")),
        _to(table, "product_id", "products", ondelete="CASCADE"),
        _to(table, "warehouse_id", "warehouses"),
        sa.PrimaryKeyConstraint("product_id", "warehouse_id", name=op.f("pk_stock_levels")),
    )
    op.create_index(op.f("ix_stock_levels_warehouse_id"), table, ["warehouse_id"])
    table = "order_stock"
    op.create_table(
        table,
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("warehouse_id", sa.BigInteger(), nullable=False),
        sa.Column("pieces", sa.BigInteger(), nullable=False),
        sa.Column("shipped", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        _made(),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_order_stock_pieces_positive")),
        _to(table, "order_id", "orders", ondelete="CASCADE"),
        _to(table, "product_id", "products"),
        _to(table, "warehouse_id", "warehouses"),
        sa.PrimaryKeyConstraint("order_id", "product_id", "warehouse_id", name=op.f("pk_order_stock")),
    )
    op.create_index(op.f("ix_order_stock_product_id"), table, ["product_id"])


def _mappings() -> None:
    op.create_table(
        "import_mappings",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("columns", postgresql.JSONB(none_as_null=True), nullable=False),
        _made(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mappings")),
        sa.UniqueConstraint("name", name=op.f("uq_import_mappings_name")),
    )


def _open_books() -> None:
    """What was in stock lies in the shop's first warehouse; orders that are not sent yet reserve their pieces."""
    op.execute(
        "INSERT INTO warehouses (shop_id, name) SELECT DISTINCT shop_id, 'Main warehouse' FROM products"
    )
    op.execute(
        "INSERT INTO order_stock (order_id, product_id, warehouse_id, pieces, shipped)"
        " SELECT o.id, i.product_id, w.id, sum(i.quantity), o.status NOT IN ('new', 'confirmed', 'packed')"
        " FROM orders o JOIN order_items i ON i.order_id = o.id JOIN products p ON p.id = i.product_id"
        " JOIN warehouses w ON w.shop_id = p.shop_id WHERE o.status NOT IN ('cancelled', 'returned')"
        " GROUP BY o.id, i.product_id, w.id"
    )
    op.execute(
        "INSERT INTO stock_levels (product_id, warehouse_id, on_hand, reserved)"
        " SELECT p.id, w.id, p.stock + coalesce(r.pieces, 0), coalesce(r.pieces, 0)"
        " FROM products p JOIN warehouses w ON w.shop_id = p.shop_id"
        " LEFT JOIN (SELECT product_id, sum(pieces) AS pieces FROM order_stock WHERE NOT shipped"
        " GROUP BY product_id) r ON r.product_id = p.id"
    )
