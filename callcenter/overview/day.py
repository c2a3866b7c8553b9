"""The figures of this day, counted as calls come, never by reading the day again each time. Pure.

What was over at `cutoff` was counted by the database (`crm_core.read.day`); every call that was not is counted here,
by the same rules (`crm_core.figure.count`), and counted anew whenever it takes a step. Now and then the cutoff moves
on: what the switchboard's own records told later, or a corrected call, is in the figures from then on.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from callcenter.call import Call, Direction, attempts
from callcenter.directory import Directory
from callcenter.records import verdict
from crm_core.figure import rows
from crm_core.figure.count import count_calls
from crm_core.figure.period import By, Key, Period
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.read.day import COUNTED

BYS = (By.ALL, By.OPERATOR, By.QUEUE, By.LINE)
Place = tuple[By, Key]
Counted = dict[Place, Counter[str]]
NO_DAY = Period(datetime.min.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC), UTC)


@dataclass
class Day:
    """Counts by operator, queue, line and of the whole."""

    period: Period = NO_DAY
    rules: Rules = field(default_factory=lambda: Rules(now=datetime.min.replace(tzinfo=UTC)))
    _calls: dict[UUID, Call] = field(default_factory=dict)
    _parts: dict[UUID, Counted] = field(default_factory=dict)
    _sums: defaultdict[Place, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))

    def begin(
        self,
        period: Period,
        rules: Rules,
        base: Mapping[Place, Tally],
        *,
        cutoff: datetime,
        directory: Directory,
    ) -> None:
        """Start from what was over at `cutoff`; what ended later, or goes on, is added."""
        self.period, self.rules = period, rules
        self._sums = defaultdict(Counter, {place: numbers(tally) for place, tally in base.items()})
        kept = [call for call in self._calls.values() if call.ended_at is None or call.ended_at >= cutoff]
        self._calls, self._parts = {}, {}
        for call in kept:
            self.put(call, directory)

    def put(self, call: Call, directory: Directory) -> None:
        """A call took a step: what it counts as now is counted in the place of what it counted as before."""
        self.forget(call.id)
        part = counted(call, directory, self.period, self.rules)
        self._calls[call.id], self._parts[call.id] = call, part
        for place, counts in part.items():
            self._sums[place].update(counts)

    def forget(self, call_id: UUID) -> None:
        """This call turned out to be part of another one."""
        self._calls.pop(call_id, None)
        for place, counts in self._parts.pop(call_id, {}).items():
            self._sums[place].subtract(counts)

    def counts(self, by: By, key: Key = None) -> Mapping[str, int]:
        """What was counted under this key, by the fields of `Tally`."""
        return self._sums.get((by, key), {})

    def keys(self, by: By) -> Iterable[Key]:
        """Of what there is something."""
        return [key for one, key in self._sums if one is by]


def counted(call: Call, directory: Directory, period: Period, rules: Rules) -> Counted:
    """What one call counts as, as far as it has come; nothing while that is open."""
    if call.result is None or call.direction is Direction.INTERNAL or not period.holds(call.started_at):
        return {}
    result, place = verdict(call, directory)
    line, operator = directory.line(call.pbx, call.line), directory.operator_at(call.pbx, call.operator)
    facts = rows.Call(
        id=1,
        started_at=call.started_at,
        direction=call.direction,
        result=result,
        missed_place=place,
        operator=operator.id if operator else None,
        queue=call.queue,
        line=line.id if line else None,
        number=call.remote_number,
        wait_s=call.wait_s,
        talk_s=call.talk_s,
        hold_s=call.hold_s,
    )
    visits = [
        rows.Visit(1, it.queue, it.wait_s, it.outcome) for it in call.visits if it.entered_at or it.outcome
    ]
    rings = []
    for attempt in attempts(call):
        user = directory.operator_at(call.pbx, attempt.extension)
        rings.append(rows.Ring(1, user.id if user else None, attempt.queue, attempt.result, attempt.rang_s))
    happened = rows.Rows(calls=(facts,), visits=visits, rings=rings)
    found: Counted = defaultdict(Counter)
    for whose, tally in count_calls(happened, period, rules):
        counts = numbers(tally)
        for by in BYS:
            found[by, whose.key(by, period)].update(counts)
    return found


def numbers(tally: Tally) -> Counter[str]:
    """What is counted of a tally and is not nothing."""
    return Counter({name: value for name in COUNTED if (value := getattr(tally, name))})
