"""A report: rows x columns of described figures over a period, narrowed; as a grid whose numbers open their calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from pydantic import StringConstraints
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.errors import Invalid
from crm_core.figure.figure import Figure, Group, Side, Unit, Value
from crm_core.figure.period import By, Key
from crm_core.figure.sales import OF_COSTS, SALES_FIGURES, Sales
from crm_core.figure.tally import Tally
from crm_core.read.figure_labels import zones
from crm_core.read.sales import load_sales, tells_costs
from web.figures import HEADS, Asked, Days, Narrowing, asked, headings, key_text, load_cells, offered, said
from web.rights import VIEW_PURCHASES, Person

MOST_CELLS = 6000
MOST_COLUMNS = 62


class Time(StrEnum):
    """A time that moves along, so that a kept report is always of now."""

    TODAY = "today"
    YESTERDAY = "yesterday"
    WEEK = "last_7_days"
    LAST_WEEK = "last_week"
    MONTH = "this_month"
    LAST_MONTH = "last_month"
    QUARTER = "last_90_days"
    YEAR = "last_365_days"


Figures = Annotated[str, StringConstraints(max_length=400, pattern=r"^[a-z_]+(,[a-z_]+)*$")]


class Subject(StrEnum):
    """Of what a report tells: calls by when they began, or orders by when they were placed."""

    CALLS = "calls"
    ORDERS = "orders"


class Timed(Days):
    """Days that move along; `since` and `until` go before `time`."""

    time: Time | None = None


class ReportQuery(Narrowing):
    """What a report tells: `by` is its rows; `across` its columns, else these are the figures. Of several figures the
    first is drawn, and the only one where there is something across. `since` and `until` go before `time`."""

    subject: Subject = Subject.CALLS
    across: By | None = None
    figures: Figures | None = None
    time: Time = Time.WEEK


@dataclass(frozen=True)
class Cell:
    """What a figure came to under its keys, and the address of the list that was counted."""

    figure: Figure
    values: Sequence[Value]
    address: str
    heat: int = 0  # 0: nothing to compare; 1 to 7: from the least to the most of the grid

    @property
    def texts(self) -> list[str]:
        return [said(self.figure.unit, value) for value in self.values] or ["–"]

    @property
    def hint(self) -> str:
        """What was divided by what."""
        return "; ".join(
            " / ".join(str(part) for part in (value.numerator, value.denominator) if part is not None)
            for value in self.values
        )


@dataclass(frozen=True)
class Line:
    """A row of the grid."""

    key: Key
    label: str
    cells: Sequence[Cell]


@dataclass(frozen=True, kw_only=True)
class Table:
    """Figures as rows and columns. `columns`: (what it is called, the figure that stands in it)."""

    asked: Asked
    head: str
    figures: Sequence[Figure]
    columns: Sequence[tuple[str, Figure]]
    lines: Sequence[Line]
    together: Line


@dataclass(frozen=True, kw_only=True)
class Grid(Table):
    """A report as it came out."""

    query: ReportQuery

    @property
    def chosen(self) -> Figure:
        return self.figures[0]

    @property
    def across(self) -> str:
        return HEADS[self.query.across] if self.query.across else ""


ENTITIES = (By.OPERATOR, By.QUEUE, By.LINE, By.SOURCE, By.SCRIPT)


async def build(session: AsyncSession, query: ReportQuery, who: Person, now: datetime) -> Grid:
    """Count what is asked for, as far as this person may see it.

    Raises `Invalid` for what can not be told so, `Conflict` where too much would be counted from rows.
    """
    if query.across is query.by or query.by is By.ALL or query.across is By.ALL:
        raise Invalid("Choose other columns than rows.", "across")
    if query.subject is Subject.ORDERS and By.SCRIPT in (query.by, query.across):
        raise Invalid("Scripts belong to calls: choose other rows and columns for orders.", "by")
    it = await asked(session, await dated(session, query, now), who, now)
    dims = [query.by] if query.across is None else [query.by, query.across]
    known = told(who, query, it)
    if not known:
        raise Invalid("Nothing is told of orders in this way.", "by")
    wanted = _chosen(query, known, _nothing(query))
    found = await _load(session, query, it, dims, wanted if query.across is None else wanted[:1])
    figures = _chosen(query, known, total(found.values(), _nothing(query)))
    rows = await headings(session, it, query.by, [keys[0] for keys in found])
    columns: list[tuple[Key, str]] = []
    if query.across is not None:
        columns = await headings(session, it, query.across, [keys[1] for keys in found])
        figures = figures[:1]
    if len(columns) > MOST_COLUMNS or len(rows) * max(1, len(columns)) > MOST_CELLS:
        raise Invalid(
            "That would be too many columns or rows to read: choose longer steps or fewer days.", "across"
        )
    return _grid(query, it, figures, rows, columns, found)


async def _load(
    session: AsyncSession, query: ReportQuery, it: Asked, dims: Sequence[By], figures: Sequence[Figure]
) -> dict[tuple[Key, ...], Any]:
    if query.subject is Subject.CALLS:
        return await load_cells(session, it, dims, figures)
    zone = ZoneInfo(str(it.period.zone))
    return await load_sales(session, it.first, it.last, zone, dims, it.rules, it.within)


def told(who: Person, query: ReportQuery, it: Asked) -> list[Figure]:
    """The figures that mean something for these rows and columns, and that this person may see."""
    if query.subject is Subject.CALLS:
        return offered(who, it, query.across)
    dims = [query.by] if query.across is None else [query.by, query.across]
    costs = tells_costs(dims, it.within)
    return [
        one
        for one in SALES_FIGURES
        if (not one.purchases or who.may(VIEW_PURCHASES)) and (costs or one.code not in OF_COSTS)
    ]


def _nothing(query: ReportQuery) -> Sales | Tally:
    return Sales() if query.subject is Subject.ORDERS else Tally()


def total(tallies: Iterable[Any], nothing: Any) -> Any:
    """Tallies of one kind together."""
    return reduce(lambda one, other: one + other, tallies, nothing)


def _grid(
    query: ReportQuery,
    it: Asked,
    figures: Sequence[Figure],
    rows: Sequence[tuple[Key, str]],
    columns: Sequence[tuple[Key, str]],
    found: dict[tuple[Key, ...], Any],
) -> Grid:
    empty = _nothing(query)

    def cells(key: Key, tallies: Sequence[tuple[Key, Any]], whole: bool) -> list[Cell]:
        row = {"whole": "true"} if whole else {"key": key_text(key)}
        if query.across is None:
            return [Cell(one, one.of(tallies[0][1]), _address(query, it, one, row)) for one in figures]
        one = figures[0]
        each = [
            Cell(one, one.of(tally), _address(query, it, one, row | _column(query.across, column)))
            for column, tally in tallies
        ]
        together = total((tally for _, tally in tallies), empty)
        return [*each, Cell(one, one.of(together), _address(query, it, one, row))]

    def tallies(key: Key) -> list[tuple[Key, Any]]:
        if query.across is None:
            return [(None, found.get((key,), empty))]
        return [(column, found.get((key, column), empty)) for column, _ in columns]

    def column_sums() -> list[tuple[Key, Any]]:
        if query.across is None:
            return [(None, total(found.values(), empty))]
        return [
            (column, total((tally for keys, tally in found.items() if keys[1] == column), empty))
            for column, _ in columns
        ]

    heads = [(one.name, one) for one in figures]
    if query.across is not None:
        heads = [*((label, figures[0]) for _, label in columns), ("Together", figures[0])]
    lines = [Line(key, label, cells(key, tallies(key), False)) for key, label in rows]
    if query.by in ENTITIES:
        lines = [line for line in lines if any(value.value for cell in line.cells for value in cell.values)]
    return Grid(
        query=query,
        asked=it,
        head=HEADS[query.by],
        figures=figures,
        columns=heads,
        lines=_heated(lines) if query.across is not None else lines,
        together=Line(None, "Together", cells(None, column_sums(), True)),
    )


def _heated(lines: Sequence[Line]) -> list[Line]:
    """The same with how much each cell is against the others; the sums at the end of a row are left out."""
    values = [cell.values[0].value for line in lines for cell in line.cells[:-1] if cell.values]
    known = [value for value in values if value is not None]
    least, most = (min(known), max(known)) if known else (0, 0)

    def heat(cell: Cell) -> int:
        value = cell.values[0].value if cell.values else None
        if value is None or most <= least:
            return 0
        return 1 + int((value - least) / (most - least) * 6)

    return [
        Line(
            line.key,
            line.label,
            [*(Cell(it.figure, it.values, it.address, heat(it)) for it in line.cells[:-1]), line.cells[-1]],
        )
        for line in lines
    ]


def _chosen(query: ReportQuery, known: Sequence[Figure], together: Any) -> list[Figure]:
    """The figures that were asked for and that may be seen; pauses bring their reasons along."""
    wanted = query.figures.split(",") if query.figures else []
    by_code = {figure.code: figure for figure in known}
    figures = [by_code[code] for code in dict.fromkeys(wanted) if code in by_code]
    if "paused" in by_code and "paused" in wanted and query.across is None:
        place = figures.index(by_code["paused"]) + 1
        figures[place:place] = [_pause(reason) for reason in sorted(together.pauses)]
    return figures or [figure for figure in known if figure.group is known[0].group]


def _pause(reason: str) -> Figure:
    def lasted(tally: Tally) -> int:
        return tally.pauses.get(reason, 0)

    name = f"Pause: {reason or 'no reason'}"
    return Figure(
        code="paused", name=name, group=Group.TIME, unit=Unit.SECONDS, formula="Time in pauses for this reason.",
        by_line=False, top=Side("time in pauses for this reason", lasted, (), Unit.SECONDS),
    )  # fmt: skip


Q = TypeVar("Q", Timed, ReportQuery)


async def dated(session: AsyncSession, query: Q, now: datetime) -> Q:
    """The same with the days that are meant."""
    if query.since is not None or query.until is not None or query.time is None:
        return query
    known = await zones(session)
    zone = ZoneInfo(query.zone if query.zone in known else known[0])
    since, until = days_of(query.time, now.astimezone(zone).date())
    return query.model_copy(update={"since": since, "until": until})


def days_of(time: Time, today: date) -> tuple[date, date]:
    """The first and the last day of a time, seen from today."""
    first = today.replace(day=1)
    monday = today - timedelta(days=today.weekday())
    match time:
        case Time.TODAY:
            return today, today
        case Time.YESTERDAY:
            return today - timedelta(days=1), today - timedelta(days=1)
        case Time.LAST_WEEK:
            return monday - timedelta(days=7), monday - timedelta(days=1)
        case Time.MONTH:
            return first, today
        case Time.LAST_MONTH:
            last = first - timedelta(days=1)
            return last.replace(day=1), last
        case Time.QUARTER:
            return today - timedelta(days=89), today
        case Time.YEAR:
            return today - timedelta(days=364), today
    return today - timedelta(days=6), today


def _column(across: By, key: Key) -> dict[str, str]:
    return {"across": across.value, "across_key": key_text(key)}


def _address(query: ReportQuery, it: Asked, figure: Figure, keys: dict[str, str]) -> str:
    """The page that says how a number came about and lists what it counts."""
    given: dict[str, Any] = {
        "figure": figure.code,
        "by": query.by.value,
        "since": it.first.isoformat(),
        "until": it.last.isoformat(),
        "zone": str(it.period.zone),
        "operator_id": query.operator_id,
        "queue": query.queue,
        "line_id": query.line_id,
        "source": query.source,
    }
    page = "/figures/one" if query.subject is Subject.CALLS else "/reports/orders"
    return f"{page}?" + urlencode({name: it for name, it in (given | keys).items() if it is not None})


def plain(query: Days) -> dict[str, Any]:
    """What is kept of a query, and what stands in an address."""
    return query.model_dump(mode="json", exclude_defaults=True)
