"""Statuses of one's own, rules of who gets an order."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0018"
down_revision: str | None = "0017"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What there was so far; the house changes names, looks and order.
STATUSES = (
    ("new", "New", "blue", "circle"),
    ("confirmed", "Confirmed", "blue", "dot"),
    ("packed", "Packed", "blue", "square"),
    ("on_delivery", "On delivery", "amber", "diamond"),
    ("delivered", "Delivered", "green", "dot"),
    ("done", "Done", "grey", "dot"),
    ("cancelled", "Cancelled", "red", "circle"),
    ("returned", "Returned", "red", "triangle"),
)


def upgrade() -> None:
    _statuses()


def _statuses() -> None:
    statuses = op.create_table(
        "order_statuses",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tone", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("used", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("late_days", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint(
            "tone IN ('grey', 'blue', 'amber', 'green', 'red', 'teal')",
            name=op.f("ck_order_statuses_tone_known"),
        ),
        sa.CheckConstraint(
            "shape IN ('dot', 'square', 'diamond', 'circle', 'triangle')",
            name=op.f("ck_order_statuses_shape_known"),
        ),
        sa.CheckConstraint(
            r"code ~ '^[a-z_]{1,20}(\.[a-z0-9_]{1,40})?$'", name=op.f("ck_order_statuses_code_plain")
        ),
        sa.CheckConstraint("late_days BETWEEN 1 AND 365", name=op.f("ck_order_statuses_late_days_sane")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_order_statuses")),
        sa.UniqueConstraint("name", name=op.f("uq_order_statuses_name")),
    )
    op.bulk_insert(
        statuses,
        [
            {"code": code, "name": name, "tone": tone, "shape": shape, "position": place, "used": True}
            for place, (code, name, tone, shape) in enumerate(STATUSES, 1)
        ],
    )
    # The check that goes held for every row there is, so no row needs to be looked at again.
    for table, column in (("orders", "status"), ("funnel_stages", "order_status")):
        op.drop_constraint(op.f(f"ck_{table}_{column}_known"), table, type_="check")
        op.create_foreign_key(
            op.f(f"fk_{table}_{column}_order_statuses"),
            table,
            "order_statuses",
            [column],
            ["code"],
            postgresql_not_valid=True,
        )


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
