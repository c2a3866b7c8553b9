"""Pages of figures: a table and a picture; how one came about, with the calls behind it; talk against conversion."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import urlencode

from aiohttp import web
from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.figure.coaching import stand
from crm_core.figure.figure import BY_CODE, Figure, Group, Side, Unit, Value
from crm_core.figure.period import By, Key
from crm_core.figure.rules import Target
from crm_core.figure.tally import SECOND, Tally
from crm_core.queue_target import list_targets, remove_target, set_target
from crm_core.read.calls import list_calls
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose
from crm_core.read.figures import behind
from web.calls import all_calls, reader
from web.chart import BOTTOM, HIGH, HIGH_DOTS, LEFT, TOP, WIDE, Ground, columns, dots, nice_range
from web.figures import (
    HEADS,
    Asked,
    FigureFilters,
    Row,
    amount,
    asked,
    figure_of,
    headings,
    key_of,
    key_text,
    load_cells,
    load_rows,
    offered,
    said,
    tick,
    together,
)
from web.forms import settle, whole_or_none
from web.listing import Listed
from web.pages import Flash, Pages, go, is_set, number_in, read_filters, render, turn, users_to_choose
from web.rights import EDIT_TARGETS, HEAR_RECORDINGS, VIEW_FIGURES, Scope
from web.services import services
from web.sessions import person

pages = Pages()
GROUPS = {
    Group.CALLS: "Calls",
    Group.QUEUES: "Queues",
    Group.TIME: "Time",
    Group.CARE: "Care",
    Group.SPEECH: "How they talk",
    Group.QUALITY: "Quality",
    Group.SALES: "Sales",
}
HEADLINES = (
    "inbound",
    "answered",
    "service_level",
    "asa",
    "aht",
    "abandonment",
    "occupancy",
    "conversion",
    "revenue_minute",
)


_OF_ONE = ("figure", "key", "whole", "side", "across", "across_key")


class OneFigure(FigureFilters, Listed):
    """One figure of one row, and which calls are listed."""

    key: str = Field(default="", max_length=200)
    across: By | None = None  # a second way to tell calls apart, with its key
    across_key: str = Field(default="", max_length=200)
    whole: bool = False  # of all rows together
    side: Literal["top", "bottom"] = "top"


@dataclass(frozen=True)
class Cell:
    """What stands in a table: the values, and the address of how they came about."""

    texts: list[str]
    address: str
    hint: str


@pages.get("/figures", right=VIEW_FIGURES)
async def show_figures(request: web.Request) -> web.Response:
    """The table, with one figure of it drawn."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, parts = person(request), services(request)
    filters = read_filters(request, FigureFilters)
    async with parts.db.snapshot() as session:
        it = await asked(session, filters, who, parts.now())
        known = offered(who, it)
        groups = [group for group in GROUPS if any(figure.group is group for figure in known)]
        group = filters.group if filters.group in groups else groups[0]
        shown = [figure for figure in known if figure.group is group]
        above = [figure for figure in known if figure.code in HEADLINES]
        rows = await load_rows(session, it, [*shown, *above])
        choices = await _choices(session)
        targets = await list_targets(session)
    chosen = figure_of(filters.figure, shown)
    whole = together(rows)
    context = (
        _common(request, filters, it)
        | choices
        | {
            "rows": [(row, [_cell(request, figure, row.tally, row.key) for figure in shown]) for row in rows],
            "whole": [_cell(request, figure, whole, None, whole=True) for figure in shown],
            "shown": shown,
            "chosen": chosen,
            "chosen_said": [said(chosen.unit, value) for value in chosen.of(whole)],
            "chosen_cell": _cell(request, chosen, whole, None, whole=True),
            "picture": _picture(request, chosen, rows, whole),
            "groups": [(code, GROUPS[code], _here(request, group=code, figure=None)) for code in groups],
            "group": group,
            "headlines": [
                (figure, _cell(request, figure, whole, None, whole=True))
                for figure in known
                if figure.code in HEADLINES
            ],
            "pauses": [
                (
                    row,
                    [
                        (reason, amount(Unit.SECONDS, Decimal(lasted) / SECOND))
                        for reason, lasted in _pauses(row.tally)
                    ],
                )
                for row in rows
                if row.tally.pauses
            ],
            "targets": targets,
            "general": next((one.target for one in targets if one.queue is None), Target()),
            "may_edit": who.may(EDIT_TARGETS),
            "may_hear": who.may(HEAR_RECORDINGS),
            "columns_by": {figure.code: _here(request, figure=figure.code) for figure in shown},
        }
    )
    return render(request, "figures.html", context, flash=flash, typed=typed)


def _pauses(tally: Tally) -> Sequence[tuple[str, int]]:
    return sorted(tally.pauses.items(), key=lambda pair: -pair[1])


@pages.get("/figures/one", right=VIEW_FIGURES)
async def show_figure(request: web.Request) -> web.Response:
    """How a figure came about: its formula, its numbers, and the calls that they count."""
    who, parts = person(request), services(request)
    filters = read_filters(request, OneFigure)
    async with parts.db.snapshot() as session:
        it = await asked(session, filters, who, parts.now())
        figure = figure_of(filters.figure, offered(who, it, filters.across))
        at = [] if filters.whole else [(it.by, key_of(it.by, filters.key))]
        if filters.across is not None:
            at.append((filters.across, key_of(filters.across, filters.across_key)))
        found = await load_cells(session, it, [by for by, _ in at], [figure])
        counted = found.get(tuple(key for _, key in at), Tally())
        names = [dict(await headings(session, it, by, [key])).get(key, filters.key) for by, key in at]
        side = figure.bottom if filters.side == "bottom" and figure.bottom else figure.top
        listed, calls = None, 0
        if side.calls:
            condition = behind(side.calls, it.period, it.rules, it.within, at)
            calls = await session.scalar(select(func.count()).select_from(Call).where(condition)) or 0
            listed = await list_calls(
                session, **reader(who), everybody=all_calls(who), only=condition,
                after=filters.after, limit=filters.limit,
            )  # fmt: skip
    context = _common(request, filters, it) | {
        "figure": figure,
        "label": ", ".join(names),
        "values": [(said(figure.unit, value), _sides(figure, value)) for value in figure.of(counted)],
        "sides": [
            (name, one, one is side, _here(request, side=name))
            for name, one in (("top", figure.top), ("bottom", figure.bottom))
            if one is not None and one.calls
        ],
        "side": side,
        "calls": calls,
        "rows": listed.rows if listed else [],
        "pages": turn(request, listed) if listed else None,
        "everybody": all_calls(who),
        "back": "/figures?" + urlencode(_kept(request, without=(*_OF_ONE, "after", "limit"))),
    }
    return render(request, "figure.html", context)


def _sides(figure: Figure, value: Value) -> list[tuple[str, str]]:
    """What stands above and below the line, with their numbers."""
    above = [(figure.top, value.numerator)]
    below = [(figure.bottom, value.denominator)] if figure.bottom and value.denominator is not None else []
    return [(side.says, _number(side, number, value.currency)) for side, number in [*above, *below]]


def _number(side: Side, number: int | Decimal, currency: str | None) -> str:
    if isinstance(number, Decimal) and side.unit is not Unit.POINTS:
        return amount(Unit.MONEY, number, currency)
    return amount(side.unit, Decimal(number) / (SECOND if side.unit is Unit.SECONDS else 1))


@pages.get("/figures/talk", right=VIEW_FIGURES)
async def show_talk(request: web.Request) -> web.Response:
    """Talk a call against conversion, with intervals."""
    who, parts = person(request), services(request)
    filters = read_filters(request, FigureFilters)
    async with parts.db.snapshot() as session:
        it = await asked(session, filters, who, parts.now())
        rows = await load_rows(session, it, [BY_CODE["talk"], BY_CODE["conversion"]])
        choices = await _choices(session)
    names = {row.key: row.label for row in rows}
    found = stand({row.key: row.tally for row in rows})
    talks = [one.talk_s / 60 for one in found] or [0.0, 1.0]
    shares = [100 * share for one in found for share in (one.low, one.high)] or [0.0, 10.0]
    ground = Ground(nice_range(min(talks) * 0.95, max(talks) * 1.05), nice_range(min(shares), max(shares)))
    drawn = dots(
        [(one.talk_s / 60, one.conversion * 100, one.low * 100, one.high * 100) for one in found], ground
    )
    calls, sold = sum(one.calls for one in found), sum(one.sold for one in found)
    context = (
        _common(request, filters, it)
        | choices
        | {
            "found": [
                (one, names[one.key], dot, _one(request, "conversion", one.key))
                for one, dot in zip(found, drawn, strict=True)
            ],
            "flagged": [names[one.key] for one in found if one.flagged],
            "across": [(value, ground.x(value)) for value in ground.across],
            "up": [(value, ground.y(value)) for value in ground.up],
            "average": ground.y(100 * sold / calls) if calls else None,
            "frame": {"left": LEFT, "top": TOP, "wide": WIDE, "high": HIGH_DOTS, "base": HIGH_DOTS - BOTTOM},
        }
    )
    return render(request, "figures_talk.html", context)


# --- what queues shall reach --------------------------------------------------------------------------------


@pages.post("/figures/targets", right=EDIT_TARGETS, at_least=Scope.ALL)
async def change_target(request: web.Request) -> web.Response:
    """Say within how many seconds a queue, or every other one, shall answer."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = [whole_or_none(typed.get(name, ""), name) or 0 for name in ("target_s", "short_s", "goal")]
        async with services(request).db.begin() as session:
            await set_target(session, queue=typed.get("queue"), target=Target(*given))
        return go("/figures?by=queue&group=queues#targets", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/figures/targets/{target_id}/remove", right=EDIT_TARGETS, at_least=Scope.ALL)
async def drop_target(request: web.Request) -> web.Response:
    """Let what holds for every queue hold for this one."""
    async with services(request).db.begin() as session:
        await remove_target(session, number_in(request, "target_id"))
    return go("/figures?by=queue&group=queues#targets", "removed")


# --- pieces -------------------------------------------------------------------------------------------------


def _common(request: web.Request, filters: FigureFilters, it: Asked) -> dict[str, Any]:
    return {
        "filters": filters,
        "filters_set": is_set(filters),
        "asked": it,
        "by": it.by,
        "ways": [(str(code), name.lower()) for code, name in HEADS.items() if code is not By.ALL],
        "zones": [(name, name) for name in it.zones],
        "head": HEADS[it.by] if it.by is not By.ALL else "",
        "own": it.within.operators is not None,
        "talk": "/figures/talk?"
        + urlencode(_kept(request, without=("figure", "group", "key", "side", "whole"))),
        "table": "/figures?" + urlencode(_kept(request, without=("figure", "key", "side", "whole"))),
    }


async def _choices(session: AsyncSession) -> dict[str, Any]:
    return {
        "colleagues": await users_to_choose(session),
        "lines": await lines_to_choose(session),
        "queues": [(name, name) for name in await queues_to_choose(session)],
    }


def _kept(request: web.Request, *, without: Sequence[str]) -> dict[str, str]:
    return {name: value for name, value in request.query.items() if value and name not in (*without, "done")}


def _here(request: web.Request, **changes: str | None) -> str:
    """This page with other filters."""
    kept = _kept(request, without=("after", *changes))
    return f"{request.path}?" + urlencode(kept | {name: value for name, value in changes.items() if value})


def _one(request: web.Request, code: str, key: Key, *, whole: bool = False) -> str:
    """The page of how a figure came about."""
    kept = _kept(request, without=("figure", "group"))
    row = {"whole": "true"} if whole else {"key": key_text(key)}
    return "/figures/one?" + urlencode(kept | {"figure": code} | row)


def _cell(request: web.Request, figure: Figure, counted: Tally, key: Key, *, whole: bool = False) -> Cell:
    values = figure.of(counted)
    texts = [said(figure.unit, value) for value in values] or ["–"]
    hint = "; ".join(" / ".join(number for _, number in _sides(figure, value)) for value in values)
    return Cell(texts, _one(request, figure.code, key, whole=whole), hint)


def _picture(request: web.Request, figure: Figure, rows: Sequence[Row], whole: Tally) -> dict[str, Any]:
    """The chosen figure of each row as a column; of money in the currency of most of it."""
    most = max(figure.of(whole), key=lambda value: value.numerator, default=None)
    currency = most.currency if most else None
    values = [
        next((value for value in figure.of(row.tally) if value.currency == currency), None) for row in rows
    ]
    drawn, scale = columns(
        [value.value if value else None for value in values], clock=figure.unit is Unit.SECONDS
    )
    return {
        "columns": [
            (one, row.label, said(figure.unit, value) if value else "–", _one(request, figure.code, row.key))
            for one, row, value in zip(drawn, rows, values, strict=True)
        ],
        "scale": [(mark.at, tick(figure.unit, mark.exact)) for mark in scale],
        "currency": currency,
        "left": LEFT,
        "wide": WIDE,
        "high": HIGH,
        "base": HIGH - BOTTOM,
    }
