"""What the floor is worth: what each queue shall reach."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0025"
down_revision: str | None = "0024"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "queue_targets",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("target_s", sa.BigInteger(), nullable=False),
        sa.Column("short_s", sa.BigInteger(), nullable=False),
        sa.Column("goal", sa.BigInteger(), nullable=False),
        _made_at(),
        sa.CheckConstraint("queue <> ''", name=op.f("ck_queue_targets_queue_not_empty")),
        sa.CheckConstraint("target_s BETWEEN 1 AND 3600", name=op.f("ck_queue_targets_target_sane")),
        sa.CheckConstraint("short_s BETWEEN 0 AND 600", name=op.f("ck_queue_targets_short_sane")),
        sa.CheckConstraint("goal BETWEEN 1 AND 100", name=op.f("ck_queue_targets_goal_sane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_targets")),
        sa.UniqueConstraint("queue", name=op.f("uq_queue_targets_queue"), postgresql_nulls_not_distinct=True),
    )


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
