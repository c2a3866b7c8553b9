"""Days of a shop, and where what happened counts. Pure.

A call counts whole — its time, its queues, its rings, its wrap-up, its orders and their money — in the period, day and
hour in which it began, whatever came after midnight. What operators did is time and is cut: what lies in an hour
counts in that hour. A callback counts where it was due. Hours and days are those of the clock on the wall: the hour
that comes twice when summer time ends is one hour of two hours' length.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache

QUARTER = timedelta(minutes=15)
"""Every zone of today is away from UTC by whole quarters of an hour: none of them holds a change of the hour inside."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


class By(StrEnum):
    """What the rows of a table are."""

    ALL = "all"
    OPERATOR = "operator"
    QUEUE = "queue"
    LINE = "line"
    SOURCE = "source"
    SCRIPT = "script"  # that was followed in the call
    HOUR = "hour"
    WEEKDAY = "weekday"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


Key = int | str | date | None
"""Of a row: id of an operator, line or script, name of a queue or source, hour (0-23), day of the week (1: Monday),
day (of a week its Monday, of a month its first); None: of none of them."""


@dataclass(frozen=True)
class Period:
    """From `since` until before `until`; days and hours are those of `zone`."""

    since: datetime
    until: datetime
    zone: tzinfo

    def holds(self, at: datetime) -> bool:
        return self.since <= at < self.until

    def cut(self, since: datetime, until: datetime) -> tuple[datetime, datetime]:
        """What of a span lies inside; empty (or backwards) when nothing does."""
        return max(since, self.since), min(until, self.until)


@lru_cache(maxsize=4096)  # rolling up asks again and again for every day there is
def of_days(first: date, last: date, zone: tzinfo) -> Period:
    """Whole days, both included."""
    until = datetime.combine(last + timedelta(days=1), time(), zone)
    return Period(datetime.combine(first, time(), zone).astimezone(UTC), until.astimezone(UTC), zone)


def clock_key(by: By, at: datetime, zone: tzinfo) -> Key:
    """The hour in which an instant lies, or its day, week or month; None for the other ways."""
    here = at.astimezone(zone)
    return here.hour if by is By.HOUR else day_key(by, here.date())


def day_key(by: By, day: date) -> Key:
    """Under which key of the calendar a day stands; None for the other ways."""
    match by:
        case By.DAY:
            return day
        case By.WEEK:
            return day - timedelta(days=day.weekday())
        case By.MONTH:
            return day.replace(day=1)
        case By.WEEKDAY:
            return day.isoweekday()
    return None


def quarters(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """A span, cut at every quarter of an hour."""
    while since < until:
        end = min(until, _EPOCH + ((since - _EPOCH) // QUARTER + 1) * QUARTER)
        yield since, end
        since = end
