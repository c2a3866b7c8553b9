"""The courier in the API: what he has to bring, what he says at the door; an order is given to him."""

from datetime import datetime
from decimal import Decimal
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from crm_core import courier
from crm_core.read.deliveries import list_deliveries
from crm_core.read.tasks import load_task
from crm_core.task_rows import Means
from web.api import Operations
from web.fields import Answer, Given, Id, Instant, LongText, Money
from web.listing import Price, possible
from web.rights import DELIVER, GIVE_TASKS
from web.services import services
from web.sessions import person
from web.tasks import Reason, TaskAnswer, viewer

operations = Operations("tasks")


class DeliveryAnswer(Answer):
    """An order to be brought; `to_take` is what is still to be paid, `items` are (pieces, name)."""

    id: int
    mine: bool
    due_at: datetime | None
    wishes: str | None
    order_id: int
    number: str
    status: str
    to_take: Money
    currency: str
    address: str | None
    comment: str | None
    customer_name: str = Field(validation_alias="customer")
    e164: str | None
    items: list[tuple[int, str]]


class Mark(Given):
    """What the courier says: `set_off` with the parcel, `delivered` (with what was `taken`, by which `means`) or
    `not_delivered` and the `reason`. Saying the same again changes nothing."""

    mark: Literal["set_off", "delivered", "not_delivered"]
    taken: Price = Decimal(0)
    means: Means | None = None
    reason: Reason | None = None


class CourierTask(Given):
    """Who brings an order and by when; nobody named: the courier who takes it. The deadline is the order's."""

    performer_id: Id | None = None
    due_at: Instant | None = None
    remind_at: Instant | None = None
    wishes: LongText | None = None


@operations.get("/deliveries", right=DELIVER)
async def get_deliveries(request: web.Request) -> list[DeliveryAnswer]:
    """The orders one has to bring, the most urgent first."""
    async with services(request).db.begin() as session:
        found = await list_deliveries(session, viewer(request, DELIVER))
        return [DeliveryAnswer.model_validate(it) for it in found]


@operations.put("/deliveries/{task_id}", right=DELIVER, errors=(409,))
async def put_delivery(request: web.Request, task_id: Id, body: Mark) -> TaskAnswer:
    """What happens with an order on its way. 409 when it was called off, or was marked otherwise already."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        await load_task(session, viewer(request, DELIVER), task_id)
        by: dict[str, Any] = {"user_id": user_id, "at": parts.now()}
        with possible():
            match body.mark:
                case "set_off":
                    await courier.set_off(session, task_id, **by)
                case "delivered":
                    await courier.delivered(session, task_id, taken=body.taken, means=body.means, **by)
                case "not_delivered":
                    await courier.not_delivered(session, task_id, reason=body.reason or "", **by)
        return TaskAnswer.model_validate(await load_task(session, viewer(request), task_id))


@operations.post("/orders/{order_id}/courier", right=GIVE_TASKS, errors=(409,))
async def post_courier(request: web.Request, order_id: Id, body: CourierTask) -> TaskAnswer:
    """Let a courier bring an order. 409 when one has it already or there is nothing left to be brought."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        with possible():
            made = await courier.give_to_courier(
                session, order_id, at=parts.now(), user_id=user_id, **body.model_dump()
            )
        return TaskAnswer.model_validate(await load_task(session, viewer(request), made.id))
