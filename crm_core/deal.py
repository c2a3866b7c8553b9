"""Deals: a chance to sell, on its way through a funnel.

An order and its deal go together in this one place: `follow_orders` lets the deal go where its orders are,
`_lead_orders` takes the orders where somebody moved the deal. Neither calls the other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.db import Base, Id, Instant, Money, Version
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.funnel import (
    Funnel,
    FunnelStage,
    Kind,
    LostReason,
    called_off,
    find_stage,
    first_funnel,
    first_stage,
    get_funnel,
    lost_reason,
    stage_for,
)
from crm_core.money import money
from crm_core.order_status import RELEASED, Group, among_sql, group_of, is_open
from crm_core.outbox import announce
from crm_core.status_list import way

OWNED = {"amount": "The amount follows the deal's orders."}


class Deal(Base):
    """One chance to sell. With orders, its amount is the sum of theirs; without, what was typed.

    `stage` is the code of a stage of its funnel, `stage_since` when it came there.
    """

    __tablename__ = "deals"
    __table_args__ = (
        ForeignKeyConstraint(["funnel_id", "stage"], ["funnel_stages.funnel_id", "funnel_stages.code"]),
        Index("ix_deals_customer", "customer_id", text("created_at DESC")),
        Index("ix_deals_stage", "funnel_id", "stage", "stage_since"),
    )

    id: Mapped[Id]
    title: Mapped[str]
    funnel_id: Mapped[int]
    stage: Mapped[str]
    stage_since: Mapped[Instant]
    lost_reason_id: Mapped[int | None] = mapped_column(ForeignKey("lost_reasons.id"))
    amount: Mapped[Money]
    currency: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    closed_at: Mapped[datetime | None]
    custom: Mapped[dict[str, Any]] = mapped_column(server_default="{}", default=dict)
    version: Mapped[Version]
    updated_at: Mapped[Instant]


class DealMove(Base):
    """One step of a deal, in the words of that day; `from_stage` is None at its beginning."""

    __tablename__ = "deal_moves"
    __table_args__ = (Index("ix_deal_moves_deal", "deal_id", "id"),)

    id: Mapped[Id]
    deal_id: Mapped[int] = mapped_column(ForeignKey("deals.id", ondelete="CASCADE"))
    funnel: Mapped[str]
    from_stage: Mapped[str | None]
    to_stage: Mapped[str]
    reason: Mapped[str | None]
    user_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"))
    call_id: Mapped[UUID | None] = mapped_column(ForeignKey("calls.id"))


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Who moves a deal (None: the house itself), in which call, and when."""

    at: datetime
    user_id: int | None = None
    call_id: UUID | None = None


EDITABLE = frozenset(("title", "funnel_id", "stage", "lost_reason_id", "amount", "responsible_id"))


async def create_deal(
    session: AsyncSession,
    *,
    title: str,
    customer_id: int,
    currency: str,
    at: datetime,
    amount: Decimal | int | str = 0,
    stage: str | None = None,
    responsible_id: int | None = None,
    funnel_id: int | None = None,
    lost_reason_id: int | None = None,
    user_id: int | None = None,
    call_id: UUID | None = None,
) -> Deal:
    """Open a deal; where nothing is said in the first funnel, in its first stage. Raises `NotFound`, `Invalid`."""
    customer = await get_customer(session, customer_id)
    funnel = await (first_funnel(session) if funnel_id is None else get_funnel(session, funnel_id))
    if not funnel.active:
        raise Invalid(f"The funnel “{funnel.name}” takes no new deals.", "funnel_id")
    deal = Deal(
        title=_titled(title),
        currency=currency,
        amount=money(amount, "amount"),
        customer_id=customer.id,
        responsible_id=responsible_id,
        version=1,
        created_at=at,
        updated_at=at,
    )
    begin = first_stage(funnel) if stage is None else find_stage(funnel, stage)
    reason = await _reason(session, begin, lost_reason_id)
    session.add(_put(deal, funnel, begin, reason, at))
    await session.flush()
    call_id = await resolve(session, call_id) if call_id else None
    _remember(session, deal, funnel, None, begin, reason, Cause(at=at, user_id=user_id, call_id=call_id))
    await session.flush()
    await _tell(session, deal)
    return deal


async def get_deal(session: AsyncSession, deal_id: int, *, lock: bool = False) -> Deal:
    """The deal. Raises `NotFound`."""
    deal = await session.get(Deal, deal_id, with_for_update=lock)
    if deal is None:
        raise NotFound(f"There is no deal {deal_id}.")
    return deal


async def update_deal(
    session: AsyncSession,
    deal_id: int,
    *,
    version: int,
    changes: Mapping[str, Any],
    at: datetime,
    user_id: int | None = None,
    call_id: UUID | None = None,
    leads_orders: bool = True,
) -> Deal:
    """Change the fields in `changes` (see `EDITABLE`). A move to a stage that goes with a status of orders takes
    the deal's orders along (unless not `leads_orders`); another funnel without a stage means its first.

    Raises `NotFound`, `Conflict` when `version` is not the newest or an order can not follow, `Invalid`, also
    for an amount typed over that of the deal's orders, and for a deal lost without a reason.
    """
    orders = await locked_orders(session, deal_id)
    deal = await get_deal(session, deal_id, lock=True)
    if deal.version != version:
        raise Conflict(f"The deal “{deal.title}” was changed by somebody else meanwhile.")
    if "amount" in changes and orders:
        raise Invalid(OWNED["amount"], "amount")
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A deal has no field {min(strangers)[:40]!r} to change.", min(strangers))
    deal.title = _titled(changes.get("title", deal.title))
    if "amount" in changes:
        deal.amount = money(changes["amount"], "amount")
    deal.responsible_id = changes.get("responsible_id", deal.responsible_id)
    call_id = await resolve(session, call_id) if call_id else None
    cause = Cause(at=at, user_id=user_id, call_id=call_id)
    stage = await _moved(session, deal, changes, cause)
    deal.version, deal.updated_at = deal.version + 1, at
    await session.flush()
    if leads_orders and stage is not None and stage.order_status:
        await _lead_orders(session, orders, stage.order_status, cause)
    await _tell(session, deal)
    return deal


async def follow_orders(session: AsyncSession, deal_id: int, *, cause: Cause, stage: bool = True) -> None:
    """Let the deal's amount follow its orders, and with `stage` its stage: that of the order that is least far
    on its way, when none is under way of those that are done, else of those that were called off.

    A deal whose last order was taken away keeps what it has.
    """
    deal = await get_deal(session, deal_id, lock=True)
    orders = await _orders_of(session, deal_id)
    if not orders["statuses"]:
        return
    funnel = await get_funnel(session, deal.funnel_id)
    before = find_stage(funnel, deal.stage)
    after = before
    if stage:
        on_way = await way(session)
        leading = _leading(orders["statuses"], on_way)
        after = stage_for(funnel.stages, leading, on_way) or before
        if before.kind != Kind.OPEN and is_open(leading) and after is before:
            after = first_stage(funnel)
    if (before, deal.amount) == (after, orders["total"]):
        return
    deal.amount = orders["total"]
    if after is not before:
        reason = await called_off(session) if after.kind == Kind.LOST else None
        _put(deal, funnel, after, reason, cause.at)
        _remember(session, deal, funnel, before, after, reason, cause)
    deal.version, deal.updated_at = deal.version + 1, cause.at
    await session.flush()
    await _tell(session, deal)


async def check_owner(session: AsyncSession, deal_id: int, customer_id: int) -> None:
    """Raises `NotFound`, or `Invalid` when the deal is another customer's."""
    deal = await get_deal(session, deal_id)
    if deal.customer_id != customer_id:
        raise Invalid(f"The deal “{deal.title}” is another customer's.", "deal_id")


async def latest_open_deal(session: AsyncSession, customer_id: int) -> Deal | None:
    """The customer's open deal that is furthest in its funnel, the newest of those."""
    found: Deal | None = await session.scalar(
        select(Deal)
        .join(FunnelStage, (FunnelStage.funnel_id == Deal.funnel_id) & (FunnelStage.code == Deal.stage))
        .where(Deal.customer_id == customer_id, Deal.closed_at.is_(None))
        .order_by(FunnelStage.position.desc(), Deal.created_at.desc())
        .limit(1)
    )
    return found


def _titled(title: str | None) -> str:
    title = (title or "").strip()[:200]
    if not title:
        raise Invalid("A deal needs a title.", "title")
    return title


async def _moved(
    session: AsyncSession, deal: Deal, changes: Mapping[str, Any], cause: Cause
) -> FunnelStage | None:
    """Bring the deal where `changes` want it; the stage when it is another one. Raises `NotFound`, `Invalid`."""
    old = await get_funnel(session, deal.funnel_id)
    before = find_stage(old, deal.stage)
    wanted = changes.get("funnel_id")
    funnel = old if wanted in (None, old.id) else await get_funnel(session, int(wanted))
    if funnel is not old and not funnel.active:
        raise Invalid(f"The funnel “{funnel.name}” takes no new deals.", "funnel_id")
    code = changes.get("stage") or (deal.stage if funnel is old else None)
    after = first_stage(funnel) if code is None else find_stage(funnel, code)
    if after is before and changes.get("lost_reason_id") in (None, deal.lost_reason_id):
        return None
    reason = await _reason(session, after, changes.get("lost_reason_id"))
    if after is before:
        deal.lost_reason_id = reason.id if reason else None
        return None
    _put(deal, funnel, after, reason, cause.at)
    _remember(session, deal, funnel, before, after, reason, cause)
    return after


async def _reason(session: AsyncSession, stage: FunnelStage, reason_id: int | None) -> LostReason | None:
    if stage.kind == Kind.LOST:
        return await lost_reason(session, reason_id)
    if reason_id is not None:
        raise Invalid("Only a deal that is lost has a reason for it.", "lost_reason_id")
    return None


def _put(deal: Deal, funnel: Funnel, stage: FunnelStage, reason: LostReason | None, at: datetime) -> Deal:
    deal.funnel_id, deal.stage, deal.stage_since = funnel.id, stage.code, at
    deal.lost_reason_id = reason.id if reason else None
    deal.closed_at = None if stage.kind == Kind.OPEN else (deal.closed_at or at)
    return deal


def _remember(
    session: AsyncSession,
    deal: Deal,
    funnel: Funnel,
    before: FunnelStage | None,
    after: FunnelStage,
    reason: LostReason | None,
    cause: Cause,
) -> None:
    session.add(
        DealMove(
            deal_id=deal.id,
            funnel=funnel.name,
            from_stage=before.name if before else None,
            to_stage=after.name,
            reason=reason.label if reason else None,
            user_id=cause.user_id,
            call_id=cause.call_id,
            created_at=cause.at,
        )
    )


async def _lead_orders(session: AsyncSession, orders: Sequence[Any], status: str, cause: Cause) -> None:
    """Bring the orders that are under way to `status`; when none is, the newest order."""
    from crm_core.order import update_order  # the file of orders imports this one

    led = [it for it in orders if is_open(it.status)] or list(orders[-1:])
    for it in led:
        await update_order(
            session,
            it.id,
            version=it.version,
            changes={"status": status},
            user_id=cause.user_id,
            call_id=cause.call_id,
            at=cause.at,
            led_by_deal=True,
        )


def _leading(statuses: Sequence[str], on_way: Sequence[str]) -> str:
    """The status that says where a deal with such orders is; `on_way`: those under way, from the beginning on."""
    least_far = next((status for status in on_way if status in statuses), None)
    sold = (status for status in reversed(statuses) if group_of(status) is Group.DONE)
    return least_far or next(sold, statuses[-1])


async def locked_orders(session: AsyncSession, deal_id: int) -> Sequence[Any]:
    """Orders first, then the deal: whoever changes an order locks them in the same order."""
    return (await session.execute(_LOCKED, {"deal_id": deal_id})).all()


async def _orders_of(session: AsyncSession, deal_id: int) -> Mapping[str, Any]:
    row = await session.execute(_ORDERS, {"deal_id": deal_id})
    return dict(row.mappings().one())


async def _tell(session: AsyncSession, deal: Deal) -> None:
    await announce(session, "deal", {"id": deal.id, "customer_id": deal.customer_id})


# Plain SQL: the file of orders imports this one.
_LOCKED = text("SELECT id, status, version FROM orders WHERE deal_id = :deal_id ORDER BY id FOR UPDATE")
_ORDERS = text(f"""
    SELECT coalesce(sum(total) FILTER (WHERE NOT {among_sql("status", RELEASED)}), 0) AS total,
        coalesce(array_agg(status ORDER BY id), '{{}}') AS statuses
    FROM orders WHERE deal_id = :deal_id
""")
