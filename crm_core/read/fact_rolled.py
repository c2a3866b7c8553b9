"""Facts that are rolled up by the day and the hour as figures are, and read from there where there are very many.

A number of a fact adds up over days, as each thing counts in one of them. The middle of times does not: times are
counted in steps of two per cent, so that it is told to within one. Few rows are counted one by one, to the second.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from itertools import combinations
from typing import Any

from crm_core.figure.counted import Counted, Spread
from crm_core.figure.tally import SECOND
from crm_core.read.facts import CENT, Facts, Way, added_once, once_each
from crm_core.read.figure_families import Family, keys_of, ways_by
from crm_core.read.funnel_way import DEALS, STAGES
from crm_core.read.goods import ABOUT, PLACED, SOLD
from crm_core.read.missed import LOST, MISSED
from crm_core.read.step_times import STEPS

STEP = 1.02
SLOT_S = 900
"""Of what still lasts the quarter of an hour is kept in which it began."""
_LATE = 0.9


@dataclass(frozen=True, kw_only=True)
class FactFamily(Family):
    """Of facts. `keys`: by what they can be told; `rolled`: by which of these, or which two, they are rolled up;
    `ids`: of what is counted once each, the column that tells it; `once`: the sums that each id brings but once."""

    keys: Mapping[Way, str]
    rolled: Sequence[Sequence[Way]]
    ids: Mapping[str, str] = field(default_factory=dict)
    once: Sequence[str] = ()

    @property
    def ways(self) -> Mapping[frozenset[str], str]:
        return ways_by((), (Way.HOUR,), *self.rolled)

    def key(self, by: str) -> str | None:
        return self.keys.get(Way(by)) if by in set(Way) else None

    def counted(self, name: str) -> str:
        once = self.ids.get(name)
        return f"CASE WHEN {self.counts[name]} THEN f.{once} END" if once else super().counted(name)

    def added(self, name: str, column: str) -> str:
        if name in self.once:
            return added_once(column)
        return f"count(DISTINCT {column})::bigint" if name in self.ids else super().added(name, column)


@dataclass(frozen=True, kw_only=True)
class Rolled:
    """Facts with what they are rolled up as. `many`: a query of the rows of the time, to know whether there are many;
    `through`: ways that are told of another one's rows, and the key as SQL of the key there; `when`: what must have
    been asked for (values of `Asking.given`)."""

    facts: Facts
    families: Sequence[FactFamily]
    many: str
    through: Mapping[Way, tuple[Way, str]] = field(default_factory=dict)
    when: Mapping[str, Any] = field(default_factory=dict)

    def look_up(self, things: Collection[Way]) -> tuple[str, dict[str, str]] | None:
        """Where facts of these things (and of the hour) are looked up, and what each is on a row `d`; None: nowhere."""
        for through in (False, True):
            of = {it: self.through[it] for it in things if it in self.through} if through else {}
            bases = {it: of.get(it, (it, "{}")) for it in things}
            if name := self.families[0].ways.get(frozenset(base for base, _ in bases.values())):
                columns = keys_of(name)
                named = {it: bases[it] for it in things if it is not Way.HOUR}
                return name, {str(it): key.format(columns[base]) for it, (base, key) in named.items()}
        return None

    def counted(self, found: Mapping[str, Any], now: datetime) -> Counted:
        """What was added up, as it is counted from rows."""
        facts = self.facts
        spreads = {name: _spread(found, name) for name in facts.spreads if name not in facts.lasting}
        for name in facts.lasting:
            spreads[name] = (_summed if name in facts.summed else _lasting)(found, name, now)
        for name, parts in facts.whole.items():
            spreads[name] = Spread(whole_us=sum(spreads[part].whole_us for part in parts))
        return Counted(
            {name: found.get(name) or 0 for name in (*facts.counts, *facts.numbers)},
            spreads,
            {name: _money(found.get(name, {})) for name in facts.sums},
        )


def _money(amounts: Mapping[str, Decimal]) -> dict[str, Decimal]:
    return {currency: told for currency, it in amounts.items() if (told := it.quantize(CENT))}


def _spread(found: Mapping[str, Any], name: str) -> Spread:
    times = sorted((int(step), number) for step, number in found.get(name, {}).items() if number)
    if not times:
        return Spread()
    number = sum(it for _, it in times)
    median, late = (_reached([(_middle(step), it) for step, it in times], part) for part in (0.5, _LATE))
    whole = sum(found.get(f"{name}_us", {}).values())
    return Spread(number, round(median * SECOND), round(late * SECOND), int(whole))


def _summed(found: Mapping[str, Any], name: str, now: datetime) -> Spread:
    """How long by now, of so many that began at seconds that were added up."""
    number = found.get(name) or 0
    whole = number * now.timestamp() - (found.get(f"{name}_since_s") or 0)
    return Spread(number, whole_us=max(0, round(whole * SECOND)))


def _lasting(found: Mapping[str, Any], name: str, now: datetime) -> Spread:
    """How long by now, of so many that began in each quarter of an hour."""
    slots: Mapping[str, int] = found.get(name, {})
    times = sorted(
        (max(0.0, now.timestamp() - (int(slot) + 0.5) * SLOT_S), it) for slot, it in slots.items() if it
    )
    if not times:
        return Spread()
    median, late = _reached(times, 0.5), _reached(times, _LATE)
    whole = sum(time * it for time, it in times)
    return Spread(
        sum(it for _, it in times), round(median * SECOND), round(late * SECOND), round(whole * SECOND)
    )


def _reached(times: Sequence[tuple[float, int]], part: float) -> float:
    """What this part of them does not exceed."""
    wanted, seen = part * (sum(number for _, number in times) - 1), 0
    for time, number in times:
        seen += number
        if seen > wanted:
            return time
    return times[-1][0]


def _middle(step: int) -> float:
    return 0.5 if step < 0 else STEP ** (step + 0.5)


def _families(
    code: str, facts: Facts, ways: Sequence[Sequence[Way]], *, once: bool = True
) -> list[FactFamily]:
    """The families of facts. `once`: there may be several rows of a thing, which counts once under each key."""
    ids = {name: facts.ids.get(name, "id") for name in facts.counts} if once else {}
    numbers = {name: ("true", it) for name, it in facts.numbers.items()}
    found = [_family(code, facts, ways, counts=facts.counts, sums=numbers, ids=ids)]
    for name, seconds in facts.spreads.items():
        known = f"({seconds}) IS NOT NULL"
        if name in facts.summed:
            began = (known, f"round(extract(epoch FROM {facts.lasting[name]}))::bigint")
            found.append(_family(code, facts, ways, counts={name: known}, sums={f"{name}_since_s": began}))
        elif name in facts.lasting:
            slot = f"floor(extract(epoch FROM {facts.lasting[name]}) / {SLOT_S})::bigint::text"
            found.append(_family(code, facts, ways, more=slot, counts={name: known}))
        elif name not in facts.whole:
            step = f"CASE WHEN ({seconds}) < 1 THEN -1 ELSE floor(ln(({seconds})::float) / ln({STEP}::float)) END"
            lasted = {f"{name}_us": (known, f"round(({seconds}) * 1000000)::bigint")}
            found.append(
                _family(code, facts, ways, more=f"({step})::int::text", counts={name: known}, sums=lasted)
            )
    if facts.sums:
        money = {
            name: ("true", once_each(facts.once[name], it) if name in facts.once else it)
            for name, it in facts.sums.items()
        }
        each = tuple(facts.once)
        found.append(_family(code, facts, ways, more="f.currency", money=True, sums=money, once=each))
    return found


def _family(code: str, facts: Facts, ways: Sequence[Sequence[Way]], **counted: Any) -> FactFamily:
    return FactFamily(
        code=code,
        source=f"({facts.source}) f WHERE true",
        operator=facts.ways[Way.OPERATOR],
        at="f.at",
        call=None,
        keys=facts.ways,
        rolled=tuple(map(tuple, ways)),
        **counted,
    )


def _each(*ways: Way) -> Sequence[Sequence[Way]]:
    return [(way,) for way in ways]


def _crossed(*ways: Way) -> Sequence[Sequence[Way]]:
    """By each, and by any two."""
    return [*_each(*ways), *combinations(ways, 2)]


def _handed(hands: bool, ways: Sequence[Sequence[Way]]) -> Rolled:
    facts = replace(STEPS, source=STEPS.source.replace(":hands", str(hands).lower()))
    return Rolled(facts=facts, families=_families("placed", facts, ways), many=_ORDERS, when={"hands": hands})


_CALLS = "SELECT FROM calls c WHERE c.started_at >= :since AND c.started_at < :until"
_ORDERS = "SELECT FROM orders w WHERE w.created_at >= :since AND w.created_at < :until"
_DEALS = """SELECT FROM funnels u JOIN deals d ON d.funnel_id = u.id
    WHERE d.created_at >= :since AND d.created_at < :until"""
_MISSED_WAYS = _crossed(Way.OPERATOR, Way.QUEUE, Way.LINE, Way.SOURCE)
_GOODS_WAYS = _each(Way.PRODUCT, Way.CATEGORY, Way.FAMILY, Way.SHOP, Way.OPERATOR, Way.LINE, Way.SOURCE)
_OF_FUNNEL = [(Way.FUNNEL, way) for way in (Way.OPERATOR, Way.SOURCE)]
_SHOP_OF_LINE = {Way.SHOP: (Way.LINE, "(SELECT l.shop_id::text FROM lines l WHERE l.id = {}::bigint)")}
_FUNNEL_OF_STAGE = {
    Way.FUNNEL: (Way.STAGE, "(SELECT s.funnel_id::text FROM funnel_stages s WHERE s.id = {}::bigint)")
}
OF_MISSED = Rolled(
    facts=MISSED,
    families=_families("missed", MISSED, _MISSED_WAYS, once=False),
    many=f"{_CALLS} AND c.missed_place IS NOT NULL",
    through=_SHOP_OF_LINE,
)
LOST_BY_LINE = replace(
    OF_MISSED,
    families=[
        _family(
            "missed",
            LOST,
            _MISSED_WAYS,
            more="coalesce(f.line::text, '')",
            counts={"lost_by_line": LOST.counts["lost"]},
        )
    ],
)
OF_STEPS = (
    _handed(False, _crossed(Way.STEP, Way.SHOP, Way.LINE, Way.SOURCE)),
    _handed(True, [(Way.OPERATOR,), (Way.STEP,), (Way.STEP, Way.OPERATOR)]),
)
OF_GOODS = (
    Rolled(facts=ABOUT, families=_families("goods", ABOUT, _GOODS_WAYS), many=_CALLS),
    Rolled(facts=SOLD, families=_families("goods", SOLD, _GOODS_WAYS), many=_CALLS),
    Rolled(facts=PLACED, families=_families("placed", PLACED, _GOODS_WAYS), many=_ORDERS),
)
OF_STAGES = Rolled(
    facts=STAGES,
    families=_families(
        "deals",
        STAGES,
        [
            *_each(Way.FUNNEL, Way.STAGE),
            *_OF_FUNNEL,
            (Way.FUNNEL, Way.REASON),
            *((Way.STAGE, way) for way in (Way.OPERATOR, Way.SOURCE, Way.REASON)),
        ],
    ),
    many=_DEALS,
    through=_FUNNEL_OF_STAGE,
)
OF_DEALS = Rolled(
    facts=DEALS,
    families=_families("deals", DEALS, [(Way.FUNNEL,), (Way.FUNNEL, Way.HOUR), *_OF_FUNNEL], once=False),
    many=_DEALS,
)
ROLLED = (OF_MISSED, *OF_STEPS, *OF_GOODS, OF_STAGES, OF_DEALS)
FACT_FAMILIES = tuple(family for it in (*ROLLED, LOST_BY_LINE) for family in it.families)
