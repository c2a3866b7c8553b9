"""Double cards in the API: found, merged, taken apart again."""

from datetime import datetime
from typing import Literal

from aiohttp import web

from crm_core import customer_merge as service
from crm_core.read.duplicates import list_duplicates
from web.api import Operations
from web.fields import Answer, Given, Id, ShortText
from web.listing import Listed, Listing, possible
from web.reach import find_referred
from web.rights import MERGE_CUSTOMERS, VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

operations = Operations("customers")


class DuplicatesQuery(Listed):
    """By what they are alike: a number, an e-mail, or name and city."""

    kind: Literal["number", "email", "name"] = "number"


class PersonAnswer(Answer):
    """One side of a pair, with what helps to choose who stays."""

    id: int
    name: str
    city: str | None
    email: str | None
    number: str | None
    orders: int
    calls: int
    created_at: datetime


class PairAnswer(Answer):
    """Two customers who are probably one person; `shared` is what they have in common, `first` the older card."""

    first: PersonAnswer
    second: PersonAnswer
    kind: str
    shared: str


class Together(Given):
    """Who (`customer_id`) shall become part of the customer in the address, and why."""

    customer_id: Id
    reason: ShortText | None = None


class Apart(Given):
    """Who (`customer_id`) is another person than the customer in the address."""

    customer_id: Id


class MergeAnswer(Answer):
    """`gone_id` is part of `survivor_id`, until `undone_at`."""

    id: int
    survivor_id: int
    gone_id: int
    user_id: int | None
    reason: str | None
    created_at: datetime
    undone_at: datetime | None


@operations.get("/duplicates", right=VIEW_CUSTOMERS, errors=(404,))
async def get_duplicates(request: web.Request, query: DuplicatesQuery) -> Listing[PairAnswer]:
    """Pairs of customers who are probably one person."""
    async with services(request).db.begin() as session:
        found = await list_duplicates(session, **query.model_dump())
    return Listing[PairAnswer].model_validate(found)


@operations.post("/customers/{customer_id}/merge", right=MERGE_CUSTOMERS, errors=(409,))
async def post_merge(request: web.Request, customer_id: Id, body: Together) -> MergeAnswer:
    """Let another customer become part of this one, with everything. 409 when either was merged already."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            made = await service.merge(
                session,
                customer_id,
                body.customer_id,
                user_id=person(request).user_id,
                reason=body.reason,
                at=parts.now(),
            )
        return MergeAnswer.model_validate(made)


@operations.post("/merges/{merge_id}/undo", right=MERGE_CUSTOMERS, errors=(409,), status=200)
async def post_unmerge(request: web.Request, merge_id: Id) -> MergeAnswer:
    """Take the two apart again. 409 when that was done, or the survivor was merged itself since."""
    parts = services(request)
    async with parts.db.begin() as session:
        survivor_id = await service.survivor_of(session, merge_id)
    await find_referred(request, {"customer_id": survivor_id})
    async with parts.db.begin() as session:
        made = await service.undo_merge(session, merge_id, user_id=person(request).user_id, at=parts.now())
        return MergeAnswer.model_validate(made)


@operations.post("/customers/{customer_id}/different", right=MERGE_CUSTOMERS, errors=(409,), status=204)
async def post_different(request: web.Request, customer_id: Id, body: Apart) -> None:
    """Say that two customers are two people: they are not offered again."""
    async with services(request).db.begin() as session:
        with possible():
            await service.are_different(
                session, customer_id, body.customer_id, user_id=person(request).user_id
            )
