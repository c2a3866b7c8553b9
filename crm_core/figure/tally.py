"""What is counted. Tallies add up: that of a week is the sum of its days, that of a team of its people. Pure.

Units:   times are whole microseconds (`_us`), because whole numbers add up the same in any order
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Self

SECOND = 1_000_000
Sums = Mapping[str, Decimal]
"""Money by currency."""


@dataclass(frozen=True, kw_only=True)
class Tally:
    """Calls are those with the outside that are over; internal ones count nowhere."""

    inbound: int = 0
    outbound: int = 0
    answered_in: int = 0
    answered_out: int = 0
    missed: int = 0  # from outside, nobody talked; not refused, and the line was open
    missed_closed: int = 0  # while the line was closed
    waited_us: int = 0  # of answered calls from outside: queue (else start) to the first word
    timed: int = 0  # answered calls of which the times are known
    talk_us: int = 0  # of these; holds not in it
    hold_us: int = 0
    wrap_us: int = 0  # what operators did after calls
    transfers: int = 0  # passed on to a colleague who took it, by whoever passed it on

    queue_answered: int = 0  # stays in queues
    in_target: int = 0  # of them, within the seconds of the queue
    in_target_wait_us: int = 0
    queue_wait_us: int = 0
    abandoned: int = 0
    short: int = 0  # of them, after no more than the queue's short moment
    abandoned_wait_us: int = 0
    let_go: int = 0  # time was up, nobody was left there, a key, sent elsewhere
    refused: int = 0  # full, or nobody signed in

    rings: int = 0  # one ringing of one telephone of ours, however it ended
    accepted: int = 0
    unanswered: int = 0  # rang out, declined or busy: not those that the caller or a colleague ended
    ring_us: int = 0

    repeats: int = 0  # calls from outside of somebody who had called within the days before
    known_in: int = 0  # calls from outside of which is known whose they are
    settled: int = 0  # answered, whose days are over, and nobody had to call again
    judged: int = 0  # answered, whose days are over
    to_recover: int = 0  # missed (open or closed) with a number
    recovered: int = 0  # of them, talked with in time

    heard: int = 0  # answered calls with a text of both sides
    spoke_us: int = 0  # of them: what operators said
    listened_us: int = 0  # what customers said
    silent_us: int = 0  # nobody
    sound_us: int = 0  # in all
    broke_in: int = 0  # times that an operator broke in on his customer
    longest_us: int = 0  # that he went on without a stop, the longest of each call

    votes: int = 0  # of customers, on answered calls
    stars: int = 0  # of them, 1 to 5 each
    low_votes: int = 0  # of them, 1 and 2
    reviews: int = 0  # by scorecards; those of calibrations are none
    points: int = 0  # of them, in tenths: up to 1000 each
    zeroed: int = 0  # of them: something critical was not fulfilled

    due: int = 0  # callbacks
    kept: int = 0  # of them, done when they were due

    sold: int = 0  # answered calls with an order
    orders: int = 0
    paid_orders: int = 0
    priced: int = 0  # paid orders of which every purchase price is known
    revenue: Sums = field(default_factory=dict)  # paid
    margin: Sums = field(default_factory=dict)  # of the priced ones

    available_us: int = 0  # what operators did
    ringing_us: int = 0
    dialling_us: int = 0
    talking_us: int = 0
    held_us: int = 0
    wrap_up_us: int = 0
    paused_us: int = 0
    pauses: Mapping[str, int] = field(default_factory=dict)  # microseconds by reason

    def __add__(self, other: Self) -> Self:
        if self is NOTHING:  # the first of every sum
            return other
        more = other.__dict__
        return type(self)(**{name: add(value, more[name]) for name, value in self.__dict__.items()})

    @property
    def answered(self) -> int:
        return self.answered_in + self.answered_out

    @property
    def busy_us(self) -> int:
        """With a call: talking, on hold, wrap-up, and until somebody answers."""
        calls = self.talking_us + self.held_us + self.wrap_up_us
        return calls + self.ringing_us + self.dialling_us


NOTHING = Tally()


def add(one: Any, other: Any) -> Any:
    """Two counts, or two mappings of them, together."""
    if isinstance(one, int):
        return one + other
    return {name: one.get(name, 0) + other.get(name, 0) for name in {**one, **other}}
