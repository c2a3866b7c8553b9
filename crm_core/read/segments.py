"""Rules of segments as conditions on customers: looked up in the database as it is when they are asked."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Date,
    Integer,
    Numeric,
    and_,
    cast,
    extract,
    false,
    func,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.customer import Customer
from crm_core.deal_rows import Deal
from crm_core.order import Order
from crm_core.order_status import RELEASED, among
from crm_core.segment import checked_rules, get_segment
from crm_core.segment_rule import CUSTOM, All, AnyOf, Condition, Kind, Node, Not
from crm_core.site import Cart, Visit

BOUGHT = ~among(Order.status, RELEASED)


async def in_segment(session: AsyncSession, segment_id: int, now: datetime) -> ColumnElement[bool]:
    """The condition that a customer belongs to a segment. Raises `NotFound`, and `Invalid` when its rules name a
    field that there is no more."""
    segment = await get_segment(session, segment_id)
    return compiled(await checked_rules(session, segment.rules), now)


async def count_customers(session: AsyncSession, condition: ColumnElement[bool]) -> int:
    """How many customers fit."""
    fit = select(func.count()).select_from(Customer).where(Customer.merged_into_id.is_(None), condition)
    return await session.scalar(fit) or 0


def compiled(node: Node, now: datetime) -> ColumnElement[bool]:
    """The rules as a condition on `customers`; never NULL, so that "not" means what it says."""
    match node:
        case All(parts):
            return and_(true(), *(compiled(part, now) for part in parts))
        case AnyOf(parts):
            return or_(false(), *(compiled(part, now) for part in parts))
        case Not(part):
            return ~compiled(part, now)
        case Condition():
            holds: ColumnElement[bool] = func.coalesce(_test(node, now), false())
            return holds


def _test(test: Condition, now: datetime) -> Any:
    value: Any = test.value
    if test.kind is Kind.TEXTS:
        return _texts(test)
    column = _expression(test, now)
    match test.op:
        case "known":
            return column.is_not(None) if value else column.is_(None)
        case "is" if test.kind is Kind.TEXT:
            return func.lower(column) == value.lower()
        case "is":
            return column == value
        case "is_not":
            return func.lower(column).is_distinct_from(value.lower())
        case "one_of":
            return func.lower(column).in_([text.lower() for text in value])
        case "contains":
            return func.lower(column).contains(value.lower(), autoescape=True)
        case "begins":
            return func.lower(column).startswith(value.lower(), autoescape=True)
        case "at_least" | "since":
            return column >= value
        case "at_most" | "until":
            return column <= value
    raise AssertionError(f"unchecked rule: {test}")


def _texts(test: Condition) -> Any:
    """Tags, or the chosen options of a field of one's own."""
    if test.field.startswith(CUSTOM):
        code = test.field.removeprefix(CUSTOM)
        has = Customer.custom.contains({code: [test.value]})
        known = Customer.custom.has_key(code)
    else:
        has = Customer.tags.contains([test.value])
        known = func.cardinality(Customer.tags) > 0
    match test.op:
        case "has":
            return has
        case "has_not":
            return ~has
    return known if test.value else ~known


def _expression(test: Condition, now: datetime) -> Any:
    if test.field.startswith(CUSTOM):
        said = Customer.custom[test.field.removeprefix(CUSTOM)].astext
        match test.kind:
            case Kind.NUMBER:
                return cast(said, Numeric)
            case Kind.DAY:
                return cast(said, Date)
            case Kind.YES_NO:
                return said == "true"
        return said
    if test.field in _COUNTED:
        return _COUNTED[test.field](now)
    if test.field == "created":
        return cast(Customer.created_at, Date)
    return getattr(Customer, test.field)


def _of(*what: Any, table: Any) -> Any:
    """One figure over a customer's rows of another table."""
    return select(*what).select_from(table).where(table.customer_id == Customer.id).correlate(Customer)


def _bought(figure: Any) -> Any:
    return _of(figure, table=Order).where(BOUGHT).scalar_subquery()


def _days(at: Any, now: datetime) -> Any:
    """Whole days gone by."""
    return func.floor(extract("epoch", literal(now) - at) / 86400)


def _sum(figure: Any) -> Any:
    """In the currency of the last purchase, as on the customer's page."""
    last = _of(Order.currency, table=Order).where(BOUGHT)
    last = last.order_by(Order.created_at.desc()).limit(1).scalar_subquery()
    query = _of(figure, table=Order).where(BOUGHT, Order.currency == last)
    return query.scalar_subquery()


def _calls(figure: Any, *where: Any) -> Any:
    return _of(figure, table=Call).where(*where).scalar_subquery()


def _days_to_birthday(now: datetime) -> Any:
    today, yesterday = literal(now.date(), Date), literal(now.date() - timedelta(days=1), Date)
    years = extract("year", func.age(yesterday, Customer.birthday)) + 1
    following = cast(Customer.birthday + func.make_interval(cast(years, Integer)), Date)
    return following - today


def _cart_days(now: datetime) -> Any:
    left = _of(func.max(Cart.updated_at), table=Cart).where(
        Cart.order_id.is_(None), func.jsonb_array_length(Cart.items) > 0
    )
    return _days(left.scalar_subquery(), now)


_COUNTED: Mapping[str, Callable[[datetime], Any]] = {
    "has_manager": lambda now: Customer.manager_id.is_not(None),
    "days_to_birthday": _days_to_birthday,
    "orders": lambda now: _bought(func.count()),
    "orders_sum": lambda now: func.coalesce(_sum(func.sum(Order.total)), 0),
    "average_order": lambda now: _sum(func.avg(Order.total)),
    "days_since_purchase": lambda now: _days(_bought(func.max(Order.created_at)), now),
    "calls": lambda now: _calls(func.count()),
    "missed_calls": lambda now: _calls(func.count(), Call.missed_place.is_not(None)),
    "days_since_call": lambda now: _days(_calls(func.max(Call.started_at)), now),
    "open_deals": lambda now: _of(func.count(), table=Deal).where(Deal.closed_at.is_(None)).scalar_subquery(),
    "abandoned_cart_days": _cart_days,
    "days_since_visit": lambda now: _days(_of(func.max(Visit.at), table=Visit).scalar_subquery(), now),
}
