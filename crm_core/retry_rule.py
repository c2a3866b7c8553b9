"""What becomes of somebody on a call list after a call: again later, or finished. Pure.

In:      the list's rules by outcome (None: nobody answered), whether somebody answered, the outcome that was chosen,
         how often we tried
Out:     `Again` with the time to wait, or `Closed` with the reason
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum


class Why(StrEnum):
    """Why an entry of a call list is closed."""

    DONE = "done"  # talked with, and said what came of it
    REACHED = "reached"  # talked with, in whatever call
    TRIED = "tried"  # as often as the rule allows
    GONE = "gone"  # its cause is: the order is paid, the customer fits the filter no more
    REFUSED = "refused"  # not to be called
    BY_HAND = "by_hand"  # somebody took it off the list, and said why


@dataclass(frozen=True)
class Retry:
    """Try again after this time, until there were `most` attempts; `after` None: finished at once."""

    after: timedelta | None
    most: int = 1


@dataclass(frozen=True)
class Again:
    """It stays open, and is due after this time."""

    after: timedelta


@dataclass(frozen=True)
class Closed:
    """It is finished."""

    why: Why


Rules = Mapping[str | None, Retry]
UNANSWERED = Retry(timedelta(hours=4), 3)  # where a list says nothing about calls that nobody answers


def after_call(rules: Rules, *, answered: bool, outcome: str | None, attempts: int) -> Again | Closed:
    """What the list's rules make of a call. An outcome without a rule of its own closes what was answered, and is
    otherwise as if nobody had answered."""
    rule = rules.get(outcome) if outcome is not None else None
    if rule is None and not answered:
        rule = rules.get(None, UNANSWERED)
    if rule is None or rule.after is None:
        return Closed(Why.REACHED if answered and outcome is None else Why.DONE)
    if attempts >= rule.most:
        return Closed(Why.TRIED)
    return Again(rule.after)
