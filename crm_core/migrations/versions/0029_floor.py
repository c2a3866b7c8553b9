"""Rules of alerts, and what was alarmed."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0029"
down_revision: str | None = "0028"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KINDS = "'waiting', 'service_level', 'pause', 'wrap_up', 'held', 'no_operator', 'switchboard', 'recording'"
USUAL = (
    ("waiting", 60, None),
    ("service_level", 70, 30),
    ("pause", 30, None),
    ("wrap_up", 300, None),
    ("held", 180, None),
    ("no_operator", 60, None),
    ("switchboard", 15, None),
    ("recording", 1, 60),
)


def upgrade() -> None:
    rules = op.create_table(
        "alert_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("bound", sa.BigInteger(), nullable=False),
        sa.Column("minutes", sa.BigInteger(), nullable=True),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("user_ids", postgresql.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_alert_rules_kind")),
        sa.CheckConstraint("bound > 0", name=op.f("ck_alert_rules_bound_sane")),
        sa.CheckConstraint("minutes BETWEEN 5 AND 120", name=op.f("ck_alert_rules_minutes_sane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert_rules")),
    )
    op.create_table(
        "alerts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("rule_id", sa.BigInteger(), nullable=True),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("of", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("raised_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("acked_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("acked_by", sa.BigInteger(), nullable=True),
        _made_at(),
        sa.CheckConstraint(f"kind IN ({KINDS})", name=op.f("ck_alerts_kind")),
        sa.CheckConstraint(
            "about IN ('queue', 'operator', 'switchboard', 'house')", name=op.f("ck_alerts_about")
        ),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["alert_rules.id"], name=op.f("fk_alerts_rule_id_alert_rules"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["acked_by"], ["users.id"], name=op.f("fk_alerts_acked_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    op.create_index("uq_alerts_open", "alerts", ["key"], unique=True, postgresql_where="cleared_at IS NULL")
    op.create_index("ix_alerts_raised_at", "alerts", [sa.text("raised_at DESC")])
    made = [
        {"kind": kind, "bound": bound, "minutes": minutes, "roles": ["supervisor"]}
        for kind, bound, minutes in USUAL
    ]
    op.bulk_insert(rules, made)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
