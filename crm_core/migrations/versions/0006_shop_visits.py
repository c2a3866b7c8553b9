"""What a customer does in the web shop; what was open in the card; the line an operator calls from."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _focus()
    _carts()
    _visits()
    op.add_column("users", sa.Column("line_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_users_line_id_lines"), "users", "lines", ["line_id"], ["id"], ondelete="SET NULL"
    )


def _made() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _focus() -> None:
    op.create_table(
        "call_focus",
        _id(),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint("num_nonnulls(order_id, deal_id) = 1", name=op.f("ck_call_focus_one_object")),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], name=op.f(f"fk_call_focus_{column}_{table}"), ondelete="CASCADE"
            )
            for column, table in (
                ("call_id", "calls"),
                ("user_id", "users"),
                ("order_id", "orders"),
                ("deal_id", "deals"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_focus")),
    )
    op.create_index("ix_call_focus_call_id", "call_focus", ["call_id"])
    op.create_index(
        "uq_call_focus_open",
        "call_focus",
        ["call_id", "user_id"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )


def _visitor(table: str) -> list[sa.schema.SchemaItem]:
    """What carts and visits share: the shop, its own id, and who it was."""
    return [
        _id(),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("e164", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        _made(),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f(f"fk_{table}_shop_id_shops")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f(f"fk_{table}_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("shop_id", "external_id", name=op.f(f"uq_{table}_shop_id_external_id")),
    ]


def _carts() -> None:
    op.create_table(
        "carts",
        *_visitor("carts"),
        sa.Column("items", postgresql.JSONB(none_as_null=True), server_default="[]", nullable=False),
        sa.Column("total", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_carts_currency_code")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_carts_order_id_orders"), ondelete="SET NULL"
        ),
    )
    op.create_index("ix_carts_customer", "carts", ["customer_id", sa.text("updated_at DESC")])
    op.create_index("ix_carts_e164", "carts", ["e164", sa.text("updated_at DESC")])
    op.create_index("ix_carts_updated_at", "carts", ["updated_at"])
    op.create_index(op.f("ix_carts_order_id"), "carts", ["order_id"])


def _visits() -> None:
    op.create_table(
        "site_visits",
        *_visitor("site_visits"),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
    )
    op.create_index("ix_site_visits_customer", "site_visits", ["customer_id", sa.text("at DESC")])
    op.create_index("ix_site_visits_e164", "site_visits", ["e164", sa.text("at DESC")])
    op.create_index("ix_site_visits_at", "site_visits", ["at"])
