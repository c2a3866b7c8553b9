"""Callbacks with attempts and repeat rules; who is called back by whom; who calls whom now; promises; calendars."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0022"
down_revision: str | None = "0021"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

INSTANT = sa.TIMESTAMP(timezone=True)
OPEN = sa.text("state = 'open'")


def _made_at() -> sa.Column[datetime]:
    return sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False)


def _refers(table: str, column: str, to: str, on_delete: str | None = None) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(
        [column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}_{to}"), ondelete=on_delete
    )


def _count(name: str, default: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=False)


def upgrade() -> None:
    _callbacks()
    _rules()
    _locks()
    _promises()
    op.create_table(
        "calendar_keys",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        _made_at(),
        _refers("calendar_keys", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_calendar_keys")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_calendar_keys_key_hash")),
    )


def _callbacks() -> None:
    added: tuple[sa.Column[Any], ...] = (
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        _count("missed", "0"),
        sa.Column("last_missed_at", INSTANT, nullable=True),
        _count("attempts", "0"),
        sa.Column("repeat_minutes", sa.BigInteger(), nullable=True),
        sa.Column("most_attempts", sa.BigInteger(), nullable=True),
        sa.Column("escalated_at", INSTANT, nullable=True),
        sa.Column("reminded_at", INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        _count("version", "1"),
    )
    for column in added:
        op.add_column("callbacks", column)
    op.create_foreign_key(op.f("fk_callbacks_team_id_teams"), "callbacks", "teams", ["team_id"], ["id"])
    op.create_index(op.f("ix_callbacks_team_id"), "callbacks", ["team_id"])
    op.create_check_constraint(
        op.f("ck_callbacks_outcome_known"),
        "callbacks",
        "outcome IN ('reached', 'called_us', 'by_hand', 'called_off')",
    )
    op.create_check_constraint(
        op.f("ck_callbacks_repeat_sane"),
        "callbacks",
        "repeat_minutes BETWEEN 1 AND 10080 AND most_attempts BETWEEN 1 AND 100",
    )
    op.create_index(
        "ix_callbacks_remind",
        "callbacks",
        ["due_at"],
        postgresql_where=sa.text("state = 'open' AND reminded_at IS NULL"),
    )
    op.create_table(
        "callback_calls",
        sa.Column("callback_id", sa.BigInteger(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("at", INSTANT, nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        _made_at(),
        sa.CheckConstraint("role IN ('missed', 'attempt')", name=op.f("ck_callback_calls_role_known")),
        _refers("callback_calls", "callback_id", "callbacks", "CASCADE"),
        _refers("callback_calls", "call_id", "calls"),
        _refers("callback_calls", "user_id", "users"),
        sa.PrimaryKeyConstraint("callback_id", "call_id", name=op.f("pk_callback_calls")),
    )
    op.create_index(op.f("ix_callback_calls_call_id"), "callback_calls", ["call_id"])


def _rules() -> None:
    op.create_table(
        "calling_rules",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("week", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("repeat_minutes", sa.BigInteger(), nullable=False),
        sa.Column("most_attempts", sa.BigInteger(), nullable=False),
        _made_at(),
        sa.CheckConstraint("id = 1", name=op.f("ck_calling_rules_only_one")),
        sa.CheckConstraint(
            "repeat_minutes BETWEEN 1 AND 10080 AND most_attempts BETWEEN 1 AND 100",
            name=op.f("ck_calling_rules_repeat_sane"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calling_rules")),
    )
    op.create_table(
        "missed_rules",
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("strategies", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=True),
        sa.Column("within_minutes", sa.BigInteger(), nullable=False),
        _made_at(),
        sa.CheckConstraint("within_minutes BETWEEN 1 AND 10080", name=op.f("ck_missed_rules_within_sane")),
        _refers("missed_rules", "line_id", "lines", "CASCADE"),
        _refers("missed_rules", "team_id", "teams", "SET NULL"),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_missed_rules")),
    )
    op.create_index(op.f("ix_missed_rules_team_id"), "missed_rules", ["team_id"])


def _locks() -> None:
    op.create_table(
        "dial_locks",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("until", INSTANT, nullable=False),
        _made_at(),
        _refers("dial_locks", "user_id", "users", "CASCADE"),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_dial_locks")),
    )
    op.create_index(op.f("ix_dial_locks_call_id"), "dial_locks", ["call_id"])


def _promises() -> None:
    op.create_table(
        "promises",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("due_at", INSTANT, nullable=False),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.BigInteger(), nullable=True),
        sa.Column("broken_at", INSTANT, nullable=True),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.Column("closed_by", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint(
            "state IN ('open', 'kept', 'broken', 'withdrawn')", name=op.f("ck_promises_state_known")
        ),
        sa.CheckConstraint("text <> ''", name=op.f("ck_promises_text_not_empty")),
        _refers("promises", "customer_id", "customers"),
        _refers("promises", "order_id", "orders"),
        _refers("promises", "call_id", "calls"),
        _refers("promises", "made_by", "users"),
        _refers("promises", "closed_by", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_promises")),
    )
    for column in ("order_id", "call_id", "made_by"):
        op.create_index(op.f(f"ix_promises_{column}"), "promises", [column])
    op.create_index("ix_promises_customer", "promises", ["customer_id", "due_at"])
    op.create_index(
        "ix_promises_waiting",
        "promises",
        ["customer_id", "due_at"],
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index("ix_promises_due", "promises", ["due_at"], postgresql_where=OPEN)
    for event, changed in (
        ("INSERT", ""),
        ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
    ):
        op.execute(
            f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON promises FOR EACH ROW"
            f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
        )
