"""What a house decides about its figures. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple


class Target(NamedTuple):
    """Of a queue: answer within so many seconds; who leaves after no more than `short_s` never really waited."""

    target_s: int = 20
    short_s: int = 5
    goal: int = 80  # per cent that shall be answered in time


@dataclass(frozen=True, kw_only=True)
class Rules:
    """`targets`: by queue; None: of every queue that has none of its own. `now`: where what goes on is cut, and what
    is over."""

    now: datetime
    targets: Mapping[str | None, Target] = field(default_factory=dict)
    again_within: timedelta = timedelta(days=7)  # who calls again by then was not helped
    reach_within: timedelta = timedelta(hours=24)  # who was missed shall be talked with by then
    wrap_within: timedelta = timedelta(days=1)  # a wrap-up begins no longer than so before or after its call

    def target(self, queue: str) -> Target:
        """What holds for this queue."""
        return self.targets.get(queue) or self.targets.get(None) or Target()
