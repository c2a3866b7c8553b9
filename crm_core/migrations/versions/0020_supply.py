"""Goods fetched from an address on a schedule, documents, tasks of a team."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0020"
down_revision: str | None = "0019"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

RUN_STATES = "'waiting', 'fetching', 'look', 'putting', 'done', 'unchanged', 'left', 'failed'"


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _number(name: str, *, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _text(name: str, *, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _instant(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True))


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _flag(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _counts(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), server_default="0", nullable=False) for name in names]


def _refers(table: str, column: str, to: str, gone: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=gone
    )


def upgrade() -> None:
    _sources()
    _runs()
    _documents()


def _sources() -> None:
    table = "import_sources"
    op.create_table(
        table,
        _id(),
        _text("name", nullable=False),
        _text("noun", nullable=False),
        _number("shop_id", nullable=False),
        _number("warehouse_id"),
        _text("url", nullable=False),
        _text("username"),
        _text("password"),
        _number("every_hours"),
        sa.Column("daily_at", sa.Time()),
        _instant("due_at"),
        sa.Column("columns", JSONB(none_as_null=True)),
        _flag("purchases"),
        _text("etag"),
        _text("modified"),
        _text("digest"),
        _number("user_id"),
        _number("told_id"),
        _number("task_id"),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("name", name=op.f(f"uq_{table}_name")),
        sa.CheckConstraint("every_hours BETWEEN 1 AND 168", name=op.f(f"ck_{table}_hours_possible")),
        sa.CheckConstraint("num_nonnulls(every_hours, daily_at) < 2", name=op.f(f"ck_{table}_one_schedule")),
        _refers(table, "shop_id", "shops"),
        _refers(table, "warehouse_id", "warehouses"),
        _refers(table, "user_id", "users"),
        _refers(table, "told_id", "users"),
        _refers(table, "task_id", "tasks"),
    )
    there = sa.text("due_at IS NOT NULL")
    op.create_index("ix_import_sources_due", table, ["due_at"], postgresql_where=there)


def _runs() -> None:
    table = "import_runs"
    op.create_table(
        table,
        _id(),
        _number("source_id", nullable=False),
        _number("asked_by"),
        _flag("anew"),
        _text("state", nullable=False),
        _number("import_id"),
        _number("size"),
        _text("etag"),
        _text("modified"),
        _text("digest"),
        *_counts("created", "updated", "unchanged", "refused"),
        _text("error"),
        _instant("heard_at"),
        _instant("ended_at"),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.CheckConstraint(f"state IN ({RUN_STATES})", name=op.f(f"ck_{table}_state_known")),
        _refers(table, "source_id", "import_sources", gone="CASCADE"),
        _refers(table, "asked_by", "users"),
        _refers(table, "import_id", "imports", gone="SET NULL"),
    )
    op.create_index("ix_import_runs_source", table, ["source_id", "id"])
    op.create_index("ix_import_runs_import", table, ["import_id"])
    at_work = sa.text("state IN ('waiting', 'fetching', 'putting')")
    op.create_index("uq_import_runs_at_work", table, ["source_id"], unique=True, postgresql_where=at_work)


def _documents() -> None:
    table = "documents"
    op.create_table(
        table,
        _id(),
        _number("order_id"),
        _number("task_id"),
        _number("customer_id"),
        _text("name", nullable=False),
        _number("size", nullable=False),
        _text("digest", nullable=False),
        _number("user_id"),
        _instant("deleted_at"),
        _number("deleted_by"),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.CheckConstraint(
            "num_nonnulls(order_id, task_id, customer_id) = 1", name=op.f(f"ck_{table}_of_one_thing")
        ),
        sa.CheckConstraint("name <> ''", name=op.f(f"ck_{table}_name_not_empty")),
        sa.CheckConstraint("size > 0", name=op.f(f"ck_{table}_size_positive")),
        _refers(table, "order_id", "orders"),
        _refers(table, "task_id", "tasks"),
        _refers(table, "customer_id", "customers"),
        _refers(table, "user_id", "users"),
        _refers(table, "deleted_by", "users"),
    )
    for kind in ("order", "task", "customer"):
        op.create_index(f"ix_documents_{kind}_id", table, [f"{kind}_id", "id"])
    there = sa.text("deleted_at IS NULL")
    op.create_index("ix_documents_digest", table, ["digest"], postgresql_where=there)
    for event, changed in (
        ("INSERT", ""),
        ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
    ):
        op.execute(
            f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON {table} FOR EACH ROW"
            f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
        )
