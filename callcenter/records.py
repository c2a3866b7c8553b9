"""The call as a row: written at once, again at each change, and closed with all that follows from its end.

In:      a `Call` as the tracker knows it, what it was started for, whose number it is
Out:     rows through `crm_core`; the job that fetches the sound of a call that is over
The caller owns the transaction. Everything may be repeated: after a crash the same call is written again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.call import (
    Attempt,
    Call,
    CallState,
    Direction,
    Leg,
    Place,
    Result,
    Visit,
    attempts,
    died_in,
    to_json,
)
from callcenter.directory import Directory
from callcenter.errand import Errand, stored
from callcenter.failure import was_dialled
from callcenter.linking import BY_ERRAND, customer_of, link_errand, link_guess, owner_of
from crm_core import call as rows
from crm_core.call import Call as Row
from crm_core.call import Origin, called_since
from crm_core.call_list_calls import call_ended
from crm_core.call_record import CallFacts, LegFacts, VisitFacts, put_call
from crm_core.callback_calls import Heard, attempted, close_reached, missed
from crm_core.dial_lock import free
from crm_core.lead import lead_from_call
from crm_core.phone import Number
from crm_core.queue_visit import QueueVisit
from crm_core.vote import VoteWay, keep_vote
from recordings.intake import Wanted, days_of
from recordings.jobs import enqueue_intake

SAME_VISIT = timedelta(seconds=2)  # some sites keep whole seconds
LIVE_KNOWS = (
    *("remote_raw", "remote_e164", "remote_name", "line", "line_id", "queue", "operator_id"),
    *("operator_extension", "operators", "wait_s", "talk_s", "hold_s", "ended_by", "transfers"),
)


@dataclass(frozen=True, kw_only=True)
class Before:
    """What was heard live of a call whose end was not."""

    row: Row
    rang: Mapping[str, datetime]  # by uniqueid
    visits: Sequence[QueueVisit]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """What is known of one call at the moment of writing."""

    call: Call
    number: Number
    errand: Errand | None
    directory: Directory
    country: str  # region of numbers written without a country code
    origin: Origin = Origin.LIVE
    unknown: frozenset[str] = frozenset()  # columns of which `origin` can not tell the value
    before: Before | None = None  # what was heard live of a call whose end was not


async def write(session: AsyncSession, entry: Entry, *, at: datetime, sound: bool) -> UUID:
    """Write the call; when it is over, tie it to what it was about and ask for its sound. Returns its id.

    `sound`: whether there is a folder of recordings to look into.
    """
    call, errand = entry.call, entry.errand
    customer = await _customer(session, entry)
    kept_as = await put_call(session, _facts(entry, customer), at=at)
    if errand is not None and errand.target is not None:
        await link_errand(session, kept_as, errand.target, errand.user_id)
    await keep_heard_vote(session, call, kept_as)
    if call.state is CallState.ENDED:
        await free(session, kept_as)
    if call.state is CallState.ENDED and call.direction is not Direction.INTERNAL:
        await _close(session, kept_as, entry, customer[0] if customer else None, sound=sound)
    return kept_as


async def keep_heard_vote(session: AsyncSession, call: Call, kept_as: UUID) -> None:
    """The vote by keys, if there is one; it belongs to whoever talked last by what is written of the call."""
    if call.vote is None or call.voted_at is None:
        return
    operator = await session.scalar(select(Row.operator_id).where(Row.id == kept_as))
    await keep_vote(
        session, kept_as, stars=call.vote, way=VoteWay.PHONE, operator_id=operator, at=call.voted_at
    )


async def _customer(session: AsyncSession, entry: Entry) -> tuple[int, str] | None:
    """Whose call this is: what it was started from outranks the number."""
    if entry.call.direction is Direction.INTERNAL:
        return None
    if entry.errand is not None:
        started_from = entry.errand.customer_id or await customer_of(session, entry.errand.target)
        if started_from is not None:
            return started_from, BY_ERRAND
    return await owner_of(session, entry.number.e164)


async def _close(
    session: AsyncSession, call_id: UUID, entry: Entry, customer_id: int | None, *, sound: bool
) -> None:
    call = entry.call
    assert call.ended_at is not None
    await link_guess(session, call_id, customer_id, (call.answered_at or call.started_at, call.ended_at))
    talked = call.result is Result.ANSWERED
    if entry.origin is not Origin.LIVE and await called_since(session, call_id, entry.number.e164):
        pass  # told too late: whoever called or was called again since has settled it
    else:
        await _call_back(session, call_id, entry, customer_id)
        await _call_list(session, call_id, entry, customer_id)
    if call.direction is Direction.INBOUND and customer_id is None and entry.number.e164:
        line = entry.directory.line(call.pbx, call.line)
        await lead_from_call(
            session,
            e164=entry.number.e164,
            call_id=call_id,
            line_id=line.id if line else None,
            name=call.remote_name,
            at=call.ended_at,
        )
    if sound and (talked or call.recordings):
        await enqueue_intake(session, _wanted(call, call_id, talked))


async def _call_back(session: AsyncSession, call_id: UUID, entry: Entry, customer_id: int | None) -> None:
    """What this call means for callbacks: one more, one more attempt, or the end of some."""
    call, errand = entry.call, entry.errand
    assert call.ended_at is not None
    line = entry.directory.line(call.pbx, call.line)
    heard = Heard(
        call_id=call_id,
        number=entry.number.e164,
        customer_id=customer_id,
        at=call.ended_at,
        user_id=_operator_id(entry),
        result=call.result,
        callback_id=errand.callback_id if errand else None,
        line_id=line.id if line else None,
    )
    outbound = call.direction is Direction.OUTBOUND
    if call.result is Result.ANSWERED:
        await close_reached(session, heard, outbound=outbound)
    elif outbound and was_dialled(call):
        await attempted(session, heard)
    elif died_in(call) not in (None, Place.BLOCKED) and heard.number:

        def opens(at: datetime) -> datetime:
            return (line.hours.next_opening(at) if line and line.hours else None) or at

        await missed(session, heard, opens=opens)


async def _call_list(session: AsyncSession, call_id: UUID, entry: Entry, customer_id: int | None) -> None:
    """What this call means for the lists that the customer is on."""
    call = entry.call
    assert call.ended_at is not None
    answered, outbound = call.result is Result.ANSWERED, call.direction is Direction.OUTBOUND
    if answered or not outbound or was_dialled(call):
        await call_ended(
            session,
            call_id=call_id,
            customer_id=customer_id,
            user_id=_operator_id(entry),
            ours=outbound,
            answered=answered,
            at=call.ended_at,
        )


def _operator_id(entry: Entry) -> int | None:
    """Who talked last, else who called."""
    operator = entry.directory.operator_at(entry.call.pbx, entry.call.operator or entry.call.dialler)
    if operator is not None:
        return operator.id
    return entry.errand.user_id if entry.errand else None


def verdict(call: Call, directory: Directory) -> tuple[str | None, Place | None]:
    """Return (result, where it died) as they are kept.

    What was missed while its line was closed is a class of its own: nobody was expected to answer.
    """
    line = directory.line(call.pbx, call.line)
    in_hours = line is None or line.hours is None or line.hours.is_open(call.started_at)
    place = died_in(call, in_hours=in_hours)
    return call.result if in_hours or place is None else rows.Result.AFTER_HOURS, place


def _wanted(call: Call, call_id: UUID, talked: bool) -> Wanted:
    assert call.ended_at is not None
    return Wanted(
        call_id=call_id,
        pbx=call.pbx,
        named=call.recordings,
        uniqueids=call.recording_uniqueids,
        days=days_of(call.started_at, call.ended_at),
        expected=talked and bool(call.recordings),
    )


def _facts(entry: Entry, customer: tuple[int, str] | None) -> CallFacts:
    call, number, errand, directory = entry.call, entry.number, entry.errand, entry.directory
    line = directory.line(call.pbx, call.line)
    result, missed_place = verdict(call, directory)
    rung = {attempt.uniqueid: attempt for attempt in attempts(call)}
    facts = CallFacts(
        id=call.id,
        pbx=call.pbx,
        linkedid=call.linkedid,
        linkedids=call.linkedids,
        direction=call.direction,
        state=call.state,
        started_at=call.started_at,
        remote_raw=call.remote_number,
        remote_e164=number.e164,
        remote_name=call.remote_name,
        line=call.line,
        line_id=line.id if line else None,
        queue=call.queue,
        operator_id=_operator_id(entry),
        operator_extension=call.operator or call.dialler,
        operators=call.operators,
        click_to_call=call.click_to_call,
        started_by=errand.user_id if errand else None,
        started_from=stored(errand),
        rang_at=call.first_rang_at,
        answered_at=call.answered_at,
        ended_at=call.ended_at,
        wait_s=call.wait_s,
        talk_s=call.talk_s,
        hold_s=call.hold_s,
        result=result,
        missed_place=missed_place,
        ended_by=call.ended_by,
        ended_reason=call.ended_reason,
        complete=call.complete,
        origin=entry.origin,
        customer_id=customer[0] if customer else None,
        customer_rule=customer[1] if customer else None,
        transfers=[_transfer(each) for each in call.transfers],
        recordings=call.recordings,
        tracker_state=to_json(call) if entry.origin is Origin.LIVE else None,
        legs=[
            _leg(call, leg, rung.get(leg.uniqueid), directory)
            for leg in call.legs
            if leg.rang_at or leg.answered_at or leg.result
        ],
        visits=[_visit(each) for each in call.visits if each.entered_at or each.outcome],
    )
    if entry.origin is Origin.LIVE:
        return facts
    blank: dict[str, Any] = dict.fromkeys(entry.unknown)
    blank["legs"] = [replace(leg, rang_s=None) for leg in facts.legs]  # how long it rang is not told
    return (
        replace(facts, **blank) if entry.before is None else _completed(replace(facts, **blank), entry.before)
    )


def _completed(facts: CallFacts, before: Before) -> CallFacts:
    """Return the facts with what was heard live, as far as the switchboard's own records do not tell it."""
    row = before.row
    filled: dict[str, Any] = {
        name: getattr(row, name) for name in LIVE_KNOWS if getattr(facts, name) in (None, ())
    }
    return replace(
        facts,
        **filled,
        id=row.id,
        linkedid=row.linkedid,
        linkedids=list(dict.fromkeys((*row.linkedids, *facts.linkedids))),
        recordings=list(dict.fromkeys((*row.recordings, *facts.recordings))),
        ended_reason=row.ended_reason or facts.ended_reason,
        legs=[replace(leg, rang_at=leg.rang_at or before.rang.get(leg.uniqueid)) for leg in facts.legs],
        visits=[_same_visit(visit, before) for visit in facts.visits],
    )


def _same_visit(visit: VisitFacts, before: Before) -> VisitFacts:
    """Return the visit under the instant at which it was heard to begin."""
    near = [it for it in before.visits if (it.uniqueid, it.queue) == (visit.uniqueid, visit.queue)]
    heard = min(near, key=lambda it: abs(it.began_at - visit.began_at), default=None)
    if heard is None or abs(heard.began_at - visit.began_at) > SAME_VISIT:
        return visit
    return replace(visit, began_at=heard.began_at, entered_at=heard.entered_at, position=heard.position)


def _leg(call: Call, leg: Leg, attempt: Attempt | None, directory: Directory) -> LegFacts:
    operator = directory.operator_at(call.pbx, leg.extension)
    return LegFacts(
        uniqueid=leg.uniqueid,
        extension=leg.extension,
        user_id=operator.id if operator else None,
        rang_at=leg.rang_at,
        answered_at=leg.answered_at,
        ended_at=leg.ended_at,
        result=leg.result,
        queue=attempt.queue if attempt else None,
        rang_s=attempt.rang_s if attempt else None,
    )


def _visit(visit: Visit) -> VisitFacts:
    return VisitFacts(
        uniqueid=visit.uniqueid,
        queue=visit.queue,
        began_at=visit.began_at,
        entered_at=visit.entered_at,
        left_at=visit.left_at,
        position=visit.position,
        left_position=visit.left_position,
        wait_s=visit.wait_s,
        outcome=visit.outcome,
    )


def _transfer(transfer: Any) -> dict[str, Any]:
    return {
        "kind": transfer.kind,
        "from": transfer.sender,
        "to": transfer.target,
        "at": transfer.at.isoformat(),
        "result": transfer.result,
    }
