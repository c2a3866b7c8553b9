"""Leads as a list, and one with its goods and the customers it may be."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer, Owner, find_owners
from crm_core.errors import NotFound
from crm_core.lead_rows import Lead, LeadItem, State
from crm_core.product import Product
from crm_core.read import page
from crm_core.read.page import Page, Sort
from crm_core.shop import Shop
from crm_core.user import User

SORTS = (Sort(Lead.id, "id", page.number, down=True),)


@dataclass(frozen=True, kw_only=True)
class LeadRow:
    """Somebody who showed interest."""

    id: int
    state: str
    source: str
    form_id: int | None
    call_id: UUID | None
    shop_id: int | None
    shop: str | None
    name: str | None
    phone: str | None
    e164: str | None
    email: str | None
    message: str | None
    page: str | None
    answers: dict[str, Any]
    responsible_id: int | None
    responsible: str | None
    customer_id: int | None
    customer: str | None
    deal_id: int | None
    closed_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def said(self) -> str:
        """What it is called."""
        return self.name or self.phone or self.email or "?"


def _rows() -> Select[Any]:
    names = LeadRow.__annotations__
    return (
        select(
            *(column for column in Lead.__table__.c if column.name in names),
            Shop.name.label("shop"),
            User.name.label("responsible"),
            Customer.name.label("customer"),
        )
        .select_from(Lead)
        .outerjoin(Shop, Shop.id == Lead.shop_id)
        .outerjoin(User, User.id == Lead.responsible_id)
        .outerjoin(Customer, Customer.id == Lead.customer_id)
    )


async def list_leads(
    session: AsyncSession,
    *,
    query: str = "",
    state: str | None = None,
    responsible_id: int | None = None,
    form_id: int | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[LeadRow]:
    """Leads, newest first. `query`: a part of the name, the message, the e-mail or the number."""
    wanted = _rows()
    if said := query.strip():
        columns = (Lead.name, Lead.message, Lead.email, Lead.phone, Lead.e164)
        wanted = wanted.where(or_(*(column.icontains(said, autoescape=True) for column in columns)))
    exact = {Lead.state: state, Lead.responsible_id: responsible_id, Lead.form_id: form_id}
    wanted = wanted.where(*(column == value for column, value in exact.items() if value is not None))
    return await page.load(session, wanted, SORTS, LeadRow, after=after, limit=limit)


async def load_lead(session: AsyncSession, lead_id: int) -> LeadRow:
    """One lead. Raises `NotFound`."""
    row = (await session.execute(_rows().where(Lead.id == lead_id))).one_or_none()
    if row is None:
        raise NotFound("There is no such lead.")
    return LeadRow(**dict(row._mapping))


async def lead_of_deal(session: AsyncSession, deal_id: int) -> LeadRow | None:
    """The lead that a deal was made of."""
    row = (await session.execute(_rows().where(Lead.deal_id == deal_id).limit(1))).one_or_none()
    return LeadRow(**dict(row._mapping)) if row else None


async def count_leads(session: AsyncSession) -> dict[str, int]:
    """How many stand in each state."""
    rows = await session.execute(select(Lead.state, func.count()).group_by(Lead.state))
    return {str(state): 0 for state in State} | {str(row[0]): int(row[1]) for row in rows}


@dataclass(frozen=True, kw_only=True)
class Interest:
    """Goods a lead wants, at the price of today."""

    product_id: int
    sku: str
    name: str
    quantity: int
    price: Decimal


async def list_interests(session: AsyncSession, lead_id: int) -> list[Interest]:
    """The goods of a lead, in the order they were added."""
    query = (
        select(LeadItem.product_id, Product.sku, Product.name, LeadItem.quantity, Product.price)
        .join(Product, Product.id == LeadItem.product_id)
        .where(LeadItem.lead_id == lead_id)
        .order_by(LeadItem.id)
    )
    return [Interest(**dict(row._mapping)) for row in await session.execute(query)]


async def who_it_may_be(session: AsyncSession, lead: LeadRow) -> list[Owner]:
    """The customers with the lead's number, else with its e-mail."""
    owners = await find_owners(session, lead.e164)
    if owners or not lead.email:
        return owners
    query = select(Customer).where(
        func.lower(Customer.email) == lead.email.lower(), Customer.merged_into_id.is_(None)
    )
    return [
        Owner(id=it.id, name=it.name, city=it.city, vip=it.vip, reason="has this e-mail", chosen=False)
        for it in await session.scalars(query.order_by(Customer.id).limit(10))
    ]
