"""What goes with a sale: words, tags and manners of talk in calls that became orders, in the API and on a page."""

from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_talk import Manner
from crm_core.figure.moments import FEWEST, FEWEST_CALLS, Kind, Moment, is_enough
from crm_core.read.figure_labels import lines_to_choose, queues_to_choose
from crm_core.read.moments import MOST_CALLS, Moments, load_moments
from web.api import Operations
from web.fields import Answer
from web.figures import Asked, Days, asked
from web.listing import possible
from web.own import within
from web.pages import Pages, is_set, read_filters, render, users_to_choose
from web.rights import HEAR_RECORDINGS, VIEW_CALLS, VIEW_FIGURES, Person, require
from web.services import services
from web.sessions import person

operations = Operations("figures")
pages = Pages()
MANNERS = {
    Manner.SILENT: "Long silence",
    Manner.ONE_SIDED: "Mostly the operator talked",
    Manner.BROKE_IN: "The operator broke in often",
    Manner.MONOLOGUE: "Minutes without a stop",
}
SHOWN = 40  # of those that may be chance
DAYS = 90


class MomentsQuery(Days):
    """Of which days and whose calls; without days those of the last ninety."""


class MomentAnswer(Answer):
    """Something in calls. `key`: id of a tag, code of a manner, or words; `name`: as people
    read it; `side`: who said it, null: anybody.
    `low`, `high`: the conversion with it less that without it lies between these (95 %); `chance`: among all that were
    compared; `marked`: no chance."""

    kind: Kind
    key: str
    name: str
    side: str | None
    calls: int
    sold: int
    calls_without: int
    sold_without: int
    low: float
    high: float
    chance: float
    marked: bool


class MomentsAnswer(Answer):
    """`calls` with a text that were read, of them `sold`; `enough`: whether anything can be said. `more`: there are
    older texts, which were not read."""

    calls: int
    sold: int
    enough: bool
    more: bool
    compared: int
    moments: list[MomentAnswer]


@operations.get("/figures/moments", right=VIEW_FIGURES, errors=(409,))
async def get_moments(request: web.Request, query: MomentsQuery) -> MomentsAnswer:
    """What goes with a sale, what is no chance first; of calls that one may see and hear."""
    async with services(request).db.snapshot() as session:
        with possible():
            _, found = await _load(session, person(request), query, request)
    return MomentsAnswer(
        calls=found.calls.calls,
        sold=found.calls.sold,
        enough=is_enough(found.calls),
        more=found.more,
        compared=len(found.found),
        moments=[_answer(it, found) for it in found.found],
    )


@pages.get("/figures/moments", right=VIEW_FIGURES)
async def show_moments(request: web.Request) -> web.Response:
    """What goes with a sale, each with the calls in which it was said."""
    who, filters = person(request), read_filters(request, MomentsQuery)
    async with services(request).db.snapshot() as session:
        it, found = await _load(session, who, filters, request)
        context: dict[str, Any] = {
            "colleagues": await users_to_choose(session),
            "lines": await lines_to_choose(session),
            "queues": [(name, name) for name in await queues_to_choose(session)],
        }
    sure = [one for one in found.found if one.marked]
    context |= {
        "asked": it,
        "filters": filters,
        "filters_set": is_set(filters),
        "own": it.within.operators is not None,
        "found": found,
        "enough": is_enough(found.calls),
        "marked": [(one, name_of(one, found), _there(one, it, filters)) for one in sure],
        "rest": [
            (one, name_of(one, found), _there(one, it, filters)) for one in found.found[len(sure) :][:SHOWN]
        ],
        "scale": max((abs(end) for one in found.found for end in (one.low, one.high)), default=1.0),
        "fewest": FEWEST,
        "fewest_calls": FEWEST_CALLS,
        "most_calls": MOST_CALLS,
    }
    return render(request, "moments.html", context)


async def _load(
    session: AsyncSession, who: Person, query: Days, request: web.Request
) -> tuple[Asked, Moments]:
    require(who, VIEW_CALLS)
    require(who, HEAR_RECORDINGS)
    it = await asked(session, query, who, services(request).now(), days=DAYS)
    found = await load_moments(session, it.period, it.rules, it.within, within(who, HEAR_RECORDINGS))
    return it, found


def name_of(it: Moment, found: Moments) -> str:
    """What it is called. Manners are words of ours."""
    heard = it.heard
    match heard.kind:
        case Kind.TAG:
            return found.tags[heard.key]
        case Kind.MANNER:
            return MANNERS[Manner(heard.key)]
    return heard.whole or heard.key


def _there(it: Moment, asked_for: Asked, filters: Days) -> dict[str, str]:
    """The lists of the calls with it: those that became orders, and all."""
    given: dict[str, Any] = {"since": asked_for.first.isoformat(), "until": asked_for.last.isoformat()}
    given |= filters.model_dump(include={"operator_id", "line_id", "queue", "source"})
    heard, page = it.heard, "/calls/said"
    match heard.kind:
        case Kind.TAG:
            given["tag_id"] = heard.key
        case Kind.MANNER:
            page = "/calls"
            given["manner"] = heard.key
        case Kind.WORDS:
            given |= {"query": f'"{heard.key}"', "side": heard.side}
    kept = {name: value for name, value in given.items() if value is not None}
    of_calls = heard.kind is Kind.MANNER
    return {
        sold: f"{page}?" + urlencode(kept | ({} if of_calls or sold == "all" else {"sold": sold}))
        for sold in ("yes", "all")
    }


def _answer(it: Moment, found: Moments) -> MomentAnswer:
    return MomentAnswer(
        kind=it.heard.kind,
        key=it.heard.key,
        name=name_of(it, found),
        side=it.heard.side,
        calls=it.here.calls,
        sold=it.here.sold,
        calls_without=it.without.calls,
        sold_without=it.without.sold,
        low=it.low,
        high=it.high,
        chance=it.chance,
        marked=it.marked,
    )
