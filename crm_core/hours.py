"""When a line is open: weekly hours and holidays, by the clock on the wall of its time zone. Pure.

Hours belong to the day on which they begin: those of 22:00-06:00 on a Friday end on Saturday morning, also when
that Saturday is a holiday. A holiday takes the place of the weekly hours of its day. Because the clock on the wall
counts, a day that loses or repeats an hour to daylight saving needs no rule of its own.

In:      hours as minutes after local midnight (`closes` of the next morning is above 1440), aware instants
Raises:  `Invalid` for hours that can not be read, or that overlap
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from itertools import pairwise
from typing import NamedTuple

from crm_core.errors import Invalid

DAY = 24 * 60
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
LOOKED_AHEAD = 400  # days; a line that opens later than that does not open
MOST_SPANS = 6  # a day
_SPAN = re.compile(r"(\d{1,2}):(\d{2})\s*[-\u2013\u2014]\s*(\d{1,2}):(\d{2})")


class Span(NamedTuple):
    """Open from `opens` to `closes`, minutes after midnight; `closes` is not in."""

    opens: int
    closes: int

    def __str__(self) -> str:
        closes = DAY if self.closes == DAY else self.closes % DAY
        return f"{_clock(self.opens)}\u2013{_clock(closes)}"


class Holiday(NamedTuple):
    """A day that is not as its weekday; without `span` closed."""

    day: date
    every_year: bool
    name: str
    span: Span | None = None

    def falls_on(self, day: date) -> bool:
        """Whether this holiday is on `day`."""
        if self.every_year:
            return (self.day.month, self.day.day) == (day.month, day.day)
        return self.day == day


WHOLE_DAY = (Span(0, DAY),)


@dataclass(frozen=True)
class Hours:
    """When a line is open. `week`: spans by weekday, Monday is 0; None: always, but for holidays."""

    zone: tzinfo
    week: Sequence[Sequence[Span]] | None = None
    holidays: tuple[Holiday, ...] = ()

    def holiday(self, day: date) -> Holiday | None:
        """The holiday on this day; one of this year alone outranks one of every year."""
        found = [holiday for holiday in self.holidays if holiday.falls_on(day)]
        return min(found, key=lambda holiday: holiday.every_year, default=None)

    def on(self, day: date) -> tuple[Span, ...]:
        """The hours that begin on this day."""
        holiday = self.holiday(day)
        if holiday is not None:
            return (holiday.span,) if holiday.span else ()
        return WHOLE_DAY if self.week is None else tuple(self.week[day.weekday()])

    def is_open(self, at: datetime) -> bool:
        """Whether the line is open at this instant."""
        here = at.astimezone(self.zone)
        minute, today = here.hour * 60 + here.minute, here.date()
        yesterday = today - timedelta(days=1)
        return any(s.opens <= minute < s.closes for s in self.on(today)) or any(
            minute + DAY < s.closes for s in self.on(yesterday)
        )

    def next_opening(self, at: datetime) -> datetime | None:
        """`at` when the line is open then, else the next instant at which it is; None when it opens no more."""
        if self.is_open(at):
            return at
        return next((opens for opens in self._openings(at) if opens > at and self.is_open(opens)), None)

    def _openings(self, at: datetime) -> Iterator[datetime]:
        today = at.astimezone(self.zone).date()
        for days in range(LOOKED_AHEAD):
            day = today + timedelta(days=days)
            for span in sorted(self.on(day)):
                clock = time(span.opens // 60, span.opens % 60)
                yield datetime.combine(day, clock, self.zone).astimezone(UTC)


def read_spans(text: str) -> tuple[Span, ...]:
    """Hours as people write them: "9:00-13:00, 14:00-18:00", "22:00-06:00", "24h"; nothing is closed.

    Raises `Invalid`.
    """
    if text.strip().lower() in ("24h", "24 h", "24/7"):
        return WHOLE_DAY
    pieces = [piece.strip() for piece in text.split(",") if piece.strip()]
    return check_spans([_read_span(piece) for piece in pieces])


def _read_span(text: str) -> Span:
    found = _SPAN.fullmatch(text)
    if found is None:
        raise Invalid(f"Write hours like 9:00-18:00; {text[:40]!r} can not be read.", "hours")
    return span(minutes(f"{found[1]}:{found[2]}"), minutes(f"{found[3]}:{found[4]}"))


def minutes(clock: str) -> int:
    """ "09:30" as minutes after midnight; "24:00" ends a day. Raises `Invalid`."""
    hour, _, minute = clock.partition(":")
    total = int(hour) * 60 + int(minute)
    if int(minute) > 59 or total > DAY:
        raise Invalid(f"There is no {clock[:10]} on a clock.", "hours")
    return total


def span(opens: int, closes: int) -> Span:
    """The span from `opens` to `closes`, which is on the next day when it is not later. Raises `Invalid`."""
    if opens == closes:
        raise Invalid("A whole day is written 00:00-24:00.", "hours")
    if opens == DAY:
        raise Invalid("A day begins at 00:00.", "hours")
    return Span(opens, closes if closes > opens else closes + DAY)


def check_spans(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The spans of one day in their order. Raises `Invalid` when two overlap or there are too many."""
    ordered = tuple(sorted(spans))
    if len(ordered) > MOST_SPANS:
        raise Invalid(f"At most {MOST_SPANS} times of opening fit into a day.", "hours")
    for before, after in pairwise(ordered):
        if after.opens < before.closes:
            raise Invalid(f"{before} and {after} overlap.", "hours")
    return ordered


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
