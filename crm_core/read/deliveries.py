"""What a courier has before him: his open orders, each with the way, the goods and the money to take."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.customer import Customer
from crm_core.order import Order
from crm_core.order_rows import OrderItem
from crm_core.order_status import is_released, is_shipped
from crm_core.read.orders import first_number
from crm_core.read.tasks import FAR, Viewer
from crm_core.status_list import OrderStatus
from crm_core.task_rows import Kind, State, Task

MOST = 100


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One order to be brought. `wishes` is what the office wrote for the courier, `comment` the order's own."""

    id: int
    mine: bool
    due_at: datetime | None
    wishes: str | None
    priority: str
    order_id: int
    number: str
    status: str
    status_label: str
    total: Decimal
    paid: Decimal
    currency: str
    address: str | None
    comment: str | None
    customer: str
    e164: str | None
    items: tuple[tuple[int, str], ...]

    @property
    def to_take(self) -> Decimal:
        """What is still to be paid."""
        return max(Decimal(0), self.total - self.paid)

    @property
    def on_way(self) -> bool:
        """The courier has the parcel."""
        return is_shipped(self.status)

    @property
    def called_off(self) -> bool:
        """The customer is not to get it any more."""
        return is_released(self.status)


async def list_deliveries(session: AsyncSession, viewer: Viewer) -> list[Delivery]:
    """His own open deliveries and those that any courier may take, the most urgent first."""
    address = func.coalesce(
        func.nullif(Order.delivery_address, ""),
        func.nullif(func.concat_ws(", ", Customer.address, Customer.city), ""),
    )
    query = (
        select(
            Task.id,
            (func.coalesce(Task.performer_id, 0) == viewer.user_id).label("mine"),
            Task.due_at,
            Task.text.label("wishes"),
            Task.priority,
            Order.id.label("order_id"),
            Order.number,
            Order.status,
            OrderStatus.name.label("status_label"),
            Order.total,
            Order.paid,
            Order.currency,
            address.label("address"),
            Order.comment,
            Customer.name.label("customer"),
            first_number(Order),
        )
        .select_from(Task)
        .join(Order, Order.id == Task.order_id)
        .join(OrderStatus, OrderStatus.code == Order.status)
        .join(Customer, Customer.id == Order.customer_id)
        .where(Task.kind == Kind.COURIER, Task.state == State.OPEN, viewer.performs())
        .order_by(func.coalesce(Task.due_at, FAR), Task.id)
        .limit(MOST)
    )
    rows = (await session.execute(query)).all()
    items: dict[int, list[tuple[int, str]]] = {row.order_id: [] for row in rows}
    lines = select(OrderItem.order_id, OrderItem.quantity, OrderItem.name).where(
        OrderItem.order_id.in_(items)
    )
    for order_id, quantity, name in await session.execute(lines.order_by(OrderItem.id)):
        items[order_id].append((quantity, name))
    return [Delivery(**dict(row._mapping), items=tuple(items[row.order_id])) for row in rows]
