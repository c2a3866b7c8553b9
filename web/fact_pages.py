"""What pages of reports of facts share: how each number came about, with its list; filters and files."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from sqlalchemy import BigInteger, Uuid, column
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.deal_rows import Deal
from crm_core.figure.counted import Counted
from crm_core.figure.period import By
from crm_core.order_rows import Order
from crm_core.read import calls, orders
from crm_core.read.calls import list_calls
from crm_core.read.deals import list_deals
from crm_core.read.fact_days import CLOCK
from crm_core.read.fact_labels import way_labels
from crm_core.read.facts import Asking, Facts, Key, Way, behind, newest
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose, zones
from crm_core.read.orders import list_orders
from crm_core.read.page import decode
from crm_core.report import Format
from web.calls import all_calls, reader
from web.fact_report import (
    HEADS,
    Behind,
    FactQuery,
    FactReport,
    FactTable,
    address,
    asking_of,
    count,
    fact_key,
    told,
    under,
)
from web.fact_reports import REPORTS
from web.fact_words import sides, spoken
from web.figures import Asked, asked, figure_of, headings
from web.kept_report import spec_of
from web.listing import Listed
from web.pages import PageHandler, Pages, is_set, read_filters, render, shops_to_choose, turn, users_to_choose
from web.report_words import SHARED_WITH, TIMES
from web.rights import KEEP_REPORTS, VIEW_DEALS, VIEW_FIGURES, VIEW_ORDERS, Person, require
from web.services import services
from web.sessions import person

pages = Pages()
SORTS = {"calls": calls.SORTS, "orders": orders.SORTS}
_RIGHTS = {"calls": VIEW_FIGURES, "orders": VIEW_ORDERS, "deals": VIEW_DEALS}


class BehindListed(Behind, Listed):
    """The same with the place in its list."""


def _one(report: FactReport) -> PageHandler:
    async def show(request: web.Request) -> web.Response:
        return await _show_one(request, report)

    return show


for _report in REPORTS.values():
    pages.get(f"/reports/{_report.theme}/one", right=VIEW_FIGURES)(_one(_report))


async def _show_one(request: web.Request, report: FactReport) -> web.Response:
    """A figure of one row: its formula, its numbers, and the list of what they count."""
    who, parts = person(request), services(request)
    filters = read_filters(request, BehindListed)
    async with parts.db.begin() as session:
        it = await asked(session, filters, who, parts.now(), days=30)
        way = report.way(filters)
        figure = figure_of(filters.figure, told(report, who, it))
        asking = asking_of(report, filters, it, way)
        found = await count(session, report, it, way, asking)
        counted, label = found.get((), Counted()), ""
        if not filters.whole:
            key = fact_key(way, filters.key)
            counted, label = found.get((key,), Counted()), await _label(session, it, way, key)
            asking = under(asking, way, key)
        side = figure.bottom if filters.side == "bottom" and figure.bottom else figure.top
        name = side.calls[0]
        noun = report.lists.get(name, "calls")
        listing = await _listed(request, session, noun, report.place(name), name, asking, filters)
        listing["number"] = counted.of(name)
    context = {
        "report": report,
        "figure": figure,
        "label": label,
        "asked": it,
        "values": [(spoken(figure, value), sides(figure, value)) for value in figure.of(counted)],
        "sides": [
            (one, one is side, str(request.rel_url.update_query(side=name).without_query_params("after")))
            for name, one in (("top", figure.top), ("bottom", figure.bottom))
            if one is not None and one.calls
        ],
        "side": side,
        "noun": noun,
        "everybody": noun != "calls" or all_calls(who),
        "back": address(report.page, filters, it, way),
        **listing,
    }
    return render(request, "fact.html", context)


async def _label(session: AsyncSession, it: Asked, way: Way, key: Key) -> str:
    if way in CLOCK:
        return dict(await headings(session, it, By(way.value), [key])).get(key, str(key))
    return (await way_labels(session, way, [key]))[key]


async def _listed(
    request: web.Request,
    session: AsyncSession,
    noun: str,
    facts: Facts,
    name: str,
    asking: Asking,
    filters: BehindListed,
) -> dict[str, Any]:
    """A page of those that the reader may see. Calls and orders are listed by the time at which they count: so the
    newest are looked for, not all."""
    who, now = person(request), services(request).now()
    paged: dict[str, Any] = {"after": filters.after, "limit": filters.limit}
    require(who, _RIGHTS[noun])
    by_time = noun != "deals" and name not in facts.ids and (noun == "orders" or all_calls(who))
    chosen: Any = behind(facts, name, asking).columns(column("id", Uuid if noun == "calls" else BigInteger))
    if by_time:
        before = decode(filters.after, [sort.read for sort in SORTS[noun]])[0] if filters.after else None
        chosen = await newest(session, facts, name, asking, before=before, enough=filters.limit + 1)
    if noun == "orders":
        found: Any = await list_orders(session, only=Order.id.in_(chosen), now=now, **paged)
    elif noun == "deals":
        found = await list_deals(session, among=Deal.id.in_(chosen), now=now, **paged)
    else:
        only = Call.id.in_(chosen)
        found = await list_calls(session, **reader(who), everybody=all_calls(who), only=only, **paged)
    return {"rows": found.rows, "pages": turn(request, found)}


def hidden(report: FactReport, query: FactQuery) -> list[tuple[str, Any]]:
    """What a form tells that keeps this report."""
    return list(spec_of(query, report.theme).items())


# --- pieces -------------------------------------------------------------------------------------------------


async def common(session: AsyncSession, who: Person, table: FactTable) -> dict[str, Any]:
    """What every one of these pages shows."""
    query, it = table.query, table.asked
    known: Mapping[str, Any] = {
        "table": table,
        "report": table.report,
        "asked": it,
        "query": query,
        "filters_set": is_set(query),
        "own": it.within.operators is not None,
        "ways": [(str(way), HEADS[way].lower()) for way in table.report.ways],
        "colleagues": await users_to_choose(session),
        "lines": await lines_to_choose(session),
        "queues": [(name, name) for name in await queues_to_choose(session)],
        "shops": await shops_to_choose(session),
        "zones": [(name, name) for name in await zones(session)],
        "exports": [
            (
                str(kind),
                address(f"/api/v1/exports/figures/{table.report.theme}", query, it, table.way, format=kind),
            )
            for kind in Format
        ]
        if who.may(KEEP_REPORTS)
        else [],
        "page": table.report.page,
        "known": {str(way) for facts in table.report.facts for way in facts.ways},
        "times": [(str(time), name) for time, name in TIMES.items()],
        "hidden": hidden(table.report, query),
        "shared": SHARED_WITH,
        "may_keep": who.may(KEEP_REPORTS),
        "kept": None,
        "mine": False,
    }
    return dict(known)
