"""Sales counted by the database, by when orders were placed; and what their sources cost."""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import BigInteger, ColumnElement, column, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.period import By, Key, day_key, of_days
from crm_core.figure.rules import Rules
from crm_core.figure.sales import Sales
from crm_core.order import Order
from crm_core.order_status import OPEN, SHIPPED, Group, among_sql
from crm_core.read.figure_days import Stretch, add_families
from crm_core.read.figure_families import Family
from crm_core.read.figures import Keys, Ledger, Within, behind_of
from crm_core.source_cost import SourceCost

_LOST = among_sql("w.status", [Group.LOST])
_IN_CALL = "(SELECT c.{0} FROM calls c WHERE c.id = w.created_in_call_id)"
ORDERS = Family(
    code="placed",
    source="orders w WHERE w.created_at >= :since AND w.created_at < :until",
    operator="coalesce(w.manager_id, w.created_by)",
    queue=_IN_CALL.format("queue"),
    line=_IN_CALL.format("line_id"),
    origin="(SELECT k.source FROM customers k WHERE k.id = w.customer_id)",
    at="w.created_at",
    call="w.id",
    scripted=False,
    counts={
        "placed": "true",
        "lost": _LOST,
        "unfinished": among_sql("w.status", OPEN),
        "kept": f"NOT {_LOST}",
        "confirmed": among_sql("w.status", [Group.WORK, *SHIPPED]),
        "sent": among_sql("w.status", SHIPPED),
        "handed": among_sql("w.status", [Group.HANDED, Group.DONE]),
        "closed": among_sql("w.status", [Group.DONE]),
        "full": f"w.total > 0 AND w.paid >= w.total AND NOT {_LOST}",
        "again": f"""NOT {_LOST} AND EXISTS (SELECT FROM orders o WHERE o.customer_id = w.customer_id
            AND o.created_at < w.created_at AND NOT {among_sql("o.status", [Group.LOST])})""",
    },
)
MONEY = replace(
    ORDERS,
    code="placed",
    source="""orders w CROSS JOIN LATERAL (SELECT coalesce(sum(i.purchase_price * i.quantity), 0) AS cost,
            count(*) = count(i.purchase_price) AS known FROM order_items i WHERE i.order_id = w.id) g
        WHERE w.created_at >= :since AND w.created_at < :until""",
    counts={},
    sums={
        "turnover": (f"NOT {_LOST}", "w.total"),
        "bills": (f"NOT {_LOST}", "1"),
        "paid": ("true", "w.paid"),
        "margin": (f"{ORDERS.counts['full']} AND g.known", "(w.total - w.delivery_cost - g.cost)"),
    },
    more="w.currency",
    money=True,
)
SALES_FAMILIES = (ORDERS, MONEY)


async def load_sales(
    session: AsyncSession,
    first: date,
    last: date,
    zone: ZoneInfo,
    dims: Sequence[By],
    rules: Rules,
    within: Within,
) -> dict[Keys, Sales]:
    """Sales under every combination of keys; with the cost of sources where that can be told.

    Raises `Conflict` where too much would be counted from rows.
    """
    ledger = Ledger(Sales)
    await add_families(session, ledger, SALES_FAMILIES, Stretch(first, last, zone, rules), dims, within)
    found = ledger.tallies()
    if tells_costs(dims, within):
        for keys, costs in (await _costs(session, first, last, dims, within)).items():
            found[keys] = found.get(keys, Sales()) + Sales(cost=costs)
    return found


def tells_costs(dims: Sequence[By], within: Within) -> bool:
    """Whether what sources cost can be told so: by source, by month, of a source."""
    others = (within.operators, within.operator, within.queue, within.line)
    return {*dims} <= {By.SOURCE, By.MONTH} and all(it is None for it in others)


def orders_behind(
    field: str,
    first: date,
    last: date,
    zone: ZoneInfo,
    rules: Rules,
    within: Within,
    at: Sequence[tuple[By, Key]],
) -> ColumnElement[bool]:
    """The condition that an order is counted in this field, under these keys."""
    period = of_days(first, last, zone)
    return Order.id.in_(
        behind_of([(ORDERS, ORDERS.counts[field])], period, rules, within, at).columns(
            column("id", BigInteger)
        )
    )


async def _costs(
    session: AsyncSession, first: date, last: date, dims: Sequence[By], within: Within
) -> dict[Keys, dict[str, Decimal]]:
    """What was entered, by keys and currency; of a part of a month as large a part."""
    here = [SourceCost.month > first - timedelta(days=31), SourceCost.month <= last]
    if within.source is not None:
        here.append(SourceCost.source == within.source)
    found: dict[Keys, dict[str, Decimal]] = {}
    for it in await session.scalars(select(SourceCost).where(*here)):
        length = monthrange(it.month.year, it.month.month)[1]
        end = it.month + timedelta(days=length - 1)
        days = (min(end, last) - max(it.month, first)).days + 1
        if days > 0:
            keys = tuple(it.source if by is By.SOURCE else day_key(by, it.month) for by in dims)
            sums = found.setdefault(keys, {})
            share = (it.cost * days / length).quantize(Decimal("0.01"))
            sums[it.currency] = sums.get(it.currency, Decimal(0)) + share
    return found
