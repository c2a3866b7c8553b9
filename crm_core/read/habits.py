"""What calls of late have used, against what our tables know: for the doctor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallLeg, Direction, Origin, Result
from crm_core.recording import Recording, RecordingSide, RecordingState, Transcript
from crm_core.user import Extension, User

READY = RecordingState.READY


@dataclass(frozen=True, kw_only=True)
class Habits:
    """Of one switchboard. Counts are calls."""

    stray_lines: Mapping[str, int] = field(default_factory=dict)
    stray_phones: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class SoundHabits:
    """Of answered calls with the outside: how many there were, were heard, were heard by sides, were written."""

    answered: int = 0
    recorded: int = 0
    two_sided: int = 0
    unreadable: int = 0
    written: int = 0
    failed_texts: int = 0
    last_answered_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class LastCall:
    """A call as the switchboard's own records must know it."""

    linkedids: Sequence[str]
    started_at: datetime


async def load_last_call(
    session: AsyncSession, pbx: str, since: datetime, until: datetime
) -> LastCall | None:
    """The last conversation of this switchboard that we heard ourselves, begun and ended between the two."""
    query = (
        select(Call.linkedids, Call.started_at)
        .where(
            Call.pbx == pbx,
            Call.origin == Origin.LIVE,
            Call.result == Result.ANSWERED,
            Call.started_at >= since,
            Call.ended_at < until,
        )
        .order_by(Call.started_at.desc())
        .limit(1)
    )
    found = (await session.execute(query)).first()
    return LastCall(linkedids=found.linkedids, started_at=found.started_at) if found else None


async def load_habits(session: AsyncSession, pbx: str, since: datetime) -> Habits:
    """Lines and phones of calls since then that our tables do not know, the most used first."""
    count = func.count()
    lines = select(Call.line, count).where(
        Call.pbx == pbx,
        Call.started_at >= since,
        Call.direction == Direction.INBOUND,
        Call.line.is_not(None),
        Call.line_id.is_(None),
    )
    somebodys = (
        select(Extension.id)
        .join(User, User.id == Extension.user_id)
        .where(Extension.pbx == pbx, Extension.extension == CallLeg.extension, User.active)
    )
    phones = (
        select(CallLeg.extension, func.count(func.distinct(CallLeg.call_id)).label("calls"))
        .join(Call, Call.id == CallLeg.call_id)
        .where(Call.pbx == pbx, Call.started_at >= since, CallLeg.extension.is_not(None), ~exists(somebodys))
    )
    found_lines = await session.execute(lines.group_by(Call.line).order_by(count.desc()).limit(50))
    grouped = phones.group_by(CallLeg.extension).order_by(func.count(func.distinct(CallLeg.call_id)).desc())
    found_phones = await session.execute(grouped.limit(50))
    return Habits(
        stray_lines={str(line): calls for line, calls in found_lines},
        stray_phones={str(extension): calls for extension, calls in found_phones},
    )


async def load_sound_habits(
    session: AsyncSession,
    since: datetime,
    until: datetime,
    *,
    pbx: str | None = None,
    but: Sequence[str] = (),
) -> SoundHabits:
    """What became of the sound of conversations that ended between the two instants.

    `pbx`: of one switchboard; else of all `but` those.
    """

    def with_sound(*conditions: ColumnElement[bool]) -> ColumnElement[int]:
        found = exists().where(Recording.call_id == Call.id, *conditions)
        return func.count().filter(found)

    def with_text(*states: str) -> ColumnElement[int]:
        return func.count().filter(
            exists().where(Transcript.call_id == Call.id, Transcript.state.in_(states))
        )

    ready = Recording.state == READY
    sided = Recording.side.in_((RecordingSide.STEREO, RecordingSide.AGENT))
    query = select(
        func.count(),
        with_sound(ready),
        with_sound(ready, sided),
        with_sound(Recording.state == RecordingState.UNREADABLE),
        with_text("ready", "empty"),
        with_text("failed", "no_model"),
        func.max(Call.answered_at),
    ).where(
        Call.result == Result.ANSWERED,
        Call.direction != Direction.INTERNAL,
        Call.ended_at >= since,
        Call.ended_at < until,
        Call.pbx == pbx if pbx is not None else Call.pbx.not_in(but),
    )
    answered, recorded, two_sided, unreadable, written, failed, last = (await session.execute(query)).one()
    return SoundHabits(
        answered=answered,
        recorded=recorded,
        two_sided=two_sided,
        unreadable=unreadable,
        written=written,
        failed_texts=failed,
        last_answered_at=last,
    )
