"""Promises to customers: "we will send it tomorrow", with a deadline, kept or not (row N4).

Open until it is kept or withdrawn. One whose time passes is broken: its maker and a supervisor are told, and it stays
in sight until somebody says what became of it.
"""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.customer import Customer, get_customer
from crm_core.db import Base, Id, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.missed_rule import supervisor_of
from crm_core.notice import notify
from crm_core.order import get_order
from crm_core.outbox import announce

AT_ONCE = 100
LONGEST = 500


class State(StrEnum):
    """`BROKEN` stays so, also when it was done in the end (`closed_at`)."""

    OPEN = "open"
    KEPT = "kept"
    BROKEN = "broken"
    WITHDRAWN = "withdrawn"


class Promise(Base):
    """What was promised to whom, until when, in which call and about which order. `closed_at`: since it is settled."""

    __tablename__ = "promises"
    __table_args__ = (
        one_of("state", State),
        CheckConstraint("text <> ''", name="text_not_empty"),
        Index("ix_promises_customer", "customer_id", "due_at"),
        Index("ix_promises_waiting", "customer_id", "due_at", postgresql_where=text("closed_at IS NULL")),
        Index("ix_promises_due", "due_at", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[Id]
    text: Mapped[str]
    due_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default=State.OPEN, default=State.OPEN)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    order_id: Mapped[int | None] = mapped_column(ForeignKey("orders.id"), index=True)
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"), index=True)
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    broken_at: Mapped[datetime | None]
    closed_at: Mapped[datetime | None]
    closed_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    key: Mapped[UUID | None] = mapped_column(unique=True)
    version: Mapped[Version]


async def make_promise(
    session: AsyncSession,
    *,
    words: str,
    due_at: datetime,
    customer_id: int,
    at: datetime,
    made_by: int | None,
    order_id: int | None = None,
    call_id: UUID | None = None,
    key: UUID | None = None,
) -> Promise:
    """Keep in mind what was promised; sent again with its `key` it is the same promise. Raises `NotFound`, `Invalid`,
    and `Conflict` when somebody else used the key."""
    if key is not None and (known := await _made_for(session, key)) is not None:
        if known.made_by != made_by:
            raise Conflict("Another promise has this key.")
        return known
    if not words.strip():
        raise Invalid("Write what was promised.", "text")
    if due_at <= at:
        raise Invalid("A promise is about the time to come.", "due_at")
    customer = await get_customer(session, customer_id)
    if order_id is not None and (await get_order(session, order_id)).customer_id != customer.id:
        raise Invalid("This order is another customer's.", "order_id")
    made = Promise(
        text=words.strip()[:LONGEST],
        due_at=due_at,
        customer_id=customer.id,
        order_id=order_id,
        call_id=await resolve(session, call_id) if call_id is not None else None,
        made_by=made_by,
        key=key,
        state=State.OPEN,
    )
    session.add(made)
    await session.flush()
    await _tell(session, made)
    return made


async def _made_for(session: AsyncSession, key: UUID) -> Promise | None:
    """The promise of this key; whoever sends the same at the same time waits for the one who was first."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(str(key), 0))))
    found: Promise | None = await session.scalar(select(Promise).where(Promise.key == key))
    return found


async def settle_promise(
    session: AsyncSession, promise_id: int, state: str, *, version: int, user_id: int | None, at: datetime
) -> Promise:
    """Say that it was kept or is withdrawn; one that was broken stays broken, but is closed.

    Raises `NotFound`, `Invalid`, `Conflict` when it is closed or was changed meanwhile.
    """
    found = await session.get(Promise, promise_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFound("There is no such promise.")
    if state not in (State.KEPT, State.WITHDRAWN):
        raise Invalid("A promise is kept or withdrawn.", "state")
    if found.version != version or found.closed_at is not None:
        raise Conflict("Somebody settled this promise meanwhile; look again.")
    if found.state == State.OPEN and found.due_at < at and state == State.KEPT:
        found.state, found.broken_at = State.BROKEN, at  # the alarm had no time to ring
    if found.state == State.OPEN:
        found.state = state
    found.closed_at, found.closed_by = at, user_id
    found.version += 1
    await session.flush()
    await _tell(session, found)
    return found


async def break_overdue(session: AsyncSession, *, now: datetime) -> int:
    """Promises whose time has passed are broken: their makers and a supervisor are told. How many."""
    due = (
        select(Promise, Customer.name)
        .join(Customer, Customer.id == Promise.customer_id)
        .where(Promise.state == State.OPEN, Promise.due_at <= now)
        .order_by(Promise.due_at)
        .limit(AT_ONCE)
        .with_for_update(of=Promise, skip_locked=True)
    )
    found = (await session.execute(due)).all()
    for promise, customer in found:
        promise.state, promise.broken_at = State.BROKEN, now
        promise.version += 1
        await session.flush()
        boss = await supervisor_of(session, user_id=promise.made_by, team_id=None)
        told = {it for it in (promise.made_by, boss) if it is not None}
        words = f"Promise broken to {customer}: {promise.text}"
        await notify(session, told, words, address="/promises?which=broken", level="error")
        await _tell(session, promise)
    return len(found)


async def _tell(session: AsyncSession, it: Promise) -> None:
    call_id = it.call_id and str(it.call_id)
    await announce(session, "promise", {"id": it.id, "customer_id": it.customer_id, "call_id": call_id})
