"""The page of a funnel: what became of deals stage by stage, and where they are held up."""

from collections.abc import Sequence

from aiohttp import web

from crm_core.figure.bottleneck import Step, bottlenecks
from crm_core.figure.counted import Counted
from crm_core.funnel import SALES, Kind, get_funnel, list_funnels
from crm_core.read.fact_days import tell_days
from crm_core.read.fact_rolled import OF_STAGES
from crm_core.read.facts import Key, Way
from web.chart import WIDE, Piece, band
from web.fact_pages import common
from web.fact_report import HEADS, FactQuery, FactTable, address, asking_of, build_facts, stretch_of
from web.fact_reports import OF_DEALS, OF_FUNNEL
from web.fact_words import FactCell
from web.figures import key_text
from web.pages import Pages, is_set, read_filters, render
from web.report import Cell
from web.rights import VIEW_FIGURES
from web.services import services
from web.sessions import person

pages = Pages()
FATES = ("on", "there", "back", "gone")


@pages.get("/reports/funnel", right=VIEW_FIGURES)
async def show_funnel(request: web.Request) -> web.Response:
    """What became of the deals of a funnel, stage by stage, and where they are held up."""
    who, parts = person(request), services(request)
    query = read_filters(request, FactQuery)
    rows = query.by if query.by in OF_DEALS.ways else None
    async with parts.db.begin() as session:
        funnel = await get_funnel(session, query.funnel_id or SALES)
        by_stage = query.model_copy(update={"by": Way.STAGE})
        table = await build_facts(session, OF_FUNNEL, by_stage, who, parts.now())
        deals = await build_facts(session, OF_DEALS, query.model_copy(update={"by": rows}), who, parts.now())
        asking = asking_of(OF_FUNNEL, by_stage, table.asked, Way.STAGE)
        stretch = stretch_of(table.asked)
        lost = await tell_days(session, [OF_STAGES], (Way.STAGE, Way.REASON), asking, stretch)
        context = await common(session, who, table)
        context["filters_set"] = is_set(query)
        context["funnels"] = [(it.id, it.name) for it in await list_funnels(session)]
    stages = [it for it in funnel.stages if it.kind == Kind.OPEN]
    steps = [_step(it.id, table.counted.get(it.id, Counted())) for it in stages]
    names = {it.id: it.name for it in stages}
    most = max((step.on + step.off + step.there for step in steps), default=0) or 1
    context |= {
        "funnel": funnel,
        "deals": deals,
        "ways": [(str(way), HEADS[way].lower()) for way in OF_DEALS.ways],
        "by": deals.way,
        "steps": [
            {
                "stage": it,
                "counted": (counted := table.counted.get(it.id, Counted())),
                "cells": {
                    one.code: cell for one, cell in zip(table.figures, _row(table, it.id), strict=True)
                },
                "band": _parts(table, it.id, counted, most),
                "reasons": [
                    (keys[1], told_.of("gone"), _open_lost(table, it.id, keys[1]))
                    for keys, told_ in sorted(lost.items(), key=lambda pair: -pair[1].of("gone"))
                    if keys and keys[0] == it.id and told_.of("gone")
                ],
            }
            for it in stages
        ],
        "narrow": [(it, names[int(str(it.key))]) for it in bottlenecks(steps)],
    }
    return render(request, "funnel_way.html", context)


def _step(key: int, counted: Counted) -> Step:
    off = counted.of("gone") + counted.of("back")
    return Step(key, counted.of("on"), off, counted.of("there"), counted.spread("time").whole_us)


def _row(table: FactTable, key: Key) -> Sequence[Cell]:
    found = next((line.cells for line in table.lines if line.key == key), None)
    return found or [FactCell(one, one.of(Counted()), "") for one in table.figures]


def _parts(table: FactTable, key: int, counted: Counted, most: int) -> list[tuple[Piece, str, str, int, str]]:
    """A band as long as the deals that came in, in parts by what became of them."""
    numbers = [counted.of(fate) for fate in FATES]
    names = {one.code: one.name for one in table.figures}
    page = "/reports/funnel/one"
    return [
        (
            piece,
            fate,
            names[fate],
            number,
            address(page, table.query, table.asked, table.way, figure=fate, key=key),
        )
        for piece, fate, number in zip(band(numbers, WIDE * sum(numbers) / most), FATES, numbers, strict=True)
    ]


def _open_lost(table: FactTable, stage_id: int, reason: Key) -> str:
    more = {"figure": "gone", "stage_id": stage_id, "key": key_text(reason)}
    return address("/reports/funnel/one", table.query, table.asked, Way.REASON, **more)
