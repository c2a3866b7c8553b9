"""What a call was about, when nobody said so: the rules that tie it to an order or a deal. Pure.

In:      `Facts` about the call and its customer
Out:     the link to make with the rule that made it, or None: ask at wrap-up
In this order: what the call was started from (linked at once); what was open in the card; what was made or
changed in the call (linked by whoever saves it); the only open order; what is open and moved last. What somebody
picks by hand outranks all. The rules below look at a call when it ends. A link to an order brings its deal along.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

SHORTEST_LOOK = timedelta(seconds=3)  # open for less is leafing through, not talking about it


class Rule(StrEnum):
    """Why a link was made. Links made by hand and by saving an order have rules of their own."""

    STARTED_FROM = "started_from"  # the call was dialled from this order or deal
    OPENED = "opened_in_card"  # it was open in the card during the talk
    ONLY_OPEN = "only_open"  # the customer's only open order
    LATEST_OPEN = "latest_open"  # the open order or deal of this customer that moved last


@dataclass(frozen=True, kw_only=True)
class Target:
    """One order or one deal."""

    order_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Look:
    """Somebody had this open in the card. `closed_at` None: until the end."""

    target: Target
    opened_at: datetime
    closed_at: datetime | None = None


def looked_at(looks: Iterable[Look], begin: datetime, end: datetime) -> Target | None:
    """What was open last among all that was open at least `SHORTEST_LOOK`, several looks together, in the talk
    from `begin` to `end`. Of two that were open at the end (a transfer) the one that was opened later counts."""
    open_for: dict[Target, timedelta] = {}
    last: dict[Target, tuple[datetime, datetime]] = {}
    for look in looks:
        since, until = max(look.opened_at, begin), min(look.closed_at or end, end)
        if until > since:
            open_for[look.target] = open_for.get(look.target, timedelta()) + (until - since)
            last[look.target] = max(last.get(look.target, (until, since)), (until, since))
    long_enough = [target for target, open_time in open_for.items() if open_time >= SHORTEST_LOOK]
    return max(long_enough, key=lambda target: last[target], default=None)


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules look at. `settled`: linked by hand or by what the call was started from; `linked`: in
    whatever way. `refused`: links to these were taken away, so they are not guessed again."""

    settled: bool = False
    opened: Target | None = None
    linked: bool = False
    open_orders: tuple[int, ...] = ()
    latest_open: Target | None = None
    refused: frozenset[Target] = frozenset()


def guess(facts: Facts) -> tuple[Target, Rule] | None:
    """Return what this call was most likely about."""
    if facts.settled:
        return None
    if facts.opened is not None and facts.opened not in facts.refused:
        return facts.opened, Rule.OPENED
    if facts.linked:
        return None
    if len(facts.open_orders) == 1:
        found = Target(order_id=facts.open_orders[0]), Rule.ONLY_OPEN
    elif facts.latest_open is not None:
        found = facts.latest_open, Rule.LATEST_OPEN
    else:
        return None
    return None if found[0] in facts.refused else found
