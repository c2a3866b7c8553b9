"""How far goals are reached, for those who may see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.count import total
from crm_core.figure.figure import BY_CODE, Figure
from crm_core.figure.period import By
from crm_core.figure.rules import Rules
from crm_core.figure.tally import NOTHING, Tally
from crm_core.goal import Goal, SeenBy, list_goals
from crm_core.read.figure_days import tally_days
from crm_core.read.figure_families import CALLS, MONEY, PROMISES, REVIEWS, SALES, VOTES
from crm_core.read.figure_labels import zones
from crm_core.read.figures import Within
from crm_core.report import Every
from crm_core.team import Team
from crm_core.user import User


@dataclass(frozen=True, kw_only=True)
class Progress:
    """A goal with what is reached of it by now. `value` None: nothing to divide by yet."""

    goal: Goal
    whose: str
    figure: Figure
    value: Decimal | None

    @property
    def share(self) -> float:
        """Of the goal, 0..1; more when it is passed."""
        return float((self.value or 0) / self.goal.amount)


def seen(
    goal: Goal,
    *,
    reader: int,
    everybody: frozenset[int] | None,
    team: int | None,
    teams: Mapping[int, int | None],
) -> bool:
    """Whether somebody is shown a goal. `everybody`: whose figures he may see anyway (None: all); `team`: his own;
    `teams`: of each colleague. Pure."""
    mates = {user for user, of in teams.items() if of is not None and of == goal.team_id}
    theirs = {goal.user_id} if goal.user_id is not None else mates
    if everybody is None or (len(everybody) > 1 and theirs <= everybody):
        return True
    match goal.seen_by:
        case SeenBy.OWN:
            return reader in theirs
        case SeenBy.TEAM:
            of = teams.get(goal.user_id) if goal.user_id is not None else goal.team_id
            return reader in theirs or (team is not None and team == of)
    return False


def since(every: str, today: date) -> date:
    """The first day over which a goal runs. Pure."""
    match every:
        case Every.WEEK:
            return today - timedelta(days=today.weekday())
        case Every.MONTH:
            return today.replace(day=1)
    return today


async def load_progress(
    session: AsyncSession, *, reader: int, everybody: frozenset[int] | None, now: datetime
) -> list[Progress]:
    """The goals this person is shown, on the clock of the oldest shop."""
    people = {row.id: row for row in await session.execute(select(User.id, User.name, User.team_id))}
    teams = {id_: row.team_id for id_, row in people.items()}
    names = {row.id: row.name for row in await session.execute(select(Team.id, Team.name))}
    goals = [
        goal
        for goal in await list_goals(session)
        if seen(goal, reader=reader, everybody=everybody, team=teams.get(reader), teams=teams)
    ]
    zone = ZoneInfo((await zones(session))[0])
    today = now.astimezone(zone).date()
    counted: dict[str, Mapping[int, Tally]] = {}
    for every in {goal.every for goal in goals}:
        counted[every] = await _counted(session, since(every, today), today, zone, now)
    return [
        Progress(
            goal=goal,
            whose=people[goal.user_id].name if goal.user_id is not None else names[goal.team_id or 0],
            figure=BY_CODE[goal.figure],
            value=_value(goal, _of(goal, counted[goal.every], teams)),
        )
        for goal in goals
    ]


async def _counted(
    session: AsyncSession, first: date, last: date, zone: ZoneInfo, now: datetime
) -> dict[int, Tally]:
    families = (CALLS, SALES, MONEY, PROMISES, VOTES, REVIEWS)
    found = await tally_days(
        session, first, last, zone, (By.OPERATOR,), Rules(now=now), Within(), families=families
    )
    return {key: tally for (key,), tally in found.items() if isinstance(key, int)}


def _of(goal: Goal, counted: Mapping[int, Tally], teams: Mapping[int, int | None]) -> Tally:
    if goal.user_id is not None:
        return counted.get(goal.user_id, NOTHING)
    members: Sequence[int] = [user for user, team in teams.items() if team == goal.team_id]
    return total(counted.get(user, NOTHING) for user in members)


def _value(goal: Goal, tally: Tally) -> Decimal | None:
    values = BY_CODE[goal.figure].of(tally)
    return next((it.value for it in values if it.currency == goal.currency), None)
