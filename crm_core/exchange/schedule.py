"""When something is done again by itself: every so many hours, or daily at a time of the shop's clock. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True)
class Schedule:
    """One of both; neither: only when somebody asks."""

    every_hours: int | None = None
    daily_at: time | None = None

    def next_after(self, at: datetime, zone: str) -> datetime | None:
        """The first time after `at`. A time that a change of the clock leaves out is when that change is over."""
        if self.every_hours is not None:
            return at + timedelta(hours=self.every_hours)
        if self.daily_at is None:
            return None
        today = at.astimezone(ZoneInfo(zone)).date()
        days = (today + timedelta(days=ahead) for ahead in range(3))
        times = (datetime.combine(day, self.daily_at, ZoneInfo(zone)).astimezone(UTC) for day in days)
        return next(it for it in times if it > at)

    def following(self, due: datetime, now: datetime, zone: str) -> datetime | None:
        """The time after one that was due: those missed meanwhile are not made up for."""
        if self.every_hours is not None:
            step = timedelta(hours=self.every_hours)
            return due + step * ((now - due) // step + 1)
        return self.next_after(now, zone)
