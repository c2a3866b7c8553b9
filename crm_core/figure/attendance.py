"""Working time of one person on one day. Pure.

At work is who said so, cut at midnight. Of a day on which he said nothing it is estimated: from the first to the last
sign of life at the telephone (a call, a wrap-up, a pause), because a telephone may be on all night. A break is a pause
whose reason does not count as work; what lies outside the time at work is none. Times are whole seconds; a day that
goes on is told up to now.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple

Span = tuple[datetime, datetime]


class Pause(NamedTuple):
    """One pause; `rests`: its reason does not count as work."""

    since: datetime
    until: datetime
    reason: str | None
    rests: bool


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What is known of one day. `works`: what he said (`until` None: still); `life`: first and last sign of life."""

    works: Sequence[tuple[datetime, datetime | None]] = ()
    life: Span | None = None
    pauses: Sequence[Pause] = ()
    offline: Sequence[Span] = ()
    phone_s: int = 0


@dataclass(frozen=True, kw_only=True)
class WorkDay:
    """One day. `estimated`: nobody said when; `goes_on`: still at work. `off_s`: at work with the telephone off.

    `worked_s` is `at_work_s` without `break_s`; `breaks` are those seconds by reason.
    """

    day: date
    began_at: datetime
    ended_at: datetime
    at_work_s: int
    break_s: int
    off_s: int
    phone_s: int
    estimated: bool
    goes_on: bool
    breaks: dict[str | None, int] = field(default_factory=dict)

    @property
    def worked_s(self) -> int:
        return self.at_work_s - self.break_s


def work_day(day: date, bounds: Span, seen: Seen, now: datetime) -> WorkDay | None:
    """What came of this day; None when he was not at work. `bounds`: its midnights."""
    until = min(bounds[1], now)
    said = [(since, min(end or now, until)) for since, end in seen.works]
    here = merged(cut(said, (bounds[0], until)))
    estimated = not here and seen.life is not None
    if estimated and seen.life is not None:
        here = cut([seen.life], (bounds[0], until))
    if not here:
        return None
    breaks: dict[str | None, int] = {}
    for pause in seen.pauses:
        lasted = seconds(within(here, (pause.since, pause.until))) if pause.rests else 0
        if lasted:
            breaks[pause.reason] = breaks.get(pause.reason, 0) + lasted
    return WorkDay(
        day=day,
        began_at=here[0][0],
        ended_at=here[-1][1],
        at_work_s=seconds(here),
        break_s=sum(breaks.values()),
        off_s=sum(seconds(within(here, span)) for span in merged(seen.offline)),
        phone_s=seen.phone_s,
        estimated=estimated,
        goes_on=any(end is None and since < bounds[1] for since, end in seen.works) and now < bounds[1],
        breaks=breaks,
    )


def cut(spans: Iterable[Span], bounds: Span) -> list[Span]:
    """What of the spans lies within `bounds`, in order."""
    inside = [(max(since, bounds[0]), min(until, bounds[1])) for since, until in spans]
    return sorted((since, until) for since, until in inside if since < until)


def within(here: Iterable[Span], span: Span) -> list[Span]:
    """What of one span lies in any of `here`."""
    return cut(here, span)


def merged(spans: Iterable[Span]) -> list[Span]:
    """The same time without overlaps, in order."""
    joined: list[Span] = []
    for since, until in sorted(spans):
        if joined and since <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(until, joined[-1][1]))
        else:
            joined.append((since, until))
    return joined


def seconds(spans: Iterable[Span]) -> int:
    """How long they are together."""
    return round(sum((until - since for since, until in spans), timedelta()).total_seconds())
