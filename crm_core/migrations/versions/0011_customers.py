"""Everything by which a person is known: contacts, fields of one's own, merges, mentions, segments, hand-overs."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0011"
down_revision: str | None = "0010"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

CONTACTS = (
    "'email', 'telegram', 'whatsapp', 'viber', 'signal', 'instagram', 'facebook', 'skype', 'site', 'other'"
)
FIELD_KINDS = "'text', 'number', 'date', 'yes_no', 'choice', 'choices'"
# What belongs to a customer. Whoever writes such a row while two customers are merged writes it for the one that
# stays: the trigger waits for the merge and looks again.
OWNED = (
    "calls",
    "orders",
    "deals",
    "callbacks",
    "carts",
    "site_visits",
    "number_choices",
    "customer_notes",
    "customer_numbers",
    "customer_contacts",
    "customer_addresses",
)
STAY = """
CREATE FUNCTION stay_with_survivor() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE survivor bigint;
BEGIN
    LOOP
        SELECT merged_into_id INTO survivor FROM customers WHERE id = NEW.customer_id FOR KEY SHARE;
        EXIT WHEN survivor IS NULL;
        NEW.customer_id := survivor;
    END LOOP;
    RETURN NEW;
END $$
"""


def _made_at() -> sa.Column[datetime]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _whole(name: str, *, null: bool = False, default: str | None = None) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null, server_default=default)


def _text(name: str, *, null: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=null)


def _at(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), nullable=True)


def _json(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.JSONB(none_as_null=True), server_default="{}", nullable=False)


def _texts(name: str) -> sa.Column[Any]:
    return sa.Column(name, postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*(columns or ("id",)), name=op.f(f"pk_{table}"))


def _to(table: str, column: str, target: str, *, cascade: bool = False) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=name, ondelete="CASCADE" if cascade else None
    )


def upgrade() -> None:
    _fields()
    _contacts()
    _merges()
    _mentions()
    _segments()
    op.execute(STAY)
    for table in OWNED:
        for event, changed in (
            ("INSERT", ""),
            ("UPDATE OF customer_id", "NEW.customer_id IS DISTINCT FROM OLD.customer_id AND"),
        ):
            op.execute(
                f"CREATE TRIGGER stay_with_survivor_{event[:6].lower()} BEFORE {event} ON {table} FOR EACH ROW"
                f" WHEN ({changed} NEW.customer_id IS NOT NULL) EXECUTE FUNCTION stay_with_survivor()"
            )


def _fields() -> None:
    for name in ("sex", "category", "customer_type"):
        op.add_column("customers", _text(name, null=True))
    op.add_column("customers", _whole("manager_id", null=True))
    op.create_foreign_key(op.f("fk_customers_manager_id_users"), "customers", "users", ["manager_id"], ["id"])
    op.create_check_constraint(op.f("ck_customers_sex_known"), "customers", "sex IN ('female', 'male')")
    for table in ("customers", "orders", "deals", "calls"):
        op.add_column(table, _json("custom"))
    op.create_index("ix_customers_manager_id", "customers", ["manager_id"], unique=False)
    op.create_index("ix_customers_category", "customers", ["category"], unique=False)
    op.create_index("ix_customers_source", "customers", ["source"], unique=False)
    op.create_index("ix_customers_tags", "customers", ["tags"], unique=False, postgresql_using="gin")
    op.create_table(
        "custom_fields",
        _id(),
        _text("object"),
        _text("code"),
        _text("name"),
        _text("kind"),
        _texts("options"),
        _whole("position", default="0"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        _whole("version", default="1"),
        _made_at(),
        sa.CheckConstraint(
            "object IN ('customer', 'order', 'deal', 'call')", name=op.f("ck_custom_fields_object_known")
        ),
        sa.CheckConstraint(f"kind IN ({FIELD_KINDS})", name=op.f("ck_custom_fields_kind_known")),
        sa.CheckConstraint("code ~ '^[a-z0-9_]{1,40}$'", name=op.f("ck_custom_fields_code_plain")),
        _key("custom_fields"),
        sa.UniqueConstraint("object", "code", name=op.f("uq_custom_fields_object_code")),
    )


def _contacts() -> None:
    op.create_table(
        "customer_contacts",
        _id(),
        _whole("customer_id"),
        _text("kind"),
        _text("value"),
        _text("key"),
        _text("label", null=True),
        _made_at(),
        sa.CheckConstraint(f"kind IN ({CONTACTS})", name=op.f("ck_customer_contacts_kind_known")),
        _to("customer_contacts", "customer_id", "customers", cascade=True),
        _key("customer_contacts"),
        sa.UniqueConstraint(
            "customer_id", "kind", "key", name=op.f("uq_customer_contacts_customer_id_kind_key")
        ),
    )
    op.create_index(
        "ix_customer_contacts_key",
        "customer_contacts",
        ["key"],
        unique=False,
        postgresql_ops={"key": "text_pattern_ops"},
    )
    op.create_table(
        "customer_addresses",
        _id(),
        _whole("customer_id"),
        _text("address"),
        _text("city", null=True),
        _text("country", null=True),
        _text("label", null=True),
        _made_at(),
        _to("customer_addresses", "customer_id", "customers", cascade=True),
        _key("customer_addresses"),
    )
    op.create_index("ix_customer_addresses_customer_id", "customer_addresses", ["customer_id"], unique=False)


def _merges() -> None:
    op.create_table(
        "customer_merges",
        _id(),
        _whole("survivor_id"),
        _whole("gone_id"),
        _whole("user_id", null=True),
        _text("reason", null=True),
        _json("filled"),
        _at("undone_at"),
        _whole("undone_by", null=True),
        _made_at(),
        _to("customer_merges", "survivor_id", "customers"),
        _to("customer_merges", "gone_id", "customers"),
        _to("customer_merges", "user_id", "users"),
        _to("customer_merges", "undone_by", "users"),
        _key("customer_merges"),
    )
    op.create_index("ix_customer_merges_survivor_id", "customer_merges", ["survivor_id"], unique=False)
    op.create_index("ix_customer_merges_gone_id", "customer_merges", ["gone_id"], unique=False)
    op.create_table(
        "customer_merge_rows",
        _whole("merge_id"),
        _text("place"),
        _text("row_id"),
        _made_at(),
        _to("customer_merge_rows", "merge_id", "customer_merges", cascade=True),
        _key("customer_merge_rows", "merge_id", "place", "row_id"),
    )
    op.create_table(
        "different_people",
        _whole("first_id"),
        _whole("second_id"),
        _whole("user_id", null=True),
        _made_at(),
        _to("different_people", "first_id", "customers", cascade=True),
        _to("different_people", "second_id", "customers", cascade=True),
        _to("different_people", "user_id", "users"),
        _key("different_people", "first_id", "second_id"),
        sa.CheckConstraint("first_id < second_id", name=op.f("ck_different_people_in_order")),
    )


def _mentions() -> None:
    op.create_table(
        "note_mentions",
        _id(),
        _whole("note_id"),
        _whole("user_id"),
        _at("read_at"),
        _made_at(),
        _to("note_mentions", "note_id", "customer_notes", cascade=True),
        _to("note_mentions", "user_id", "users"),
        _key("note_mentions"),
        sa.UniqueConstraint("note_id", "user_id", name=op.f("uq_note_mentions_note_id_user_id")),
    )
    op.create_index("ix_note_mentions_user", "note_mentions", ["user_id", sa.text("id DESC")], unique=False)


def _segments() -> None:
    op.create_table(
        "segments",
        _id(),
        _text("name"),
        _json("rules"),
        _whole("version", default="1"),
        _whole("created_by", null=True),
        _made_at(),
        _to("segments", "created_by", "users"),
        _key("segments"),
        sa.UniqueConstraint("name", name=op.f("uq_segments_name")),
    )
    op.create_table(
        "handovers",
        _id(),
        _whole("user_id", null=True),
        _whole("to_id", null=True),
        _whole("customers", default="0"),
        _at("undone_at"),
        _made_at(),
        _to("handovers", "user_id", "users"),
        _to("handovers", "to_id", "users"),
        _key("handovers"),
    )
    op.create_table(
        "handover_rows",
        _whole("handover_id"),
        _whole("customer_id"),
        _whole("from_id", null=True),
        _made_at(),
        _to("handover_rows", "handover_id", "handovers", cascade=True),
        _to("handover_rows", "customer_id", "customers", cascade=True),
        _to("handover_rows", "from_id", "users"),
        _key("handover_rows", "handover_id", "customer_id"),
    )
