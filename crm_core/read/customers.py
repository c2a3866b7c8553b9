"""Customers as a list, and one customer as a page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, and_, func, lateral, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import CustomerAddress, CustomerContact, list_addresses, list_contacts
from crm_core.errors import NotFound
from crm_core.order import Order
from crm_core.order_status import Status
from crm_core.read import match, page
from crm_core.read.page import Page, Sort
from crm_core.user import User

NOT_BOUGHT = (Status.CANCELLED, Status.RETURNED)
SORTS = (Sort(Customer.sort_key, "sort_key", page.plain), Sort(Customer.id, "id", page.number))


@dataclass(frozen=True, kw_only=True)
class CustomerRow:
    """One line of the list. `sum` counts the orders in `currency`, that of the last order."""

    id: int
    name: str
    vip: bool
    bad: bool
    email: str | None
    city: str | None
    country: str | None
    tags: list[str]
    e164: str | None
    raw: str | None
    orders: int
    sum: Decimal
    currency: str | None
    last_at: datetime | None
    created_at: datetime
    sort_key: str


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number of a customer, as it is dialled and as it is said."""

    id: int
    e164: str
    raw: str
    label: str | None


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a customer has been for the shop so far; `sum` in `currency`, that of the last order."""

    orders: int
    sum: Decimal
    currency: str | None
    last_at: datetime | None
    calls: int
    talk_s: float
    last_call_at: datetime | None


@dataclass(frozen=True, kw_only=True)
class CustomerPage:
    """Everything on a customer's page except the history."""

    id: int
    name: str
    vip: bool
    bad: bool
    email: str | None
    city: str | None
    country: str | None
    address: str | None
    timezone: str | None
    birthday: date | None
    tags: list[str]
    source: str | None
    price_list: str | None
    sex: str | None
    category: str | None
    customer_type: str | None
    manager_id: int | None
    manager: str | None
    note: str | None
    custom: dict[str, Any]
    version: int
    created_at: datetime
    totals: Totals
    numbers: list[Number] = field(default_factory=list)
    contacts: Sequence[CustomerContact] = ()
    addresses: Sequence[CustomerAddress] = ()


def _bought() -> Any:
    """Orders of the customer of the outer row: how many, for how much in the last one's currency, when."""
    last = (
        select(Order.currency)
        .where(Order.customer_id == Customer.id, Order.status.not_in(NOT_BOUGHT))
        .order_by(Order.created_at.desc())
        .limit(1)
        .correlate(Customer)
        .scalar_subquery()
    )
    return lateral(
        select(
            func.count().label("orders"),
            func.coalesce(func.sum(Order.total).filter(Order.currency == last), 0).label("sum"),
            last.label("currency"),
            func.max(Order.created_at).label("last_at"),
        )
        .where(Order.customer_id == Customer.id, Order.status.not_in(NOT_BOUGHT))
        .correlate(Customer)
    ).alias("bought")


def _first_number() -> Any:
    return lateral(
        select(CustomerNumber.e164, CustomerNumber.raw)
        .where(CustomerNumber.customer_id == Customer.id)
        .order_by(CustomerNumber.position, CustomerNumber.id)
        .limit(1)
        .correlate(Customer)
    ).alias("first_number")


def _rows() -> Select[Any]:
    bought, first = _bought(), _first_number()
    return (
        select(
            *(getattr(Customer, name) for name in ("id", "name", "vip", "bad", "email", "city", "country")),
            *(getattr(Customer, name) for name in ("tags", "created_at", "sort_key")),
            *first.c,
            *bought.c,
        )
        .select_from(Customer)
        .outerjoin(first, true())
        .join(bought, true())
        .where(Customer.merged_into_id.is_(None))
    )


async def list_customers(
    session: AsyncSession,
    *,
    query: str = "",
    mark: str | None = None,
    after: str | None = None,
    limit: int = 50,
) -> Page[CustomerRow]:
    """Customers by name, those that `query` (name, number, e-mail) means; `mark`: vip or bad."""
    wanted = _rows()
    if query.strip():
        meant = match.people(query)
        if meant is None:
            return Page([])
        wanted = wanted.where(meant)
    if mark:
        wanted = wanted.where(Customer.vip if mark == "vip" else Customer.bad)
    return await page.load(session, wanted, SORTS, CustomerRow, after=after, limit=limit)


async def load_customer(session: AsyncSession, customer_id: int) -> CustomerPage:
    """The page of one customer; of the one it was merged into, when it was.

    Raises `NotFound`.
    """
    customer = await session.get(Customer, customer_id)
    if customer is None:
        raise NotFound("There is no such customer.")
    if customer.merged_into_id is not None:
        return await load_customer(session, customer.merged_into_id)
    manager = await session.get(User, customer.manager_id) if customer.manager_id is not None else None
    return CustomerPage(
        **{name: getattr(customer, name) for name in _PLAIN},
        manager=manager.name if manager else None,
        totals=await _totals(session, customer_id),
        numbers=[Number(id=n.id, e164=n.e164, raw=n.raw, label=n.label) for n in customer.numbers],
        contacts=await list_contacts(session, customer_id),
        addresses=await list_addresses(session, customer_id),
    )


_PLAIN = (
    *("id", "name", "vip", "bad", "email", "city", "country", "address", "timezone", "birthday", "tags"),
    *("source", "price_list", "sex", "category", "customer_type", "manager_id", "note", "custom"),
    *("version", "created_at"),
)


async def offered_words(session: AsyncSession) -> dict[str, list[str]]:
    """What others have in category, customer type, source and tags, to choose from while typing: of each the most
    frequent among the customers that were added last."""
    newest = select(*(getattr(Customer, name) for name in (*_WORDS, "tags")))
    newest = newest.order_by(Customer.id.desc()).limit(_LOOKED_THROUGH)
    rows = (await session.execute(newest)).all()
    found = {name: Counter(word for row in rows if (word := getattr(row, name))) for name in _WORDS}
    found["tags"] = Counter(tag for row in rows for tag in row.tags)
    return {
        name: sorted(word for word, _ in counted.most_common(_OFFERED)) for name, counted in found.items()
    }


_WORDS = ("category", "customer_type", "source")
_LOOKED_THROUGH, _OFFERED = 2000, 50


async def _totals(session: AsyncSession, customer_id: int) -> Totals:
    bought = _bought()
    talked = lateral(
        select(
            func.count().label("calls"),
            func.coalesce(func.sum(Call.talk_s), 0.0).label("talk_s"),
            func.max(Call.started_at).label("last_call_at"),
        )
        .where(Call.customer_id == Customer.id)
        .correlate(Customer)
    ).alias("talked")
    query = select(*bought.c, *talked.c).select_from(Customer).join(bought, true()).join(talked, true())
    row = (await session.execute(query.where(and_(Customer.id == customer_id)))).one()
    return Totals(**dict(row._mapping))
