"""Deals: a chance to sell, on its way through a funnel."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.customer import get_customer
from crm_core.db import Base, Id, Instant, Money, Version, one_of
from crm_core.errors import Conflict, Invalid, NotFound
from crm_core.money import money
from crm_core.order_status import OPEN_SQL
from crm_core.outbox import announce

SALES = "Sales"


class Stage(StrEnum):
    """Stages of the funnel “Sales”, in their order."""

    NEW = "new"
    OFFER = "offer"
    ORDERED = "ordered"
    WON = "won"
    LOST = "lost"


LABELS = {
    Stage.NEW: "New",
    Stage.OFFER: "Offer",
    Stage.ORDERED: "Ordered",
    Stage.WON: "Won",
    Stage.LOST: "Lost",
}
OPEN = (Stage.NEW, Stage.OFFER, Stage.ORDERED)


class Deal(Base):
    """One chance to sell. With orders, its amount is the sum of theirs; without, what was typed."""

    __tablename__ = "deals"
    __table_args__ = (
        one_of("stage", Stage),
        Index("ix_deals_customer", "customer_id", text("created_at DESC")),
        Index("ix_deals_stage", "stage", text("updated_at DESC")),
    )

    id: Mapped[Id]
    title: Mapped[str]
    funnel: Mapped[str]
    stage: Mapped[str]
    amount: Mapped[Money]
    currency: Mapped[str]
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    responsible_id: Mapped[int | None] = mapped_column(ForeignKey("users.id"), index=True)
    closed_at: Mapped[datetime | None]
    version: Mapped[Version]
    updated_at: Mapped[Instant]


EDITABLE = frozenset(("title", "stage", "amount", "responsible_id"))


async def create_deal(
    session: AsyncSession,
    *,
    title: str,
    customer_id: int,
    currency: str,
    at: datetime,
    amount: Decimal | int | str = 0,
    stage: str = Stage.NEW,
    responsible_id: int | None = None,
    funnel: str = SALES,
) -> Deal:
    """Open a deal. Raises `NotFound`, `Invalid`."""
    customer = await get_customer(session, customer_id)
    deal = Deal(
        title="",
        funnel=funnel,
        stage=Stage.NEW,
        currency=currency,
        amount=Decimal(0),
        customer_id=customer.id,
        version=1,
        created_at=at,
        updated_at=at,
    )
    changes = {"title": title, "stage": stage, "amount": amount, "responsible_id": responsible_id}
    _apply(deal, changes, at)
    session.add(deal)
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
    session: AsyncSession, deal_id: int, *, version: int, changes: Mapping[str, Any], at: datetime
) -> Deal:
    """Change the fields in `changes` (see `EDITABLE`).

    Raises `NotFound`, `Conflict` when `version` is not the newest, `Invalid`, also for an amount typed over
    that of the deal's orders.
    """
    deal = await get_deal(session, deal_id, lock=True)
    if deal.version != version:
        raise Conflict(f"The deal “{deal.title}” was changed by somebody else meanwhile.")
    if "amount" in changes and (await _orders_of(session, deal_id))["orders"]:
        raise Invalid("The amount follows the deal's orders.", "amount")
    _apply(deal, changes, at)
    deal.version += 1
    await session.flush()
    await _tell(session, deal)
    return deal


async def follow_orders(session: AsyncSession, deal_id: int, *, at: datetime) -> None:
    """Let the deal's amount and stage follow its orders: ordered while one is open, won when one is done,
    lost when all were called off. A deal whose last order was taken away keeps what it has."""
    deal = await get_deal(session, deal_id, lock=True)
    orders = await _orders_of(session, deal_id)
    if not orders["orders"]:
        return
    stage = Stage.ORDERED if orders["open"] else Stage.WON if orders["done"] else Stage.LOST
    if (deal.stage, deal.amount) == (stage, orders["total"]):
        return
    deal.amount = orders["total"]
    _apply(deal, {"stage": stage}, at)
    deal.version += 1
    await session.flush()
    await _tell(session, deal)


async def check_owner(session: AsyncSession, deal_id: int, customer_id: int) -> None:
    """Raises `NotFound`, or `Invalid` when the deal is another customer's."""
    deal = await get_deal(session, deal_id)
    if deal.customer_id != customer_id:
        raise Invalid(f"The deal “{deal.title}” is another customer's.", "deal_id")


async def latest_open_deal(session: AsyncSession, customer_id: int) -> Deal | None:
    """The customer's open deal that is furthest in the funnel, the newest of those."""
    found: Deal | None = await session.scalar(
        select(Deal)
        .where(Deal.customer_id == customer_id, Deal.stage.in_(OPEN))
        .order_by(
            (Deal.stage == Stage.ORDERED).desc(), (Deal.stage == Stage.OFFER).desc(), Deal.created_at.desc()
        )
        .limit(1)
    )
    return found


def _apply(deal: Deal, changes: Mapping[str, Any], at: datetime) -> None:
    if strangers := set(changes) - EDITABLE:
        raise Invalid(f"A deal has no field {min(strangers)[:40]!r} to change.", min(strangers))
    deal.title = (changes.get("title", deal.title) or "").strip()[:200]
    if not deal.title:
        raise Invalid("A deal needs a title.", "title")
    if "amount" in changes:
        deal.amount = money(changes["amount"], "amount")
    deal.responsible_id = changes.get("responsible_id", deal.responsible_id)
    try:
        deal.stage = Stage(changes.get("stage", deal.stage))
    except ValueError:
        raise Invalid(f"{str(changes['stage'])[:40]!r} is no stage of a deal.", "stage") from None
    deal.closed_at = None if deal.stage in OPEN else (deal.closed_at or at)
    deal.updated_at = at


async def _orders_of(session: AsyncSession, deal_id: int) -> Mapping[str, Any]:
    row = await session.execute(_ORDERS, {"deal_id": deal_id})
    return dict(row.mappings().one())


async def _tell(session: AsyncSession, deal: Deal) -> None:
    await announce(session, "deal", {"id": deal.id, "customer_id": deal.customer_id})


# Plain SQL: the file of orders imports this one.
_ORDERS = text(f"""
    SELECT count(*) AS orders,
        coalesce(sum(total) FILTER (WHERE status NOT IN ('cancelled', 'returned')), 0) AS total,
        coalesce(bool_or(status IN ({OPEN_SQL})), false) AS open,
        coalesce(bool_or(status = 'done'), false) AS done
    FROM orders WHERE deal_id = :deal_id
""")
