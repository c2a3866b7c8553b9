"""The courier's work: an order is given to him, and what he says at the door closes task, order and deal.

Everything of one mark is one transaction. Locks are taken in one order: task, order, deal. A mark that was
made already changes nothing, so a button pressed twice or sent again after a lost network is harmless.
"""

from datetime import datetime
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Invalid
from crm_core.money import money
from crm_core.notice import notify
from crm_core.order import Order, get_order, update_order
from crm_core.order_status import TO_BRING, Status, group_of, is_released, is_shipped
from crm_core.payment_came import add_payment
from crm_core.task import (
    add_entry,
    close,
    create_task,
    get_task,
    notify_author,
    set_state,
    take_task,
)
from crm_core.task_rows import Kind, Means, State, Task, What
from crm_core.user import Role


async def give_to_courier(
    session: AsyncSession,
    order_id: int,
    *,
    at: datetime,
    user_id: int | None,
    performer_id: int | None = None,
    due_at: datetime | None = None,
    remind_at: datetime | None = None,
    wishes: str | None = None,
) -> Task:
    """Let a courier (None: whoever takes it) bring this order. Raises `NotFound`, `Invalid`, `Conflict`."""
    order = await get_order(session, order_id, lock=True)
    if group_of(order.status) not in TO_BRING:
        raise Conflict(f"Order {order.number} has nothing left to be brought.")
    given = select(Task.id).where(
        Task.order_id == order.id, Task.kind == Kind.COURIER, Task.state == State.OPEN
    )
    if await session.scalar(given) is not None:
        raise Conflict(f"A courier has order {order.number} already.")
    return await create_task(
        session,
        title="Bring the order",  # no number: not all who see tasks may see the order
        text=wishes,
        kind=Kind.COURIER,
        at=at,
        user_id=user_id,
        performer_id=performer_id,
        role=Role.COURIER,
        order_id=order.id,
        due_at=due_at or order.promised_at,
        remind_at=remind_at,
    )


async def set_off(session: AsyncSession, task_id: int, *, user_id: int, at: datetime) -> Task:
    """The courier has the parcel and goes: the order is on delivery. Raises `NotFound`, `Conflict`."""
    task, order = await _on_the_way(session, task_id)
    if task.performer_id is None:
        await take_task(session, task_id, user_id=user_id, at=at)
    if not is_shipped(order.status):
        await _change(session, order, {"status": Status.ON_DELIVERY}, user_id=user_id, at=at)
    return task


async def delivered(
    session: AsyncSession,
    task_id: int,
    *,
    taken: Decimal | int | str,
    means: str | None,
    user_id: int,
    at: datetime,
) -> Task:
    """The customer has the goods and gave `taken`. An order that is paid by it is done, else only delivered;
    its deal goes along.

    Raises `NotFound`, `Invalid`, and `Conflict` when the order was called off or the task ended otherwise.
    """
    task = await get_task(session, task_id, lock=True)
    got = money(taken, "taken")
    if got and means not in tuple(Means):
        raise Invalid("Say how it was paid: cash or card.", "means")
    if task.state == State.DONE and task.kind == Kind.COURIER:
        if (task.taken or Decimal(0)) != got:
            raise Conflict(f"It was marked already, with {task.taken or 0} taken. Tell the office.")
        return task
    task, order = await _on_the_way(session, task_id)
    if got > (owed := max(Decimal(0), order.total - order.paid)):
        raise Invalid(f"Only {owed} {order.currency} is to be taken.", "taken")
    close(task, State.DONE, user_id=user_id, at=at)
    task.performer_id = task.performer_id or user_id
    task.taken, task.means = got, means if got else None
    if got:
        await add_payment(session, order.id, amount=got, method=means, user_id=user_id, at=at, quiet=True)
    status = Status.DONE if order.paid >= order.total else Status.DELIVERED
    await _change(session, order, {"status": status}, user_id=user_id, at=at)
    words = f"{got} {order.currency} ({means})" if got else None
    await add_entry(session, task, What.DONE, words, user_id=user_id, at=at)
    said = f"Delivered: order {order.number}" + (f", {words}" if words else "")
    await notify_author(session, task, said, besides=user_id)
    await _tell_manager(session, task, order, said, besides=user_id)
    return task


async def not_delivered(
    session: AsyncSession, task_id: int, *, reason: str, user_id: int, at: datetime
) -> Task:
    """The customer does not have the goods. The order stays as it is: who gave the task decides.

    Raises `NotFound`, `Invalid` without a reason, `Conflict` when it was marked delivered.
    """
    task = await _courier_task(session, task_id)
    was_open = task.state == State.OPEN
    task = await set_state(session, task_id, State.NOT_DONE, user_id=user_id, at=at, reason=reason)
    if was_open:
        assert task.order_id is not None
        order = await get_order(session, task.order_id)
        said = f"Not delivered: order {order.number}: {reason}"
        await _tell_manager(session, task, order, said, besides=user_id)
    return task


async def _tell_manager(session: AsyncSession, task: Task, order: Order, said: str, *, besides: int) -> None:
    """Who is in charge of the order hears it too, unless he gave the task or did this himself."""
    told = {order.manager_id} - {None, besides, task.created_by}
    await notify(session, {it for it in told if it}, said, address=f"/orders/{order.id}")


async def _courier_task(session: AsyncSession, task_id: int) -> Task:
    task = await get_task(session, task_id, lock=True)
    if task.kind != Kind.COURIER or task.order_id is None:
        raise Conflict(f"The task “{task.title}” is not a courier's.")
    return task


async def _on_the_way(session: AsyncSession, task_id: int) -> tuple[Task, Order]:
    """The open task and its order, both locked."""
    task = await _courier_task(session, task_id)
    if task.state != State.OPEN:
        raise Conflict(f"The task “{task.title}” is closed already.")
    assert task.order_id is not None
    order = await get_order(session, task.order_id, lock=True)
    if is_released(order.status):
        raise Conflict(f"Order {order.number} was called off. Bring the goods back.")
    return task, order


async def _change(
    session: AsyncSession, order: Order, changes: dict[str, object], *, user_id: int, at: datetime
) -> None:
    await update_order(session, order.id, version=order.version, changes=changes, user_id=user_id, at=at)
