"""Figures of votes and reviews; two texts of a script tried against each other."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0040"
down_revision: str | None = "0039"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

# What holds for the families of calls holds for these two, whatever else the functions of earlier steps do by now.
CALLS = "ARRAY[''calls'',"
WITH_QUALITY = "ARRAY[''votes'',''reviews'',''calls'',"
MARKED = (("votes", "call_votes"), ("reviews", "reviews"))
REPLACED = """DO $$
DECLARE definition text;
BEGIN
    FOR definition IN
        SELECT pg_get_functiondef(p.oid) FROM pg_proc p
        WHERE p.pronamespace = current_schema()::regnamespace
            AND p.proname IN ('mark_call', 'mark_new_calls', 'mark_sources')
    LOOP
        EXECUTE replace(definition, '{old}', '{new}');
    END LOOP;
END $$"""


def upgrade() -> None:
    op.execute(REPLACED.format(old=CALLS, new=WITH_QUALITY))
    for name, table in MARKED:
        op.execute(
            f"CREATE TRIGGER mark_{name} AFTER INSERT OR UPDATE OR DELETE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION mark_of_call('{{{name}}}')"
        )
    _trials()


def _trials() -> None:
    op.create_table(
        "script_trials",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        _number("line_id"),
        _number("first_id"),
        _number("second_id"),
        sa.Column("base", sa.Numeric(5, 4), nullable=False),
        sa.Column("difference", sa.Numeric(5, 4), nullable=False),
        _number("calls_each"),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        _number("started_by", nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("first_id <> second_id", name=op.f("ck_script_trials_two_texts")),
        _to("line_id", "lines.id", ondelete="CASCADE"),
        _to("first_id", "call_script_versions.id", ondelete="CASCADE"),
        _to("second_id", "call_script_versions.id", ondelete="CASCADE"),
        _to("started_by", "users.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_script_trials")),
    )
    op.create_index(
        "uq_script_trials_running",
        "script_trials",
        ["line_id"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )


def _number(name: str, *, nullable: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def _to(column: str, target: str, *, ondelete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_script_trials_{column}_{target.split('.')[0]}")
    return sa.ForeignKeyConstraint([column], [target], name=name, ondelete=ondelete)


def downgrade() -> None:
    op.drop_table("script_trials")
    for name, table in MARKED:
        op.execute(f"DROP TRIGGER mark_{name} ON {table}")
    op.execute(REPLACED.format(old=WITH_QUALITY, new=CALLS))
