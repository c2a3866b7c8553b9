"""Customers as a list, and one customer as a page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, lateral, select, true, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.customer import Customer, CustomerNumber
from crm_core.customer_contact import CustomerAddress, CustomerContact, list_addresses, list_contacts
from crm_core.errors import NotFound
from crm_core.line import Line as LineRow
from crm_core.order import Order, OrderItem
from crm_core.read import match, page
from crm_core.read.page import Page, Sort
from crm_core.read.rfm import cell_rules
from crm_core.read.segments import BOUGHT, compiled, in_segment
from crm_core.shop import Shop
from crm_core.site import Visit
from crm_core.user import User

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
    version: int


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number of a customer, as it is dialled and as it is said."""

    id: int
    e164: str
    raw: str
    label: str | None


@dataclass(frozen=True, kw_only=True)
class Totals:
    """What a customer has been for the shop so far; `sum`, `average` and `margin` in `currency`, that of the last
    order. `margin` is over the `margin_of` orders whose every article has a known purchase price; it is a right to
    see it. `first_source`: what is written down, else where the person was first met.
    """

    orders: int
    sum: Decimal
    currency: str | None
    last_at: datetime | None
    calls: int
    talk_s: float
    last_call_at: datetime | None
    average: Decimal | None
    first_source: str | None
    margin: Decimal | None
    margin_of: int


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
        .where(Order.customer_id == Customer.id, BOUGHT)
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
        .where(Order.customer_id == Customer.id, BOUGHT)
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
            *(getattr(Customer, name) for name in ("tags", "created_at", "sort_key", "version")),
            *first.c,
            *bought.c,
        )
        .select_from(Customer)
        .outerjoin(first, true())
        .join(bought, true())
        .where(Customer.merged_into_id.is_(None))
    )


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which customers. `query`: name, number, e-mail; `mark`: vip or bad; `recency` and `frequency`: a cell of
    `crm_core.read.rfm`; `manager_id` 0: those whom nobody looks after."""

    query: str = ""
    mark: str | None = None
    segment_id: int | None = None
    category: str | None = None
    customer_type: str | None = None
    source: str | None = None
    tag: str | None = None
    manager_id: int | None = None
    recency: int | None = None
    frequency: int | None = None


async def list_customers(
    session: AsyncSession,
    *,
    now: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
    **wanted: Any,
) -> Page[CustomerRow]:
    """Customers by name, those that `wanted` (the fields of `Wanted`) means. Raises `NotFound`, `Invalid`."""
    meant = await chosen_ids(session, Wanted(**wanted), now or datetime.now(UTC))
    return await page.load(session, _rows(), SORTS, CustomerRow, after=after, limit=limit, chosen=meant)


async def suggest_customers(session: AsyncSession, text: str, *, limit: int) -> Sequence[CustomerRow]:
    """Some by name whom `text` may mean, for a field that answers while somebody types: of very many any, because to
    find the first of all of them by name takes most of a second at a million customers."""
    meant = match.some_people(await match.weigh(session, text), limit * _OF_MANY)
    if meant is None:
        return []
    chosen = select(Customer.id).where(Customer.merged_into_id.is_(None), meant)
    found = await page.load(session, _rows(), SORTS, CustomerRow, after=None, limit=limit, chosen=chosen)
    return found.rows


_OF_MANY = 20


async def conditions(
    session: AsyncSession, wanted: Wanted, now: datetime
) -> list[ColumnElement[bool]] | None:
    """`wanted` as conditions on customers; None when nobody can be meant. Raises `NotFound`, `Invalid`."""
    found: list[ColumnElement[bool]] = []
    if wanted.query.strip():
        # Those of one name stand together, perhaps at the end of a list by name: such a list is not walked for them.
        asked = await match.weigh(session, wanted.query)
        meant = match.people(asked if match.digits(wanted.query) else replace(asked, common=False))
        if meant is None:
            return None
        found.append(meant)
    if wanted.mark:
        found.append(and_(Customer.vip if wanted.mark == "vip" else Customer.bad))
    if wanted.segment_id is not None:
        found.append(await in_segment(session, wanted.segment_id, now))
    for name in _WORDS:
        if (word := getattr(wanted, name)) is not None:
            found.append(getattr(Customer, name) == word)
    if wanted.tag is not None:
        found.append(Customer.tags.contains([wanted.tag]))
    if wanted.manager_id is not None:
        found.append(Customer.manager_id.is_not_distinct_from(wanted.manager_id or None))
    if wanted.recency is not None or wanted.frequency is not None:
        found.append(compiled(cell_rules(wanted.recency, wanted.frequency), now))
    return found


async def chosen_ids(session: AsyncSession, wanted: Wanted, now: datetime) -> Select[Any]:
    """The ids of the customers that are wanted, as a query. Raises `NotFound`, `Invalid`."""
    meant = await conditions(session, wanted, now)
    whom = (false(),) if meant is None else (Customer.merged_into_id.is_(None), *meant)
    return select(Customer.id).where(*whom)


async def count_wanted(session: AsyncSession, *, now: datetime | None = None, **wanted: Any) -> int:
    """How many `list_customers` would list."""
    ids = (await chosen_ids(session, Wanted(**wanted), now or datetime.now(UTC))).subquery()
    return await session.scalar(select(func.count()).select_from(ids)) or 0


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
    count, average, margin, known = await _earned(session, customer_id, row.currency)
    return Totals(
        **dict(row._mapping),
        average=round(average, 2) if count else None,
        margin=margin if known else None,
        margin_of=known,
        first_source=await _first_source(session, customer_id),
    )


async def _earned(session: AsyncSession, customer_id: int, currency: str | None) -> Any:
    """Of the orders in `currency`: how many, their average, and the margin over those of which it is known: what the
    goods were sold for after discounts, less what they had cost us when they were sold."""
    cost = select(
        func.sum(OrderItem.purchase_price * OrderItem.quantity).label("cost"),
        func.coalesce(func.bool_and(OrderItem.purchase_price.is_not(None)), false()).label("known"),
    )
    earned = lateral(cost.where(OrderItem.order_id == Order.id).correlate(Order)).alias("earned")
    query = select(
        func.count(),
        func.avg(Order.total),
        func.sum(Order.total - Order.delivery_cost - earned.c.cost).filter(earned.c.known),
        func.count().filter(earned.c.known),
    )
    mine = Order.customer_id == customer_id, BOUGHT, Order.currency == currency
    return (await session.execute(query.select_from(Order).join(earned, true()).where(*mine))).one()


async def _first_source(session: AsyncSession, customer_id: int) -> str | None:
    """What is written down, else where the person was first met: by which line, in which shop, on which page."""
    written = await session.scalar(select(Customer.source).where(Customer.id == customer_id))
    if written:
        return written
    met = union_all(
        _first(Call.started_at, func.coalesce(LineRow.name, Call.line), Call.customer_id == customer_id)
        .select_from(Call)
        .outerjoin(LineRow, LineRow.id == Call.line_id),
        _first(Order.created_at, Shop.name, Order.customer_id == customer_id)
        .select_from(Order)
        .join(Shop, Shop.id == Order.shop_id),
        _first(Visit.at, Visit.title, Visit.customer_id == customer_id).select_from(Visit),
    ).subquery()
    found: str | None = await session.scalar(select(met.c.said).order_by(met.c.at).limit(1))
    return found


def _first(at: Any, said: Any, mine: Any) -> Any:
    return select(at.label("at"), said.label("said")).where(mine).order_by(at).limit(1)
