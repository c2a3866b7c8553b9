"""What somebody does about a call: note, customer, links, draft, outcome."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import ConfigDict, Field, StringConstraints, model_validator
from pydantic.config import JsonDict
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit, call_link
from crm_core.baton import draft_keeper
from crm_core.call import attach_number, get_call, save_note, set_customer
from crm_core.call_link import CHOSEN, Role
from crm_core.customer import create_customer
from crm_core.draft import load_draft, save_draft
from crm_core.focus import set_focus
from crm_core.line import Line
from crm_core.read.customers import load_customer
from crm_core.read.one_call import load_links
from crm_core.wrap_up import choose_outcome
from web.api import Operations
from web.calls import LinkAnswer, own_call, tell_desk
from web.customers import CustomerAnswer, CustomerFields
from web.fields import Answer, Given, Id, LongText, Name, Version
from web.listing import possible
from web.middleware import visitor_address
from web.rights import EDIT_CALLS
from web.services import Services, services
from web.sessions import person

operations = Operations("calls")
OutcomeCode = Annotated[str, StringConstraints(pattern="^[a-z0-9_-]{1,40}$")]


class NoteText(Given):
    """A note as typed, over the version that was read."""

    text: LongText
    version: Version


class Kept(Answer):
    """What was typed is kept."""

    version: int
    saved_at: datetime


class ChosenCustomer(Given):
    """Whose call it is; remembered for the number."""

    customer_id: Id


class Caller(CustomerFields):
    """The unknown person of a call; the number is that of the call."""

    name: Name


_ID: JsonDict = {"type": "integer"}
_NONE: JsonDict = {"type": "null"}
ONE_OF: JsonDict = {
    "oneOf": [
        {"required": ["order_id"], "properties": {"order_id": _ID, "deal_id": _NONE}},
        {"required": ["deal_id"], "properties": {"deal_id": _ID, "order_id": _NONE}},
    ]
}


class NewLink(Given):
    """What the call is about: an order or a deal, one of them."""

    model_config = ConfigDict(json_schema_extra=ONE_OF)

    order_id: Id | None = None
    deal_id: Id | None = None
    role: Role = Role.DISCUSSED

    @model_validator(mode="after")
    def _one(self) -> "NewLink":
        if (self.order_id is None) == (self.deal_id is None):
            raise ValueError("give order_id or deal_id, one of them")
        return self


class Focus(Given):
    """What the operator has open in the card: an order or a deal, or neither."""

    model_config = ConfigDict(
        json_schema_extra={"anyOf": [{"properties": {"order_id": _NONE}}, {"properties": {"deal_id": _NONE}}]}
    )

    order_id: Id | None = None
    deal_id: Id | None = None

    @model_validator(mode="after")
    def _one(self) -> "Focus":
        if self.order_id is not None and self.deal_id is not None:
            raise ValueError("give order_id or deal_id, not both")
        return self


class FocusAnswer(Answer):
    """What is open now and since when; all null when nothing is."""

    order_id: int | None = None
    deal_id: int | None = None
    opened_at: datetime | None = None


class Draft(Given):
    """What is half typed, as the page wrote it."""

    body: dict[str, Any]
    version: Annotated[
        Version | None, Field(description="the version it was written over, 0 for none; absent: any")
    ] = None


class DraftAnswer(Answer):
    """What is half typed as it was kept last; version 0: nothing was."""

    body: dict[str, Any]
    version: int
    saved_at: datetime | None


class ChosenOutcome(Given):
    """What came of the call; ends the wrap-up."""

    code: OutcomeCode
    note: Annotated[LongText | None, Field(description="replaces the note when given")] = None


@operations.put("/calls/{call_id}/note", audited=False, right=EDIT_CALLS, errors=(409,))
async def put_note(request: web.Request, call_id: UUID, body: NoteText) -> Kept:
    """Keep the note. 409 when somebody else wrote meanwhile; nothing is overwritten."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id, typed=True)
        call = await save_note(
            session, kept, body.text, version=body.version, user_id=who.user_id, at=parts.now()
        )
        answer = Kept(version=call.note_version, saved_at=call.noted_at or parts.now())
    await tell_desk(parts, kept)
    return answer


@operations.put("/calls/{call_id}/customer", right=EDIT_CALLS, errors=(409,))
async def put_customer(request: web.Request, call_id: UUID, body: ChosenCustomer) -> CustomerAnswer:
    """Say whose call it is; the number becomes theirs and the choice is remembered. 409 for our own lines."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        with possible():
            answer = await choose_customer(session, parts, kept, body.customer_id, user_id=who.user_id)
        await note_change(session, request, "choose_customer", kept, customer_id=body.customer_id)
    await tell_desk(parts, kept)
    return answer


@operations.post("/calls/{call_id}/customer", right=EDIT_CALLS, errors=(409,))
async def post_caller(request: web.Request, call_id: UUID, body: Caller) -> CustomerAnswer:
    """Write down who an unknown caller is: a new customer with the number of the call."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        with possible():
            answer = await create_caller(session, parts, kept, body, user_id=who.user_id)
    await tell_desk(parts, kept)
    return answer


@operations.post("/calls/{call_id}/links", right=EDIT_CALLS, errors=(409,))
async def post_link(request: web.Request, call_id: UUID, body: NewLink) -> LinkAnswer:
    """Link a call to an order or a deal; an order brings its deal along."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        made = await call_link.link(session, kept, rule=CHOSEN, user_id=who.user_id, **body.model_dump())
        await note_change(session, request, "link_call", kept, **body.model_dump(exclude_none=True))
        links = await load_links(session, kept)
    await tell_desk(parts, kept)
    return LinkAnswer.model_validate(next(link for link in links if link.id == made.id))


@operations.delete("/calls/{call_id}/links/{link_id}", right=EDIT_CALLS, errors=(409,))
async def delete_link(request: web.Request, call_id: UUID, link_id: Id) -> None:
    """Take a link away; it stays in the history with who removed it."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        await call_link.unlink(session, kept, link_id, user_id=who.user_id, at=parts.now())
        await note_change(session, request, "unlink_call", kept, link_id=link_id)
    await tell_desk(parts, kept)


@operations.put("/calls/{call_id}/focus", audited=False, right=EDIT_CALLS, errors=(409,))
async def put_focus(request: web.Request, call_id: UUID, body: Focus) -> FocusAnswer:
    """Say which order or deal is open in the card of one's own call; what was open in the talk is linked at its end."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        opened = await set_focus(session, kept, who.user_id, at=parts.now(), **body.model_dump())
        answer = FocusAnswer.model_validate(opened) if opened is not None else FocusAnswer()
    await tell_desk(parts, kept)
    return answer


@operations.get("/calls/{call_id}/draft", audited=False, right=EDIT_CALLS)
async def get_draft(request: web.Request, call_id: UUID) -> DraftAnswer:
    """The half-made order that this operator has in this call."""
    async with services(request).db.begin() as session:
        kept = await own_call(request, session, call_id, typed=True)
        found = await load_draft(session, kept, person(request).user_id)
    if found is None:
        return DraftAnswer(body={}, version=0, saved_at=None)
    return DraftAnswer(body=found.body, version=found.version, saved_at=found.updated_at)


@operations.put("/calls/{call_id}/draft", audited=False, right=EDIT_CALLS, errors=(409,))
async def put_draft(request: web.Request, call_id: UUID, body: Draft) -> Kept:
    """Keep the half-made order of this call, one for each operator, and hold its goods for the call. 409 with the
    newest `version` when it was written elsewhere meanwhile, or somebody else has the call; nothing is overwritten."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id, typed=True)
        keeper = await draft_keeper(session, kept, who.user_id)
        version = await save_draft(
            session,
            kept,
            keeper,
            body.body,
            at=parts.now(),
            version=body.version if keeper == who.user_id else None,
            kept=timedelta(minutes=parts.settings.hold_minutes),
        )
    await tell_desk(parts, kept)
    return Kept(version=version, saved_at=parts.now())


@operations.put("/calls/{call_id}/disposition", right=EDIT_CALLS, errors=(409,))
async def put_disposition(request: web.Request, call_id: UUID, body: ChosenOutcome) -> None:
    """Say what came of the call; a call that is over leaves the desk. 409 for what is none, or a group of them."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        with possible():
            await choose_outcome(session, kept, body.code, user_id=who.user_id, at=parts.now())
        if body.note is not None:
            version = (await get_call(session, kept, lock=True)).note_version
            await save_note(session, kept, body.note, version=version, user_id=who.user_id, at=parts.now())
    await parts.live.finish(kept)


async def choose_customer(
    session: AsyncSession, parts: Services, call_id: UUID, customer_id: int, *, user_id: int
) -> CustomerAnswer:
    """The customer after the call and its number became theirs. Raises `NotFound`, `Invalid`."""
    call = await set_customer(session, call_id, customer_id, rule=CHOSEN, user_id=user_id, at=parts.now())
    await attach_number(session, call_id, country=parts.settings.country)
    await session.flush()
    return CustomerAnswer.model_validate(await load_customer(session, call.customer_id or customer_id))


async def create_caller(
    session: AsyncSession, parts: Services, call_id: UUID, body: Caller, *, user_id: int
) -> CustomerAnswer:
    """A new customer with the call's number, who came by the call's line unless said otherwise."""
    call = await get_call(session, call_id, lock=True)
    if call.customer_id is not None:
        known = CustomerAnswer.model_validate(await load_customer(session, call.customer_id))
        if known.name == body.name:  # sent again, for nobody knew whether it had arrived
            return known
    given = body.model_dump(exclude={"country", "source"})
    made = await create_customer(
        session,
        country=body.country or parts.settings.country,
        source=body.source or await _source(session, call.line_id),
        **given,
    )
    return await choose_customer(session, parts, call_id, made.id, user_id=user_id)


async def _source(session: AsyncSession, line_id: int | None) -> str:
    line = await session.get(Line, line_id) if line_id is not None else None
    return f"Call to {line.name}" if line is not None else "Call"


async def note_change(
    session: AsyncSession, request: web.Request, action: str, call_id: UUID, **detail: Any
) -> None:
    """Write into the audit log what was changed about a call."""
    await audit.record(
        session,
        user_id=person(request).user_id,
        action=action,
        object_kind="call",
        object_id=call_id,
        call_id=call_id,
        detail=detail,
        address=visitor_address(request),
    )
