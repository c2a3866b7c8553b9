"""What waits to be reviewed, and how far each reviewer is."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call
from crm_core.errors import Conflict, Forbidden, NotFound
from crm_core.review_task import ReviewRule, ReviewTask
from crm_core.user import User

_operator, _reviewer = aliased(User), aliased(User)
_OPEN = ReviewTask.review_id.is_(None) & ReviewTask.skipped_at.is_(None)
LOOKED_BACK = timedelta(weeks=4)


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """One call that waits. `rule`: the name of what drew it; `calibration_id`: several judge it."""

    id: int
    call_id: UUID
    operator_id: int
    operator: str
    reviewer_id: int | None
    reviewer: str | None
    rule: str | None
    calibration_id: int | None
    scorecard_id: int
    week: date | None
    call_at: datetime
    talk_s: float | None
    caller: str | None


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far somebody is with what was given to him lately; None: with what was given to nobody in particular."""

    reviewer_id: int | None
    name: str | None
    asked: int
    done: int
    skipped: int


def _mine(reader: int) -> ColumnElement[bool]:
    """What this reader can do himself."""
    return or_(ReviewTask.reviewer_id == reader, ReviewTask.reviewer_id.is_(None)) & (
        ReviewTask.operator_id != reader
    )


def _rows(whose: Collection[int] | None) -> Select[Any]:
    names = ("id", "call_id", "operator_id", "reviewer_id", "calibration_id", "scorecard_id", "week")
    query = (
        select(
            *(getattr(ReviewTask, name) for name in names),
            _operator.name.label("operator"),
            _reviewer.name.label("reviewer"),
            ReviewRule.name.label("rule"),
            Call.started_at.label("call_at"),
            Call.talk_s,
            func.coalesce(Call.remote_name, Call.remote_e164, Call.remote_raw).label("caller"),
        )
        .join(_operator, _operator.id == ReviewTask.operator_id)
        .join(Call, Call.id == ReviewTask.call_id)
        .outerjoin(_reviewer, _reviewer.id == ReviewTask.reviewer_id)
        .outerjoin(ReviewRule, ReviewRule.id == ReviewTask.rule_id)
    )
    return query if whose is None else query.where(ReviewTask.operator_id.in_(whose))


async def list_tasks(
    session: AsyncSession, *, whose: Collection[int] | None, reader: int, mine: bool = True, limit: int = 200
) -> list[TaskRow]:
    """What waits within reach, the oldest first; `mine`: that the reader can do himself."""
    query = _rows(whose).where(_OPEN).order_by(ReviewTask.id).limit(limit)
    if mine:
        query = query.where(_mine(reader))
    return [TaskRow(**dict(row._mapping)) for row in await session.execute(query)]


async def count_tasks(session: AsyncSession, *, whose: Collection[int] | None, reader: int) -> int:
    """How much waits for this reader."""
    query = select(func.count()).select_from(ReviewTask).where(_OPEN, _mine(reader))
    if whose is not None:
        query = query.where(ReviewTask.operator_id.in_(whose))
    return await session.scalar(query) or 0


async def open_task(
    session: AsyncSession, task_id: int, *, whose: Collection[int] | None, reader: int
) -> TaskRow:
    """One that waits for this reader. Raises `NotFound`, `Conflict` when it is done, `Forbidden` for a colleague's."""
    row = (await session.execute(_rows(whose).where(ReviewTask.id == task_id))).one_or_none()
    if row is None:
        raise NotFound(f"There is no such call to review {task_id}.")
    if await session.scalar(select(ReviewTask.id).where(ReviewTask.id == task_id, _OPEN)) is None:
        raise Conflict("This was done or left out meanwhile.")
    if reader == row.operator_id or row.reviewer_id not in (None, reader):
        raise Forbidden("This call waits for a colleague's review.")
    return TaskRow(**dict(row._mapping))


async def skip_task(session: AsyncSession, task_id: int, *, reason: str, user_id: int, at: datetime) -> None:
    """Leave a call out, and say why; the caller looked for it by `open_task`. Raises `Conflict` when it is done."""
    task = await session.get_one(ReviewTask, task_id, with_for_update=True)
    if task.review_id is not None or task.skipped_at is not None:
        raise Conflict("This was done or left out meanwhile.")
    task.skipped_at, task.skipped_by, task.skip_reason = at, user_id, reason.strip()
    await session.flush()


async def load_progress(
    session: AsyncSession, *, whose: Collection[int] | None, now: datetime
) -> list[Progress]:
    """How far everybody is with what was asked in the last weeks, by name."""
    query = (
        select(
            ReviewTask.reviewer_id,
            _reviewer.name,
            func.count().label("asked"),
            func.count(ReviewTask.review_id).label("done"),
            func.count(ReviewTask.skipped_at).label("skipped"),
        )
        .outerjoin(_reviewer, _reviewer.id == ReviewTask.reviewer_id)
        .where(or_(ReviewTask.created_at >= now - LOOKED_BACK, _OPEN))
        .group_by(ReviewTask.reviewer_id, _reviewer.name)
        .order_by(_reviewer.name.nulls_last())
    )
    if whose is not None:
        query = query.where(ReviewTask.operator_id.in_(whose))
    return [Progress(**dict(row._mapping)) for row in await session.execute(query)]
