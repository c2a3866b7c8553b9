"""Reports that are kept and sent, goals, what sources cost, and figures rolled up by the day."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision: str = "0031"
down_revision: str | None = "0030"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What happened longer ago than this may be rolled up; the marks of what goes on now would be for nobody.
OVER = "clock_timestamp() - interval '1 hour'"
OF_CALLS = "ARRAY['calls','again','transfers','visits','rings','wrap_ups','sales','money']"
CHANGED = " OR ".join(
    f"OLD.{column} IS DISTINCT FROM NEW.{column}"
    for column in (
        "direction", "result", "missed_place", "operator_id", "queue", "line_id", "customer_id", "remote_e164",
        "started_at", "wait_s", "talk_s", "hold_s", "transfers",
    )
)  # fmt: skip
FUNCTIONS = (
    """
    CREATE FUNCTION mark_figures(families text[], first timestamptz, last timestamptz) RETURNS void
    LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until) SELECT unnest(families), first, last
    $$
    """,
    # A call, and those of the same customer or number to which it is the one before or after.
    f"""
    CREATE FUNCTION mark_call(c calls) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
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
    """
    CREATE FUNCTION mark_changed_call() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_call(OLD);
        IF TG_OP = 'UPDATE' THEN
            PERFORM mark_call(NEW);
        END IF;
        RETURN NULL;
    END $$
    """,
    # Calls that were heard of late come by the thousand: their hours, and the week on either side.
    f"""
    CREATE FUNCTION mark_new_calls() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest({OF_CALLS}), hour, hour + interval '1 hour'
            FROM (SELECT DISTINCT date_trunc('hour', started_at) AS hour FROM added WHERE started_at < {OVER}) h;
        INSERT INTO figure_marks (family, since, until)
            SELECT 'again', min(started_at) - interval '7 days', max(started_at) + interval '7 days'
            FROM added WHERE started_at < {OVER} GROUP BY date_trunc('day', started_at);
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION mark_by_call(families text[], wanted uuid) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest(families), c.started_at, c.started_at FROM calls c
            WHERE c.id = wanted AND c.started_at < {OVER}
    $$
    """,
    """
    CREATE FUNCTION mark_of_call() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_by_call(TG_ARGV[0]::text[], OLD.call_id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_by_call(TG_ARGV[0]::text[], NEW.call_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_alias() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_by_call(ARRAY['wrap_ups'], OLD.id);
            PERFORM mark_by_call(ARRAY['wrap_ups'], OLD.call_id);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_by_call(ARRAY['wrap_ups'], NEW.id);
            PERFORM mark_by_call(ARRAY['wrap_ups'], NEW.call_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    # An order counts in one of the calls that had to do with it.
    f"""
    CREATE FUNCTION mark_order(wanted bigint) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until)
            SELECT unnest(ARRAY['sales','money']), c.started_at, c.started_at FROM calls c
            WHERE c.started_at < {OVER} AND c.id IN (
                SELECT l.call_id FROM call_links l WHERE l.order_id = wanted
                UNION SELECT h.call_id FROM order_changes h WHERE h.order_id = wanted AND h.call_id IS NOT NULL)
    $$
    """,
    """
    CREATE FUNCTION mark_changed_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_order(NEW.id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_of_order() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_order(OLD.order_id);
            IF TG_TABLE_NAME <> 'order_items' THEN
                PERFORM mark_by_call(ARRAY['sales','money'], OLD.call_id);
            END IF;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_order(NEW.order_id);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_new_items() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_order(o.order_id) FROM (SELECT DISTINCT order_id FROM added) o;
        RETURN NULL;
    END $$
    """,
    # What an operator does now is counted from rows; only what is told afterwards leaves a mark.
    f"""
    CREATE FUNCTION mark_state(s agent_states, since timestamptz) RETURNS void LANGUAGE plpgsql AS $$
    DECLARE
        until timestamptz := coalesce(s.to_at, clock_timestamp());
    BEGIN
        IF since < {OVER} THEN
            PERFORM mark_figures(ARRAY['spans','pauses'], since, until);
            IF s.state = 'wrap_up' THEN
                PERFORM mark_figures(ARRAY['wrap_ups'], s.from_at - interval '1 day', until);
            END IF;
        END IF;
    END $$
    """,
    """
    CREATE FUNCTION mark_states() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            PERFORM mark_state(NEW, NEW.from_at);
        ELSIF TG_OP = 'DELETE' THEN
            PERFORM mark_state(OLD, OLD.from_at);
        ELSIF (OLD.user_id, OLD.state, OLD.reason, OLD.call_id, OLD.from_at)
                IS DISTINCT FROM (NEW.user_id, NEW.state, NEW.reason, NEW.call_id, NEW.from_at) THEN
            PERFORM mark_state(OLD, OLD.from_at);
            PERFORM mark_state(NEW, NEW.from_at);
        ELSIF OLD.to_at IS DISTINCT FROM NEW.to_at THEN
            PERFORM mark_state(OLD, least(OLD.to_at, NEW.to_at));
            PERFORM mark_state(NEW, least(OLD.to_at, NEW.to_at));
        END IF;
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION mark_promises() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' AND OLD.due_at < {OVER} THEN
            PERFORM mark_figures(ARRAY['promises'], OLD.due_at, OLD.due_at);
        END IF;
        IF TG_OP <> 'DELETE' AND NEW.due_at < {OVER} THEN
            PERFORM mark_figures(ARRAY['promises'], NEW.due_at, NEW.due_at);
        END IF;
        RETURN NULL;
    END $$
    """,
    # All that a customer's calls came to stands under another source now.
    f"""
    CREATE FUNCTION mark_sources() RETURNS trigger LANGUAGE plpgsql AS $$
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
    """
    CREATE FUNCTION mark_always() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM mark_figures(TG_ARGV[0]::text[], '-infinity', 'infinity');
        RETURN NULL;
    END $$
    """,
)
TRIGGERS = (  # name, when and on what, how, which function
    ("calls_added", "INSERT ON calls REFERENCING NEW TABLE AS added", "STATEMENT", "mark_new_calls()"),
    ("calls_changed", "UPDATE ON calls", f"ROW WHEN ({CHANGED})", "mark_changed_call()"),
    ("calls_removed", "DELETE ON calls", "ROW", "mark_changed_call()"),
    ("visits", "INSERT OR UPDATE OR DELETE ON queue_visits", "ROW", "mark_of_call('{visits}')"),
    ("rings", "INSERT OR UPDATE OR DELETE ON call_legs", "ROW", "mark_of_call('{rings,transfers}')"),
    ("aliases", "INSERT OR UPDATE OR DELETE ON call_aliases", "ROW", "mark_alias()"),
    ("links", "INSERT OR UPDATE OR DELETE ON call_links", "ROW", "mark_of_order()"),
    ("steps", "INSERT OR UPDATE OR DELETE ON order_changes", "ROW", "mark_of_order()"),
    ("items_added", "INSERT ON order_items REFERENCING NEW TABLE AS added", "STATEMENT", "mark_new_items()"),
    ("items_changed", "UPDATE OR DELETE ON order_items", "ROW", "mark_of_order()"),
    (
        "orders",
        "UPDATE OF status, total, paid, currency, delivery_cost ON orders",
        "ROW WHEN ((OLD.status, OLD.total, OLD.paid, OLD.currency, OLD.delivery_cost)"
        " IS DISTINCT FROM (NEW.status, NEW.total, NEW.paid, NEW.currency, NEW.delivery_cost))",
        "mark_changed_order()",
    ),
    ("states", "INSERT OR UPDATE OR DELETE ON agent_states", "ROW", "mark_states()"),
    ("promises", "INSERT OR UPDATE OR DELETE ON callbacks", "ROW", "mark_promises()"),
    (
        "sources",
        "UPDATE ON customers REFERENCING OLD TABLE AS was NEW TABLE AS became",
        "STATEMENT",
        "mark_sources()",
    ),
    ("targets", "INSERT OR UPDATE OR DELETE ON queue_targets", "STATEMENT", "mark_always('{visits}')"),
    ("telephones", "INSERT OR UPDATE OR DELETE ON extensions", "STATEMENT", "mark_always('{transfers}')"),
)


def upgrade() -> None:
    _figures()
    _reports()
    _goals()
    for function in FUNCTIONS:
        op.execute(function)
    for name, what, how, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER mark_{name} AFTER {what} FOR EACH {how} EXECUTE FUNCTION {function}")


def _figures() -> None:
    op.create_table(
        "figure_days",
        _id(),
        _text("zone"),
        _text("shape"),
        _text("way"),
        sa.Column("day", sa.Date(), nullable=False),
        _text("key", nullable=True),
        _number("hour", nullable=True),
        _text("more", nullable=True),
        sa.Column("amounts", ARRAY(sa.BigInteger()), nullable=True),
        sa.Column("sums", ARRAY(sa.Numeric()), nullable=True),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_days")),
    )
    op.create_index("ix_figure_days_read", "figure_days", ["zone", "shape", "way", "day"])
    op.create_table(
        "figure_days_done",
        _text("zone"),
        _text("shape"),
        sa.Column("day", sa.Date(), nullable=False),
        _instant("since"),
        _instant("until"),
        _instant("counted_at"),
        _made_at(),
        sa.PrimaryKeyConstraint("zone", "shape", "day", name=op.f("pk_figure_days_done")),
    )
    op.create_table(
        "figure_marks",
        _id(),
        _text("family"),
        _instant("since"),
        _instant("until"),
        _made_at(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_figure_marks")),
    )


def _reports() -> None:
    op.create_table(
        "reports",
        _id(),
        _number("user_id"),
        _text("shared"),
        _text("name"),
        sa.Column("spec", JSONB(), nullable=False),
        _number("version", server_default="1"),
        _made_at(),
        _one_of("reports", "shared", ("me", "team", "all")),
        _to("reports", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reports")),
        sa.UniqueConstraint("user_id", "name", name=op.f("uq_reports_user_id_name")),
    )
    op.create_table(
        "report_mails",
        _id(),
        _number("report_id"),
        _number("user_id"),
        sa.Column("recipients", ARRAY(sa.Text()), server_default="{}", nullable=False),
        _text("every"),
        _number("hour"),
        _text("format"),
        _instant("next_at"),
        _instant("sent_at", nullable=True),
        _text("failed", nullable=True),
        _number("tries", server_default="0"),
        _made_at(),
        _one_of("report_mails", "every", ("day", "week", "month")),
        _one_of("report_mails", "format", ("pdf", "xlsx", "csv")),
        sa.CheckConstraint("hour BETWEEN 0 AND 23", name=op.f("ck_report_mails_hour_sane")),
        _to("report_mails", "report_id", "reports"),
        _to("report_mails", "user_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_report_mails")),
        sa.UniqueConstraint("report_id", "user_id", name=op.f("uq_report_mails_report_id_user_id")),
    )
    op.create_index("ix_report_mails_next_at", "report_mails", ["next_at"])
    op.create_table(
        "source_costs",
        _id(),
        _text("source"),
        sa.Column("month", sa.Date(), nullable=False),
        _text("currency"),
        sa.Column("cost", sa.Numeric(12, 2), server_default="0", nullable=False),
        _made_at(),
        sa.CheckConstraint("source <> ''", name=op.f("ck_source_costs_source_not_empty")),
        sa.CheckConstraint("cost >= 0", name=op.f("ck_source_costs_cost_not_negative")),
        sa.CheckConstraint("extract(day FROM month) = 1", name=op.f("ck_source_costs_first_of_month")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_source_costs")),
        sa.UniqueConstraint(
            "source", "month", "currency", name=op.f("uq_source_costs_source_month_currency")
        ),
    )


def _goals() -> None:
    op.create_table(
        "goals",
        _id(),
        _text("figure"),
        _number("user_id", nullable=True),
        _number("team_id", nullable=True),
        sa.Column("amount", sa.Numeric(14, 4), nullable=False),
        _text("currency", nullable=True),
        _text("every"),
        _text("seen_by"),
        _number("version", server_default="1"),
        _made_at(),
        _one_of("goals", "every", ("day", "week", "month")),
        _one_of("goals", "seen_by", ("leads", "own", "team")),
        sa.CheckConstraint("num_nonnulls(user_id, team_id) = 1", name=op.f("ck_goals_one_whose")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_goals_amount_positive")),
        _to("goals", "user_id", "users"),
        _to("goals", "team_id", "teams"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_goals")),
        sa.UniqueConstraint(
            "figure", "every", "user_id", "team_id", name=op.f("uq_goals_figure_every_user_id_team_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_goals_user_id"), "goals", ["user_id"])
    op.create_index(op.f("ix_goals_team_id"), "goals", ["team_id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False)


def _text(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _number(name: str, *, nullable: bool = False, server_default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable, server_default=server_default)


def _instant(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=nullable)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _one_of(table: str, column: str, values: Sequence[str]) -> sa.CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return sa.CheckConstraint(f"{column} IN ({listed})", name=op.f(f"ck_{table}_{column}_known"))


def _to(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{other}")
    return sa.ForeignKeyConstraint([column], [f"{other}.id"], name=name, ondelete="CASCADE")
