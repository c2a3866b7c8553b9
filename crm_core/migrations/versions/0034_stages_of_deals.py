"""A step of a deal names its stage, whatever that is called later; deals of a funnel by when they were opened."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0034"
down_revision: str | None = "0033"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    # Steps of before stay as they are: their stage is known by its name. So the table is not rewritten.
    op.add_column("deal_moves", sa.Column("funnel_id", sa.BigInteger(), nullable=True))
    op.add_column("deal_moves", sa.Column("stage", sa.Text(), nullable=True))
    op.create_index("ix_deals_opened", "deals", ["funnel_id", "created_at"])


def downgrade() -> None:
    op.drop_index("ix_deals_opened", table_name="deals")
    op.drop_column("deal_moves", "stage")
    op.drop_column("deal_moves", "funnel_id")
