"""The time line of a call: what the switchboard said, cards sent and shown, what people did, sound and text.

Supervisors see every call, with the bytes on demand, and may export it with other numbers and names; operators see
their own calls in words.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import chain
from uuid import UUID

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.flight.export import export
from callcenter.flight.tape import Said, unpack
from callcenter.flight.words import tell
from crm_core.errors import NotFound
from crm_core.flight import load_tapes
from crm_core.line import Line
from crm_core.read.milestones import load_milestones
from crm_core.read.one_call import CallPage, load_call
from crm_core.user import Extension, User
from web.api import Operations
from web.call_work import note_change
from web.fields import Answer, Given
from web.pages import Pages, read_filters, render
from web.rights import READ_FLIGHT, VIEW_FLIGHT, Scope
from web.say import zone_of
from web.services import services
from web.sessions import person
from web.switchboards import rules_by_name

operations = Operations("calls")
pages = Pages()
NOT_KEPT = "Nothing is kept of what the switchboard said about this call."


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the time line. `source`: pbx, pop, operator, link or sound; without `words` it is a detail."""

    at: datetime
    source: str
    kind: str
    words: str | None
    values: Mapping[str, str]
    raw: str | None

    @property
    def text(self) -> str | None:
        """The sentence in English."""
        return self.words % self.values if self.words is not None else None


@dataclass(frozen=True, kw_only=True)
class Flight:
    """A call with all that is known of its course. `whole`: what was said was heard from the beginning to the end."""

    call: CallPage
    steps: list[Step]
    parts: list[list[Said]]
    whole: bool


class StepAnswer(Answer):
    """One thing that happened; `text` null: a message that says nothing to people, there only with `details`.

    `source`: pbx, pop, operator, link or sound; `kind`: the name of the AMI event, else the source; `raw`: as the
    switchboard said it, for those who may read it, with `details`.
    """

    at: datetime
    source: str
    kind: str
    text: str | None
    raw: str | None


class FlightAnswer(Answer):
    """The time line, oldest first. `kept`: what the switchboard said is still there; `whole`: all of it."""

    kept: bool
    whole: bool
    steps: list[StepAnswer]


class FlightQuery(Given):
    """`details`: every message of the switchboard, with its bytes."""

    details: bool = False


@operations.get("/calls/{call_id}/timeline", right=VIEW_FLIGHT)
async def get_timeline(request: web.Request, call_id: UUID, query: FlightQuery) -> FlightAnswer:
    """How a call went, step by step. `details` count for supervisors only; 403 for a colleague's call."""
    flight = await _flight(request, call_id)
    details = query.details and _reads(request)
    steps = [
        StepAnswer(
            at=step.at,
            source=step.source,
            kind=step.kind,
            text=step.text,
            raw=step.raw if details else None,
        )
        for step in flight.steps
        if details or step.words is not None
    ]
    return FlightAnswer(kept=bool(flight.parts), whole=flight.whole, steps=steps)


@operations.get(
    "/calls/{call_id}/export",
    right=READ_FLIGHT,
    at_least=Scope.ALL,
    produces="application/octet-stream",
)
async def get_export(request: web.Request, call_id: UUID) -> web.StreamResponse:
    """What the switchboard said about a call as a capture for `callcenter replay`, with other numbers and names.

    404 when it was not kept, or not any more.
    """
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call = await load_call(session, call_id, user_id=who.user_id, everybody=True)
        said = [unpack(tape.packed) for tape in await load_tapes(session, call.id)]
        if not said:
            raise NotFound(NOT_KEPT)
        lines = await _lines(session, call.pbx)
        await note_change(session, request, "export_flight", call.id)
    rules = rules_by_name(parts.settings, call.pbx)
    body = await asyncio.to_thread(lambda: export(said, lines=lines, rules=rules))
    headers = {
        "Content-Disposition": f'attachment; filename="call-{call.id}.ami"',
        "Cache-Control": "no-store",
    }
    return web.Response(body=body, content_type="application/octet-stream", headers=headers)


@pages.get("/calls/{call_id}/timeline", right=VIEW_FLIGHT)
async def show_timeline(request: web.Request) -> web.Response:
    """The same as a page."""
    try:
        call_id = UUID(request.match_info["call_id"])
    except ValueError:
        raise web.HTTPNotFound from None
    flight, reads = await _flight(request, call_id), _reads(request)
    details = reads and read_filters(request, FlightQuery).details
    zone, began = zone_of(person(request).timezone), flight.call.started_at
    context = {
        "call": flight.call,
        "steps": [step for step in flight.steps if details or step.words is not None],
        "hidden": sum(step.words is None for step in flight.steps),
        "whole": flight.whole,
        "kept": bool(flight.parts),
        "reads": reads,
        "details": details,
        "clock": lambda at: at.astimezone(zone).strftime("%H:%M:%S.%f")[:-5],
        "since": lambda at: _since((at - began).total_seconds()),
    }
    return render(request, "timeline.html", context)


def _reads(request: web.Request) -> bool:
    return person(request).scope(READ_FLIGHT) is Scope.ALL


def _since(seconds: float) -> str:
    """Seconds since the call began, as on a stop watch: +1:05.2."""
    sign, tenths = ("−" if seconds < 0 else "+"), round(abs(seconds) * 10)
    minutes, rest = divmod(tenths, 600)
    hours, minutes = divmod(minutes, 60)
    clock = f"{hours}:{minutes:02}" if hours else str(minutes)
    return f"{sign}{clock}:{rest // 10:02}.{rest % 10}"


async def _flight(request: web.Request, call_id: UUID) -> Flight:
    """Everything about a call. Raises `NotFound`, and `Forbidden` for a colleague's."""
    who, parts = person(request), services(request)
    everybody = who.scope(VIEW_FLIGHT) is Scope.ALL
    async with parts.db.begin() as session:
        call = await load_call(session, call_id, user_id=who.circle(VIEW_FLIGHT), everybody=everybody)
        tapes = await load_tapes(session, call.id)
        milestones = await load_milestones(session, call.id)
        names = await _names(session, call.pbx)
    said = [unpack(tape.packed) for tape in tapes]
    told = tell(
        chain.from_iterable(said),
        rules_by_name(parts.settings, call.pbx),
        names,
        withheld=call.direction == "inbound" and call.remote_raw is None,
    )
    steps = [
        Step(at=each.at, source="pbx", kind=each.kind, words=each.words, values=each.values, raw=each.raw)
        for each in told
    ]
    steps += [
        Step(at=each.at, source=each.source, kind=each.source, words=each.words, values=each.values, raw=None)
        for each in milestones
    ]
    whole = len(tapes) == 1 and tapes[0].whole
    return Flight(call=call, steps=sorted(steps, key=lambda step: step.at), parts=said, whole=whole)


async def _names(session: AsyncSession, pbx: str) -> dict[str, str]:
    query = select(Extension.extension, User.name).join(User, User.id == Extension.user_id)
    found = await session.execute(query.where(Extension.pbx == pbx))
    return {row.extension: row.name for row in found}


async def _lines(session: AsyncSession, pbx: str) -> list[str]:
    """The numbers of ours in every spelling: nobody's secret, and without them a capture is hard to read."""
    found = await session.execute(select(Line.did, Line.aliases).where(Line.pbx == pbx))
    return [number for did, aliases in found for number in (did, *aliases)]
