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
    _notices()
    _rules()


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


def _notices() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("read_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index("ix_notices_user", "notices", ["user_id", sa.literal_column("id DESC")])
    op.create_index("ix_notices_unread", "notices", ["user_id"], postgresql_where=sa.text("read_at IS NULL"))
    op.create_index("ix_notices_created_at", "notices", ["created_at"])


def _rules() -> None:
    texts = ("thing", "category", "source")
    op.create_table(
        "assignment_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=True) for name in texts),
        *(sa.Column(name, sa.Numeric(12, 2), nullable=True) for name in ("amount_from", "amount_below")),
        sa.Column("vip", sa.Boolean(), nullable=True),
        sa.Column("how", sa.Text(), nullable=False),
        *(sa.Column(f"{name}_id", sa.BigInteger(), nullable=True) for name in ("shop", "line", "user", "team")),
        sa.Column("present", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint("thing IN ('order', 'lead')", name=op.f("ck_assignment_rules_thing_known")),
        sa.CheckConstraint(
            "how IN ('person', 'fewest', 'random', 'nobody')", name=op.f("ck_assignment_rules_how_known")
        ),
        sa.CheckConstraint(
            "(how = 'person') = (user_id IS NOT NULL)", name=op.f("ck_assignment_rules_person_named")
        ),
        *(
            sa.ForeignKeyConstraint(
                [f"{name}_id"], [f"{name}s.id"], name=op.f(f"fk_assignment_rules_{name}_id_{name}s"),
                ondelete="CASCADE" if name in ("line", "team") else None,
            )
            for name in ("shop", "line", "user", "team")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignment_rules")),
    )  # fmt: skip
