"""Who gets what nobody is responsible for: rules in their order, the first that fits and has somebody counts. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Thing(StrEnum):
    """What a rule is about."""

    ORDER = "order"
    LEAD = "lead"


class How(StrEnum):
    """Whom a rule names."""

    PERSON = "person"  # one colleague, at work or not
    FEWEST = "fewest"  # whoever has the fewest open orders and leads
    RANDOM = "random"
    NOBODY = "nobody"  # it stays in the common list


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What rules may ask of an order or a lead; what is not known fits no condition."""

    thing: Thing
    amount: Decimal
    shop_id: int | None = None
    line_id: int | None = None
    vip: bool = False
    category: str | None = None
    source: str | None = None


@dataclass(frozen=True, kw_only=True)
class Colleague:
    """Somebody who could get it. `takes`: he works on orders by his role; a rule may name him all the same."""

    user_id: int
    name: str
    team_id: int | None
    takes: bool
    present: bool
    load: int


@dataclass(frozen=True, kw_only=True)
class Rule:
    """One rule. A condition that is None asks nothing; `thing` None: orders and leads alike. `team_id` narrows a
    choice to a team, `present` to those at work."""

    name: str
    thing: str | None = None
    shop_id: int | None = None
    line_id: int | None = None
    amount_from: Decimal | None = None
    amount_below: Decimal | None = None
    vip: bool | None = None
    category: str | None = None
    source: str | None = None
    how: str = How.NOBODY
    user_id: int | None = None
    team_id: int | None = None
    present: bool = True
    active: bool = True


def fits(rule: Rule, facts: Facts) -> bool:
    """Does every condition of the rule hold?"""
    equal = ("thing", "shop_id", "line_id", "vip")
    said = ("category", "source")
    return (
        rule.active
        and all(getattr(rule, it) in (None, getattr(facts, it)) for it in equal)
        and all(_same(getattr(rule, it), getattr(facts, it)) for it in said)
        and (rule.amount_from is None or facts.amount >= rule.amount_from)
        and (rule.amount_below is None or facts.amount < rule.amount_below)
    )


def possible(
    rules: Sequence[Rule], facts: Facts, people: Sequence[Colleague]
) -> tuple[Rule | None, list[Colleague]]:
    """The rule that counts, and those of whom it takes one by chance. (None, nobody) when no rule has anybody."""
    for rule in rules:
        if not fits(rule, facts):
            continue
        if rule.how == How.NOBODY:
            return rule, []
        if found := _named(rule, people):
            return rule, found
    return None, []


def _named(rule: Rule, people: Sequence[Colleague]) -> list[Colleague]:
    if rule.how == How.PERSON:
        return [it for it in people if it.user_id == rule.user_id]
    pool = [
        it
        for it in people
        if (it.takes if rule.team_id is None else it.team_id == rule.team_id)
        and (it.present or not rule.present)
    ]
    if rule.how == How.FEWEST and pool:
        least = min(it.load for it in pool)
        return [it for it in pool if it.load == least]
    return pool


def _same(asked: str | None, known: str | None) -> bool:
    return not asked or asked.casefold() == (known or "").casefold()
