"""Goods of a deal, and what its window asks besides: kind of sale, probability, for all, delivery; which orders are
to be brought on which day."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op

revision: str = "0026"
down_revision: str | None = "0025"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# None of these writes a row anew: NULL, or a default that PostgreSQL keeps beside the table.
COLUMNS: tuple[sa.Column[Any], ...] = (
    sa.Column("kind_of_sale", sa.Text(), nullable=True),
    sa.Column("probability", sa.BigInteger(), nullable=True),
    sa.Column("for_all", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    sa.Column("from_store", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    sa.Column("comment", sa.Text(), nullable=True),
    sa.Column("delivery_date", sa.Date(), nullable=True),
    sa.Column("delivery_from", sa.Time(), nullable=True),
    sa.Column("delivery_until", sa.Time(), nullable=True),
    sa.Column("key", sa.Uuid(), nullable=True),
)
TO_BRING = "'new', 'confirmed', 'packed', 'on_delivery', 'work', 'delivery'"
BROUGHT_ON = f"delivery_date IS NOT NULL AND split_part(status, '.', 1) IN ({TO_BRING})"
CHECKS = {
    "probability_sane": "probability BETWEEN 0 AND 100",
    "window_forward": "delivery_until > delivery_from",
}


def upgrade() -> None:
    for column in COLUMNS:
        op.add_column("deals", column)
    for name, rule in CHECKS.items():
        op.create_check_constraint(op.f(f"ck_deals_{name}"), "deals", rule)
    op.create_unique_constraint(op.f("uq_deals_key"), "deals", ["key"])
    op.create_index("ix_deals_for_all", "deals", ["customer_id"], postgresql_where=sa.text("for_all"))
    op.create_index("ix_orders_brought_on", "orders", ["delivery_date"], postgresql_where=sa.text(BROUGHT_ON))
    op.create_table(
        "deal_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("list_price", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_deal_items_quantity_positive")),
        sa.CheckConstraint("price >= 0", name=op.f("ck_deal_items_price_not_negative")),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_items_deal_id_deals"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_deal_items_product_id_products")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_items")),
    )
    op.create_index("ix_deal_items_deal_id", "deal_items", ["deal_id"])
    op.create_index("ix_deal_items_product_id", "deal_items", ["product_id"])
