"""The calls that were about an order or a deal, for whoever looks at it in the card."""

from datetime import datetime
from uuid import UUID

from aiohttp import web
from pydantic import Field

from crm_core.read.deals import load_deal
from crm_core.read.orders import load_order
from crm_core.read.timeline import Item, load_talks
from web.api import Operations
from web.calls import reader
from web.fields import Answer, Id
from web.rights import HEAR_RECORDINGS, VIEW_DEALS, VIEW_ORDERS, Scope
from web.services import services
from web.sessions import person

operations = Operations("calls")


class TalkAnswer(Answer):
    """A linked call. `recorded`: there is a recording, and one may hear it."""

    id: UUID
    started_at: datetime = Field(validation_alias="at")
    direction: str | None
    result: str | None
    operator: str | None
    talk_s: float
    role: str | None
    mine: bool
    note: str | None = Field(validation_alias="text")
    disposition: str | None
    recorded: bool


@operations.get("/orders/{order_id}/calls", right=VIEW_ORDERS)
async def get_order_calls(request: web.Request, order_id: Id) -> list[TalkAnswer]:
    """The calls linked to an order, newest first, at most fifty."""
    async with services(request).db.begin() as session:
        await load_order(session, order_id)
        found = await load_talks(session, **reader(person(request)), order_id=order_id)
    return [_told(request, each) for each in found]


@operations.get("/deals/{deal_id}/calls", right=VIEW_DEALS)
async def get_deal_calls(request: web.Request, deal_id: Id) -> list[TalkAnswer]:
    """The calls linked to a deal, newest first, at most fifty."""
    async with services(request).db.begin() as session:
        await load_deal(session, deal_id)
        found = await load_talks(session, **reader(person(request)), deal_id=deal_id)
    return [_told(request, each) for each in found]


def _told(request: web.Request, talk: Item) -> TalkAnswer:
    may_hear = talk.hearable or person(request).scope(HEAR_RECORDINGS) is Scope.ALL
    return TalkAnswer.model_validate(talk).model_copy(update={"recorded": talk.recorded and may_hear})
