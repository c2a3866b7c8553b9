"""What the operators of the demo did on the days before today, around the calls that they had."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from random import Random
from typing import Any

BEFORE, AFTER = timedelta(minutes=45), timedelta(hours=1)
LUNCH = timedelta(minutes=32)
State = tuple[datetime, str, str | None, Any]  # from when, state, reason, call


def shifts(random: Random, calls: Sequence[Mapping[str, Any]], *, until: datetime) -> list[dict[str, Any]]:
    """Rows of `agent_states`: without overlap, and without gap within a day of work."""
    mine = [it for it in calls if it["operator_id"] is not None and it["ended_at"] < until]
    mine.sort(key=lambda it: (it["operator_id"], it["started_at"]))
    rows = []
    for (user_id, _), day in groupby(mine, lambda it: (it["operator_id"], it["started_at"].date())):
        rows += list(_rows(user_id, _day(random, list(day))))
    return rows


def _day(random: Random, calls: Sequence[Mapping[str, Any]]) -> list[State]:
    states: list[State] = [(calls[0]["started_at"] - BEFORE, "available", None, None)]
    free, eaten = states[0][0], False
    for call in calls:
        began = max(call["started_at"], free)
        talks = max(call["answered_at"], began + timedelta(seconds=1))
        if not eaten and call["started_at"] - free > LUNCH * 2:
            eaten = True
            states += [
                (free + LUNCH / 2, "paused", "lunch", None),
                (free + LUNCH * 1.5, "available", None, None),
            ]
        ended = max(call["ended_at"], talks + timedelta(seconds=1))
        free = ended + timedelta(seconds=random.randint(8, 55))
        states += [(began, "ringing", None, call["id"]), (talks, "talking", None, call["id"])]
        states += [(ended, "wrap_up", None, call["id"]), (free, "available", None, None)]
    return [*states, (free + AFTER, "offline", None, None)]


def _rows(user_id: int, states: Iterable[State]) -> Iterator[dict[str, Any]]:
    for (since, state, reason, call), (until, *_) in pairwise(states):
        if until > since:
            yield {"user_id": user_id, "state": state, "reason": reason, "signed_in": True, "call_id": call,
                   "from_at": since, "to_at": until}  # fmt: skip
