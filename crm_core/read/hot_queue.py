"""Everything that waits for a call from us, as causes for `crm_core.queue_rank`.

Each kind is read through an index and up to a bound, the most urgent of it: so the queue costs the same with a thousand
customers and with a million, and beyond the bound stands only what would stand far down.
"""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.callback import Callback
from crm_core.callback import State as CallbackState
from crm_core.customer import Customer
from crm_core.dial_rule import DoNotCall
from crm_core.lead_rows import Lead
from crm_core.lead_rows import State as LeadState
from crm_core.order import Order
from crm_core.order_rows import WAITED_FOR
from crm_core.promise import Promise
from crm_core.queue_rank import Cause, Kind, Person, ranked
from crm_core.read.call_lists import due_entries
from crm_core.read.orders import owed
from crm_core.site import Cart
from crm_core.task_rows import State as TaskState
from crm_core.task_rows import Task
from crm_core.turn import Turn

MOST = 400  # of each kind
LABEL = 120  # letters of what is in a cart
TO_PAY = timedelta(hours=2)  # an order younger than that is just being paid
FORGOTTEN = timedelta(days=30)  # what is older is no work of today
SHOPPING = timedelta(hours=1)  # a cart that was touched since is still being filled
COLD = timedelta(days=5)  # whoever left a cart longer ago has bought elsewhere, or nothing


@dataclass(frozen=True, kw_only=True)
class Taker:
    """For whom the queue is read: what is given to a colleague is not offered to him. None: all of it."""

    user_id: int
    role: str
    team_id: int | None = None


async def load_queue(session: AsyncSession, now: datetime, taker: Taker | None = None) -> list[Person]:
    """Everybody who waits and whom nobody has or let rest just now, the most pressing first."""
    causes = [cause async for cause in _causes(session, now, taker)]
    customers = {cause.customer_id for cause in causes if cause.customer_id is not None}
    marked = select(Customer.id).where(Customer.id.in_(customers), Customer.vip)
    important = frozenset(await session.scalars(marked)) if customers else frozenset()
    people = ranked(causes, now, important=important)
    refused = await _not_to_be_called(session, customers, {person.number for person in people})
    resting = await _resting(session, now)
    return [
        person
        for person in people
        if not ({person.key, f"n{person.number}"} & refused)
        and not (person.key in resting and person.newest <= resting[person.key])
    ]


async def taken_now(session: AsyncSession, now: datetime) -> Sequence[Turn]:
    """The turns that go on."""
    live = select(Turn).where(Turn.ended_at.is_(None), Turn.lease_until > now)
    return (await session.scalars(live.order_by(Turn.taken_at))).all()


async def _not_to_be_called(session: AsyncSession, customers: set[int], numbers: set[str | None]) -> set[str]:
    condition = or_(DoNotCall.customer_id.in_(customers), DoNotCall.number.in_({n for n in numbers if n}))
    rows = await session.scalars(select(DoNotCall).where(condition))
    return {f"c{row.customer_id}" if row.customer_id is not None else f"n{row.number}" for row in rows}


async def _resting(session: AsyncSession, now: datetime) -> dict[str, datetime]:
    """Who was called or passed over, until when nothing new: key -> what began until then rests."""
    rows = await session.scalars(select(Turn).where(Turn.rest_until > now))
    return {row.key: row.ended_at or now for row in rows}


async def _causes(session: AsyncSession, now: datetime, taker: Taker | None) -> AsyncIterator[Cause]:
    for read in (_callbacks, _promises, _unpaid, _stuck, _carts, _tasks, _leads, _listed):
        for cause in await read(session, now, taker):
            yield cause


async def _callbacks(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Callbacks that are due, those that missed calls left among them."""
    mine = _mine(Callback.assigned_to, taker)
    if taker is not None:
        mine.append(or_(Callback.team_id.is_(None), Callback.team_id == taker.team_id))
    missed = Callback.missed > 0
    due = select(Callback).where(Callback.state == CallbackState.OPEN, Callback.due_at <= now, *mine)
    rows = (
        await session.execute(due.add_columns(missed.label("missed")).order_by(Callback.due_at).limit(MOST))
    ).all()
    return [
        Cause(
            kind=Kind.MISSED if row.missed else Kind.CALLBACK,
            object="callback",
            id=row.Callback.id,
            since=row.Callback.last_missed_at or row.Callback.due_at,
            label=row.Callback.reason,
            customer_id=row.Callback.customer_id,
            number=row.Callback.number,
        )
        for row in rows
    ]


async def _promises(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Promises whose time has come."""
    query = select(Promise.id, Promise.text, Promise.customer_id, Promise.due_at)
    query = query.where(Promise.closed_at.is_(None), Promise.due_at <= now)
    rows = await session.execute(query.order_by(Promise.due_at.desc()).limit(MOST))
    return [
        Cause(kind=Kind.PROMISE, object="promise", id=id_, since=due_at, label=said, customer_id=customer_id)
        for id_, said, customer_id, due_at in rows
    ]


async def _unpaid(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Orders that are not paid, though not so young that they are just being paid."""
    query = select(
        Order.id, Order.number, Order.customer_id, Order.total - Order.paid, Order.currency, Order.created_at
    )
    query = query.where(Order.created_at.between(now - FORGOTTEN, now - TO_PAY), owed())
    rows = await session.execute(query.order_by(Order.created_at.desc()).limit(MOST))
    return [
        Cause(
            kind=Kind.UNPAID,
            object="order",
            id=id_,
            since=created_at,
            label=number,
            money=owed,
            currency=currency,
            customer_id=customer_id,
        )
        for id_, number, customer_id, owed, currency, created_at in rows
    ]


async def _stuck(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Orders that should have come by now."""
    query = select(Order.id, Order.number, Order.customer_id, Order.total, Order.currency, Order.promised_at)
    query = query.where(text(WAITED_FOR), Order.promised_at.between(now - FORGOTTEN, now))
    rows = await session.execute(query.order_by(Order.promised_at.desc()).limit(MOST))
    return [
        Cause(
            kind=Kind.STUCK,
            object="order",
            id=id_,
            since=promised_at or now,
            label=number,
            money=total,
            currency=currency,
            customer_id=customer_id,
        )
        for id_, number, customer_id, total, currency, promised_at in rows
    ]


async def _carts(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Carts that were left with something in them, the last of each person, until they order or we talk with them."""
    order, call = (
        Order.__table__.c,
        Call.__table__.c,
    )  # tables: also what a colleague sold, which he may not see
    seen = or_(Cart.customer_id.is_(None), exists().where(Customer.id == Cart.customer_id))
    bought = exists().where(order.customer_id == Cart.customer_id, order.created_at >= Cart.updated_at)
    spoken = (
        call.started_at >= Cart.updated_at,
        call.started_at >= now - COLD,
        call.answered_at.is_not(None),
    )
    query = select(Cart).where(
        Cart.updated_at.between(now - COLD, now - SHOPPING),
        Cart.order_id.is_(None),
        Cart.items != [],
        or_(Cart.customer_id.is_not(None), Cart.e164.is_not(None)),
        seen,
        ~bought,
        ~exists().where(call.customer_id == Cart.customer_id, *spoken),
        ~exists().where(call.remote_e164 == Cart.e164, *spoken),
    )
    newest: dict[str, Cause] = {}
    for cart in await session.scalars(query.order_by(Cart.updated_at.desc()).limit(MOST)):
        cause = Cause(
            kind=Kind.CART,
            object="cart",
            id=cart.id,
            since=cart.updated_at,
            label=", ".join(str(item["name"]) for item in cart.items)[:LABEL],
            money=cart.total,
            currency=cart.currency,
            customer_id=cart.customer_id,
            number=cart.e164,
        )
        newest.setdefault(cause.key, cause)
    return list(newest.values())


async def _tasks(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Overdue tasks about a customer."""
    mine: list[ColumnElement[bool]] = []
    if taker is not None:
        group = and_(Task.performer_id.is_(None), or_(Task.role == taker.role, Task.team_id == taker.team_id))
        mine = [or_(Task.performer_id == taker.user_id, group)]
    query = select(Task.id, Task.title, Task.customer_id, Task.due_at).where(
        Task.state == TaskState.OPEN,
        Task.due_at <= now,
        Task.customer_id.is_not(None),
        Task.kind == "plain",
        *mine,
    )
    rows = await session.execute(query.order_by(Task.due_at.desc()).limit(MOST))
    return [
        Cause(
            kind=Kind.TASK, object="task", id=id_, since=due_at or now, label=title, customer_id=customer_id
        )
        for id_, title, customer_id, due_at in rows
    ]


async def _leads(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """New leads with a number, the newest: nobody has spoken with them."""
    query = select(Lead.id, Lead.name, Lead.customer_id, Lead.e164, Lead.created_at).where(
        Lead.state == LeadState.NEW,
        Lead.e164.is_not(None),
        Lead.created_at > now - FORGOTTEN,
        *_mine(Lead.responsible_id, taker),
    )
    rows = await session.execute(query.order_by(Lead.id.desc()).limit(MOST))
    return [
        Cause(
            kind=Kind.LEAD,
            object="lead",
            id=id_,
            since=created_at,
            label=name or "",
            customer_id=customer_id,
            number=e164,
        )
        for id_, name, customer_id, e164, created_at in rows
    ]


async def _listed(session: AsyncSession, now: datetime, taker: Taker | None) -> list[Cause]:
    """Customers on call lists that are worked on, whose time has come."""
    who = None if taker is None else (taker.user_id, taker.team_id)
    return [
        Cause(
            kind=Kind.LIST,
            object="call_list",
            id=row.id,
            since=row.due_at,
            label=row.list_name,
            money=row.money,
            currency=row.currency,
            customer_id=row.customer_id,
            number=row.number,
        )
        for row in await due_entries(session, now, who, limit=MOST)
    ]


def _mine(column: Any, taker: Taker | None) -> list[ColumnElement[bool]]:
    """Given to this person, or to nobody."""
    return [] if taker is None else [or_(column == taker.user_id, column.is_(None))]
