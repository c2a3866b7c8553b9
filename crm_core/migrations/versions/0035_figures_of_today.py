"""Figures rolled up by the hour; how calls were talked, kept with them; and dashboards."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0035"
down_revision: str | None = "0034"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


OVER = "clock_timestamp() - interval '1 hour'"  # as in step 0031
OF_CALLS = "ARRAY['calls','again','reached','transfers','visits','rings','wrap_ups','sales','money','talks']"
FUNCTIONS = (
    # A call; those of the same customer or number to which it is the one before or after; and, however new it is, those
    # that were missed before it and are reached now.
    f"""
    CREATE OR REPLACE FUNCTION mark_call(c calls) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF c.result = 'answered' THEN
            INSERT INTO figure_marks (family, since, until)
                SELECT DISTINCT 'reached', o.started_at, o.started_at FROM calls o
                WHERE (o.customer_id = c.customer_id OR o.remote_e164 = c.remote_e164) AND o.missed_place IS NOT NULL
                    AND o.started_at BETWEEN c.started_at - interval '1 day' AND least(c.started_at, {OVER});
        END IF;
        IF c.started_at >= {OVER} THEN
            RETURN;
        END IF;
        PERFORM mark_figures({OF_CALLS}, c.started_at, c.started_at);
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'again', o.started_at, o.started_at FROM calls o
            WHERE (o.customer_id = c.customer_id OR o.remote_e164 = c.remote_e164) AND o.id <> c.id
                AND o.started_at BETWEEN c.started_at - interval '7 days' AND c.started_at + interval '7 days';
        INSERT INTO figure_marks (family, since, until)
            SELECT 'promises', b.due_at, b.due_at FROM callbacks b WHERE b.source_call_id = c.id;
    END $$
    """,
    f"""
    CREATE OR REPLACE FUNCTION mark_new_calls() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest({OF_CALLS}), hour, hour + interval '1 hour'
            FROM (SELECT DISTINCT date_trunc('hour', started_at) AS hour FROM added WHERE started_at < {OVER}) h;
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest(ARRAY['again','reached']),
                min(started_at) - interval '7 days', max(started_at) + interval '7 days'
            FROM added WHERE started_at < {OVER} GROUP BY date_trunc('day', started_at);
        PERFORM mark_call(a.*::calls) FROM added a WHERE a.started_at >= {OVER} AND a.result = 'answered';
        RETURN NULL;
    END $$
    """,
    # A wrap-up counts with its call, whenever it is.
    f"""
    CREATE OR REPLACE FUNCTION mark_state(s agent_states, since timestamptz) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF since < {OVER} THEN
            PERFORM mark_figures(ARRAY['spans','pauses'], since, coalesce(s.to_at, clock_timestamp()));
        END IF;
        IF s.state = 'wrap_up' AND s.call_id IS NOT NULL THEN
            PERFORM mark_by_call(ARRAY['wrap_ups'], s.call_id);
            PERFORM mark_by_call(ARRAY['wrap_ups'], a.call_id) FROM call_aliases a WHERE a.id = s.call_id;
        END IF;
    END $$
    """,
    f"""
    CREATE OR REPLACE FUNCTION mark_sources() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest({OF_CALLS}), h.hour, h.hour + interval '1 hour' FROM (
                SELECT DISTINCT date_trunc('hour', c.started_at) AS hour
                FROM was JOIN became USING (id) JOIN calls c ON c.customer_id = was.id
                WHERE was.source IS DISTINCT FROM became.source AND c.started_at < {OVER}) h;
        INSERT INTO figure_marks (family, since, until)
            SELECT 'promises', b.due_at, b.due_at FROM was JOIN became USING (id)
            JOIN calls c ON c.customer_id = was.id JOIN callbacks b ON b.source_call_id = c.id
            WHERE was.source IS DISTINCT FROM became.source;
        RETURN NULL;
    END $$
    """,
)


def upgrade() -> None:
    _hours()
    _talks()
    _dashboards()
    for function in FUNCTIONS:
        op.execute(function)
    op.execute(
        "CREATE TRIGGER mark_talks AFTER INSERT OR UPDATE OR DELETE ON call_talks"
        " FOR EACH ROW EXECUTE FUNCTION mark_of_call('{talks}')"
    )


def _talks() -> None:
    measures = (
        "operator_ms", "customer_ms", "together_ms", "silence_ms", "length_ms", "operator_broke_in",
        "customer_broke_in", "operator_longest_ms", "customer_longest_ms",
    )  # fmt: skip
    op.create_table(
        "call_talks",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=True) for name in measures),
        _made_at(),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_talks_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_talks")),
    )


def _dashboards() -> None:
    op.create_table(
        "dashboards",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("shared", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tiles", JSONB(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint("shared IN ('me', 'team', 'all')", name=op.f("ck_dashboards_shared_known")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_dashboards_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dashboards")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_dashboards_user_id_name")),
    )


def _hours() -> None:
    op.create_table(
        "figure_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("key", sa.Text(), nullable=True),
        sa.Column("hour", sa.BigInteger(), nullable=True),
        sa.Column("more", sa.Text(), nullable=True),
        sa.Column("amounts", ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("sums", ARRAY(sa.Numeric()), nullable=True),
        _instant("since"),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_hours")),
    )
    op.create_index("ix_figure_hours_read", "figure_hours", ["zone", "shape", "way", "since"])
    op.create_table(
        "figure_hours_done",
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("shape", sa.Text(), nullable=False),
        _instant("since"),
        _instant("until"),
        _instant("counted_at"),
        _made_at(),
        sa.PrimaryKeyConstraint("zone", "shape", "since", name=op.f("pk_figure_hours_done")),
    )


def _instant(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=False)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
