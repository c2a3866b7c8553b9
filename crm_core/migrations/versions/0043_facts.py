"""What is rolled up is told by two things at once, by scripts and of deals: these leave marks on their hours too."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0043"
down_revision: str | None = "0042"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLLED = ("figure_days", "figure_hours")
OVER = "clock_timestamp() - interval '1 hour'"  # as in step 0031
# Whatever is told by the script of a call.
OF_CALLS = "{votes,reviews,calls,again,reached,transfers,visits,rings,talks,wrap_ups,promises,sales,money}"
FUNCTIONS = (
    f"""
    CREATE FUNCTION mark_deal(opened timestamptz) RETURNS void LANGUAGE sql AS $$
        INSERT INTO figure_marks (family, since, until) SELECT 'deals', opened, opened WHERE opened < {OVER}
    $$
    """,
    """
    CREATE FUNCTION mark_deals() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_deal(OLD.created_at);
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_deal(NEW.created_at);
        END IF;
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION mark_moves() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN
            PERFORM mark_deal(d.created_at) FROM deals d WHERE d.id = OLD.deal_id;
        END IF;
        IF TG_OP <> 'DELETE' THEN
            PERFORM mark_deal(d.created_at) FROM deals d WHERE d.id = NEW.deal_id;
        END IF;
        RETURN NULL;
    END $$
    """,
    f"""
    CREATE FUNCTION mark_deals_of_sources() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO figure_marks (family, since, until)
            SELECT DISTINCT 'deals', d.created_at, d.created_at
            FROM was JOIN became USING (id) JOIN deals d ON d.customer_id = was.id
            WHERE was.source IS DISTINCT FROM became.source AND d.created_at < {OVER};
        RETURN NULL;
    END $$
    """,
)
OF_DEAL = " OR ".join(
    f"OLD.{column} IS DISTINCT FROM NEW.{column}"
    for column in (
        "funnel_id", "stage", "amount", "currency", "customer_id", "responsible_id", "closed_at", "created_at",
    )
)  # fmt: skip
TRIGGERS = (  # name, when and on what, how, which function
    ("scripts", "INSERT OR UPDATE OR DELETE ON call_script_choices", "ROW", f"mark_of_call('{OF_CALLS}')"),
    ("deals", "INSERT OR DELETE ON deals", "ROW", "mark_deals()"),
    ("deals_changed", "UPDATE ON deals", f"ROW WHEN ({OF_DEAL})", "mark_deals()"),
    ("moves", "INSERT OR UPDATE OR DELETE ON deal_moves", "ROW", "mark_moves()"),
    (
        "stages",
        "INSERT OR DELETE OR UPDATE OF kind, position, name, code ON funnel_stages",
        "STATEMENT",
        "mark_always('{deals}')",
    ),
    ("funnels", "UPDATE OF name ON funnels", "STATEMENT", "mark_always('{deals}')"),
    (
        "deals_sources",
        "UPDATE ON customers REFERENCING OLD TABLE AS was NEW TABLE AS became",
        "STATEMENT",
        "mark_deals_of_sources()",
    ),
)


def upgrade() -> None:
    for table in ROLLED:
        op.add_column(table, sa.Column("key2", sa.Text(), nullable=True))
    for function in FUNCTIONS:
        op.execute(function)
    for name, what, how, function in TRIGGERS:
        op.execute(f"CREATE TRIGGER mark_{name} AFTER {what} FOR EACH {how} EXECUTE FUNCTION {function}")


def downgrade() -> None:
    for name, what, _, _ in TRIGGERS:
        op.execute(f"DROP TRIGGER mark_{name} ON {what.partition(' ON ')[2].split()[0]}")
    for function in FUNCTIONS:
        op.execute(f"DROP FUNCTION {function.split('FUNCTION ')[1].split('(')[0]}")
    for table in ROLLED:
        op.drop_column(table, "key2")
