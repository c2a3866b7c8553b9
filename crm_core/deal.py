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

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import call_link
from crm_core.call import resolve
from crm_core.customer import get_customer
from crm_core.deal_goods import GoodsWanted, put_goods
from crm_core.deal_rows import Deal, DealMove
from crm_core.deal_talk import NO_TALK, talked
from crm_core.errors import Invalid, NotFound, Stale
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
from crm_core.notice import notify
from crm_core.order_status import RELEASED, Group, among_sql, group_of, is_open
from crm_core.outbox import announce
from crm_core.status_list import way


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Who moves a deal (None: the house itself), in which call, and when."""

    at: datetime
    user_id: int | None = None
    call_id: UUID | None = None


_DELIVERY = ("delivery_date", "delivery_from", "delivery_until")
PLAIN = frozenset(("kind_of_sale", "probability", "for_all", "from_store", "comment", *_DELIVERY))
EDITABLE = PLAIN | {"title", "funnel_id", "stage", "lost_reason_id", "amount", "responsible_id", "items"}
_BY_ORDER = {
    "amount": "The amount follows the deal's orders.",
    **dict.fromkeys(("items", *_DELIVERY), "This is the order's: change it there."),
}
_BY_GOODS = {"amount": "The amount is the sum of the goods."}


def owned(*, orders: bool, from_store: bool, goods: bool) -> dict[str, str]:
    """The fields of such a deal that can not be typed, each with the reason."""
    return dict(_BY_ORDER) if orders or from_store else dict(_BY_GOODS) if goods else {}


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
    items: Sequence[GoodsWanted] = (),
    key: UUID | None = None,
    user_id: int | None = None,
    role: str | None = None,
    call_id: UUID | None = None,
    **fields: Any,
) -> Deal:
    """Open a deal; where nothing is said in the first funnel, in its first stage. With goods (`items`) the amount
    is their sum, at prices that this `role` may give; `fields`: those of `PLAIN`. The call it is opened in is linked
    to it. The same `key` again gives the deal that was opened. Raises `NotFound`, `Invalid`."""
    if key is not None and (made := await _made_for(session, key)) is not None:
        return made
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
        key=key,
        version=1,
        created_at=at,
        updated_at=at,
        items=[],
    )
    _put_plain(deal, fields)
    begin = first_stage(funnel) if stage is None else find_stage(funnel, stage)
    reason = await _reason(session, begin, lost_reason_id)
    session.add(_put(deal, funnel, begin, reason, at))
    await session.flush()
    if items:
        await put_goods(session, deal, items, at=at, role=role)
    call_id = await resolve(session, call_id) if call_id else None
    await _may_close(session, deal, funnel, begin, call_id)
    _remember(session, deal, funnel, None, begin, reason, Cause(at=at, user_id=user_id, call_id=call_id))
    await session.flush()
    if call_id is not None:
        role, rule = call_link.Role.CREATED, call_link.CREATED_IN_CALL
        await call_link.link(session, call_id, deal_id=deal.id, role=role, rule=rule, user_id=user_id)
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
    role: str | None = None,
    call_id: UUID | None = None,
    put_back: bool = False,
) -> Deal:
    """Change the fields in `changes` (see `EDITABLE`). A move to a stage that goes with a status of orders takes
    the deal's orders along; another funnel without a stage means its first. `put_back`: a change is undone, so no
    order follows and no conversation is asked for. `role`: of whoever sells the goods (None: the house, at any price).

    Raises `NotFound`, `Conflict` when `version` is not the newest or an order can not follow, `Invalid`, also
    for what is not the deal's to say (see `owned`), and for a deal lost without a reason.
    """
    orders = await locked_orders(session, deal_id)
    deal = await get_deal(session, deal_id, lock=True)
    if deal.version != version:
        raise Stale(f"The deal “{deal.title}” was changed by somebody else meanwhile.", deal.version)
    stays_stores = deal.from_store and changes.get("from_store", True)
    goods = bool(changes.get("items", deal.items))
    taken = owned(orders=bool(orders), from_store=stays_stores, goods=goods)
    if typed := taken.keys() & changes.keys():
        raise Invalid(taken[min(typed)], min(typed))
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A deal has no field {min(strangers)[:40]!r} to change.", min(strangers))
    deal.title = _titled(changes.get("title", deal.title))
    if "amount" in changes:
        deal.amount = money(changes["amount"], "amount")
    _put_plain(deal, {name: changes[name] for name in PLAIN & changes.keys()})
    if "items" in changes:
        await put_goods(session, deal, changes["items"], at=at, role=role)
    deal.responsible_id = changes.get("responsible_id", deal.responsible_id)
    call_id = await resolve(session, call_id) if call_id else None
    cause = Cause(at=at, user_id=user_id, call_id=call_id)
    stage = await _moved(session, deal, changes, cause, put_back=put_back)
    deal.version, deal.updated_at = deal.version + 1, at
    await session.flush()
    if not put_back and stage is not None and stage.order_status:
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
        if not await _closes(session, deal, funnel, before, after, cause):
            after = before
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


async def _closes(
    session: AsyncSession, deal: Deal, funnel: Funnel, before: FunnelStage, after: FunnelStage, cause: Cause
) -> bool:
    """Whether its orders may bring the deal there. One that nobody talked about stays open, and who is responsible is
    told: the order itself goes its way."""
    if before.kind != Kind.OPEN or after.kind == Kind.OPEN or not funnel.needs_talk:
        return True
    if await talked(session, deal.id, cause.call_id):
        return True
    said = f"“{deal.title}” is not {after.name} yet though its order is: nobody has talked about it. Call, then close."
    told = {deal.responsible_id} - {None}
    await notify(session, {it for it in told if it}, said, address=f"/deals/{deal.id}", level="warning")
    return False


async def _made_for(session: AsyncSession, key: UUID) -> Deal | None:
    """The deal that was opened with this key. Whoever opens one with it at the same time waits."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtext(:key))"), {"key": f"deal {key}"})
    found: Deal | None = await session.scalar(select(Deal).where(Deal.key == key))
    return found


def _put_plain(deal: Deal, fields: Mapping[str, Any]) -> None:
    """Raises `Invalid`."""
    if strangers := fields.keys() - PLAIN:
        raise Invalid(f"A deal has no field {min(strangers)[:40]!r}.", min(strangers))
    for name, value in fields.items():
        setattr(deal, name, (value.strip() or None) if isinstance(value, str) else value)
    if deal.probability is not None and not 0 <= deal.probability <= 100:
        raise Invalid("A probability is between 0 and 100 per cent.", "probability")
    if deal.delivery_from and deal.delivery_until and deal.delivery_until <= deal.delivery_from:
        raise Invalid("The delivery would end before it begins.", "delivery_until")


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
    session: AsyncSession, deal: Deal, changes: Mapping[str, Any], cause: Cause, *, put_back: bool
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
    if before.kind == Kind.OPEN and not put_back:
        await _may_close(session, deal, funnel, after, cause.call_id)
    _put(deal, funnel, after, reason, cause.at)
    _remember(session, deal, funnel, before, after, reason, cause)
    return after


async def _may_close(
    session: AsyncSession, deal: Deal, funnel: Funnel, stage: FunnelStage, call_id: UUID | None
) -> None:
    """Raises `Invalid` where a deal would be closed without the conversation that its funnel asks for."""
    if stage.kind != Kind.OPEN and funnel.needs_talk and not await talked(session, deal.id, call_id):
        raise Invalid(NO_TALK, "stage")


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
            funnel_id=funnel.id,
            stage=after.code,
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
