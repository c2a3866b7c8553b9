"""Discounts, coupons, delivery by zone and weight, payments, who is in charge, what stood when somebody changed it."""

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision: str = "0012"
down_revision: str | None = "0011"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

LIMITS = {"operator": 10, "senior": 15, "supervisor": 30, "manager": 100, "admin": 100}


def upgrade() -> None:
    _limits()
    _coupons()
    _methods()
    op.add_column("products", sa.Column("weight_g", sa.BigInteger(), nullable=True))
    op.create_check_constraint(op.f("ck_products_weight_not_negative"), "products", "weight_g >= 0")
    _orders()
    _items()
    _payments()


def _made() -> sa.Column[Any]:
    return sa.Column(
        "created_at", sa.TIMESTAMP(timezone=True), server_default=sa.text("now()"), nullable=False
    )


def _id() -> sa.Column[Any]:
    return sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False)


def _to(table: str, column: str, target: str, **options: Any) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{target}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, **options)


def _pk(table: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}"))


def _money(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(12, 2), server_default="0", nullable=False)


def _percent(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Numeric(5, 2), server_default="0", nullable=False)


def _flag(name: str, *, given: bool = False) -> sa.Column[Any]:
    default = sa.text("true" if given else "false")
    return sa.Column(name, sa.Boolean(), server_default=default, nullable=False)


def _whole(name: str, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, sa.BigInteger(), server_default=default, nullable=default is None)


def _text(name: str) -> sa.Column[Any]:
    return sa.Column(name, sa.Text(), nullable=True)


def _check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def _limits() -> None:
    table = "discount_limits"
    made = op.create_table(
        table,
        _id(),
        _whole("shop_id"),
        sa.Column("role", sa.Text(), nullable=False),
        _percent("percent"),
        _made(),
        _check(table, "percent_sane", "percent BETWEEN 0 AND 100"),
        _to(table, "shop_id", "shops", ondelete="CASCADE"),
        _pk(table),
        sa.UniqueConstraint(
            "shop_id", "role", name=op.f(f"uq_{table}_shop_id_role"), postgresql_nulls_not_distinct=True
        ),
    )
    op.bulk_insert(made, [{"role": role, "percent": percent} for role, percent in LIMITS.items()])


def _coupons() -> None:
    table = "coupons"
    op.create_table(
        table,
        _id(),
        sa.Column("code", sa.Text(), nullable=False),
        _whole("shop_id"),
        _percent("percent"),
        _money("amount"),
        _money("minimum"),
        sa.Column("starts_at", sa.TIMESTAMP(timezone=True), nullable=True),
        sa.Column("ends_at", sa.TIMESTAMP(timezone=True), nullable=True),
        _whole("max_uses"),
        _whole("used", "0"),
        _flag("active", given=True),
        _text("note"),
        _whole("version", "1"),
        _made(),
        _check(table, "code_upper", "code = upper(code) AND code <> ''"),
        _check(table, "off_sane", "percent BETWEEN 0 AND 100 AND amount >= 0"),
        _check(table, "percent_or_amount", "(percent = 0) <> (amount = 0)"),
        _check(table, "counts_not_negative", "used >= 0 AND minimum >= 0"),
        _check(table, "ends_after_start", "ends_at > starts_at"),
        _to(table, "shop_id", "shops"),
        _pk(table),
        sa.UniqueConstraint("code", name=op.f("uq_coupons_code")),
    )


def _methods() -> None:
    table = "delivery_methods"
    op.create_table(
        table,
        _id(),
        sa.Column("shop_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("free_from", sa.Numeric(12, 2), nullable=True),
        _flag("active", given=True),
        _whole("position", "0"),
        _whole("version", "1"),
        _made(),
        _check(table, "free_from_not_negative", "free_from >= 0"),
        _to(table, "shop_id", "shops"),
        _pk(table),
        sa.UniqueConstraint("shop_id", "name", name=op.f(f"uq_{table}_shop_id_name")),
    )
    table = "delivery_rates"
    op.create_table(
        table,
        _id(),
        sa.Column("method_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("places", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        _whole("to_weight_g"),
        _money("cost"),
        _made(),
        _check(table, "cost_not_negative", "cost >= 0"),
        _check(table, "weight_positive", "to_weight_g > 0"),
        _to(table, "method_id", "delivery_methods", ondelete="CASCADE"),
        _pk(table),
    )
    op.create_index(op.f("ix_delivery_rates_method_id"), table, ["method_id"])


def _orders() -> None:
    texts = ("delivery_city", "delivery_region", "delivery_postcode", "payment_method", "coupon_code")
    for column in (
        *map(_text, (*texts, "customer_comment", "status_comment")),
        *map(_whole, ("delivery_method_id", "coupon_id", "manager_id")),
        *map(_percent, ("discount_percent", "coupon_percent")),
        *map(_money, ("discount_amount", "coupon_amount", "coupon_minimum")),
        *map(_flag, ("delivery_by_hand", "needs_call")),
        sa.Column("delivery_date", sa.Date(), nullable=True),
        sa.Column("delivery_from", sa.Time(), nullable=True),
        sa.Column("delivery_until", sa.Time(), nullable=True),
    ):
        op.add_column("orders", column)
    for name, target in (
        ("delivery_method_id", "delivery_methods"),
        ("coupon_id", "coupons"),
        ("manager_id", "users"),
    ):
        op.create_foreign_key(op.f(f"fk_orders_{name}_{target}"), "orders", target, [name], ["id"])
    op.create_check_constraint(
        op.f("ck_orders_discount_sane"),
        "orders",
        "discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0",
    )
    op.create_check_constraint(op.f("ck_orders_window_forward"), "orders", "delivery_until > delivery_from")
    op.create_index(op.f("ix_orders_coupon_id"), "orders", ["coupon_id"])
    op.create_index(op.f("ix_orders_manager_id"), "orders", ["manager_id"])
    op.create_index("ix_orders_total", "orders", ["total"])
    op.create_index(
        "ix_orders_tracking",
        "orders",
        [sa.literal_column("lower(tracking)").label("lowered")],
        postgresql_ops={"lowered": "text_pattern_ops"},
        postgresql_where=sa.text("tracking IS NOT NULL"),
    )
    op.add_column("order_changes", _whole("version"))


def _items() -> None:
    for column in (
        _percent("discount_percent"),
        _money("discount_amount"),
        sa.Column("list_price", sa.Numeric(12, 2), nullable=True),
        sa.Column("purchase_price", sa.Numeric(12, 2), nullable=True),
    ):
        op.add_column("order_items", column)
    op.create_check_constraint(
        op.f("ck_order_items_discount_sane"),
        "order_items",
        "discount_percent BETWEEN 0 AND 100 AND discount_amount >= 0",
    )


def _payments() -> None:
    """What was paid so far becomes one payment of each order, at its last change."""
    table = "payments"
    op.create_table(
        table,
        _id(),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _money("amount"),
        _text("method"),
        _text("note"),
        _whole("user_id"),
        sa.Column("call_id", sa.Uuid(), nullable=True),
        _made(),
        _check(table, "kind_known", "kind IN ('prepaid', 'part', 'final', 'refund')"),
        _check(table, "method_known", "method IN ('cash', 'card', 'transfer', 'online', 'on_delivery')"),
        _check(table, "amount_positive", "amount > 0"),
        _to(table, "order_id", "orders", ondelete="CASCADE"),
        _to(table, "user_id", "users"),
        _to(table, "call_id", "calls"),
        _pk(table),
    )
    op.execute(
        "INSERT INTO payments (order_id, kind, amount, created_at)"
        " SELECT id, CASE WHEN paid >= total THEN 'final' ELSE 'part' END, paid, updated_at"
        " FROM orders WHERE paid > 0 ORDER BY id"
    )
    op.create_index(op.f("ix_payments_order_id"), table, ["order_id"])
