"""Listening to colleagues' calls: begin, change the mode, take over, leave; who listened; are operators told."""

from datetime import datetime
from uuid import UUID

from aiohttp import web

from crm_core.listening import Mode, list_heard, operators_told, tell_operators
from web.api import Operations
from web.fields import Answer, Given
from web.listing import possible
from web.noted import note
from web.rights import LISTEN_CALLS, SET_LISTENING
from web.services import services
from web.sessions import person

operations = Operations("listening")


class HowToHear(Given):
    """`listen`: nobody hears you; `whisper`: the operator does; `barge`: operator and customer do."""

    mode: Mode = Mode.LISTEN


class ListeningAnswer(Answer):
    """One span in one mode; `ended_at` null: still. `told`: the operator could see it."""

    id: int
    call_id: UUID
    listener: str
    operator: str | None
    extension: str
    mode: str
    told: bool
    began_at: datetime
    ended_at: datetime | None


class ListeningRuleAnswer(Answer):
    """Do operators see on their card who listens?"""

    told: bool


class NewListeningRule(Given):
    """What holds for stays that begin from now on."""

    told: bool


@operations.post("/calls/{call_id}/listening", right=LISTEN_CALLS, status=202, errors=(409,))
async def post_listening(request: web.Request, call_id: UUID, body: HowToHear) -> None:
    """Hear a colleague's call: one's own telephone rings. While one hears it: change the mode, also to take over.

    403 for a colleague outside the reach of the right, 404 when the call is over, 409 with the reason.
    """
    who, live = person(request), services(request).live
    whose = who.whose(LISTEN_CALLS)
    with possible():
        if body.mode is Mode.TAKE_OVER:
            await live.take_over(call_id, who.user_id, whose=whose)
        else:
            await live.listen(call_id, who.user_id, body.mode, whose=whose)
    async with services(request).db.begin() as session:
        await note(session, request, "call.listen", call_id, mode=str(body.mode))


@operations.post("/calls/{call_id}/listening/leave", right=LISTEN_CALLS, status=204, errors=(409,))
async def post_listening_leave(request: web.Request, call_id: UUID) -> None:
    """Hear it no more; one's telephone is let go."""
    with possible():
        await services(request).live.stop_listening(call_id, person(request).user_id)
    async with services(request).db.begin() as session:  # not with the call: operators may not be told
        await note(session, request, "call.stop_listening", call_id)


@operations.get("/listenings", right=LISTEN_CALLS)
async def get_listenings(request: web.Request) -> list[ListeningAnswer]:
    """Who listened to whom, the latest 200 first."""
    async with services(request).db.begin() as session:
        found = await list_heard(session, operators=person(request).whose(LISTEN_CALLS))
        return [ListeningAnswer.model_validate(it) for it in found]


@operations.get("/listening-rule", right=LISTEN_CALLS)
async def get_listening_rule(request: web.Request) -> ListeningRuleAnswer:
    """Are operators told?"""
    async with services(request).db.begin() as session:
        return ListeningRuleAnswer(told=await operators_told(session))


@operations.put("/listening-rule", right=SET_LISTENING)
async def put_listening_rule(request: web.Request, body: NewListeningRule) -> ListeningRuleAnswer:
    """Say whether operators are told."""
    async with services(request).db.begin() as session:
        await tell_operators(session, body.told)
        await note(session, request, "listening_rule.set", None, told=body.told)
    return ListeningRuleAnswer(told=body.told)
