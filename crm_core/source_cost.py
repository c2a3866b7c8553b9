"""What each source of customers cost in a month: entered by hand, compared with what it brought."""

from datetime import date

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Id, Money


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
