"""What somebody or a team shall reach: a figure, how much of it, in which time."""

from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Version, one_of
from crm_core.report import Every


class SeenBy(StrEnum):
    """Who is shown a goal and how far it is reached, besides those who may see everybody's figures."""

    LEADS = "leads"  # nobody else
    OWN = "own"  # whose goal it is
    TEAM = "team"  # all of the team


class Goal(Base):
    """Of one person or one team. `currency`: of sums of money."""

    __tablename__ = "goals"
    __table_args__ = (
        UniqueConstraint("figure", "every", "user_id", "team_id", postgresql_nulls_not_distinct=True),
        one_of("every", Every),
        one_of("seen_by", SeenBy),
        CheckConstraint("num_nonnulls(user_id, team_id) = 1", name="one_whose"),
        CheckConstraint("amount > 0", name="amount_positive"),
    )

    id: Mapped[Id]
    figure: Mapped[str]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="CASCADE"), index=True)
    amount: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    currency: Mapped[str | None]
    every: Mapped[str]
    seen_by: Mapped[str]
    version: Mapped[Version]
