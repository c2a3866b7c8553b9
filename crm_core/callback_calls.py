"""What calls make of callbacks: a missed one makes or joins one, one of ours is an attempt, a talk closes them.

Each call counts once for each callback (`CallbackCall`), in the transaction that writes the call down: it may be
written again after a crash. The moments are those of the calls, not of the writing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import ColumnElement, or_, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.callback import Callback, CallbackCall, Outcome, Role, State, create_callback, own_zone, tell
from crm_core.calling_hours import Calling, load_calling
from crm_core.missed_rule import choose, missed_plan, supervisor_of
from crm_core.notice import notify

NEARLY_DUE = timedelta(minutes=15)
MISSED_REASON = "Missed call"
ROUNDS = 30  # until the hours of the line and those of the customer agree on a moment


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A call with the outside that is over. `number` is E.164; `user_id`: who called or talked."""

    call_id: UUID
    number: str | None
    customer_id: int | None
    at: datetime
    user_id: int | None = None
    result: str | None = None
    callback_id: int | None = None  # what it was made for
    line_id: int | None = None

    @property
    def same(self) -> ColumnElement[bool] | None:
        """The condition that a callback concerns this caller; None for a caller nobody can know."""
        same = []
        if self.number is not None:
            same.append(Callback.number == self.number)
        if self.customer_id is not None:
            same.append(Callback.customer_id == self.customer_id)
        return or_(*same) if same else None


async def missed(
    session: AsyncSession, heard: Heard, *, opens: Callable[[datetime], datetime] = lambda at: at
) -> Callback | None:
    """Nobody answered this caller: one callback, new or that of an earlier missed call; None when counted before.

    `opens`: the next moment at which the line works.
    """
    assert heard.number is not None
    await _alone(session, heard)
    if await _known(session, heard.call_id, Role.MISSED):
        return None
    plan, calling = await missed_plan(session, heard.line_id), await load_calling(session)
    zone = calling.zone(heard.number, await own_zone(session, heard.customer_id))
    due_at = _workable(heard.at + plan.within, calling, zone, opens)
    waiting = await _waiting(session, heard, Callback.created_by.is_(None) | (Callback.due_at <= due_at))
    if waiting:
        it = waiting[0]
        if due_at < it.due_at:
            it.due_at, it.reminded_at = due_at, None
        it.customer_id = it.customer_id or heard.customer_id
        it.version += 1
    else:
        whom = await choose(
            session,
            plan,
            customer_id=heard.customer_id,
            number=heard.number,
            call_id=heard.call_id,
        )
        it = await create_callback(
            session,
            number=heard.number,
            country="",
            customer_id=heard.customer_id,
            due_at=due_at,
            reason=MISSED_REASON,
            source_call_id=heard.call_id,
            assigned_to=whom.user_id,
            team_id=whom.team_id,
        )
    await _count(session, it, heard, Role.MISSED)
    it.missed += 1
    it.last_missed_at = max(it.last_missed_at or heard.at, heard.at)
    await session.flush()
    await tell(session, it)
    return it


async def attempted(session: AsyncSession, heard: Heard) -> Sequence[int]:
    """We called and did not get through: the callbacks this was for are due again by their rule, or escalate.

    Returns their ids. It was for the one it was made from, else for those that are due by now or nearly so and
    those of missed calls.
    """
    if heard.callback_id is None and heard.same is None:
        return []
    await _alone(session, heard)
    if await _known(session, heard.call_id, Role.ATTEMPT):
        return []
    calling = await load_calling(session)
    found = await _concerned(session, heard)
    for it in found:
        await _count(session, it, heard, Role.ATTEMPT)
        it.attempts += 1
        it.version += 1
        await _again(session, it, heard, calling)
        await session.flush()
        await tell(session, it)
    return [it.id for it in found]


async def close_reached(session: AsyncSession, heard: Heard, *, outbound: bool) -> Sequence[int]:
    """We talked to this number or customer: close their callbacks. The ids of those closed.

    What missed calls left behind is closed at once. What a colleague planned is closed only when it is due
    by now or nearly so, or when the call was made for it: a short call today does not keep tomorrow's promise.
    """
    if heard.callback_id is None and heard.same is None:
        return []
    await _alone(session, heard)
    found = await _concerned(session, heard)
    for it in found:
        if outbound:
            await _count(session, it, heard, Role.ATTEMPT)
        it.state, it.done_at, it.closed_by_call_id = State.DONE, heard.at, heard.call_id
        it.outcome = Outcome.REACHED if outbound else Outcome.CALLED_US
        it.version += 1
        await session.flush()
        await tell(session, it)
    return [it.id for it in found]


async def _alone(session: AsyncSession, heard: Heard) -> None:
    """Wait for whoever does the same for this number or customer now, in whatever process."""
    names = [f"number {heard.number}"] if heard.number else []
    if heard.customer_id is not None:
        names.append(f"customer {heard.customer_id}")
    for name in sorted(names):
        await session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 2022))"), {"name": f"callback {name}"}
        )


async def _known(session: AsyncSession, call_id: UUID, role: Role) -> bool:
    counted = select(CallbackCall.call_id).where(CallbackCall.call_id == call_id, CallbackCall.role == role)
    made = select(Callback.source_call_id).where(
        Callback.source_call_id == call_id, Callback.created_by.is_(None)
    )
    return bool(await session.scalar((counted.union(made) if role is Role.MISSED else counted).limit(1)))


async def _waiting(session: AsyncSession, heard: Heard, condition: ColumnElement[bool]) -> Sequence[Callback]:
    """The open callbacks of this caller, locked, those of missed calls first."""
    assert heard.same is not None or heard.callback_id is not None
    which = [each for each in (heard.same,) if each is not None]
    if heard.callback_id is not None:
        which.append(Callback.id == heard.callback_id)
    found = (
        select(Callback)
        .where(Callback.state == State.OPEN, or_(*which), condition)
        .order_by(Callback.created_by.is_not(None), Callback.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return (await session.scalars(found)).all()


async def _concerned(session: AsyncSession, heard: Heard) -> Sequence[Callback]:
    """The open callbacks that this call was for; not one that the same call made, nor of a call missed since."""
    due = Callback.created_by.is_(None) | (Callback.due_at <= heard.at + NEARLY_DUE)
    since = Callback.last_missed_at.is_not(None) & (Callback.last_missed_at > heard.at)
    named = Callback.id == heard.callback_id
    found = await _waiting(session, heard, (due & ~since) | named)
    return [it for it in found if it.source_call_id != heard.call_id]


async def _count(session: AsyncSession, it: Callback, heard: Heard, role: Role) -> None:
    row = insert(CallbackCall).values(
        callback_id=it.id,
        call_id=heard.call_id,
        role=role,
        at=heard.at,
        user_id=heard.user_id,
        result=heard.result,
    )
    again = {"role": role, "result": heard.result, "user_id": heard.user_id}
    await session.execute(row.on_conflict_do_update(index_elements=["callback_id", "call_id"], set_=again))


async def _again(session: AsyncSession, it: Callback, heard: Heard, calling: Calling) -> None:
    """When it is due next, and whose it is then."""
    every = timedelta(minutes=it.repeat_minutes) if it.repeat_minutes else calling.repeat
    zone = calling.zone(it.number, await own_zone(session, it.customer_id))
    it.reminded_at = None
    if it.attempts < (it.most_attempts or calling.most) or it.escalated_at is not None:
        it.due_at = max(it.due_at, calling.next_allowed(heard.at + every, zone))
        return
    boss = await supervisor_of(session, user_id=it.assigned_to, team_id=it.team_id)
    it.escalated_at, it.due_at = heard.at, calling.next_allowed(heard.at, zone)
    if boss is not None:
        it.assigned_to, it.team_id = boss, None
        words = f"{it.attempts} attempts and nobody reached: {it.reason}"
        await notify(session, {boss}, words, address=f"/callbacks/{it.id}", level="warning")


def _workable(at: datetime, calling: Calling, zone: str, opens: Callable[[datetime], datetime]) -> datetime:
    """The first moment from `at` on at which the line works and the customer may be called."""
    for _ in range(ROUNDS):
        moved = opens(calling.next_allowed(at, zone))
        if moved == at:
            break
        at = moved
    return at
