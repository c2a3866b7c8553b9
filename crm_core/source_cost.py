"""What each source of customers cost in a month: entered by hand, compared with what it brought."""

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from sqlalchemy import CheckConstraint, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core.customer import Customer
from crm_core.db import Base, Id, Money
from crm_core.errors import Invalid, NotFound


class SourceCost(Base):
    """`source` as it stands on the cards of customers; `month`: its first day."""

    __tablename__ = "source_costs"
    __table_args__ = (
        UniqueConstraint("source", "month", "currency"),
        CheckConstraint("source <> ''", name="source_not_empty"),
        CheckConstraint("cost >= 0", name="cost_not_negative"),
        CheckConstraint("extract(day FROM month) = 1", name="first_of_month"),
    )

    id: Mapped[Id]
    source: Mapped[str]
    month: Mapped[date]
    currency: Mapped[str]
    cost: Mapped[Money]


async def list_costs(session: AsyncSession, since: date) -> Sequence[SourceCost]:
    """What was entered for this month and later ones, the newest first."""
    order = (SourceCost.month.desc(), SourceCost.source, SourceCost.currency)
    return (await session.scalars(select(SourceCost).where(SourceCost.month >= since).order_by(*order))).all()


async def set_cost(
    session: AsyncSession, *, source: str, month: date, currency: str, cost: Decimal
) -> SourceCost:
    """Say what a source cost in the month of a day, in the place of what was said; 0 cost nothing. Raises `Invalid`."""
    source, currency = source.strip(), currency.strip().upper()
    if not source:
        raise Invalid("Name the source as it stands on the cards of customers.", "source")
    if not re.fullmatch("[A-Z]{3}", currency):
        raise Invalid("A currency is three capital letters, for instance EUR.", "currency")
    if not 0 <= cost < 10**10:
        raise Invalid("What it cost is a sum from 0.", "cost")
    of = {"source": source, "month": month.replace(day=1), "currency": currency}
    row: SourceCost | None = await session.scalar(select(SourceCost).filter_by(**of))
    row = row or SourceCost(**of)
    row.cost = cost
    session.add(row)
    await session.flush()
    return row


async def remove_cost(session: AsyncSession, cost_id: int) -> None:
    """Forget what was said. Raises `NotFound`."""
    row = await session.get(SourceCost, cost_id)
    if row is None:
        raise NotFound("This is not there any more.")
    await session.delete(row)
    await session.flush()


async def sources(session: AsyncSession) -> list[str]:
    """Every source on the cards of customers, by name: one look into the index for each."""
    found: list[str] = []
    while len(found) < 200:
        following = select(Customer.source).where(Customer.source > (found[-1] if found else ""))
        name = await session.scalar(following.order_by(Customer.source).limit(1))
        if name is None:
            break
        found.append(name)
    return found
