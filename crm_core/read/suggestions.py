"""What a call that is not linked was probably about, the likeliest first, each with the reason; or whose it may be."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.customer import find_owners
from crm_core.deal_rows import Deal
from crm_core.focus import CallFocus
from crm_core.forecast import CallForecast
from crm_core.funnel import FunnelStage
from crm_core.order import Order
from crm_core.order_status import is_open
from crm_core.status_list import OrderStatus

MOST = 5
LATELY = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An order or a deal of the customer, and what speaks for it. `guessed`: its share in the forecast, 0 to 1."""

    kind: str
    id: int
    label: str
    detail: str
    open: bool
    moved_at: datetime
    looked_at: bool = False
    guessed: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """What a call may be linked to, or (`customer`) whose it may be; `why` in a few words."""

    kind: str
    id: int
    label: str
    detail: str
    why: str


def ranked(candidates: Iterable[Candidate], ended_at: datetime) -> list[Suggestion]:
    """The likeliest first: what was open in the card, then what the forecast named, then what is open, then what moved
    lately, and of equals what moved last."""

    def weight(one: Candidate) -> tuple[bool, float, bool, datetime, str, int]:
        return one.looked_at, one.guessed, one.open, one.moved_at, one.kind, one.id

    return [
        Suggestion(kind=one.kind, id=one.id, label=one.label, detail=one.detail, why=_why(one, ended_at))
        for one in sorted(candidates, key=weight, reverse=True)
    ]


def _why(one: Candidate, ended_at: datetime) -> str:
    if one.looked_at:
        return "it was open in the card"
    if one.guessed:
        return f"{one.guessed:.0%} by the forecast"
    if one.open:
        return "it is open"
    return "it moved lately" if abs(ended_at - one.moved_at) < LATELY else "of this customer"


async def suggest(
    session: AsyncSession, call_ids: Sequence[UUID], *, most: int = MOST
) -> Mapping[UUID, list[Suggestion]]:
    """For each of these calls what it may be about; for a call of nobody's who it may have been."""
    calls = (await session.scalars(select(Call).where(Call.id.in_(call_ids)))).all()
    customers = {call.customer_id for call in calls if call.customer_id is not None}
    known = await _candidates(session, customers)
    looks, guesses, links = await _evidence(session, [call.id for call in calls])
    found: dict[UUID, list[Suggestion]] = {}
    for call in calls:
        if call.customer_id is None:
            owners = await find_owners(session, call.remote_e164)
            found[call.id] = [
                Suggestion(kind="customer", id=one.id, label=one.name, detail=one.city or "", why=one.reason)
                for one in owners[:most]
            ]
            continue
        own = [
            _with(one, looks.get(call.id, ()), guesses.get(call.id, {}))
            for one in known.get(call.customer_id, ())
            if (one.kind, one.id) not in links.get(call.id, ())
        ]
        found[call.id] = ranked(own, call.ended_at or call.started_at)[:most]
    return found


def _with(
    one: Candidate, looks: Iterable[tuple[str, int]], guesses: Mapping[tuple[str, int], float]
) -> Candidate:
    key = (one.kind, one.id)
    facts = {**one.__dict__, "looked_at": key in looks, "guessed": guesses.get(key, 0.0)}
    return Candidate(**facts)


async def _candidates(session: AsyncSession, customers: set[int]) -> Mapping[int, list[Candidate]]:
    """The newest orders and deals of these customers."""
    found: dict[int, list[Candidate]] = {}
    for customer in sorted(customers):
        orders = (
            select(Order.id, Order.number, Order.status, Order.updated_at, OrderStatus.name)
            .join(OrderStatus, OrderStatus.code == Order.status)
            .where(Order.customer_id == customer)
        )
        for row in await session.execute(orders.order_by(Order.created_at.desc()).limit(10)):
            found.setdefault(customer, []).append(
                Candidate(
                    kind="order",
                    id=row.id,
                    label=row.number,
                    detail=row.name,
                    open=is_open(row.status),
                    moved_at=row.updated_at,
                )
            )
        deals = (
            select(Deal.id, Deal.title, Deal.closed_at, Deal.updated_at, FunnelStage.name)
            .join(FunnelStage, (FunnelStage.funnel_id == Deal.funnel_id) & (FunnelStage.code == Deal.stage))
            .where(Deal.customer_id == customer)
        )
        for deal in await session.execute(deals.order_by(Deal.created_at.desc()).limit(5)):
            found.setdefault(customer, []).append(
                Candidate(
                    kind="deal",
                    id=deal.id,
                    label=deal.title,
                    detail=deal.name,
                    open=deal.closed_at is None,
                    moved_at=deal.updated_at,
                )
            )
    return found


Keys = dict[UUID, set[tuple[str, int]]]


async def _evidence(
    session: AsyncSession, call_ids: Sequence[UUID]
) -> tuple[Keys, dict[UUID, dict[tuple[str, int], float]], Keys]:
    """What was open in the card, what the forecast named, and what is linked or was refused."""
    looks: Keys = {}
    for look in await session.scalars(select(CallFocus).where(CallFocus.call_id.in_(call_ids))):
        looks.setdefault(look.call_id, set()).add(_key(look.order_id, look.deal_id))
    links: Keys = {}
    for link in await session.scalars(select(CallLink).where(CallLink.call_id.in_(call_ids))):
        links.setdefault(link.call_id, set()).add(_key(link.order_id, link.deal_id))
    guesses: dict[UUID, dict[tuple[str, int], float]] = {}
    for kept in await session.scalars(select(CallForecast).where(CallForecast.call_id.in_(call_ids))):
        shares = guesses.setdefault(kept.call_id, {})
        for guess in kept.reasons:
            for fact in guess["facts"]:
                if fact.get("kind"):
                    key = (fact["kind"], fact["id"])
                    shares[key] = max(shares.get(key, 0.0), guess["share"])
    return looks, guesses, links


def _key(order_id: int | None, deal_id: int | None) -> tuple[str, int]:
    return ("order", order_id) if order_id is not None else ("deal", deal_id or 0)
