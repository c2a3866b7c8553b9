"""Changes of many at once with what was before, so that they can be taken back; hand-overs are such changes."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0019"
down_revision: str | None = "0018"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    op.create_table(
        "bulk_acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("noun", sa.Text(), nullable=False),
        sa.Column("wanted", postgresql.JSONB(none_as_null=True), nullable=False),
        sa.Column("said", sa.Text(), nullable=False),
        sa.Column("changed", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("undone_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made_at(),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_bulk_acts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_acts")),
    )
    op.create_index("ix_bulk_acts_latest", "bulk_acts", ["noun", "user_id", sa.text("id DESC")])
    op.create_table(
        "bulk_rows",
        sa.Column("act_id", sa.BigInteger(), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("stayed", sa.Text(), nullable=True),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["act_id"], ["bulk_acts.id"], name=op.f("fk_bulk_rows_act_id_bulk_acts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("act_id", "object_id", name=op.f("pk_bulk_rows")),
    )
    op.execute("""
        INSERT INTO bulk_acts (id, user_id, noun, wanted, said, changed, undone_at, created_at)
        SELECT it.id, it.user_id, 'customers', jsonb_build_object('manager_id', it.to_id),
            'Manager: ' || coalesce(users.name, 'nobody'), it.customers, it.undone_at, it.created_at
        FROM handovers AS it LEFT JOIN users ON users.id = it.to_id
    """)
    op.execute("""
        INSERT INTO bulk_rows (act_id, object_id, title, before, after, created_at)
        SELECT it.handover_id, it.customer_id, customers.name, jsonb_build_object('manager_id', it.from_id),
            jsonb_build_object('manager_id', handovers.to_id), it.created_at
        FROM handover_rows AS it JOIN handovers ON handovers.id = it.handover_id
        JOIN customers ON customers.id = it.customer_id
    """)
    op.execute(
        "SELECT setval(pg_get_serial_sequence('bulk_acts', 'id'), max(id)) FROM bulk_acts HAVING max(id) > 0"
    )
    op.drop_table("handover_rows")
    op.drop_table("handovers")
