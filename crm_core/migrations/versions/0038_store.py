"""Numbers are found by digits inside of them, and orders of many customers without reading the orders."""

from collections.abc import Sequence

from alembic import op

revision: str = "0038"
down_revision: str | None = "0037"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


INDEXES = {
    "orders": ("ix_orders_of_customer", "(customer_id, created_at DESC, id DESC)"),
    "customer_numbers": ("ix_customer_numbers_parts", "USING gin (number_parts(e164))"),
    "calls": ("ix_calls_parts", "USING gin (number_parts(remote_e164)) WHERE customer_id IS NULL"),
}
MANY = 100_000


def upgrade() -> None:
    # Every five digits that follow one another, and the last four and three: "+4850" -> {4850$, 850$}.
    op.execute("""CREATE FUNCTION number_parts(number text) RETURNS text[]
        LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
        RETURN ARRAY(SELECT substr(number, at, 5) FROM generate_series(2, length(number) - 4) AS at)
            || ARRAY[right(number, 4) || '$', right(number, 3) || '$']""")
    # Where there is much, they are built when the service runs (`crm_core/late_index.py`).
    for table, (name, what) in INDEXES.items():
        op.execute(f"""DO $$ BEGIN
            IF (SELECT count(*) FROM (SELECT FROM {table} LIMIT {MANY}) few) < {MANY} THEN
                CREATE INDEX {name} ON {table} {what};
            END IF;
        END $$""")
    op.execute("""DO $$ BEGIN
        IF to_regclass('ix_orders_of_customer') IS NOT NULL THEN
            DROP INDEX IF EXISTS ix_orders_customer;
        END IF;
    END $$""")


def downgrade() -> None:
    op.execute("CREATE INDEX IF NOT EXISTS ix_orders_customer ON orders (customer_id, created_at DESC)")
    for name, _ in INDEXES.values():
        op.execute(f"DROP INDEX IF EXISTS {name}")
    op.execute("DROP FUNCTION number_parts")
