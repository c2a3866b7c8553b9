"""How customers of a shop pay, links they are sent for it, payments known by another system's id; deals that are not
closed without a conversation."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0041"
down_revision: str | None = "0040"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

TEXTS = ("page_url", "message", "payee", "address", "tax_id", "bank", "account", "tax_note", "note")


def upgrade() -> None:
    op.add_column(
        "funnels", sa.Column("needs_talk", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("payments", sa.Column("external_id", sa.Text(), nullable=True))
    op.create_index(
        "uq_payments_external_id",
        "payments",
        ["order_id", "external_id"],
        unique=True,
        postgresql_where=sa.text("external_id IS NOT NULL"),
    )
    op.create_table(
        "payment_terms",
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        *(sa.Column(name, sa.Text(), server_default="", nullable=False) for name in TEXTS),
        sa.Column("paid_status", sa.Text(), nullable=True),
        sa.Column("prepaid_status", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made(),
        _to("payment_terms", "shop_id", "shops.id", ondelete="CASCADE"),
        _to("payment_terms", "paid_status", "order_statuses.code"),
        _to("payment_terms", "prepaid_status", "order_statuses.code"),
        sa.PrimaryKeyConstraint("shop_id", name=op.f("pk_payment_terms")),
    )
    op.create_table(
        "payment_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("amount", sa.Numeric(12, 2), nullable=False),
        sa.Column("total", sa.Numeric(12, 2), nullable=False),
        sa.Column("paid", sa.Numeric(12, 2), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("opened_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made(),
        sa.CheckConstraint("amount > 0", name=op.f("ck_payment_links_amount_positive")),
        sa.CheckConstraint("way IN ('sms', 'email', 'other')", name=op.f("ck_payment_links_way_known")),
        _to("payment_links", "order_id", "orders.id", ondelete="CASCADE"),
        _to("payment_links", "user_id", "users.id"),
        _to("payment_links", "call_id", "calls.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment_links")),
        sa.UniqueConstraint("digest", name=op.f("uq_payment_links_digest")),
    )
    for column in ("order_id", "call_id"):
        op.create_index(op.f(f"ix_payment_links_{column}"), "payment_links", [column])


def _made() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _to(table: str, column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target.split('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=ondelete)


def downgrade() -> None:
    op.drop_table("payment_links")
    op.drop_table("payment_terms")
    op.drop_index("uq_payments_external_id", table_name="payments")
    op.drop_column("payments", "external_id")
    op.drop_column("funnels", "needs_talk")
