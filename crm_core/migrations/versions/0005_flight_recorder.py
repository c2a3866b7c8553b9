"""What the switchboard said about each call."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    instant = sa.TIMESTAMP(timezone=True)
    op.create_table(
        "flight_tapes",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("heard_from", instant, nullable=False),
        sa.Column("heard_until", instant, nullable=False),
        sa.Column("messages", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_flight_tapes_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flight_tapes")),
    )
    op.create_index(op.f("ix_flight_tapes_call_id"), "flight_tapes", ["call_id"])
    op.create_index("ix_flight_tapes_age", "flight_tapes", ["created_at"])
    # Deflated already: PostgreSQL need not try again.
    op.execute("ALTER TABLE flight_tapes ALTER COLUMN packed SET STORAGE EXTERNAL")
