"""Who calls a missed caller back, and how soon: an ordered list of strategies for each line.

The first strategy that finds somebody who works here counts. After the list, anyone may call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, CallLeg, Result
from crm_core.calling_hours import LONGEST_MINUTES
from crm_core.db import Base, Texts
from crm_core.deal_rows import Deal
from crm_core.errors import Invalid
from crm_core.line import get_line
from crm_core.order import Order
from crm_core.order_status import OPEN, among
from crm_core.outbox import announce
from crm_core.team import Team
from crm_core.user import Role, User


class Strategy(StrEnum):
    """Whom to look for."""

    ORDER_OWNER = "order_owner"  # of the newest open order: its manager, else who took it
    DEAL_OWNER = "deal_owner"  # responsible for the newest open deal
    LAST_TALKED = "last_talked"  # who talked with this customer or number the last time
    FIRST_MISSED = "first_missed"  # whose phone rang first and was not answered
    TEAM = "team"  # the team of the line
    ANYONE = "anyone"


DEFAULT = (Strategy.ORDER_OWNER, Strategy.DEAL_OWNER, Strategy.LAST_TALKED, Strategy.ANYONE)
DEFAULT_WITHIN = timedelta(minutes=10)


class MissedRule(Base):
    """The rule of one line; a line without one has `DEFAULT`."""

    __tablename__ = "missed_rules"
    __table_args__ = (CheckConstraint(f"within_minutes BETWEEN 1 AND {LONGEST_MINUTES}", name="within_sane"),)

    line_id: Mapped[int] = mapped_column(ForeignKey("lines.id", ondelete="CASCADE"), primary_key=True)
    strategies: Mapped[Texts]
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id", ondelete="SET NULL"), index=True)
    within_minutes: Mapped[int]


@dataclass(frozen=True, kw_only=True)
class MissedPlan:
    """The rule as it counts."""

    strategies: tuple[Strategy, ...] = DEFAULT
    team_id: int | None = None
    within: timedelta = DEFAULT_WITHIN


@dataclass(frozen=True, kw_only=True)
class Whom:
    """Whom a callback is for; nobody and no team: anyone."""

    user_id: int | None = None
    team_id: int | None = None


async def missed_plan(session: AsyncSession, line_id: int | None) -> MissedPlan:
    """What is to happen with calls that were missed on this line."""
    rule = await session.get(MissedRule, line_id) if line_id is not None else None
    if rule is None:
        return MissedPlan()
    return MissedPlan(
        strategies=tuple(Strategy(each) for each in rule.strategies),
        team_id=rule.team_id,
        within=timedelta(minutes=rule.within_minutes),
    )


async def set_missed_rule(
    session: AsyncSession,
    line_id: int,
    *,
    strategies: Sequence[str],
    team_id: int | None,
    within_minutes: int,
) -> None:
    """Say who calls back whom this line missed. Raises `NotFound`, `Invalid`."""
    await get_line(session, line_id, lock=True)
    if strangers := set(strategies) - set(Strategy):
        raise Invalid(f"{min(strangers)[:40]!r} is no strategy.", "strategies")
    if len(set(strategies)) != len(strategies):
        raise Invalid("Each strategy stands in the list once.", "strategies")
    if team_id is not None and await session.get(Team, team_id) is None:
        raise Invalid(f"There is no team {team_id}.", "team_id")
    if Strategy.TEAM in strategies and team_id is None:
        raise Invalid("Say which team calls back.", "team_id")
    if not 1 <= within_minutes <= LONGEST_MINUTES:
        raise Invalid(f"Somebody calls back within 1 to {LONGEST_MINUTES} minutes.", "within_minutes")
    values = {
        "line_id": line_id,
        "strategies": list(strategies),
        "team_id": team_id,
        "within_minutes": within_minutes,
    }
    kept = insert(MissedRule).values(**values)
    await session.execute(kept.on_conflict_do_update(index_elements=["line_id"], set_=values))
    await announce(session, "line", {"id": line_id})


async def choose(
    session: AsyncSession, plan: MissedPlan, *, customer_id: int | None, number: str, call_id: UUID
) -> Whom:
    """Who calls back the caller of `call_id`."""
    for strategy in plan.strategies:
        if strategy is Strategy.TEAM and plan.team_id is not None:
            return Whom(team_id=plan.team_id)
        if strategy is Strategy.ANYONE:
            break
        found = await _find(session, strategy, customer_id, number, call_id)
        if found is not None:
            return Whom(user_id=found)
    return Whom()


async def _find(
    session: AsyncSession, strategy: Strategy, customer_id: int | None, number: str, call_id: UUID
) -> int | None:
    """An active colleague whom this strategy finds."""
    match strategy:
        case Strategy.ORDER_OWNER if customer_id is not None:
            order = select(Order.manager_id, Order.created_by).where(
                Order.customer_id == customer_id, among(Order.status, OPEN)
            )
            row = (await session.execute(order.order_by(Order.created_at.desc()).limit(1))).first()
            return await _working(session, [*row]) if row else None
        case Strategy.DEAL_OWNER if customer_id is not None:
            deal = select(Deal.responsible_id).where(
                Deal.customer_id == customer_id, Deal.closed_at.is_(None)
            )
            return await _working(
                session, [await session.scalar(deal.order_by(Deal.created_at.desc()).limit(1))]
            )
        case Strategy.LAST_TALKED:
            same = [Call.remote_e164 == number]
            if customer_id is not None:
                same.append(Call.customer_id == customer_id)
            talks = [
                select(Call.operator_id, Call.started_at)
                .where(
                    each, Call.result == Result.ANSWERED, Call.operator_id.is_not(None), Call.id != call_id
                )
                .order_by(Call.started_at.desc())
                .limit(1)
                for each in same
            ]
            rows = [each for talk in talks if (each := (await session.execute(talk)).first())]
            last = max(rows, key=lambda row: row.started_at, default=None)
            return await _working(session, [last.operator_id if last else None])
        case Strategy.FIRST_MISSED:
            legs = select(CallLeg.user_id).where(CallLeg.call_id == call_id, CallLeg.user_id.is_not(None))
            return await _working(session, list(await session.scalars(legs.order_by(CallLeg.rang_at))))
    return None


async def _working(session: AsyncSession, user_ids: Sequence[int | None]) -> int | None:
    """The first of these who works here still, and at a telephone."""
    wanted = [each for each in user_ids if each is not None]
    here = select(User.id).where(User.id.in_(wanted), User.active, User.role != Role.COURIER)
    found = set(await session.scalars(here)) if wanted else set()
    return next((each for each in wanted if each in found), None)


async def supervisor_of(session: AsyncSession, *, user_id: int | None, team_id: int | None) -> int | None:
    """To whom a callback goes that nobody got through: a supervisor of the team, else another one, else a manager."""
    if team_id is None and user_id is not None:
        team_id = await session.scalar(select(User.team_id).where(User.id == user_id))
    bosses = (Role.SUPERVISOR, Role.MANAGER)
    found = select(User.id).where(User.active, User.role.in_(bosses))
    return await session.scalar(
        found.order_by(User.role == Role.MANAGER, (User.team_id == team_id).is_not(True), User.id).limit(1)
    )
