"""A task or a lead that is written while two cards become one stays with the card that is kept, as calls do."""

from collections.abc import Sequence

from alembic import op

revision: str = "0017"
down_revision: str | None = "0016"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
LATER = ("tasks", "leads")  # tables of steps after 0011, whose trigger function they share


def upgrade() -> None:
    for table in LATER:
        for event, changed in (
            ("INSERT", ""),
            ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
        ):
            op.execute(
                f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON {table} FOR EACH ROW"
                f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
            )
