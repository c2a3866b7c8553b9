"""Several judge one call by the same text, each without seeing the others: then their differences are looked at."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.errors import Forbidden, Invalid, NotFound
from crm_core.notice import notify
from crm_core.review import Review, edition_in_use, talked_in
from crm_core.review_task import ReviewCalibration, ReviewTask
from crm_core.score import Mark, Question, marks_of
from crm_core.scorecard import ScorecardEdition
from crm_core.user import User

MOST_REVIEWERS = 20


@dataclass(frozen=True, kw_only=True)
class Given:
    """What one of them gave; without `score` he has not yet."""

    reviewer_id: int
    reviewer: str
    score: Decimal | None
    comment: str
    marks: dict[int, Mark]


@dataclass(frozen=True, kw_only=True)
class Line:
    """One question: what each gave (None: did not apply, or not yet), and how far the highest is from the lowest."""

    question: Question
    marks: list[Mark | None]
    spread: int | None


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One comparison; `lines` stand in the order of `given`."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    card: str
    made_at: datetime
    given: list[Given]
    lines: list[Line]


@dataclass(frozen=True, kw_only=True)
class CalibrationRow:
    """A comparison in a list; how many have given theirs of how many, and how far their scores are apart."""

    id: int
    call_id: UUID
    operator: str
    caller: str | None
    made_at: datetime
    asked: int
    done: int
    spread: Decimal | None


async def ask_several(
    session: AsyncSession,
    call_id: UUID,
    *,
    operator_id: int,
    edition_id: int,
    reviewers: Collection[int],
    may: Collection[int],
    user_id: int,
    at: datetime,
) -> ReviewCalibration:
    """Have these people judge the call; they are told. `may`: who could.

    Raises `Invalid` for fewer than two, for somebody who may not, and for whoever did not talk in the call.
    """
    people = sorted(set(reviewers))
    if not 2 <= len(people) <= MOST_REVIEWERS:
        raise Invalid(f"Choose 2 to {MOST_REVIEWERS} who judge it.", "reviewers")
    if not set(people) <= set(may):
        raise Invalid("One of these colleagues may not review this operator.", "reviewers")
    if operator_id not in await talked_in(session, call_id):
        raise Invalid("This colleague did not talk in this call.", "operator_id")
    edition = await edition_in_use(session, edition_id)
    made = ReviewCalibration(call_id=call_id, operator_id=operator_id, edition_id=edition_id, made_by=user_id)
    session.add(made)
    await session.flush()
    task = {"calibration_id": made.id, "call_id": call_id, "operator_id": operator_id}
    task |= {"scorecard_id": edition.scorecard_id, "created_at": at}
    await session.execute(insert(ReviewTask), [task | {"reviewer_id": it} for it in people])
    said = "A call is judged by several, you among them: to compare how you judge."
    await notify(session, set(people) - {user_id}, said, address="/review-tasks")
    return made


async def list_calibrations(
    session: AsyncSession, *, whose: Collection[int] | None, limit: int = 20
) -> list[CalibrationRow]:
    """The latest comparisons about these operators (None: everybody)."""
    it, task = ReviewCalibration, ReviewTask
    query = (
        select(
            *(it.id, it.call_id, it.created_at.label("made_at"), User.name.label("operator")),
            func.coalesce(Call.remote_name, Call.remote_e164, Call.remote_raw).label("caller"),
            func.count(task.id).label("asked"),
            func.count(task.review_id).label("done"),
            (func.max(Review.score) - func.min(Review.score)).label("spread"),
        )
        .join(task, task.calibration_id == it.id)
        .join(User, User.id == it.operator_id)
        .join(Call, Call.id == it.call_id)
        .outerjoin(Review, Review.id == task.review_id)
        .group_by(it.id, User.name, Call.id)
        .order_by(it.id.desc())
        .limit(limit)
    )
    if whose is not None:
        query = query.where(it.operator_id.in_(whose))
    return [CalibrationRow(**dict(row._mapping)) for row in await session.execute(query)]


async def load_calibration(
    session: AsyncSession, calibration_id: int, *, whose: Collection[int] | None, reader: int
) -> Calibration:
    """One comparison. Raises `NotFound`, and `Forbidden` for whoever was asked and has not given his own yet."""
    it = await session.get(ReviewCalibration, calibration_id)
    if it is None or (whose is not None and it.operator_id not in whose):
        raise NotFound(f"There is no such comparison {calibration_id}.")
    columns = (ReviewTask.reviewer_id, User.name, ReviewTask.review_id, ReviewTask.skipped_at)
    query = (
        select(*columns, Review.score, Review.comment, Review.marks)
        .join(User, User.id == ReviewTask.reviewer_id)
        .outerjoin(Review, Review.id == ReviewTask.review_id)
        .where(ReviewTask.calibration_id == calibration_id)
        .order_by(User.name, User.id)
    )
    rows = (await session.execute(query)).all()
    if any(row.reviewer_id == reader and not (row.review_id or row.skipped_at) for row in rows):
        raise Forbidden("Give your own marks first; then you see those of the others.")
    given = [
        Given(
            reviewer_id=row.reviewer_id,
            reviewer=row.name,
            score=row.score,
            comment=row.comment or "",
            marks={mark.key: mark for mark in marks_of(row.marks or ())},
        )
        for row in rows
    ]
    edition = await session.get_one(ScorecardEdition, it.edition_id)
    operator = await session.get_one(User, it.operator_id)
    return Calibration(
        id=it.id,
        call_id=it.call_id,
        operator_id=it.operator_id,
        operator=operator.name,
        card=edition.name,
        made_at=it.created_at,
        given=given,
        lines=[_line(question, given) for question in edition.asked],
    )


def _line(question: Question, given: Collection[Given]) -> Line:
    marks = [it.marks.get(question.key) for it in given]
    points = [mark.points for mark in marks if mark is not None and mark.points is not None]
    spread = max(points) - min(points) if len(points) > 1 else None
    return Line(question=question, marks=marks, spread=spread)
