"""Whom nobody calls now: who asked not to be called, who sleeps, whoever was tried often enough today (row C7).

Asked at every dial, before the switchboard is (`callcenter/alone.py`). The hours are those of the page *Calling hours*,
by the customer's clock, and count for dialling once somebody has set them.
"""

from collections.abc import Sequence
from datetime import datetime, time
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, ColumnElement, ForeignKey, Index, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import Call, Direction, Result
from crm_core.callback import own_zone
from crm_core.calling_hours import CallingRule, OutsideHours, load_calling
from crm_core.customer import Customer, get_customer
from crm_core.db import Base, Id
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.phone import normalise

MOST_A_DAY = 100


class DialRefused(Conflict):
    """This number is not to be called now; whoever holds the right may do so anyway."""


class DoNotCall(Base):
    """Nobody calls this customer, or this number, because of `reason`."""

    __tablename__ = "do_not_call"
    __table_args__ = (
        CheckConstraint("num_nonnulls(customer_id, number) = 1", name="one_person"),
        Index("ix_do_not_call_customer", "customer_id"),
        Index("ix_do_not_call_number", "number"),
    )

    id: Mapped[Id]
    customer_id: Mapped[int | None] = mapped_column(ForeignKey("customers.id"))
    number: Mapped[str | None]
    reason: Mapped[str]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))


class DialLimit(Base):
    """The one limit of the house: `most_a_day` attempts to reach one customer; 0: as many as one likes."""

    __tablename__ = "dial_limits"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("most_a_day BETWEEN 0 AND 100", name="sane"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    most_a_day: Mapped[int]


async def check_dial(session: AsyncSession, *, number: str, customer_id: int | None, now: datetime) -> None:
    """Raises `DialRefused` that says why this E.164 number is not to be called now."""
    asked = await session.scalar(
        select(DoNotCall.reason)
        .where(_same(DoNotCall.number, DoNotCall.customer_id, number, customer_id))
        .limit(1)
    )
    if asked is not None:
        raise DialRefused(f"Not to be called: {asked}")
    calling = await load_calling(session)
    zone = calling.zone(number, await own_zone(session, customer_id))
    if await session.get(CallingRule, 1) is not None:
        try:
            calling.check(now, zone)
        except OutsideHours as outside:
            raise DialRefused(str(outside).replace("It will be", "It is", 1)) from None
    most = await limit(session)
    if most and (tried := await tries(session, number, customer_id, zone, now)) >= most:
        times = "once" if tried == 1 else f"{tried} times"
        raise DialRefused(f"Tried {times} today without an answer; the limit is {most} a day.")


async def tries(session: AsyncSession, number: str, customer_id: int | None, zone: str, now: datetime) -> int:
    """How often they were called on this day of theirs and did not answer."""
    midnight = datetime.combine(now.astimezone(ZoneInfo(zone)).date(), time(), ZoneInfo(zone))
    query = select(func.count()).where(
        _same(Call.remote_e164, Call.customer_id, number, customer_id),
        Call.started_at >= midnight,
        Call.direction == Direction.OUTBOUND,
        Call.ended_at.is_not(None),
        Call.result != Result.ANSWERED,
    )
    return await session.scalar(query) or 0


def _same(
    of_number: ColumnElement[str | None] | Mapped[str | None],
    of_customer: ColumnElement[int | None] | Mapped[int | None],
    number: str,
    customer_id: int | None,
) -> ColumnElement[bool]:
    return (
        or_(of_number == number, of_customer == customer_id)
        if customer_id is not None
        else of_number == number
    )


async def limit(session: AsyncSession) -> int:
    """How often a day one customer may be tried; 0: as often as one likes."""
    return await session.scalar(select(DialLimit.most_a_day)) or 0


async def set_limit(session: AsyncSession, most_a_day: int) -> None:
    """Raises `Invalid`."""
    if not 0 <= most_a_day <= MOST_A_DAY:
        raise Invalid(f"Between 0 (no limit) and {MOST_A_DAY} attempts a day.", "most_a_day")
    kept = insert(DialLimit).values(id=1, most_a_day=most_a_day)
    await session.execute(kept.on_conflict_do_update(index_elements=["id"], set_={"most_a_day": most_a_day}))


async def ban(
    session: AsyncSession,
    *,
    reason: str,
    user_id: int | None,
    country: str,
    number: str | None = None,
    customer_id: int | None = None,
) -> DoNotCall:
    """Call this customer, or this number, no more. Again it only gets the new reason. Raises `NotFound`, `Invalid`."""
    said = " ".join(reason.split())[:200]
    if not said:
        raise Invalid("Say why, for whoever wants to call them next.", "reason")
    if (number is None) == (customer_id is None):
        raise Invalid("Give a number or a customer, one of them.", "number")
    e164 = None
    if customer_id is not None:
        customer_id = (await get_customer(session, customer_id)).id
        same = DoNotCall.customer_id == customer_id
    else:
        e164 = normalise(number or "", country=country).e164
        if e164 is None:
            raise Invalid("This is not a telephone number.", "number")
        same = DoNotCall.number == e164
    found = await session.scalar(select(DoNotCall).where(same).limit(1))
    if found is None:
        found = DoNotCall(customer_id=customer_id, number=e164, created_by=user_id)
        session.add(found)
    found.reason = said
    await session.flush()
    return found


async def unban(session: AsyncSession, ban_id: int) -> None:
    """They may be called again. Raises `NotFound`."""
    found = await session.get(DoNotCall, ban_id)
    if found is None:
        raise NotFound("Nobody is kept under this number.")
    await session.delete(found)


async def list_bans(session: AsyncSession) -> Sequence[tuple[DoNotCall, str | None]]:
    """Whom nobody calls, with the customer's name, the newest first."""
    query = select(DoNotCall, Customer.name).outerjoin(Customer, Customer.id == DoNotCall.customer_id)
    return [
        (row[0], row[1]) for row in await session.execute(query.order_by(DoNotCall.id.desc()).limit(1000))
    ]
