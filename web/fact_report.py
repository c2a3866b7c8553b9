"""Reports of facts: what is told of missed calls, of steps of orders, of goods and of funnels, as tables whose numbers
open their lists."""

from calendar import monthrange
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid
from crm_core.figure.counted import Counted
from crm_core.figure.figure import Figure
from crm_core.figure.period import By, of_days
from crm_core.read.fact_days import CLOCK, tell_days
from crm_core.read.fact_labels import way_labels, way_order
from crm_core.read.fact_rolled import Rolled
from crm_core.read.facts import DATES, NUMBERS, Asking, Facts, Key, Keys, Way
from crm_core.read.figure_days import Stretch
from web.fact_words import FactCell
from web.fields import Id
from web.figures import Asked, asked, headings, key_of, key_text
from web.report import Cell, Line, Table, Timed, dated
from web.rights import VIEW_PURCHASES, Person

SHOWN = 100
"""Rows on a page; a file has `MOST`."""
MOST = 5000
LONGEST = timedelta(days=3660)
HEADS: Mapping[Way, str] = {
    Way.OPERATOR: "Operator",
    Way.QUEUE: "Queue",
    Way.LINE: "Line",
    Way.SOURCE: "Source",
    Way.SHOP: "Shop",
    Way.CALLER: "Customer",
    Way.PRODUCT: "Product",
    Way.FAMILY: "Family",
    Way.CATEGORY: "Category",
    Way.STEP: "Step",
    Way.STAGE: "Stage",
    Way.REASON: "Reason",
    Way.HOUR: "Hour",
    Way.WEEKDAY: "Day of the week",
    Way.DAY: "Day",
    Way.WEEK: "Week",
    Way.MONTH: "Month",
}


class Theme(StrEnum):
    """Of what facts are told."""

    MISSED = "missed"
    FUNNEL = "funnel"
    DEALS = "deals"
    STEPS = "steps"
    GOODS = "goods"


class FactQuery(Timed):
    """Of what facts are told; `by`: what the rows are. Without days the last thirty."""

    by: Way | None = None
    shop_id: Id | None = None
    funnel_id: Id | None = None
    stage_id: Id | None = None
    step: str | None = Field(default=None, max_length=60)
    category: str | None = Field(default=None, max_length=200)
    family_id: Id | None = None
    product_id: Id | None = None


class Behind(FactQuery):
    """One figure under its key, and which side of it is listed."""

    figure: str = Field(default="", max_length=40)
    key: str = Field(default="", max_length=200)
    whole: bool = False
    side: Literal["top", "bottom"] = "top"


@dataclass(frozen=True, kw_only=True)
class FactReport:
    """What can be told of a subject. `lists`: what stands behind its numbers, by the name that is counted (calls
    where nothing is said); `only_all`: figures for those alone who may see everybody's; `apart`: those that mean
    nothing of all steps or stages together; `sort`: the one by which rows stand. `rolled`: as what each of the facts
    is rolled up; `within`: the keys that its rows must have; `more`: what the facts do not count."""

    theme: Theme
    page: str
    name: str
    facts: Sequence[Facts]
    figures: Sequence[Figure]
    ways: Sequence[Way]
    note: str
    rolled: Sequence[Sequence[Rolled]]
    lists: Mapping[str, str] = field(default_factory=dict)
    only_all: frozenset[str] = frozenset()
    apart: frozenset[str] = frozenset()
    sort: str = ""
    given: Callable[[FactQuery, Way, bool], Mapping[str, Any]] = lambda query, way, own: {}
    within: Callable[[FactQuery], Mapping[Way, Key]] = lambda query: {}
    more: Callable[..., Any] | None = None

    def way(self, query: FactQuery) -> Way:
        """What the rows are. Raises `Invalid` for what this can not be told by."""
        if query.by is not None and query.by not in self.ways:
            raise Invalid("This is not told in that way.", "by")
        return query.by or self.ways[0]

    def place(self, name: str) -> Facts:
        """The facts in which this is counted."""
        return next(facts for facts in self.facts if name in facts.counts)


@dataclass(frozen=True, kw_only=True)
class FactTable(Table):
    """A report as it came out. `left_out`: rows that are not shown; `counted`: what it was made of, by key."""

    report: FactReport
    query: FactQuery
    way: Way
    left_out: int
    counted: Mapping[Key, Counted]
    whole: Counted


async def build_facts(
    session: AsyncSession,
    report: FactReport,
    query: FactQuery,
    who: Person,
    now: datetime,
    *,
    most: int = SHOWN,
) -> FactTable:
    """Count what is asked for, as far as this person may see it. Raises `Invalid`, `Conflict`."""
    it = await asked(session, await dated(session, query, now), who, now, days=30)
    way = report.way(query)
    asking = asking_of(report, query, it, way)
    found = await count(session, report, it, way, asking)
    figures = told(report, who, it)
    whole = found.get((), Counted())
    rows = {keys[0]: counted for keys, counted in found.items() if keys}
    first = next((one for one in figures if one.code == report.sort), figures[0])
    keys: list[Key] = list(rows)
    if way in CLOCK:
        named = await headings(session, it, By(way.value), keys)
    else:
        places = await way_order(session, way)
        keys.sort(key=lambda key: (places.get(key, 0), -_weight(first, rows[key]), str(key)))
        names = await way_labels(session, way, keys[:most])
        named = [(key, names[key]) for key in keys[:most]]
    return FactTable(
        report=report,
        query=query,
        way=way,
        asked=it,
        head=HEADS[way],
        figures=figures,
        columns=[(one.name, one) for one in figures],
        lines=[
            Line(key, label, _cells(report, query, it, way, figures, rows.get(key, Counted()), key))
            for key, label in named
        ],
        together=Line(None, "Together", _cells(report, query, it, way, figures, whole, None, whole=True)),
        left_out=max(0, len(keys) - most) if way not in CLOCK else 0,
        counted=rows,
        whole=whole,
    )


async def count(
    session: AsyncSession, report: FactReport, it: Asked, way: Way, asking: Asking
) -> dict[Keys, Counted]:
    """What is counted under each key, and under () of all."""
    found: dict[Keys, Counted] = {}
    stretch = stretch_of(it)
    for place in range(len(report.facts)):
        told = await tell_days(session, report.rolled[place], (way,), asking, stretch)
        for keys, counted in told.items():
            found[keys] = found.get(keys, Counted()).joined(counted)
    if report.more is not None:
        found = await report.more(session, found, it, way, asking)
    return found


def stretch_of(it: Asked) -> Stretch:
    """The days that are asked for."""
    return Stretch(it.first, it.last, ZoneInfo(str(it.period.zone)), it.rules)


def told(report: FactReport, who: Person, it: Asked) -> list[Figure]:
    """The figures that this person may see."""
    return [
        one
        for one in report.figures
        if (not one.purchases or who.may(VIEW_PURCHASES))
        and (it.within.operators is None or one.code not in report.only_all)
    ]


def asking_of(report: FactReport, query: FactQuery, it: Asked, way: Way) -> Asking:
    """What the database is asked with. Raises `Invalid`."""
    if it.last - it.first >= LONGEST:
        raise Invalid(f"This is told of at most {LONGEST.days} days.", "since")
    wanted: dict[Way, Key] = {
        Way.OPERATOR: query.operator_id,
        Way.QUEUE: query.queue,
        Way.LINE: query.line_id,
        Way.SOURCE: query.source,
        Way.SHOP: query.shop_id,
        Way.STEP: query.step,
        Way.STAGE: query.stage_id,
        Way.CATEGORY: query.category,
        Way.FAMILY: query.family_id,
        Way.PRODUCT: query.product_id,
    }
    known = {known for facts in report.facts for known in facts.ways}
    only = {one: key for one, key in wanted.items() if key is not None} | dict(report.within(query))
    if strangers := only.keys() - known:
        raise Invalid("This is not told in that way.", str(min(strangers)))
    given = {
        "since": it.period.since,
        "until": it.period.until,
        "now": it.rules.now,
        "zone": str(it.period.zone),
        "again_within": it.rules.again_within,
    }
    own = it.within.operators is not None
    return Asking(given={**given, **report.given(query, way, own)}, only=only, operators=it.within.operators)


def under(asking: Asking, way: Way, key: Key) -> Asking:
    """The same of one row; of a day, a week or a month no more than its days are looked through."""
    given = asking.given
    if way in DATES and isinstance(key, date):
        days = {Way.DAY: 1, Way.WEEK: 7, Way.MONTH: monthrange(key.year, key.month)[1]}[way]
        here = of_days(key, key + timedelta(days=days - 1), ZoneInfo(given["zone"]))
        given = {**given, "since": max(given["since"], here.since), "until": min(given["until"], here.until)}
    return replace(asking, given=given, only={**asking.only, way: key})


def fact_key(way: Way, text: str) -> Key:
    """The key that an address means. Raises `Invalid`."""
    if way in (*CLOCK, Way.OPERATOR, Way.LINE, Way.QUEUE, Way.SOURCE):
        return key_of(By(way.value), text)
    return key_of(By.LINE if way in NUMBERS else By.SOURCE, text)


def address(page: str, query: FactQuery, it: Asked, way: Way, **more: object) -> str:
    """A page of the same report with other settings."""
    given = query.model_dump(mode="json", include={*FactQuery.model_fields}, exclude_defaults=True)
    given.pop("time", None)
    given |= {"since": it.first.isoformat(), "until": it.last.isoformat(), "by": way.value}
    given |= {"zone": str(it.period.zone)}
    return f"{page}?" + urlencode(
        {name: value for name, value in (given | more).items() if value is not None}
    )


def _weight(figure: Figure, counted: Counted) -> Decimal:
    return Decimal(max((value.numerator for value in figure.of(counted)), default=0))


def _cells(
    report: FactReport,
    query: FactQuery,
    it: Asked,
    way: Way,
    figures: Sequence[Figure],
    counted: Counted,
    key: Key,
    *,
    whole: bool = False,
) -> list[Cell]:
    row = {"whole": "true"} if whole else {"key": key_text(key)}
    page = f"/reports/{report.theme}/one"
    apart = report.apart if whole and way in (Way.STAGE, Way.STEP) else frozenset()
    return [
        FactCell(
            one,
            [] if one.code in apart else one.of(counted),
            address(page, query, it, way, figure=one.code, **row),
        )
        for one in figures
    ]
