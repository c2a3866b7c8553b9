"""Where a way of several steps loses most, and where it takes longest: said only where the numbers allow it. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from crm_core.figure.coaching import wilson
from crm_core.figure.tally import SECOND

FEWEST = 20
"""Of fewer than these nothing is said of a step."""
MORE = 1.5
"""A step is slow that takes so many times as much as each would if all took the same."""


class Step(NamedTuple):
    """Of those who came into a step: how many went on, left it otherwise, are there; the time of all of them in it."""

    key: int | str | None
    on: int
    off: int
    there: int
    time_us: int


class Why(StrEnum):
    """In which way a step holds up."""

    LOSS = "loss"
    TIME = "time"


@dataclass(frozen=True, kw_only=True)
class Bottleneck:
    """A step, and why. `share`: of those who left it, how many did not go on; or of all time, how much passed here.
    `others`: the same share of all other steps together, or what each step would have."""

    key: int | str | None
    why: Why
    part: int
    whole: int
    others: float

    @property
    def share(self) -> float:
        return self.part / self.whole


def bottlenecks(steps: Sequence[Step]) -> list[Bottleneck]:
    """The step at which most are lost, if its share is with 95 % certainty above that of all others together; and the
    step in which most time passes, if that is half as much again as each would have. At most one of each."""
    return [found for found in (_leak(steps), _slow(steps)) if found is not None]


def _leak(steps: Sequence[Step]) -> Bottleneck | None:
    left, off = sum(it.on + it.off for it in steps), sum(it.off for it in steps)
    for it in sorted(steps, key=lambda it: -it.off):
        here, rest = it.on + it.off, left - it.on - it.off
        if here < FEWEST or not rest:
            continue
        others = (off - it.off) / rest
        if wilson(it.off, here)[0] > others:
            return Bottleneck(key=it.key, why=Why.LOSS, part=it.off, whole=here, others=others)
    return None


def _slow(steps: Sequence[Step]) -> Bottleneck | None:
    whole = sum(it.time_us for it in steps)
    if len(steps) < 2 or not whole:
        return None
    most = max(steps, key=lambda it: it.time_us)
    each = 1 / len(steps)
    enough = most.on + most.off + most.there >= FEWEST
    if not enough or most.time_us / whole < MORE * each:
        return None
    return Bottleneck(
        key=most.key, why=Why.TIME, part=most.time_us // SECOND, whole=whole // SECOND, others=each
    )
