"""Deals as a list, and one deal as a page."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_link import CallLink
from crm_core.customer import Customer
from crm_core.deal import LABELS, OPEN, Deal, Stage
from crm_core.errors import NotFound
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
    funnel: str
    stage: str
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
    orders: int
    calls: int
    talk_s: float
    last_call_at: datetime | None

    @property
    def stage_label(self) -> str:
        return LABELS[Stage(self.stage)]

    @property
    def open(self) -> bool:
        return self.stage in OPEN


def _rows() -> Select[Any]:
    talked = talks(CallLink.deal_id, Deal)
    orders = select(func.count()).where(Order.deal_id == Deal.id).correlate(Deal).scalar_subquery()
    names = ("id", "title", "funnel", "stage", "amount", "currency", "customer_id", "responsible_id")
    return (
        select(
            *(getattr(Deal, name) for name in (*names, "closed_at", "created_at", "updated_at", "version")),
            Customer.name.label("customer"),
            User.name.label("responsible"),
            first_number(Deal),
            orders.label("orders"),
            *talked.c,
        )
        .select_from(Deal)
        .join(Customer, Customer.id == Deal.customer_id)
        .outerjoin(User, User.id == Deal.responsible_id)
        .join(talked, true())
    )


async def list_deals(
    session: AsyncSession,
    *,
    query: str = "",
    stage: str | None = None,
    open_only: bool = False,
    responsible_id: int | None = None,
    customer_id: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[DealRow]:
    """Deals, newest first. `query`: words of the title, or the customer's name or number."""
    wanted = _rows()
    if text := query.strip():
        title = Deal.title.icontains(text, autoescape=True)
        customers = match.people(text)
        wanted = wanted.where(title if customers is None else title | customers)
    exact = {Deal.stage: stage, Deal.responsible_id: responsible_id, Deal.customer_id: customer_id}
    wanted = wanted.where(*(column == value for column, value in exact.items() if value is not None))
    if open_only:
        wanted = wanted.where(Deal.stage.in_(OPEN))
    return await page.load(session, wanted, SORTS, DealRow, after=after, limit=limit)


async def load_deal(session: AsyncSession, deal_id: int) -> DealRow:
    """One deal. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Deal.id == deal_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such deal.")
    return DealRow(**dict(row._mapping))
