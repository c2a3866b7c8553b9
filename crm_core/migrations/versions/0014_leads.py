"""Leads, the goods they are interested in, the web forms and lines they come from."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision: str = "0014"
down_revision: str | None = "0013"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

ROLES = "'operator', 'senior', 'supervisor', 'manager', 'admin', 'courier'"


def _now(name: str) -> sa.Column[datetime]:
    return sa.Column(name, sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False)


def _id() -> sa.Column[int]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _text(name: str, nullable: bool = True) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=nullable)


def _of(table: str, column: str, parent: str, on_delete: str | None = None) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{parent}")
    return sa.ForeignKeyConstraint([column], [f"{parent}.id"], name=name, ondelete=on_delete)


def _ref(name: str, nullable: bool = True) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=nullable)


def upgrade() -> None:
    op.add_column(
        "lines", sa.Column("makes_leads", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.create_table(
        "lead_forms",
        _id(),
        _text("key", False),
        _text("name", False),
        _ref("shop_id", False),
        _text("origin"),
        sa.Column("fields", sa.ARRAY(sa.Text()), server_default="{}", nullable=False),
        _ref("responsible_id"),
        _text("role"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _now("created_at"),
        sa.CheckConstraint(f"role IN ({ROLES})", name=op.f("ck_lead_forms_role_known")),
        sa.CheckConstraint("name <> ''", name=op.f("ck_lead_forms_name_not_empty")),
        sa.CheckConstraint("num_nonnulls(responsible_id, role) > 0", name=op.f("ck_lead_forms_somebodys")),
        _of("lead_forms", "shop_id", "shops"),
        _of("lead_forms", "responsible_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_forms")),
        sa.UniqueConstraint("key", name=op.f("uq_lead_forms_key")),
    )
    op.create_table(
        "leads",
        _id(),
        _text("state", False),
        _text("junked_from"),
        _text("source", False),
        _ref("form_id"),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        _ref("shop_id"),
        *(_text(name) for name in ("name", "phone", "e164", "email", "message", "page")),
        sa.Column("answers", JSONB(none_as_null=True), server_default="{}", nullable=False),
        _ref("responsible_id"),
        _ref("customer_id"),
        _ref("deal_id"),
        sa.Column("closed_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("version", sa.BigInteger(), server_default="1", nullable=False),
        _now("updated_at"),
        _now("created_at"),
        sa.CheckConstraint(
            "state IN ('new', 'processing', 'qualified', 'junk')", name=op.f("ck_leads_state_known")
        ),
        _of("leads", "form_id", "lead_forms"),
        _of("leads", "call_id", "calls"),
        _of("leads", "shop_id", "shops"),
        _of("leads", "responsible_id", "users"),
        _of("leads", "customer_id", "customers"),
        _of("leads", "deal_id", "deals"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_leads")),
    )
    op.create_index("ix_leads_state", "leads", ["state", sa.text("id DESC")])
    op.create_index("ix_leads_responsible", "leads", ["responsible_id", sa.text("id DESC")])
    still = sa.text("state IN ('new', 'processing')")
    op.create_index("ix_leads_open_number", "leads", ["e164"], postgresql_where=still)
    for column in ("form_id", "call_id", "customer_id", "deal_id"):
        op.create_index(op.f(f"ix_leads_{column}"), "leads", [column])
    op.create_table(
        "lead_items",
        _id(),
        _ref("lead_id", False),
        _ref("product_id", False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        _now("created_at"),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_lead_items_quantity_positive")),
        _of("lead_items", "lead_id", "leads", "CASCADE"),
        _of("lead_items", "product_id", "products"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead_items")),
        sa.UniqueConstraint("lead_id", "product_id", name=op.f("uq_lead_items_lead_id_product_id")),
    )
    op.create_index(op.f("ix_lead_items_product_id"), "lead_items", ["product_id"])
