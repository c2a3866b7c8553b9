"""Our calls of a period against what a switchboard wrote down itself, and against the recordings.

In:      an audit that was asked for, the switchboard's records, the database
Out:     findings, kept with the audit; with `heal` the lost calls are there, the open ones closed
Raises:  `NoHistory` when the records can not be read

Identity is (switchboard, linkedid) with all linkedids and uniqueids a call ever had, never a number or a time.
Nothing is corrected that was heard from beginning to end.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from asterisk.history import Kind, Records, read_cdr, read_cel
from callcenter.audit_rows import Known, heard_before, known_calls, open_again, row_of, same_call
from callcenter.audit_sound import compare_sound
from callcenter.call import Direction, Rules
from callcenter.directory import Directory, load_directory
from callcenter.errand import restored
from callcenter.numbers import Numbers
from callcenter.records import Entry, keep_heard_vote, write
from callcenter.recovery import Ending, Recovered, from_cdr, from_cel
from crm_core import call_audit as rows
from crm_core.call import Origin
from crm_core.call_audit import CallAudit, FindingKind, Found, Reason
from crm_core.call_record import merge_calls
from crm_core.db import Database
from crm_core.outage import is_collision
from recordings.roots import Roots

SLICE = timedelta(hours=6)  # read at once
LONGEST_CALL = timedelta(hours=4)  # rows of a call are looked for so long before and after
TELL_EVERY = timedelta(seconds=10)
COLLISION_PAUSES_S = (0.1, 0.5, 2.0)
ROUNDED = timedelta(seconds=1.5)  # some sites keep whole seconds
SETTLED = timedelta(seconds=60)  # a call that ended a moment ago may not be written yet


@dataclass(frozen=True, kw_only=True)
class Audited:
    """One switchboard: its records and how to read them."""

    pbx: str
    rules: Rules
    records: tuple[Records, ...]  # the first is the better one


def records(*, cel: str | None, cdr: str | None, timezone: str) -> tuple[Records, ...]:
    """Return the places of a switchboard's records, the better ones first. `timezone` must be a known one."""
    places, zone = ((Kind.CEL, cel), (Kind.CDR, cdr)), ZoneInfo(timezone)
    return tuple(Records(kind=kind, place=place, zone=zone) for kind, place in places if place)


@dataclass(frozen=True, kw_only=True)
class Means:
    """What an audit needs."""

    db: Database
    numbers: Numbers
    roots: Roots  # of the recordings
    now: Callable[[], datetime]


async def carry_out(means: Means, audited: Audited, audit: CallAudit) -> CallAudit:
    """Compare, heal as far as asked for, and close the audit. Raises `NoHistory`."""
    calls = 0
    found: list[Found] = []
    recovered: list[Recovered] = []
    told = means.now()
    for since, until in _slices(audit.from_at, audit.to_at):
        here = await _recover(means, audited, since, until)
        settled = audit.to_at if audit.reason == Reason.GAP else means.now() - SETTLED
        work = _Comparison(
            means=means,
            pbx=audited.pbx,
            since=since,
            until=until,
            heal=audit.heal,
            settled=settled,
            gap=(audit.from_at, audit.to_at) if audit.reason in rows.QUIET else None,
        )
        found = []
        async for one in work.run(here):
            found.append(one)
            told = await _still_there(means, audit, told)
        calls += work.calls
        recovered += [one for one in here if since <= one.call.started_at < until]
        await _keep(means, audit, found, calls, until)
    if means.roots.of(audit.pbx) is not None and audit.reason not in rows.QUIET:
        found = await compare_sound(
            means.db, means.roots, audit, {one.call.id: one.names for one in recovered}
        )
        await _keep(means, audit, found, calls, audit.to_at)
    source = ", ".join(each.kind.value for each in audited.records) or None
    async with means.db.begin() as session:
        return await rows.finish(session, audit.id, calls=calls, source=source, now=means.now())


def _slices(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while since < until:
        yield since, min(since + SLICE, until)
        since += SLICE


async def _still_there(means: Means, audit: CallAudit, told: datetime) -> datetime:
    """Say every few seconds that this audit is being made."""
    now = means.now()
    if now - told < TELL_EVERY:
        return told
    async with means.db.begin() as session:
        await rows.touch(session, audit.id, now=now)
    return now


async def _keep(means: Means, audit: CallAudit, found: list[Found], calls: int, until: datetime) -> None:
    share = (until - audit.from_at) / (audit.to_at - audit.from_at)
    async with means.db.begin() as session:
        await rows.add_findings(session, audit.id, found)
        await rows.tell_progress(session, audit.id, 0.95 * share, calls, now=means.now())


async def _recover(means: Means, audited: Audited, since: datetime, until: datetime) -> list[Recovered]:
    """Return the calls of a period as the switchboard wrote them down, told by the better of its records."""
    since, until = since - LONGEST_CALL, min(until + LONGEST_CALL, means.now())
    found: list[Recovered] = []
    for records in audited.records:
        if records.kind is Kind.CEL:
            events = await read_cel(records, since, until)
            more = await asyncio.to_thread(from_cel, audited.pbx, events, audited.rules, now=means.now())
        else:
            pairs = await read_cdr(records, since, until)
            lines = await _lines(means, audited.pbx)
            more = await asyncio.to_thread(from_cdr, audited.pbx, pairs, audited.rules, lines)
        found = _together(found, more)
    return found


async def _lines(means: Means, pbx: str) -> frozenset[str]:
    async with means.db.begin() as session:
        directory = await load_directory(session)
    return frozenset(number for of, number in directory.lines if of == pbx)


def _together(better: list[Recovered], other: list[Recovered]) -> list[Recovered]:
    """Add the calls that only the second source knows; take from it the names of recordings."""
    if not better:
        return other
    by_name = {name: place for place, one in enumerate(better) for name in one.names}
    both = list(better)
    for one in other:
        place = next((by_name[name] for name in one.call.linkedids if name in by_name), None)
        if place is None:
            both.append(one)
        elif not both[place].call.recordings and one.call.recordings:
            named = both[place].call.evolve(recordings=one.call.recordings)
            both[place] = Recovered(
                call=named, origin=both[place].origin, ending=both[place].ending, unknown=both[place].unknown
            )
    return both


@dataclass(kw_only=True)
class _Comparison:
    """One slice of one audit."""

    means: Means
    pbx: str
    since: datetime
    until: datetime
    heal: bool
    settled: datetime  # what ended later is left to the next audit
    gap: tuple[datetime, datetime] | None  # in which nobody listened
    calls: int = 0

    async def run(self, recovered: Sequence[Recovered]) -> AsyncIterator[Found]:
        """Yield every difference."""
        async with self.means.db.begin() as session:
            self.directory: Directory = await load_directory(session)
            ours = await known_calls(session, self.pbx, self.since - LONGEST_CALL, self.until + LONGEST_CALL)
        by_name: dict[str, list[Known]] = {}
        for known in ours:
            for name in known.names:
                by_name.setdefault(name, []).append(known)
        told: set[UUID] = set()
        for one in recovered:
            same = list({known.id: known for name in one.names for known in by_name.get(name, ())}.values())
            told.update(known.id for known in same)
            inside = self.since <= one.call.started_at < self.until
            self.calls += inside
            touched = any(not known.complete or self.gap for known in same)
            if inside or touched:
                async for found in self._one(one, same):
                    yield found
        for known in ours:
            if known.id not in told and self.since <= known.started_at < self.until:
                yield _only_ours(known, bool(recovered))

    async def _one(self, one: Recovered, same: list[Known]) -> AsyncIterator[Found]:
        if one.ending is Ending.OPEN:
            if not same:
                yield _found(FindingKind.GOING_ON, one, "The switchboard has written no end of it yet.")
            return
        if one.call.ended_at is None or one.call.ended_at > self.settled:
            return
        roots = [known for known in same if set(known.linkedids) & one.names]
        if not roots:
            yield await self._lost(one)
            return
        if len(roots) > 1:
            yield await self._doubled(one, roots)
            return
        known = roots[0]
        if known.ended_at is None:
            why = "Over at the switchboard, still open with us."
            yield await self._mended(FindingKind.STILL_OPEN, one, known, why)
        elif not known.complete and known.origin == Origin.LIVE and one.ending is Ending.SEEN:
            why = "Its end was not heard; the switchboard wrote it down."
            yield await self._mended(FindingKind.UNFINISHED, one, known, why)
        elif self.gap is not None and _outlived(known, self.gap) and _told_otherwise(one, known):
            why = "It went on while nobody listened; the switchboard wrote down who talked and how long."
            yield await self._mended(FindingKind.UNFINISHED, one, known, why)
        elif one.call.vote is not None and not known.voted:
            yield await self._voted(one, known)

    async def _voted(self, one: Recovered, known: Known) -> Found:
        """Keep a vote that the switchboard wrote down of a call that is else as we have it."""
        if self.heal:
            async with self.means.db.begin() as session:
                await keep_heard_vote(session, one.call, known.id)
        why = f"The customer voted {one.call.vote} of 5, and nobody heard it."
        return _found(FindingKind.UNFINISHED, one, why, healed=self.heal, call_id=known.id)

    async def _lost(self, one: Recovered) -> Found:
        if one.call.direction is Direction.INTERNAL:
            return _found(FindingKind.IGNORED, one, "A call between our own phones: it is no customer's.")
        why = "Nobody heard it: the link or this service was down."
        if not self.heal:
            return _found(FindingKind.LOST, one, why)

        async def add(session: AsyncSession) -> UUID:
            return await same_call(session, self.pbx, one.names) or await self._write(session, one)

        return _found(FindingKind.LOST, one, why, healed=True, call_id=await self._kept(add))

    async def _mended(self, kind: FindingKind, one: Recovered, known: Known, why: str) -> Found:
        if self.heal:
            await self._kept(lambda session: self._write(session, one, known.id))
        return _found(kind, one, why, healed=self.heal, call_id=known.id)

    async def _doubled(self, one: Recovered, same: list[Known]) -> Found:
        first, *others = sorted(same, key=lambda known: (known.started_at, known.linkedids))
        over = all(known.ended_at is not None for known in same)
        if self.heal and over:
            async with self.means.db.begin() as session:
                for other in others:
                    await merge_calls(session, first.id, other.id)
        why = f"One conversation at the switchboard, {len(same)} rows with us."
        return _found(FindingKind.DOUBLED, one, why, healed=self.heal and over, call_id=first.id)

    async def _kept(self, work: Callable[[AsyncSession], Awaitable[UUID]]) -> UUID:
        """Do it in a transaction, and again when it stood in the way of what is heard live."""
        for pause_s in COLLISION_PAUSES_S:
            try:
                async with self.means.db.begin() as session:
                    return await work(session)
            except DBAPIError as error:
                if not is_collision(error):
                    raise
                await asyncio.sleep(pause_s)
        async with self.means.db.begin() as session:
            return await work(session)

    async def _write(self, session: AsyncSession, one: Recovered, known: UUID | None = None) -> UUID:
        row = await row_of(session, known) if known is not None else None
        if row is not None:
            await open_again(session, row)
        entry = Entry(
            call=one.call,
            number=self.means.numbers.of(one.call, self.directory),
            errand=restored(row.started_from) if row is not None else None,
            directory=self.directory,
            country=self.means.numbers.country,
            origin=one.origin,
            unknown=one.unknown,
            before=await heard_before(session, row) if row is not None else None,
        )
        return await write(
            session, entry, at=self.means.now(), sound=self.means.roots.of(self.pbx) is not None
        )


def _outlived(known: Known, gap: tuple[datetime, datetime]) -> bool:
    """Say whether a call was going on in the gap."""
    return known.origin == Origin.LIVE and known.started_at < gap[1] and (known.ended_at or gap[1]) > gap[0]


def _told_otherwise(one: Recovered, known: Known) -> bool:
    """Say whether the switchboard's own record has another answer or another talk than we."""
    if one.ending is not Ending.SEEN or one.unknown & {"answered_at", "talk_s", "hold_s"}:
        return False
    ours, theirs = known.answered_at, one.call.answered_at
    if ours is None or theirs is None:
        return ours is not theirs
    apart = abs(ours - theirs) > ROUNDED
    return apart or abs((known.talk_s or 0.0) - one.call.talk_s) > 2 * ROUNDED.total_seconds()


def _found(
    kind: FindingKind, one: Recovered, why: str, *, healed: bool = False, call_id: UUID | None = None
) -> Found:
    call = one.call
    return Found(
        kind=kind,
        why=why,
        healed=healed,
        linkedid=call.linkedid,
        call_id=call_id,
        at=call.started_at,
        direction=call.direction,
        number=call.remote_number,
    )


def _only_ours(known: Known, anything: bool) -> Found:
    if not anything:
        why = "The switchboard wrote nothing at all in these hours."
    elif known.click_to_call and known.answered_at is None:
        why = "Asked for by a click; the phone could not be reached, so there was no channel."
    elif not known.complete:
        why = "It was going on when the switchboard was killed, which then wrote nothing about it."
    elif known.answered_at is None:
        why = "The switchboard writes nothing about such unanswered calls."
    else:
        why = "The switchboard wrote nothing about it."
    return Found(
        kind=FindingKind.ONLY_OURS,
        why=why,
        linkedid=known.linkedids[0],
        call_id=known.id,
        at=known.started_at,
        direction=known.direction,
        number=known.number,
    )
