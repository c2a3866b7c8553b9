"""Two groups of calls compared by how many became orders, and said only as far as the numbers allow it. Pure.

Source:  Wilson (1927) for one share; Newcombe (1998), method 10, for the difference of two; Fisher's exact test,
         two-sided, because many groups are small; Holm (1979) for many comparisons at once: it holds however they
         depend on each other. The number of calls is that of the usual test of two shares at 5 % with a power of 80 %.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil, exp, lgamma, sqrt

from crm_core.figure.coaching import SURE, wilson

POWER = 0.8416  # standard deviations of 80 %
LEVEL = 0.05
MOST_CALLS = 1_000_000
_SAME = 1e-9  # probabilities that differ by so little are equal


@dataclass(frozen=True)
class Arm:
    """Calls, and how many of them became orders."""

    calls: int
    sold: int

    @property
    def share(self) -> float | None:
        return self.sold / self.calls if self.calls else None

    @property
    def interval(self) -> tuple[float, float]:
        """Between which two shares the true one lies, with 95 % certainty."""
        return wilson(self.sold, self.calls)


class Verdict(StrEnum):
    """What a trial says."""

    NOT_ENOUGH = "not_enough"
    STOPPED = "stopped"
    FIRST = "first"
    SECOND = "second"
    SAME = "same"


def verdict(first: Arm, second: Arm, calls_each: int, *, ended: bool) -> Verdict:
    """Nothing before both have so many calls, however the numbers look; then whether the interval leaves out nought."""
    if min(first.calls, second.calls) < calls_each:
        return Verdict.STOPPED if ended else Verdict.NOT_ENOUGH
    low, high = difference(second, first)
    return Verdict.SECOND if low > 0 else Verdict.FIRST if high < 0 else Verdict.SAME


def difference(one: Arm, other: Arm) -> tuple[float, float]:
    """Between which two lies, with 95 % certainty, the share of `one` less that of `other`; (-1, 1): not known."""
    if one.share is None or other.share is None:
        return -1.0, 1.0
    away = one.share - other.share
    (low1, high1), (low2, high2) = one.interval, other.interval
    down = sqrt((one.share - low1) ** 2 + (high2 - other.share) ** 2)
    up = sqrt((high1 - one.share) ** 2 + (other.share - low2) ** 2)
    return max(-1.0, away - down), min(1.0, away + up)


def calls_needed(base: float, more: float) -> int:
    """How many calls of each are needed to find a difference of `more` from `base` (shares 0..1) four times of five.

    Whether up or down: the side that needs more counts.
    """
    needed = [_needed(base, other) for other in (base - more, base + more) if 0 <= other <= 1]
    return min(MOST_CALLS, max(needed, default=MOST_CALLS))


def _needed(one: float, other: float) -> int:
    middle = (one + other) / 2
    by_chance = SURE * sqrt(2 * middle * (1 - middle))
    found = POWER * sqrt(one * (1 - one) + other * (1 - other))
    return max(2, ceil(((by_chance + found) / (one - other)) ** 2))


def fisher(one: Arm, other: Arm) -> float:
    """How probable a difference at least so large is, if there is none in truth."""
    calls, sold = one.calls + other.calls, one.sold + other.sold
    least, most = max(0, sold - other.calls), min(sold, one.calls)
    whole = _choose(calls, sold)

    def at(hits: int) -> float:
        return exp(_choose(one.calls, hits) + _choose(other.calls, sold - hits) - whole)

    here = at(one.sold) * (1 + _SAME)
    return min(1.0, sum(p for hits in range(least, most + 1) if (p := at(hits)) <= here))


def _choose(of: int, some: int) -> float:
    return lgamma(of + 1) - lgamma(some + 1) - lgamma(of - some + 1)


def holm(chances: Sequence[float]) -> list[float]:
    """The same, each as it counts among so many: what is below 5 % is with 95 % certainty none of it chance."""
    order = sorted(range(len(chances)), key=lambda place: chances[place])
    found, last = [1.0] * len(chances), 0.0
    for rank, place in enumerate(order):
        last = max(last, min(1.0, chances[place] * (len(chances) - rank)))
        found[place] = last
    return found
