"""Orders as a list, and one order as a page."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, String, and_, cast, func, lateral, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.customer import Customer, CustomerNumber
from crm_core.deal_rows import Deal
from crm_core.errors import NotFound
from crm_core.order import Order, OrderChange, OrderItem
from crm_core.order_confirmation import Confirmed, load_confirmed
from crm_core.order_status import OPEN, TO_BRING, Group, among, group_of
from crm_core.order_total import Off, OrderLine, Sums, add_up, margin
from crm_core.payment import Payment
from crm_core.read import match, page
from crm_core.read.late import MOST, count_late, is_late, page_of_late, why_late
from crm_core.read.page import Page, Sort
from crm_core.shop import Shop
from crm_core.status_list import OrderStatus, codes_of
from crm_core.user import User

PAID_LATER = ("on_delivery", "cash")  # nobody owes anything before it comes
SORTS = (
    Sort(Order.created_at, "created_at", page.instant, down=True),
    Sort(Order.id, "id", page.number, down=True),
)


@dataclass(frozen=True, kw_only=True)
class OrderRow:
    """One line of the list; `items` as a person would say them, `calls` and `talk_s` of linked calls."""

    id: int
    number: str
    status: str
    status_label: str
    status_tone: str
    status_shape: str
    late: str | None
    total: Decimal
    paid: Decimal
    currency: str
    tracking: str | None
    promised_at: datetime | None
    created_at: datetime
    created_in_call_id: UUID | None
    customer_id: int
    customer: str
    e164: str | None
    shop_id: int
    shop: str
    deal_id: int | None
    needs_call: bool
    manager_id: int | None
    manager: str | None
    items: str
    calls: int
    talk_s: float
    last_call_at: datetime | None
    version: int

    @property
    def group(self) -> Group:
        return group_of(self.status)

    @property
    def open(self) -> bool:
        return self.group in OPEN


@dataclass(frozen=True, kw_only=True)
class Item:
    """One line of an order."""

    id: int
    product_id: int | None
    sku: str
    name: str
    quantity: int
    price: Decimal
    discount_percent: Decimal
    discount_amount: Decimal
    list_price: Decimal | None
    purchase_price: Decimal | None
    supplier: str | None
    lead_days: int | None

    @property
    def line(self) -> OrderLine:
        return OrderLine(self.quantity, self.price, Off(self.discount_percent, self.discount_amount))

    @property
    def sum(self) -> Decimal:
        return self.line.sum


@dataclass(frozen=True, kw_only=True)
class OrderPage:
    """Everything on an order's page except calls and history."""

    id: int
    number: str
    status: str
    status_label: str
    status_tone: str
    status_shape: str
    late: str | None
    total: Decimal
    paid: Decimal
    currency: str
    delivery_method: str | None
    delivery_address: str | None
    delivery_method_id: int | None
    delivery_city: str | None
    delivery_region: str | None
    delivery_postcode: str | None
    delivery_cost: Decimal
    delivery_by_hand: bool
    delivery_date: date | None
    delivery_from: time | None
    delivery_until: time | None
    payment_method: str | None
    discount_percent: Decimal
    discount_amount: Decimal
    coupon_code: str | None
    coupon_percent: Decimal
    coupon_amount: Decimal
    coupon_minimum: Decimal
    tracking: str | None
    promised_at: datetime | None
    comment: str | None
    customer_comment: str | None
    status_comment: str | None
    needs_call: bool
    manager_id: int | None
    manager: str | None
    created_at: datetime
    updated_at: datetime
    created_in_call_id: UUID | None
    customer_id: int
    shop_id: int
    shop: str
    deal_id: int | None
    deal: str | None
    created_by: str | None
    confirmed: Confirmed | None
    version: int
    items: list[Item]

    @property
    def group(self) -> Group:
        return group_of(self.status)

    @property
    def open(self) -> bool:
        return self.group in OPEN

    @property
    def to_bring(self) -> bool:
        """The customer waits for it."""
        return self.group in TO_BRING

    @property
    def sums(self) -> Sums:
        return add_up(
            [it.line for it in self.items],
            discount=Off(self.discount_percent, self.discount_amount),
            coupon=Off(self.coupon_percent, self.coupon_amount),
            coupon_minimum=self.coupon_minimum,
            delivery=self.delivery_cost,
        )

    @property
    def goods(self) -> Decimal:
        return self.sums.goods

    @property
    def owed(self) -> Decimal:
        """What is still to be paid; below zero when something must go back."""
        return self.total - self.paid

    @property
    def margin(self) -> Decimal | None:
        """What stays of what is paid for the goods; None when a purchase price is not known."""
        return margin(self.sums.sold, [(it.quantity, it.purchase_price) for it in self.items])


@dataclass(frozen=True, kw_only=True)
class Change:
    """One step in the life of an order; `what`: field -> [before, after]."""

    at: datetime
    what: dict[str, Any]
    operator: str | None
    call_id: UUID | None
    version: int | None


def talks(column: Any, owner: Any) -> Any:
    """Calls linked (and not unlinked again) to the object of the outer row: how many, how long, the last."""
    return lateral(
        select(
            func.count().label("calls"),
            func.coalesce(func.sum(Call.talk_s), 0.0).label("talk_s"),
            func.max(Call.started_at).label("last_call_at"),
        )
        .select_from(CallLink)
        .join(Call, Call.id == CallLink.call_id)
        .where(column == owner.id, CallLink.removed_at.is_(None))
        .correlate(owner)
    ).alias("talks")


def first_number(owner: Any) -> Any:
    """The number by which the customer of the outer row is called first."""
    return (
        select(CustomerNumber.e164)
        .where(CustomerNumber.customer_id == owner.customer_id)
        .order_by(CustomerNumber.position, CustomerNumber.id)
        .limit(1)
        .correlate(owner)
        .scalar_subquery()
        .label("e164")
    )


SHOWN = (
    OrderStatus.name.label("status_label"),
    OrderStatus.tone.label("status_tone"),
    OrderStatus.shape.label("status_shape"),
)
"""A status as it is shown."""


def _rows(now: datetime) -> Select[Any]:
    said = func.concat(cast(OrderItem.quantity, String), " × ", OrderItem.name)
    items = (
        select(func.coalesce(func.string_agg(said, ", "), ""))
        .where(OrderItem.order_id == Order.id)
        .correlate(Order)
        .scalar_subquery()
        .label("items")
    )
    talked = talks(CallLink.order_id, Order)
    names = ("id", "number", "status", "total", "paid", "currency", "tracking", "promised_at", "created_at")
    more = ("created_in_call_id", "customer_id", "shop_id", "deal_id", "needs_call", "manager_id", "version")
    return (
        select(
            *(getattr(Order, name) for name in (*names, *more)),
            *SHOWN,
            why_late(now).label("late"),
            Customer.name.label("customer"),
            Shop.name.label("shop"),
            User.name.label("manager"),
            first_number(Order),
            items,
            *talked.c,
        )
        .select_from(Order)
        .join(Customer, Customer.id == Order.customer_id)
        .join(Shop, Shop.id == Order.shop_id)
        .join(OrderStatus, OrderStatus.code == Order.status)
        .outerjoin(User, User.id == Order.manager_id)
        .join(talked, true())
    )


def _has_calls() -> Any:
    live = CallLink.removed_at.is_(None)
    return select(CallLink.id).where(CallLink.order_id == Order.id, live).correlate(Order).exists()


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which orders. `query`: order, tracking, total, name or number; `calls`: "some" or "none"; `status`: a code, or a
    whole group as "work.*"; `unpaid`: see `owed`; `older_h`: placed so many hours ago or longer."""

    query: str = ""
    status: str | None = None
    open_only: bool = False
    shop_id: int | None = None
    customer_id: int | None = None
    deal_id: int | None = None
    manager_id: int | None = None
    needs_call: bool = False
    calls: str | None = None
    late: bool = False
    unpaid: bool = False
    older_h: int | None = None


async def list_orders(
    session: AsyncSession,
    *,
    now: datetime | None = None,
    after: str | None = None,
    limit: int = 50,
    only: ColumnElement[bool] | None = None,
    **wanted: Any,
) -> Page[OrderRow]:
    """Orders, newest first, those that `wanted` (the fields of `Wanted`) means at `now` (None: this instant), of those
    for which `only` holds."""
    at = now or datetime.now(UTC)
    asked = Wanted(**wanted)
    many_late = asked.late and await count_late(session, at) >= MOST
    found = await conditions(session, replace(asked, late=asked.late and not many_late, query=""), at)
    hits = None
    if only is not None:
        found.append(only)
    if text := asked.query.strip():
        sought = await match.weigh(session, text)
        if sought.common or many_late:
            found.append(match.orders(sought))
        else:
            hits = match.orders_found(sought)
    if many_late:
        found = [Order.id.in_(await page_of_late(session, at, found, SORTS, after=after, limit=limit))]
    meant, by = select(Order.id).where(*found), list(SORTS)
    if hits is not None:
        meant = meant.join(hits, hits.c.id == Order.id)
        by = [replace(sort, column=hits.c[sort.name]) for sort in SORTS]
    return await page.load(session, _rows(at), SORTS, OrderRow, after=after, limit=limit, chosen=meant, by=by)


async def count_orders(session: AsyncSession, *, now: datetime | None = None, **wanted: Any) -> int:
    """How many `list_orders` would list."""
    found = await conditions(session, Wanted(**wanted), now or datetime.now(UTC))
    return await session.scalar(select(func.count(Order.id)).where(*found)) or 0


async def conditions(session: AsyncSession, wanted: Wanted, at: datetime) -> list[ColumnElement[bool]]:
    """`wanted` as conditions on orders."""
    found: list[ColumnElement[bool]] = []
    if wanted.query.strip():
        found.append(match.orders(await match.weigh(session, wanted.query)))
    for name in ("shop_id", "customer_id", "deal_id", "manager_id"):
        if (value := getattr(wanted, name)) is not None:
            found.append(getattr(Order, name) == value)
    if wanted.needs_call:
        found.append(and_(Order.needs_call))
    if wanted.status and wanted.status.endswith(".*"):
        meant = [group for group in Group if wanted.status == f"{group}.*"]
        found.append(Order.status.in_(await codes_of(session, meant)))
    elif wanted.status:
        found.append(Order.status == wanted.status)
    if wanted.open_only:
        found.append(Order.status.in_(await codes_of(session, OPEN)))
    if wanted.late:
        found.append(is_late(at))
    if wanted.calls:
        found.append(_has_calls() if wanted.calls == "some" else ~_has_calls())
    if wanted.unpaid:
        found.append(owed())
    if wanted.older_h is not None:
        found.append(Order.created_at <= at - timedelta(hours=wanted.older_h))
    return found


def owed() -> ColumnElement[bool]:
    """Not yet sent, and not paid though it should be: whoever pays at the door owes nothing before."""
    return and_(
        among(Order.status, (Group.NEW, Group.WORK)),
        Order.paid < Order.total,
        or_(Order.payment_method.is_(None), Order.payment_method.not_in(PAID_LATER)),
    )


async def load_order(session: AsyncSession, order_id: int, *, now: datetime | None = None) -> OrderPage:
    """The page of one order; late at `now` (None: this instant). Raises `NotFound`."""
    now = now or datetime.now(UTC)
    manager = aliased(User)
    columns = [column for column in Order.__table__.c if column.name in OrderPage.__annotations__]
    query = (
        select(
            *(column for column in columns if column.name != "created_by"),
            *SHOWN,
            why_late(now).label("late"),
            Shop.name.label("shop"),
            Deal.title.label("deal"),
            User.name.label("created_by"),
            manager.name.label("manager"),
        )
        .select_from(Order)
        .join(Shop, Shop.id == Order.shop_id)
        .join(OrderStatus, OrderStatus.code == Order.status)
        .outerjoin(Deal, Deal.id == Order.deal_id)
        .outerjoin(User, User.id == Order.created_by)
        .outerjoin(manager, manager.id == Order.manager_id)
        .where(Order.id == order_id)
    )
    row = (await session.execute(query)).one_or_none()
    if row is None:
        raise NotFound("There is no such order.")
    return OrderPage(
        **dict(row._mapping),
        items=await _items(session, order_id),
        confirmed=await load_confirmed(session, order_id),
    )


async def _items(session: AsyncSession, order_id: int) -> list[Item]:
    columns = [getattr(OrderItem, name) for name in Item.__annotations__]
    query = select(*columns).where(OrderItem.order_id == order_id).order_by(OrderItem.id)
    return [Item(**dict(row._mapping)) for row in await session.execute(query)]


async def load_changes(session: AsyncSession, order_id: int, limit: int = 100) -> list[Change]:
    """The history of an order, newest first."""
    query = (
        select(
            OrderChange.created_at.label("at"),
            OrderChange.what,
            User.name.label("operator"),
            OrderChange.call_id,
            OrderChange.version,
        )
        .select_from(OrderChange)
        .outerjoin(User, User.id == OrderChange.user_id)
        .where(OrderChange.order_id == order_id)
        .order_by(OrderChange.created_at.desc(), OrderChange.id.desc())
        .limit(limit)
    )
    return [Change(**dict(row._mapping)) for row in await session.execute(query)]


@dataclass(frozen=True, kw_only=True)
class PaymentRow:
    """Money that came or went back, and who took it down."""

    at: datetime
    kind: str
    amount: Decimal
    method: str | None
    note: str | None
    operator: str | None
    call_id: UUID | None


async def load_payments(session: AsyncSession, order_id: int) -> list[PaymentRow]:
    """The payments of an order, the oldest first."""
    query = (
        select(
            Payment.created_at.label("at"),
            Payment.kind,
            Payment.amount,
            Payment.method,
            Payment.note,
            User.name.label("operator"),
            Payment.call_id,
        )
        .outerjoin(User, User.id == Payment.user_id)
        .where(Payment.order_id == order_id)
        .order_by(Payment.id)
    )
    return [PaymentRow(**dict(row._mapping)) for row in await session.execute(query)]
