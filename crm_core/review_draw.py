"""The draw of calls to review: once for each rule and week, when the week is over.

Which calls it is follows from rule, week and the calls alone, by a hash and no dice: who draws again draws the same, so
nobody can draw until he likes it. A call without a recording that can be heard, or that was reviewed, is not drawn.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import ColumnElement, String, cast, exists, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, Direction, Result
from crm_core.call_link import CallLink
from crm_core.figure.period import of_days
from crm_core.notice import notify
from crm_core.read.figure_labels import zones
from crm_core.read.phrases import tagged
from crm_core.recording import Recording, RecordingState
from crm_core.review import Review
from crm_core.review_task import Pick, ReviewRule, ReviewTask
from crm_core.user import User

WAITING = "/review-tasks"


def last_week(now: datetime, zone: ZoneInfo) -> date:
    """The Monday of the last week that is over."""
    today = now.astimezone(zone).date()
    return today - timedelta(days=today.weekday() + 7)


async def draw_due(session: AsyncSession, *, now: datetime) -> int:
    """Draw the last week for every rule that has not; how many calls. Side by side nothing is drawn twice."""
    zone = ZoneInfo((await zones(session))[0])
    week = last_week(now, zone)
    due = ReviewRule.active & or_(ReviewRule.drawn_week.is_(None), ReviewRule.drawn_week < week)
    rules = await session.scalars(
        select(ReviewRule).where(due).order_by(ReviewRule.id).with_for_update(skip_locked=True)
    )
    return sum([await draw(session, rule, week, zone, at=now) for rule in rules.all()])


async def draw(session: AsyncSession, rule: ReviewRule, week: date, zone: ZoneInfo, *, at: datetime) -> int:
    """Draw the week that begins on this Monday; the reviewers are told. The caller holds the rule's row."""
    period = of_days(week, week + timedelta(days=6), zone)
    seed = func.md5(func.concat(rule.id, " ", week.isoformat(), " ", cast(Call.id, String)))
    first = seed if rule.pick == Pick.RANDOM else Call.talk_s.desc()
    place = func.row_number().over(partition_by=Call.operator_id, order_by=(first, seed)).label("place")
    fit = (
        select(Call.id, Call.operator_id, seed.label("seed"), place)
        .join(User, User.id == Call.operator_id)
        .where(Call.started_at >= period.since, Call.started_at < period.until, User.active)
        .where(*await _wanted(session, rule))
        .subquery()
    )
    drawn = select(fit.c.id, fit.c.operator_id).where(fit.c.place <= rule.per_operator)
    found = (await session.execute(drawn.order_by(fit.c.seed))).all()
    rows = [
        {
            "rule_id": rule.id,
            "week": week,
            "call_id": row.id,
            "operator_id": row.operator_id,
            "reviewer_id": _reviewer(rule, turn, row.operator_id),
            "scorecard_id": rule.scorecard_id,
            "created_at": at,
        }
        for turn, row in enumerate(found)
    ]
    if rows:
        await session.execute(insert(ReviewTask), rows)
    rule.drawn_week = week
    for reviewer in rule.reviewers:
        if many := sum(1 for row in rows if row["reviewer_id"] == reviewer):
            said = f"{many} calls wait for your review." if many > 1 else "A call waits for your review."
            await notify(session, [reviewer], said, address=WAITING)
    await session.flush()
    return len(rows)


async def _wanted(session: AsyncSession, rule: ReviewRule) -> list[ColumnElement[bool]]:
    heard = exists().where(Recording.call_id == Call.id, Recording.state == RecordingState.READY)
    known = exists().where(Review.call_id == Call.id, Review.calibration_id.is_(None))
    asked = exists().where(ReviewTask.call_id == Call.id, ReviewTask.calibration_id.is_(None))
    wanted = [
        *(Call.ended_at.is_not(None), Call.result == Result.ANSWERED),
        *(Call.direction != Direction.INTERNAL, Call.talk_s >= rule.min_talk_s),
        *(heard, ~known, ~asked),
    ]
    if rule.line_id is not None:
        wanted.append(Call.line_id == rule.line_id)
    if rule.outcome is not None:
        wanted.append(Call.disposition == rule.outcome)
    if rule.team_id is not None:
        wanted.append(User.team_id == rule.team_id)
    if rule.tag_id is not None:
        wanted.append(await tagged(session, rule.tag_id))
    if rule.pick == Pick.LONG_WITHOUT_ORDER:
        order = (CallLink.call_id == Call.id, CallLink.order_id.is_not(None), CallLink.removed_at.is_(None))
        wanted.append(~exists().where(*order))
    return wanted


def _reviewer(rule: ReviewRule, turn: int, operator_id: int) -> int | None:
    """Whose turn it is among those who may: nobody reviews himself. None: whoever may."""
    others = [it for it in rule.reviewers if it != operator_id]
    return others[turn % len(others)] if others else None
