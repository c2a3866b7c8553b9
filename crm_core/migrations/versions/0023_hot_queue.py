"""Trees of outcomes; calls that wait to be linked; why they call; whose turn it is; whom nobody calls."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0023"
down_revision: str | None = "0022"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LATER = ("turns", "do_not_call")  # they name a customer: see step 0011
ORDERS = "{unpaid_order,late_parcel,parcel_on_the_way,order_just_placed}"
FIRST = (  # code, label, asks for a customer, for a link; the reasons that it shows to have been right
    ("order_placed", "Order placed", True, True, "{left_cart,open_deal}"),
    ("order_changed", "Order changed", True, True, "{order_just_placed,unpaid_order}"),
    ("order_question", "Question about an order", True, True, ORDERS),
    ("delivery_problem", "Delivery problem", True, True, "{late_parcel,parcel_on_the_way}"),
    ("complaint", "Complaint or return", True, True, "{complaint}"),
    ("product_question", "Question about a product", True, False, "{left_cart,something_else}"),
    ("callback_promised", "Callback promised", True, False, "{}"),
    ("not_interested", "Not interested", True, False, "{something_else}"),
    ("not_reached", "Not reached", True, False, "{}"),
    ("wrong_number", "Wrong number", False, False, "{something_else}"),
    ("other", "Other", True, False, "{something_else}"),
    ("called_us_back", "Called us back", True, False, "{missed_call,callback_promised,task_due,promise}"),
)
TO_BRING = "'new', 'confirmed', 'packed', 'on_delivery', 'work', 'delivery'"
WAITED_FOR = f"promised_at IS NOT NULL AND split_part(status, '.', 1) IN ({TO_BRING})"
LOOKED_BACK = "14 days"  # calls that waited to be linked before this step and are put on the list

REVIEW = """
CREATE FUNCTION review_unlinked(wanted uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO unlinked_calls (call_id, user_id, ended_at)
    SELECT c.id, c.operator_id, c.ended_at FROM calls c LEFT JOIN outcomes o ON o.code = c.disposition
    WHERE c.id = wanted AND c.direction <> 'internal' AND c.result = 'answered' AND c.ended_at IS NOT NULL
        AND c.unlinked_reason IS NULL
        AND ((c.customer_id IS NULL AND coalesce(o.needs_customer, true))
            OR (coalesce(o.needs_link, true) AND NOT EXISTS (
                SELECT FROM call_links l WHERE l.call_id = c.id AND l.removed_at IS NULL)))
    ON CONFLICT (call_id) DO UPDATE SET user_id = EXCLUDED.user_id, ended_at = EXCLUDED.ended_at;
    IF NOT FOUND THEN
        DELETE FROM unlinked_calls WHERE call_id = wanted;
    END IF;
END $$
"""
TRIGGERS = (
    """
    CREATE FUNCTION review_call() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM review_unlinked(NEW.id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE FUNCTION review_call_of_link() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM review_unlinked(NEW.call_id);
        RETURN NULL;
    END $$
    """,
    """
    CREATE TRIGGER review_unlinked_insert AFTER INSERT ON calls FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL AND NEW.result = 'answered') EXECUTE FUNCTION review_call()
    """,
    """
    CREATE TRIGGER review_unlinked_update AFTER UPDATE ON calls FOR EACH ROW
    WHEN (NEW.ended_at IS NOT NULL AND (NEW.customer_id, NEW.disposition, NEW.unlinked_reason, NEW.result,
        NEW.operator_id, NEW.ended_at) IS DISTINCT FROM (OLD.customer_id, OLD.disposition, OLD.unlinked_reason,
        OLD.result, OLD.operator_id, OLD.ended_at)) EXECUTE FUNCTION review_call()
    """,
    """
    CREATE TRIGGER review_unlinked AFTER INSERT OR UPDATE ON call_links FOR EACH ROW
    EXECUTE FUNCTION review_call_of_link()
    """,
)


def upgrade() -> None:
    _outcomes()
    _unlinked()
    _turns()
    op.create_index("ix_orders_waited_for", "orders", ["promised_at"], postgresql_where=sa.text(WAITED_FOR))
    for table in LATER:
        for event, changed in (
            ("INSERT", ""),
            ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
        ):
            op.execute(
                f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON {table} FOR EACH ROW"
                f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
            )


def _outcomes() -> None:
    op.create_table(
        "outcome_trees",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_trees")),
        sa.UniqueConstraint("name", name=op.f("uq_outcome_trees_name")),
    )
    op.create_table(
        "outcomes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tree_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("parent", sa.Text(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("needs_customer", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("needs_link", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("needs_note", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("needs_next", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("about", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("code ~ '^[a-z0-9_-]{1,40}$'", name=op.f("ck_outcomes_code_plain")),
        sa.ForeignKeyConstraint(
            ["tree_id"],
            ["outcome_trees.id"],
            name=op.f("fk_outcomes_tree_id_outcome_trees"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcomes")),
        sa.UniqueConstraint("code", name=op.f("uq_outcomes_code")),
    )
    op.create_index(op.f("ix_outcomes_tree_id"), "outcomes", ["tree_id"], unique=False)
    op.create_table(
        "outcome_uses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("tree_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("funnel_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(line_id, funnel_id) = 1", name=op.f("ck_outcome_uses_one_object")),
        sa.ForeignKeyConstraint(
            ["funnel_id"], ["funnels.id"], name=op.f("fk_outcome_uses_funnel_id_funnels"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["lines.id"], name=op.f("fk_outcome_uses_line_id_lines"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tree_id"],
            ["outcome_trees.id"],
            name=op.f("fk_outcome_uses_tree_id_outcome_trees"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outcome_uses")),
        sa.UniqueConstraint("funnel_id", name=op.f("uq_outcome_uses_funnel_id")),
        sa.UniqueConstraint("line_id", name=op.f("uq_outcome_uses_line_id")),
    )
    op.execute("INSERT INTO outcome_trees (name) VALUES ('Every call')")
    for position, (code, label, customer, link, about) in enumerate(FIRST, 1):
        op.execute(
            sa.text(
                "INSERT INTO outcomes (tree_id, code, label, position, needs_customer, needs_link, about)"
                " VALUES (1, :code, :label, :position, :customer, :link, CAST(:about AS text[]))"
            ).bindparams(code=code, label=label, position=position, customer=customer, link=link, about=about)
        )


def _unlinked() -> None:
    op.create_table(
        "unlinked_calls",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_unlinked_calls_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_unlinked_calls_user_id_users")),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_unlinked_calls")),
    )
    op.create_index("ix_unlinked_calls_at", "unlinked_calls", ["ended_at"], unique=False)
    op.create_index("ix_unlinked_calls_user", "unlinked_calls", ["user_id", "ended_at"], unique=False)
    op.create_table(
        "call_forecasts",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(), nullable=False),
        sa.Column("reasons", JSONB(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("share BETWEEN 0 AND 1", name=op.f("ck_call_forecasts_share_sane")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_forecasts_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", name=op.f("pk_call_forecasts")),
    )
    op.create_index("ix_call_forecasts_at", "call_forecasts", ["at"], unique=False)
    op.add_column("calls", sa.Column("unlinked_reason", sa.Text(), nullable=True))
    op.execute(REVIEW)
    for made in TRIGGERS:
        op.execute(made)
    op.execute(f"SELECT review_unlinked(id) FROM calls WHERE started_at > now() - interval '{LOOKED_BACK}'")


def _turns() -> None:
    op.create_table(
        "turns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("lease_until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("causes", JSONB(none_as_null=True), nullable=False),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("how", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("rest_until", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("how IN ('done', 'skipped', 'let_go', 'lost')", name=op.f("ck_turns_how_known")),
        sa.CheckConstraint("num_nonnulls(customer_id, number) = 1", name=op.f("ck_turns_one_person")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_turns_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_turns_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
    )
    op.create_index(
        "ix_turns_customer",
        "turns",
        ["customer_id"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_turns_open", "turns", ["user_id"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(
        "ix_turns_resting",
        "turns",
        ["rest_until"],
        unique=False,
        postgresql_where=sa.text("rest_until IS NOT NULL"),
    )
    op.create_index("ix_turns_taken_at", "turns", [sa.literal_column("taken_at DESC")], unique=False)
    op.create_table(
        "do_not_call",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("num_nonnulls(customer_id, number) = 1", name=op.f("ck_do_not_call_one_person")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_do_not_call_created_by_users")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_do_not_call_customer_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_do_not_call")),
    )
    op.create_index("ix_do_not_call_customer", "do_not_call", ["customer_id"], unique=False)
    op.create_index("ix_do_not_call_number", "do_not_call", ["number"], unique=False)
    op.create_table(
        "dial_limits",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("most_a_day", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_dial_limits_only_one")),
        sa.CheckConstraint("most_a_day BETWEEN 0 AND 100", name=op.f("ck_dial_limits_sane")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dial_limits")),
    )
