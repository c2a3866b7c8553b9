"""Tallies counted by the database: the same as `crm_core.figure.count`, which says what counts where."""

import re
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Result, TextClause, Uuid, column, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.figure.period import By, Key, Period
from crm_core.figure.rules import Rules, Target
from crm_core.figure.tally import Tally
from crm_core.read.figure_families import FAMILIES, LEFT, SALES, SHORT, VISITS, WRAP_UPS, Family


@dataclass(frozen=True, kw_only=True)
class Within:
    """Of which rows figures are told; None: all. `operators`: whose the reader may see; `source` "": of no source."""

    operators: frozenset[int] | None = None
    operator: int | None = None
    queue: str | None = None
    line: int | None = None
    source: str | None = None


ANYWHERE = Within()
Keys = tuple[Key, ...]
Found = Iterable[tuple[Keys, str | None, Sequence[Any]]]
"""Keys, what fields are told apart by, and the amounts of the fields."""
_OF_CALLS = {  # names of lists that are no field of the tally -> the family and the condition
    "sold": (SALES, "true"),
    "wrap_us": (WRAP_UPS, "true"),
    "abandoned_long": (VISITS, f"{LEFT} AND NOT {SHORT}"),
}


class Ledger:
    """Amounts by keys, until they are tallies."""

    def __init__(self, make: Callable[..., Any] = Tally) -> None:
        self._make = make
        self._facts: dict[Keys, dict[str, Any]] = defaultdict(dict)

    def add(self, family: Family, found: Found) -> None:
        """Take what was found of a family; what is there of the same keys is added to."""
        for keys, more, amounts in found:
            facts = self._facts[keys]
            for name, amount in zip(family.fields, amounts, strict=True):
                if family.more is None:
                    facts[name] = facts.get(name, 0) + (amount or 0)
                elif amount is not None:
                    told = facts.setdefault(name, {})
                    told[more] = told.get(more, 0) + amount

    def tallies(self) -> dict[Keys, Any]:
        """The tally of every key of which there is something."""
        return {keys: self._make(**facts) for keys, facts in self._facts.items()}


async def tally(
    session: AsyncSession, period: Period, by: By, rules: Rules, within: Within = ANYWHERE
) -> dict[Key, Tally]:
    """The tally of every key of which there is something."""
    dims = () if by is By.ALL else (by,)
    ledger = Ledger()
    for family in FAMILIES:
        ledger.add(family, await count(session, family, period, dims, rules, within))
    return {keys[0] if keys else None: found for keys, found in ledger.tallies().items()}


async def part_of(
    session: AsyncSession,
    family: Family,
    fields: Collection[str],
    period: Period,
    by: By,
    rules: Rules,
    *,
    before: datetime,
) -> list[tuple[Key, Tally]]:
    """These fields of one family, of calls that were over before an instant."""
    part = replace(
        family,
        source=f"{family.source} AND c.ended_at < :before",
        counts={name: rule for name, rule in family.counts.items() if name in fields},
        sums={name: rule for name, rule in family.sums.items() if name in fields},
    )
    ledger = Ledger()
    ledger.add(part, await count(session, part, period, (by,), rules, before=before))
    return [(key, found) for (key,), found in ledger.tallies().items()]


@dataclass(frozen=True, kw_only=True)
class Sold:
    """One order with the call in which it was sold, and whose call that was. `total`: of the order, paid or not."""

    order_id: int
    call_id: UUID
    operator_id: int | None
    line_id: int | None
    currency: str
    total: Decimal


async def sold_in(
    session: AsyncSession, period: Period, rules: Rules, orders: Collection[int] | None = None
) -> list[Sold]:
    """The orders sold in calls of this period; of these alone, when they are named."""
    query = f"""SELECT s.order_id, c.id AS call_id, c.operator_id, c.line_id, w.currency, w.total
        FROM {SALES.source}"""
    if orders is not None:
        query += """ AND s.order_id = ANY(:orders) AND c.id IN (
            SELECT l.call_id FROM call_links l WHERE l.order_id = ANY(:orders)
            UNION SELECT h.call_id FROM order_changes h WHERE h.order_id = ANY(:orders))"""
    found = await execute(session, query, given(period, rules) | {"orders": sorted(orders or ())})
    return [Sold(**row) for row in found.mappings()]


async def count(
    session: AsyncSession,
    family: Family,
    period: Period,
    dims: Sequence[str],
    rules: Rules,
    within: Within = ANYWHERE,
    **more: Any,
) -> Found:
    """Count the rows of a family under every combination of keys, from the rows themselves. `more`: what its source
    names besides."""
    keys = [f"k{n}" for n in range(len(dims))]
    query = (
        f"SELECT {', '.join([*keys, 'more', *sums(family)])} FROM ({rows(family, dims, within)} OFFSET 0) r"
    )
    query += " GROUP BY " + ", ".join([*keys, "more"])
    found = await execute(session, query, given(period, rules, within) | more)
    width = len(dims)
    return [(tuple(row[:width]), row[width], row[width + 1 :]) for row in found]


async def execute(
    session: AsyncSession, query: str, parameters: Mapping[str, Any]
) -> Result[*tuple[Any, ...]]:
    """Run a query with those of the parameters that it names, each with its type."""
    return await session.execute(text(_typed(query)), _used(query, parameters))


def rows(family: Family, dims: Sequence[str], within: Within = ANYWHERE, *, also: str | None = None) -> str:
    """A query of the rows of a family: k0, k1, ... for the keys, more, and f0, f1, ... for the fields. `also`: one more
    column."""
    columns = [f"{_key(family, by)} AS k{place}" for place, by in enumerate(dims)]
    columns += [also] if also else []
    columns.append(f"{family.more or 'NULL::text'} AS more")
    fields = [family.counted(name) for name in family.counts]
    fields += [f"CASE WHEN {condition} THEN {amount} END" for condition, amount in family.sums.values()]
    columns += [f"{field} AS f{place}" for place, field in enumerate(fields)]
    return f"SELECT {', '.join(columns)} FROM {family.source} AND {_narrow(family, within)}"


def sums(family: Family) -> list[str]:
    """The fields of `rows`, added up."""
    return [family.added(name, f"f{place}") for place, name in enumerate(family.fields)]


# The script of a call is the one of which steps were answered in it; how often it was only shown is not kept.
_SCRIPT = """(SELECT v.script_id FROM call_script_choices h JOIN call_script_versions v ON v.id = h.version_id
    WHERE h.call_id = {} AND h.position = 1)"""


def _key(family: Family, by: str) -> str:
    if (known := family.key(by)) is not None:
        return known
    here = f"({family.at} AT TIME ZONE :zone)"
    keys = {
        By.ALL: "NULL",
        By.SCRIPT: _SCRIPT.format(family.call) if family.call else "NULL::bigint",
        By.HOUR: f"extract(hour FROM {here})::int",
        By.WEEKDAY: f"extract(isodow FROM {here})::int",
        By.DAY: f"{here}::date",
        By.WEEK: f"date_trunc('week', {here})::date",
        By.MONTH: f"date_trunc('month', {here})::date",
    }
    return keys[By(by)]


def _narrow(family: Family, within: Within) -> str:
    conditions = ["true"]
    if within.operators is not None:
        conditions.append(f"{family.operator} = ANY(:operators)")
    if within.operator is not None:
        conditions.append(f"{family.operator} = :operator")
    if within.queue is not None:
        conditions.append(f"{family.queue} = :queue")
    if within.line is not None:
        conditions.append(f"{family.line} = :line")
    if within.source is not None:
        conditions.append(f"coalesce({family.origin}, '') = :source")
    return " AND ".join(conditions)


def given(period: Period, rules: Rules, within: Within = ANYWHERE) -> dict[str, Any]:
    """The parameters of queries of families."""
    general = rules.targets.get(None) or Target()
    return {
        "since": period.since,
        "until": period.until,
        "zone": str(period.zone),
        "now": rules.now,
        "again_within": rules.again_within,
        "reach_within": rules.reach_within,
        "wrap_within": rules.wrap_within,
        "target_s": general.target_s,
        "short_s": general.short_s,
        "operators": sorted(within.operators or ()),
        "operator": within.operator,
        "queue": within.queue,
        "line": within.line,
        "source": within.source,
    }


_TYPES = {
    **dict.fromkeys(("since", "until", "now", "before"), "timestamptz"),
    **dict.fromkeys(("first", "last"), "date"),
    **dict.fromkeys(("again_within", "reach_within", "wrap_within"), "interval"),
    **dict.fromkeys(("zone", "queue", "source", "shape", "way"), "text"),
    **dict.fromkeys(("days", "firsts", "lasts"), "date[]"),
    **dict.fromkeys(("starts",), "timestamptz[]"),
    **dict.fromkeys(("keys0", "keys1", "keys2", "shapes", "hour_shapes"), "text[]"),
    **dict.fromkeys(("target_s", "short_s", "operator", "line"), "bigint"),
    **dict.fromkeys(("operators", "orders"), "bigint[]"),
}
_NAMED = re.compile(rf"(?<![:\w]):({'|'.join(_TYPES)})\b")


def _typed(query: str, kinds: Mapping[str, str] = _TYPES) -> str:
    """Each parameter with its type: asyncpg guesses none."""
    return _NAMED.sub(lambda name: f"CAST(:{name[1]} AS {kinds[name[1]]})", query)


def _used(query: str, given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in _NAMED.findall(query)}


def behind(
    fields: Collection[str],
    period: Period,
    rules: Rules,
    within: Within = ANYWHERE,
    at: Sequence[tuple[By, Key]] = (),
) -> ColumnElement[bool]:
    """The condition that a call is counted in one of these fields, under these keys."""
    return Call.id.in_(
        behind_of([_place(field) for field in fields], period, rules, within, at).columns(column("id", Uuid))
    )


def behind_of(
    places: Iterable[tuple[Family, str]],
    period: Period,
    rules: Rules,
    within: Within,
    at: Sequence[tuple[By, Key]],
) -> TextClause:
    """A query of the ids of what is counted by one of these conditions of families, under these keys."""
    queries = []
    for family, condition in places:
        query = (
            f"SELECT {family.call} AS id FROM {family.source} AND {condition} AND {_narrow(family, within)}"
        )
        for place, (by, key) in enumerate(at):
            query += f" AND {_key(family, by)} "
            query += "IS NULL" if key is None else f"= CAST(:key{place} AS {_KEYS[by]})"
        queries.append(query)
    whole = " UNION ".join(queries)
    used = {f"key{place}": key for place, (_, key) in enumerate(at) if key is not None}
    return text(_typed(whole)).bindparams(**used, **_used(whole, given(period, rules, within)))


_KEYS = {
    **dict.fromkeys((By.OPERATOR, By.LINE, By.SCRIPT), "bigint"),
    **dict.fromkeys((By.QUEUE, By.SOURCE), "text"),
    **dict.fromkeys((By.HOUR, By.WEEKDAY), "int"),
    **dict.fromkeys((By.DAY, By.WEEK, By.MONTH), "date"),
}


def listed(field: str) -> bool:
    """Whether there is a list of calls behind this field."""
    return field in _OF_CALLS or any(field in family.counts for family in FAMILIES if family.call)


def _place(field: str) -> tuple[Family, str]:
    if field in _OF_CALLS:
        return _OF_CALLS[field]
    return next((family, family.counts[field]) for family in FAMILIES if field in family.counts)
