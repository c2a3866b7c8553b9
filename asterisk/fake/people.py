"""How the simulated people behave: those who call, those who are called, those behind the desks' phones.

Units: simulated seconds.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Somebody who calls us."""

    patience_s: float = 60  # gives up when nobody has answered by then
    talk_s: float | None = None  # None: as long as the dialogue of the recording
    hangs_up: bool = True  # ends the talk; else the operator does
    tone_s: float = 2  # listens to a busy tone that long


@dataclass(frozen=True, kw_only=True)
class Customer:
    """Somebody whom we call. `cause` says why not, when the phone is not answered."""

    answer_s: float | None = 3  # None: never answers
    ring_s: float = 0.4  # silence before the phone rings
    cause: int = 0  # 17 busy, 1 no such number, 34 congestion: said after `answer_s` or `ring_s`
    rings: bool = True
    talk_s: float | None = None
    hangs_up: bool = True


def busy() -> Customer:
    """Return a customer who presses the call away or is talking to somebody else."""
    return Customer(cause=17, answer_s=1)


def no_such_number() -> Customer:
    """Return a number the provider does not know."""
    return Customer(cause=1, answer_s=0.1, rings=False)


def congestion() -> Customer:
    """Return a provider with no free channel."""
    return Customer(cause=34, answer_s=0.1, rings=False)


def no_answer() -> Customer:
    """Return a customer who is not near the phone."""
    return Customer(answer_s=None)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A phone that is picked up."""

    after_s: float = 2


@dataclass(frozen=True)
class RingOut:
    """A phone nobody picks up."""


@dataclass(frozen=True, kw_only=True)
class Decline:
    """A phone that refuses: 17 for 486 Busy Here, 21 for 603 Decline."""

    after_s: float = 1
    cause: int = 17
    rings: bool = True


@dataclass(frozen=True)
class Manual:
    """A phone with a person before it, who presses its buttons."""


Behaviour = Answer | RingOut | Decline | Manual
