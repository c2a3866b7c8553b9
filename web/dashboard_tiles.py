"""What stands in a tile of a dashboard, for whoever looks at it: his rights decide, whoever put it there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from pydantic import ValidationError
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.errors import Refused
from crm_core.figure.figure import BY_CODE, Figure
from crm_core.figure.period import By
from crm_core.figure.tally import Tally
from crm_core.queue_rank import LABELS
from crm_core.read.figure_labels import zones
from crm_core.read.goals import load_progress
from crm_core.read.hot_queue import load_queue
from crm_core.report import get_report
from crm_core.saved_view import SavedView, list_all_views
from web import alerts, callbacks, calls, customers, deals, orders, tasks
from web.dashboards import Kind, Tile
from web.figures import Narrowing, amount, asked, load_cells, offered, said
from web.kept_report import make
from web.listing import Listed
from web.pages import midnight
from web.report import ENTITIES, Grid, days_of, total
from web.report_words import TIMES
from web.rights import (
    VIEW_CALLBACKS,
    VIEW_CALLS,
    VIEW_CUSTOMERS,
    VIEW_DEALS,
    VIEW_FIGURES,
    VIEW_FLOOR,
    VIEW_ORDERS,
    VIEW_QUEUE,
    VIEW_TASKS,
    Person,
    Right,
    Scope,
)
from web.say import money, zone_of
from web.services import services
from web.sessions import person

SHOWN, COUNTED = 6, 50
STATES = {
    "available": "Available",
    "talking": "Talking",
    "held": "On hold",
    "ringing": "Ringing",
    "dialling": "Dialling",
    "wrap_up": "Wrap-up",
    "paused": "Paused",
}
RIGHTS = {
    Kind.FIGURE: VIEW_FIGURES,
    Kind.REPORT: VIEW_FIGURES,
    Kind.GOALS: VIEW_FIGURES,
    Kind.FLOOR: VIEW_FLOOR,
    Kind.ALERTS: VIEW_FLOOR,
    Kind.QUEUE: VIEW_QUEUE,
}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A line of a tile. `word`: the label is one of ours, not somebody's; `share`: of the longest, 0..1, where it is
    drawn; `at`: an instant told beside it."""

    label: str
    word: bool = False
    text: str = ""
    address: str | None = None
    share: float | None = None
    at: datetime | None = None
    tone: str = ""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A tile as it is drawn: a number with what it was before, a picture of small columns (0..1, None: nothing), lines.
    `address`: the page of what it counts; `nothing`: the sentence in its place."""

    address: str | None = None
    number: str = ""
    beside: str = ""
    columns: Sequence[float | None] = ()
    entries: Sequence[Entry] = field(default_factory=tuple)
    nothing: str = ""


async def shown(request: web.Request, tile: Tile) -> Shown:
    """The content of a tile. What the reader may not see, or what is there no more, is a sentence that says so."""
    right = RIGHTS.get(tile.kind)
    if right is not None and not person(request).may(right):
        return Shown(nothing="Your rights do not reach what this tile shows.")
    try:
        return await _MADE[tile.kind](request, tile)
    except (Refused, ValidationError) as refused:
        why = "What this tile shows can not be told so any more; open it and keep it anew."
        return Shown(nothing=str(refused) if isinstance(refused, Refused) else why)


async def _figure(request: web.Request, tile: Tile) -> Shown:
    who, parts, figure = person(request), services(request), BY_CODE[tile.figure or "answered"]
    async with parts.db.snapshot() as session:
        today = parts.now().astimezone(zone_of((await zones(session))[0])).date()
        first, last = days_of(tile.time, today)
        days = (last - first).days + 1
        by = By.HOUR if days == 1 else By.DAY if days <= 31 else By.WEEK
        now, it = await _told(session, who, figure, first, last, by, parts.now())
        if it is None:
            return Shown(nothing="This figure is not told of one person's calls alone.")
        before_that = first - timedelta(days=days), first - timedelta(days=1)
        before, _ = await _told(session, who, figure, *before_that, By.ALL, parts.now())
    earlier = figure.of(total(before.values(), Tally()))
    together = total(now.values(), Tally())
    most = max(figure.of(together), key=lambda value: value.numerator, default=None)
    currency = most.currency if most else None
    points = [_value(figure, now.get((key,), Tally()), currency) for key in _keys(by, first, last, now)]
    query = {"by": "hour" if days == 1 else "day" if days <= 31 else "week", "figures": figure.code}
    return Shown(
        address="/reports/show?" + urlencode(query | {"time": tile.time.value}),
        number=" · ".join(said(figure.unit, it) for it in figure.of(together)) or "–",
        beside=", ".join(said(figure.unit, it) for it in earlier if it.value is not None),
        columns=_scaled(points),
    )


async def _told(
    session: AsyncSession, who: Person, figure: Figure, first: date, last: date, by: By, now: datetime
) -> tuple[dict[Any, Tally], Any]:
    it = await asked(session, Narrowing(since=first, until=last, by=by), who, now)
    if figure not in offered(who, it):
        return {}, None
    return await load_cells(session, it, () if by is By.ALL else (by,), [figure]), it


def _keys(by: By, first: date, last: date, found: Mapping[Any, Tally]) -> list[Any]:
    if by is By.HOUR:
        hours = [key for (key,) in found]
        return list(range(min(hours), max(hours) + 1)) if hours else []
    days = [first + timedelta(days=n) for n in range((last - first).days + 1)]
    return days if by is By.DAY else list(dict.fromkeys(day - timedelta(days=day.weekday()) for day in days))


def _value(figure: Figure, tally: Tally, currency: str | None) -> Decimal | None:
    return next((it.value for it in figure.of(tally) if it.currency == currency), None)


def _scaled(values: Sequence[Decimal | None]) -> list[float | None]:
    known = [None if it is None else max(0.0, float(it)) for it in values]
    most = max((it for it in known if it is not None), default=0.0)
    return [it if it is None or not most else it / most for it in known]


async def _report(request: web.Request, tile: Tile) -> Shown:
    who, parts = person(request), services(request)
    async with parts.db.snapshot() as session:
        kept = await get_report(session, tile.report_id or 0, user_id=who.user_id)
        grid = await make(session, kept.spec, who, parts.now())
    lines = [(line, next((it.value for it in line.cells[0].values if it.value is not None), None))
             for line in grid.lines]  # fmt: skip
    chosen, address = grid.figures[0], f"/reports/{kept.id}"
    whole = grid.together.cells[-1 if isinstance(grid, Grid) and grid.query.across else 0].texts[0]
    if isinstance(grid, Grid) and grid.query.by not in ENTITIES:
        return Shown(
            address=address, number=whole, beside=chosen.name, columns=_scaled([it for _, it in lines])
        )
    known = sorted(((line, it) for line, it in lines if it is not None), key=lambda pair: -pair[1])[:SHOWN]
    shares = _scaled([it for _, it in known])
    entries = [
        Entry(label=line.label, text=amount(chosen.unit, it, line.cells[0].values[0].currency), share=share,
              address=line.cells[0].address)
        for (line, it), share in zip(known, shares, strict=True)
    ]  # fmt: skip
    return Shown(address=address, number=whole, beside=chosen.name, entries=entries)


async def _goals(request: web.Request, tile: Tile) -> Shown:
    who, parts = person(request), services(request)
    async with parts.db.snapshot() as session:
        found = await load_progress(
            session, reader=who.user_id, everybody=who.whose(VIEW_FIGURES), now=parts.now()
        )
    entries = [
        Entry(
            label=f"{it.whose}: {it.figure.name.lower()}",
            text="–"
            if it.value is None
            else f"{amount(it.figure.unit, it.value, it.goal.currency)}"
            f" / {amount(it.figure.unit, it.goal.amount, it.goal.currency)}",
            share=min(1.0, it.share),
            tone="good" if it.share >= 1 else "",
        )
        for it in found[:SHOWN]
    ]
    return Shown(address="/goals", entries=entries, nothing="" if entries else "No goals are set for you.")


async def _floor(request: web.Request, tile: Tile) -> Shown:
    who, parts = person(request), services(request)
    whose = who.whose(VIEW_FLOOR)
    seen = [it for it in parts.live.colleagues() if whose is None or it["id"] in whose]
    states = [str(it["state"]) for it in seen]
    entries = [
        Entry(label=label, word=True, text=str(states.count(state)), tone=state)
        for state, label in STATES.items()
        if state in states
    ]
    if who.scope(VIEW_FLOOR) is Scope.ALL:
        waiting = (Call.ended_at.is_(None), Call.state == "waiting")
        async with parts.db.begin() as session:
            query = select(func.count(), func.min(Call.started_at)).where(*waiting)
            count, since = (await session.execute(query)).one()
        entries.insert(
            0,
            Entry(
                label="Waiting in queues",
                word=True,
                text=str(count),
                at=since,
                tone="waiting" if count else "",
            ),
        )
    at_work = len(states) - states.count("offline")
    return Shown(address="/floor", number=str(at_work), beside="at work", entries=entries)


async def _alerts(request: web.Request, tile: Tile) -> Shown:
    found = await alerts.get_alerts(request, alerts.AlertsQuery(unfinished=True, limit=COUNTED))
    entries = [Entry(label=it.text, at=it.raised_at, tone="bad") for it in found.items[:SHOWN]]
    number = _counted(len(found.items), found.next)
    return Shown(address="/floor", number=number, beside="not over yet", entries=entries)


async def _queue(request: web.Request, tile: Tile) -> Shown:
    async with services(request).db.begin() as session:
        waiting = await load_queue(session, services(request).now())
    kinds: dict[str, int] = {}
    for one in waiting:
        for weighed in one.causes:
            label = LABELS[weighed.cause.kind]
            kinds[label] = kinds.get(label, 0) + 1
    most = max(kinds.values(), default=1)
    entries = [
        Entry(label=kind, word=True, text=str(times), share=times / most)
        for kind, times in sorted(kinds.items(), key=lambda pair: -pair[1])[:SHOWN]
    ]
    return Shown(address="/queue", number=str(len(waiting)), beside="wait for a call", entries=entries)


def _counted(shown_: int, more: str | None) -> str:
    return f"{shown_}+" if more else str(shown_)


async def _list(request: web.Request, tile: Tile) -> Shown:
    who = person(request)
    async with services(request).db.begin() as session:
        views = await list_all_views(session, who.user_id)
    view = next((it for it in views if it.id == tile.view_id), None)
    if view is None:
        return Shown(nothing="This list is not kept any more, or not shared with you.")
    noun = _NOUNS.get(view.page)
    if noun is None:
        return Shown(address=view.address, nothing="This list opens on a page of its own.")
    if not who.may(noun.right):
        return Shown(nothing="Your rights do not reach what this tile shows.")
    found = await noun.read(request, noun.query.model_validate(_filters(view, noun.query, who)))
    entries = [noun.entry(it) for it in found.items[:SHOWN]]
    return Shown(address=view.address, number=_counted(len(found.items), found.next), entries=entries)


def _filters(view: SavedView, query: type[Listed], who: Person) -> dict[str, Any]:
    """The filters of a page as the API takes them: days are those of the reader, both included."""
    given: dict[str, Any] = {"limit": COUNTED}
    for name, value in parse_qsl(view.query):
        if name not in query.model_fields:
            continue
        if name in ("since", "until"):
            day = date.fromisoformat(value) + timedelta(days=name == "until")
            given[name] = midnight(day, who)
        else:
            given[name] = value
    return given


@dataclass(frozen=True)
class _Noun:
    right: Right
    query: type[Listed]
    read: Callable[[web.Request, Any], Awaitable[Any]]
    entry: Callable[[Any], Entry]


_NOUNS = {
    "/orders": _Noun(
        VIEW_ORDERS, orders.OrdersQuery, orders.get_orders,
        lambda it: Entry(label=f"{it.number} · {it.status_label}", text=money(it.total, it.currency),
                         address=f"/orders/{it.id}"),
    ),
    "/customers": _Noun(
        VIEW_CUSTOMERS, customers.CustomersQuery, customers.get_customers,
        lambda it: Entry(label=it.name, text=it.city or "", address=f"/customers/{it.id}"),
    ),
    "/tasks": _Noun(
        VIEW_TASKS, tasks.TasksQuery, tasks.get_tasks,
        lambda it: Entry(label=it.title, at=it.due_at, address=f"/tasks/{it.id}"),
    ),
    "/callbacks": _Noun(
        VIEW_CALLBACKS, callbacks.CallbacksQuery, callbacks.get_callbacks,
        lambda it: Entry(label=it.customer_name or it.number, at=it.due_at, address=f"/callbacks/{it.id}"),
    ),
    "/calls": _Noun(
        VIEW_CALLS, calls.CallsQuery, calls.get_calls,
        lambda it: Entry(label=it.customer_name or it.display or "", at=it.started_at, address=f"/calls/{it.id}"),
    ),
    "/deals": _Noun(
        VIEW_DEALS, deals.DealsQuery, deals.get_deals,
        lambda it: Entry(label=it.title, text=it.stage_label, address=f"/deals/{it.id}"),
    ),
}  # fmt: skip
_MADE: Mapping[Kind, Callable[[web.Request, Tile], Awaitable[Shown]]] = {
    Kind.FIGURE: _figure,
    Kind.REPORT: _report,
    Kind.GOALS: _goals,
    Kind.FLOOR: _floor,
    Kind.ALERTS: _alerts,
    Kind.QUEUE: _queue,
    Kind.LIST: _list,
}


def heads(tile: Tile, reports: Mapping[int, str], views: Mapping[int, str]) -> tuple[str, str]:
    """What stands above a tile: a name, and of which time."""
    match tile.kind:
        case Kind.FIGURE:
            return BY_CODE[tile.figure or "answered"].name, TIMES[tile.time]
        case Kind.REPORT:
            return reports.get(tile.report_id or 0, "Report"), ""
        case Kind.LIST:
            return views.get(tile.view_id or 0, "List"), ""
    return {
        Kind.GOALS: "Goals", Kind.FLOOR: "The floor now", Kind.ALERTS: "Alerts", Kind.QUEUE: "Queue",
    }[tile.kind], ""  # fmt: skip
