"""The recordings of a period against the calls of that period."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call, CallLeg
from crm_core.call_audit import CallAudit, FindingKind, Found
from crm_core.db import Database
from crm_core.recording import Recording, RecordingState
from recordings import register
from recordings.intake import Wanted, days_of
from recordings.jobs import enqueue_intake
from recordings.roots import Roots
from recordings.store import NUMBERED, Index, Root, base_of

WRITTEN_UNTIL = timedelta(hours=1)  # after the period: by a call that began in it


async def compare_sound(
    db: Database,
    roots: Roots,
    audit: CallAudit,
    names: Mapping[UUID, Collection[str]],
) -> list[Found]:
    """Return which calls have no recording and which recordings no call; with `heal`, late ones are fetched.

    `names`: all uniqueids of a call, as the switchboard wrote them down.
    """
    root = roots.of(audit.pbx)
    if root is None:
        return []
    async with db.begin() as session:
        wants = await register.unheard_calls(session, audit.pbx, audit.from_at, audit.to_at)
        known = await _known(session, roots, audit.pbx)
        doubts = await _doubts(session, [want.call_id for want in wants])
    wants = [_also_named(want, names.get(want.call_id, ())) for want in wants]
    days = days_of(audit.from_at, audit.to_at)
    files = await asyncio.to_thread(_files, root, days, audit.from_at, audit.to_at + WRITTEN_UNTIL)
    late = await asyncio.to_thread(_late, root, files, wants, known)
    if audit.heal:
        async with db.begin() as session:
            for want, _ in late:
                await enqueue_intake(session, want)
    taken = {path for _, paths in late for path in paths}
    found = [_late_sound(want, paths, audit.heal) for want, paths in late]
    waiting = {want.call_id for want, _ in late}
    if files:  # a site that records nothing misses nothing
        found += [_no_sound(want, doubts.get(want.call_id)) for want in wants if want.call_id not in waiting]
    stray = [path for path in files if root.relative(path) not in known and path not in taken]
    async with db.begin() as session:
        owned = await _owned(session, stray, roots, audit.pbx)
    return found + _strays(root, [path for path in stray if path not in owned])


async def _known(session: AsyncSession, roots: Roots, pbx: str) -> set[str | None]:
    """Return the paths with a row, of the switchboard and of those that record into the same folder."""
    rows = await session.execute(select(Recording.pbx, Recording.path).where(Recording.path.is_not(None)))
    return {path for other, path in rows if other == pbx or roots.together(pbx, other)}


async def _doubts(session: AsyncSession, calls: Sequence[UUID]) -> dict[UUID, str]:
    """Return what was said of the recordings that can not be played, by call."""
    query = select(Recording.call_id, Recording.error).where(
        Recording.call_id.in_(calls), Recording.state == RecordingState.UNREADABLE
    )
    return {call_id: error for call_id, error in await session.execute(query) if error}


def _also_named(want: Wanted, names: Collection[str]) -> Wanted:
    return want.model_copy(update={"uniqueids": tuple(dict.fromkeys((*want.uniqueids, *names)))})


def _files(root: Root, days: Sequence[date], since: datetime, until: datetime) -> list[Path]:
    """Return the sound files of these days that were written in the period."""
    try:
        listed = root.listing(days)
    except OSError:
        return []
    return [path for path in listed if since.timestamp() <= path.stat().st_mtime < until.timestamp()]


def _late(
    root: Root, files: Sequence[Path], wants: Sequence[Wanted], known: set[str | None]
) -> list[tuple[Wanted, list[Path]]]:
    index = Index([path for path in files if root.relative(path) not in known])
    pairs = ((want, index.matching(want.uniqueids)) for want in wants)
    return [(want, paths) for want, paths in pairs if paths]


def _late_sound(want: Wanted, paths: Sequence[Path], healed: bool) -> Found:
    why = "Its recording lay in the folder and was not attached."
    return Found(
        kind=FindingKind.LATE_SOUND, why=why, healed=healed, call_id=want.call_id, path=paths[0].name
    )


def _no_sound(want: Wanted, doubt: str | None) -> Found:
    why = doubt or (
        "Named by the switchboard, but not in the folder." if want.named else "No file bears one of its ids."
    )
    path = want.named[0].rsplit("/", 1)[-1] if want.named else None
    return Found(kind=FindingKind.NO_SOUND, why=why, call_id=want.call_id, path=path)


async def _owned(session: AsyncSession, paths: Sequence[Path], roots: Roots, pbx: str) -> set[Path]:
    """Return the files that bear a uniqueid of any call of ours: they are of internal or unanswered calls."""
    numbers = {number for path in paths for number in NUMBERED.findall(path.stem)}
    if not numbers:
        return set()
    rooted = select(Call.pbx, Call.linkedids).where(Call.linkedids.overlap(list(numbers)))
    legs = select(Call.pbx, func.array_agg(CallLeg.uniqueid)).join(CallLeg, CallLeg.call_id == Call.id)
    legs = legs.where(CallLeg.uniqueid.in_(numbers)).group_by(Call.pbx)
    found = [*await session.execute(rooted), *await session.execute(legs)]
    names = {name for other, names in found if roots.together(pbx, other) for name in names}
    return set(Index(paths).matching(names))


def _strays(root: Root, paths: Sequence[Path]) -> list[Found]:
    """Return one finding for the files of one recording."""
    first: dict[tuple[Path, str], Path] = {}
    for path in paths:
        first.setdefault((path.parent, base_of(path)), path)
    why = "No call of ours bears the id in its name."
    return [
        Found(
            kind=FindingKind.STRAY_FILE,
            why=why,
            at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
            path=root.relative(path),
        )
        for path in first.values()
    ]
