"""Comparisons of our calls with what a switchboard wrote down itself, as rows: asked for, running, reported.

The caller owns the transaction everywhere.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, delete, exists, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.outbox import announce

KEPT = timedelta(days=400)
LONGEST = timedelta(days=92)  # of the period of one audit
QUIET = ("gap", "again")  # asked for by nobody: shown only when they found something
STALE = timedelta(minutes=15)  # a running audit that says nothing for so long died with its process


class Reason(StrEnum):
    """Why an audit was made."""

    NIGHT = "night"
    PERSON = "person"
    COMMAND = "command"
    GAP = "gap"  # the link to the switchboard came back, or we were started
    AGAIN = "again"  # once more a while after a gap: some sites write their records late


class AuditState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class FindingKind(StrEnum):
    """What differs. The first three may not stay."""

    LOST = "lost"  # the switchboard knows a call that we do not
    DOUBLED = "doubled"  # one conversation has two rows with us
    STILL_OPEN = "still_open"  # over there, still open with us
    UNFINISHED = "unfinished"  # its end was guessed by us and is known over there
    LATE_SOUND = "late_sound"  # a recording lay there that belongs to the call
    NO_SOUND = "no_sound"  # somebody talked, and there is no recording
    STRAY_FILE = "stray_file"  # a recording that belongs to no call
    ONLY_OURS = "only_ours"  # the switchboard wrote nothing down
    IGNORED = "ignored"  # not ours to keep, by rule
    GOING_ON = "going_on"  # no end is written down over there


BAD = (FindingKind.LOST, FindingKind.DOUBLED, FindingKind.STILL_OPEN)


class CallAudit(Base):
    """One comparison: of which switchboard, which period, and what came of it."""

    __tablename__ = "call_audits"
    __table_args__ = (
        one_of("reason", Reason),
        one_of("state", AuditState),
        CheckConstraint("from_at < to_at", name="period"),
        Index("ix_call_audits_waiting", "due_at", postgresql_where=text("state IN ('queued', 'running')")),
        Index("ix_call_audits_newest", text("id DESC"), "pbx"),
    )

    id: Mapped[Id]
    pbx: Mapped[str]
    reason: Mapped[str]
    from_at: Mapped[datetime]
    to_at: Mapped[datetime]
    heal: Mapped[bool]
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    state: Mapped[str] = mapped_column(server_default="queued", default="queued")
    due_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    touched_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    progress: Mapped[float] = mapped_column(server_default="0", default=0.0)
    source: Mapped[str | None]
    calls: Mapped[int] = mapped_column(server_default="0", default=0)
    counts: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    error: Mapped[str | None]

    @property
    def good(self) -> bool:
        """Whether nothing is lost, doubled or open that was not put right."""
        return self.state == AuditState.DONE and not any(self.unhealed(kind) for kind in BAD)

    def found(self, kind: str) -> int:
        """How many differences of this kind were found."""
        return int(self.counts.get(kind, {}).get("found", 0))

    def unhealed(self, kind: str) -> int:
        """How many of them stayed."""
        return self.found(kind) - int(self.counts.get(kind, {}).get("healed", 0))

    @property
    def healed(self) -> int:
        """How many calls were added or corrected."""
        return sum(self.found(kind) - self.unhealed(kind) for kind in (*BAD, FindingKind.UNFINISHED))


class CallAuditFinding(Base):
    """One difference, and why it is none of ours or what was done about it."""

    __tablename__ = "call_audit_findings"
    __table_args__ = (one_of("kind", FindingKind),)

    id: Mapped[Id]
    audit_id: Mapped[int] = mapped_column(ForeignKey("call_audits.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    healed: Mapped[Flag]
    why: Mapped[str]
    linkedid: Mapped[str | None]
    call_id: Mapped[UUID | None]
    at: Mapped[datetime | None]
    direction: Mapped[str | None]
    number: Mapped[str | None]
    path: Mapped[str | None]


class PbxHeard(Base):
    """Until when a switchboard was heard without a gap."""

    __tablename__ = "pbx_heard"

    pbx: Mapped[str] = mapped_column(primary_key=True)
    until: Mapped[datetime]


@dataclass(frozen=True, kw_only=True)
class Found:
    """One difference, on its way into the table."""

    kind: FindingKind
    why: str
    healed: bool = False
    linkedid: str | None = None
    call_id: UUID | None = None
    at: datetime | None = None
    direction: str | None = None
    number: str | None = None
    path: str | None = None


async def ask(
    session: AsyncSession,
    *,
    pbx: str,
    reason: Reason,
    from_at: datetime,
    to_at: datetime,
    heal: bool = True,
    due_at: datetime,
    asked_by: int | None = None,
) -> CallAudit:
    """Ask for an audit. Raises `Invalid` for a period that is none, `Conflict` while a person's one waits."""
    if from_at >= to_at:
        raise Invalid("The period must end after it begins.", "to")
    if reason is Reason.PERSON:
        if to_at - from_at > LONGEST:
            raise Invalid(f"At most {LONGEST.days} days at once.", "from")
        waiting = select(CallAudit.id).where(
            CallAudit.pbx == pbx,
            CallAudit.reason == Reason.PERSON,
            CallAudit.state.in_((AuditState.QUEUED, AuditState.RUNNING)),
        )
        if await session.scalar(waiting):
            raise Conflict("An audit of this switchboard is running already.")
    audit = CallAudit(
        pbx=pbx, reason=reason, from_at=from_at, to_at=to_at, heal=heal, due_at=due_at, asked_by=asked_by
    )
    session.add(audit)
    await session.flush()
    await announce(session, "call_audit", {"id": audit.id})
    return audit


async def begin(
    session: AsyncSession,
    *,
    pbx: str,
    reason: Reason,
    from_at: datetime,
    to_at: datetime,
    heal: bool,
    now: datetime,
) -> CallAudit:
    """Ask for an audit that the caller carries out at once. Raises `Invalid` for a period that is none."""
    audit = await ask(session, pbx=pbx, reason=reason, from_at=from_at, to_at=to_at, heal=heal, due_at=now)
    audit.state, audit.started_at, audit.touched_at = AuditState.RUNNING, now, now
    await session.flush()
    return audit


async def next_audit(session: AsyncSession, pbxs: Sequence[str], *, now: datetime) -> CallAudit | None:
    """Take the audit that waits longest, one of a process that died as well; None when nothing is due."""
    due = (CallAudit.state == AuditState.QUEUED) & (CallAudit.due_at <= now)
    dead = (CallAudit.state == AuditState.RUNNING) & (CallAudit.touched_at < now - STALE)
    audit: CallAudit | None = await session.scalar(
        select(CallAudit)
        .where(CallAudit.pbx.in_(pbxs), due | dead)
        .order_by(CallAudit.due_at, CallAudit.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if audit is not None:
        audit.state, audit.started_at, audit.touched_at = AuditState.RUNNING, now, now
        audit.error, audit.progress = None, 0.0
        await session.execute(delete(CallAuditFinding).where(CallAuditFinding.audit_id == audit.id))
    return audit


async def take_up(session: AsyncSession, pbxs: Sequence[str]) -> None:
    """What a process was doing when it died is done again, at once; one process audits a switchboard."""
    await session.execute(
        update(CallAudit)
        .where(CallAudit.state == AuditState.RUNNING, CallAudit.reason != Reason.COMMAND)
        .where(CallAudit.pbx.in_(pbxs))
        .values(state=AuditState.QUEUED)
    )


async def tell_progress(
    session: AsyncSession, audit_id: int, progress: float, calls: int, *, now: datetime
) -> None:
    """Say how far an audit is, 0 to 1, and how many calls it has compared."""
    await session.execute(
        update(CallAudit)
        .where(CallAudit.id == audit_id)
        .values(progress=progress, calls=calls, touched_at=now)
    )


async def touch(session: AsyncSession, audit_id: int, *, now: datetime) -> None:
    """Say that an audit is still being made."""
    await session.execute(update(CallAudit).where(CallAudit.id == audit_id).values(touched_at=now))


async def add_findings(session: AsyncSession, audit_id: int, found: Sequence[Found]) -> None:
    """Keep what was found."""
    if found:
        await session.execute(
            insert(CallAuditFinding), [{"audit_id": audit_id, **vars(one)} for one in found]
        )


async def finish(
    session: AsyncSession, audit_id: int, *, calls: int, source: str | None, now: datetime
) -> CallAudit:
    """Close an audit with the counts of what it found. Raises `NotFound`."""
    audit = await get_audit(session, audit_id)
    finding = CallAuditFinding
    totals = await session.execute(
        select(finding.kind, func.count(), func.count().filter(finding.healed))
        .where(finding.audit_id == audit_id)
        .group_by(finding.kind)
    )
    audit.counts = {kind: {"found": found, "healed": healed} for kind, found, healed in totals}
    audit.state, audit.finished_at, audit.progress = AuditState.DONE, now, 1.0
    audit.calls, audit.source = calls, source
    await session.flush()
    await announce(session, "call_audit", {"id": audit.id})
    return audit


async def fail(session: AsyncSession, audit_id: int, error: str, *, again_at: datetime | None) -> None:
    """Say why an audit could not be made; with `again_at` it is tried again then."""
    state = AuditState.FAILED if again_at is None else AuditState.QUEUED
    values: dict[str, Any] = {"state": state, "error": error[:500]}
    values |= {"due_at": again_at} if again_at is not None else {"finished_at": func.now()}
    await session.execute(update(CallAudit).where(CallAudit.id == audit_id).values(**values))
    await announce(session, "call_audit", {"id": audit_id})


async def get_audit(session: AsyncSession, audit_id: int) -> CallAudit:
    """The audit. Raises `NotFound`."""
    audit = await session.get(CallAudit, audit_id, populate_existing=True)
    if audit is None:
        raise NotFound(f"There is no audit {audit_id}.")
    return audit


async def list_audits(session: AsyncSession, *, limit: int = 60) -> Sequence[CallAudit]:
    """The newest audits; those that nobody asked for only when they found something or did not succeed."""
    loud = CallAudit.reason.not_in(QUIET) | (CallAudit.state != AuditState.DONE)
    something = exists().where(CallAuditFinding.audit_id == CallAudit.id, CallAuditFinding.healed)
    found = select(CallAudit).where(loud | something).order_by(CallAudit.id.desc()).limit(limit)
    return (await session.scalars(found)).all()


async def findings_of(
    session: AsyncSession, audit_id: int, *, kind: str | None = None, limit: int = 500
) -> Sequence[CallAuditFinding]:
    """What an audit found, the worst kinds first."""
    wanted = select(CallAuditFinding).where(CallAuditFinding.audit_id == audit_id)
    if kind is not None:
        wanted = wanted.where(CallAuditFinding.kind == kind)
    worst = func.array_position([*FindingKind], CallAuditFinding.kind)
    return (await session.scalars(wanted.order_by(worst, CallAuditFinding.at).limit(limit))).all()


async def claim_night(session: AsyncSession, pbx: str, *, since: datetime) -> bool:
    """Whether no nightly audit of this switchboard was asked for since then; true for one process only."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:pbx, 7130004))"), {"pbx": pbx})
    asked = select(CallAudit.id).where(
        CallAudit.pbx == pbx, CallAudit.reason == Reason.NIGHT, CallAudit.due_at >= since
    )
    return await session.scalar(asked.limit(1)) is None


async def forget_old(session: AsyncSession, *, now: datetime) -> None:
    """Drop audits of long ago, and quiet ones that found nothing after a week."""
    nothing = CallAudit.reason.in_(QUIET) & ~exists().where(CallAuditFinding.audit_id == CallAudit.id)
    await session.execute(
        delete(CallAudit).where(
            CallAudit.state.in_((AuditState.DONE, AuditState.FAILED)),
            (CallAudit.created_at < now - KEPT)
            | (nothing & (CallAudit.created_at < now - timedelta(days=7))),
        )
    )


async def heard_until(session: AsyncSession, pbx: str) -> datetime | None:
    """Until when this switchboard was heard without a gap; None when it never was."""
    found: datetime | None = await session.scalar(select(PbxHeard.until).where(PbxHeard.pbx == pbx))
    return found


async def all_heard(session: AsyncSession) -> Mapping[str, datetime]:
    """Until when each switchboard was heard without a gap."""
    found = await session.execute(select(PbxHeard.pbx, PbxHeard.until))
    return {row.pbx: row.until for row in found}


async def set_heard(session: AsyncSession, heard: Mapping[str, datetime]) -> None:
    """Say until when switchboards were heard."""
    if heard:
        query = insert(PbxHeard).values([{"pbx": pbx, "until": until} for pbx, until in heard.items()])
        await session.execute(
            query.on_conflict_do_update(index_elements=["pbx"], set_={"until": query.excluded.until})
        )
