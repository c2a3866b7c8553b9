"""The last two hours of the queues: who came when, how long he waited, what became of him."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from callcenter.call import Call, QueueOutcome
from crm_core.figure.rules import Rules

KEPT = timedelta(hours=2)
Level = tuple[int, int]
"""Answered in time, of how many."""


class Stay(NamedTuple):
    """One stay in a queue; `left_at`, `outcome` None: still there."""

    queue: str
    entered_at: datetime
    left_at: datetime | None
    outcome: str | None
    wait_s: float


class Window:
    """Stays by the channel that waited."""

    def __init__(self) -> None:
        self._stays: dict[tuple[str, str, datetime], Stay] = {}

    def begin(self, found: Iterable[tuple[tuple[str, str, datetime], Stay]]) -> None:
        """What an earlier process saw; what this one saw itself is known better."""
        self._stays = dict(found) | self._stays

    def put(self, call: Call) -> None:
        """A call took a step."""
        for it in call.visits:
            if it.entered_at is not None:
                stay = Stay(it.queue, it.entered_at, it.left_at, it.outcome, it.wait_s)
                self._stays[call.pbx, it.uniqueid, it.began_at] = stay

    def since(self, instant: datetime, queue: str | None = None) -> list[Stay]:
        """Who came to this queue (None: to any) from then on."""
        return [it for it in self._stays.values() if it.entered_at >= instant and queue in (None, it.queue)]

    def levels(self, since: datetime, rules: Rules) -> Mapping[str, Level]:
        """The service level by queue, of those who left it from `since` on."""
        found: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
        for it in self._stays.values():
            if it.left_at is None or it.left_at < since:
                continue
            target = rules.target(it.queue)
            if it.outcome == QueueOutcome.ANSWERED:
                found[it.queue][0] += it.wait_s <= target.target_s
                found[it.queue][1] += 1
            elif it.outcome == QueueOutcome.ABANDONED and it.wait_s > target.short_s:
                found[it.queue][1] += 1
        return {queue: (in_time, of) for queue, (in_time, of) in found.items()}

    def forget(self, now: datetime) -> None:
        """Let go of what is long ago."""
        self._stays = {key: it for key, it in self._stays.items() if it.entered_at > now - KEPT}
