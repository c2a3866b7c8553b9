"""Pages of votes for those who work here: all within reach, and the page that a customer is sent."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote

from aiohttp import web

from crm_core.read.one_call import load_call
from crm_core.read.votes import list_votes, load_votes_of
from web import votes
from web.call_pages import call_id_of
from web.calls import all_calls, reader
from web.fields import Id
from web.forms import fields
from web.listing import Listed
from web.pages import Pages, is_set, midnight, read_filters, render, turn, users_to_choose
from web.rights import EDIT_CALLS, REVIEW_CALLS, VIEW_REVIEWS, Scope
from web.services import services
from web.sessions import person

pages = Pages()


class VoteFilters(Listed):
    """The filters of the page; days are those of the reader, both included."""

    operator_id: Id | None = None
    since: date | None = None
    until: date | None = None
    low: bool = False


@pages.get("/votes", right=VIEW_REVIEWS)
async def show_votes(request: web.Request) -> web.Response:
    """Votes within reach, the newest first, and what they come to."""
    who, filters = person(request), read_filters(request, VoteFilters)
    whose = who.whose(VIEW_REVIEWS)
    those: dict[str, Any] = {
        "operator_id": filters.operator_id,
        "since": midnight(filters.since, who),
        "until": midnight(filters.until and filters.until + timedelta(days=1), who),
    }
    async with services(request).db.begin() as session:
        found = await list_votes(
            session, whose=whose, low=filters.low, after=filters.after, limit=filters.limit, **those
        )
        context = {
            "rows": found.rows,
            "pages": turn(request, found),
            "averages": await load_votes_of(session, whose=whose, **those),
            "filters": filters,
            "filters_set": is_set(filters),
            "sees_others": who.scope(VIEW_REVIEWS) > Scope.OWN,
            "may_review": who.may(REVIEW_CALLS),
            "colleagues": await users_to_choose(session),
        }
    return render(request, "votes.html", context)


@pages.post("/calls/{call_id}/vote-link", right=EDIT_CALLS)
async def make_link(request: web.Request) -> web.Response:
    """Make the customer's page and show its address, which is kept nowhere."""
    await fields(request)
    made = await votes.post_vote_link(request, call_id_of(request))
    who = person(request)
    async with services(request).db.begin() as session:
        call = await load_call(session, call_id_of(request), **reader(who), everybody=all_calls(who))
    return render(
        request, "vote_link.html", {"call": call, "made": made, "ways": _ways(call.remote_e164, made.url)}
    )


def _ways(number: str | None, url: str) -> Mapping[str, str]:
    """Where a telephone or a mail program may take it from here."""
    text = quote(f"How was our call? Please tell us: {url}")
    return ({"sms": f"sms:{number}?body={text}"} if number else {}) | {"mail": f"mailto:?body={text}"}
