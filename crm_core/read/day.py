"""The figures of a day as far as its calls were over at an instant: where counting calls as they come begins."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.period import By, Key, Period
from crm_core.figure.rules import Rules
from crm_core.figure.tally import NOTHING, Tally
from crm_core.read.figure_families import CALLS, RINGS, VISITS
from crm_core.read.figures import part_of

_CALLS = ("inbound", "outbound", "answered_in", "answered_out", "missed", "missed_closed", "timed")
_TIMES = ("waited_us", "talk_us", "hold_us")
_VISITS = (*VISITS.counts, *VISITS.sums)
PARTS = ((CALLS, (*_CALLS, *_TIMES)), (VISITS, _VISITS), (RINGS, ("unanswered",)))
COUNTED = tuple(name for _, names in PARTS for name in names)
"""The fields of a tally that are counted so."""


async def tallies_before(
    session: AsyncSession, period: Period, rules: Rules, *, before: datetime
) -> dict[tuple[By, Key], Tally]:
    """What was over before `before` of the calls that began in `period`: of the whole, by operator, queue and line."""
    found: dict[tuple[By, Key], Tally] = {}
    for by in (By.ALL, By.OPERATOR, By.QUEUE, By.LINE):
        for family, fields in PARTS:
            for key, tally in await part_of(session, family, fields, period, by, rules, before=before):
                found[by, key] = found.get((by, key), NOTHING) + tally
    return found
