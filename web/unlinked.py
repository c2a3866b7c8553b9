"""Calls that wait to be linked or explained: the list, who has how many, and many settled at once."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_link
from crm_core.call import set_customer
from crm_core.read.suggestions import suggest
from crm_core.read.unlinked import list_unlinked
from crm_core.unlinked import by_operator, count_waiting, explain
from web.api import Operations
from web.call_work import note_change
from web.calls import CallItem, own_call, tell_desk
from web.fields import Answer, Given, Id
from web.listing import Listed, Listing, possible
from web.outcomes import Explanation, SuggestionAnswer
from web.rights import EDIT_CALLS, Person, Scope
from web.services import services
from web.sessions import person

operations = Operations("calls")


class UnlinkedQuery(Listed):
    """Whose calls; without `operator_id` those of everybody whose calls one may work on."""

    operator_id: Id | None = None


class UnlinkedAnswer(CallItem):
    """A call that waits, and what it may have been about, the likeliest first."""

    suggestions: list[SuggestionAnswer]


class OwesAnswer(Answer):
    """How many calls of this operator wait, and since when the oldest does."""

    user_id: int | None
    name: str | None
    calls: int
    oldest_at: datetime


class Settled(Given):
    """Many calls at once: linked with what each one was most likely about, or, with `reason`, explained by it."""

    call_ids: Annotated[list[UUID], Field(min_length=1, max_length=100)]
    reason: Explanation | None = None


class SettledAnswer(Answer):
    """How many were settled, and how many of one's list are left."""

    settled: int
    left: int


def whose(who: Person, operator_id: int | None = None) -> frozenset[int] | None:
    """Whose waiting calls are shown; None: everybody's."""
    reached = who.whose(EDIT_CALLS)
    if operator_id is None:
        return reached
    return frozenset((operator_id,)) if reached is None else reached & {operator_id}


@operations.get("/unlinked-calls", right=EDIT_CALLS, errors=(404,))
async def get_unlinked(request: web.Request, query: UnlinkedQuery) -> Listing[UnlinkedAnswer]:
    """Conversations that are neither linked nor explained, those that wait longest first."""
    who = person(request)
    async with services(request).db.begin() as session:
        found = await list_unlinked(
            session,
            reader=who.circle(EDIT_CALLS),
            user_ids=whose(who, query.operator_id),
            after=query.after,
            limit=query.limit,
        )
    return Listing[UnlinkedAnswer].model_validate(found)


@operations.get("/unlinked-calls/owed", right=EDIT_CALLS, at_least=Scope.ALL)
async def get_owed(request: web.Request) -> list[OwesAnswer]:
    """Who has how many, most first."""
    async with services(request).db.begin() as session:
        return [
            OwesAnswer(user_id=user_id, name=name, calls=calls, oldest_at=oldest)
            for user_id, name, calls, oldest in await by_operator(session)
        ]


@operations.post("/unlinked-calls/settled", right=EDIT_CALLS, status=200, errors=(403, 404, 409))
async def post_settled(request: web.Request, body: Settled) -> SettledAnswer:
    """Link each of these calls with its first suggestion, or explain all of them alike. A call for which there is no
    suggestion stays on the list."""
    parts, who = services(request), person(request)
    settled = []
    async with parts.db.begin() as session:
        kept = [await own_call(request, session, call_id) for call_id in body.call_ids]
        found = {} if body.reason else await suggest(session, kept, most=1)
        with possible():
            for call_id in dict.fromkeys(kept):
                if body.reason:
                    await explain(session, call_id, body.reason)
                elif first := next(iter(found.get(call_id, ())), None):
                    await accept(session, call_id, first.kind, first.id, user_id=who.user_id, at=parts.now())
                else:
                    continue
                await note_change(
                    session, request, "settle_call", call_id, reason=body.reason or "suggestion"
                )
                settled.append(call_id)
        left = await count_waiting(session, whose(who))
    for call_id in settled:
        await tell_desk(parts, call_id)
    return SettledAnswer(settled=len(settled), left=left)


async def accept(
    session: AsyncSession, call_id: UUID, kind: str, id_: int, *, user_id: int, at: datetime
) -> None:
    """Take a suggestion: an order or a deal is linked, a customer becomes the call's. Raises `NotFound`, `Invalid`."""
    if kind == "customer":
        await set_customer(session, call_id, id_, rule=call_link.CHOSEN, user_id=user_id, at=at)
        return
    target: dict[str, Any] = {"order_id": id_} if kind == "order" else {"deal_id": id_}
    await call_link.link(session, call_id, rule=call_link.CHOSEN, user_id=user_id, **target)
