"""What each operator did with his shift."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What a new house begins with; the administrator changes it.
REASONS = (
    ("break", "Break", False),
    ("lunch", "Lunch", False),
    ("training", "Training", True),
    ("meeting", "Meeting", True),
    ("paperwork", "Paperwork", True),
)


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def upgrade() -> None:
    op.create_table(
        "agent_states",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("signed_in", sa.Boolean(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("from_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("to_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made_at(),
        sa.CheckConstraint(
            "state IN ('offline', 'available', 'ringing', 'dialling', 'talking', 'held', 'wrap_up', 'paused')",
            name=op.f("ck_agent_states_state_known"),
        ),
        sa.CheckConstraint("to_at > from_at", name=op.f("ck_agent_states_forward")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_agent_states_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_states")),
        sa.UniqueConstraint("user_id", "from_at", name=op.f("uq_agent_states_user_id_from_at")),
    )
    op.create_index(
        "ix_agent_states_open",
        "agent_states",
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("to_at IS NULL"),
    )
    op.create_index("ix_agent_states_from_at", "agent_states", ["from_at"], unique=False)
    op.create_table(
        "agent_shifts",
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), nullable=False),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_agent_shifts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_agent_shifts")),
    )
    reasons = op.create_table(
        "pause_reasons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("productive", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        _made_at(),
        sa.CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name=op.f("ck_pause_reasons_code_plain")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pause_reasons")),
        sa.UniqueConstraint("code", name=op.f("uq_pause_reasons_code")),
    )
    op.bulk_insert(
        reasons,
        [
            {"code": code, "label": label, "productive": productive, "position": place}
            for place, (code, label, productive) in enumerate(REASONS, 1)
        ],
    )
    op.create_table(
        "wrap_up_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        _made_at(),
        sa.CheckConstraint("seconds BETWEEN 0 AND 3600", name=op.f("ck_wrap_up_rules_seconds_sane")),
        sa.CheckConstraint("queue <> ''", name=op.f("ck_wrap_up_rules_queue_not_empty")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_wrap_up_rules_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wrap_up_rules")),
        sa.UniqueConstraint(
            "queue",
            "user_id",
            name=op.f("uq_wrap_up_rules_queue_user_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
