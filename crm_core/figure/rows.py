"""What happened, as plain rows that know nothing of the database. Pure.

Units:   `_s` are seconds, None when nobody can know them; instants are aware
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple


class Heard(NamedTuple):
    """How the operator of a call talked, by its text: milliseconds, and how often he broke in."""

    operator_ms: int
    customer_ms: int
    silence_ms: int
    length_ms: int
    broke_in: int
    longest_ms: int


@dataclass(frozen=True, kw_only=True)
class Call:
    """One conversation. `result` None: it is not over. `operator`: who talked last; `givers`: who passed it on to a
    colleague who took it (None: somebody unknown)."""

    id: int
    started_at: datetime
    direction: str
    result: str | None
    missed_place: str | None = None
    operator: int | None = None
    queue: str | None = None
    line: int | None = None
    customer: int | None = None
    source: str | None = None  # of the customer
    script: int | None = None  # of which steps were answered
    number: str | None = None
    wait_s: float | None = None
    talk_s: float | None = None
    hold_s: float | None = None
    givers: tuple[int | None, ...] = ()
    heard: Heard | None = None


class Visit(NamedTuple):
    """One stay in a queue; `outcome` None: still waiting."""

    call: int
    queue: str
    wait_s: float
    outcome: str | None


class Ring(NamedTuple):
    """One ringing of one telephone; `rang_s` None: not known, `user` None: nobody's telephone."""

    call: int
    user: int | None
    queue: str | None
    result: str | None
    rang_s: float | None


class Span(NamedTuple):
    """What an operator did from `since` until before `until`."""

    user: int
    state: str
    reason: str | None
    call: int | None
    since: datetime
    until: datetime


class Promise(NamedTuple):
    """A callback. `call`: the call that it came of."""

    user: int | None
    call: int | None
    due_at: datetime
    state: str
    done_at: datetime | None


class Made(NamedTuple):
    """An order was made in a call; `live` False: somebody took that link away."""

    id: int
    order: int
    call: int
    live: bool


class Moved(NamedTuple):
    """In a call the status of an order went from `before` to `after`."""

    id: int
    order: int
    call: int | None
    before: str
    after: str


class Order(NamedTuple):
    """`cost` None: not every purchase price is known."""

    id: int
    status: str
    currency: str
    total: Decimal
    paid: Decimal
    delivery: Decimal
    cost: Decimal | None


class Vote(NamedTuple):
    """What the customer gave a call."""

    call: int
    stars: int


class Judgement(NamedTuple):
    """A review of a colleague's work in a call. `points` in tenths."""

    call: int
    user: int
    points: int
    zeroed: bool


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Everything that happened, in whatever order; of calls also those before and after the period."""

    calls: Sequence[Call] = ()
    visits: Sequence[Visit] = ()
    rings: Sequence[Ring] = ()
    spans: Sequence[Span] = ()
    promises: Sequence[Promise] = ()
    votes: Sequence[Vote] = ()
    judgements: Sequence[Judgement] = ()
    made: Sequence[Made] = ()
    moved: Sequence[Moved] = ()
    orders: Sequence[Order] = field(default_factory=tuple)
