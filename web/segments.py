"""Segments, and the matrix of recency and frequency, in the API."""

from datetime import datetime
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import segment as service
from crm_core.read.rfm import load_matrix
from crm_core.read.segments import compiled, count_customers, in_segment
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id, Money, Version
from web.listing import possible
from web.rights import EDIT_SEGMENTS, VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

operations = Operations("segments")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Rules = Annotated[
    dict[str, Any],
    Field(description='{"all": […]}, {"any": […]}, {"not": …} or {"field": "city", "is": "Kraków"}'),
]


class SegmentAnswer(Answer):
    """A saved set of rules; who belongs to it is looked up when it is asked."""

    id: int
    name: str
    rules: dict[str, Any]
    version: int
    created_at: datetime


class NewSegment(Given):
    """Rules to keep under a name."""

    name: Label
    rules: Rules


class SegmentChange(Given):
    """What shall be different; what is absent stays."""

    version: Version
    name: Label | None = None
    rules: Rules | None = None


class RulesGiven(Given):
    """Rules to try."""

    rules: Rules


class CountAnswer(Answer):
    """How many customers belong there now."""

    customers: int


class CellAnswer(Answer):
    """One cell of the matrix: recency 5 bought in the last 30 days, frequency 5 ten times or more."""

    recency: int
    frequency: int
    customers: int
    sums: dict[str, Money]


@operations.get("/segments", right=VIEW_CUSTOMERS)
async def get_segments(request: web.Request) -> list[SegmentAnswer]:
    """All segments by name."""
    async with services(request).db.begin() as session:
        return [SegmentAnswer.model_validate(it) for it in await service.list_segments(session)]


@operations.post("/segments", right=EDIT_SEGMENTS, errors=(409,))
async def post_segment(request: web.Request, body: NewSegment) -> SegmentAnswer:
    """Keep rules under a name. 409 for rules that can not be, naming the place, and for a name that is taken."""
    async with services(request).db.begin() as session:
        with possible():
            made = await service.add_segment(
                session, name=body.name, rules=body.rules, user_id=person(request).user_id
            )
        return SegmentAnswer.model_validate(made)


@operations.patch("/segments/{segment_id}", right=EDIT_SEGMENTS, errors=(409,))
async def patch_segment(request: web.Request, segment_id: Id, body: SegmentChange) -> SegmentAnswer:
    """Rename a segment or give it other rules. 409 as above, and when `version` is stale."""
    changes = body.model_dump(exclude_none=True, exclude={"version"})
    async with services(request).db.begin() as session:
        with possible():
            changed = await service.change_segment(session, segment_id, version=body.version, **changes)
        return SegmentAnswer.model_validate(changed)


@operations.delete("/segments/{segment_id}", right=EDIT_SEGMENTS)
async def delete_segment(request: web.Request, segment_id: Id) -> None:
    """Forget a segment; its customers stay."""
    async with services(request).db.begin() as session:
        await service.remove_segment(session, segment_id)


@operations.get("/segments/{segment_id}/count", right=VIEW_CUSTOMERS, errors=(409,))
async def get_segment_count(request: web.Request, segment_id: Id) -> CountAnswer:
    """How many belong to it now. 409 when its rules name a field that there is no more."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            condition = await in_segment(session, segment_id, parts.now())
        return CountAnswer(customers=await count_customers(session, condition))


@operations.post("/segment-counts", right=EDIT_SEGMENTS, errors=(409,), status=200)
async def post_rules_count(request: web.Request, body: RulesGiven) -> CountAnswer:
    """How many customers these rules mean now. 409 for rules that can not be."""
    parts = services(request)
    async with parts.db.begin() as session:
        with possible():
            condition = compiled(await service.checked_rules(session, body.rules), parts.now())
        return CountAnswer(customers=await count_customers(session, condition))


@operations.get("/customer-matrix", right=VIEW_CUSTOMERS)
async def get_matrix(request: web.Request) -> list[CellAnswer]:
    """Who bought how lately and how often: twenty-five cells with their customers and sums."""
    parts = services(request)
    async with parts.db.begin() as session:
        cells = await load_matrix(session, parts.now())
    return [
        CellAnswer(recency=r, frequency=f, customers=cell.customers, sums=cell.sums)
        for (r, f), cell in cells.items()
    ]
