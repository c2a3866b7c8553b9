"""What guides whoever talks to a customer: the call lists he is on, the script of the call, tips.

Read by the desk after the card, so that the card waits for none of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.call_script import (
    EVERY_STAGE,
    CallScript,
    CallScriptChoice,
    CallScriptUse,
    CallScriptVersion,
    choices_of,
    newest,
)
from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.line import Line, Shop
from crm_core.order import Order, OrderItem
from crm_core.order_status import OPEN, among
from crm_core.read.call_lists import Listed, lists_of
from crm_core.read.tips import Told, tips_for
from crm_core.status_list import OrderStatus


@dataclass(frozen=True, kw_only=True)
class About:
    """Whom a call is with and what it is about, as far as it is known."""

    call_id: UUID | None = None
    customer_id: int | None = None
    line_id: int | None = None
    order_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Sum:
    """Money, to be written as the reader writes it."""

    amount: Decimal
    currency: str


@dataclass(frozen=True, kw_only=True)
class Text:
    """The text of a script that is shown, and what was answered in this call so far."""

    script_id: int
    name: str
    version_id: int
    source: str
    path: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Guide:
    """All of it; `values`: what is filled in, by field of `script_tree.FIELDS`, None where nothing is known."""

    lists: Sequence[Listed]
    tips: Sequence[Told]
    text: Text | None
    values: Mapping[str, str | Sum | None]


async def load_guide(session: AsyncSession, about: About, *, operator: str, now: datetime) -> Guide:
    """What guides this operator in this call. A customer whom the session may not see is not known."""
    known = None
    if about.customer_id is not None:
        known = await session.scalar(select(Customer.id).where(Customer.id == about.customer_id))
    lists = await lists_of(session, known, now, call_id=about.call_id) if known is not None else []
    tips = await tips_for(session, known, now) if known is not None else []
    text = await _text(session, about, known, lists)
    order_id = about.order_id or next((one.order_id for one in lists if one.order_id), None)
    values = await load_values(session, about.line_id, known, order_id) if text is not None else {}
    values |= _names("operator", operator) | {"list.name": lists[0].name if lists else None}
    return Guide(lists=lists, tips=tips, text=text, values=values)


async def _text(
    session: AsyncSession, about: About, customer_id: int | None, lists: Sequence[Listed]
) -> Text | None:
    """The script that was begun in this call, else that of a call list, of the deal's stage, of the line."""
    chosen = await choices_of(session, about.call_id) if about.call_id is not None else []
    if chosen:
        return await _shown(session, chosen[0].version_id, [one.answer for one in chosen])
    for script_id in await _scripts(session, about, customer_id, lists):
        if (found := await newest(session, script_id)) is not None:
            return await _shown(session, found.id, [])
    return None


async def _shown(session: AsyncSession, version_id: int, path: Sequence[int]) -> Text:
    query = select(CallScript.id, CallScript.name, CallScriptVersion.source)
    query = query.join(CallScriptVersion, CallScriptVersion.script_id == CallScript.id)
    row = (await session.execute(query.where(CallScriptVersion.id == version_id))).one()
    return Text(script_id=row.id, name=row.name, version_id=version_id, source=row.source, path=list(path))


async def _scripts(
    session: AsyncSession, about: About, customer_id: int | None, lists: Sequence[Listed]
) -> list[int]:
    found = [one.script_id for one in lists if one.script_id is not None]
    deal = await _deal(session, about, customer_id)
    uses = select(CallScriptUse.script_id)
    if deal is not None:
        own = uses.where(
            CallScriptUse.funnel_id == deal.funnel_id, CallScriptUse.stage.in_((deal.stage, EVERY_STAGE))
        )
        found += await session.scalars(own.order_by(CallScriptUse.stage.desc()))
    if about.line_id is not None:
        found += await session.scalars(uses.where(CallScriptUse.line_id == about.line_id))
    return found


async def _deal(session: AsyncSession, about: About, customer_id: int | None) -> Deal | None:
    """The deal that the call is linked with, else the only open one."""
    if about.deal_id is not None:
        return await session.scalar(select(Deal).where(Deal.id == about.deal_id))
    if customer_id is None:
        return None
    open_ones = select(Deal).where(Deal.customer_id == customer_id, Deal.closed_at.is_(None)).limit(2)
    rows = (await session.scalars(open_ones)).all()
    return rows[0] if len(rows) == 1 else None


async def load_values(
    session: AsyncSession, line_id: int | None, customer_id: int | None, order_id: int | None
) -> dict[str, str | Sum | None]:
    """What is filled in of the customer, of the order (the one that is said, else the newest open one), of the line."""
    found: dict[str, str | Sum | None] = {}
    line = select(Line.name, Shop.name).outerjoin(Shop, Shop.id == Line.shop_id).where(Line.id == line_id)
    row = (await session.execute(line)).one_or_none() if line_id is not None else None
    found["line.name"], found["shop.name"] = row if row is not None else (None, None)
    if customer_id is None:
        return found
    who = select(Customer.name, Customer.city).where(Customer.id == customer_id)
    customer = (await session.execute(who)).one()
    found |= _names("customer", customer.name) | {"customer.city": customer.city}
    goods = select(func.string_agg(OrderItem.name, ", ")).where(OrderItem.order_id == Order.id)
    orders = (
        select(
            Order.number, Order.total, Order.paid, Order.currency, OrderStatus.name, Shop.name.label("shop")
        )
        .add_columns(goods.correlate(Order).scalar_subquery().label("goods"))
        .join(OrderStatus, OrderStatus.code == Order.status)
        .join(Shop, Shop.id == Order.shop_id)
        .where(Order.customer_id == customer_id)
        .order_by(case((Order.id == order_id, 0), else_=1), Order.created_at.desc())
    )
    meant = (
        orders.where(Order.id == order_id)
        if order_id is not None
        else orders.where(among(Order.status, OPEN))
    )
    order = (await session.execute(meant.limit(1))).one_or_none()
    if order is not None:
        found |= {
            "order.number": order.number,
            "order.total": Sum(amount=order.total, currency=order.currency),
            "order.owed": Sum(amount=max(order.total - order.paid, Decimal(0)), currency=order.currency),
            "order.items": order.goods,
            "order.status": order.name,
            "shop.name": found["shop.name"] or order.shop,
        }
    return found


def _names(of: str, name: str) -> dict[str, str | Sum | None]:
    return {f"{of}.name": name or None, f"{of}.first_name": name.split()[0] if name.split() else None}


async def load_call(session: AsyncSession, call_id: UUID) -> About | None:
    """What a call that was written down is about; None when it is not there."""
    call = await session.get(Call, call_id)
    if call is None:
        return None
    links = select(CallLink.order_id, CallLink.deal_id).where(
        CallLink.call_id == call_id, CallLink.removed_at.is_(None)
    )
    rows = (await session.execute(links.order_by(CallLink.id))).all()
    return About(
        call_id=call_id,
        customer_id=call.customer_id,
        line_id=call.line_id,
        order_id=next((row.order_id for row in rows if row.order_id), None),
        deal_id=next((row.deal_id for row in rows if row.deal_id), None),
    )


async def load_counts(session: AsyncSession, script_id: int) -> list[tuple[str, str, int]]:
    """How often each answer of a script was chosen, over all its versions: (step, answer, how often)."""
    often = func.count()
    query = (
        select(CallScriptChoice.step, CallScriptChoice.label, often)
        .join(CallScriptVersion, CallScriptVersion.id == CallScriptChoice.version_id)
        .where(CallScriptVersion.script_id == script_id)
        .group_by(CallScriptChoice.step, CallScriptChoice.label)
        .order_by(func.min(CallScriptChoice.position), CallScriptChoice.step, often.desc())
    )
    return [(step, label, number) for step, label, number in await session.execute(query)]
