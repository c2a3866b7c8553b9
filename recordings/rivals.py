"""Whose is a file, when two switchboards record into one folder and both have a call it could be of?

A uniqueid counts from one only within its switchboard: two of them may give the same one in the same second.
Then what the switchboard named decides, else what is known of the file's time; else nobody gets it.

Units: instants as Unix times, lengths in seconds
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import structlog
from sqlalchemy import and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallLeg
from crm_core.recording import RecordingState
from recordings.intake import Finding, Findings, Wanted
from recordings.roots import Roots
from recordings.store import base_of, matching

log = structlog.get_logger(__name__)

SLACK_S = 3.0  # between the clocks of switchboard, disk and this machine
NEAR = timedelta(days=1)  # calls farther apart do not share a folder of a day
STAMP = re.compile(r"(?<!\d)(\d{8})[-_](\d{6})(?!\d)")
# A name bears the switchboard's own time; every zone is some quarters of an hour from UTC.
ZONES_S = 900.0


@dataclass(frozen=True, kw_only=True)
class Claim:
    """A call whose recording the file could be. `ended_at` None: it is still going on."""

    call_id: UUID
    pbx: str
    named: bool  # by its switchboard; else only a uniqueid of it is in the name
    started_at: float
    ended_at: float | None


def owner(claims: Sequence[Claim], file: Finding) -> Claim | None:
    """Return the only call the file can be of, by what was named, its length, name and time; None: in doubt."""
    left = list(claims)
    for could_be in (_named, _long_enough, _then_going, _written_in):
        kept = [claim for claim in left if could_be(claim, file)]
        left = kept or left
    return left[0] if len(left) == 1 else None


def _named(claim: Claim, _file: Finding) -> bool:
    return claim.named


def _long_enough(claim: Claim, file: Finding) -> bool:
    return claim.ended_at is None or (file.seconds or 0.0) <= claim.ended_at - claim.started_at + SLACK_S


def _then_going(claim: Claim, file: Finding) -> bool:
    """Say whether the time in the name falls into the call, in whatever zone."""
    stamp = STAMP.search(Path(file.path).name)
    try:
        at = datetime.strptime("".join(stamp.groups()), "%Y%m%d%H%M%S").replace(tzinfo=UTC) if stamp else None
    except ValueError:
        at = None
    if at is None or claim.ended_at is None:
        return True
    after_start = (at.timestamp() - claim.started_at + SLACK_S) % ZONES_S
    return after_start <= claim.ended_at - claim.started_at + 2 * SLACK_S


def _written_in(claim: Claim, file: Finding) -> bool:
    """Say whether the file was begun and closed while the call went on."""
    if file.written_at is None:
        return True
    begun = file.written_at - (file.seconds or 0.0)
    over = claim.ended_at is not None and file.written_at > claim.ended_at + SLACK_S
    return begun >= claim.started_at - SLACK_S and not over


@dataclass(frozen=True)
class Settled:
    """What is left for the call, and which calls had a file of it so far: (call, path)."""

    findings: Findings
    wrongly: tuple[tuple[UUID, str], ...] = ()


async def settle(session: AsyncSession, roots: Roots, want: Wanted, findings: Findings) -> Settled:
    """Leave to the call what is its own: files of calls of other switchboards go, what is in doubt is said."""
    if not findings.files:
        return Settled(findings)
    rows = await _rows(session, roots, want)
    mine, others = rows.pop(want.call_id, None), list(rows.values())
    if mine is None or not others:
        return Settled(findings)
    kept, foreign, wrongly = [], list(findings.foreign), []
    for file in findings.files:
        rivals = [row.claim(file) for row in others if row.may_own(file)]
        if not rivals or file.state is RecordingState.EXPECTED:
            kept.append(file)
            continue
        its = owner([mine.claim(file), *rivals], file)
        if its is None:
            log.warning("recording in doubt", path=file.path, calls=[str(each.call_id) for each in rivals])
            kept.append(in_doubt(file, sorted({rival.pbx for rival in rivals})))
        elif its.call_id == want.call_id:
            kept.append(file)
            wrongly += [(rival.call_id, file.path) for rival in rivals]
        else:
            foreign.append(file.path)
    left = replace(findings, files=tuple(kept), foreign=tuple(foreign))
    return Settled(left, tuple(wrongly))


def in_doubt(file: Finding, pbxs: Sequence[str]) -> Finding:
    """Return the file as one that is not attached, with the reason in words."""
    error = (
        f"It may be of a call of {', '.join(pbxs)} instead: same folder, same id, and its time fits both. "
        "Give each switchboard a folder of its own (recordings_dir)."
    )
    return replace(file, state=RecordingState.UNREADABLE, seconds=None, error=error)


@dataclass(frozen=True)
class _Row:
    """A call, as far as files can be told to be of it."""

    id: UUID
    pbx: str
    started_at: datetime
    ended_at: datetime | None
    bases: frozenset[str]  # what its switchboard named, without folder, leg and suffix
    uniqueids: tuple[str, ...]

    def may_own(self, file: Finding) -> bool:
        path = Path(file.path)
        return base_of(path) in self.bases or bool(matching([path], self.uniqueids))

    def claim(self, file: Finding) -> Claim:
        return Claim(
            call_id=self.id,
            pbx=self.pbx,
            named=base_of(Path(file.path)) in self.bases,
            started_at=self.started_at.timestamp(),
            ended_at=self.ended_at.timestamp() if self.ended_at else None,
        )


async def _rows(session: AsyncSession, roots: Roots, want: Wanted) -> dict[UUID, _Row]:
    """Return the call and those of other switchboards in the same folder that share an id or a name with it."""
    began = await session.scalar(select(Call.started_at).where(Call.id == want.call_id))
    if began is None:
        return {}
    legs = select(func.array_agg(CallLeg.uniqueid)).where(CallLeg.call_id == Call.id).scalar_subquery()
    shared = exists().where(CallLeg.call_id == Call.id, CallLeg.uniqueid.in_(want.uniqueids))
    alike = or_(
        Call.linkedids.overlap(list(want.uniqueids)), Call.recordings.overlap(list(want.named)), shared
    )
    query = (
        select(Call.id, Call.pbx, Call.started_at, Call.ended_at, Call.recordings, Call.linkedids, legs)
        .where(Call.started_at.between(began - NEAR, began + NEAR))
        .where(or_(Call.id == want.call_id, and_(Call.pbx != want.pbx, alike)))
    )
    return {
        row.id: _Row(
            row.id,
            row.pbx,
            row.started_at,
            row.ended_at,
            frozenset(base_of(Path(name)) for name in row.recordings),
            (*row.linkedids, *(row[6] or ())),
        )
        for row in await session.execute(query)
        if row.id == want.call_id or roots.together(row.pbx, want.pbx)
    }
