"""What we did about a call, each with its instant: pops, notes, outcomes, links, orders, sound and text.

`words % values` is English; the pages translate `words`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.audit import AuditEntry
from crm_core.call import Call
from crm_core.listening import Mode, list_heard
from crm_core.outcome import Outcome
from crm_core.pop import Pop
from crm_core.read.actions import load_actions
from crm_core.read.one_call import load_links
from crm_core.recording import Recording, RecordingState, Transcript, TranscriptState
from crm_core.user import User

NOBODY = "Callcenter"


@dataclass(frozen=True, kw_only=True)
class Milestone:
    """One thing that was done. `source`: pop, operator, link or sound."""

    at: datetime
    source: str
    words: str
    values: Mapping[str, str]


ACTIONS = {
    "order_placed": "%(who)s places order %(what)s",
    "order_changed": "%(who)s changes order %(what)s",
    "callback_planned": "%(who)s plans a callback: %(what)s",
}
# Of the audit log; what stands elsewhere in the time line (links) is not told twice.
AUDITED = {
    "choose_customer": "%(who)s says whose call it is",
    "hear_recording": "%(who)s listens to the recording",
    "download_recording": "%(who)s downloads the recording",
    "export_flight": "%(who)s exports what the switchboard said",
}
HEARD = {
    Mode.LISTEN: "%(who)s listens to %(whom)s",
    Mode.WHISPER: "%(who)s whispers to %(whom)s",
    Mode.BARGE: "%(who)s speaks with %(whom)s and the customer",
    Mode.TAKE_OVER: "%(who)s takes the customer over from %(whom)s",
}
TOLD_ELSEWHERE = ("link_call", "unlink_call")
RECORDINGS = {
    RecordingState.READY: "A recording is there: %(file)s",
    RecordingState.EMPTY: "The recording %(file)s holds no sound",
    RecordingState.MISSING: "The recording %(file)s was not found",
    RecordingState.UNREADABLE: "The recording %(file)s can not be read",
    RecordingState.EXPECTED: "The recording %(file)s is awaited",
    RecordingState.EXPIRED: "The recording %(file)s was deleted",
}
TRANSCRIPTS = {
    TranscriptState.READY: "The text of the call is ready",
    TranscriptState.EMPTY: "Nothing was said that could be written down",
    TranscriptState.FAILED: "The text could not be made",
    TranscriptState.NO_MODEL: "No text: there is no speech model",
}


async def load_milestones(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    """Everything we did about this call, in the order in which it was done."""
    found = [
        *await _pops(session, call_id),
        *await _said_of_the_call(session, call_id),
        *await _links(session, call_id),
        *await _audited(session, call_id),
        *await _heard(session, call_id),
        *await _sound(session, call_id),
    ]
    for action in await load_actions(session, call_id):
        values = {"who": action.operator or NOBODY, "what": action.title}
        words = ACTIONS.get(action.kind, "%(who)s works on %(what)s")
        found.append(Milestone(at=action.at, source="operator", words=words, values=values))
    return sorted(found, key=lambda each: each.at)


async def _pops(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    query = select(Pop.sent_at, Pop.shown_at, User.name).join(User, User.id == Pop.user_id)
    found = []
    for sent_at, shown_at, name in await session.execute(query.where(Pop.call_id == call_id)):
        for at, words in (
            (sent_at, "The card is sent to %(who)s"),
            (shown_at, "The card is on the screen of %(who)s"),
        ):
            if at is not None:
                found.append(Milestone(at=at, source="pop", words=words, values={"who": name}))
    return found


async def _said_of_the_call(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    noted, disposed = aliased(User), aliased(User)
    query = (
        select(Call.noted_at, noted.name, Call.disposed_at, disposed.name, Outcome.label)
        .outerjoin(noted, noted.id == Call.noted_by)
        .outerjoin(disposed, disposed.id == Call.disposed_by)
        .outerjoin(Outcome, Outcome.code == Call.disposition)
        .where(Call.id == call_id)
    )
    found = []
    for noted_at, writer, disposed_at, chooser, outcome in await session.execute(query):
        if noted_at is not None:
            values = {"who": writer or NOBODY}
            found.append(
                Milestone(at=noted_at, source="operator", words="%(who)s writes the note", values=values)
            )
        if disposed_at is not None:
            values = {"who": chooser or NOBODY, "outcome": outcome or ""}
            words = "%(who)s gives the outcome: %(outcome)s"
            found.append(Milestone(at=disposed_at, source="operator", words=words, values=values))
    return found


async def _links(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    found = []
    for link in await load_links(session, call_id):
        values = {"who": link.created_by or NOBODY, "what": link.label}
        words = "%(who)s links the call with %(what)s"
        found.append(Milestone(at=link.created_at, source="link", words=words, values=values))
        if link.removed_at is not None:
            values = {"who": link.removed_by or NOBODY, "what": link.label}
            words = "%(who)s takes the link with %(what)s away"
            found.append(Milestone(at=link.removed_at, source="link", words=words, values=values))
    return found


async def _audited(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    query = (
        select(AuditEntry.created_at, AuditEntry.action, User.name)
        .outerjoin(User, User.id == AuditEntry.user_id)
        .where(AuditEntry.call_id == call_id, AuditEntry.action.not_in(TOLD_ELSEWHERE))
    )
    found = []
    for at, action, name in await session.execute(query):
        values = {"who": name or NOBODY, "action": action.replace("_", " ")}
        words = AUDITED.get(action, "%(who)s: %(action)s")
        found.append(Milestone(at=at, source="operator", words=words, values=values))
    return found


async def _heard(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    """Who listened, as far as operators were told."""
    return [
        Milestone(
            at=it.began_at,
            source="operator",
            words=HEARD[Mode(it.mode)],
            values={"who": it.listener, "whom": it.operator or it.extension},
        )
        for it in await list_heard(session, call_id=call_id)
        if it.told
    ]


async def _sound(session: AsyncSession, call_id: UUID) -> list[Milestone]:
    files = select(Recording.created_at, Recording.taken_at, Recording.state, Recording.path)
    found = []
    for created_at, taken_at, state, path in await session.execute(files.where(Recording.call_id == call_id)):
        values: dict[str, Any] = {"file": (path or "").rpartition("/")[2]}
        words = RECORDINGS[RecordingState(state)]
        found.append(Milestone(at=taken_at or created_at, source="sound", words=words, values=values))
    texts = select(Transcript.finished_at, Transcript.state).where(Transcript.call_id == call_id)
    for finished_at, state in await session.execute(texts):
        if finished_at is not None and state in TRANSCRIPTS:
            words = TRANSCRIPTS[TranscriptState(state)]
            found.append(Milestone(at=finished_at, source="sound", words=words, values={}))
    return found
