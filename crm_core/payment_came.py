"""Money came for an order or went back: taken down once, told to whom it concerns, and the order's status follows.

What a gateway or the store tells has an id of theirs; told again it is not taken down again.
"""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import resolve
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.money import money
from crm_core.notice import notify
from crm_core.order import get_order, set_status, tell
from crm_core.order_rows import Order
from crm_core.order_status import is_released
from crm_core.payment import Kind, Payment, book
from crm_core.payment_link import asked_by
from crm_core.payment_terms import load_terms, status_after
from crm_core.status_list import list_statuses


class Came(NamedTuple):
    """A payment that was told, and its order; not `added`: it was known already."""

    order: Order
    payment: Payment
    added: bool


async def add_payment(
    session: AsyncSession,
    order_id: int,
    *,
    amount: Decimal | int | str,
    kind: str | None = None,
    method: str | None = None,
    note: str | None = None,
    external_id: str | None = None,
    user_id: int | None,
    at: datetime,
    call_id: UUID | None = None,
    quiet: bool = False,
) -> Came:
    """Take down money that came or (`kind` refund) went back; without `kind` it is told from what is owed. Who is in
    charge hears of it (unless `quiet`), and the status follows by the shop's terms.

    More than is owed is money all the same: the order then shows what is to be paid back.
    Raises `NotFound`, `Invalid` for a refund of more than was paid, `Conflict` for an `external_id` that was another
    payment's.
    """
    order = await get_order(session, order_id, lock=True)
    if external_id is not None and (known := await _known(session, order_id, external_id)) is not None:
        if known.amount != money(amount, "amount") or (known.kind == Kind.REFUND) != (kind == Kind.REFUND):
            raise Conflict(f"Payment {external_id} was told already, as {known.kind} of {known.amount}.")
        return Came(order, known, False)
    call_id = await resolve(session, call_id) if call_id else None
    before = order.paid
    made = book(
        session, order, amount, kind=kind, method=method, note=note, external_id=external_id, user_id=user_id,
        call_id=call_id, at=at,
    )  # fmt: skip
    said = " ".join(str(it) for it in (made.kind, made.amount, made.method) if it)
    what = {"payment": [None, said], "paid": [str(before), str(order.paid)]}
    order.version, order.updated_at = order.version + 1, at
    await session.flush()
    await tell(session, order, what, user_id=user_id, call_id=call_id, at=at, deal_moves=False)
    if not quiet:
        await _notify(session, order, _said(order, made), besides=user_id)
    if made.kind != Kind.REFUND:
        await follow_payment(session, order, user_id=user_id, call_id=call_id, at=at)
    return Came(order, made, True)


async def payment_arrived(
    session: AsyncSession,
    number: str,
    *,
    amount: Decimal,
    currency: str,
    external_id: str,
    at: datetime,
    user_id: int | None,
    kind: str | None = None,
    method: str | None = "online",
    note: str | None = None,
) -> Came:
    """A gateway or the store tells a payment of the order of this number. Raises as `add_payment`."""
    found = (await session.execute(select(Order.id, Order.currency).where(Order.number == number))).first()
    if found is None:
        raise NotFound(f"There is no order {number}.")
    if found.currency != currency:
        raise Invalid(f"Order {number} is paid in {found.currency}.", "currency")
    return await add_payment(
        session, found.id, amount=amount, kind=kind, method=method, note=note, external_id=external_id,
        user_id=user_id, at=at,
    )  # fmt: skip


async def follow_payment(
    session: AsyncSession, order: Order, *, user_id: int | None, call_id: UUID | None, at: datetime
) -> None:
    """Bring the order where the shop's terms want one that is paid so far. Where that can not be, the money stays
    taken down and whoever is in charge is told."""
    terms = await load_terms(session, order.shop_id)
    if not (terms.paid_status or terms.prepaid_status):
        return
    way = {it.code: place for place, it in enumerate(await list_statuses(session))}
    status = status_after(terms, way, status=order.status, paid=order.paid, total=order.total)
    if status is None:
        return
    try:
        async with session.begin_nested():
            await set_status(session, order.id, status, user_id=user_id, at=at, call_id=call_id)
    except (Conflict, Invalid) as refused:
        await session.refresh(order)
        said = f"Order {order.number} is paid, but stays as it is: {refused}"
        await _notify(session, order, said, level="warning")


async def _known(session: AsyncSession, order_id: int, external_id: str) -> Payment | None:
    query = select(Payment).where(Payment.order_id == order_id, Payment.external_id == external_id)
    found: Payment | None = await session.scalar(query)
    return found


def _said(order: Order, made: Payment) -> str:
    owed = order.total - order.paid
    sum_ = f"{made.amount} {order.currency}"
    if made.kind == Kind.REFUND:
        return f"Order {order.number}: {sum_} went back."
    if is_released(order.status):
        return f"Order {order.number} was called off, and {sum_} came for it."
    left = f"{owed} more to pay" if owed > 0 else f"{-owed} too much" if owed < 0 else "paid whole"
    return f"Order {order.number}: {sum_} came, {left}."


async def _notify(
    session: AsyncSession, order: Order, said: str, *, besides: int | None = None, level: str = "info"
) -> None:
    """Who is in charge, and who asked for the payment."""
    told = {order.manager_id, await asked_by(session, order.id)} - {None, besides}
    address = f"/orders/{order.id}#payments"
    await notify(session, {it for it in told if it}, said, address=address, level=level)
