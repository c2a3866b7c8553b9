"""The language in which a segment says who belongs to it. Pure: JSON in, checked conditions out.

    {"all": [{"field": "city", "is": "Kraków"}, {"field": "days_since_purchase", "at_least": 30}]}

A node is one of
    {"all": [node, …]}     every one of them holds
    {"any": [node, …]}     at least one of them
    {"not": node}
    {"field": f, op: v}    `f` of `FIELDS`, or "custom.code" for a field of one's own; `op` fits the field's kind

Out:     `All`, `AnyOf`, `Not`, `Condition`
Raises:  `Invalid` whose field says where: "rules.all.1.at_least"
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

from crm_core.custom_value import FieldKind, FieldRule
from crm_core.errors import Invalid

MOST_TESTS, DEEPEST, LONGEST = 50, 8, 200


class Kind(StrEnum):
    """What a field holds, and so how it is compared."""

    TEXT = "text"
    TEXTS = "texts"
    NUMBER = "number"
    DAY = "day"
    YES_NO = "yes_no"


FIELDS: Mapping[str, Kind] = {
    "name": Kind.TEXT,
    "email": Kind.TEXT,
    "city": Kind.TEXT,
    "country": Kind.TEXT,
    "category": Kind.TEXT,
    "customer_type": Kind.TEXT,
    "source": Kind.TEXT,
    "sex": Kind.TEXT,
    "price_list": Kind.TEXT,
    "tags": Kind.TEXTS,
    "vip": Kind.YES_NO,
    "bad": Kind.YES_NO,
    "has_manager": Kind.YES_NO,
    "manager_id": Kind.NUMBER,
    "birthday": Kind.DAY,
    "created": Kind.DAY,
    "days_to_birthday": Kind.NUMBER,
    "orders": Kind.NUMBER,
    "orders_sum": Kind.NUMBER,
    "average_order": Kind.NUMBER,
    "days_since_purchase": Kind.NUMBER,
    "calls": Kind.NUMBER,
    "missed_calls": Kind.NUMBER,
    "days_since_call": Kind.NUMBER,
    "open_deals": Kind.NUMBER,
    "abandoned_cart_days": Kind.NUMBER,
    "days_since_visit": Kind.NUMBER,
}
"""Behaviour: `orders…` count what was bought (not called off); `abandoned_cart_days` the age of an open cart;
days are whole days gone by. A number that there is not (no purchase ever) fits no test but "known": false."""

OPS: Mapping[Kind, tuple[str, ...]] = {
    Kind.TEXT: ("is", "is_not", "one_of", "contains", "begins", "known"),
    Kind.TEXTS: ("has", "has_not", "known"),
    Kind.NUMBER: ("is", "at_least", "at_most", "known"),
    Kind.DAY: ("is", "since", "until", "known"),
    Kind.YES_NO: ("is", "known"),
}
_OF_CUSTOM = {
    FieldKind.TEXT: Kind.TEXT,
    FieldKind.CHOICE: Kind.TEXT,
    FieldKind.CHOICES: Kind.TEXTS,
    FieldKind.NUMBER: Kind.NUMBER,
    FieldKind.DATE: Kind.DAY,
    FieldKind.YES_NO: Kind.YES_NO,
}
CUSTOM = "custom."


@dataclass(frozen=True)
class Condition:
    """One condition on one field; `value` has the type of the field's kind."""

    field: str
    kind: Kind
    op: str
    value: str | Decimal | date | bool | tuple[str, ...]


@dataclass(frozen=True)
class All:
    """Every part holds; nobody is left out when there is none."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple["Node", ...]


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: "Node"


Node = Condition | All | AnyOf | Not


def kind_of(field: str, custom: Mapping[str, FieldRule]) -> Kind | None:
    """What a field holds; None for one that there is not."""
    if field.startswith(CUSTOM):
        rule = custom.get(field.removeprefix(CUSTOM))
        return _OF_CUSTOM[rule.kind] if rule is not None else None
    return FIELDS.get(field)


def parse(rules: object, custom: Mapping[str, FieldRule]) -> Node:
    """The conditions that `rules` say; `custom`: the customers' own fields by code."""
    node = _node(rules, custom, "rules", 1)
    if _count(node) > MOST_TESTS:
        raise Invalid(f"A segment has {MOST_TESTS} conditions at most.", "rules")
    return node


def _node(given: object, custom: Mapping[str, FieldRule], where: str, depth: int) -> Node:
    if depth > DEEPEST:
        raise Invalid(f"Conditions are nested {DEEPEST} deep at most.", where)
    match given:
        case {"all": list(parts), **rest} if not rest:
            return All(tuple(_node(it, custom, f"{where}.all.{n}", depth + 1) for n, it in enumerate(parts)))
        case {"any": [_, *_] as parts, **rest} if not rest:
            return AnyOf(
                tuple(_node(it, custom, f"{where}.any.{n}", depth + 1) for n, it in enumerate(parts))
            )
        case {"not": dict(part), **rest} if not rest:
            return Not(_node(part, custom, f"{where}.not", depth + 1))
        case {"field": str(field), **rest} if len(rest) == 1:
            [(op, value)] = rest.items()
            return _test(field, str(op), value, custom, where)
    raise Invalid('A condition is {"all": […]}, {"any": […]}, {"not": …} or {"field": …, "is": …}.', where)


def _test(field: str, op: str, value: Any, custom: Mapping[str, FieldRule], where: str) -> Condition:
    kind = kind_of(field, custom)
    if kind is None:
        raise Invalid(f"There is no field {field[:60]!r}.", f"{where}.field")
    if op not in OPS[kind]:
        raise Invalid(f"{field[:60]} can be compared by: {', '.join(OPS[kind])}.", f"{where}.{op[:20]}")
    return Condition(field, kind, op, _value(kind, op, value, f"{where}.{op}"))


def _value(kind: Kind, op: str, value: Any, where: str) -> str | Decimal | date | bool | tuple[str, ...]:
    if op == "known" or kind is Kind.YES_NO:
        if not isinstance(value, bool):
            raise Invalid("Say true or false.", where)
        return value
    if op == "one_of":
        if not isinstance(value, list) or not 1 <= len(value) <= MOST_TESTS:
            raise Invalid(f"Give a list of 1 to {MOST_TESTS} texts.", where)
        return tuple(_text(it, where) for it in value)
    match kind:
        case Kind.NUMBER:
            return _number(value, where)
        case Kind.DAY:
            return _day(value, where)
    return _text(value, where)


def _text(value: object, where: str) -> str:
    text = value.replace("\0", "").strip() if isinstance(value, str) else ""
    if not text or len(text) > LONGEST:
        raise Invalid(f"Give a text of 1 to {LONGEST} letters.", where)
    return text


def _number(value: object, where: str) -> Decimal:
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
            raise ValueError("no number")
        number = Decimal(str(value))
        if not number.is_finite() or abs(number) >= 10**12 or "_" in str(value):
            raise ValueError("out of range")
    except (ValueError, InvalidOperation):
        raise Invalid("Give a number.", where) from None
    return round(number, 6)


def _day(value: object, where: str) -> date:
    try:
        if isinstance(value, str):
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise Invalid("Give a day such as 2026-01-31.", where)


def _count(node: Node) -> int:
    match node:
        case All(parts) | AnyOf(parts):
            return sum(_count(part) for part in parts)
        case Not(part):
            return _count(part)
    return 1
