"""Promises to customers: made, settled, listed; on the page with how many each operator kept."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core.promise import LONGEST, State, make_promise, settle_promise
from crm_core.read.promises import list_promises, load_promise, load_shares
from web.api import Operations
from web.calls import own_call, tell_desk
from web.fields import VISIBLE, Answer, Given, Id, Instant, Version
from web.forms import checked, fields
from web.listing import Listed, Listing, possible
from web.pages import Pages, go, number_in, read_filters, render, turn
from web.rights import KEEP_PROMISES, VIEW_PROMISES
from web.services import services
from web.sessions import person

operations = Operations("promises")
pages = Pages()
MONTH = timedelta(days=30)
Words = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST, pattern=VISIBLE)]
Which = Literal["open", "broken", "closed"]


class PromisesQuery(Listed):
    """Which promises; who sees all may ask for those of one customer too."""

    which: Which = "open"
    customer_id: Id | None = None


class PromiseAnswer(Answer):
    """What was promised until when; broken stays broken, also when it was done in the end (`closed_at`)."""

    id: int
    text: str
    due_at: datetime
    state: State
    customer_id: int
    customer: str
    order_id: int | None
    order_number: str | None
    call_id: UUID | None
    made_by: int | None
    maker: str | None
    broken_at: datetime | None
    closed_at: datetime | None
    created_at: datetime
    version: int


class NewPromise(Given):
    """What was promised, until when, to whom, about which order, in which call."""

    text: Words
    due_at: Instant
    customer_id: Id
    order_id: Id | None = None
    call_id: UUID | None = None
    key: Annotated[UUID | None, Field(description="sent again with the same key it is the same promise")] = (
        None
    )


class Settled(Given):
    """What became of it."""

    state: Literal["kept", "withdrawn"]
    version: Version


class ShareAnswer(Answer):
    """How an operator kept what was due in the last thirty days; `share` null: nothing is decided."""

    user_id: int
    name: str
    kept: int
    broken: int
    waiting: int
    share: float | None


@operations.get("/promises", right=VIEW_PROMISES, errors=(404,))
async def get_promises(request: web.Request, query: PromisesQuery) -> Listing[PromiseAnswer]:
    """Promises by their deadlines; an operator's own alone."""
    whose = person(request).whose(VIEW_PROMISES)
    async with services(request).db.begin() as session:
        found = await list_promises(session, whose=whose, **query.model_dump())
    return Listing[PromiseAnswer].model_validate(found)


@operations.get("/promises/shares", right=VIEW_PROMISES)
async def get_shares(request: web.Request) -> list[ShareAnswer]:
    """How operators keep their promises; an operator sees himself alone."""
    parts, whose = services(request), person(request).whose(VIEW_PROMISES)
    async with parts.db.begin() as session:
        found = await load_shares(session, since=parts.now() - MONTH, whose=whose)
    return [ShareAnswer.model_validate(each) for each in found]


@operations.post("/promises", right=KEEP_PROMISES, errors=(403, 404, 409))
async def post_promise(request: web.Request, body: NewPromise) -> PromiseAnswer:
    """Keep in mind what was promised. 404 for an unknown customer, order or call; 409 for a time that has passed."""
    parts, given = services(request), body.model_dump(exclude={"text", "call_id"})
    async with parts.db.begin() as session:
        call_id = body.call_id and await own_call(request, session, body.call_id)
        with possible():
            made = await make_promise(
                session,
                words=body.text,
                call_id=call_id,
                at=parts.now(),
                made_by=person(request).user_id,
                **given,
            )
        answer = PromiseAnswer.model_validate(await load_promise(session, made.id))
    await tell_desk(parts, call_id)
    return answer


@operations.post("/promises/{promise_id}/settle", right=KEEP_PROMISES, status=200, errors=(409,))
async def post_promise_settled(request: web.Request, promise_id: Id, body: Settled) -> PromiseAnswer:
    """Say what became of a promise. 409 when somebody did already."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        await settle_promise(
            session, promise_id, body.state, version=body.version, user_id=who.user_id, at=parts.now()
        )
        return PromiseAnswer.model_validate(await load_promise(session, promise_id))


@pages.get("/promises", right=VIEW_PROMISES)
async def show_promises(request: web.Request) -> web.Response:
    """Promises by their deadlines, and how many each operator kept."""
    parts, filters = services(request), read_filters(request, PromisesQuery)
    whose = person(request).whose(VIEW_PROMISES)
    async with parts.db.begin() as session:
        found = await list_promises(session, whose=whose, **filters.model_dump())
        shares = await load_shares(session, since=parts.now() - MONTH, whose=whose)
    context = {
        "which": filters.which,
        "rows": found.rows,
        "pages": turn(request, found),
        "shares": shares,
        "may_settle": person(request).may(KEEP_PROMISES),
    }
    return render(request, "promises.html", context)


@pages.post("/promises/{promise_id}", right=KEEP_PROMISES)
async def settle(request: web.Request) -> web.Response:
    """Settle a promise of the list."""
    typed: Mapping[str, Any] = await fields(request)
    version = typed.get("version", "")
    body = {"state": typed.get("state"), "version": int(version) if version.isdecimal() else None}
    await post_promise_settled(request, number_in(request, "promise_id"), checked(Settled, {}, **body))
    which = typed.get("which", "")
    return go(f"/promises?which={which}" if which in ("open", "broken") else "/promises", "settled")
