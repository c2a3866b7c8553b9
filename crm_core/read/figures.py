"""Tallies counted by the database: the same as `crm_core.figure.count`, which says what counts where.

What is counted stands in families: a family is where rows come from, whose they are, and a condition for each field of
the tally. The list behind a number asks with the same condition, so it holds exactly those calls.
"""

import re
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Uuid, column, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.figure.count import gather
from crm_core.figure.period import By, Key, Period
from crm_core.figure.rules import Rules, Target
from crm_core.figure.tally import Tally
from crm_core.order_status import Group, among_sql


@dataclass(frozen=True, kw_only=True)
class Within:
    """Of which rows figures are told; None: all. `operators`: whose the reader may see."""

    operators: frozenset[int] | None = None
    operator: int | None = None
    queue: str | None = None
    line: int | None = None


ANYWHERE = Within()


@dataclass(frozen=True, kw_only=True)
class Family:
    """Rows of one kind. `sums`: field -> (condition, seconds or microseconds as SQL)."""

    source: str
    operator: str
    queue: str = "c.queue"
    line: str = "c.line_id"
    at: str = "c.started_at"
    call: str | None = "c.id"
    counts: Mapping[str, str]
    sums: Mapping[str, tuple[str, str]]


def _seconds(expression: str) -> str:
    return f"round({expression} * 1000000)::bigint"


def _lasted(since: str, until: str) -> str:
    return f"(extract(epoch FROM {until} - {since}) * 1000000)::bigint"


_OVER = "c.direction <> 'internal' AND c.result IS NOT NULL"
_BEGAN = f"c.started_at >= :since AND c.started_at < :until AND {_OVER}"
_IN, _ANSWERED = "c.direction = 'inbound'", "c.result = 'answered'"
_KNOWN = "(c.customer_id IS NOT NULL OR c.remote_e164 IS NOT NULL)"
_TO_RECOVER = "c.missed_place <> 'blocked' AND c.remote_e164 IS NOT NULL"


def _other(condition: str) -> str:
    """There is another call with the same customer or number for which this holds. Two conditions, for two indexes."""
    same = "SELECT FROM calls o WHERE o.{0} = c.{0} AND o.direction <> 'internal' AND o.result IS NOT NULL AND {1}"
    both = [f"EXISTS ({same.format(party, condition)})" for party in ("customer_id", "remote_e164")]
    return f"({' OR '.join(both)})"


_BEFORE = (
    "o.direction = 'inbound' AND o.started_at < c.started_at AND o.started_at >= c.started_at - :again_within"
)
_AFTER = (
    "o.direction = 'inbound' AND o.started_at > c.started_at AND o.started_at <= c.started_at + :again_within"
)
_REACHED = (
    "o.result = 'answered' AND o.started_at > c.started_at AND o.started_at <= c.started_at + :reach_within"
)
_JUDGED = f"{_IN} AND {_ANSWERED} AND {_KNOWN} AND c.started_at + :again_within <= :now"

CALLS = Family(
    source=f"calls c WHERE {_BEGAN}",
    operator="c.operator_id",
    counts={
        "inbound": _IN,
        "outbound": f"NOT {_IN}",
        "answered_in": f"{_IN} AND {_ANSWERED}",
        "answered_out": f"NOT {_IN} AND {_ANSWERED}",
        "missed": "c.missed_place NOT IN ('blocked', 'after_hours')",
        "missed_closed": "c.missed_place = 'after_hours'",
        "timed": f"{_ANSWERED} AND c.talk_s IS NOT NULL",
        "known_in": f"{_IN} AND {_KNOWN}",
        "to_recover": _TO_RECOVER,
        "repeats": f"{_IN} AND {_other(_BEFORE)}",
        "judged": _JUDGED,
        "settled": f"{_JUDGED} AND NOT {_other(_AFTER)}",
        "recovered": f"{_TO_RECOVER} AND {_other(_REACHED)}",
    },
    sums={
        "waited_us": (f"{_IN} AND {_ANSWERED}", _seconds("c.wait_s")),
        "talk_us": (f"{_ANSWERED} AND c.talk_s IS NOT NULL", _seconds("c.talk_s")),
        "hold_us": (f"{_ANSWERED} AND c.talk_s IS NOT NULL", _seconds("c.hold_s")),
    },
)
TRANSFERS = Family(
    source=f"""calls c CROSS JOIN LATERAL jsonb_array_elements(c.transfers) t WHERE {_BEGAN}
        AND t ->> 'kind' IN ('blind', 'attended') AND t ->> 'result' = 'answered'""",
    operator="""coalesce(
        (SELECT min(l.user_id) FROM call_legs l WHERE l.call_id = c.id AND l.extension = t ->> 'from'),
        (SELECT e.user_id FROM extensions e WHERE e.pbx = c.pbx AND e.extension = t ->> 'from'))""",
    counts={"transfers": "true"},
    sums={},
)
_LEFT, _STAYED = "v.outcome = 'abandoned'", "v.outcome = 'answered'"
_WAIT = _seconds("v.wait_s")
_SHORT = f"{_WAIT} <= coalesce(t.short_s, :short_s) * 1000000"
_IN_TIME = f"{_STAYED} AND {_WAIT} <= coalesce(t.target_s, :target_s) * 1000000"
VISITS = Family(
    source=f"""calls c JOIN queue_visits v ON v.call_id = c.id
        LEFT JOIN queue_targets t ON t.queue = v.queue WHERE {_BEGAN}""",
    operator=f"CASE WHEN {_STAYED} THEN c.operator_id END",
    queue="v.queue",
    counts={
        "queue_answered": _STAYED,
        "in_target": _IN_TIME,
        "abandoned": _LEFT,
        "short": f"{_LEFT} AND {_SHORT}",
        "let_go": "v.outcome IN ('timeout', 'leave_empty', 'key_exit', 'let_go', 'withdrawn')",
        "refused": "v.outcome IN ('full', 'join_empty')",
    },
    sums={
        "queue_wait_us": (_STAYED, _WAIT),
        "in_target_wait_us": (_IN_TIME, _WAIT),
        "abandoned_wait_us": (_LEFT, _WAIT),
    },
)
RINGS = Family(
    source=f"calls c JOIN call_legs l ON l.call_id = c.id WHERE {_BEGAN}",
    operator="l.user_id",
    queue="coalesce(l.queue, c.queue)",
    counts={
        "rings": "true",
        "accepted": "l.result = 'answered'",
        "unanswered": "l.result IN ('no_answer', 'declined', 'busy')",
    },
    sums={"ring_us": ("true", _seconds("l.rang_s"))},
)
WRAP_UPS = Family(
    source=f"""(SELECT s.user_id, coalesce(a.call_id, s.call_id) AS call_id, s.from_at,
            coalesce(s.to_at, :now) AS to_at
        FROM agent_states s LEFT JOIN call_aliases a ON a.id = s.call_id
        WHERE s.state = 'wrap_up' AND s.call_id IS NOT NULL
            AND s.from_at >= :since - :wrap_within AND s.from_at < :until + :wrap_within) s
        JOIN calls c ON c.id = s.call_id WHERE {_BEGAN}
        AND s.to_at > c.started_at AND s.from_at < c.started_at + :wrap_within""",
    operator="s.user_id",
    counts={},
    sums={
        "wrap_us": (
            "true",
            _lasted("greatest(s.from_at, c.started_at)", "least(s.to_at, c.started_at + :wrap_within)"),
        )
    },
)
# Of each operator the span in which the period begins is looked up; all others begin in it.
_SPANS = """(
        SELECT s.user_id, s.state, s.reason, s.from_at, s.to_at FROM agent_states s
            WHERE s.from_at >= :since AND s.from_at < :until
        UNION ALL SELECT s.* FROM users u CROSS JOIN LATERAL (
            SELECT s.user_id, s.state, s.reason, s.from_at, s.to_at FROM agent_states s
            WHERE s.user_id = u.id AND s.from_at < :since ORDER BY s.from_at DESC LIMIT 1) s)"""
SPANS = Family(
    source=f"""(SELECT s.user_id, s.state, s.reason, greatest(s.from_at, :since) AS from_at,
        least(coalesce(s.to_at, :now), :until) AS to_at FROM {_SPANS} s WHERE s.state <> 'offline') s
        CROSS JOIN LATERAL generate_series(
            date_bin('15 minutes', s.from_at, '2000-01-01 00:00:00+00'), s.to_at, '15 minutes') q
        WHERE s.to_at > greatest(s.from_at, q)""",
    operator="s.user_id",
    queue="NULL::text",
    line="NULL::bigint",
    at="greatest(s.from_at, q)",
    call=None,
    counts={},
    sums={
        f"{state}_us": (
            f"s.state = '{state}'",
            _lasted("greatest(s.from_at, q)", "least(s.to_at, q + '15 minutes')"),
        )
        for state in ("available", "ringing", "dialling", "talking", "held", "wrap_up", "paused")
    },
)
PROMISES = Family(
    source="""callbacks b LEFT JOIN calls c ON c.id = b.source_call_id
        WHERE b.due_at >= :since AND b.due_at < :until AND b.due_at <= :now AND b.state <> 'cancelled'""",
    operator="b.assigned_to",
    at="b.due_at",
    counts={"due": "true", "kept": "b.state = 'done' AND b.done_at <= b.due_at"},
    sums={},
)
_MADE = "{0}.role = 'created' AND {0}.order_id IS NOT NULL AND {0}.removed_at IS NULL"
_CONFIRMS = (
    among_sql("({0}.what #>> '{{status,0}}')", [Group.NEW])
    + " AND NOT "
    + among_sql("({0}.what #>> '{{status,1}}')", [Group.NEW, Group.LOST])
)
SALES = Family(
    source=f"""calls c CROSS JOIN LATERAL (
            SELECT l.order_id FROM call_links l WHERE l.call_id = c.id AND {_MADE.format("l")}
                AND NOT EXISTS (SELECT FROM call_links o
                    WHERE o.order_id = l.order_id AND o.id < l.id AND {_MADE.format("o")})
            UNION SELECT h.order_id FROM order_changes h WHERE h.call_id = c.id AND {_CONFIRMS.format("h")}
                AND NOT EXISTS (SELECT FROM call_links o WHERE o.order_id = h.order_id AND {_MADE.format("o")})
                AND NOT EXISTS (SELECT FROM order_changes o WHERE o.order_id = h.order_id AND o.id < h.id
                    AND o.call_id IS NOT NULL AND {_CONFIRMS.format("o")})
        ) s JOIN orders w ON w.id = s.order_id
        CROSS JOIN LATERAL (SELECT coalesce(sum(i.purchase_price * i.quantity), 0) AS cost,
            count(*) = count(i.purchase_price) AS known FROM order_items i WHERE i.order_id = w.id) g
        WHERE {_BEGAN} AND {_ANSWERED} AND NOT {among_sql("w.status", [Group.LOST])}""",
    operator="c.operator_id",
    counts={
        "orders": "true",
        "paid_orders": "w.total > 0 AND w.paid >= w.total",
        "priced": "w.total > 0 AND w.paid >= w.total AND g.known",
    },
    sums={},
)
FAMILIES = (CALLS, TRANSFERS, VISITS, RINGS, WRAP_UPS, SPANS, PROMISES, SALES)
_SOLD = "count(DISTINCT c.id) AS sold"
_OF_CALLS = {  # names of lists that are no field of the tally -> the family and the condition
    "sold": (SALES, "true"),
    "wrap_us": (WRAP_UPS, "true"),
    "abandoned_long": (VISITS, f"{_LEFT} AND NOT {_SHORT}"),
}


async def tally(
    session: AsyncSession, period: Period, by: By, rules: Rules, within: Within = ANYWHERE
) -> dict[Key, Tally]:
    """The tally of every key of which there is something."""
    return gather([each async for each in _counted(session, period, by, rules, within)])


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
    columns = [
        f"count(*) FILTER (WHERE {family.counts[name]}) AS {name}" for name in fields if name in family.counts
    ]
    columns += [
        f"coalesce(sum({family.sums[name][1]}) FILTER (WHERE {family.sums[name][0]}), 0)::bigint AS {name}"
        for name in fields
        if name in family.sums
    ]
    given = _given(period, rules, ANYWHERE) | {"before": before}
    found = await _grouped(session, family, by, columns, given, ANYWHERE, only="c.ended_at < :before")
    return [(key, Tally(**row)) for key, row in found]


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
    given = _given(period, rules, ANYWHERE) | {"orders": sorted(orders or ())}
    found = await session.execute(text(_typed(query)), _used(query, given))
    return [Sold(**row) for row in found.mappings()]


async def _counted(
    session: AsyncSession, period: Period, by: By, rules: Rules, within: Within
) -> AsyncIterator[tuple[Key, Tally]]:
    given = _given(period, rules, within)
    for family in FAMILIES:
        columns = [
            f"count(*) FILTER (WHERE {condition}) AS {field}" for field, condition in family.counts.items()
        ]
        columns += [
            f"coalesce(sum({amount}) FILTER (WHERE {condition}), 0)::bigint AS {field}"
            for field, (condition, amount) in family.sums.items()
        ]
        for key, row in await _grouped(session, family, by, columns, given, within):
            yield key, Tally(**row)
    for key, row in await _grouped(session, SALES, by, [_SOLD], given, within):
        yield key, Tally(**row)
    money = [
        "w.currency, sum(w.paid) AS revenue, sum(w.total - w.delivery_cost - g.cost)"
        f" FILTER (WHERE {SALES.counts['priced']}) AS margin"
    ]
    for key, row in await _grouped(session, SALES, by, money, given, within, more="w.currency"):
        margin = {} if row["margin"] is None else {row["currency"]: row["margin"]}
        yield key, Tally(revenue={row["currency"]: row["revenue"]}, margin=margin)
    paused = [f"coalesce(s.reason, '') AS reason, sum({SPANS.sums['paused_us'][1]})::bigint AS lasted"]
    only = "s.state = 'paused'"
    for key, row in await _grouped(
        session, SPANS, by, paused, given, within, more="coalesce(s.reason, '')", only=only
    ):
        yield key, Tally(pauses={row["reason"]: row["lasted"]})


async def _grouped(
    session: AsyncSession,
    family: Family,
    by: By,
    columns: Collection[str],
    given: Mapping[str, Any],
    within: Within,
    *,
    more: str = "",
    only: str = "true",
) -> list[tuple[Key, dict[str, Any]]]:
    query = f"SELECT {_key(family, by)} AS key, {', '.join(columns)} FROM {family.source}"
    query += f" AND {only} AND {_narrow(family, within)} GROUP BY 1{', ' + more if more else ''}"
    found = await session.execute(text(_typed(query)), _used(query, given))
    return [(row.pop("key"), row) for row in map(dict, found.mappings())]


def _key(family: Family, by: By) -> str:
    here = f"({family.at} AT TIME ZONE :zone)"
    keys = {
        By.ALL: "NULL",
        By.OPERATOR: family.operator,
        By.QUEUE: family.queue,
        By.LINE: family.line,
        By.HOUR: f"extract(hour FROM {here})::int",
        By.DAY: f"{here}::date",
    }
    return keys[by]


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
    return " AND ".join(conditions)


def _given(period: Period, rules: Rules, within: Within) -> dict[str, Any]:
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
    }


_TYPES = {
    **dict.fromkeys(("since", "until", "now", "before"), "timestamptz"),
    **dict.fromkeys(("again_within", "reach_within", "wrap_within"), "interval"),
    **dict.fromkeys(("zone", "queue"), "text"),
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
    *,
    by: By = By.ALL,
    key: Key = None,
) -> ColumnElement[bool]:
    """The condition that a call is counted in one of these fields, under this key."""
    queries = []
    for family, condition in (_place(field) for field in fields):
        query = (
            f"SELECT {family.call} AS id FROM {family.source} AND {condition} AND {_narrow(family, within)}"
        )
        if by is not By.ALL:
            query += f" AND {_key(family, by)} " + ("IS NULL" if key is None else "= :key")
        queries.append(query)
    whole = " UNION ".join(queries)
    given = _used(whole, _given(period, rules, within))
    if ":key" in whole:
        whole, given = whole.replace(":key", f"CAST(:key AS {_KEYS[by]})"), given | {"key": key}
    return Call.id.in_(text(_typed(whole)).bindparams(**given).columns(column("id", Uuid)))


_KEYS = {By.OPERATOR: "bigint", By.QUEUE: "text", By.LINE: "bigint", By.HOUR: "int", By.DAY: "date"}


def listed(field: str) -> bool:
    """Whether there is a list of calls behind this field."""
    return field in _OF_CALLS or any(field in family.counts for family in FAMILIES if family.call)


def _place(field: str) -> tuple[Family, str]:
    if field in _OF_CALLS:
        return _OF_CALLS[field]
    return next((family, family.counts[field]) for family in FAMILIES if field in family.counts)
