"""Deals as a list with its sums, and one deal as a page with the way it went."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Interval, Select, case, func, literal_column, select, true, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_link import CallLink
from crm_core.customer import Customer
from crm_core.deal import PLAIN, owned
from crm_core.deal_rows import Deal, DealItem, DealMove
from crm_core.deal_talk import had_talk
from crm_core.errors import NotFound
from crm_core.funnel import Funnel, FunnelStage, Kind, LostReason
from crm_core.order import Order
from crm_core.read import match, page
from crm_core.read.orders import first_number, talks
from crm_core.read.page import Page, Sort
from crm_core.user import User

SORTS = (
    Sort(Deal.created_at, "created_at", page.instant, down=True),
    Sort(Deal.id, "id", page.number, down=True),
)


@dataclass(frozen=True, kw_only=True)
class DealRow:
    """A deal with its customer, the colleague responsible and what was said about it."""

    id: int
    title: str
    funnel_id: int
    funnel: str
    stage: str
    stage_label: str
    kind: str
    stage_since: datetime
    stuck_at: datetime | None
    lost_reason_id: int | None
    lost_reason: str | None
    amount: Decimal
    currency: str
    customer_id: int
    customer: str
    e164: str | None
    responsible_id: int | None
    responsible: str | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    kind_of_sale: str | None
    probability: int | None
    for_all: bool
    from_store: bool
    comment: str | None
    delivery_date: date | None
    delivery_from: time | None
    delivery_until: time | None
    goods: int
    orders: int
    calls: int
    talk_s: float
    last_call_at: datetime | None

    @property
    def open(self) -> bool:
        return self.kind == Kind.OPEN

    @property
    def owned(self) -> dict[str, str]:
        """The fields that can not be typed, each with the reason."""
        return owned(orders=self.orders > 0, from_store=self.from_store, goods=self.goods > 0)

    def age(self, now: datetime) -> timedelta:
        """How long it has been in its stage."""
        return now - self.stage_since

    def stuck(self, now: datetime) -> bool:
        """Longer in its stage than the stage allows."""
        return self.stuck_at is not None and self.stuck_at < now


@dataclass(frozen=True, kw_only=True)
class DealPage(DealRow):
    """A deal with the goods that are wanted in it while it has no order."""

    items: Sequence[DealItem]


_DAY: ColumnElement[timedelta] = literal_column("interval '1 day'", Interval)
STUCK_AT = type_coerce(
    case((FunnelStage.kind == Kind.OPEN, Deal.stage_since + FunnelStage.stuck_days * _DAY)),
    Deal.stage_since.type,
)


def _rows() -> Select[Any]:
    talked = talks(CallLink.deal_id, Deal)
    orders = select(func.count()).where(Order.deal_id == Deal.id).correlate(Deal).scalar_subquery()
    names = ("id", "title", "funnel_id", "stage", "stage_since", "lost_reason_id", "amount", "currency")
    more = ("customer_id", "responsible_id", "closed_at", "created_at", "updated_at", "version")
    goods = select(func.count()).where(DealItem.deal_id == Deal.id).correlate(Deal).scalar_subquery()
    return (
        _joined(select(*(getattr(Deal, name) for name in (*names, *more, *sorted(PLAIN)))))
        .add_columns(
            Funnel.name.label("funnel"),
            FunnelStage.name.label("stage_label"),
            FunnelStage.kind,
            STUCK_AT.label("stuck_at"),
            LostReason.label.label("lost_reason"),
            Customer.name.label("customer"),
            User.name.label("responsible"),
            first_number(Deal),
            goods.label("goods"),
            orders.label("orders"),
            *talked.c,
        )
        .outerjoin(LostReason, LostReason.id == Deal.lost_reason_id)
        .join(Customer, Customer.id == Deal.customer_id)
        .outerjoin(User, User.id == Deal.responsible_id)
        .join(talked, true())
    )


def _joined(query: Select[Any]) -> Select[Any]:
    stage = (FunnelStage.funnel_id == Deal.funnel_id) & (FunnelStage.code == Deal.stage)
    return query.select_from(Deal).join(Funnel, Funnel.id == Deal.funnel_id).join(FunnelStage, stage)


@dataclass(frozen=True, kw_only=True)
class DealFilter:
    """Which deals. `query`: words of the title, or the customer's name or number; `since` and `until` bound the
    opening; `stuck` asks for those that are longer in their stage than it allows; `talk`: did anybody talk about it
    with the customer, "some" or "none"; `among`: any other condition."""

    query: str = ""
    funnel_id: int | None = None
    stage: str | None = None
    open_only: bool = False
    stuck: bool = False
    talk: str | None = None
    responsible_id: int | None = None
    customer_id: int | None = None
    since: datetime | None = None
    until: datetime | None = None
    among: ColumnElement[bool] | None = None


async def _narrowed(
    session: AsyncSession, wanted: Select[Any], only: DealFilter, now: datetime | None
) -> Select[Any]:
    if text := only.query.strip():
        title = Deal.title.icontains(text, autoescape=True)
        customers = match.people(await match.weigh(session, text))
        wanted = wanted.where(title if customers is None else title | customers)
    exact = {
        Deal.funnel_id: only.funnel_id,
        Deal.stage: only.stage,
        Deal.responsible_id: only.responsible_id,
        Deal.customer_id: only.customer_id,
    }
    wanted = wanted.where(*(column == value for column, value in exact.items() if value is not None))
    if only.among is not None:
        wanted = wanted.where(only.among)
    if only.since is not None:
        wanted = wanted.where(Deal.created_at >= only.since)
    if only.until is not None:
        wanted = wanted.where(Deal.created_at < only.until)
    if only.open_only:
        wanted = wanted.where(Deal.closed_at.is_(None))
    if only.talk:
        wanted = wanted.where(had_talk(Deal.id) if only.talk == "some" else ~had_talk(Deal.id))
    if only.stuck:
        wanted = wanted.where((func.now() if now is None else now) > STUCK_AT)
    return wanted


async def list_deals(
    session: AsyncSession,
    *,
    after: str | None = None,
    limit: int = 50,
    now: datetime | None = None,
    **only: Any,
) -> Page[DealRow]:
    """Deals, newest first; `only` are the fields of `DealFilter`."""
    wanted = await _narrowed(session, _rows(), DealFilter(**only), now)
    return await page.load(session, wanted, SORTS, DealRow, after=after, limit=limit)


@dataclass(frozen=True, kw_only=True)
class StageSum:
    """How many deals stand in a stage and what they are worth, in one currency."""

    stage: str
    currency: str
    deals: int
    amount: Decimal


async def sum_stages(session: AsyncSession, *, now: datetime | None = None, **only: Any) -> list[StageSum]:
    """The sums of each stage; `only` are the fields of `DealFilter`."""
    counted: Any = select(
        Deal.stage, Deal.currency, func.count().label("deals"), func.sum(Deal.amount).label("amount")
    )
    query = _joined(counted).join(Customer, Customer.id == Deal.customer_id)
    narrowed = await _narrowed(session, query, DealFilter(**only), now)
    query = narrowed.group_by(Deal.stage, Deal.currency)
    return [
        StageSum(**dict(row._mapping))
        for row in await session.execute(query.order_by(Deal.stage, Deal.currency))
    ]


async def load_deal(session: AsyncSession, deal_id: int) -> DealPage:
    """One deal. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Deal.id == deal_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such deal.")
    goods = select(DealItem).where(DealItem.deal_id == deal_id).order_by(DealItem.id)
    items = [] if row.orders else (await session.scalars(goods)).all()
    return DealPage(**dict(row._mapping), items=items)


async def kinds_of_sale(session: AsyncSession) -> list[str]:
    """The kinds that stand in the newest deals, in alphabetical order."""
    newest = select(Deal.kind_of_sale).order_by(Deal.id.desc()).limit(_LOOKED_THROUGH).subquery()
    query = select(newest.c.kind_of_sale).where(newest.c.kind_of_sale.is_not(None)).distinct()
    return sorted(await session.scalars(query))


_LOOKED_THROUGH = 500


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of a deal: where from and to, why, who made it and in which call; `until` is the next step."""

    id: int
    funnel: str
    from_stage: str | None
    to_stage: str
    reason: str | None
    user_id: int | None
    user: str | None
    call_id: UUID | None
    created_at: datetime
    until: datetime | None


async def list_steps(session: AsyncSession, deal_id: int) -> list[Step]:
    """The way of a deal, the newest step first."""
    names = ("id", "funnel", "from_stage", "to_stage", "reason", "user_id", "call_id", "created_at")
    query = (
        select(
            *(getattr(DealMove, name) for name in names),
            User.name.label("user"),
            func.lead(DealMove.created_at).over(order_by=DealMove.id).label("until"),
        )
        .outerjoin(User, User.id == DealMove.user_id)
        .where(DealMove.deal_id == deal_id)
        .order_by(DealMove.id.desc())
    )
    return [Step(**dict(row._mapping)) for row in await session.execute(query)]
