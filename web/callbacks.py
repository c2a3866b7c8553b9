"""Callbacks in the API: listed, planned, moved, put off, closed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import sent_key
from crm_core.callback import Outcome, Role, State, create_callback, snooze, update_callback
from crm_core.calling_hours import LONGEST_MINUTES, MOST_ATTEMPTS
from crm_core.dial_lock import engaged
from crm_core.read.callbacks import CallbackRow, list_callbacks, load_callback, load_callback_calls
from crm_core.window_draft import use_up
from web.api import Operations
from web.callback_when import plannable
from web.calls import own_call, tell_desk
from web.customers import Written
from web.fields import EARLIEST, Answer, Given, Id, Instant, Key, LongText, Name, ShortText, UsedUp, Version
from web.listing import Listed, Listing
from web.number_owner import the_owner
from web.pages import day_end
from web.rights import EDIT_CALLBACKS, VIEW_CALLBACKS
from web.services import services
from web.sessions import person

operations = Operations("callbacks")
Minutes = Annotated[int, Field(ge=1, le=LONGEST_MINUTES)]
Attempts = Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]
Which = Literal["open", "overdue", "today", "planned", "done"]
WHICH_OF_STATE = {"open": "open", "done": "done", "cancelled": "done"}


class CallbacksQuery(Listed):
    """Which callbacks: `which` tab of the page, or `state`. `mine`: one's own, one's team's and those anyone may take;
    `since` is included in when they are due, `until` is not."""

    which: Which = "open"
    state: Literal["open", "done", "cancelled"] | None = None
    mine: bool = False
    assigned_to: Id | None = None
    team_id: Id | None = None
    customer_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class EngagedAnswer(Answer):
    """Who is with a customer now; without a name they call us and wait."""

    name: str | None
    talking: bool
    said: str


class CallbackAnswer(Answer):
    """Somebody is to be called: whom, when, what about. `timezone`: theirs; `missed`: how many calls of theirs nobody
    answered; `attempts`: how many of ours did not get through; `calling`: who is with them now."""

    id: int
    customer_id: int | None
    customer_name: str | None = Field(validation_alias="customer")
    number: str
    display: str
    due_at: datetime
    reason: str
    note: str | None
    order_id: int | None
    order_number: str | None
    deal_id: int | None
    deal: str | None
    assigned_to: int | None
    assignee: str | None
    team_id: int | None
    team: str | None
    state: State
    outcome: Outcome | None
    source_call_id: UUID | None
    closed_by_call_id: UUID | None
    done_at: datetime | None
    created_at: datetime
    created_by: int | None
    author: str | None
    timezone: str
    missed: int
    last_missed_at: datetime | None
    attempts: int
    repeat_minutes: int | None
    most_attempts: int | None
    escalated_at: datetime | None
    version: int
    calling: EngagedAnswer | None = None


class CallbackCallAnswer(Answer):
    """A call of a callback: theirs that was missed, or ours that was made for it."""

    call_id: UUID
    role: Role
    at: datetime
    operator: str | None
    result: str | None


class NewCallback(Given):
    """Somebody is to be called, by a colleague, a team or (neither) anyone. Without a repeat rule that of the house
    counts."""

    number: Written
    due_at: Instant
    reason: Name
    note: LongText | None = None
    customer_id: Annotated[
        Id | None, Field(description="absent: the customer who has the number; null: nobody we know")
    ] = None
    order_id: Id | None = None
    deal_id: Id | None = None
    assigned_to: Id | None = None
    team_id: Id | None = None
    repeat_minutes: Minutes | None = None
    most_attempts: Attempts | None = None
    source_call_id: Annotated[UUID | None, Field(description="the call in which it was promised")] = None
    key: Key = None
    draft: UsedUp = None


class CallbackChange(Given):
    """What shall be different; what is absent stays. `state` closes it, or opens it again."""

    due_at: Instant = EARLIEST
    reason: Name = ""
    note: LongText | None = None
    assigned_to: Id | None = None
    team_id: Id | None = None
    repeat_minutes: Minutes | None = None
    most_attempts: Attempts | None = None
    state: State = State.OPEN
    version: Version | None = None
    key: Key = None
    draft: UsedUp = None


class Snooze(Given):
    """Put off by so many minutes, to a moment at which they may be called; `note` is added to what stands there."""

    minutes: Minutes
    note: ShortText = ""


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
            mine=who.user_id if query.mine else None,
            **query.model_dump(exclude={"which", "state", "mine"}),
        )
        rows = await with_engaged(session, found.rows, parts.now())
    return Listing[CallbackAnswer].model_validate({"rows": rows, "next": found.next})


async def with_engaged(
    session: AsyncSession, rows: Sequence[CallbackRow], now: datetime
) -> list[CallbackAnswer]:
    """The rows with who is with these customers at this moment."""
    busy = await engaged(
        session,
        numbers={row.number for row in rows},
        customer_ids={row.customer_id for row in rows if row.customer_id is not None},
        now=now,
    )
    answers = []
    for row in rows:
        who = busy.get(f"customer {row.customer_id}") or busy.get(row.number)
        calling = EngagedAnswer.model_validate(who) if who and row.state == State.OPEN else None
        answers.append(CallbackAnswer.model_validate(row).model_copy(update={"calling": calling}))
    return answers


@operations.post("/callbacks", right=EDIT_CALLBACKS, errors=(403, 404, 409))
async def post_callback(request: web.Request, body: NewCallback) -> CallbackAnswer:
    """Plan a callback. 404 for an unknown customer or call; 409 for a number that is none, an unknown order, deal,
    colleague or team, (with the next allowed moment as choice) for a time at which nobody is to be called there, and
    (with the customers as choice) for a number that several have."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        call_id = body.source_call_id and await own_call(request, session, body.source_call_id)
        if (
            body.key is not None
            and (known := await sent_key.done_for(session, "callback", body.key)) is not None
        ):
            return await _answer(request, session, known)
        given = body.model_dump(exclude={"key", "draft"})
        given["source_call_id"] = call_id
        if "customer_id" not in body.model_fields_set:
            given["customer_id"] = await the_owner(request, session, body.number)
        with plannable():
            made = await create_callback(
                session, country=parts.settings.country, created_by=who.user_id, **given
            )
        if body.key is not None:
            await sent_key.remember(session, body.key, made.id)
        await use_up(session, who.user_id, body.draft)
        answer = await _answer(request, session, made.id)
    await tell_desk(parts, call_id)
    return answer


@operations.get("/callbacks/{callback_id}", right=VIEW_CALLBACKS)
async def get_callback(request: web.Request, callback_id: Id) -> CallbackAnswer:
    """One callback."""
    async with services(request).db.begin() as session:
        return await _answer(request, session, callback_id)


@operations.get("/callbacks/{callback_id}/calls", right=VIEW_CALLBACKS)
async def get_callback_calls(request: web.Request, callback_id: Id) -> list[CallbackCallAnswer]:
    """Missed calls and attempts of a callback, oldest first."""
    async with services(request).db.begin() as session:
        await load_callback(session, callback_id)
        found = await load_callback_calls(session, callback_id)
    return [CallbackCallAnswer.model_validate(each) for each in found]


@operations.patch("/callbacks/{callback_id}", right=EDIT_CALLBACKS, errors=(409,))
async def patch_callback(request: web.Request, callback_id: Id, body: CallbackChange) -> CallbackAnswer:
    """Move, hand over or close a callback. 409 for an unknown colleague or team, when `version` is stale, and for a
    time at which nobody is to be called there (with the next allowed moment as choice)."""
    parts, who = services(request), person(request)
    changes = body.model_dump(exclude_unset=True, exclude={"version", "key", "draft"})
    async with parts.db.begin() as session:
        done = body.key and await sent_key.done_for(session, "callback.change", body.key)
        if done is None:
            with plannable():
                await update_callback(session, callback_id, changes, at=parts.now(), version=body.version)
            if body.key is not None:
                await sent_key.remember(session, body.key, callback_id)
            await use_up(session, who.user_id, body.draft)
        return await _answer(request, session, callback_id)


@operations.post("/callbacks/{callback_id}/snooze", right=EDIT_CALLBACKS, status=200, errors=(409,))
async def post_snooze(request: web.Request, callback_id: Id, body: Snooze) -> CallbackAnswer:
    """Put a callback off. 409 when it is closed."""
    parts = services(request)
    async with parts.db.begin() as session:
        await snooze(session, callback_id, by=timedelta(minutes=body.minutes), note=body.note, at=parts.now())
        return await _answer(request, session, callback_id)


async def _answer(request: web.Request, session: AsyncSession, callback_id: int) -> CallbackAnswer:
    row = await load_callback(session, callback_id)
    return (await with_engaged(session, [row], services(request).now()))[0]
