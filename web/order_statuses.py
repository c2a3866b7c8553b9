"""The statuses of orders: read by everyone with orders, kept by those with the right to."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import Field, StringConstraints

from crm_core import audit, status_list
from crm_core.order_status import Group
from crm_core.status_list import LONGEST_DAYS, MOST, SHAPES, TONES, StatusWanted
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, StatusCode, Version
from web.listing import possible
from web.middleware import visitor_address
from web.rights import EDIT_STATUSES, VIEW_ORDERS
from web.services import services
from web.sessions import person

operations = Operations("orders")
Label = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Tone = Literal["grey", "blue", "amber", "green", "red", "teal"]
Shape = Literal["dot", "square", "diamond", "circle", "triangle"]
assert (Tone.__args__, Shape.__args__) == (TONES, SHAPES)  # type: ignore[attr-defined]  # typing does not tell


class StatusAnswer(Answer):
    """One status; `group` says what it means. Not active: retired, no order comes into it any more. An order that is
    longer than `late_days` in it is late. `built_in`: it can not be taken away; `house`: nor retired."""

    code: str
    group: Group
    name: str
    tone: Tone
    shape: Shape
    active: bool
    late_days: int | None
    built_in: bool
    house: bool


class StatusesAnswer(Answer):
    """All statuses on the way of an order, and the version of the list."""

    version: int
    statuses: list[StatusAnswer]


class StatusGiven(Given):
    """A status as it shall be. Without `code` it is a new one in `group`; the group of one that there is stays."""

    name: Label
    code: StatusCode | None = None
    group: Group | None = None
    tone: Tone = "grey"
    shape: Shape = "dot"
    active: bool = True
    late_days: Annotated[int, Field(ge=1, le=LONGEST_DAYS)] | None = None


class StatusesGiven(Given):
    """All statuses as they shall be, in each group in their order; one that is missing is taken away."""

    version: Version
    statuses: Annotated[list[StatusGiven], Field(min_length=1, max_length=MOST)]


@operations.get("/order-statuses", right=VIEW_ORDERS)
async def get_order_statuses(request: web.Request) -> StatusesAnswer:
    """Every status, retired ones too, on the way of an order."""
    async with services(request).db.begin() as session:
        return _answer(await status_list.list_statuses(session))


@operations.put("/order-statuses", right=EDIT_STATUSES, errors=(409,))
async def put_order_statuses(request: web.Request, body: StatusesGiven) -> StatusesAnswer:
    """Make, rename, order, retire and take away statuses, all at once. 409 when `version` is stale, for a status that
    orders were in, that is built in, or that a stage of a funnel goes with, when it would be taken away or retired."""
    async with services(request).db.begin() as session:
        before = {it.code: _said(it) for it in await status_list.list_statuses(session)}
        with possible():
            wanted = [StatusWanted(**one.model_dump()) for one in body.statuses]
            kept = await status_list.save_statuses(session, wanted, version=body.version)
        after = {it.code: _said(it) for it in kept}
        what = {
            code: [before.get(code), after.get(code)]
            for code in (*before, *(code for code in after if code not in before))
            if before.get(code) != after.get(code)
        }
        await audit.record(
            session,
            user_id=person(request).user_id,
            action="order_statuses.change",
            object_kind="order_statuses",
            detail=what,
            address=visitor_address(request),
        )
        return _answer(kept)


def _answer(found: list[status_list.OrderStatus]) -> StatusesAnswer:
    statuses = [StatusAnswer.model_validate(it) for it in found]
    return StatusesAnswer(version=max(it.version for it in found), statuses=statuses)


def _said(status: status_list.OrderStatus) -> str:
    """A status in one line, for the journal."""
    late = f", late after {status.late_days} days" if status.late_days else ""
    return f"{status.name} ({status.tone} {status.shape}{late}{'' if status.active else ', retired'})"
