"""The page of the time that orders spend in their steps: where most of it goes, and with whom."""

from typing import Any

from aiohttp import web

from crm_core.figure.bottleneck import Step, Why, bottlenecks
from crm_core.figure.counted import Counted
from crm_core.read.facts import Key, Way
from web.chart import WIDE, band
from web.fact_pages import common, hidden
from web.fact_report import HEADS, FactQuery, FactTable, build_facts
from web.fact_reports import OF_STEPS
from web.pages import Pages, is_set, read_filters, render
from web.rights import VIEW_FIGURES
from web.services import services
from web.sessions import person

pages = Pages()
WAYS = [way for way in OF_STEPS.ways if way is not Way.STEP]


@pages.get("/reports/steps", right=VIEW_FIGURES)
async def show_steps(request: web.Request) -> web.Response:
    """Steps with their times, the one in which most time passes, and all steps or one of them by person and so on."""
    who, parts = person(request), services(request)
    query = read_filters(request, FactQuery)
    rows = query.by if query.by in WAYS else Way.OPERATOR
    async with parts.db.begin() as session:
        whole = query.model_copy(update={"by": Way.STEP, "step": None})
        steps = await build_facts(session, OF_STEPS, whole, who, parts.now())
        others = await build_facts(session, OF_STEPS, query.model_copy(update={"by": rows}), who, parts.now())
        context = await common(session, who, steps)
    names = {line.key: line.label for line in steps.lines}
    context |= {
        "filters_set": is_set(query),
        "query": query,
        "hidden": hidden(OF_STEPS, query),
        "others": others,
        "by": rows,
        "ways": [(str(way), HEADS[way].lower()) for way in WAYS],
        "statuses": [(line.key, line.label) for line in steps.lines],
        "step": names.get(query.step, query.step),
        "slow": [
            (it, names[it.key], steps.counted[it.key].spread("stay"))
            for it in bottlenecks([_step(key, steps.counted[key]) for key in names])
            if it.why is Why.TIME
        ],
        "bars": _bars(steps),
    }
    return render(request, "steps.html", context)


def _step(key: Key, counted: Counted) -> Step:
    return Step(str(key), counted.of("left"), 0, counted.of("there"), counted.spread("time").whole_us)


def _bars(table: FactTable) -> list[dict[str, Any]]:
    """A bar as long as the time that passed in a step: that of stays that are over, that of orders still there."""
    most = max((it.spread("time").whole_us for it in table.counted.values()), default=0) or 1
    bars: list[dict[str, Any]] = []
    for line in table.lines:
        counted = table.counted[line.key]
        times = [counted.spread(name).whole_us for name in ("stay", "wait")]
        cells = {cell.figure.code: cell for cell in line.cells}
        pieces = zip(band(times, WIDE * sum(times) / most), ("left", "there"), times, strict=True)
        bars.append(
            {"key": line.key, "label": line.label, "counted": counted, "cells": cells, "band": list(pieces)}
        )
    return bars
