"""What moves with a transferred call, and how each user wants his cards."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0024"
down_revision: str | None = "0023"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "call_batons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("giver_id", sa.BigInteger(), nullable=False),
        sa.Column("taker_id", sa.BigInteger(), nullable=True),
        sa.Column("said", sa.Text(), nullable=True),
        sa.Column("doing", postgresql.JSONB(), nullable=False),
        sa.Column("draft_version", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_batons_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["giver_id"], ["users.id"], name=op.f("fk_call_batons_giver_id_users")),
        sa.ForeignKeyConstraint(["taker_id"], ["users.id"], name=op.f("fk_call_batons_taker_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_batons")),
    )
    op.create_index("ix_call_batons_call", "call_batons", ["call_id", "id"])


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
