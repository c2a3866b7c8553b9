"""The page that looks for what was said, across calls."""

from datetime import date, timedelta

from aiohttp import web

from crm_core.late_index import is_ready
from crm_core.outcome import choices
from crm_core.phrase_tag import list_tags
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose
from crm_core.read.phrases import NEWEST, WORDS
from web.calls import all_calls
from web.listing import Listed
from web.pages import Pages, is_set, midnight, read_filters, render, turn, users_to_choose
from web.rights import HEAR_RECORDINGS, VIEW_CALLS, require
from web.said import SaidFilters, look
from web.services import services
from web.sessions import person

pages = Pages()


class SaidOnPage(SaidFilters, Listed):
    """The filters of the page; days are those of the reader, both included."""

    since: date | None = None
    until: date | None = None
    limit: int = 20


@pages.get("/calls/said", right=HEAR_RECORDINGS)
async def show_said(request: web.Request) -> web.Response:
    """The calls in which it was said, with the words marked and the way to that second of the sound."""
    who, filters = person(request), read_filters(request, SaidOnPage)
    require(who, VIEW_CALLS)
    async with services(request).db.begin() as session:
        found = await look(
            session,
            who,
            filters,
            now=services(request).now(),
            since=midnight(filters.since, who),
            until=midnight(filters.until and filters.until + timedelta(days=1), who),
            after=filters.after,
            limit=filters.limit,
        )
        context = {
            "filters": filters,
            "filters_set": is_set(filters),
            "rows": found.rows,
            "pages": turn(request, found),
            "everybody": all_calls(who),
            "colleagues": await users_to_choose(session),
            "lines": await lines_to_choose(session),
            "queues": [(name, name) for name in await queues_to_choose(session)],
            "outcomes": await choices(session),
            "tags": [(tag.id, tag.name) for tag in await list_tags(session)],
            "only_newest": None if await is_ready(session, WORDS) else NEWEST,
        }
    return render(request, "said.html", context)
