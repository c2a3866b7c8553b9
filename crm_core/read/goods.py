"""Goods in calls and orders, counted by the database (`crm_core.figure.goods` says what counts where)."""

from crm_core.order_status import OPEN, Group, among_sql
from crm_core.read.facts import Facts, Way
from crm_core.read.figure_families import SALES

_LINE = """i.quantity * i.price - least(i.quantity * i.price,
            round(i.quantity * i.price * i.discount_percent / 100, 2) + i.discount_amount)"""
# The property of a product that is called so, as price lists bring it.
_CATEGORY = """(SELECT min(v.value) FROM jsonb_each_text(p.properties) v
                WHERE lower(v.key) IN ('category', 'категория', 'категорія', 'kategoria'))"""
_FULL = "w.total > 0 AND w.paid >= w.total"


def _lines(orders: str) -> str:
    """A row for each line of these orders with its part of the money."""
    return f"""SELECT l.*, (l.total - l.delivery_cost) * l.asked / nullif(l.all_asked, 0) AS part,
            p.family_id AS family, coalesce(p.shop_id, l.shop_id) AS shop,
            {_CATEGORY} AS category
        FROM (SELECT w.*, i.product_id AS product, i.quantity, i.purchase_price, {_LINE} AS asked,
                sum({_LINE}) OVER (PARTITION BY w.order_id, w.id) AS all_asked, {_FULL} AS paid_in_full
            FROM ({orders}) w
                CROSS JOIN LATERAL (SELECT i.* FROM order_items i WHERE i.order_id = w.order_id OFFSET 0) i) l
        LEFT JOIN products p ON p.id = l.product"""


_WAYS = {
    Way.PRODUCT: "f.product",
    Way.CATEGORY: "f.category",
    Way.FAMILY: "f.family",
    Way.SHOP: "f.shop",
    Way.OPERATOR: "f.operator",
    Way.LINE: "f.line",
    Way.SOURCE: "(SELECT k.source FROM customers k WHERE k.id = f.customer_id)",
}
_ORDER = "w.id AS order_id, w.total, w.paid, w.delivery_cost, w.currency, w.shop_id, w.customer_id, w.status"
_ANSWERED = """c.started_at >= :since AND c.started_at < :until AND c.direction <> 'internal'
            AND c.result = 'answered'"""
_TALKS = f"""SELECT c.id, c.started_at, c.operator_id, c.line_id, c.customer_id, l.order_id, l.deal_id
        FROM calls c CROSS JOIN LATERAL (
            SELECT l.order_id, l.deal_id FROM call_links l WHERE l.call_id = c.id AND l.removed_at IS NULL
            UNION SELECT h.order_id, NULL FROM order_changes h WHERE h.call_id = c.id OFFSET 0) l
        WHERE {_ANSWERED}"""
ABOUT = Facts(
    source=f"""SELECT t.id, t.started_at AS at, t.operator_id AS operator, t.line_id AS line, t.customer_id,
            g.product_id AS product, p.family_id AS family, coalesce(p.shop_id, g.shop_id) AS shop,
            {_CATEGORY} AS category
        FROM ({_TALKS}) t CROSS JOIN LATERAL (
                SELECT i.product_id, w.shop_id FROM order_items i JOIN orders w ON w.id = i.order_id
                    WHERE i.order_id = t.order_id
                UNION SELECT i.product_id, NULL FROM deal_items i WHERE i.deal_id = t.deal_id OFFSET 0) g
        LEFT JOIN products p ON p.id = g.product_id""",
    ways=_WAYS,
    counts={"about": "true"},
)
_BY_CALL = f"""SELECT c.id, c.started_at AS at, c.operator_id AS operator, c.line_id AS line, {_ORDER}
    FROM {SALES.source}"""
_PRICED = "f.paid_in_full AND f.purchase_price IS NOT NULL"
_MARGIN = f"CASE WHEN {_PRICED} THEN f.part - f.purchase_price * f.quantity END"
SOLD = Facts(
    source=_lines(_BY_CALL),
    ways=_WAYS,
    counts={"sold_calls": "true", "phone_orders": "true", "phone_priced": _PRICED},
    ids={"phone_orders": "order_id", "phone_priced": "order_id"},
    sums={
        "phone_revenue": "CASE WHEN f.total > 0 THEN f.paid * f.part / f.total END",
        "phone_margin": _MARGIN,
    },
)
_AGAIN = f"""EXISTS (SELECT FROM orders o WHERE o.customer_id = w.customer_id AND o.created_at < w.created_at
            AND NOT {among_sql("o.status", [Group.LOST])})"""
_PLACED = f"""SELECT w.id, w.created_at AS at, coalesce(w.manager_id, w.created_by) AS operator, {_AGAIN} AS again,
        (SELECT c.line_id FROM calls c WHERE c.id = w.created_in_call_id) AS line, {_ORDER}
    FROM orders w WHERE w.created_at >= :since AND w.created_at < :until"""
_KEPT = f"NOT {among_sql('f.status', [Group.LOST])}"
PLACED = Facts(
    source=_lines(_PLACED),
    ways=_WAYS,
    counts={
        "placed": _KEPT,
        "every": "true",
        "off": f"NOT ({_KEPT})",
        "standing": among_sql("f.status", OPEN),
        "priced": f"{_PRICED} AND {_KEPT}",
        "again": f"{_KEPT} AND f.again",
    },
    numbers={"pieces": f"CASE WHEN {_KEPT} THEN f.quantity END"},
    sums={
        "turnover": f"CASE WHEN {_KEPT} THEN f.part END",
        "bought_margin": f"CASE WHEN {_KEPT} THEN {_MARGIN} END",
        "whole_orders": f"CASE WHEN {_KEPT} THEN f.total END",
        "bills": f"CASE WHEN {_KEPT} THEN 1 END",
    },
    once={"whole_orders": "id", "bills": "id"},
)
