"""Several funnels, the way of each deal through them, and why deals are lost."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0009"
down_revision: str | None = "0008"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What a new house begins with; the administrator changes it.
STAGES = (
    ("new", "New", "open", None, 3),
    ("offer", "Offer", "open", None, 7),
    ("ordered", "Ordered", "open", "new", None),
    ("won", "Won", "won", "done", None),
    ("lost", "Lost", "lost", "cancelled", None),
)
REASONS = (
    ("called_off", "The order was called off"),
    (None, "Too expensive"),
    (None, "Bought elsewhere"),
    (None, "Not in stock"),
    (None, "No answer"),
    (None, "No longer wanted"),
)
STATUSES = "'new', 'confirmed', 'packed', 'on_delivery', 'delivered', 'done', 'cancelled', 'returned'"


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def upgrade() -> None:
    funnels = op.create_table(
        "funnels",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funnels")),
        sa.UniqueConstraint("name", name=op.f("uq_funnels_name")),
    )
    op.bulk_insert(funnels, [{"name": "Sales", "position": 1}])
    stages = op.create_table(
        "funnel_stages",
        _id(),
        sa.Column("funnel_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("order_status", sa.Text(), nullable=True),
        sa.Column("stuck_days", sa.BigInteger(), nullable=True),
        _made_at(),
        sa.CheckConstraint("kind IN ('open', 'won', 'lost')", name=op.f("ck_funnel_stages_kind_known")),
        sa.CheckConstraint(f"order_status IN ({STATUSES})", name=op.f("ck_funnel_stages_order_status_known")),
        sa.CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name=op.f("ck_funnel_stages_code_plain")),
        sa.CheckConstraint("stuck_days BETWEEN 1 AND 365", name=op.f("ck_funnel_stages_stuck_days_sane")),
        sa.ForeignKeyConstraint(
            ["funnel_id"], ["funnels.id"], name=op.f("fk_funnel_stages_funnel_id_funnels")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_funnel_stages")),
        sa.UniqueConstraint("funnel_id", "code", name=op.f("uq_funnel_stages_funnel_id_code")),
        sa.UniqueConstraint(
            "funnel_id", "order_status", name=op.f("uq_funnel_stages_funnel_id_order_status")
        ),
    )
    op.bulk_insert(
        stages,
        [
            {"funnel_id": 1, "code": code, "name": name, "kind": kind, "position": place}
            | {"order_status": status, "stuck_days": days}
            for place, (code, name, kind, status, days) in enumerate(STAGES, 1)
        ],
    )
    reasons = op.create_table(
        "lost_reasons",
        _id(),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lost_reasons")),
        sa.UniqueConstraint("label", name=op.f("uq_lost_reasons_label")),
        sa.UniqueConstraint("code", name=op.f("uq_lost_reasons_code")),
    )
    op.bulk_insert(reasons, [{"code": code, "label": label} for code, label in REASONS])
    _let_deals_follow()
    op.create_table(
        "deal_moves",
        _id(),
        sa.Column("deal_id", sa.BigInteger(), nullable=False),
        sa.Column("funnel", sa.Text(), nullable=False),
        sa.Column("from_stage", sa.Text(), nullable=True),
        sa.Column("to_stage", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["deal_id"], ["deals.id"], name=op.f("fk_deal_moves_deal_id_deals"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_deal_moves_user_id_users")),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_deal_moves_call_id_calls")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deal_moves")),
    )
    op.create_index("ix_deal_moves_deal", "deal_moves", ["deal_id", "id"], unique=False)


def _let_deals_follow() -> None:
    """Every deal that there is stands in the first funnel, since it was last changed."""
    op.drop_constraint(op.f("ck_deals_stage_known"), "deals", type_="check")
    op.drop_index("ix_deals_stage", table_name="deals")
    op.drop_column("deals", "funnel")
    op.add_column("deals", sa.Column("funnel_id", sa.BigInteger(), nullable=False, server_default="1"))
    op.alter_column("deals", "funnel_id", server_default=None)
    op.add_column(
        "deals",
        sa.Column(
            "stage_since", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
    )
    op.execute("UPDATE deals SET stage_since = updated_at")
    op.add_column("deals", sa.Column("lost_reason_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_deals_funnel_id_funnel_stages"),
        "deals",
        "funnel_stages",
        ["funnel_id", "stage"],
        ["funnel_id", "code"],
    )
    op.create_foreign_key(
        op.f("fk_deals_lost_reason_id_lost_reasons"), "deals", "lost_reasons", ["lost_reason_id"], ["id"]
    )
    op.create_index("ix_deals_stage", "deals", ["funnel_id", "stage", "stage_since"], unique=False)
