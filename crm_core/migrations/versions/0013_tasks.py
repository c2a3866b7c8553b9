"""Tasks with what was said about them, and the role of those who bring orders."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0013"
down_revision: str | None = "0012"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = "'operator', 'senior', 'supervisor', 'manager', 'admin', 'courier'"
OPEN_ONLY = sa.text("state = 'open'")
ABOUT = (("customer_id", "customers"), ("order_id", "orders"), ("deal_id", "deals"), ("call_id", "calls"))
PEOPLE = ("performer_id", "created_by", "closed_by")


def _instant(name: str, default: str | None = None) -> sa.Column[datetime]:
    server_default = sa.text(default) if default else None
    return sa.Column(
        name, sa.TIMESTAMP(timezone=True), server_default=server_default, nullable=default is None
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _text(name: str, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def upgrade() -> None:
    op.drop_constraint(op.f("ck_users_role_known"), "users", type_="check")
    op.create_check_constraint(op.f("ck_users_role_known"), "users", f"role IN ({ROLES})")
    op.create_table(
        "tasks",
        _id(),
        _text("kind", False),
        _text("title", False),
        _text("text"),
        _text("priority", False),
        _text("state", False),
        _instant("due_at"),
        _instant("remind_at"),
        _instant("reminded_at"),
        sa.Column("performer_id", sa.BigInteger(), nullable=True),
        _text("role"),
        sa.Column("team_id", sa.BigInteger(), nullable=True),  # the step that makes teams ties it to them
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        _instant("closed_at"),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        _text("reason"),
        sa.Column("taken", sa.Numeric(12, 2), nullable=True),
        _text("means"),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _instant("updated_at", "now()"),
        _instant("created_at", "now()"),
        sa.CheckConstraint("kind IN ('plain', 'courier')", name=op.f("ck_tasks_kind_known")),
        sa.CheckConstraint("priority IN ('low', 'normal', 'high')", name=op.f("ck_tasks_priority_known")),
        sa.CheckConstraint("state IN ('open', 'done', 'not_done')", name=op.f("ck_tasks_state_known")),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_tasks_role_known")),
        sa.CheckConstraint("means IN ('cash', 'card')", name=op.f("ck_tasks_means_known")),
        sa.CheckConstraint("title <> ''", name=op.f("ck_tasks_title_not_empty")),
        sa.CheckConstraint("num_nonnulls(performer_id, role, team_id) > 0", name=op.f("ck_tasks_somebodys")),
        sa.CheckConstraint("taken >= 0", name=op.f("ck_tasks_taken_not_negative")),
        sa.CheckConstraint(
            "kind <> 'courier' OR order_id IS NOT NULL", name=op.f("ck_tasks_courier_has_order")
        ),
        *(
            sa.ForeignKeyConstraint([column], ["users.id"], name=op.f(f"fk_tasks_{column}_users"))
            for column in PEOPLE
        ),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_tasks_{column}_{table}"))
            for column, table in ABOUT
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tasks")),
    )
    for name, column in (("performer", "performer_id"), ("role", "role"), ("author", "created_by")):
        op.create_index(f"ix_tasks_{name}", "tasks", [column, "due_at"], postgresql_where=OPEN_ONLY)
    op.create_index("ix_tasks_due", "tasks", ["due_at"], postgresql_where=OPEN_ONLY)
    waiting = sa.text("state = 'open' AND reminded_at IS NULL")
    op.create_index("ix_tasks_remind", "tasks", ["remind_at"], postgresql_where=waiting)
    closed = sa.text("state <> 'open'")
    op.create_index("ix_tasks_closed", "tasks", [sa.text("closed_at DESC")], postgresql_where=closed)
    for column in ("team_id", *(column for column, _ in ABOUT)):
        op.create_index(op.f(f"ix_tasks_{column}"), "tasks", [column])
    brought = sa.text("kind = 'courier' AND state = 'open'")
    op.create_index("uq_tasks_courier_of_order", "tasks", ["order_id"], unique=True, postgresql_where=brought)
    op.create_table(
        "task_entries",
        _id(),
        sa.Column("task_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        _text("what", False),
        _text("text"),
        _instant("created_at", "now()"),
        sa.CheckConstraint(
            "what IN ('comment', 'created', 'changed', 'taken', 'done', 'not_done', 'reopened')",
            name=op.f("ck_task_entries_what_known"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["tasks.id"], name=op.f("fk_task_entries_task_id_tasks"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_task_entries_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_entries")),
    )
    op.create_index("ix_task_entries_task", "task_entries", ["task_id", "id"])
