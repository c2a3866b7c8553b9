"""The figures of a day as far as its calls were over at an instant: where counting calls as they come begins."""

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Float, case, cast, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.figure.period import By, Key, Period
from crm_core.figure.rules import Rules
from crm_core.figure.tally import NOTHING, Tally
from crm_core.queue_visit import QueueVisit
from crm_core.read.figure_families import CALLS, RINGS, VISITS
from crm_core.read.figures import part_of
from crm_core.recording import Recording, RecordingState

_CALLS = ("inbound", "outbound", "answered_in", "answered_out", "missed", "missed_closed", "timed")
_TIMES = ("waited_us", "talk_us", "hold_us")
_VISITS = (*VISITS.counts, *VISITS.sums)
PARTS = ((CALLS, (*_CALLS, *_TIMES)), (VISITS, _VISITS), (RINGS, ("unanswered",)))
COUNTED = tuple(name for _, names in PARTS for name in names)
"""The fields of a tally that are counted so."""


async def tallies_before(
    session: AsyncSession, period: Period, rules: Rules, *, before: datetime
) -> dict[tuple[By, Key], Tally]:
    """What was over before `before` of the calls that began in `period`: of the whole, by operator, queue and line."""
    found: dict[tuple[By, Key], Tally] = {}
    for by in (By.ALL, By.OPERATOR, By.QUEUE, By.LINE):
        for family, fields in PARTS:
            for key, tally in await part_of(session, family, fields, period, by, rules, before=before):
                found[by, key] = found.get((by, key), NOTHING) + tally
    return found


async def stays_since(session: AsyncSession, since: datetime) -> list[dict[str, Any]]:
    """Who came to queues in calls that began from `since` on; `key` names the channel that waited."""
    visit = QueueVisit
    found = await session.execute(
        select(Call.pbx, visit.uniqueid, visit.began_at, visit.queue, visit.entered_at)
        .add_columns(visit.left_at, visit.outcome, visit.wait_s)
        .join(Call, Call.id == visit.call_id)
        .where(Call.started_at >= since, visit.entered_at.is_not(None))
    )
    rows = [dict(row) for row in found.mappings()]
    return [row | {"key": (row.pop("pbx"), row.pop("uniqueid"), row.pop("began_at"))} for row in rows]


async def missing_recordings(session: AsyncSession, since: datetime) -> int:
    """How many recordings of calls that began from `since` on should be there and are not."""
    lost = (Call.started_at >= since) & (Recording.state == RecordingState.MISSING)
    query = select(func.count()).select_from(Recording).join(Call, Call.id == Recording.call_id).where(lost)
    return await session.scalar(query) or 0


async def usual_arrivals(
    session: AsyncSession,
    queues: Collection[str],
    *,
    now: datetime,
    step_s: int,
    back: timedelta,
    ahead: timedelta,
    weeks: int = 4,
) -> dict[str, tuple[float, list[float]]]:
    """Who came to each queue at this time of the week before: within `back`, and in each step of `ahead`; of a week, on
    average over those weeks in which anybody came."""
    steps = int(ahead.total_seconds() // step_s)
    counts = {name: [0] * (steps + 1) for name in queues}
    known = 0
    for week in range(1, weeks + 1):
        here = now - timedelta(weeks=week)
        later = cast((func.extract("epoch", QueueVisit.began_at - here) / step_s), Float)
        place = case((QueueVisit.began_at < here, 0), else_=func.floor(later) + 1)
        found = await session.execute(
            select(QueueVisit.queue, place.label("place"), func.count().label("came"))
            .where(
                QueueVisit.queue.in_(queues),
                QueueVisit.began_at >= here - back,
                QueueVisit.began_at < here + timedelta(seconds=steps * step_s),
            )
            .group_by(QueueVisit.queue, text("place"))
        )
        rows = found.all()
        known += bool(rows)
        for row in rows:
            counts[row.queue][int(row.place)] += row.came
    average = {name: [it / max(1, known) for it in found] for name, found in counts.items()}
    return {name: (found[0], found[1:]) for name, found in average.items()}
