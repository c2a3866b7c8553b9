"""What a call was about: the rules that tie it to orders and deals. Pure.

In:      `Facts` about the call and its customer
Out:     the links to make, each with its role and the rule that made it; empty: ask at wrap-up
Source:  design.md section 6. What somebody did or chose outranks every guess; of the guesses the first that
         fits is taken alone. A link to an order is also one to the order's deal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from crm_core.call_link import Role


class Rule(StrEnum):
    """Why a link was made, in the order in which the rules are asked."""

    STARTED_FROM = "started_from"  # the call was dialled from this order or deal
    EDITED = "edited"  # the order was made or changed during the call
    ONLY_OPEN = "only_open"  # the customer's only open order
    LATEST_OPEN = "latest_open"  # the order or deal of this customer that moved last
    DEAL_OF_ORDER = "deal_of_order"  # follows from the link to its order
    CHOSEN = "chosen"  # somebody picked it in the card


@dataclass(frozen=True, kw_only=True)
class Target:
    """One order or one deal."""

    order_id: int | None = None
    deal_id: int | None = None


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What the rules look at. Orders and deals are ids; `latest_open` is the one that moved last."""

    started_from: Target | None = None
    created_orders: tuple[int, ...] = ()
    changed_orders: tuple[int, ...] = ()
    open_orders: tuple[int, ...] = ()
    latest_open: Target | None = None
    deal_of_order: Mapping[int, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Link:
    """One link to make."""

    target: Target
    role: Role
    rule: Rule


def decide(facts: Facts) -> tuple[Link, ...]:
    """Return the links of a call, every object at most once, the strongest reason kept."""
    links: dict[Target, Link] = {}
    for link in list(_acted_on(facts)) or _guessed(facts):
        links.setdefault(link.target, link)
        deal = facts.deal_of_order.get(link.target.order_id or 0)
        if deal is not None:
            target = Target(deal_id=deal)
            links.setdefault(target, Link(target=target, role=link.role, rule=Rule.DEAL_OF_ORDER))
    return tuple(links.values())


def _acted_on(facts: Facts) -> Iterator[Link]:
    for order in facts.created_orders:
        yield Link(target=Target(order_id=order), role=Role.CREATED, rule=Rule.EDITED)
    for order in facts.changed_orders:
        yield Link(target=Target(order_id=order), role=Role.CHANGED, rule=Rule.EDITED)
    if facts.started_from is not None:
        yield Link(target=facts.started_from, role=Role.DISCUSSED, rule=Rule.STARTED_FROM)


def _guessed(facts: Facts) -> list[Link]:
    if len(facts.open_orders) == 1:
        target, rule = Target(order_id=facts.open_orders[0]), Rule.ONLY_OPEN
    elif facts.latest_open is not None:
        target, rule = facts.latest_open, Rule.LATEST_OPEN
    else:
        return []
    return [Link(target=target, role=Role.DISCUSSED, rule=rule)]
