"""When customers may be called, by the clock where they are, and how often a callback is tried again.

The house has one rule; without one `DEFAULT`. The zone is the customer's own, else that of the number; where the
country has several, that of the house when it is among them, else the first.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import CheckConstraint, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped

from crm_core.db import Base, Id, Texts
from crm_core.errors import Invalid
from crm_core.hours import WEEKDAYS, Hours, Span, read_spans
from crm_core.outbox import announce
from crm_core.phone import normalise
from crm_core.shop import Shop

TOPIC = "calling_rule"
LONGEST_MINUTES = 7 * 24 * 60
MOST_ATTEMPTS = 100
REPEAT_SANE = (
    f"repeat_minutes BETWEEN 1 AND {LONGEST_MINUTES} AND most_attempts BETWEEN 1 AND {MOST_ATTEMPTS}"
)


class CallingRule(Base):
    """The one rule of the house. `week`: allowed hours by weekday, Monday first, as people write them."""

    __tablename__ = "calling_rules"
    __table_args__ = (
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint(REPEAT_SANE, name="repeat_sane"),
    )

    id: Mapped[Id]
    week: Mapped[Texts]
    repeat_minutes: Mapped[int]
    most_attempts: Mapped[int]


class OutsideHours(Invalid):
    """A callback at this moment would wake somebody; `proposed` is the next moment that is allowed."""

    def __init__(self, said: str, proposed: datetime | None) -> None:
        super().__init__(said, "due_at")
        self.proposed = proposed


@dataclass(frozen=True, kw_only=True)
class Calling:
    """The rule as it counts: allowed hours, how long to wait for the next attempt, how many there are."""

    week: tuple[tuple[Span, ...], ...]
    repeat: timedelta = timedelta(minutes=30)
    most: int = 3
    home: str = "UTC"  # the zone of the house

    def zone(self, e164: str, own: str | None = None) -> str:
        """The zone of whoever has this number."""
        return zone_of_number(e164, own, self.home)

    def hours(self, zone: str) -> Hours:
        """The allowed hours of a customer in `zone`."""
        return Hours(ZoneInfo(zone), self.week)

    def next_allowed(self, at: datetime, zone: str) -> datetime:
        """`at`, or the next moment after it at which customers in `zone` may be called."""
        return self.hours(zone).next_opening(at) or at

    def check(self, at: datetime, zone: str) -> None:
        """Raises `OutsideHours`."""
        hours = self.hours(zone)
        if hours.is_open(at):
            return
        proposed = hours.next_opening(at)
        there = at.astimezone(hours.zone)
        allowed = ", ".join(str(span) for span in hours.on(there.date())) or "not at all"
        said = f"It will be {_clock(there)} there ({zone}), and that day customers may be called {allowed}."
        if proposed is not None:
            said += f" The next allowed moment is {_clock(proposed.astimezone(hours.zone))} there."
        raise OutsideHours(said, proposed)


DEFAULT = Calling(week=(read_spans("9:00-21:00"),) * len(WEEKDAYS))


def zone_of_number(e164: str, own: str | None, home: str) -> str:
    """The customer's own zone when known, else the number's (see above), else that of the house."""
    zones = normalise(e164, country="").timezones
    return own or (home if home in zones or not zones else zones[0])


async def load_calling(session: AsyncSession) -> Calling:
    """The rule that counts now."""
    rule = await session.get(CallingRule, 1)
    home = await session.scalar(select(Shop.timezone).order_by(Shop.id).limit(1)) or DEFAULT.home
    if rule is None:
        return Calling(week=DEFAULT.week, home=home)
    return Calling(
        week=tuple(read_spans(day) for day in rule.week),
        repeat=timedelta(minutes=rule.repeat_minutes),
        most=rule.most_attempts,
        home=home,
    )


async def set_calling(
    session: AsyncSession, *, week: Sequence[str], repeat_minutes: int, most_attempts: int
) -> None:
    """Say when customers may be called: seven texts such as "9:00-13:00, 14:00-18:00", Monday first.

    Raises `Invalid`.
    """
    if len(week) != len(WEEKDAYS) or not any(spans := [read_spans(day) for day in week]):
        raise Invalid("Write the hours of at least one day.", "week")
    if not 1 <= repeat_minutes <= LONGEST_MINUTES:
        raise Invalid(f"The next attempt comes after 1 to {LONGEST_MINUTES} minutes.", "repeat_minutes")
    if not 1 <= most_attempts <= MOST_ATTEMPTS:
        raise Invalid(f"There are 1 to {MOST_ATTEMPTS} attempts.", "most_attempts")
    written = [", ".join(str(span) for span in day) for day in spans]
    values = {"id": 1, "week": written, "repeat_minutes": repeat_minutes, "most_attempts": most_attempts}
    kept = insert(CallingRule).values(**values)
    await session.execute(kept.on_conflict_do_update(index_elements=["id"], set_=values))
    await announce(session, TOPIC, {"id": 1})


def _clock(local: datetime) -> str:
    return f"{local:%a %d %b %H:%M}"
