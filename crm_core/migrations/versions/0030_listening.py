"""Who listened to which call, and working time."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0030"
down_revision: str | None = "0029"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    _listening()
    _working_time()


def _listening() -> None:
    op.create_table(
        "listenings",
        _id(),
        sa.Column("visit", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("listener_id", sa.BigInteger(), nullable=False),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        _at("began_at"),
        _at("ended_at", nullable=True),
        _made_at(),
        sa.CheckConstraint(
            "mode IN ('listen', 'whisper', 'barge', 'take_over')", name=op.f("ck_listenings_mode_known")
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_listenings_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["listener_id"], ["users.id"], name=op.f("fk_listenings_listener_id_users")),
        sa.ForeignKeyConstraint(["operator_id"], ["users.id"], name=op.f("fk_listenings_operator_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listenings")),
    )
    op.create_index("ix_listenings_call", "listenings", ["call_id", "began_at"])
    op.create_index("ix_listenings_began_at", "listenings", [sa.text("began_at DESC")])
    still = sa.text("ended_at IS NULL")
    op.create_index("ix_listenings_open", "listenings", ["visit"], unique=True, postgresql_where=still)
    op.create_table(
        "listening_rules",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        _made_at(),
        sa.CheckConstraint("id = 1", name=op.f("ck_listening_rules_only_one")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_listening_rules")),
    )


def _working_time() -> None:
    op.create_table(
        "work_spans",
        _id(),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        _at("began_at"),
        _at("ended_at", nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint("ended_at > began_at", name=op.f("ck_work_spans_forward")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_work_spans_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_spans")),
    )
    op.create_index("ix_work_spans_user", "work_spans", ["user_id", "began_at"])
    still = sa.text("ended_at IS NULL")
    op.create_index("ix_work_spans_open", "work_spans", ["user_id"], unique=True, postgresql_where=still)
    op.create_table(
        "work_corrections",
        _id(),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=True),
        sa.Column("after", postgresql.JSONB(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("corrected_by", sa.BigInteger(), nullable=False),
        _at("at"),
        _made_at(),
        sa.CheckConstraint("reason <> ''", name=op.f("ck_work_corrections_reason_given")),
        sa.ForeignKeyConstraint(
            ["corrected_by"], ["users.id"], name=op.f("fk_work_corrections_corrected_by_users")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_work_corrections_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_corrections")),
    )
    op.create_index("ix_work_corrections_user", "work_corrections", ["user_id", "at"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _at(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
