"""Calls by how they were talked, in the API and on a page: the most of a measure first, of those one may hear."""

from datetime import date, datetime, timedelta
from typing import Annotated

from aiohttp import web
from pydantic import Field
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.read.figure_labels import lines_to_choose
from crm_core.read.page import Page
from crm_core.read.talked import OF_THOUSAND, Measure, TalkedRow, list_talked
from web.api import Operations
from web.calls import CallItem, all_calls, reader
from web.fields import Given, Id, Instant
from web.listing import Listed, Listing
from web.own import within
from web.pages import Pages, is_set, midnight, read_filters, render, turn, users_to_choose
from web.rights import HEAR_RECORDINGS, VIEW_CALLS, require
from web.services import services
from web.sessions import person

operations = Operations("calls")
pages = Pages()
DAYS = timedelta(days=30)
MEASURES = {
    Measure.OPERATOR: "The operator said most",
    Measure.CUSTOMER: "The customer said most",
    Measure.SILENCE: "Most silence",
    Measure.BROKE_IN: "The operator broke in most often",
    Measure.BROKEN_IN: "The customer broke in most often",
    Measure.LONGEST: "Longest without a stop",
}


class TalkedFilters(Given):
    """Which calls, and by what they are sorted. `at_least`: per cent, times or seconds, as the measure is."""

    measure: Measure = Measure.OPERATOR
    at_least: Annotated[int, Field(ge=0, le=100_000)] | None = None
    operator_id: Id | None = None
    line_id: Id | None = None


class TalkedQuery(TalkedFilters, Listed):
    """The same; `since` is included, `until` is not. Without them the last thirty days."""

    since: Instant | None = None
    until: Instant | None = None


class TalkedOnPage(TalkedFilters, Listed):
    """The filters of the page; days are those of the reader, both included."""

    since: date | None = None
    until: date | None = None


class TalkedItem(CallItem):
    """A call with its measures: shares are of a thousand; milliseconds."""

    operator_share: int
    silence_share: int
    operator_broke_in: int
    customer_broke_in: int
    operator_longest_ms: int


@operations.get("/calls/talked", right=HEAR_RECORDINGS, errors=(404,))
async def get_talked(request: web.Request, query: TalkedQuery) -> Listing[TalkedItem]:
    """Calls with a text of both sides, the most of a measure first; only those one may see and hear."""
    async with services(request).db.begin() as session:
        found = await _load(session, request, query, query, query.since, query.until)
    return Listing[TalkedItem].model_validate(found)


@pages.get("/calls/talked", right=HEAR_RECORDINGS)
async def show_talked(request: web.Request) -> web.Response:
    """Calls by how they were talked."""
    who, filters = person(request), read_filters(request, TalkedOnPage)
    until = midnight(filters.until and filters.until + timedelta(days=1), who)
    async with services(request).db.begin() as session:
        found = await _load(session, request, filters, filters, midnight(filters.since, who), until)
        context = {
            "filters": filters,
            "filters_set": is_set(filters),
            "rows": found.rows,
            "pages": turn(request, found),
            "measures": [(str(code), name) for code, name in MEASURES.items()],
            "everybody": all_calls(who),
            "colleagues": await users_to_choose(session),
            "lines": await lines_to_choose(session),
        }
    return render(request, "talked.html", context)


async def _load(
    session: AsyncSession,
    request: web.Request,
    filters: TalkedFilters,
    listed: Listed,
    since: datetime | None,
    until: datetime | None,
) -> Page[TalkedRow]:
    who = person(request)
    require(who, VIEW_CALLS)
    last = until or services(request).now() + timedelta(minutes=1)
    return await list_talked(
        session,
        measure=filters.measure,
        only=within(who, VIEW_CALLS) & within(who, HEAR_RECORDINGS),
        since=since or last - DAYS,
        until=last,
        at_least=_least(filters),
        operator_id=filters.operator_id,
        line_id=filters.line_id,
        after=listed.after,
        limit=listed.limit,
        **reader(who),
    )


def _least(filters: TalkedFilters) -> int | None:
    """In the unit of the measure: of a thousand, times, milliseconds."""
    if filters.at_least is None:
        return None
    if filters.measure in OF_THOUSAND:
        return filters.at_least * 10
    return filters.at_least * 1000 if filters.measure is Measure.LONGEST else filters.at_least
