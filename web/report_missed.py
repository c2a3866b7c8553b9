"""The page of missed calls: what became of them, who called back, what was lost and how that is estimated."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.figure.missed import basis, worth
from crm_core.read.fact_labels import way_labels
from crm_core.read.facts import Key, Way
from crm_core.read.missed import load_basis
from web.chart import band
from web.fact_pages import common
from web.fact_report import FactQuery, FactTable, address, build_facts
from web.fact_reports import OF_MISSED
from web.pages import Pages, read_filters, render
from web.rights import VIEW_FIGURES, Person
from web.services import services
from web.sessions import person

pages = Pages()
FATES = ("called_back", "came_back", "tried", "open", "hidden")


@pages.get("/reports/missed", right=VIEW_FIGURES)
async def show_missed(request: web.Request) -> web.Response:
    """Missed calls and what became of them: a picture, a table, who called back, what was lost."""
    who, parts = person(request), services(request)
    query = read_filters(request, FactQuery)
    async with parts.db.begin() as session:
        table = await build_facts(session, OF_MISSED, query, who, parts.now())
        context = await common(session, who, table)
        by_whom = query.model_copy(update={"by": Way.OPERATOR})
        context["callers"] = (
            await build_facts(session, OF_MISSED, by_whom, who, parts.now())
            if table.way is not Way.OPERATOR
            else None
        )
        if table.asked.within.operators is None:
            context["worths"] = await _worths(session, query, who, parts.now(), table)
    fates = [table.whole.of(fate) for fate in FATES]
    names = {one.code: one.name for one in table.figures}
    context["band"] = [
        (piece, fate, names[fate], number, _open(table, fate))
        for piece, fate, number in zip(band(fates), FATES, fates, strict=True)
    ]
    return render(request, "missed.html", context)


async def _worths(
    session: AsyncSession, query: FactQuery, who: Person, now: datetime, table: FactTable
) -> list[dict[str, Any]]:
    """How the estimate came about, line by line."""
    it = table.asked
    by_line = await build_facts(session, OF_MISSED, query.model_copy(update={"by": Way.LINE}), who, now)
    lines = await load_basis(session, it.last, ZoneInfo(str(it.period.zone)), it.rules)
    names = await way_labels(session, Way.LINE, list(by_line.counted))
    return [
        {
            "line": names[key],
            "lost": counted.of("lost"),
            "own": basis(_line(key), lines) is lines.get(_line(key)),
            "worth": worth(basis(_line(key), lines)),
            "money": sorted(counted.money("lost_money").items()),
        }
        for key, counted in by_line.counted.items()
        if counted.of("lost")
    ]


def _line(key: Key) -> int | None:
    return key if isinstance(key, int) else None


def _open(table: FactTable, code: str) -> str:
    page = f"/reports/{table.report.theme}/one"
    return address(page, table.query, table.asked, table.way, figure=code, whole="true")
