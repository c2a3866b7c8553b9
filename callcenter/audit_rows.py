"""Our calls, as an audit looks at them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import exists, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.records import Before
from crm_core.call import Call, CallLeg
from crm_core.queue_visit import visits_of
from crm_core.vote import CallVote


@dataclass(frozen=True, kw_only=True)
class Known:
    """One call of ours with every name it has at its switchboard."""

    id: UUID
    linkedids: Sequence[str]
    uniqueids: Sequence[str]  # of its phones
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    complete: bool
    origin: str
    direction: str
    number: str | None
    click_to_call: bool
    talk_s: float | None
    voted: bool

    @property
    def names(self) -> frozenset[str]:
        return frozenset((*self.linkedids, *self.uniqueids))


async def known_calls(session: AsyncSession, pbx: str, since: datetime, until: datetime) -> list[Known]:
    """The calls of a switchboard that began in a period, and those still open, the oldest first."""
    legs = (
        select(func.coalesce(func.array_agg(CallLeg.uniqueid), text("'{}'")))
        .where(CallLeg.call_id == Call.id)
        .scalar_subquery()
    )
    found = await session.execute(
        select(
            *(Call.id, Call.linkedids, legs.label("uniqueids"), Call.started_at, Call.answered_at),
            *(Call.ended_at, Call.complete, Call.origin, Call.direction, Call.click_to_call, Call.talk_s),
            Call.remote_raw.label("number"),
            exists().where(CallVote.call_id == Call.id).correlate(Call).label("voted"),
        )
        .where(Call.pbx == pbx)
        .where(or_(Call.ended_at.is_(None), Call.started_at.between(since, until)))
        .order_by(Call.started_at)
    )
    return [Known(**row) for row in found.mappings()]


async def same_call(session: AsyncSession, pbx: str, names: Iterable[str]) -> UUID | None:
    """The call that has one of these names, None when there is none.

    Until the end of the transaction no other audit adds a call of this switchboard.
    """
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:pbx, 7130003))"), {"pbx": pbx})
    found: UUID | None = await session.scalar(
        select(Call.id).where(Call.pbx == pbx, Call.linkedids.overlap(list(names))).limit(1)
    )
    return found


async def row_of(session: AsyncSession, call_id: UUID) -> Call | None:
    """The row, locked."""
    return await session.get(Call, call_id, with_for_update=True, populate_existing=True)


async def open_again(session: AsyncSession, row: Call) -> None:
    """Let a call be written that was thought to be known: who told of its answer before did not hear it."""
    row.complete, row.answered_at = False, None
    await session.flush()


async def heard_before(session: AsyncSession, row: Call) -> Before:
    """What was heard live of a call: of its phones those that rang once."""
    rang = await session.execute(
        select(CallLeg.uniqueid, func.min(CallLeg.rang_at))
        .where(CallLeg.call_id == row.id, CallLeg.rang_at.is_not(None))
        .group_by(CallLeg.uniqueid)
        .having(func.count() == 1)
    )
    return Before(
        row=row,
        rang={uniqueid: at for uniqueid, at in rang if at is not None},
        visits=await visits_of(session, row.id),
    )
