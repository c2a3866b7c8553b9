"""Half-typed windows are kept, and whatever is sent may carry a key, not orders alone."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0036"
down_revision: str | None = "0035"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _keys_of_anything()
    _windows()
    _why("done", "reached", "tried", "gone", "refused", "by_hand")


def _keys_of_anything() -> None:
    """Only the catalogue changes: no row is written or read."""
    op.drop_constraint("fk_order_keys_order_id_orders", "order_keys", type_="foreignkey")
    op.drop_index("ix_order_keys_order_id", "order_keys")
    op.rename_table("order_keys", "sent_keys")
    op.execute("ALTER TABLE sent_keys RENAME CONSTRAINT pk_order_keys TO pk_sent_keys")
    op.alter_column("sent_keys", "order_id", new_column_name="object_id")
    op.add_column("sent_keys", sa.Column("noun", sa.Text(), server_default="order", nullable=False))
    op.alter_column("sent_keys", "noun", server_default=None)


def _windows() -> None:
    now = sa.text("now()")
    op.create_table(
        "window_drafts",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=now, nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_window_drafts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "place", name=op.f("pk_window_drafts")),
    )


def _why(*known: str) -> None:
    """Why somebody is through on a call list. Lists are small: the check reads some ten thousand rows."""
    name, listed = "ck_call_list_entries_why_known", ", ".join(f"'{why}'" for why in known)
    op.execute(f"ALTER TABLE call_list_entries DROP CONSTRAINT {name}")
    op.execute(f"ALTER TABLE call_list_entries ADD CONSTRAINT {name} CHECK (why IN ({listed}))")


def downgrade() -> None:
    op.execute("UPDATE call_list_entries SET why = 'gone' WHERE why = 'by_hand'")
    _why("done", "reached", "tried", "gone", "refused")
    op.drop_table("window_drafts")
    op.execute("DELETE FROM sent_keys WHERE noun <> 'order'")
    op.drop_column("sent_keys", "noun")
    op.alter_column("sent_keys", "object_id", new_column_name="order_id")
    op.execute("ALTER TABLE sent_keys RENAME CONSTRAINT pk_sent_keys TO pk_order_keys")
    op.rename_table("sent_keys", "order_keys")
    op.create_index("ix_order_keys_order_id", "order_keys", ["order_id"])
    op.create_foreign_key(
        "fk_order_keys_order_id_orders", "order_keys", "orders", ["order_id"], ["id"], ondelete="CASCADE"
    )
