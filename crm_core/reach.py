"""Whose customers, orders, deals and callbacks somebody may see: one condition a noun, put into every query.

    with seeing(Reach(orders=frozenset({7}))):
        async with db.begin() as session: ...

Every SELECT of these nouns in such a session, also within counts, sums and joins, finds only what is within reach:
a list that knows nothing of rights can not show too much. SQL written as text is not narrowed.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import ColumnElement, or_, select, union_all
from sqlalchemy.orm import with_loader_criteria
from sqlalchemy.sql.base import ExecutableOption

from crm_core.call import Call, CallLeg
from crm_core.callback import Callback
from crm_core.customer import Customer
from crm_core.db import NARROWED
from crm_core.deal_rows import Deal
from crm_core.order_rows import Order
from crm_core.user import User

Whose = frozenset[int] | None
"""Ids of users; None: everybody's. The empty set: nobody's."""


@dataclass(frozen=True, kw_only=True)
class Reach:
    """Whose objects of each noun somebody sees."""

    customers: Whose = None
    orders: Whose = None
    deals: Whose = None
    callbacks: Whose = None

    @property
    def unlimited(self) -> bool:
        """True when nothing is hidden."""
        return all(getattr(self, noun.name) is None for noun in fields(self))


ENTITIES: dict[str, type[Any]] = {
    "customers": Customer,
    "orders": Order,
    "deals": Deal,
    "callbacks": Callback,
}


_OWNERS = {
    "customers": ("manager_id",),
    "orders": ("manager_id", "created_by"),
    "deals": ("responsible_id",),
    "callbacks": ("assigned_to", "created_by"),
}


def own(noun: str, whose: frozenset[int]) -> ColumnElement[bool]:
    """The objects that belong to one of these users.

    An order to its manager and to whoever took it, a deal to whoever is responsible (one that is for all: to
    everybody, with its customer), a callback to whom it is
    assigned, who planned it and everybody of its team (one that nobody has is anybody's); a customer to his manager
    and to everybody who has an order, a deal, a callback of his or took part in a call with him.
    """
    owned = _held(ENTITIES[noun], _OWNERS[noun], whose)
    match noun:
        case "customers":
            return or_(*owned, Customer.id.in_(_customers_of(whose)))
        case "callbacks":
            theirs = select(User.team_id).where(User.id.in_(whose), User.team_id.is_not(None))
            nobodys = Callback.assigned_to.is_(None) & Callback.team_id.is_(None)
            return or_(*owned, nobodys, Callback.team_id.in_(theirs))
        case "deals":
            return or_(*owned, Deal.for_all)
    return or_(*owned)


def _held(table: Any, columns: Sequence[str], whose: frozenset[int]) -> list[ColumnElement[bool]]:
    return [getattr(table, name).in_(whose) for name in columns if hasattr(table, name)]


def _customers_of(whose: frozenset[int]) -> Any:
    """Tables, not entities: what is within a condition is not narrowed again."""
    call, leg = Call.__table__.c, CallLeg.__table__.c
    talked = (call.operator_id.in_(whose), call.started_by.in_(whose))
    rang = call.id.in_(select(leg.call_id).where(leg.user_id.in_(whose)))
    branches = [select(call.customer_id).where(condition) for condition in (*talked, rang)]
    for noun in ("orders", "deals", "callbacks"):
        table = ENTITIES[noun].__table__.c
        branches += [
            select(table.customer_id).where(condition) for condition in _held(table, _OWNERS[noun], whose)
        ]
    deal = Deal.__table__.c
    branches.append(select(deal.customer_id).where(deal.for_all))
    return select(union_all(*branches).subquery("theirs").c.customer_id)


def options(reach: Reach) -> list[ExecutableOption]:
    """The conditions as options of a SELECT; none for nouns of which everything is seen."""
    return [
        with_loader_criteria(entity, own(noun, whose), include_aliases=True)
        for noun, entity in ENTITIES.items()
        if (whose := getattr(reach, noun)) is not None
    ]


@contextmanager
def seeing(reach: Reach) -> Iterator[None]:
    """Sessions begun inside find only what is within `reach`."""
    token = NARROWED.set(options(reach))
    try:
        yield
    finally:
        NARROWED.reset(token)
