"""A recording belongs to the folder of its switchboard: the same path may lie in two of them."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.add_column("recordings", sa.Column("pbx", sa.Text(), nullable=True))
    op.execute("UPDATE recordings SET pbx = calls.pbx FROM calls WHERE calls.id = recordings.call_id")
    op.alter_column("recordings", "pbx", nullable=False)
    op.drop_constraint(op.f("uq_recordings_path"), "recordings", type_="unique")
    op.create_unique_constraint(op.f("uq_recordings_pbx_path"), "recordings", ["pbx", "path"])
