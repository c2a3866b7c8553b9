"""When people are at work, as they or their supervisor said it, and what was corrected by whom and why."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.agent_state import AgentInterval
from crm_core.db import Base, Id, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.presence_rule import LATELY, LONGEST_SHIFT
from crm_core.user import User

LIFE = ("talking", "held", "dialling", "wrap_up", "paused")
"""States that show that somebody is there; a telephone that is on, or rings, does not."""
FORGOTTEN = "The end was not said; it was set to the last sign of life at the telephone."
LONGEST = timedelta(hours=24)


class WorkSpan(Base):
    """From `began_at` until `ended_at` (NULL: still) he said that he is at work."""

    __tablename__ = "work_spans"
    __table_args__ = (
        CheckConstraint("ended_at > began_at", name="forward"),
        Index("ix_work_spans_user", "user_id", "began_at"),
        Index("ix_work_spans_open", "user_id", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    began_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    version: Mapped[Version]


class WorkCorrection(Base):
    """One span as it was and as it is since. `before` NULL: it was added; `after` NULL: it was taken out."""

    __tablename__ = "work_corrections"
    __table_args__ = (
        CheckConstraint("reason <> ''", name="reason_given"),
        Index("ix_work_corrections_user", "user_id", "at"),
    )

    id: Mapped[Id]
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    before: Mapped[dict[str, Any] | None]
    after: Mapped[dict[str, Any] | None]
    reason: Mapped[str]
    corrected_by: Mapped[int] = mapped_column(ForeignKey("users.id"))
    at: Mapped[datetime]


async def open_span(session: AsyncSession, user_id: int, *, lock: bool = False) -> WorkSpan | None:
    """Since when he is at work; None: he has not said so."""
    query = select(WorkSpan).where(WorkSpan.user_id == user_id, WorkSpan.ended_at.is_(None))
    return await session.scalar(query.with_for_update() if lock else query)


async def begin_work(session: AsyncSession, user_id: int, *, at: datetime) -> WorkSpan:
    """He is at work from now on. What he forgot to end days ago is ended. Raises `Conflict` when he is already."""
    await _one_at_a_time(session, user_id)
    before = await open_span(session, user_id)
    if before is not None:
        if at - before.began_at < LONGEST_SHIFT:
            raise Conflict("You are at work already.")
        await _forgotten(session, before, at)
    span = WorkSpan(user_id=user_id, began_at=at)
    session.add(span)
    await session.flush()
    return span


async def end_work(session: AsyncSession, user_id: int, *, at: datetime) -> WorkSpan:
    """He has ended. Raises `Conflict` when he had not begun."""
    await _one_at_a_time(session, user_id)
    span = await open_span(session, user_id)
    if span is None:
        raise Conflict("You have not begun to work today.")
    if at - span.began_at >= LONGEST_SHIFT:
        await _forgotten(session, span, at)
    else:
        span.ended_at, span.version = max(at, span.began_at + timedelta(seconds=1)), span.version + 1
    await session.flush()
    return span


async def correct_work(
    session: AsyncSession,
    user_id: int,
    span_id: int | None,
    *,
    began_at: datetime | None,
    ended_at: datetime | None,
    reason: str,
    by: int,
    at: datetime,
    version: int | None = None,
) -> WorkSpan | None:
    """Add a span (`span_id` None), change one, or take one out (`began_at` None); what it was is kept, with the reason.

    Raises `NotFound`, `Conflict` (another version, an overlap) and `Invalid`.
    """
    await _one_at_a_time(session, user_id)
    span = None
    if span_id is not None:
        span = await session.get(WorkSpan, span_id, with_for_update=True)
        if span is None or span.user_id != user_id:
            raise NotFound("This time of work is not there any more.")
        if version is not None and span.version != version:
            raise Conflict("Somebody has changed this time of work meanwhile. Look at it again.")
    if not reason.strip():
        raise Invalid("Say why it is corrected.", "reason")
    before = _said(span)
    if began_at is None:
        if span is None:
            raise Invalid("Say when the work began.", "began_at")
        await session.delete(span)
        span = None
    else:
        await _check(session, user_id, span_id, began_at, ended_at, at)
        if span is None:
            span = WorkSpan(user_id=user_id, version=0)
            session.add(span)
        span.began_at, span.ended_at, span.version = began_at, ended_at, span.version + 1
    row = WorkCorrection(user_id=user_id, before=before, reason=reason.strip(), corrected_by=by, at=at)
    row.after = _said(span)
    session.add(row)
    await session.flush()
    return span


async def _check(
    session: AsyncSession,
    user_id: int,
    span_id: int | None,
    began_at: datetime,
    ended_at: datetime | None,
    now: datetime,
) -> None:
    if began_at > now or (ended_at is not None and ended_at > now):
        raise Invalid("Nobody has worked in the future.", "ended_at" if began_at <= now else "began_at")
    if ended_at is not None and not began_at < ended_at <= began_at + LONGEST:
        raise Invalid("Work ends after it began, and within a day.", "ended_at")
    if ended_at is None and now - began_at >= LONGEST_SHIFT:
        raise Invalid("It began too long ago to go on; say when it ended.", "ended_at")
    query = select(WorkSpan.id).where(
        WorkSpan.user_id == user_id,
        WorkSpan.began_at < (ended_at or now + LONGEST),
        func.coalesce(WorkSpan.ended_at, now + LONGEST) > began_at,
    )
    if span_id is not None:
        query = query.where(WorkSpan.id != span_id)
    if await session.scalar(query.limit(1)) is not None:
        raise Conflict("There is another time of work at that time already.")


async def _forgotten(session: AsyncSession, span: WorkSpan, at: datetime) -> None:
    """End a span whose end nobody said: at the last sign of life within the longest shift."""
    before, latest = _said(span), span.began_at + LONGEST_SHIFT
    last = await session.scalar(
        select(func.max(func.coalesce(AgentInterval.to_at, at))).where(
            AgentInterval.user_id == span.user_id,
            AgentInterval.state.in_(LIFE),
            AgentInterval.from_at >= span.began_at,
            AgentInterval.from_at < latest,
        )
    )
    span.ended_at = min(last or span.began_at + timedelta(seconds=1), latest)
    span.version += 1
    session.add(
        WorkCorrection(
            user_id=span.user_id,
            before=before,
            after=_said(span),
            reason=FORGOTTEN,
            corrected_by=span.user_id,
            at=at,
        )
    )


async def _one_at_a_time(session: AsyncSession, user_id: int) -> None:
    """Two browsers of one person do not begin twice. Raises `NotFound`."""
    found = await session.scalar(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    if found is None:
        raise NotFound("There is no such colleague.")


def _said(span: WorkSpan | None) -> dict[str, Any] | None:
    if span is None:
        return None
    return {
        "began_at": span.began_at.astimezone(UTC).isoformat(),
        "ended_at": span.ended_at.astimezone(UTC).isoformat() if span.ended_at else None,
    }


async def signed_in(session: AsyncSession, *, now: datetime) -> frozenset[int] | None:
    """Who has said that he is at work; None where nobody has said so lately."""
    lately = await session.scalar(select(WorkSpan.id).where(WorkSpan.began_at > now - LATELY).limit(1))
    if lately is None:
        return None
    query = select(WorkSpan.user_id).where(
        WorkSpan.ended_at.is_(None), WorkSpan.began_at > now - LONGEST_SHIFT
    )
    return frozenset(await session.scalars(query))


async def list_corrections(
    session: AsyncSession, user_id: int, *, since: datetime, until: datetime
) -> Sequence[tuple[WorkCorrection, str]]:
    """What was corrected of work of these days, newest first, and by whom."""
    told = func.coalesce(WorkCorrection.after, WorkCorrection.before)
    query = (
        select(WorkCorrection, User.name)
        .join(User, User.id == WorkCorrection.corrected_by)
        .where(WorkCorrection.user_id == user_id)
        .where(told["began_at"].astext >= since.isoformat(), told["began_at"].astext < until.isoformat())
        .order_by(WorkCorrection.at.desc(), WorkCorrection.id.desc())
        .limit(200)
    )
    return [(row, name) for row, name in await session.execute(query)]


async def get_span(session: AsyncSession, span_id: int) -> WorkSpan:
    """One span. Raises `NotFound`."""
    span = await session.get(WorkSpan, span_id)
    if span is None:
        raise NotFound("This time of work is not there any more.")
    return span
