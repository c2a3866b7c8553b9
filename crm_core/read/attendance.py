"""Working time of people, day by day, and who is at work at this moment."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Date, Text, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.agent_state import AgentInterval
from crm_core.figure.attendance import Pause, Seen, Span, WorkDay, work_day
from crm_core.figure.period import Period
from crm_core.pause_reason import PauseReason
from crm_core.presence_rule import LONGEST_SHIFT, Facts, at_work
from crm_core.user import Extension, User
from crm_core.work_time import LIFE, WorkSpan, signed_in

LISTENING = "LISTENING"  # a supervisor on a colleague's call (callcenter.agent.model)
PHONE = ("talking", "held")
AWAY = timedelta(days=14)  # so long a telephone may be off before it is at work


@dataclass(frozen=True, kw_only=True)
class Attendance:
    """One person's days within the period, in order; `spans` are what he said, for corrections."""

    user_id: int
    name: str
    team_id: int | None
    days: Sequence[WorkDay]
    spans: Sequence[WorkSpan]

    @property
    def worked_s(self) -> int:
        return sum(day.worked_s for day in self.days)

    def on(self, day: date) -> WorkDay | None:
        """What came of this day."""
        return next((it for it in self.days if it.day == day), None)


async def load_attendance(
    session: AsyncSession,
    period: Period,
    *,
    users: Collection[int] | None = None,
    team_id: int | None = None,
    now: datetime,
) -> list[Attendance]:
    """Everybody (of these people, of this team) with anything in the period, by name; one asked for alone always."""
    people = select(User.id, User.name, User.team_id).order_by(User.name, User.id)
    if users is not None:
        people = people.where(User.id.in_(users))
    if team_id is not None:
        people = people.where(User.team_id == team_id)
    rows = (await session.execute(people)).all()
    ids = [row.id for row in rows]
    spans = await _spans(session, ids, period)
    pauses, offline = await _times_out(session, ids, period, now)
    life = await _life(session, ids, period, now)
    alone = users is not None and len(ids) == 1
    found = []
    for row in rows:
        said = spans.get(row.id, [])
        days = []
        for day, bounds in _days(period):
            first, last, phone_s = life.get((row.id, day), (None, None, 0))
            seen = Seen(
                works=[(it.began_at, _end(it, now)) for it in said],
                life=(first, last) if first and last else None,
                pauses=pauses.get(row.id, []),
                offline=offline.get(row.id, []),
                phone_s=phone_s,
            )
            if (told := work_day(day, bounds, seen, now)) is not None:
                days.append(told)
        if days or alone:
            found.append(
                Attendance(user_id=row.id, name=row.name, team_id=row.team_id, days=days, spans=said)
            )
    return found


async def present_now(session: AsyncSession, *, now: datetime | None = None) -> set[int]:
    """Who is at work at this moment, by the rules of `crm_core.presence_rule`."""
    now = now or (await session.execute(select(func.now()))).scalar_one()
    said = await signed_in(session, now=now)
    phones = set(await session.scalars(select(Extension.user_id).distinct()))
    states = await session.execute(
        select(AgentInterval.user_id, AgentInterval.state, AgentInterval.reason).where(
            AgentInterval.to_at.is_(None)
        )
    )
    now_in = {row.user_id: (row.state, row.reason) for row in states}
    work = await _productive(session)
    everybody = set(now_in) | phones | (said or frozenset())
    return {user_id for user_id in everybody if at_work(_facts(user_id, said, phones, now_in, work))}


def _facts(
    user_id: int,
    said: frozenset[int] | None,
    phones: set[int],
    now_in: Mapping[int, tuple[str, str | None]],
    work: frozenset[str],
) -> Facts:
    state, reason = now_in.get(user_id, ("offline", None))
    return Facts(
        signed_in=None if said is None else user_id in said,
        has_phone=user_id in phones,
        reachable=state != "offline",
        rests=state == "paused" and reason not in work,
    )


async def _productive(session: AsyncSession) -> frozenset[str]:
    """Codes of reasons for a pause that count as work."""
    codes = await session.scalars(select(PauseReason.code).where(PauseReason.productive))
    return frozenset((*codes, LISTENING))


def _end(span: WorkSpan, now: datetime) -> datetime | None:
    """Its end, None while it goes on; of one whose end was forgotten that of the longest shift."""
    forgotten = span.ended_at is None and now - span.began_at >= LONGEST_SHIFT
    return span.began_at + LONGEST_SHIFT if forgotten else span.ended_at


def _days(period: Period) -> Iterable[tuple[date, Span]]:
    first = period.since.astimezone(period.zone).date()
    last = (period.until - timedelta(microseconds=1)).astimezone(period.zone).date()
    for n in range((last - first).days + 1):
        day = first + timedelta(days=n)
        since, until = (datetime.combine(it, time(), period.zone) for it in (day, day + timedelta(days=1)))
        yield day, (since.astimezone(UTC), until.astimezone(UTC))  # in one zone Python forgets changed clocks


async def _spans(session: AsyncSession, ids: Sequence[int], period: Period) -> dict[int, list[WorkSpan]]:
    query = select(WorkSpan).where(
        WorkSpan.user_id.in_(ids),
        WorkSpan.began_at < period.until,
        or_(WorkSpan.ended_at.is_(None), WorkSpan.ended_at > period.since),
    )
    found: dict[int, list[WorkSpan]] = defaultdict(list)
    for span in await session.scalars(query.order_by(WorkSpan.began_at)):
        found[span.user_id].append(span)
    return found


async def _times_out(
    session: AsyncSession, ids: Sequence[int], period: Period, now: datetime
) -> tuple[dict[int, list[Pause]], dict[int, list[Span]]]:
    """Pauses, and when nobody could reach him."""
    it, work = AgentInterval, await _productive(session)
    query = select(it.user_id, it.state, it.reason, it.from_at, it.to_at).where(
        it.user_id.in_(ids), it.state.in_(("paused", "offline")), *_inside(period, AWAY)
    )
    pauses: dict[int, list[Pause]] = defaultdict(list)
    offline: dict[int, list[Span]] = defaultdict(list)
    for row in await session.execute(query.order_by(it.from_at)):
        until = row.to_at or now
        if row.state == "paused":
            pauses[row.user_id].append(Pause(row.from_at, until, row.reason, row.reason not in work))
        else:
            offline[row.user_id].append((row.from_at, until))
    return pauses, offline


async def _life(
    session: AsyncSession, ids: Sequence[int], period: Period, now: datetime
) -> dict[tuple[int, date], tuple[datetime, datetime, int]]:
    """By person and day: the first and the last sign of life, and the seconds at the telephone."""
    it = AgentInterval
    zone = str(period.zone)
    day = cast(func.timezone(cast(zone, Text), it.from_at), Date)
    until = func.coalesce(it.to_at, now)
    talked = func.sum(func.extract("epoch", until - it.from_at)).filter(it.state.in_(PHONE))
    query = (
        select(it.user_id, day.label("day"), func.min(it.from_at), func.max(until), talked)
        .where(it.user_id.in_(ids), it.state.in_(LIFE), *_inside(period))
        .group_by(it.user_id, day)
    )
    return {
        (user_id, on): (first, last, round(talk or 0))
        for user_id, on, first, last, talk in await session.execute(query)
    }


def _inside(period: Period, longest: timedelta = LONGEST_SHIFT) -> tuple[ColumnElement[bool], ...]:
    """Of an interval: some of it lies in the period. Those that last longer than `longest` are not looked for."""
    it = AgentInterval
    return (
        it.from_at < period.until,
        it.from_at > period.since - longest,
        or_(it.to_at.is_(None), it.to_at > period.since),
    )
