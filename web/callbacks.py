"""Callbacks in the API: listed, planned, moved, closed."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm_core.callback import State, create_callback, update_callback
from crm_core.read.callbacks import list_callbacks, load_callback
from web.api import Operations
from web.calls import own_call, tell_desk
from web.customers import Written
from web.fields import EARLIEST, Answer, Given, Id, Instant, LongText, Name
from web.listing import Listed, Listing, possible
from web.pages import day_end
from web.rights import EDIT_CALLBACKS, VIEW_CALLBACKS
from web.services import services
from web.sessions import person

operations = Operations("callbacks")
Which = Literal["open", "overdue", "today", "planned", "done"]
WHICH_OF_STATE = {"open": "open", "done": "done", "cancelled": "done"}


class CallbacksQuery(Listed):
    """Which callbacks: `which` tab of the page, or `state`. `mine`: one's own and those anyone may take."""

    which: Which = "open"
    state: Literal["open", "done", "cancelled"] | None = None
    mine: bool = False
    customer_id: Id | None = None


class CallbackAnswer(Answer):
    """A promise to call: whom, when, what about."""

    id: int
    customer_id: int | None
    customer_name: str | None = Field(validation_alias="customer")
    number: str
    due_at: datetime
    reason: str
    note: str | None
    order_id: int | None
    order_number: str | None
    deal_id: int | None
    deal: str | None
    assigned_to: int | None
    assignee: str | None
    state: State
    source_call_id: UUID | None
    closed_by_call_id: UUID | None
    done_at: datetime | None
    created_at: datetime


class NewCallback(Given):
    """A promise to call. Nobody assigned: anyone may take it."""

    number: Written
    due_at: Instant
    reason: Name
    note: LongText | None = None
    customer_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None
    assigned_to: Id | None = None
    source_call_id: Annotated[UUID | None, Field(description="the call in which it was promised")] = None


class CallbackChange(Given):
    """What shall be different; what is absent stays. `state` closes it, or opens it again."""

    due_at: Instant = EARLIEST
    reason: Name = ""
    note: LongText | None = None
    assigned_to: Id | None = None
    state: State = State.OPEN


@operations.get("/callbacks", right=VIEW_CALLBACKS, errors=(404,))
async def get_callbacks(request: web.Request, query: CallbacksQuery) -> Listing[CallbackAnswer]:
    """Callbacks, the most urgent first; closed ones newest first."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        found = await list_callbacks(
            session,
            now=parts.now(),
            day_end=day_end(parts.now(), who),
            which=WHICH_OF_STATE[query.state] if query.state else query.which,
            state=query.state,
            assigned_to=who.user_id if query.mine else None,
            customer_id=query.customer_id,
            after=query.after,
            limit=query.limit,
        )
    return Listing[CallbackAnswer].model_validate(found)


@operations.post("/callbacks", right=EDIT_CALLBACKS, errors=(403, 404, 409))
async def post_callback(request: web.Request, body: NewCallback) -> CallbackAnswer:
    """Promise to call. 404 for an unknown customer or call, 409 for a number that is none, or an unknown
    order, deal or colleague."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.source_call_id and await own_call(request, session, body.source_call_id)
        given = body.model_dump() | {"source_call_id": call_id}
        with possible():
            made = await create_callback(
                session, country=parts.settings.country, created_by=who.user_id, **given
            )
        answer = CallbackAnswer.model_validate(await load_callback(session, made.id))
    await tell_desk(parts, call_id)
    return answer


@operations.get("/callbacks/{callback_id}", right=VIEW_CALLBACKS)
async def get_callback(request: web.Request, callback_id: Id) -> CallbackAnswer:
    """One callback."""
    async with services(request).db.begin() as session:
        return CallbackAnswer.model_validate(await load_callback(session, callback_id))


@operations.patch("/callbacks/{callback_id}", right=EDIT_CALLBACKS, errors=(409,))
async def patch_callback(request: web.Request, callback_id: Id, body: CallbackChange) -> CallbackAnswer:
    """Move, hand over or close a callback. 409 for an unknown colleague."""
    parts = services(request)
    changes = body.model_dump(exclude_unset=True)
    async with parts.db.begin() as session:
        await update_callback(session, callback_id, changes, at=parts.now())
        return CallbackAnswer.model_validate(await load_callback(session, callback_id))
