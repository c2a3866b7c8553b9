"""Operators' shifts in the API: who does what now, pause and ready, queues, wrap-up, and the log of it all.

Everybody sets his own shift; whoever supervises may set another's, and that is in the audit log. An answer shows
the state as the switchboard has confirmed it; what it refused is a 409 in its words, and nothing was changed.
"""

from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import audit
from crm_core.agent_state import list_intervals
from crm_core.errors import Conflict
from crm_core.pause_reason import find_pause_reason
from crm_core.user import get_user
from web.api import Operations
from web.fields import Answer, Given, Id, Instant
from web.listing import possible
from web.middleware import visitor_address
from web.rights import SET_AGENTS, VIEW_AGENTS, Scope, require
from web.services import services
from web.sessions import person

operations = Operations("agents")
State = Literal["offline", "available", "ringing", "dialling", "talking", "held", "wrap_up", "paused"]
Pbx = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,40}$")]
Queue = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,79}$")]
ReasonCode = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,40}$")]
LONGEST_SPAN = timedelta(days=92)


class PhoneAnswer(Answer):
    """A telephone and what the switchboard says of it; null: nothing yet."""

    pbx: str
    extension: str
    device: str | None


class ColleagueAnswer(Answer):
    """Somebody with a telephone and what he does now."""

    id: int
    name: str
    state: State
    since: datetime | None
    reason: str | None
    phones: list[PhoneAnswer]


class QueueAnswer(Answer):
    """A queue: is he in it, fixed by configuration, paused there, by somebody else.

    `known` false: no link to that switchboard now, what is said is what was known last.
    """

    pbx: str
    queue: str
    member: bool
    fixed: bool
    paused: bool
    reason: str | None
    by_others: bool
    known: bool


class PauseAnswer(Answer):
    """One reason of ours for which he gets no queue calls."""

    kind: Literal["pause", "wrap_up"]
    reason: str | None
    since: datetime
    until: datetime | None
    call_id: UUID | None


class WrapUpAnswer(Answer):
    """The wrap-up that goes on; it ends by itself."""

    since: datetime
    until: datetime | None


class AgentAnswer(ColleagueAnswer):
    """One operator's shift as it is now; `trouble` is what the switchboard refused last, in its words."""

    role: str
    reason_code: str | None
    productive: bool | None
    call_id: UUID | None
    signed_in: bool
    queues: list[QueueAnswer]
    pauses: list[PauseAnswer]
    wrap_up: WrapUpAnswer | None
    trouble: str | None


class NewPause(Given):
    """Why he pauses: the code of a pause reason."""

    reason: ReasonCode


class Ready(Given):
    """`auto_pause`: also lift what the switchboard itself set because he let it ring."""

    auto_pause: bool = False


class MoreTime(Given):
    """How much longer the wrap-up shall be."""

    seconds: Annotated[int, Field(ge=5, le=600)] = 30


class IntervalsQuery(Given):
    """From when until when; both absent: the last 24 hours. At most 92 days."""

    since: Instant | None = None
    until: Instant | None = None


class IntervalAnswer(Answer):
    """From `from_at` until `to_at` (null: still) he was in this state; `reason` as it stands on the switchboard."""

    state: State
    reason: str | None
    signed_in: bool
    call_id: UUID | None
    from_at: datetime
    to_at: datetime | None


def _may_set(request: web.Request, user_id: int) -> int | None:
    """Whoever sets another's shift must supervise; returns his id then. Raises `NotFound`, `Forbidden`."""
    services(request).live.duty.describe(user_id)
    return _supervises(request, user_id)


def _supervises(request: web.Request, user_id: int) -> int | None:
    who = person(request)
    if user_id == who.user_id:
        return None
    require(who, SET_AGENTS, Scope.ALL)
    return who.user_id


@operations.get("/agents", right=VIEW_AGENTS)
async def get_agents(request: web.Request) -> list[ColleagueAnswer]:
    """Everybody with a telephone, by name, and what he does now."""
    return [ColleagueAnswer.model_validate(it) for it in services(request).live.colleagues()]


@operations.get("/agents/{user_id}", right=SET_AGENTS)
async def get_agent(request: web.Request, user_id: Id) -> AgentAnswer:
    """One operator's shift. 403 for a colleague's."""
    _may_set(request, user_id)
    return AgentAnswer.model_validate(services(request).live.duty.describe(user_id))


@operations.post("/agents/{user_id}/pause", right=SET_AGENTS, status=200, errors=(409,))
async def post_pause(request: web.Request, user_id: Id, body: NewPause) -> AgentAnswer:
    """Pause in all queues. 409 when the switchboard refused or did not confirm: then he is not paused."""
    by = _may_set(request, user_id)
    async with services(request).db.begin() as session:
        with possible():
            await find_pause_reason(session, body.reason)
    duty = services(request).live.duty
    agent = AgentAnswer.model_validate(await duty.pause(user_id, body.reason, by=by))
    await _note(request, "agent.pause", user_id, reason=body.reason)
    return agent


@operations.post("/agents/{user_id}/ready", right=SET_AGENTS, status=200, errors=(409,))
async def post_ready(request: web.Request, user_id: Id, body: Ready) -> AgentAnswer:
    """Lift his pause; what somebody else set on the switchboard stays, and is shown."""
    _may_set(request, user_id)
    duty = services(request).live.duty
    agent = AgentAnswer.model_validate(await duty.ready(user_id, auto_pause=body.auto_pause))
    await _note(request, "agent.ready", user_id)
    return agent


@operations.post("/agents/{user_id}/wrap-up/finish", right=SET_AGENTS, status=200, errors=(409,))
async def post_wrap_up_finish(request: web.Request, user_id: Id) -> AgentAnswer:
    """End the wrap-up now."""
    _may_set(request, user_id)
    agent = AgentAnswer.model_validate(await services(request).live.duty.finish_wrap_up(user_id))
    await _note(request, "agent.finish_wrap_up", user_id)
    return agent


@operations.post("/agents/{user_id}/wrap-up/extend", right=SET_AGENTS, status=200, errors=(409,))
async def post_wrap_up_extend(request: web.Request, user_id: Id, body: MoreTime) -> AgentAnswer:
    """More time for the wrap-up. 409 when there is none, or it would last more than half an hour."""
    _may_set(request, user_id)
    agent = AgentAnswer.model_validate(services(request).live.duty.extend_wrap_up(user_id, body.seconds))
    await _note(request, "agent.extend_wrap_up", user_id, seconds=body.seconds)
    return agent


@operations.put("/agents/{user_id}/queues/{pbx}/{queue}", right=SET_AGENTS, errors=(409,))
async def put_agent_queue(request: web.Request, user_id: Id, pbx: Pbx, queue: Queue) -> AgentAnswer:
    """Sign in to a queue with his telephone on that switchboard; whoever is in it stays in it."""
    _may_set(request, user_id)
    agent = AgentAnswer.model_validate(await services(request).live.duty.sign_in(user_id, pbx, queue))
    await _note(request, "agent.sign_in", user_id, pbx=pbx, queue=queue)
    return agent


@operations.delete("/agents/{user_id}/queues/{pbx}/{queue}", right=SET_AGENTS, status=200, errors=(409,))
async def delete_agent_queue(request: web.Request, user_id: Id, pbx: Pbx, queue: Queue) -> AgentAnswer:
    """Sign out of a queue. 409 for a member that the switchboard's configuration holds there."""
    _may_set(request, user_id)
    agent = AgentAnswer.model_validate(await services(request).live.duty.sign_out(user_id, pbx, queue))
    await _note(request, "agent.sign_out", user_id, pbx=pbx, queue=queue)
    return agent


@operations.get("/agents/{user_id}/states", right=SET_AGENTS, errors=(409,))
async def get_agent_states(request: web.Request, user_id: Id, query: IntervalsQuery) -> list[IntervalAnswer]:
    """What he did, interval by interval, without gaps; at most 1000. 409 for a span that can not be."""
    until = query.until or services(request).now()
    since = query.since or until - timedelta(days=1)
    async with services(request).db.begin() as session:
        await get_user(session, user_id)
        _supervises(request, user_id)
        if not since < until <= since + LONGEST_SPAN:
            raise Conflict("Ask for at most 92 days, from an earlier to a later instant.")
        rows = await list_intervals(session, user_id, since=since, until=until)
        return [IntervalAnswer.model_validate(row) for row in rows]


async def _note(request: web.Request, action: str, user_id: int, **detail: object) -> None:
    """What somebody did to another's shift is in the audit log; one's own is in the log of states."""
    who = person(request).user_id
    if who == user_id:
        return
    async with services(request).db.begin() as session:
        await audit.record(
            session,
            user_id=who,
            action=action,
            object_kind="user",
            object_id=user_id,
            detail=detail,
            address=visitor_address(request),
        )
