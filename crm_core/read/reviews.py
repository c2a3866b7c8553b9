"""Reviews as people read them: lists, one with its questions, and averages by operator."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    Select,
    Text,
    case,
    cast,
    func,
    literal_column,
    null,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call
from crm_core.errors import NotFound
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.review import Review, ReviewAppeal
from crm_core.score import Mark, Question, marks_of
from crm_core.scorecard import ScorecardEdition
from crm_core.team import Team
from crm_core.user import User

MOST_AVERAGES = 200
_operator, _reviewer, _decider = aliased(User), aliased(User), aliased(User)


@dataclass(frozen=True, kw_only=True)
class ReviewRow:
    """A review in a list. `caller`: who was on the line; `card`: the name of the card as it was then."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    reviewer_id: int
    reviewer: str
    card: str
    score: Decimal
    zeroed: bool
    reviewed_at: datetime
    call_at: datetime
    caller: str | None
    appealed_at: datetime | None
    outcome: str | None


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One question and what was given for it; `was`: what it was before an appeal changed it."""

    question: Question
    mark: Mark
    was: Mark | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewPage(ReviewRow):
    """Everything of one review; `before`: the score before an appeal changed it."""

    edition_id: int
    calibration_id: int | None
    comment: str
    version: int
    appeal: str | None
    answer: str | None
    decided_at: datetime | None
    decided_by: str | None
    before: Decimal | None
    judged: list[Judged]


class By(StrEnum):
    """What averages are told apart by."""

    OPERATOR = "operator"
    TEAM = "team"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True)
class Average:
    """What the reviews of one operator, team, week or month come to: how many, the mean of 100, the lowest, how many
    were zeroed. `since`: the first day of the week or month."""

    operator_id: int | None
    team_id: int | None
    since: date | None
    name: str | None
    reviews: int
    mean: Decimal
    lowest: Decimal
    zeroed: int


def _rows(*more: Any) -> Select[Any]:
    """Reviews that count, with all that is said of them in a list."""
    own = (*("id", "call_id", "operator_id", "reviewer_id", "score", "zeroed", "reviewed_at"),)
    return (
        select(
            *(getattr(Review, name) for name in own),
            _operator.name.label("operator"),
            _reviewer.name.label("reviewer"),
            ScorecardEdition.name.label("card"),
            Call.started_at.label("call_at"),
            func.coalesce(Call.remote_name, Call.remote_e164, Call.remote_raw).label("caller"),
            ReviewAppeal.appealed_at,
            ReviewAppeal.outcome,
            *more,
        )
        .select_from(Review)
        .join(_operator, _operator.id == Review.operator_id)
        .join(_reviewer, _reviewer.id == Review.reviewer_id)
        .join(ScorecardEdition, ScorecardEdition.id == Review.edition_id)
        .join(Call, Call.id == Review.call_id)
        .outerjoin(ReviewAppeal, ReviewAppeal.review_id == Review.id)
    )


def _those(
    whose: Collection[int] | None,
    *,
    operator_id: int | None = None,
    team_id: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
) -> ColumnElement[bool]:
    """Reviews that count, of these operators; in the time from `since`, before `until`."""
    wanted: ColumnElement[bool] = Review.calibration_id.is_(None)
    if whose is not None:
        wanted &= Review.operator_id.in_(whose)
    if operator_id is not None:
        wanted &= Review.operator_id == operator_id
    if team_id is not None:
        wanted &= Review.operator_id.in_(select(User.id).where(User.team_id == team_id))
    if since is not None:
        wanted &= Review.reviewed_at >= since
    if until is not None:
        wanted &= Review.reviewed_at < until
    return wanted


async def list_reviews(
    session: AsyncSession,
    *,
    whose: Collection[int] | None,
    appealed: bool = False,
    call_id: UUID | None = None,
    after: str | None = None,
    limit: int = 50,
    **filters: Any,
) -> Page[ReviewRow]:
    """Reviews of these operators (None: everybody's), the newest first; `appealed`: that wait for a decision."""
    query = _rows().where(_those(whose, **filters))
    if appealed:
        query = query.where(ReviewAppeal.review_id.is_not(None), ReviewAppeal.decided_at.is_(None))
    if call_id is not None:
        query = query.where(Review.call_id == call_id)
    sorts = (
        Sort(Review.reviewed_at, "reviewed_at", page.instant, down=True),
        Sort(Review.id, "id", page.number, down=True),
    )
    return await page.load(session, query, sorts, ReviewRow, after=after, limit=limit)


async def load_review(
    session: AsyncSession, review_id: int, *, whose: Collection[int] | None, reader: int
) -> ReviewPage:
    """One review. Raises `NotFound`, also for one of somebody who is not within reach; of a calibration one's own."""
    more = (
        *(Review.edition_id, Review.calibration_id, Review.comment, Review.version, Review.marks),
        *(ReviewAppeal.text.label("appeal"), ReviewAppeal.answer, ReviewAppeal.decided_at),
        *(ReviewAppeal.before, _decider.name.label("decided_by"), ScorecardEdition.questions),
    )
    query = _rows(*more).outerjoin(_decider, _decider.id == ReviewAppeal.decided_by)
    reached = Review.calibration_id.is_(None) & (true() if whose is None else Review.operator_id.in_(whose))
    reached |= Review.reviewer_id == reader
    row = (await session.execute(query.where(Review.id == review_id, reached))).one_or_none()
    if row is None:
        raise NotFound(f"There is no review {review_id}.")
    found = dict(row._mapping)
    edition = ScorecardEdition(questions=found.pop("questions"))
    given = {it.key: it for it in marks_of(found.pop("marks"))}
    before = found.pop("before")
    was = {it.key: it for it in marks_of(before["marks"])} if before else {}
    return ReviewPage(
        **found,
        before=Decimal(before["score"]) if before else None,
        judged=[
            Judged(question=it, mark=given[it.key], was=_other(was.get(it.key), given[it.key]))
            for it in edition.asked
        ],
    )


def _other(was: Mark | None, now: Mark) -> Mark | None:
    """What was given before, where it is something else."""
    return None if was == now else was


async def load_averages(
    session: AsyncSession,
    *,
    whose: Collection[int] | None,
    by: By = By.OPERATOR,
    zone: str = "UTC",
    **filters: Any,
) -> list[Average]:
    """What reviews come to, by name, or the newest first; weeks and months begin by the clock of `zone`."""
    nothing = {name: cast(null(), kind) for name, kind in _KEYS.items()}
    keys = nothing | _keys(by, zone)
    groups = [keys[name] for name in _keys(by, zone)]
    query = (
        select(
            *(column.label(name) for name, column in keys.items()),
            func.count().label("reviews"),
            func.round(func.avg(Review.score), 1).label("mean"),
            func.min(Review.score).label("lowest"),
            func.sum(case((Review.zeroed, 1), else_=0)).label("zeroed"),
        )
        .select_from(Review)
        .join(User, User.id == Review.operator_id)
        .outerjoin(Team, Team.id == User.team_id)
        .where(_those(whose, **filters))
        .group_by(*groups)
    )
    first = groups[0].desc() if by in (By.WEEK, By.MONTH) else keys["name"].asc().nulls_last()
    rows = await session.execute(query.order_by(first, groups[0]).limit(MOST_AVERAGES))
    return [Average(**dict(row._mapping)) for row in rows]


_KEYS: dict[str, Any] = {"operator_id": BigInteger, "team_id": BigInteger, "since": Date, "name": Text}


def _keys(by: By, zone: str) -> dict[str, Any]:
    """What stands for one group, and is grouped by."""
    match by:
        case By.OPERATOR:
            return {"operator_id": Review.operator_id, "name": User.name}
        case By.TEAM:
            return {"team_id": User.team_id, "name": Team.name}
    step: ColumnElement[str] = literal_column(f"'{by.value}'")
    at = func.timezone(literal_column(_quoted(zone)), Review.reviewed_at)
    return {"since": cast(func.date_trunc(step, at), Date)}


def _quoted(zone: str) -> str:
    """The name of a zone as SQL: the same expression must stand in SELECT and GROUP BY, so it can be no parameter."""
    return f"'{ZoneInfo(zone).key}'"
