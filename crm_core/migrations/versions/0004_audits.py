"""What was compared with the switchboard's own records."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INSTANT = sa.TIMESTAMP(timezone=True)
SECONDS = ("wait_s", "talk_s", "hold_s")


def upgrade() -> None:
    op.add_column("calls", sa.Column("origin", sa.Text(), server_default="live", nullable=False))
    op.create_check_constraint("origin_known", "calls", "origin IN ('live', 'cel', 'cdr')")
    for column in SECONDS:  # what is told of a call afterwards may not say how long
        op.alter_column("calls", column, existing_type=sa.Double(), nullable=True)
    op.create_index("ix_calls_linkedids", "calls", ["linkedids"], postgresql_using="gin")
    op.create_table(
        "call_audits",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_at", INSTANT, nullable=False),
        sa.Column("to_at", INSTANT, nullable=False),
        sa.Column("heal", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="queued", nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("started_at", INSTANT, nullable=True),
        sa.Column("touched_at", INSTANT, nullable=True),
        sa.Column("finished_at", INSTANT, nullable=True),
        sa.Column("progress", sa.Double(), server_default="0", nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("calls", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("counts", postgresql.JSONB(none_as_null=True), server_default="{}", nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "reason IN ('night', 'person', 'command', 'gap', 'again')", name="ck_call_audits_reason_known"
        ),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'done', 'failed')", name="ck_call_audits_state_known"
        ),
        sa.CheckConstraint("from_at < to_at", name="ck_call_audits_period"),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name="fk_call_audits_asked_by_users"),
        sa.PrimaryKeyConstraint("id", name="pk_call_audits"),
    )
    op.create_index(
        "ix_call_audits_waiting",
        "call_audits",
        ["due_at"],
        postgresql_where=sa.text("state IN ('queued', 'running')"),
    )
    op.create_index("ix_call_audits_newest", "call_audits", [sa.text("id DESC"), "pbx"])
    op.create_table(
        "call_audit_findings",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("healed", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("linkedid", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("at", INSTANT, nullable=True),
        sa.Column("direction", sa.Text(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "kind IN ('lost', 'doubled', 'still_open', 'unfinished', 'late_sound', 'no_sound', 'stray_file',"
            " 'only_ours', 'ignored', 'going_on')",
            name="ck_call_audit_findings_kind_known",
        ),
        sa.ForeignKeyConstraint(
            ["audit_id"],
            ["call_audits.id"],
            name="fk_call_audit_findings_audit_id_call_audits",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name="pk_call_audit_findings"),
    )
    op.create_index("ix_call_audit_findings_audit_id", "call_audit_findings", ["audit_id"])
    op.create_table(
        "pbx_heard",
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("pbx", name="pk_pbx_heard"),
    )
