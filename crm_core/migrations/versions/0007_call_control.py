"""What an operator did to a call."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = (
    "'hang_up', 'hold', 'resume', 'blind_transfer', 'consult', 'complete', 'cancel', 'swap', 'conference', "
    "'park', 'retrieve', 'dtmf', 'pause_recording', 'resume_recording'"
)


def upgrade() -> None:
    op.create_table(
        "call_acts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=True),
        sa.Column("refused", sa.Text(), nullable=True),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_call_acts_kind_known")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_acts_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["ended_by"], ["users.id"], name=op.f("fk_call_acts_ended_by_users")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_call_acts_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_acts")),
    )
    op.create_index("ix_call_acts_call", "call_acts", ["call_id", "at"])
    op.create_index(
        "ix_call_acts_paused",
        "call_acts",
        ["call_id"],
        postgresql_where=sa.text("kind = 'pause_recording' AND refused IS NULL AND ended_at IS NULL"),
    )
    op.create_index("ix_call_acts_user", "call_acts", ["user_id", sa.literal_column("at DESC")])
