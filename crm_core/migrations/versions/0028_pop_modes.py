"""How each one wants his cards, panels of other systems beside the card, promises that may be sent again."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0028"
down_revision: str | None = "0027"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "pop_settings",
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        _flag("sound"),
        sa.Column("volume", sa.BigInteger(), nullable=False),
        _flag("desktop"),
        sa.Column("most_cards", sa.BigInteger(), nullable=False),
        sa.Column("hide_min", sa.BigInteger(), nullable=True),
        _flag("badge"),
        _made_at(),
        sa.CheckConstraint("mode IN ('ring', 'answer', 'never')", name=op.f("ck_pop_settings_mode_known")),
        sa.CheckConstraint("volume BETWEEN 1 AND 100", name=op.f("ck_pop_settings_volume_sane")),
        sa.CheckConstraint("most_cards BETWEEN 1 AND 9", name=op.f("ck_pop_settings_most_cards_sane")),
        sa.CheckConstraint("hide_min BETWEEN 1 AND 240", name=op.f("ck_pop_settings_hide_min_sane")),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_pop_settings_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_pop_settings")),
    )
    op.add_column("promises", sa.Column("key", sa.Uuid(), nullable=True))
    op.create_unique_constraint(op.f("uq_promises_key"), "promises", ["key"])
    op.create_table(
        "panels",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("line_ids", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        _flag("automatic"),
        _flag("own_origin"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _made_at(),
        sa.CheckConstraint("place IN ('beside', 'window')", name=op.f("ck_panels_place_known")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panels")),
        sa.UniqueConstraint("name", name=op.f("uq_panels_name")),
    )


def _flag(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)


def _made_at() -> sa.Column[object]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )
