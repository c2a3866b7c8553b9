"""Goods have pictures and a size, and what lies at suppliers stands apart from what is here."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0042"
down_revision: str | None = "0041"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SIDES = ("length_mm", "width_mm", "height_mm")
CREATED = ("created_at", sa.TIMESTAMP(timezone=True))


def upgrade() -> None:
    for side in SIDES:
        op.add_column("products", sa.Column(side, sa.BigInteger(), nullable=True))
    op.create_check_constraint(
        op.f("ck_products_size_positive"), "products", " AND ".join(f"{side} > 0" for side in SIDES)
    )
    _pictures()
    _supplies()
    op.add_column("order_items", sa.Column("supplier", sa.Text(), nullable=True))
    op.add_column("order_items", sa.Column("lead_days", sa.BigInteger(), nullable=True))


def _pictures() -> None:
    op.create_table(
        "product_pictures",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=True),
        sa.Column("width", sa.BigInteger(), nullable=True),
        sa.Column("height", sa.BigInteger(), nullable=True),
        sa.Column("size", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("tries", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column(*CREATED, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "digest IS NOT NULL OR address IS NOT NULL", name=op.f("ck_product_pictures_from_somewhere")
        ),
        sa.ForeignKeyConstraint(
            ["product_id"],
            ["products.id"],
            name=op.f("fk_product_pictures_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_product_pictures")),
    )
    op.create_index("ix_product_pictures_of_product", "product_pictures", ["product_id", "position", "id"])
    op.create_index("ix_product_pictures_digest", "product_pictures", ["digest"])
    op.create_index(
        "ix_product_pictures_due",
        "product_pictures",
        ["due_at"],
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )


def _supplies() -> None:
    op.create_table(
        "supplies",
        sa.Column("product_id", sa.BigInteger(), nullable=False),
        sa.Column("supplier", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("lead_days", sa.BigInteger(), nullable=True),
        sa.Column("as_of", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column(*CREATED, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("quantity >= 0", name=op.f("ck_supplies_quantity_not_negative")),
        sa.CheckConstraint("lead_days >= 0", name=op.f("ck_supplies_lead_not_negative")),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_supplies_product_id_products"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("product_id", "supplier", name=op.f("pk_supplies")),
    )


def downgrade() -> None:
    op.drop_column("order_items", "lead_days")
    op.drop_column("order_items", "supplier")
    op.drop_table("supplies")
    op.drop_table("product_pictures")
    op.drop_constraint(op.f("ck_products_size_positive"), "products")
    for side in SIDES:
        op.drop_column("products", side)
