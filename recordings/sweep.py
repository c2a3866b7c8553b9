"""Files that appear late: copied by a nightly job, converted, or readable since the rights were mended."""

import asyncio
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.recording import RecordingState
from recordings import register
from recordings.intake import Wanted
from recordings.roots import Roots
from recordings.store import Index, OutsideRoot, Root

log = structlog.get_logger(__name__)

SWEPT_DAYS = 4
# A call's own job looks for its files for about four minutes.
REST_S = 300.0
SWEEP_LOCK = 7_130_002

Known = dict[tuple[str, str], tuple[str, int | None]]


async def sweep(session: AsyncSession, roots: Roots, *, now: datetime) -> list[Wanted]:
    """Return the calls of the last days for which files are there that were not when they were looked for.

    One process sweeps at a time; the others get nothing. An unreadable folder is logged and gives nothing:
    its state is shown by `store.check`.
    """
    if not await session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": SWEEP_LOCK}):
        return []
    wants = await register.calls_to_sweep(session, now=now, days=SWEPT_DAYS, rest_s=REST_S)
    known = await register.known_states(session, [want.call_id for want in wants])
    taken = await register.taken_paths(session, since=now - timedelta(days=SWEPT_DAYS))
    late: list[Wanted] = []
    for pbx in dict.fromkeys(want.pbx for want in wants):
        root, its = roots.of(pbx), [want for want in wants if want.pbx == pbx]
        theirs = {path for other, path in taken if roots.together(pbx, other)}
        try:
            late += await asyncio.to_thread(_late, root, its, known, theirs) if root else []
        except OSError as error:
            log.error("recordings folder unreadable", pbx=pbx, error=str(error))
    return late


def _late(root: Root, wants: Sequence[Wanted], known: Known, taken: set[str]) -> list[Wanted]:
    index = Index(root.listing({day for want in wants for day in want.days}))
    return [
        want
        for want in wants
        if any(
            _new(root, path, known, want, taken)
            for path in (*index.matching(want.uniqueids), *_named(root, want))
        )
    ]


def _named(root: Root, want: Wanted) -> list[Path]:
    found = []
    for name in want.named:
        try:
            path = root.locate(name, want.days)
        except OutsideRoot:
            continue  # was logged when the call ended
        if path:
            found.append(path)
    return found


def _new(root: Root, path: Path, known: Known, want: Wanted, taken: set[str]) -> bool:
    """True when there is more to this file than the table says."""
    name = root.relative(path)
    state, size = known.get((want.pbx, name), (None, None))
    if state in (None, *register.HOPEFUL) and name in taken:
        return False  # it is another call's
    if state == RecordingState.UNREADABLE and size is None:
        return os.access(path, os.R_OK)
    return state in (None, RecordingState.EXPECTED, RecordingState.MISSING) or size != path.stat().st_size
