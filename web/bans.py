"""Whom nobody calls, and how often a day anybody is tried: in the API and on a page."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from crm_core.dial_rule import MOST_A_DAY, DoNotCall, ban, limit, list_bans, set_limit, unban
from web.api import Operations
from web.customers import Written
from web.fields import Answer, Given, Id, Name
from web.forms import checked, id_or_none, settle
from web.listing import possible, shown
from web.noted import note
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_CALL_BANS, EDIT_LINES
from web.services import services
from web.sessions import person

operations = Operations("bans")
pages = Pages()
_ID: JsonDict = {"type": "integer"}
_TEXT: JsonDict = {"type": "string"}
_NONE: JsonDict = {"type": "null"}


class BanAnswer(Answer):
    """Nobody calls this customer, or this number."""

    id: int
    customer_id: int | None
    name: str | None
    number: str | None
    display: str | None
    reason: str
    created_at: datetime


class NewBan(Given):
    """Who asked not to be called: a customer or a number, and why."""

    model_config = ConfigDict(
        json_schema_extra={
            "oneOf": [
                {"required": ["number"], "properties": {"number": _TEXT, "customer_id": _NONE}},
                {"required": ["customer_id"], "properties": {"customer_id": _ID, "number": _NONE}},
            ]
        }
    )

    reason: Name
    number: Written | None = None
    customer_id: Id | None = None

    @model_validator(mode="after")
    def _one(self) -> "NewBan":
        if (self.number is None) == (self.customer_id is None):
            raise ValueError("give number or customer_id, one of them")
        return self


class DialLimitGiven(Given):
    """Attempts a day to reach one customer; 0: no limit."""

    most_a_day: Annotated[int, Field(ge=0, le=MOST_A_DAY)]


class DialLimitAnswer(Answer):
    """Attempts a day to reach one customer; 0: no limit."""

    most_a_day: int


@operations.get("/do-not-call", right=EDIT_CALL_BANS)
async def get_bans(request: web.Request) -> list[BanAnswer]:
    """Whom nobody calls, the newest first."""
    async with services(request).db.begin() as session:
        return [_told(one, name) for one, name in await list_bans(session)]


@operations.post("/do-not-call", right=EDIT_CALL_BANS, errors=(404, 409))
async def post_ban(request: web.Request, body: NewBan) -> BanAnswer:
    """Call them no more; any dial is refused with the reason. 409 for a number that is none."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        with possible():
            made = await ban(
                session, user_id=who.user_id, country=parts.settings.country, **body.model_dump()
            )
        await note(session, request, "do_not_call.add", made.id, reason=made.reason)
        await session.refresh(made)
        return _told(made, None)


@operations.delete("/do-not-call/{ban_id}", right=EDIT_CALL_BANS)
async def delete_ban(request: web.Request, ban_id: Id) -> None:
    """They may be called again."""
    async with services(request).db.begin() as session:
        await unban(session, ban_id)
        await note(session, request, "do_not_call.remove", ban_id)


@operations.put("/dial-limit", right=EDIT_CALL_BANS)
async def put_dial_limit(request: web.Request, body: DialLimitGiven) -> DialLimitAnswer:
    """Say how often a day one customer may be tried without an answer."""
    async with services(request).db.begin() as session:
        await set_limit(session, body.most_a_day)
        await note(session, request, "dial_limit.set", 1, most_a_day=body.most_a_day)
    return DialLimitAnswer(most_a_day=body.most_a_day)


@pages.get("/do-not-call", right=EDIT_CALL_BANS)
async def show_bans(request: web.Request) -> web.Response:
    """The list and the limit."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        context = {
            "rows": [_told(one, name) for one, name in await list_bans(session)],
            "most_a_day": await limit(session),
            "may_hours": person(request).may(EDIT_LINES),
        }
    return render(request, "do_not_call.html", context, flash=flash, typed=typed)


@pages.post("/do-not-call", right=EDIT_CALL_BANS)
async def add_ban(request: web.Request) -> web.Response:
    """Add a number, or a customer from his page."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        customer_id = id_or_none(typed.get("customer_id", ""), "customer_id")
        await post_ban(request, checked(NewBan, typed, customer_id=customer_id))
        return go(f"/customers/{customer_id}" if customer_id else "/do-not-call", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/do-not-call/limit", right=EDIT_CALL_BANS)
async def change_limit(request: web.Request) -> web.Response:
    """Keep the limit."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        most = typed.get("most_a_day", "")
        await put_dial_limit(
            request, checked(DialLimitGiven, {}, most_a_day=int(most) if most.isdecimal() else None)
        )
        return go("/do-not-call", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/do-not-call/{ban_id}/remove", right=EDIT_CALL_BANS)
async def remove_ban(request: web.Request) -> web.Response:
    """They may be called again."""
    await delete_ban(request, number_in(request, "ban_id"))
    return go("/do-not-call", "removed")


def _told(one: DoNotCall, name: str | None) -> BanAnswer:
    return BanAnswer(
        id=one.id,
        customer_id=one.customer_id,
        name=name,
        number=one.number,
        display=shown(one.number),
        reason=one.reason,
        created_at=one.created_at,
    )
