"""What an order is at an instant, what two instants differ in, and what two people's changes do to one another."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Conflict, Stale
from crm_core.order_rows import Order, OrderChange, OrderItem
from crm_core.order_status import is_open
from crm_core.order_stock import ItemWanted
from crm_core.user import User

SUMS = ("delivery_cost", "discount_percent", "discount_amount")
TEXTS = (
    "delivery_method",
    "delivery_address",
    "delivery_city",
    "delivery_region",
    "delivery_postcode",
    "payment_method",
    "tracking",
    "comment",
    "customer_comment",
    "status_comment",
)
AS_GIVEN = ("promised_at", "delivery_date", "delivery_from", "delivery_until", "needs_call", "manager_id")
EDITABLE = frozenset(
    ("items", "status", "paid", "deal_id", "coupon", "delivery_method_id", *SUMS, *TEXTS, *AS_GIVEN)
)
# What is agreed in one breath: two people who change the same of these change the same thing.
TOGETHER = (
    frozenset(("items", "discount_percent", "discount_amount", "coupon")),
    frozenset(name for name in EDITABLE if name.startswith("delivery_")),
    frozenset(("status", "status_comment")),
)


@dataclass(frozen=True, kw_only=True)
class FieldClash:
    """One field that two people changed: how it was, what is there now, what was wanted; and who was there first."""

    field: str
    base: Any
    theirs: Any
    mine: Any
    by: str | None
    at: datetime | None


class Clash(Stale):
    """The same was changed meanwhile. `fields` shows both; `version` is the newest, for the next try;
    `mine` names all that was wanted otherwise than it was."""

    def __init__(self, message: str, version: int, fields: Sequence[FieldClash], mine: Iterable[str]) -> None:
        super().__init__(message, version)
        self.fields = fields
        self.mine = sorted(mine)


def facts(order: Order) -> dict[str, Any]:
    """The order as the history shows it."""
    plainly = {name: plain(getattr(order, name)) for name in EDITABLE - {"items", "coupon"}}
    items = [said_item(it) for it in order.items]
    return {**plainly, "items": items, "coupon": order.coupon_code, "total": str(order.total)}


def said_item(item: OrderItem | ItemWanted) -> str:
    """A line in words: what, how many, at which price, less what."""
    said = f"{item.quantity} × {item.name} à {item.price}"
    if item.discount_percent:
        return f"{said} − {Decimal(item.discount_percent).normalize():f} %"
    return f"{said} − {item.discount_amount}" if item.discount_amount else said


def plain(value: object) -> object:
    """A value as JSON and eyes can compare it."""
    if isinstance(value, str):
        return value.strip() or None
    return value if value is None or isinstance(value, int) else str(value)


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Field -> [before, after] of what differs."""
    return {name: [before[name], after[name]] for name in sorted(after) if before[name] != after[name]}


def wanted_fact(field: str, value: object) -> object:
    """What `facts` would say of a field if it were changed to `value`; of items only where all is said."""
    if field == "items" and isinstance(value, Sequence):
        return [said_item(it) for it in value]
    if field in (*SUMS, "paid") and value is not None:
        try:
            return str(Decimal(str(value)).quantize(Decimal("0.01")))
        except ArithmeticError:
            return str(value)
    if field == "coupon" and isinstance(value, str):
        return "".join(value.split()).upper() or None
    return plain(value)


async def merged(
    session: AsyncSession, order: Order, version: int, changes: Mapping[str, Any]
) -> Mapping[str, Any]:
    """What of `changes`, made on an older `version`, may be done to the order as it is now.

    What was only sent along unchanged is dropped. Raises `Clash` when somebody else changed the same, or something
    that is agreed together with it, or closed the order; `Conflict` when nobody knows what was changed.
    """
    found = await session.execute(
        select(OrderChange, User.name)
        .outerjoin(User, User.id == OrderChange.user_id)
        .where(OrderChange.order_id == order.id, OrderChange.version > version)
        .order_by(OrderChange.version)
    )
    steps = [(change, name) for change, name in found]
    if version > order.version or len(steps) != order.version - version:
        raise Conflict(f"Order {order.number} was changed by somebody else meanwhile. Look again.")
    now = facts(order)
    base: dict[str, Any] = {}
    said: dict[str, tuple[str | None, datetime]] = {}
    for change, name in steps:
        for field, (was, _) in change.what.items():
            base.setdefault(field, was)
            said[field] = (name, change.created_at)
    mine = {
        field: value
        for field, value in changes.items()
        if wanted_fact(field, value) != base.get(field, now.get(field))
    }
    theirs = {field for field in base if field in EDITABLE and base[field] != now[field]}
    clashing = [field for field in mine if field in _touched(theirs, order)]
    wrong = [field for field in clashing if wanted_fact(field, mine[field]) != now[field]]
    if not wrong:
        return {field: value for field, value in mine.items() if field not in clashing}
    fields = [
        FieldClash(
            field=field,
            base=base.get(field, now[field]),
            theirs=now[field],
            mine=wanted_fact(field, mine[field]) if field in mine else base.get(field, now[field]),
            by=said[field][0] if field in said else None,
            at=said[field][1] if field in said else None,
        )
        for field in _shown(wrong, theirs)
    ]
    who = next((it.by for it in fields if it.by), None) or "Somebody else"
    said_so = f"{who} changed order {order.number} meanwhile. Choose what shall hold."
    raise Clash(said_so, order.version, fields, mine)


def _touched(theirs: Iterable[str], order: Order) -> set[str]:
    """The fields that nobody may change unseen after `theirs` were changed: of an order that was closed, any."""
    fields = set(theirs)
    if "status" in fields and not is_open(order.status):
        return set(EDITABLE)
    for group in TOGETHER:
        if fields & group:
            fields |= group
    return fields


def _shown(wrong: Sequence[str], theirs: set[str]) -> list[str]:
    """What clashes, and what they changed that goes together with it."""
    shown = list(wrong)
    for group in TOGETHER:
        if group & set(wrong):
            shown += sorted((group & theirs) - set(shown))
    return shown
