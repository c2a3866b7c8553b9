"""How often the forecast was right: what the card said as it popped, against the outcome that was given afterwards.

A call is judged when its outcome says something of why people call (`Outcome.about`), whichever way; it was a hit when
that includes the reason the card named first.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.forecast import CallForecast
from crm_core.outcome import Outcome
from crm_core.reason import KNOWN

STEPS = 10


@dataclass(frozen=True, kw_only=True)
class Judged:
    """So many calls for which the card named `reason` with this share, and which ended with this outcome."""

    reason: str
    share: float
    outcome: str
    label: str
    about: Sequence[str]
    calls: int

    @property
    def hit(self) -> bool:
        """The outcome shows that the card was right."""
        return self.reason in self.about


@dataclass(frozen=True, kw_only=True)
class Step:
    """Forecasts with a share from `low` (in) to `high` (not in): how many, what they promised, what came true."""

    low: float
    high: float
    calls: int
    promised: float
    hits: int

    @property
    def rate(self) -> float | None:
        """The part that came true."""
        return self.hits / self.calls if self.calls else None


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """One reason: how often it was named, how often that was right, and the outcomes there were instead."""

    reason: str
    calls: int
    hits: int
    instead: tuple[tuple[str, int], ...]


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """One week. `told`: forecasts; `judged`: those whose call has an outcome that says why people call."""

    since: datetime
    until: datetime
    told: int
    judged: int
    hits: int
    steps: tuple[Step, ...]
    reasons: tuple[ReasonRow, ...]

    @property
    def rate(self) -> float | None:
        """Of the judged ones the part that was right."""
        return self.hits / self.judged if self.judged else None


def reliability(rows: Iterable[Judged]) -> tuple[Step, ...]:
    """The judged forecasts by tenths of their share. Pure; every judged call is in exactly one step."""
    found = []
    known = list(rows)
    for n in range(STEPS):
        low, high = n / STEPS, (n + 1) / STEPS
        inside = [row for row in known if min(int(row.share * STEPS), STEPS - 1) == n]
        calls = sum(row.calls for row in inside)
        promised = sum(row.share * row.calls for row in inside) / calls if calls else 0.0
        hits = sum(row.calls for row in inside if row.hit)
        found.append(Step(low=low, high=high, calls=calls, promised=promised, hits=hits))
    return tuple(found)


def by_reason(rows: Iterable[Judged]) -> tuple[ReasonRow, ...]:
    """The judged forecasts by the reason they named, the most frequent first. Pure."""
    found: dict[str, list[Judged]] = {}
    for row in rows:
        found.setdefault(row.reason, []).append(row)
    table = []
    for reason, own in found.items():
        missed: dict[str, int] = {}
        for row in own:
            if not row.hit:
                missed[row.label] = missed.get(row.label, 0) + row.calls
        instead = tuple(sorted(missed.items(), key=lambda item: (-item[1], item[0])))
        calls, hits = sum(row.calls for row in own), sum(row.calls for row in own if row.hit)
        table.append(ReasonRow(reason=reason, calls=calls, hits=hits, instead=instead))
    return tuple(sorted(table, key=lambda row: (-row.calls, row.reason)))


async def load_calibration(session: AsyncSession, since: datetime, until: datetime) -> Calibration:
    """The forecasts of calls that popped from `since` (in) to `until` (not in)."""
    within = (CallForecast.at >= since, CallForecast.at < until)
    told = await session.scalar(select(func.count()).select_from(CallForecast).where(*within)) or 0
    query = (
        select(
            CallForecast.reason,
            CallForecast.share,
            Outcome.code.label("outcome"),
            Outcome.label,
            Outcome.about,
            func.count().label("calls"),
        )
        .join(Call, Call.id == CallForecast.call_id)
        .join(Outcome, Outcome.code == Call.disposition)
        .where(*within, Outcome.about.overlap(list(KNOWN)))
        .group_by(CallForecast.reason, CallForecast.share, Outcome.code, Outcome.label, Outcome.about)
    )
    rows = [Judged(**dict(row._mapping)) for row in await session.execute(query)]
    return Calibration(
        since=since,
        until=until,
        told=told,
        judged=sum(row.calls for row in rows),
        hits=sum(row.calls for row in rows if row.hit),
        steps=reliability(rows),
        reasons=by_reason(rows),
    )
