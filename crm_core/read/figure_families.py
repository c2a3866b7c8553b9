"""What the database counts, family by family: where rows come from, whose they are, a condition for each field.

The list behind a number asks with the same condition, so it holds exactly those calls.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import cached_property
from hashlib import sha256

from crm_core.figure.period import By
from crm_core.order_status import Group, among_sql

HOUR = "hour"


def ways_by(*each: Sequence[str]) -> Mapping[frozenset[str], str]:
    """By what something is rolled up: of none, by one thing, by two; and how that is called. The first of two things is
    the `key` of its rows, the second the `key2`."""
    return {frozenset(things): "+".join(things) or "all" for things in each}


def keys_of(way: str) -> Mapping[str, str]:
    """In which column of its rows `d` each thing is."""
    things = [it for it in way.split("+") if it not in ("all", HOUR)]
    return dict(zip(things, ("d.key", "d.key2"), strict=False))


# Not by operator and source: of many operators that would be as many rows as there are calls. Nor by three things.
WAYS = ways_by(
    (), (HOUR,), ("operator",), ("queue",), ("line",), ("source",), ("script",), ("queue", HOUR), ("line", HOUR),
    ("operator", "queue"), ("operator", "line"), ("operator", "script"), ("queue", "line"), ("queue", "source"),
    ("queue", "script"), ("line", "source"), ("line", "script"), ("source", "script"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Family:
    """Rows of one kind. `sums`: field -> (condition, an amount as SQL). `more`: by what these fields are told apart
    besides (a currency, a reason), so that each is a mapping in the tally; `money`: they are no whole numbers.

    `code`: whose marks it heeds (step 0031). Hours and days can be counted for good when so long has gone by since
    their end (`after`); `judged`: until a call is `again_within` old, it counts nowhere; `scripted`: it can be told by
    the script of calls.
    """

    code: str
    source: str
    operator: str
    queue: str = "c.queue"
    line: str = "c.line_id"
    origin: str = "(SELECT k.source FROM customers k WHERE k.id = c.customer_id)"
    at: str = "c.started_at"
    call: str | None = "c.id"
    counts: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    more: str | None = None
    money: bool = False
    after: timedelta = timedelta(minutes=65)
    judged: bool = False
    scripted: bool = True

    @property
    def fields(self) -> tuple[str, ...]:
        return (*self.counts, *self.sums)

    @cached_property
    def shape(self) -> str:
        """Changes with what is counted and by which ways, so that what was counted otherwise is not taken for it."""
        ways = sorted(self.ways.values())
        return f"{self.code}/{sha256(f'{self!r}, {ways}'.encode()).hexdigest()[:12]}"

    @property
    def ways(self) -> Mapping[frozenset[str], str]:
        """By what it is rolled up."""
        return {way: name for way, name in WAYS.items() if self.scripted or By.SCRIPT not in way}

    def key(self, by: str) -> str | None:
        """The key of a row that is told by this, as SQL; None: it is no column of its rows."""
        known = {By.OPERATOR: self.operator, By.QUEUE: self.queue, By.LINE: self.line, By.SOURCE: self.origin}
        return known.get(By(by))

    def counted(self, name: str) -> str:
        """What a row brings to a count."""
        return f"({self.counts[name]})::int"

    def added(self, name: str, column: str) -> str:
        """The columns of rows as one amount."""
        return f"sum({column})::{'numeric' if self.money else 'bigint'}"


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
    code="calls",
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
    },
    sums={
        "waited_us": (f"{_IN} AND {_ANSWERED}", _seconds("c.wait_s")),
        "talk_us": (f"{_ANSWERED} AND c.talk_s IS NOT NULL", _seconds("c.talk_s")),
        "hold_us": (f"{_ANSWERED} AND c.talk_s IS NOT NULL", _seconds("c.hold_s")),
    },
)
REPEATS = Family(
    code="again",
    source=f"calls c WHERE {_BEGAN} AND {_IN}",
    operator="c.operator_id",
    counts={"repeats": _other(_BEFORE)},
)
JUDGED = Family(
    code="again",
    source=f"calls c WHERE {_BEGAN} AND {_JUDGED}",
    operator="c.operator_id",
    after=timedelta(days=7, minutes=65),
    judged=True,
    counts={"judged": "true", "settled": f"NOT {_other(_AFTER)}"},
)
REACHED = Family(  # missed, and talked with in time
    code="reached",
    source=f"calls c WHERE {_BEGAN} AND c.missed_place IS NOT NULL AND {_TO_RECOVER}",
    operator="c.operator_id",
    counts={"recovered": _other(_REACHED)},
)
TRANSFERS = Family(
    code="transfers",
    source=f"""calls c CROSS JOIN LATERAL jsonb_array_elements(c.transfers) t WHERE {_BEGAN}
        AND t ->> 'kind' IN ('blind', 'attended') AND t ->> 'result' = 'answered'""",
    operator="""coalesce(
        (SELECT min(l.user_id) FROM call_legs l WHERE l.call_id = c.id AND l.extension = t ->> 'from'),
        (SELECT e.user_id FROM extensions e WHERE e.pbx = c.pbx AND e.extension = t ->> 'from'))""",
    counts={"transfers": "true"},
)
LEFT, _STAYED = "v.outcome = 'abandoned'", "v.outcome = 'answered'"
_WAIT = _seconds("v.wait_s")
SHORT = f"{_WAIT} <= coalesce(t.short_s, :short_s) * 1000000"
_IN_TIME = f"{_STAYED} AND {_WAIT} <= coalesce(t.target_s, :target_s) * 1000000"
VISITS = Family(
    code="visits",
    source=f"""calls c JOIN queue_visits v ON v.call_id = c.id
        LEFT JOIN queue_targets t ON t.queue = v.queue WHERE {_BEGAN}""",
    operator=f"CASE WHEN {_STAYED} THEN c.operator_id END",
    queue="v.queue",
    counts={
        "queue_answered": _STAYED,
        "in_target": _IN_TIME,
        "abandoned": LEFT,
        "short": f"{LEFT} AND {SHORT}",
        "let_go": "v.outcome IN ('timeout', 'leave_empty', 'key_exit', 'let_go', 'withdrawn')",
        "refused": "v.outcome IN ('full', 'join_empty')",
    },
    sums={
        "queue_wait_us": (_STAYED, _WAIT),
        "in_target_wait_us": (_IN_TIME, _WAIT),
        "abandoned_wait_us": (LEFT, _WAIT),
    },
)
RINGS = Family(
    code="rings",
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
TALKS = Family(
    code="talks",
    source=f"""calls c JOIN call_talks m ON m.call_id = c.id WHERE {_BEGAN} AND {_ANSWERED}
        AND m.length_ms IS NOT NULL""",
    operator="c.operator_id",
    counts={"heard": "true"},
    sums={
        "spoke_us": ("true", "m.operator_ms * 1000"),
        "listened_us": ("true", "m.customer_ms * 1000"),
        "silent_us": ("true", "m.silence_ms * 1000"),
        "sound_us": ("true", "m.length_ms * 1000"),
        "broke_in": ("true", "m.operator_broke_in"),
        "longest_us": ("true", "m.operator_longest_ms * 1000"),
    },
)
VOTES = Family(
    code="votes",
    source=f"calls c JOIN call_votes v ON v.call_id = c.id WHERE {_BEGAN} AND {_ANSWERED}",
    operator="c.operator_id",
    counts={"votes": "true", "low_votes": "v.stars <= 2"},
    sums={"stars": ("true", "v.stars")},
)
REVIEWS = Family(
    code="reviews",
    source=f"calls c JOIN reviews v ON v.call_id = c.id WHERE {_BEGAN} AND v.calibration_id IS NULL",
    operator="v.operator_id",
    counts={"reviews": "true", "zeroed": "v.zeroed"},
    sums={"points": ("true", "(v.score * 10)::bigint")},
)
WRAP_UPS = Family(
    code="wrap_ups",
    source=f"""(SELECT s.user_id, coalesce(a.call_id, s.call_id) AS call_id, s.from_at,
            coalesce(s.to_at, :now) AS to_at
        FROM agent_states s LEFT JOIN call_aliases a ON a.id = s.call_id
        WHERE s.state = 'wrap_up' AND s.call_id IS NOT NULL
            AND s.from_at >= :since - :wrap_within AND s.from_at < :until + :wrap_within) s
        JOIN calls c ON c.id = s.call_id WHERE {_BEGAN}
        AND s.to_at > c.started_at AND s.from_at < c.started_at + :wrap_within
        AND s.from_at > c.started_at - :wrap_within""",
    operator="s.user_id",
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
    code="spans",
    source=f"""(SELECT s.user_id, s.state, s.reason, greatest(s.from_at, :since) AS from_at,
        least(coalesce(s.to_at, :now), :until) AS to_at FROM {_SPANS} s WHERE s.state <> 'offline') s
        CROSS JOIN LATERAL generate_series(
            date_bin('15 minutes', s.from_at, '2000-01-01 00:00:00+00'), s.to_at, '15 minutes') q
        WHERE s.to_at > greatest(s.from_at, q)""",
    operator="s.user_id",
    queue="NULL::text",
    line="NULL::bigint",
    origin="NULL::text",
    at="greatest(s.from_at, q)",
    call=None,
    sums={
        f"{state}_us": (
            f"s.state = '{state}'",
            _lasted("greatest(s.from_at, q)", "least(s.to_at, q + '15 minutes')"),
        )
        for state in ("available", "ringing", "dialling", "talking", "held", "wrap_up", "paused")
    },
)
PROMISES = Family(
    code="promises",
    source="""callbacks b LEFT JOIN calls c ON c.id = b.source_call_id
        WHERE b.due_at >= :since AND b.due_at < :until AND b.due_at <= :now AND b.state <> 'cancelled'""",
    operator="b.assigned_to",
    at="b.due_at",
    counts={"due": "true", "kept": "b.state = 'done' AND b.done_at <= b.due_at"},
)
_MADE = "{0}.role = 'created' AND {0}.order_id IS NOT NULL AND {0}.removed_at IS NULL"
_CONFIRMS = (
    among_sql("({0}.what #>> '{{status,0}}')", [Group.NEW])
    + " AND NOT "
    + among_sql("({0}.what #>> '{{status,1}}')", [Group.NEW, Group.LOST])
)
SALES = Family(
    code="sales",
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
        "sold": "row_number() OVER (PARTITION BY c.id ORDER BY w.id) = 1",
    },
)
MONEY = replace(
    SALES,
    code="money",
    counts={},
    sums={
        "revenue": ("true", "w.paid"),
        "margin": (SALES.counts["priced"], "(w.total - w.delivery_cost - g.cost)"),
    },
    more="w.currency",
    money=True,
)
PAUSES = replace(
    SPANS,
    code="pauses",
    source=SPANS.source + " AND s.state = 'paused'",
    sums={"pauses": SPANS.sums["paused_us"]},
    more="coalesce(s.reason, '')",
)
FAMILIES = (
    CALLS,
    REPEATS,
    JUDGED,
    REACHED,
    TRANSFERS,
    VISITS,
    RINGS,
    TALKS,
    VOTES,
    REVIEWS,
    WRAP_UPS,
    SPANS,
    PAUSES,
    PROMISES,
    SALES,
    MONEY,
)


def families_of(fields: Collection[str]) -> Sequence[Family]:
    """The families in which these fields are counted."""
    return [family for family in FAMILIES if any(name in fields for name in family.fields)]
