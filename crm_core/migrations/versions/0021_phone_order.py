"""An order taken on the telephone: the piece held for the length of a call, the read-back, what goes with what."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0021"
down_revision: str | None = "0020"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column(
        "products", sa.Column("aliases", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)
    )
    _searched_at_once()
    _holds()
    _keys()
    _confirmations()
    _goes_with()


def _made() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _to(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=name, ondelete="CASCADE" if cascade else None
    )


def _number(name: str, *, may_be_unknown: bool = False) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), nullable=may_be_unknown)


def _searched_at_once() -> None:
    """What is written goes into these indexes itself: a list of what waits would be read at every keystroke."""
    for index in ("ix_products_words", "ix_products_barcodes"):
        op.execute(f"ALTER INDEX {index} SET (fastupdate = off)")
        op.execute(f"SELECT gin_clean_pending_list('{index}')")


def _holds() -> None:
    table = "call_holds"
    op.create_table(
        table,
        _id(),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        _number("product_id"),
        _number("user_id"),
        _number("pieces"),
        _number("kept_s"),
        _made(),
        _to(table, "call_id", "calls", cascade=True),
        _to(table, "product_id", "products", cascade=True),
        _to(table, "user_id", "users", cascade=True),
        sa.CheckConstraint("pieces > 0", name=op.f("ck_call_holds_pieces_positive")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_holds")),
    )
    op.create_index(op.f("ix_call_holds_call_id"), table, ["call_id"])
    op.create_index(op.f("ix_call_holds_product_id"), table, ["product_id"])


def _keys() -> None:
    table = "order_keys"
    op.create_table(
        table,
        sa.Column("key", sa.Uuid(), nullable=False),
        _number("order_id", may_be_unknown=True),
        _made(),
        _to(table, "order_id", "orders", cascade=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_order_keys")),
    )
    op.create_index(op.f("ix_order_keys_order_id"), table, ["order_id"])


def _confirmations() -> None:
    table = "order_confirmations"
    op.create_table(
        table,
        _id(),
        _number("order_id"),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        _number("user_id", may_be_unknown=True),
        _number("version"),
        sa.Column("total", sa.Numeric(12, 2), server_default="0", nullable=False),
        sa.Column("talk_s", sa.Double(), nullable=True),
        _made(),
        _to(table, "order_id", "orders", cascade=True),
        _to(table, "call_id", "calls"),
        _to(table, "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_confirmations")),
    )
    op.create_index(op.f("ix_order_confirmations_order_id"), table, ["order_id"])
    op.create_index(op.f("ix_order_confirmations_call_id"), table, ["call_id"])


def _goes_with() -> None:
    op.create_table(
        "product_accessories",
        _number("product_id"),
        _number("other_id"),
        sa.Column("line", sa.Text(), nullable=True),
        _made(),
        _to("product_accessories", "product_id", "products", cascade=True),
        _to("product_accessories", "other_id", "products", cascade=True),
        sa.CheckConstraint("product_id <> other_id", name=op.f("ck_product_accessories_two_products")),
        sa.PrimaryKeyConstraint("product_id", "other_id", name=op.f("pk_product_accessories")),
    )
    op.create_index(op.f("ix_product_accessories_other_id"), "product_accessories", ["other_id"])
    op.create_table(
        "product_pairs",
        _number("product_id"),
        _number("other_id"),
        _number("orders"),
        _made(),
        _to("product_pairs", "product_id", "products", cascade=True),
        _to("product_pairs", "other_id", "products", cascade=True),
        sa.PrimaryKeyConstraint("product_id", "other_id", name=op.f("pk_product_pairs")),
    )
    op.create_index(op.f("ix_product_pairs_other_id"), "product_pairs", ["other_id"])
    op.create_table(
        "pairs_counted",
        _id(),
        _number("order_id"),
        _made(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pairs_counted")),
    )
