"""Missed calls and what became of them, counted by the database (`crm_core.figure.missed` says what counts where)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.counted import Counted
from crm_core.figure.missed import lost_money
from crm_core.figure.period import By
from crm_core.figure.rules import Rules
from crm_core.figure.tally import Tally
from crm_core.read.facts import Asking, Facts, Keys, Way, tell
from crm_core.read.figure_days import tally_days
from crm_core.read.figure_families import CALLS, MONEY, SALES

BASIS_DAYS = 90


def _next(columns: str, condition: str) -> str:
    """The next call with the same customer or number for which this holds. Two queries, for two indexes."""
    each = " UNION ALL ".join(
        f"(SELECT {columns}, o.started_at FROM calls o WHERE o.{party} = c.{party} AND o.result IS NOT NULL"
        f" AND o.direction <> 'internal' AND {condition} AND o.started_at > c.started_at"
        " AND o.started_at <= c.started_at + :again_within ORDER BY o.started_at LIMIT 1)"
        for party in ("remote_e164", "customer_id")
    )
    return f"LATERAL (SELECT * FROM ({each}) o ORDER BY o.started_at LIMIT 1)"


_WHO = "coalesce(o.operator_id, o.started_by) AS who"
_CALLER = "coalesce('c' || c.customer_id, c.remote_e164)"
# Two conditions, for two indexes.
_AGAIN = (
    "("
    + " OR ".join(
        f"""EXISTS (SELECT FROM calls o WHERE o.{party} = c.{party} AND o.missed_place <> 'blocked'
            AND o.started_at > c.started_at AND o.started_at <= c.started_at + :again_within)"""
        for party in ("remote_e164", "customer_id")
    )
    + ")"
)
_SOURCE = f"""SELECT c.id, c.started_at AS at, c.line_id AS line, c.queue, c.customer_id, c.remote_e164,
        {_CALLER} AS caller, c.missed_place = 'after_hours' AS closed,
        CASE WHEN t.started_at IS NOT NULL THEN greatest(0,
            extract(epoch FROM t.started_at - coalesce(c.ended_at, c.started_at))) END AS first_s,
        t.started_at IS NOT NULL AS called, CASE WHEN t.started_at IS NOT NULL THEN t.who ELSE k.who END AS operator,
        CASE WHEN k.ours THEN 'called_back' WHEN NOT k.ours THEN 'came_back'
            WHEN c.remote_e164 IS NULL AND c.customer_id IS NULL THEN 'hidden'
            WHEN t.started_at IS NOT NULL THEN 'tried' ELSE 'open' END AS fate,
        CASE WHEN k.ours IS NULL THEN NOT {_AGAIN} END AS newest
    FROM calls c
    LEFT JOIN {_next(_WHO, "o.direction = 'outbound'")} t ON true
    LEFT JOIN {_next(_WHO + ", o.direction = 'outbound' AS ours", "o.result = 'answered'")} k ON true
    WHERE c.started_at >= :since AND c.started_at < :until AND c.missed_place IS NOT NULL
        AND c.missed_place <> 'blocked'"""
_KNOWN = "f.fate <> 'hidden'"
MISSED = Facts(
    source=_SOURCE,
    ways={
        Way.OPERATOR: "f.operator",
        Way.QUEUE: "f.queue",
        Way.LINE: "f.line",
        Way.CALLER: "f.caller",
        Way.SOURCE: "(SELECT k.source FROM customers k WHERE k.id = f.customer_id)",
        Way.SHOP: "(SELECT l.shop_id FROM lines l WHERE l.id = f.line)",
    },
    counts={
        "missed": "true",
        **{fate: f"f.fate = '{fate}'" for fate in ("called_back", "came_back", "tried", "open", "hidden")},
        "talked": "f.fate IN ('called_back', 'came_back')",
        "with_number": _KNOWN,
        "called": "f.called",
        "lost": "f.fate IN ('tried', 'open') AND f.newest",
    },
    spreads={"first": "f.first_s"},
)
LOST = replace(MISSED, counts={"lost": MISSED.counts["lost"]}, spreads={})


async def lost_by_line(session: AsyncSession, way: Way, asking: Asking) -> dict[Keys, dict[int | None, int]]:
    """Callers who were never reached, under each key and under () of all, by the line of the call."""
    lost: dict[Keys, dict[int | None, int]] = {}
    by_line = [*([way] if way is not Way.LINE else []), Way.LINE]
    for keys, counted in (await tell(session, LOST, by_line, asking)).items():
        if keys and counted.of("lost"):
            line = keys[-1] if isinstance(keys[-1], int) else None
            row = (line,) if way is Way.LINE else keys[:-1]
            for place in {row, ()}:
                here = lost.setdefault(place, {})
                here[line] = here.get(line, 0) + counted.of("lost")
    return lost


def line_numbers(lost: Mapping[str, int]) -> dict[int | None, int]:
    """The same as it is rolled up: lines as text, "" for none."""
    return {int(line) if line else None: number for line, number in lost.items() if number}


def with_lost_money(
    found: Mapping[Keys, Counted],
    lost: Mapping[Keys, Mapping[int | None, int]],
    lines: Mapping[int | None, Tally],
) -> dict[Keys, Counted]:
    """The same with what those who were never reached may have been worth."""
    return {
        keys: counted.joined(Counted(sums={"lost_money": lost_money(lost.get(keys, {}), lines)}))
        for keys, counted in found.items()
    }


async def load_basis(
    session: AsyncSession, last: date, zone: ZoneInfo, rules: Rules
) -> dict[int | None, Tally]:
    """By line what answered calls brought in the days up to this one."""
    first = last - timedelta(days=BASIS_DAYS - 1)
    found = await tally_days(session, first, last, zone, (By.LINE,), rules, families=(CALLS, SALES, MONEY))
    return {key if isinstance(key, int) else None: tally for (key,), tally in found.items()}
