"""What a call was about, when nobody said so: the rules that tie it to an order or a deal. Pure.

In:      `Facts` about the call and its customer
Out:     the link to make with the rule that made it, or None: ask at wrap-up
What the call was started from is linked at once; an order made or changed in the call is linked by whoever
saves it; what somebody picks in the card outranks all. Only a call that has none of these is guessed about,
when it ends. A link to an order brings the order's deal along.
"""

from dataclasses import dataclass
from enum import StrEnum


class Rule(StrEnum):
    """Why a link was made. Links made by hand and by saving an order have rules of their own."""

    STARTED_FROM = "started_from"  # the call was dialled from this order or deal
    ONLY_OPEN = "only_open"  # the customer's only open order
    LATEST_OPEN = "latest_open"  # the open order or deal of this customer that moved last


@dataclass(frozen=True, kw_only=True)
class Target:
    """One order or one deal."""

    order_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules look at. `refused`: links to these were taken away, so they are not guessed again."""

    linked: bool = False
    open_orders: tuple[int, ...] = ()
    latest_open: Target | None = None
    refused: frozenset[Target] = frozenset()


def guess(facts: Facts) -> tuple[Target, Rule] | None:
    """Return what this call was most likely about."""
    if facts.linked:
        return None
    if len(facts.open_orders) == 1:
        found = Target(order_id=facts.open_orders[0]), Rule.ONLY_OPEN
    elif facts.latest_open is not None:
        found = facts.latest_open, Rule.LATEST_OPEN
    else:
        return None
    return None if found[0] in facts.refused else found
