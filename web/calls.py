"""Calls in the API: read; dialled and hung up; and what somebody writes down about one."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints, computed_field
from sqlalchemy.ext.asyncio import AsyncSession

from callcenter.places import DeskState
from callcenter.shown_line import LineNeeded
from crm_core.call import Direction, MissedPlace, Result
from crm_core.call_talk import Manner
from crm_core.dial_rule import DialRefused
from crm_core.errors import Conflict, NotFound
from crm_core.queue_visit import Outcome
from crm_core.read.calls import list_calls
from crm_core.read.one_call import load_call, require_call
from web.api import Operations
from web.errors import Choice, FieldError, Refusal
from web.fields import Answer, Given, Id, Instant
from web.listing import Listed, Listing, Text, possible, shown
from web.own import heard_so
from web.rights import (
    CALL_ANYWAY,
    EDIT_CALLS,
    HEAR_RECORDINGS,
    MAKE_CALLS,
    VIEW_CALLS,
    Person,
    Scope,
    require,
)
from web.services import Services, services
from web.sessions import person

operations = Operations("calls")
ToDial = Annotated[
    str,
    StringConstraints(pattern=r"^\+?[(]?[0-9]([ ()./-]{0,3}[0-9]){1,14}$"),
    Field(description="a telephone number as people write it, or an extension"),
]


class CallFilters(Given):
    """Which calls. `query`: name or number; `mine`: one's own alone; `missed`: those that died there, or anywhere.
    `manner`: what stood out in how they were talked, of those one may hear. `source`: of the customer.
    """

    query: Text = ""
    direction: Direction | None = None
    result: Result | None = None
    missed: MissedPlace | Literal["any"] | None = None
    operator_id: Id | None = None
    line_id: Id | None = None
    queue: Text | None = None
    source: Text | None = None
    customer_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None
    unlinked: bool = False
    mine: bool = False
    tag_id: Id | None = None
    manner: Manner | None = None


class CallsQuery(CallFilters, Listed):
    """Which calls. `query`: name or number; `mine`: one's own alone; `since` is included, `until` is not."""

    since: Instant | None = None
    until: Instant | None = None


class CallItem(Answer):
    """A call in a list; times in seconds; `unlinked`: it waits for a customer, an order or a deal.

    `missed_place`: where a missed call from outside died; null: it was not missed.
    """

    id: UUID
    direction: Direction
    state: str
    result: Result | None
    missed_place: MissedPlace | None
    remote_e164: str | None
    remote_raw: str | None
    remote_name: str | None
    line: str | None
    line_name: str | None
    queue: str | None
    operator_id: int | None
    operator: str | None
    operator_extension: str | None
    click_to_call: bool
    started_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_s: float | None
    talk_s: float | None
    disposition: str | None
    disposition_label: str | None
    customer_id: int | None
    customer_name: str | None = Field(validation_alias="customer")
    note: str
    links: int
    unlinked: bool
    recorded: bool

    @computed_field  # type: ignore[prop-decorator]  # mypy does not know decorated properties
    @property
    def display(self) -> str | None:
        return shown(self.remote_e164) or self.remote_raw


class LegAnswer(Answer):
    """One ringing of one phone, for `queue` if for one; without `ended_at` it still rings or talks."""

    extension: str | None
    user: str | None
    rang_at: datetime | None
    answered_at: datetime | None
    ended_at: datetime | None
    result: str | None
    queue: str | None
    rang_s: float | None


class VisitAnswer(Answer):
    """One stay in one queue; without `entered_at` refused at the door; positions count from 1."""

    queue: str
    entered_at: datetime | None
    left_at: datetime | None
    position: int | None
    left_position: int | None
    wait_s: float
    outcome: Outcome | None


class LinkAnswer(Answer):
    """What the call was about; a removed link stays, with who removed it."""

    id: int
    kind: str
    order_id: int | None
    deal_id: int | None
    label: str
    role: str
    rule: str
    created_at: datetime
    created_by: str | None
    removed_at: datetime | None
    removed_by: str | None


class CallAnswer(CallItem):
    """One call with its phones and what it was about; `note_version` must be sent back with a note."""

    pbx: str
    linkedid: str
    linkedids: list[str]
    rang_at: datetime | None
    hold_s: float | None
    origin: str
    ended_by: str | None
    ended_reason: str | None
    complete: bool
    customer_rule: str | None
    disposed_at: datetime | None
    note_version: int
    noted_at: datetime | None
    noted_by: str | None
    transfers: list[dict[str, Any]]
    legs: list[LegAnswer]
    visits: list[VisitAnswer]
    links_made: list[LinkAnswer] = Field(validation_alias="link_rows")


class Dial(Given):
    """Whom to call, and from what: the call is linked to the order, deal or callback it was started from."""

    to: ToDial
    customer_id: Id | None = None
    order_id: Id | None = None
    deal_id: Id | None = None
    callback_id: Id | None = None
    line: (
        Annotated[
            str,
            StringConstraints(pattern=r"^[+0-9A-Za-z_.-]{1,60}$"),
            Field(description="the number the customer shall see; must be one of our lines"),
        ]
        | None
    ) = None
    ask_line: Annotated[
        bool,
        Field(
            description="409 with `choices` when nothing says which line to show; else the switchboard's own"
        ),
    ] = False
    anyway: Annotated[bool, Field(description="also who is not to be called now; needs the right to")] = False


class DialledAnswer(Answer):
    """The call that was ordered; its stages come over the push connection."""

    id: UUID


def reader(who: Person, *, mine: bool = False) -> dict[str, Any]:
    """Whose calls this person may open and whose he may hear, for the queries on calls."""
    circle = frozenset((who.user_id,)) if mine else who.circle(VIEW_CALLS)
    return {"user_id": circle, "hears": who.circle(HEAR_RECORDINGS)}


def all_calls(who: Person) -> bool:
    """True when this person may see every call, not his own alone."""
    return who.scope(VIEW_CALLS) is Scope.ALL


async def own_call(
    request: web.Request, session: AsyncSession, call_id: UUID, *, typed: bool = False
) -> UUID:
    """The id under which the call is kept, when the visitor may work on it.

    `typed`: it is about what he may have typed before he handed the call on. Raises `NotFound`, `Forbidden` for a
    colleague's call, and `Conflict` while somebody goes on with it to whom he handed it. A call that stands on his
    desk but is not yet written down so far (the database was away) is a `Refusal` 503: the page sends again.
    """
    who = person(request)
    state = _on_desk(request, call_id)
    if state == DeskState.WATCHING and not typed:
        raise Conflict("You handed this call on. Whoever has it now goes on with it; you can watch.")
    everybody = who.scope(EDIT_CALLS) is Scope.ALL or state is not None
    try:
        return await require_call(session, call_id, user_id=who.circle(EDIT_CALLS), everybody=everybody)
    except NotFound:
        if state is None:
            raise
        raise Refusal(503, "This call is just being written down. Try again in a moment.") from None


def opens_call(request: web.Request, call_id: UUID) -> bool:
    """True when the visitor may open this call whatever its row says: he sees all, or it stands on his desk.

    The desk knows whose telephone rings before the row does.
    """
    return all_calls(person(request)) or _on_desk(request, call_id) is not None


def _on_desk(request: web.Request, call_id: UUID) -> str | None:
    """The state in which this call stands on the visitor's desk; None: it does not."""
    desk = services(request).live.desk(person(request).user_id)
    states = (it["call"]["state"] for it in desk["calls"] if it["call"]["id"] == str(call_id))
    return next(states, None)


async def tell_desk(parts: Services, call_id: UUID | None) -> None:
    """Let the desks that show this call read its card again; to be called after the commit."""
    if call_id is not None:
        await parts.live.desk_changed(call_id)


@operations.get("/calls", right=VIEW_CALLS, errors=(404,))
async def get_calls(request: web.Request, query: CallsQuery) -> Listing[CallItem]:
    """Calls, newest first; an operator's own alone."""
    who = person(request)
    filters = query.model_dump(exclude={"unlinked", "mine", "tag_id", "manner"})
    async with services(request).db.begin() as session:
        found = await list_calls(
            session,
            **reader(who, mine=query.mine),
            everybody=all_calls(who) and not query.mine,
            unlinked_only=query.unlinked,
            only=await heard_so(session, who, query.tag_id, query.manner),
            **filters,
        )
    return Listing[CallItem].model_validate(found)


@operations.get("/calls/{call_id}", right=VIEW_CALLS)
async def get_call(request: web.Request, call_id: UUID) -> CallAnswer:
    """One call. 403 for a colleague's."""
    everybody = opens_call(request, call_id)
    async with services(request).db.begin() as session:
        found = await load_call(session, call_id, **reader(person(request)), everybody=everybody)
    return CallAnswer.model_validate(found)


@contextmanager
def line_asked() -> Iterator[None]:
    """Where somebody must say which line is shown: 409 with the lines to choose from."""
    try:
        yield
    except LineNeeded as needed:
        choices = [
            Choice(value=line.number, label=line.name, detail=line.shop or "") for line in needed.lines
        ]
        error = FieldError(field="line", message=str(needed))
        raise Refusal(409, str(needed), errors=[error], choices=choices) from None


@contextmanager
def not_to_be_called(who: Person) -> Iterator[None]:
    """Where somebody is not to be called now: 409 with why, and for whoever may override it with the choice to."""
    try:
        yield
    except DialRefused as refused:
        error = FieldError(field="anyway", message=str(refused))
        choices = [Choice(value="anyway", label="Call anyway")] if who.may(CALL_ANYWAY) else []
        raise Refusal(409, str(refused), errors=[error], choices=choices) from None


@operations.post("/calls", right=MAKE_CALLS, status=202, errors=(403, 404, 409))
async def post_call(request: web.Request, body: Dial) -> DialledAnswer:
    """Click-to-call: rings the user's own phone, then `to`. 202: ordered, not yet answered.

    The line shown is the one given, else that of the order's shop, else the user's own. 409 for a number that is
    none, a line that is not ours, without a phone or without a switchboard, and for somebody who is not to be called
    now (asked so, sleeps, was tried often enough): then with the choice `anyway` for whoever may.
    """
    origin = body.model_dump(exclude={"to"})
    if body.anyway:
        require(person(request), CALL_ANYWAY)
    with possible(), line_asked(), not_to_be_called(person(request)):
        call_id = await services(request).live.dial(person(request).user_id, body.to, **origin)
    return DialledAnswer(id=call_id)
