"""What was said and how it was talked, counted by calls that became orders and calls that did not.

Read are the newest texts of the time that is asked for, at most `MOST_CALLS`: what is said in a shop changes, and
nobody waits for a year of words.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, BigInteger, Boolean, ColumnElement, Text, Uuid, bindparam, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_talk import Manner, talked_so
from crm_core.customer import Customer
from crm_core.figure.moments import FEWEST, Heard, Kind, Moment, weigh
from crm_core.figure.period import Period
from crm_core.figure.rules import Rules
from crm_core.figure.trial import Arm
from crm_core.phrase_tag import PhraseTag, list_tags
from crm_core.read.figures import Within, behind
from crm_core.recording import Transcript, TranscriptState
from crm_core.said_words import any_of

MOST_CALLS = 2_000


@dataclass(frozen=True, kw_only=True)
class Moments:
    """`calls`: with a text, those that were read; `more`: there are older ones besides. `tags`: their names."""

    calls: Arm
    more: bool
    found: Sequence[Moment]
    tags: dict[str, str]


_THESE = """(SELECT * FROM unnest(:texts, :sold) AS x (transcript_id, sold)) x
    JOIN phrases p ON p.transcript_id = x.transcript_id"""
# Words of three letters and more, and two in a row; a number is said of one order, not of orders.
_WORDS = f"""SELECT side, word, count(*) AS calls, count(*) FILTER (WHERE sold) AS sold FROM (
        SELECT DISTINCT x.transcript_id, x.sold, p.side, w.word FROM {_THESE}
        CROSS JOIN LATERAL (
            SELECT l.lexeme, lead(l.lexeme) OVER (ORDER BY place) AS following
            FROM unnest(phrase_words(p.text)) l CROSS JOIN LATERAL unnest(l.positions) place) o
        CROSS JOIN LATERAL (VALUES (o.lexeme), (o.lexeme || ' ' || o.following)) w (word)
        WHERE length(w.word) >= 3 AND w.word !~ '[0-9]' AND p.side IN ('operator', 'customer')
    ) d GROUP BY side, word HAVING count(*) BETWEEN :fewest AND :most"""
_TAGS = f"""WITH tags AS MATERIALIZED (
        SELECT t.id, to_tsquery('simple', t.query) AS query, t.side
        FROM unnest(:tags, :queries, :sides) AS t (id, query, side))
    SELECT id, count(*) AS calls, count(*) FILTER (WHERE sold) AS sold FROM (
        SELECT DISTINCT t.id, x.transcript_id, x.sold FROM {_THESE}
        CROSS JOIN LATERAL (SELECT phrase_words(p.text) AS words OFFSET 0) w
        JOIN tags t ON w.words @@ t.query AND (t.side = '' OR t.side = p.side)) d GROUP BY id"""


async def load_moments(
    session: AsyncSession, period: Period, rules: Rules, within: Within, hearable: ColumnElement[bool]
) -> Moments:
    """What goes with a sale in the answered calls of a period, as far as the reader may hear them (`hearable`)."""
    calls = await _calls(session, period, rules, within, hearable)
    more, calls = len(calls) > MOST_CALLS, calls[:MOST_CALLS]
    whole = Arm(len(calls), sum(sold for *_, sold in calls))
    tags = await list_tags(session)
    heard = [
        *await _tags(session, calls, tags),
        *await _manners(session, calls),
        *await _words(session, calls),
    ]
    found = await asyncio.to_thread(weigh, heard, whole)  # some hundred exact tests
    return Moments(calls=whole, more=more, found=found, tags={str(tag.id): tag.name for tag in tags})


Calls = Sequence[tuple[Any, int, bool]]
"""Of each call its id, that of its text, whether it became an order."""


async def _calls(
    session: AsyncSession, period: Period, rules: Rules, within: Within, hearable: ColumnElement[bool]
) -> Calls:
    wanted = [
        hearable, Call.started_at >= period.since, Call.started_at < period.until,
        Call.direction != "internal", Call.result == "answered",
    ]  # fmt: skip
    if within.operators is not None:
        wanted.append(Call.operator_id.in_(within.operators))
    exact = {Call.operator_id: within.operator, Call.queue: within.queue, Call.line_id: within.line}
    wanted += [column == value for column, value in exact.items() if value is not None]
    if within.source is not None:
        source = select(Customer.source).where(Customer.id == Call.customer_id).scalar_subquery()
        wanted.append(func.coalesce(source, "") == within.source)
    query = (
        select(Call.id, Transcript.id, behind(["sold"], period, rules).label("sold"))
        .join(Transcript, Transcript.call_id == Call.id)
        .where(*wanted, Transcript.state == TranscriptState.READY)
        .order_by(Call.started_at.desc(), Call.id)
        .limit(MOST_CALLS + 1)
    )
    return [(row[0], row[1], row[2]) for row in await session.execute(query)]


def _these(query: str, **kinds: Any) -> Any:
    arrays = {"texts": BigInteger, "sold": Boolean} | kinds
    return text(query).bindparams(*(bindparam(name, type_=ARRAY(kind)) for name, kind in arrays.items()))


def _given(calls: Calls) -> dict[str, Any]:
    return {"texts": [id_ for _, id_, _ in calls], "sold": [sold for *_, sold in calls]}


async def _words(session: AsyncSession, calls: Calls) -> list[Heard]:
    given = _given(calls) | {"fewest": FEWEST, "most": len(calls) - FEWEST}
    rows = await session.execute(_these(_WORDS), given)
    return [
        Heard(kind=Kind.WORDS, key=row.word, side=row.side, calls=row.calls, sold=row.sold) for row in rows
    ]


async def _tags(session: AsyncSession, calls: Calls, tags: Sequence[PhraseTag]) -> list[Heard]:
    sides = {str(tag.id): tag.side for tag in tags}
    given = _given(calls) | {
        "tags": [tag.id for tag in tags],
        "queries": [any_of(tag.alternatives) for tag in tags],
        "sides": [tag.side or "" for tag in tags],
    }
    rows = await session.execute(_these(_TAGS, tags=BigInteger, queries=Text, sides=Text), given)
    return [
        Heard(kind=Kind.TAG, key=str(row.id), side=sides[str(row.id)], calls=row.calls, sold=row.sold)
        for row in rows
    ]


async def _manners(session: AsyncSession, calls: Calls) -> list[Heard]:
    ids = {name: [id_ for id_, _, sold in calls if sold or name == "calls"] for name in ("calls", "sold")}
    here = {name: Call.id == func.any(bindparam(name, value, ARRAY(Uuid))) for name, value in ids.items()}
    counts = [
        func.count().filter(talked_so(manner), here[name]).label(f"{manner}_{name}")
        for manner in Manner
        for name in ("calls", "sold")
    ]
    row = (await session.execute(select(*counts).select_from(Call).where(here["calls"]))).one()._mapping
    return [
        Heard(
            kind=Kind.MANNER, key=str(manner), side=None, calls=row[f"{manner}_calls"], sold=row[f"{manner}_sold"]
        )
        for manner in Manner
    ]  # fmt: skip
