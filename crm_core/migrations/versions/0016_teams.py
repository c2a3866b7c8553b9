"""Teams, roles of one's own, views that are kept; and indexes for who sees what of a great many."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op

revision: str = "0016"
down_revision: str | None = "0015"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = "'operator', 'senior', 'supervisor', 'manager', 'admin', 'courier'"


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def upgrade() -> None:
    op.create_table(
        "teams",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("name", name=op.f("uq_teams_name")),
    )
    op.create_table(
        "roles",
        _id(),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("based_on", sa.Text(), nullable=False),
        _made_at(),
        sa.CheckConstraint(f"based_on IN ({ROLES})", name=op.f("ck_roles_based_on_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roles")),
        sa.UniqueConstraint("name", name=op.f("uq_roles_name")),
    )
    op.create_table(
        "role_scopes",
        sa.Column("role_id", sa.BigInteger(), nullable=False),
        sa.Column("object", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("scope", sa.BigInteger(), nullable=False),
        _made_at(),
        sa.CheckConstraint("scope BETWEEN 0 AND 3", name=op.f("ck_role_scopes_scope_known")),
        sa.ForeignKeyConstraint(
            ["role_id"], ["roles.id"], name=op.f("fk_role_scopes_role_id_roles"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("role_id", "object", "action", name=op.f("pk_role_scopes")),
    )
    op.create_table(
        "saved_views",
        _id(),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("page", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("query", sa.Text(), nullable=False),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_saved_views_user_id_users"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_saved_views_team_id_teams"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_views")),
        sa.UniqueConstraint("user_id", "page", "name", name=op.f("uq_saved_views_user_id_page_name")),
    )
    op.create_index(op.f("ix_saved_views_team_id"), "saved_views", ["team_id"])
    for column, parent, on_delete in (("team_id", "teams", "SET NULL"), ("role_id", "roles", None)):
        op.add_column("users", sa.Column(column, sa.BigInteger(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_users_{column}_{parent}"), "users", parent, [column], ["id"], ondelete=on_delete
        )
        op.create_index(op.f(f"ix_users_{column}"), "users", [column])
    op.create_foreign_key(op.f("fk_tasks_team_id_teams"), "tasks", "teams", ["team_id"], ["id"])
    op.create_index("ix_audit_log_created_at", "audit_log", [sa.text("created_at DESC")])
    op.create_index(op.f("ix_orders_created_by"), "orders", ["created_by"])
    op.create_index(op.f("ix_callbacks_created_by"), "callbacks", ["created_by"])
    op.create_index(
        "ix_calls_started_by", "calls", ["started_by"], postgresql_where=sa.text("started_by IS NOT NULL")
    )
