"""When this customer is likely to answer: moments proposed from their own history, each with its evidence. Pure.

A moment is as good as the share of our calls that were answered in its part of the day (17 to 19, 19 to 21…), by the
clock where the customer is; what happened on the same weekday counts twice. Little is known of few calls, so a share
is drawn towards one half. Moments at which customers may not be called or operators have no room are not proposed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from crm_core.hours import Hours

STEP = timedelta(minutes=30)
WINDOW_H = 2
DAYS = 7
SOONEST = timedelta(minutes=10)


@dataclass(frozen=True)
class Try:
    """One call of ours to the customer."""

    at: datetime
    answered: bool


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A moment, and what speaks for it: `answered` of `tried` calls between `from_hour` and `to_hour`, of
    those `that_weekday` on the weekday of the moment."""

    at: datetime
    from_hour: int
    to_hour: int
    answered: int
    tried: int
    that_weekday: int
    chance: float


def slot(at: datetime) -> datetime:
    """The half hour in which `at` lies."""
    return at - (at - datetime.fromtimestamp(0, UTC)) % STEP


def propose(
    tries: Sequence[Try],
    *,
    hours: Hours,
    now: datetime,
    planned: Mapping[datetime, int],
    room: int,
    most: int = 3,
) -> list[Proposal]:
    """The best moments of the next week, the best first, at least two hours apart.

    `hours`: when the customer may be called, in their zone; `planned`: how many callbacks each half hour holds
    already; `room`: how many it can hold.
    """
    local = [(each.at.astimezone(hours.zone), each.answered) for each in tries]
    known = [(here.hour, here.weekday(), answered) for here, answered in local]
    free = (at for at in _moments(now) if hours.is_open(at) and planned.get(at, 0) < room)
    rated = sorted((_rate(at, known, hours) for at in free), key=lambda one: (-one.chance, one.at))
    chosen: list[Proposal] = []
    for one in rated:
        if len(chosen) == most:
            break
        if all(abs(one.at - other.at) >= timedelta(hours=WINDOW_H) for other in chosen):
            chosen.append(one)
    return chosen


def _moments(now: datetime) -> Iterator[datetime]:
    first = slot(now.astimezone(UTC) + SOONEST + STEP)
    return (first + STEP * step for step in range(int(timedelta(days=DAYS) / STEP)))


def _rate(at: datetime, known: Sequence[tuple[int, int, bool]], hours: Hours) -> Proposal:
    """`known`: hour, weekday and whether it was answered, of each try."""
    here = at.astimezone(hours.zone)
    begin = here.hour - (here.hour + 1) % WINDOW_H
    near = [(day == here.weekday(), got) for hour, day, got in known if 0 <= hour - begin < WINDOW_H]
    answered = sum(got for _, got in near)
    that_weekday = sum(got for same, got in near if same)
    return Proposal(
        at=at,
        from_hour=max(begin, 0),
        to_hour=min(begin + WINDOW_H, 24),
        answered=answered,
        tried=len(near),
        that_weekday=that_weekday,
        chance=(answered + that_weekday + 1) / (len(near) + sum(same for same, _ in near) + 2),
    )
