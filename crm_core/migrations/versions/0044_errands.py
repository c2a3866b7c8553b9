"""Couriers' tasks say no number of an order: who may not see the order reads the task all the same."""

from collections.abc import Sequence

from alembic import op

revision: str = "0044"
down_revision: str | None = "0043"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    """The number stands beside the task, for whoever may see the order."""
    op.execute(
        "UPDATE tasks SET title = 'Bring the order' WHERE kind = 'courier' AND title ~ '^Bring order [^ ]+$'"
    )


def downgrade() -> None:
    """What the titles said is in their orders."""
