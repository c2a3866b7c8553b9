"""The history of an order as a person reads it: what was changed, from what, to what. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from crm_core.read.order_steps import Names

LABELS = {
    "created": "Order placed",
    "status": "Status",
    "status_comment": "Comment on the status",
    "items": "Items",
    "total": "Total",
    "paid": "Paid",
    "payment": "Payment",
    "payment_link": "Asked to pay",
    "payment_method": "Pays by",
    "coupon": "Coupon",
    "discount_percent": "Discount of the order in per cent",
    "discount_amount": "Discount of the order",
    "delivery_method": "Delivery",
    "delivery_method_id": "Way of delivery",
    "delivery_cost": "Delivery costs",
    "delivery_city": "City",
    "delivery_region": "Region",
    "delivery_postcode": "Postcode",
    "delivery_address": "Address",
    "delivery_date": "Day of delivery",
    "delivery_from": "Delivery from",
    "delivery_until": "Delivery until",
    "promised_at": "Promised",
    "tracking": "Tracking",
    "comment": "Our comment",
    "customer_comment": "The customer's comment",
    "needs_call": "Needs a call",
    "manager_id": "In charge",
    "deal_id": "Deal",
    "rule": "By the rule",
}
_ORDER = {field: place for place, field in enumerate(LABELS)}
_KINDS = {
    **dict.fromkeys(("total", "paid", "discount_amount", "delivery_cost"), "money"),
    **dict.fromkeys(("delivery_from", "delivery_until"), "clock"),
    **dict.fromkeys(("payment", "payment_link", "payment_method"), "coded"),
    "promised_at": "when",
    "delivery_date": "day",
}


@dataclass(frozen=True, kw_only=True)
class Said:
    """One field that was changed. A value is None, text, yes or no; by `kind` a sum (money), an instant (when), a day,
    lines, or words that the template knows (coded)."""

    label: str
    before: Any
    after: Any
    kind: str = "text"


@dataclass(frozen=True, kw_only=True)
class Both:
    """A field that two people changed: as it was, and what each wants. Values as in `Said`."""

    label: str
    kind: str
    base: Any
    theirs: Any
    mine: Any


def both(field: str, values: Sequence[Any], names: Names) -> Both:
    """A clash in words; `values`: as it was, as it is now, as this person wants it."""
    kind = "lines" if field == "items" else _KINDS.get(field, "text")
    known = names.get(field, {})
    base, theirs, mine = (
        _lines(it) if kind == "lines" else known.get(it, it) if known else _value(it, kind) for it in values
    )
    return Both(label=_label(field), kind=kind, base=base, theirs=theirs, mine=mine)


def said(what: Mapping[str, Any], names: Names) -> list[Said]:
    """What one change did, what matters most first."""
    whole = {field: step for field, step in what.items() if _told(field, what)}
    return [
        _one(field, whole[field], names) for field in sorted(whole, key=lambda it: (_ORDER.get(it, 99), it))
    ]


def _told(field: str, what: Mapping[str, Any]) -> bool:
    """The name of a way of delivery says what its id does; a sum paid is told by the payment."""
    return not (
        (field == "delivery_method_id" and "delivery_method" in what)
        or (field == "paid" and "payment" in what)
    )


def _one(field: str, step: Any, names: Names) -> Said:
    before, after = step if isinstance(step, list) and len(step) == 2 else (None, step)
    label = _label(field)
    if field == "items":
        return Said(label=label, before=_without(before, after), after=_without(after, before), kind="lines")
    if field in names:
        known = names[field]
        return Said(label=label, before=known.get(before, before), after=known.get(after, after))
    kind = _KINDS.get(field, "text")
    return Said(label=label, before=_value(before, kind), after=_value(after, kind), kind=kind)


def _label(field: str) -> str:
    return LABELS.get(field, field.replace("_", " ").capitalize())


def _without(lines: Any, others: Any) -> list[str]:
    """The lines that the other side has not."""
    return [str(line) for line in _lines(lines) if line not in _lines(others)]


def _lines(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _value(value: Any, kind: str) -> Any:
    """A value of the history as what it was before it was JSON."""
    if not isinstance(value, str) or kind not in _READ:
        return value
    return _READ[kind](value)


_READ: Mapping[str, Callable[[str], Any]] = {
    "money": Decimal,
    "when": datetime.fromisoformat,
    "day": date.fromisoformat,
    "clock": lambda said: said[:5],
}
