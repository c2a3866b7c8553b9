"""The rules of a segment in words: for the form in which they are made, and as the reason of a tip."""

from collections.abc import Mapping
from typing import Any

from crm_core.segment_rule import CUSTOM

OP_WORDS = {
    "is": "is",
    "is_not": "is not",
    "one_of": "is one of (a, b)",
    "contains": "contains",
    "begins": "begins with",
    "has": "has",
    "has_not": "has not",
    "at_least": "at least",
    "at_most": "at most",
    "since": "since (day)",
    "until": "until (day)",
    "known": "is known (yes, no)",
}
FIELD_WORDS = {
    "orders_sum": "bought for",
    "average_order": "average order",
    "orders": "number of orders",
    "days_since_purchase": "days since the last purchase",
    "abandoned_cart_days": "days the cart has been left",
    "days_since_call": "days since the last call",
    "days_since_visit": "days since the last site visit",
    "days_to_birthday": "days until the birthday",
    "bad": "problem",
    "customer_type": "type",
    "source": "came from",
    "manager_id": "manager (number)",
    "created": "customer since",
}
_JOINED = {"all": " and ", "any": " or "}


def field_word(code: str) -> str:
    """What a field is called in the form."""
    return FIELD_WORDS.get(code, code.removeprefix(CUSTOM).replace("_", " "))


def in_words(rules: Mapping[str, Any]) -> str:
    """Checked rules as one sentence: "number of orders at least 3 and city is Kraków"."""
    match rules:
        case {"not": part}:
            return f"not ({in_words(part)})"
        case {"field": str(field), **rest}:
            [(op, value)] = rest.items()
            return _test(field_word(field), str(op), value)
    [(how, parts)] = rules.items()
    said = [in_words(part) for part in parts]
    nested = any(" or " in it for it in said) and how == "all"
    return _JOINED[how].join(f"({it})" if nested and " or " in it else it for it in said)


def _test(field: str, op: str, value: Any) -> str:
    if op == "known":
        return f"{field} is {'' if value else 'not '}known"
    if isinstance(value, bool):
        return field if value else f"not {field}"
    said = ", ".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return f"{field} {OP_WORDS[op].partition(' (')[0]} {said}"


def why_told(segment: str | None, rules: Mapping[str, Any] | None) -> str | None:
    """Why a tip is told; None for what speaks for itself."""
    return " · ".join(it for it in (segment, in_words(rules) if rules else None) if it) or None
