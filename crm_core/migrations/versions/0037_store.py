"""Messages to and from customers."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0037"
down_revision: str | None = "0036"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None
CHANNELS = (
    "'sms', 'email', 'telegram', 'whatsapp', 'viber', 'signal', 'instagram', 'facebook', 'skype', "
    "'site', 'other'"
)


def upgrade() -> None:
    op.create_table(
        "messages",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger()),
        sa.Column("lead_id", sa.BigInteger()),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("address", sa.Text()),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("user_id", sa.BigInteger()),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(f"channel IN ({CHANNELS})", name=op.f("ck_messages_channel_known")),
        sa.CheckConstraint("direction IN ('inbound', 'outbound')", name=op.f("ck_messages_direction_known")),
        sa.CheckConstraint("num_nonnulls(customer_id, lead_id) > 0", name=op.f("ck_messages_somebodys")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_messages_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["lead_id"], ["leads.id"], name=op.f("fk_messages_lead_id_leads"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_messages_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("external_id", name=op.f("uq_messages_external_id")),
    )
    op.create_index("ix_messages_customer", "messages", ["customer_id", sa.text("at DESC")])
    op.create_index("ix_messages_lead_id", "messages", ["lead_id"])
    for event, changed in (
        ("INSERT", ""),
        ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
    ):
        op.execute(
            f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON messages FOR EACH ROW"
            f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
        )


def downgrade() -> None:
    op.drop_table("messages")
