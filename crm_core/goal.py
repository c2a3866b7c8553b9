"""What somebody or a team shall reach: a figure, how much of it, in which time."""

from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Id, Version, one_of
from crm_core.errors import Invalid, NotFound
from crm_core.figure.figure import BY_CODE, Unit
from crm_core.report import Every
from crm_core.team import Team
from crm_core.user import User


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


FIGURES = ("answered", "outbound", "orders", "conversion", "paid", "revenue", "callbacks", "vote", "review")
MOST_POINTS = {"vote": 5, "review": 100}
"""Of which there are goals: what one reaches oneself, and of which more is better."""
MOST = 500


async def list_goals(session: AsyncSession) -> Sequence[Goal]:
    """Every goal, those of teams first."""
    order = (Goal.team_id.nulls_last(), Goal.user_id, Goal.every, Goal.id)
    return (await session.scalars(select(Goal).order_by(*order))).all()


async def set_goal(
    session: AsyncSession,
    *,
    figure: str,
    user_id: int | None,
    team_id: int | None,
    amount: Decimal,
    currency: str | None,
    every: Every,
    seen_by: SeenBy,
) -> Goal:
    """Say what somebody or a team shall reach, in the place of what was said. Shares are 0..1. Raises `Invalid`."""
    if (user_id is None) == (team_id is None):
        raise Invalid("A goal is one person's or one team's.", "user_id")
    if figure not in FIGURES:
        raise Invalid("There are no goals of this figure.", "figure")
    if (figure == "revenue") != (currency is not None):
        raise Invalid("Revenue needs a currency, and nothing else has one.", "currency")
    if not 0 < amount < 10**9 or (BY_CODE[figure].unit is Unit.SHARE and amount > 1):
        raise Invalid("The goal is more than 0, and a share at most 100 per cent.", "amount")
    if amount > MOST_POINTS.get(figure, amount):
        raise Invalid("A vote is at most 5, and a review at most 100.", "amount")
    if user_id is not None and await session.get(User, user_id) is None:
        raise Invalid("There is no such colleague.", "user_id")
    if team_id is not None and await session.get(Team, team_id) is None:
        raise Invalid("There is no such team.", "team_id")
    of = {"figure": figure, "every": every.value, "user_id": user_id, "team_id": team_id}
    goal: Goal | None = await session.scalar(select(Goal).filter_by(**of))
    if goal is None:
        if (await session.scalar(select(func.count()).select_from(Goal)) or 0) >= MOST:
            raise Invalid(f"{MOST} goals are enough; remove one first.", "figure")
        goal = Goal(**of, version=0)
    goal.amount, goal.currency, goal.seen_by = amount, currency, seen_by
    goal.version += 1
    session.add(goal)
    await session.flush()
    return goal


async def remove_goal(session: AsyncSession, goal_id: int) -> None:
    """Have it no more. Raises `NotFound`."""
    goal = await session.get(Goal, goal_id)
    if goal is None:
        raise NotFound("This goal is not there any more.")
    await session.delete(goal)
    await session.flush()
