"""Facts counted by the database: each thing once, the middle of times, sums of money; and the list behind each number.

The facts of a subject are one query with a row for each; rows of a report are one or two of its ways, and a number is a
condition on these rows, which its list asks for as well. Sources look up what belongs to the rows of a time one by one
(`LATERAL ... OFFSET 0`), so that a month costs a month, however many years there are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Date,
    DateTime,
    Integer,
    Interval,
    Text,
    TextClause,
    bindparam,
    text,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.types import TypeEngine

from crm_core.figure.counted import Counted, Spread
from crm_core.figure.tally import SECOND

Key = int | str | date | None
Keys = tuple[Key, ...]
CENT = Decimal("0.01")


class Way(StrEnum):
    """What the rows of a report of facts are."""

    OPERATOR = "operator"
    QUEUE = "queue"
    LINE = "line"
    SOURCE = "source"
    SHOP = "shop"
    CALLER = "caller"
    PRODUCT = "product"
    FAMILY = "family"
    CATEGORY = "category"
    STEP = "step"
    FUNNEL = "funnel"
    STAGE = "stage"
    REASON = "reason"
    HOUR = "hour"
    WEEKDAY = "weekday"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


_HERE = "(f.at AT TIME ZONE :zone)"
_CLOCK = {
    Way.HOUR: f"extract(hour FROM {_HERE})::int",
    Way.WEEKDAY: f"extract(isodow FROM {_HERE})::int",
    Way.DAY: f"{_HERE}::date",
    Way.WEEK: f"date_trunc('week', {_HERE})::date",
    Way.MONTH: f"date_trunc('month', {_HERE})::date",
}
DATES = (Way.DAY, Way.WEEK, Way.MONTH)
NUMBERS = (
    *(Way.OPERATOR, Way.LINE, Way.SHOP, Way.PRODUCT, Way.FAMILY, Way.FUNNEL, Way.STAGE),
    *(Way.HOUR, Way.WEEKDAY),
)
_KIND: Mapping[Way, TypeEngine[Any]] = {
    **dict.fromkeys(Way, Text()),
    **dict.fromkeys(NUMBERS, BigInteger()),
    **dict.fromkeys((Way.HOUR, Way.WEEKDAY), Integer()),
    **dict.fromkeys(DATES, Date()),
}


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`source`: a query of rows with the columns `id` (of what is listed) and `at` (when it counts); `ways`: what a row
    can be counted under, as SQL on such a row `f`. `counts`: name -> condition; each id once (`ids`: the
    column of another one for some). `numbers`: name -> a whole number to add up. `spreads`: name ->
    seconds, NULL where there is none. `sums`: name -> an amount in the `currency` of the row. `lasting`: of those that
    last until now, since when; `whole`: of those of which only the whole is told, of which others it is the sum.
    `once`: of the sums those of which each id brings its amount but once, and the column of the id. `summed`:
    of those that last, the ones of which no middle is told."""

    source: str
    ways: Mapping[Way, str]
    counts: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)
    numbers: Mapping[str, str] = field(default_factory=dict)
    spreads: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)
    lasting: Mapping[str, str] = field(default_factory=dict)
    whole: Mapping[str, Sequence[str]] = field(default_factory=dict)
    once: Mapping[str, str] = field(default_factory=dict)
    summed: Sequence[str] = ()


_WIDE = "1000000000000000"


def once_each(id_: str, amount: str) -> str:
    """Id and amount as one number, NULL where there is no amount: `added_once` takes each but once."""
    return f"(f.{id_} * {_WIDE}::numeric + ({amount}))"


def added_once(column: str) -> str:
    """The amounts of the ids in such a column: the sum of the different ones, less their ids."""
    return f"(sum(DISTINCT {column}) - {_WIDE} * sum(DISTINCT div({column}, {_WIDE})))"


_GIVEN: Mapping[str, TypeEngine[Any]] = {
    **dict.fromkeys(("since", "until", "now"), DateTime(timezone=True)),
    **dict.fromkeys(("again_within",), Interval()),
    **dict.fromkeys(("zone",), Text()),
    **dict.fromkeys(("hands",), Boolean()),
    **dict.fromkeys(("operators",), ARRAY(BigInteger())),
}


@dataclass(frozen=True, kw_only=True)
class Asking:
    """`given`: what the source names; `only`: the keys that rows must have; `operators`: whose rows may be seen (None:
    everybody's)."""

    given: Mapping[str, Any]
    only: Mapping[Way, Key] = field(default_factory=dict)
    operators: frozenset[int] | None = None


async def tell(
    session: AsyncSession, facts: Facts, ways: Sequence[Way], asking: Asking
) -> dict[Keys, Counted]:
    """What is counted under each combination of keys; under () of all of them together."""
    found: dict[Keys, Counted] = {}
    keys = [f"k{n}" for n in range(len(ways))]
    counts = [
        f"count(DISTINCT {facts.ids.get(name, 'id')}) FILTER (WHERE {it}) AS c{n}"
        for n, (name, it) in enumerate(facts.counts.items())
    ]
    counts += [f"coalesce(sum({it}), 0)::bigint AS q{n}" for n, it in enumerate(facts.numbers.values())]
    times = []
    for n, seconds in enumerate(facts.spreads.values()):
        times += [
            f"count({seconds}) AS n{n}",
            f"percentile_cont(ARRAY[0.5, 0.9]) WITHIN GROUP (ORDER BY ({seconds})::float) AS t{n}",
            f"sum({seconds})::float AS s{n}",
        ]
    for row in (await session.execute(_query(facts, ways, asking, [*counts, *times], []))).mappings():
        found[_keys(row, keys)] = Counted(
            {name: row[f"c{n}"] for n, name in enumerate(facts.counts)}
            | {name: row[f"q{n}"] for n, name in enumerate(facts.numbers)},
            {name: _spread(row, n) for n, name in enumerate(facts.spreads)},
        )
    if facts.sums:
        amounts = [
            f"coalesce({_added(facts, name)}, 0)::numeric AS m{n}" for n, name in enumerate(facts.sums)
        ]
        for row in (await session.execute(_query(facts, ways, asking, amounts, ["currency"]))).mappings():
            here = found.setdefault(_keys(row, keys), Counted())
            sums = {name: dict(here.money(name)) for name in facts.sums}
            for n, name in enumerate(facts.sums):
                if row[f"m{n}"]:
                    sums[name][row["currency"]] = row[f"m{n}"].quantize(CENT)
            found[_keys(row, keys)] = here.joined(Counted(sums=sums))
    return found


def _added(facts: Facts, name: str) -> str:
    amount = facts.sums[name]
    return added_once(once_each(facts.once[name], amount)) if name in facts.once else f"sum({amount})"


def _keys(row: Mapping[Any, Any], keys: Sequence[str]) -> Keys:
    """The keys of a row; none of that of all together."""
    return () if row["together"] else tuple(row[key] for key in keys)


def _spread(row: Mapping[Any, Any], n: int) -> Spread:
    if not row[f"n{n}"]:
        return Spread()
    median, late = (round(it * SECOND) for it in row[f"t{n}"])
    return Spread(row[f"n{n}"], median, late, round(row[f"s{n}"] * SECOND))


def _query(
    facts: Facts, ways: Sequence[Way], asking: Asking, counted: Sequence[str], also: Sequence[str]
) -> TextClause:
    keys = [f"k{n}" for n in range(len(ways))]
    named = [f"{key_of(facts, way)} AS {key}" for way, key in zip(ways, keys, strict=True)]
    together = f"grouping({keys[0]}) = 1" if keys else "true"
    sets = [f"({', '.join([*keys, *also])})", *([f"({', '.join(also)})"] if keys else [])]
    query = f"""WITH f AS MATERIALIZED ({facts.source})
        SELECT {", ".join([*keys, *also, f"{together} AS together", *counted])}
        FROM (SELECT {", ".join(["f.*", *named])} FROM f WHERE {_narrow(facts, asking)}) f
        GROUP BY GROUPING SETS ({", ".join(sets)})"""
    return _bound(query, asking)


def behind(facts: Facts, name: str, asking: Asking) -> TextClause:
    """A query of the ids that are counted under this name."""
    id_, condition = facts.ids.get(name, "id"), f"({facts.counts[name]}) AND {_narrow(facts, asking)}"
    return _bound(f"SELECT f.{id_} AS id FROM ({facts.source}) f WHERE {condition}", asking)


async def newest(
    session: AsyncSession, facts: Facts, name: str, asking: Asking, *, before: datetime | None, enough: int
) -> set[Any]:
    """Ids that are counted under this name, of the newest rows: `enough` and more of those until `before`, if there are
    so many. Looked for in a quarter of an hour, then in four times as long before it: a page costs what it has."""
    since, until, now_older = asking.given["since"], asking.given["until"], 0
    if before is not None:
        until = min(until, before + timedelta(microseconds=1))
    found: set[Any] = set()
    length = timedelta(minutes=15)
    while since < until and now_older < enough:
        first = max(since, until - length)
        part = replace(asking, given={**asking.given, "since": first, "until": until})
        condition = f"({facts.counts[name]}) AND {_narrow(facts, part)}"
        query = f"SELECT DISTINCT f.id, f.at FROM ({facts.source}) f WHERE {condition}"
        for id_, at in await session.execute(_bound(query, part)):
            found.add(id_)
            now_older += before is None or at < before
        until, length = first, length * 4
    return found


def key_of(facts: Facts, way: Way) -> str:
    """The key of a row, as SQL."""
    return facts.ways[way] if way in facts.ways else _CLOCK[way]


def _narrow(facts: Facts, asking: Asking) -> str:
    conditions = ["true"]
    if asking.operators is not None:
        conditions.append(f"{facts.ways[Way.OPERATOR]} = ANY(:operators)")
    conditions += [
        f"({key_of(facts, way)}) " + ("IS NULL" if key is None else f"= :only_{way}")
        for way, key in asking.only.items()
    ]
    return " AND ".join(conditions)


def _bound(query: str, asking: Asking) -> TextClause:
    values: dict[str, tuple[Any, TypeEngine[Any]]] = {
        name: (asking.given.get(name), kind) for name, kind in _GIVEN.items()
    }
    values["operators"] = (sorted(asking.operators or ()), ARRAY(BigInteger()))
    for way, key in asking.only.items():
        values[f"only_{way}"] = (key, _KIND[way])
    clause = text(query)
    used = [name for name in clause._bindparams if name in values]
    return clause.bindparams(*(bindparam(name, values[name][0], type_=values[name][1]) for name in used))
