"""Whom to call next: everything that waits for us, merged per customer and put in order. Pure.

In:      causes (a missed call, a callback that is due, an order that is not paid…), the instant
Out:     people, the most pressing first, each with points and with the causes that made them ("why here")
How:     a cause has the points of its kind, more of them the longer it waits (as fast as its patience runs out, up to
         three times as many), and more for the money at stake (by its logarithm: ten times the sum is always the same
         step). A person has the points of all his causes; one who is marked important has a quarter more. So a further
         cause, a longer wait or a larger sum never moves anybody down. Sums of several currencies are taken as they
         are written.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum


class Kind(StrEnum):
    """Why somebody stands in the queue."""

    MISSED = "missed"
    PROMISE = "promise"
    CALLBACK = "callback"
    LEAD = "lead"
    STUCK = "stuck"
    UNPAID = "unpaid"
    CART = "cart"
    TASK = "task"
    LIST = "list"


LABELS = {
    Kind.MISSED: "We missed their call",
    Kind.PROMISE: "A promise is due",
    Kind.CALLBACK: "A callback is due",
    Kind.LEAD: "New lead",
    Kind.STUCK: "Late delivery",
    Kind.UNPAID: "Unpaid order",
    Kind.CART: "Cart left in the shop",
    Kind.TASK: "Overdue task",
    Kind.LIST: "On a call list",
}
POINTS = {  # of the kind itself
    Kind.MISSED: 30.0,
    Kind.PROMISE: 28.0,
    Kind.CALLBACK: 24.0,
    Kind.LEAD: 20.0,
    Kind.STUCK: 12.0,
    Kind.UNPAID: 8.0,
    Kind.CART: 6.0,
    Kind.TASK: 8.0,
    Kind.LIST: 10.0,
}
PATIENCE = {  # after this long it counts twice, after twice as long three times
    Kind.MISSED: timedelta(minutes=30),
    Kind.PROMISE: timedelta(hours=4),
    Kind.CALLBACK: timedelta(hours=1),
    Kind.LEAD: timedelta(minutes=30),
    Kind.STUCK: timedelta(days=1),
    Kind.UNPAID: timedelta(days=1),
    Kind.CART: timedelta(hours=8),
    Kind.TASK: timedelta(days=1),
    Kind.LIST: timedelta(days=2),
}
MOST_TIMES = 3.0
MONEY_POINTS = 4.0  # for each tenfold of the sum at stake, beginning at 10
IMPORTANT = 1.25


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One thing that waits. `since`: from when on it waits; `money`: what is at stake; `object` and `id` name it."""

    kind: Kind
    object: str
    id: int
    since: datetime
    label: str
    money: Decimal = Decimal(0)
    currency: str | None = None
    customer_id: int | None = None
    number: str | None = None

    @property
    def key(self) -> str:
        """Whose it is: the customer's, else the number's."""
        return f"c{self.customer_id}" if self.customer_id is not None else f"n{self.number}"


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """A cause with its points."""

    cause: Cause
    points: float


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who waits for us, and why: the weightiest cause first."""

    customer_id: int | None
    number: str | None
    points: float
    causes: tuple[Weighed, ...]

    @property
    def key(self) -> str:
        """As `Cause.key`."""
        return self.causes[0].cause.key

    @property
    def newest(self) -> datetime:
        """When the last of it began."""
        return max(weighed.cause.since for weighed in self.causes)


def weigh(cause: Cause, now: datetime) -> float:
    """The points of one cause."""
    waited = max(now - cause.since, timedelta())
    times = min(1 + waited / PATIENCE[cause.kind], MOST_TIMES)
    money = MONEY_POINTS * max(0.0, math.log10(float(cause.money) / 10)) if cause.money > 10 else 0.0
    return POINTS[cause.kind] * times + money


def ranked(
    causes: Iterable[Cause], now: datetime, *, important: frozenset[int] = frozenset()
) -> list[Person]:
    """Everybody who waits, the most pressing first; of equals who waits longest. `important`: ids of customers."""
    found: dict[str, list[Weighed]] = {}
    for cause in causes:
        found.setdefault(cause.key, []).append(Weighed(cause=cause, points=weigh(cause, now)))
    people = [_person(own, important) for own in found.values()]
    return sorted(people, key=lambda one: (-one.points, min(w.cause.since for w in one.causes), one.key))


def _person(own: Sequence[Weighed], important: frozenset[int]) -> Person:
    first = own[0].cause
    whole = sum(weighed.points for weighed in own)
    return Person(
        customer_id=first.customer_id,
        number=next((w.cause.number for w in own if w.cause.number), None),
        points=round(whole * (IMPORTANT if first.customer_id in important else 1.0), 3),
        causes=tuple(sorted(own, key=lambda w: (-w.points, w.cause.since, w.cause.object, w.cause.id))),
    )
