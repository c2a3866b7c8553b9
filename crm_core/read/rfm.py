"""Who bought how lately and how often, as a matrix of five by five: each cell counts its customers and their sums.

The steps are fixed, not fifths of all customers: a cell means the same tomorrow, and can be said as a rule.
"""

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from sqlalchemy import case, extract, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.order import Order
from crm_core.read.segments import BOUGHT
from crm_core.segment_rule import All, Condition, Kind

RECENCY = (30, 90, 180, 365)
"""Days since the last purchase: 5 is at most the first, 1 more than the last."""
FREQUENCY = (1, 2, 4, 9)
"""Purchases: 1 is at most the first, 5 more than the last."""


@dataclass
class Cell:
    """Customers of one recency and frequency, and what they bought for, by currency."""

    customers: int = 0
    sums: dict[str, Decimal] = field(default_factory=dict)


async def load_matrix(session: AsyncSession, now: datetime) -> dict[tuple[int, int], Cell]:
    """Every cell (recency 5 … 1, frequency 1 … 5); the empty ones too."""
    each = (
        select(
            Order.customer_id,
            Order.currency,
            func.sum(Order.total).label("total"),
            func.sum(func.count()).over(partition_by=Order.customer_id).label("times"),
            func.max(func.max(Order.created_at)).over(partition_by=Order.customer_id).label("last_at"),
            func.row_number().over(partition_by=Order.customer_id, order_by=Order.currency).label("place"),
        )
        .where(BOUGHT)
        .group_by(Order.customer_id, Order.currency)
        .subquery()
    )
    days = func.floor(extract("epoch", literal(now) - each.c.last_at) / 86400)
    lately = case(*((days <= step, 5 - place) for place, step in enumerate(RECENCY)), else_=1)
    often = case(*((each.c.times <= step, 1 + place) for place, step in enumerate(FREQUENCY)), else_=5)
    placed = select(lately.label("r"), often.label("f"), *each.c).subquery()
    customers = func.count().filter(placed.c.place == 1)
    query = select(
        placed.c.r, placed.c.f, placed.c.currency, customers.label("n"), func.sum(placed.c.total).label("sum")
    )
    cells = {(r, f): Cell() for r in range(5, 0, -1) for f in range(1, 6)}
    for row in await session.execute(query.group_by(placed.c.r, placed.c.f, placed.c.currency)):
        cell = cells[row.r, row.f]
        cell.customers += row.n
        cell.sums[row.currency] = row.sum
    return cells


def cell_rules(recency: int | None, frequency: int | None) -> All:
    """Who stands in these cells, as rules of a segment."""
    tests = [Condition("orders", Kind.NUMBER, "at_least", Decimal(1))]
    if recency is not None:
        least, most = _bounds(RECENCY, 5 - recency)
        tests += _between("days_since_purchase", least, most)
    if frequency is not None:
        least, most = _bounds(FREQUENCY, frequency - 1)
        tests += _between("orders", least, most)
    return All(tuple(tests))


def _bounds(steps: tuple[int, ...], place: int) -> tuple[int | None, int | None]:
    """The first and the last number of a step, None where it is open."""
    return (steps[place - 1] + 1 if place else None), (steps[place] if place < len(steps) else None)


def _between(name: str, least: int | None, most: int | None) -> list[Condition]:
    ends = (("at_least", least), ("at_most", most))
    return [Condition(name, Kind.NUMBER, op, Decimal(end)) for op, end in ends if end is not None]


def cell_words(recency: int | None, frequency: int | None) -> dict[str, str]:
    """The days since the last purchase and the number of purchases these cells stand for, such as "31-90" or "10+"."""
    asked = {"recency": (RECENCY, 5 - recency if recency else None)}
    asked["frequency"] = (FREQUENCY, frequency - 1 if frequency else None)
    return {
        name: _span(*_bounds(steps, place)) for name, (steps, place) in asked.items() if place is not None
    }


def _span(least: int | None, most: int | None) -> str:
    if most is None:
        return f"{least}+"
    return str(most) if least == most or (least is None and most == 1) else f"{least or 0}-{most}"
