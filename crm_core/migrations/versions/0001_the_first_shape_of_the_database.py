"""The first shape of the database."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sort_key", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("city", sa.Text(), nullable=True),
        sa.Column("country", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("timezone", sa.Text(), nullable=True),
        sa.Column("birthday", sa.Date(), nullable=True),
        sa.Column("vip", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("bad", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("merged_into_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("name <> ''", name=op.f("ck_customers_name_not_empty")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["customers.id"], name=op.f("fk_customers_merged_into_id_customers")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customers")),
    )
    op.create_index(
        "ix_customers_email",
        "customers",
        [sa.literal_column("lower(email)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index(op.f("ix_customers_merged_into_id"), "customers", ["merged_into_id"], unique=False)
    op.create_index("ix_customers_sort_key", "customers", ["sort_key", "id"], unique=False)
    op.create_index(
        "ix_customers_words",
        "customers",
        [sa.literal_column("to_tsvector('simple', search_key)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "login_attempts",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_attempts")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_seq", "outbox", ["seq"], unique=True)
    op.create_index(
        "ix_outbox_unpublished", "outbox", ["id"], unique=False, postgresql_where=sa.text("seq IS NULL")
    )
    op.create_table(
        "shops",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("timezone", sa.Text(), nullable=False),
        sa.Column("order_prefix", sa.Text(), nullable=False),
        sa.Column("next_order_number", sa.BigInteger(), server_default="1001", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("country ~ '^[A-Z]{2}$'", name=op.f("ck_shops_country_code")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_shops_currency_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shops")),
        sa.UniqueConstraint("order_prefix", name=op.f("uq_shops_order_prefix")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("login", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("active", sa.Boolean(), server_default="true", nullable=False),
        sa.Column("timezone", sa.Text(), server_default="UTC", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('operator', 'senior', 'supervisor', 'manager', 'admin')",
            name=op.f("ck_users_role_known"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
    )
    op.create_index("uq_users_login_lower", "users", [sa.literal_column("lower(login)")], unique=True)
    op.create_table(
        "audit_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("object_kind", sa.Text(), nullable=True),
        sa.Column("object_id", sa.Text(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column(
            "detail",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_audit_log_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index(
        "ix_audit_log_call",
        "audit_log",
        ["call_id"],
        unique=False,
        postgresql_where=sa.text("call_id IS NOT NULL"),
    )
    op.create_index("ix_audit_log_object", "audit_log", ["object_kind", "object_id"], unique=False)
    op.create_index(
        "ix_audit_log_user", "audit_log", ["user_id", sa.literal_column("created_at DESC")], unique=False
    )
    op.create_table(
        "customer_notes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_notes_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_customer_notes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_notes")),
    )
    op.create_index(op.f("ix_customer_notes_customer_id"), "customer_notes", ["customer_id"], unique=False)
    op.create_table(
        "customer_numbers",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("raw", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=True),
        sa.Column("position", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("e164 ~ '^\\+[1-9][0-9]{2,14}$'", name=op.f("ck_customer_numbers_e164_form")),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_customer_numbers_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_customer_numbers")),
        sa.UniqueConstraint("customer_id", "e164", name=op.f("uq_customer_numbers_customer_id_e164")),
    )
    op.create_index(
        "ix_customer_numbers_e164",
        "customer_numbers",
        ["e164"],
        unique=False,
        postgresql_ops={"e164": "text_pattern_ops"},
    )
    op.create_index(
        "ix_customer_numbers_reversed",
        "customer_numbers",
        [sa.literal_column("reverse(e164)").label("reversed")],
        unique=False,
        postgresql_ops={"reversed": "text_pattern_ops"},
    )
    op.create_table(
        "deals",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("funnel", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("amount", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("responsible_id", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "stage IN ('new', 'offer', 'ordered', 'won', 'lost')", name=op.f("ck_deals_stage_known")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_deals_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["responsible_id"], ["users.id"], name=op.f("fk_deals_responsible_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deals")),
    )
    op.create_index(
        "ix_deals_customer", "deals", ["customer_id", sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index(op.f("ix_deals_responsible_id"), "deals", ["responsible_id"], unique=False)
    op.create_index("ix_deals_stage", "deals", ["stage", sa.literal_column("updated_at DESC")], unique=False)
    op.create_table(
        "extensions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_extensions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extensions")),
        sa.UniqueConstraint("pbx", "extension", name=op.f("uq_extensions_pbx_extension")),
    )
    op.create_index(op.f("ix_extensions_user_id"), "extensions", ["user_id"], unique=False)
    op.create_table(
        "lines",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("did", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("aliases", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("e164", sa.Text(), nullable=True),
        sa.Column("shop_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("did <> ''", name=op.f("ck_lines_did_not_empty")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_lines_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines")),
        sa.UniqueConstraint("pbx", "did", name=op.f("uq_lines_pbx_did")),
    )
    op.create_index("ix_lines_aliases", "lines", ["aliases"], unique=False, postgresql_using="gin")
    op.create_index(op.f("ix_lines_e164"), "lines", ["e164"], unique=False)
    op.create_index(op.f("ix_lines_shop_id"), "lines", ["shop_id"], unique=False)
    op.create_table(
        "number_choices",
        sa.Column("e164", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("chosen_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["customer_id"],
            ["customers.id"],
            name=op.f("fk_number_choices_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_number_choices_user_id_users")),
        sa.PrimaryKeyConstraint("e164", name=op.f("pk_number_choices")),
    )
    op.create_index(op.f("ix_number_choices_customer_id"), "number_choices", ["customer_id"], unique=False)
    op.create_table(
        "products",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("search_key", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=True),
        sa.Column("price", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("stock", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_products_price_not_negative")),
        sa.CheckConstraint("stock >= 0", name=op.f("ck_products_stock_not_negative")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_products_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_products")),
        sa.UniqueConstraint("shop_id", "sku", name=op.f("uq_products_shop_id_sku")),
    )
    op.create_index("ix_products_barcode", "products", ["barcode"], unique=False)
    op.create_index(
        "ix_products_sku",
        "products",
        [sa.literal_column("lower(sku)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index(
        "ix_products_words",
        "products",
        [sa.literal_column("to_tsvector('simple', search_key)")],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column(
            "data",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.Column("expires_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("seen_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "calls",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("pbx", sa.Text(), nullable=False),
        sa.Column("linkedid", sa.Text(), nullable=False),
        sa.Column("linkedids", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("remote_raw", sa.Text(), nullable=True),
        sa.Column("remote_e164", sa.Text(), nullable=True),
        sa.Column("remote_name", sa.Text(), nullable=True),
        sa.Column("line", sa.Text(), nullable=True),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("operator_id", sa.BigInteger(), nullable=True),
        sa.Column("operator_extension", sa.Text(), nullable=True),
        sa.Column("operators", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("click_to_call", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("started_by", sa.BigInteger(), nullable=True),
        sa.Column("started_from", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("started_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("rang_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("wait_s", sa.Double(), server_default="0", nullable=False),
        sa.Column("talk_s", sa.Double(), server_default="0", nullable=False),
        sa.Column("hold_s", sa.Double(), server_default="0", nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("ended_by", sa.Text(), nullable=True),
        sa.Column("ended_reason", sa.Text(), nullable=True),
        sa.Column("complete", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("customer_rule", sa.Text(), nullable=True),
        sa.Column("disposition", sa.Text(), nullable=True),
        sa.Column("disposed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("disposed_by", sa.BigInteger(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("note_version", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("noted_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("noted_by", sa.BigInteger(), nullable=True),
        sa.Column(
            "transfers",
            postgresql.JSONB(none_as_null=True, astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column("recordings", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column("tracker_state", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=True),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "direction IN ('inbound', 'outbound', 'internal')", name=op.f("ck_calls_direction_known")
        ),
        sa.CheckConstraint(
            "ended_by IN ('remote', 'operator', 'system')", name=op.f("ck_calls_ended_by_known")
        ),
        sa.CheckConstraint("remote_e164 <> ''", name=op.f("ck_calls_remote_not_empty")),
        sa.CheckConstraint(
            "result IN ('answered', 'abandoned', 'no_answer', 'busy', 'failed', 'cancelled', 'overflow', 'blocked')",
            name=op.f("ck_calls_result_known"),
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ringing', 'dialling', 'talking', 'held', 'ended')",
            name=op.f("ck_calls_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_calls_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["disposed_by"], ["users.id"], name=op.f("fk_calls_disposed_by_users")),
        sa.ForeignKeyConstraint(
            ["line_id"], ["lines.id"], name=op.f("fk_calls_line_id_lines"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["noted_by"], ["users.id"], name=op.f("fk_calls_noted_by_users")),
        sa.ForeignKeyConstraint(["operator_id"], ["users.id"], name=op.f("fk_calls_operator_id_users")),
        sa.ForeignKeyConstraint(["started_by"], ["users.id"], name=op.f("fk_calls_started_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calls")),
        sa.UniqueConstraint("pbx", "linkedid", name=op.f("uq_calls_pbx_linkedid")),
    )
    op.create_index(
        "ix_calls_customer", "calls", ["customer_id", sa.literal_column("started_at DESC")], unique=False
    )
    op.create_index("ix_calls_line", "calls", ["line_id", sa.literal_column("started_at DESC")], unique=False)
    op.create_index(
        "ix_calls_open", "calls", ["pbx"], unique=False, postgresql_where=sa.text("ended_at IS NULL")
    )
    op.create_index(
        "ix_calls_operator", "calls", ["operator_id", sa.literal_column("started_at DESC")], unique=False
    )
    op.create_index(
        "ix_calls_remote", "calls", ["remote_e164", sa.literal_column("started_at DESC")], unique=False
    )
    op.create_index("ix_calls_started_at", "calls", [sa.literal_column("started_at DESC")], unique=False)
    op.create_table(
        "call_aliases",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_aliases_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_aliases")),
    )
    op.create_index(op.f("ix_call_aliases_call_id"), "call_aliases", ["call_id"], unique=False)
    op.create_table(
        "call_drafts",
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("body", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_drafts_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_call_drafts_user_id_users"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_id", "user_id", name=op.f("pk_call_drafts")),
    )
    op.create_table(
        "call_legs",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("uniqueid", sa.Text(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("rang_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("answered_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ended_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "result IN ('answered', 'no_answer', 'declined', 'busy', 'unavailable', 'elsewhere', 'cancelled')",
            name=op.f("ck_call_legs_result_known"),
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_legs_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_call_legs_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_legs")),
        sa.UniqueConstraint(
            "call_id",
            "uniqueid",
            "rang_at",
            name=op.f("uq_call_legs_call_id_uniqueid_rang_at"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index(
        "ix_call_legs_user", "call_legs", ["user_id", sa.literal_column("rang_at DESC")], unique=False
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=False),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("total", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("paid", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("delivery_method", sa.Text(), nullable=True),
        sa.Column("delivery_address", sa.Text(), nullable=True),
        sa.Column("delivery_cost", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("tracking", sa.Text(), nullable=True),
        sa.Column("promised_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("comment", sa.Text(), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_in_call_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        sa.Column("updated_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "status IN ('new', 'confirmed', 'packed', 'on_delivery', 'delivered', 'done', 'cancelled', 'returned')",
            name=op.f("ck_orders_status_known"),
        ),
        sa.CheckConstraint(
            "total >= 0 AND paid >= 0 AND delivery_cost >= 0", name=op.f("ck_orders_sums_not_negative")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_orders_created_by_users")),
        sa.ForeignKeyConstraint(
            ["created_in_call_id"], ["calls.id"], name=op.f("fk_orders_created_in_call_id_calls")
        ),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_orders_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_orders_deal_id_deals")),
        sa.ForeignKeyConstraint(["shop_id"], ["shops.id"], name=op.f("fk_orders_shop_id_shops")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint("number", name=op.f("uq_orders_number")),
    )
    op.create_index("ix_orders_created_at", "orders", [sa.literal_column("created_at DESC")], unique=False)
    op.create_index(op.f("ix_orders_created_in_call_id"), "orders", ["created_in_call_id"], unique=False)
    op.create_index(
        "ix_orders_customer", "orders", ["customer_id", sa.literal_column("created_at DESC")], unique=False
    )
    op.create_index(op.f("ix_orders_deal_id"), "orders", ["deal_id"], unique=False)
    op.create_index(
        "ix_orders_number_prefix",
        "orders",
        [sa.literal_column("lower(number)").label("lowered")],
        unique=False,
        postgresql_ops={"lowered": "text_pattern_ops"},
    )
    op.create_index(op.f("ix_orders_shop_id"), "orders", ["shop_id"], unique=False)
    op.create_index(
        "ix_orders_status", "orders", ["status", sa.literal_column("created_at DESC")], unique=False
    )
    op.create_table(
        "pop_log",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("extension", sa.Text(), nullable=True),
        sa.Column("rang_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("sent_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("shown_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_pop_log_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pop_log_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pop_log")),
    )
    op.create_index("ix_pop_log_call_user", "pop_log", ["call_id", "user_id"], unique=False)
    op.create_index(
        "ix_pop_log_user", "pop_log", ["user_id", sa.literal_column("created_at DESC")], unique=False
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("path", sa.Text(), nullable=True),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=True),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("found_by", sa.Text(), nullable=True),
        sa.Column("taken_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "side IN ('mix', 'caller', 'agent', 'stereo', 'mono')", name=op.f("ck_recordings_side_known")
        ),
        sa.CheckConstraint(
            "state IN ('expected', 'ready', 'empty', 'unreadable', 'missing', 'expired')",
            name=op.f("ck_recordings_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_recordings_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint("path", name=op.f("uq_recordings_path")),
    )
    op.create_index(op.f("ix_recordings_call_id"), "recordings", ["call_id"], unique=False)
    op.create_index(
        "ix_recordings_expected",
        "recordings",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("state = 'expected'"),
    )
    op.create_table(
        "transcripts",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("finished_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('queued', 'running', 'ready', 'failed', 'no_model', 'empty')",
            name=op.f("ck_transcripts_state_known"),
        ),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_transcripts_call_id_calls"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcripts")),
        sa.UniqueConstraint("call_id", name=op.f("uq_transcripts_call_id")),
    )
    op.create_table(
        "call_links",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("call_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("removed_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "role IN ('created', 'changed', 'discussed')", name=op.f("ck_call_links_role_known")
        ),
        sa.CheckConstraint("num_nonnulls(order_id, deal_id) = 1", name=op.f("ck_call_links_one_object")),
        sa.ForeignKeyConstraint(
            ["call_id"], ["calls.id"], name=op.f("fk_call_links_call_id_calls"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_call_links_created_by_users")),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_call_links_deal_id_deals")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_call_links_order_id_orders")),
        sa.ForeignKeyConstraint(["removed_by"], ["users.id"], name=op.f("fk_call_links_removed_by_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_links")),
    )
    op.create_index(op.f("ix_call_links_call_id"), "call_links", ["call_id"], unique=False)
    op.create_index(
        "ix_call_links_deal_id",
        "call_links",
        ["deal_id"],
        unique=False,
        postgresql_where=sa.text("deal_id IS NOT NULL"),
    )
    op.create_index(
        "ix_call_links_order_id",
        "call_links",
        ["order_id"],
        unique=False,
        postgresql_where=sa.text("order_id IS NOT NULL"),
    )
    op.create_index(
        "uq_call_links_deal",
        "call_links",
        ["call_id", "deal_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_index(
        "uq_call_links_order",
        "call_links",
        ["call_id", "order_id"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "callbacks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("customer_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("due_at", sa.TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("deal_id", sa.BigInteger(), nullable=True),
        sa.Column("assigned_to", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.Text(), server_default="open", nullable=False),
        sa.Column("source_call_id", sa.Uuid(), nullable=True),
        sa.Column("closed_by_call_id", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("created_by", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('open', 'done', 'cancelled')", name=op.f("ck_callbacks_state_known")),
        sa.ForeignKeyConstraint(["assigned_to"], ["users.id"], name=op.f("fk_callbacks_assigned_to_users")),
        sa.ForeignKeyConstraint(
            ["closed_by_call_id"], ["calls.id"], name=op.f("fk_callbacks_closed_by_call_id_calls")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_callbacks_created_by_users")),
        sa.ForeignKeyConstraint(
            ["customer_id"], ["customers.id"], name=op.f("fk_callbacks_customer_id_customers")
        ),
        sa.ForeignKeyConstraint(["deal_id"], ["deals.id"], name=op.f("fk_callbacks_deal_id_deals")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_callbacks_order_id_orders")),
        sa.ForeignKeyConstraint(
            ["source_call_id"], ["calls.id"], name=op.f("fk_callbacks_source_call_id_calls")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_callbacks")),
    )
    op.create_index(
        "ix_callbacks_assigned",
        "callbacks",
        ["assigned_to", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_callbacks_closed_by_call_id"), "callbacks", ["closed_by_call_id"], unique=False)
    op.create_index("ix_callbacks_customer", "callbacks", ["customer_id", "due_at"], unique=False)
    op.create_index(op.f("ix_callbacks_deal_id"), "callbacks", ["deal_id"], unique=False)
    op.create_index(
        "ix_callbacks_due", "callbacks", ["due_at"], unique=False, postgresql_where=sa.text("state = 'open'")
    )
    op.create_index(
        "ix_callbacks_open_number",
        "callbacks",
        ["number"],
        unique=False,
        postgresql_where=sa.text("state = 'open'"),
    )
    op.create_index(op.f("ix_callbacks_order_id"), "callbacks", ["order_id"], unique=False)
    op.create_index(op.f("ix_callbacks_source_call_id"), "callbacks", ["source_call_id"], unique=False)
    op.create_table(
        "order_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        sa.Column("what", postgresql.JSONB(none_as_null=True, astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(["call_id"], ["calls.id"], name=op.f("fk_order_changes_call_id_calls")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_changes_order_id_orders"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_order_changes_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_changes")),
    )
    op.create_index(op.f("ix_order_changes_call_id"), "order_changes", ["call_id"], unique=False)
    op.create_index(op.f("ix_order_changes_order_id"), "order_changes", ["order_id"], unique=False)
    op.create_table(
        "order_items",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("product_id", sa.BigInteger(), nullable=True),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), server_default="0", nullable=False),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("price >= 0", name=op.f("ck_order_items_price_not_negative")),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_order_items_quantity_positive")),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_items_order_id_orders"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["product_id"], ["products.id"], name=op.f("fk_order_items_product_id_products")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_items")),
    )
    op.create_index(op.f("ix_order_items_order_id"), "order_items", ["order_id"], unique=False)
    op.create_index(op.f("ix_order_items_product_id"), "order_items", ["product_id"], unique=False)
    op.create_table(
        "phrases",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("transcript_id", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("start_s", sa.Double(), nullable=False),
        sa.Column("end_s", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=True),
        sa.Column("created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("side IN ('customer', 'operator', 'unknown')", name=op.f("ck_phrases_side_known")),
        sa.ForeignKeyConstraint(
            ["transcript_id"],
            ["transcripts.id"],
            name=op.f("fk_phrases_transcript_id_transcripts"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phrases")),
    )
    op.create_index("ix_phrases_transcript", "phrases", ["transcript_id", "start_s"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_phrases_transcript", table_name="phrases")
    op.drop_table("phrases")
    op.drop_index(op.f("ix_order_items_product_id"), table_name="order_items")
    op.drop_index(op.f("ix_order_items_order_id"), table_name="order_items")
    op.drop_table("order_items")
    op.drop_index(op.f("ix_order_changes_order_id"), table_name="order_changes")
    op.drop_index(op.f("ix_order_changes_call_id"), table_name="order_changes")
    op.drop_table("order_changes")
    op.drop_index(op.f("ix_callbacks_source_call_id"), table_name="callbacks")
    op.drop_index(op.f("ix_callbacks_order_id"), table_name="callbacks")
    op.drop_index(
        "ix_callbacks_open_number", table_name="callbacks", postgresql_where=sa.text("state = 'open'")
    )
    op.drop_index("ix_callbacks_due", table_name="callbacks", postgresql_where=sa.text("state = 'open'"))
    op.drop_index(op.f("ix_callbacks_deal_id"), table_name="callbacks")
    op.drop_index("ix_callbacks_customer", table_name="callbacks")
    op.drop_index(op.f("ix_callbacks_closed_by_call_id"), table_name="callbacks")
    op.drop_index("ix_callbacks_assigned", table_name="callbacks", postgresql_where=sa.text("state = 'open'"))
    op.drop_table("callbacks")
    op.drop_index(
        "uq_call_links_order", table_name="call_links", postgresql_where=sa.text("removed_at IS NULL")
    )
    op.drop_index(
        "uq_call_links_deal", table_name="call_links", postgresql_where=sa.text("removed_at IS NULL")
    )
    op.drop_index(
        "ix_call_links_order_id", table_name="call_links", postgresql_where=sa.text("order_id IS NOT NULL")
    )
    op.drop_index(
        "ix_call_links_deal_id", table_name="call_links", postgresql_where=sa.text("deal_id IS NOT NULL")
    )
    op.drop_index(op.f("ix_call_links_call_id"), table_name="call_links")
    op.drop_table("call_links")
    op.drop_table("transcripts")
    op.drop_index(
        "ix_recordings_expected", table_name="recordings", postgresql_where=sa.text("state = 'expected'")
    )
    op.drop_index(op.f("ix_recordings_call_id"), table_name="recordings")
    op.drop_table("recordings")
    op.drop_index("ix_pop_log_user", table_name="pop_log")
    op.drop_index("ix_pop_log_call_user", table_name="pop_log")
    op.drop_table("pop_log")
    op.drop_index("ix_orders_status", table_name="orders")
    op.drop_index(op.f("ix_orders_shop_id"), table_name="orders")
    op.drop_index(
        "ix_orders_number_prefix", table_name="orders", postgresql_ops={"lowered": "text_pattern_ops"}
    )
    op.drop_index(op.f("ix_orders_deal_id"), table_name="orders")
    op.drop_index("ix_orders_customer", table_name="orders")
    op.drop_index(op.f("ix_orders_created_in_call_id"), table_name="orders")
    op.drop_index("ix_orders_created_at", table_name="orders")
    op.drop_table("orders")
    op.drop_index("ix_call_legs_user", table_name="call_legs")
    op.drop_table("call_legs")
    op.drop_table("call_drafts")
    op.drop_index(op.f("ix_call_aliases_call_id"), table_name="call_aliases")
    op.drop_table("call_aliases")
    op.drop_index("ix_calls_started_at", table_name="calls")
    op.drop_index("ix_calls_remote", table_name="calls")
    op.drop_index("ix_calls_operator", table_name="calls")
    op.drop_index("ix_calls_open", table_name="calls", postgresql_where=sa.text("ended_at IS NULL"))
    op.drop_index("ix_calls_line", table_name="calls")
    op.drop_index("ix_calls_customer", table_name="calls")
    op.drop_table("calls")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index("ix_sessions_expires_at", table_name="sessions")
    op.drop_table("sessions")
    op.drop_index("ix_products_words", table_name="products", postgresql_using="gin")
    op.drop_index("ix_products_sku", table_name="products", postgresql_ops={"lowered": "text_pattern_ops"})
    op.drop_index("ix_products_barcode", table_name="products")
    op.drop_table("products")
    op.drop_index(op.f("ix_number_choices_customer_id"), table_name="number_choices")
    op.drop_table("number_choices")
    op.drop_index(op.f("ix_lines_shop_id"), table_name="lines")
    op.drop_index(op.f("ix_lines_e164"), table_name="lines")
    op.drop_index("ix_lines_aliases", table_name="lines", postgresql_using="gin")
    op.drop_table("lines")
    op.drop_index(op.f("ix_extensions_user_id"), table_name="extensions")
    op.drop_table("extensions")
    op.drop_index("ix_deals_stage", table_name="deals")
    op.drop_index(op.f("ix_deals_responsible_id"), table_name="deals")
    op.drop_index("ix_deals_customer", table_name="deals")
    op.drop_table("deals")
    op.drop_index(
        "ix_customer_numbers_reversed",
        table_name="customer_numbers",
        postgresql_ops={"reversed": "text_pattern_ops"},
    )
    op.drop_index(
        "ix_customer_numbers_e164", table_name="customer_numbers", postgresql_ops={"e164": "text_pattern_ops"}
    )
    op.drop_table("customer_numbers")
    op.drop_index(op.f("ix_customer_notes_customer_id"), table_name="customer_notes")
    op.drop_table("customer_notes")
    op.drop_index("ix_audit_log_user", table_name="audit_log")
    op.drop_index("ix_audit_log_object", table_name="audit_log")
    op.drop_index(
        "ix_audit_log_call", table_name="audit_log", postgresql_where=sa.text("call_id IS NOT NULL")
    )
    op.drop_table("audit_log")
    op.drop_index("uq_users_login_lower", table_name="users")
    op.drop_table("users")
    op.drop_table("shops")
    op.drop_index("ix_outbox_unpublished", table_name="outbox", postgresql_where=sa.text("seq IS NULL"))
    op.drop_index("ix_outbox_seq", table_name="outbox")
    op.drop_table("outbox")
    op.drop_table("login_attempts")
    op.drop_index("ix_customers_words", table_name="customers", postgresql_using="gin")
    op.drop_index("ix_customers_sort_key", table_name="customers")
    op.drop_index(op.f("ix_customers_merged_into_id"), table_name="customers")
    op.drop_index(
        "ix_customers_email", table_name="customers", postgresql_ops={"lowered": "text_pattern_ops"}
    )
    op.drop_table("customers")
