"""What each queue did with a call, and when a line is open."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

SPAN = "opens >= 0 AND opens < 1440 AND closes > opens AND closes <= opens + 1440"


def upgrade() -> None:
    _calls()
    _queue_visits()
    _line_hours()


def _calls() -> None:
    op.add_column("calls", sa.Column("missed_place", sa.Text(), nullable=True))
    op.drop_constraint(op.f("ck_calls_result_known"), "calls", type_="check")
    op.create_check_constraint(
        op.f("ck_calls_result_known"),
        "calls",
        "result IN ('answered', 'abandoned', 'no_answer', 'busy', 'failed', 'cancelled', 'overflow', 'blocked',"
        " 'after_hours')",
    )
    op.create_check_constraint(
        op.f("ck_calls_missed_place_known"),
        "calls",
        "missed_place IN ('menu', 'queue', 'ringing', 'voicemail', 'after_hours', 'all_busy', 'blocked')",
    )
    op.create_index(
        "ix_calls_missed",
        "calls",
        [sa.literal_column("started_at DESC")],
        unique=False,
        postgresql_where=sa.text("missed_place IS NOT NULL"),
    )
    op.add_column("call_legs", sa.Column("queue", sa.Text(), nullable=True))
    op.add_column("call_legs", sa.Column("rang_s", sa.Float(), nullable=True))
    op.execute("""
        UPDATE call_legs SET rang_s = extract(epoch FROM coalesce(answered_at, ended_at) - rang_at)
        WHERE rang_at IS NOT NULL AND coalesce(answered_at, ended_at) >= rang_at
    """)
    # What earlier calls still tell of where they died.
    op.execute("""
        UPDATE calls c SET missed_place = CASE
            WHEN result IN ('abandoned', 'overflow') THEN 'queue'
            WHEN result = 'busy' THEN 'all_busy'
            WHEN EXISTS (SELECT FROM call_legs l WHERE l.call_id = c.id) THEN 'ringing'
            WHEN result IN ('failed', 'blocked') THEN 'blocked'
            ELSE 'menu' END
        WHERE direction = 'inbound' AND ended_at IS NOT NULL AND result <> 'answered'
    """)


def _queue_visits() -> None:
    op.create_table(
        "queue_visits",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("began_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("entered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("left_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("left_position", sa.BigInteger(), nullable=True),
        sa.Column("wait_s", sa.Float(), server_default="0", nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('answered', 'abandoned', 'timeout', 'leave_empty', 'join_empty', 'full', 'key_exit',"
            " 'withdrawn', 'let_go')",
            name=op.f("ck_queue_visits_outcome_known"),
        ),
        sa.CheckConstraint("wait_s >= 0", name=op.f("ck_queue_visits_wait_not_negative")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_queue_visits_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_queue_visits")),
        sa.UniqueConstraint(
            "call_id", "uniqueid", "began_at", name=op.f("uq_queue_visits_call_id_uniqueid_began_at")
        ),
    )
    op.create_index(
        "ix_queue_visits_queue", "queue_visits", ["queue", sa.literal_column("began_at DESC")], unique=False
    )


def _line_hours() -> None:
    op.add_column("lines", sa.Column("timezone", sa.Text(), nullable=True))
    op.create_table(
        "line_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.BigInteger(), nullable=False),
        sa.Column("opens", sa.BigInteger(), nullable=False),
        sa.Column("closes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("weekday BETWEEN 0 AND 6", name=op.f("ck_line_hours_weekday_known")),
        sa.CheckConstraint(SPAN, name=op.f("ck_line_hours_span_fits")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["lines.id"], name=op.f("fk_line_hours_line_id_lines"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_hours")),
        sa.UniqueConstraint("line_id", "weekday", "opens", name=op.f("uq_line_hours_line_id_weekday_opens")),
    )
    op.create_table(
        "line_holidays",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("every_year", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("opens", sa.BigInteger(), nullable=True),
        sa.Column("closes", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            f"(opens IS NULL AND closes IS NULL) OR ({SPAN})", name=op.f("ck_line_holidays_span_fits")
        ),
        sa.CheckConstraint("name <> ''", name=op.f("ck_line_holidays_name_not_empty")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["lines.id"], name=op.f("fk_line_holidays_line_id_lines"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_line_holidays")),
        sa.UniqueConstraint("line_id", "day", name=op.f("uq_line_holidays_line_id_day")),
    )
