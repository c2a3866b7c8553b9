"""Trials of scripts with what their calls came to, and how many calls a trial of each line would need."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from sqlalchemy import Boolean, ColumnElement, Text, cast, exists, func, literal, literal_column, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.call import Call
from crm_core.call_script import CallScript, CallScriptChoice, CallScriptVersion
from crm_core.errors import NotFound
from crm_core.figure.period import By, Period
from crm_core.figure.rules import Rules
from crm_core.figure.trial import Arm, Verdict, calls_needed, difference, verdict
from crm_core.line import Line, list_lines
from crm_core.read.figure_days import tally_days
from crm_core.read.figure_families import CALLS, SALES
from crm_core.read.figure_labels import zones
from crm_core.read.figures import Within, behind
from crm_core.script_trial import ScriptTrial

LOOKED_BACK = timedelta(days=90)
FEW = 50  # answered calls; of fewer nobody knows the conversion, and a half needs the most
CAREFUL = Decimal("0.5")
STEPS = (Decimal("0.03"), Decimal("0.05"), Decimal("0.10"), Decimal("0.15"))
_first, _second = aliased(CallScriptVersion), aliased(CallScriptVersion)
_one, _other = aliased(CallScript), aliased(CallScript)


@dataclass(frozen=True, kw_only=True)
class TextArm:
    """One of the two texts. `counted`: the first calls, as many as are compared; `calls`: all; `followed`: of the
    counted ones, in which steps of it were answered."""

    version_id: int
    script_id: int
    name: str
    number: int
    counted: Arm
    calls: int
    followed: int


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A trial as people read it; `away`: the second's conversion less the first's, with 95 % certainty between."""

    id: int
    line_id: int
    line: str
    base: Decimal
    difference: Decimal
    calls_each: int
    started_at: datetime
    ended_at: datetime | None
    arms: tuple[TextArm, TextArm]
    verdict: Verdict
    away: tuple[float, float]
    due_at: datetime | None  # when there are enough calls, if they go on coming so


@dataclass(frozen=True, kw_only=True)
class LineNeeds:
    """What a trial of a line would need: by the smallest difference to be found, calls of each text, and days."""

    line_id: int
    name: str
    base: Decimal
    known: bool
    calls_a_day: float
    needs: Sequence[tuple[Decimal, int, int | None]]


def drawn_place(trial: ScriptTrial) -> ColumnElement[int]:
    """`script_trial.drawn` of a call, as the database tells it."""
    word = literal_column(f"'{trial.id:d}:'", Text) + cast(Call.id, Text)
    return func.get_byte(func.sha256(func.convert_to(word, literal_column("'UTF8'"))), 0) % 2


def of_trial(trial: ScriptTrial, now: datetime) -> ColumnElement[bool]:
    """The calls that are compared, those that are too many among them."""
    return (
        (Call.line_id == trial.line_id)
        & (Call.started_at >= trial.started_at)
        & (Call.started_at < (trial.ended_at or now))
        & (Call.direction != "internal")
        & (Call.result == "answered")
    )


def sold_in(trial: ScriptTrial, now: datetime) -> ColumnElement[bool]:
    """In which an order was made or confirmed, as the figure *conversion* counts it."""
    period = Period(trial.started_at, trial.ended_at or now, ZoneInfo("UTC"))
    return behind(["sold"], period, Rules(now=now), Within(line=trial.line_id))


async def load_trials(session: AsyncSession, *, now: datetime, trial_id: int | None = None) -> list[Trial]:
    """Trials, those that run first, then the newest; or this one alone, which raises `NotFound`."""
    names = (_one.id, _one.name, _first.number, _other.id, _other.name, _second.number)
    query = (
        select(ScriptTrial, func.coalesce(Line.name, Line.did), *names)
        .join(Line, Line.id == ScriptTrial.line_id)
        .join(_first, _first.id == ScriptTrial.first_id)
        .join(_second, _second.id == ScriptTrial.second_id)
        .join(_one, _one.id == _first.script_id)
        .join(_other, _other.id == _second.script_id)
        .order_by(ScriptTrial.ended_at.desc().nulls_first(), ScriptTrial.id.desc())
        .limit(50)
    )
    if trial_id is not None:
        query = query.where(ScriptTrial.id == trial_id)
    rows = (await session.execute(query)).all()
    if trial_id is not None and not rows:
        raise NotFound("There is no such trial.")
    return [await _told(session, row[0], row[1], (row[2:5], row[5:8]), now) for row in rows]


async def _told(
    session: AsyncSession,
    trial: ScriptTrial,
    line: str,
    texts: Sequence[Sequence[int | str]],
    now: datetime,
) -> Trial:
    counts = await _counts(session, trial, now)
    first, second = (
        TextArm(
            version_id=version_id, script_id=int(script_id), name=str(name), number=int(number),
            counted=Arm(counted, sold), calls=calls, followed=followed,
        )
        for version_id, (script_id, name, number), (calls, counted, sold, followed) in zip(
            (trial.first_id, trial.second_id), texts, counts, strict=True
        )
    )  # fmt: skip
    return Trial(
        id=trial.id,
        line_id=trial.line_id,
        line=line,
        base=trial.base,
        difference=trial.difference,
        calls_each=trial.calls_each,
        started_at=trial.started_at,
        ended_at=trial.ended_at,
        arms=(first, second),
        verdict=verdict(first.counted, second.counted, trial.calls_each, ended=trial.ended_at is not None),
        away=difference(second.counted, first.counted),
        due_at=_due(trial, min(first.calls, second.calls), now),
    )


async def _counts(
    session: AsyncSession, trial: ScriptTrial, now: datetime
) -> list[tuple[int, int, int, int]]:
    """Of each text: all calls, those that are compared, of them sold, and followed."""
    place = drawn_place(trial)
    order = (Call.started_at, Call.id)
    followed = exists().where(
        CallScriptChoice.call_id == Call.id,
        CallScriptChoice.version_id.in_((trial.first_id, trial.second_id)),
    )
    calls = (
        select(
            place.label("text"),
            func.row_number().over(partition_by=place, order_by=order).label("number"),
            cast(sold_in(trial, now), Boolean).label("sold"),
            followed.correlate(Call).label("followed"),
        )
        .where(of_trial(trial, now))
        .subquery()
    )
    here = calls.c.number <= trial.calls_each
    query = select(
        calls.c.text,
        func.count(),
        func.count().filter(here),
        func.count().filter(here & calls.c.sold),
        func.count().filter(here & calls.c.followed),
    ).group_by(calls.c.text)
    found = {row[0]: (row[1], row[2], row[3], row[4]) for row in await session.execute(query)}
    return [found.get(number, (0, 0, 0, 0)) for number in (0, 1)]


def _due(trial: ScriptTrial, calls: int, now: datetime) -> datetime | None:
    """At the pace so far. Pure."""
    if trial.ended_at is not None or not calls or calls >= trial.calls_each:
        return None
    each = (now - trial.started_at) / calls
    left = each * (trial.calls_each - calls)
    return now + left if left < timedelta(days=3650) else None


async def load_needs(session: AsyncSession, *, now: datetime) -> list[LineNeeds]:
    """What a trial would need, line by line."""
    zone = ZoneInfo((await zones(session))[0])
    today = now.astimezone(zone).date()
    tallies = await tally_days(
        session, today - LOOKED_BACK, today, zone, (By.LINE,), Rules(now=now), families=(CALLS, SALES)
    )
    found = []
    for line, _ in await list_lines(session):
        tally = tallies.get((line.id,))
        answered = tally.answered if tally else 0
        known = tally is not None and answered >= FEW
        base = round(Decimal(tally.sold) / answered, 4) if known and tally else CAREFUL
        pace = answered / LOOKED_BACK.days
        needs = [(step, calls_needed(float(base), float(step))) for step in STEPS]
        found.append(
            LineNeeds(
                line_id=line.id, name=line.name or line.did, base=base, known=known, calls_a_day=pace,
                needs=[(step, calls, round(2 * calls / pace) if pace else None) for step, calls in needs],
            )
        )  # fmt: skip
    return found


async def load_texts(session: AsyncSession) -> list[tuple[int, str, int]]:
    """Every text of the scripts in use: (version, name, number), the newest of each first."""
    query = (
        select(CallScriptVersion.id, CallScript.name, CallScriptVersion.number)
        .join(CallScript, CallScript.id == CallScriptVersion.script_id)
        .where(CallScript.active)
        .order_by(CallScript.name, CallScriptVersion.number.desc())
    )
    return [(row.id, row.name, row.number) for row in await session.execute(query)]


def drawn_as(trial: ScriptTrial, place: int) -> ColumnElement[bool]:
    """Calls for which this text was drawn."""
    return drawn_place(trial) == literal(place)
