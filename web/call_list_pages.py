"""Pages of call lists: how far each has come, and one of them with its people, its rules and what came of it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode

from aiohttp import web
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call_list import CallList, Page, State, get_list
from crm_core.call_list_feed import fitting
from crm_core.call_script import list_scripts
from crm_core.errors import Invalid, NotFound
from crm_core.outcome import choices
from crm_core.read.call_lists import Progress, load_entries, load_lists, load_progress, load_results
from crm_core.saved_view import SavedView, filters
from crm_core.segment import get_segment
from crm_core.user import User
from web import call_lists
from web.call_lists import EntriesQuery, NewList, change, make
from web.customers import CustomerFilters
from web.forms import checked, id_or_none, settle, whole_or_none
from web.listing import possible
from web.order_pages import refused
from web.orders import OrderFilters
from web.pages import (
    DONE,
    Flash,
    Pages,
    go,
    number_in,
    read_filters,
    render,
    teams_to_choose,
    turn,
    users_to_choose,
)
from web.reach import narrowed
from web.rights import RUN_CALL_LISTS
from web.say import local_instant
from web.services import services
from web.sessions import person

pages = Pages()
UNANSWERED = "_"
PARTS = ("done", "reached", "tried", "refused", "gone", "by_hand", "open")
MODELS: Mapping[str, Any] = {Page.CUSTOMERS: CustomerFilters, Page.ORDERS: OrderFilters}
WORDS = {
    "query": "search",
    "segment_id": "segment",
    "mark": "mark",
    "manager_id": "manager",
    "open_only": "open",
    "older_h": "placed over",
    "unpaid": "not paid",
    "needs_call": "needs a call",
    "shop_id": "shop",
}


@pages.get("/call-lists", right=RUN_CALL_LISTS)
async def show_lists(request: web.Request) -> web.Response:
    """Every list and how far it has come."""
    parts = services(request)
    async with parts.db.begin() as session:
        progress = await load_progress(session, parts.now())
        lists = await load_lists(session)
        names = dict(await users_to_choose(session))
        teams = dict(await teams_to_choose(session))
    rows = [(it, progress.get(it.id, Progress()), who_works(it, names, teams)) for it in lists]
    context = {"rows": [(it, p, who, bar(p)) for it, p, who in rows]}
    return render(request, "call_lists.html", context)


@pages.post("/call-lists", right=RUN_CALL_LISTS)
async def add_list(request: web.Request) -> web.Response:
    """Make a list of the filters that a page has, to be looked at before it begins."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        page = typed.get("page", "").strip("/")
        if page not in MODELS:
            raise Invalid("A call list is made of customers or of orders.", "page")
        given = checked(MODELS[page], {}, **_plain(dict(parse_qsl(filters(typed.get("query", ""))))))
        with narrowed(request):
            async with services(request).db.begin() as session:
                name = typed.get("name") or await _name(request, session, page, typed.get("query", ""))
                body = NewList(name=name, **{page: given})
                with possible():
                    made = await make(request, session, body, State.PAUSED)
        return go(f"/call-lists/{made.id}", "list_made")

    return await settle(request, step, lambda flash, typed: refused(request, flash, "/call-lists"))


@pages.get("/call-lists/{list_id}", right=RUN_CALL_LISTS)
async def show_list(request: web.Request) -> web.Response:
    """One list."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    list_id, query, now = (
        number_in(request, "list_id"),
        read_filters(request, EntriesQuery),
        services(request).now(),
    )
    async with services(request).db.begin() as session:
        it = await get_list(session, list_id)
        progress = (await load_progress(session, now)).get(list_id, Progress())
        found = await load_entries(session, list_id, **query.model_dump())
        results = await load_results(session, list_id)
        people, teams = await users_to_choose(session), await teams_to_choose(session)
        scripts = [(script.id, script.name) for script in await list_scripts(session) if script.active]
        outcomes = await choices(session)
        said = await _said(session, it)
        try:
            await fitting(session, it, now)
        except (Invalid, NotFound) as wrong:
            flash = flash or Flash("bad", str(wrong))
    rules = {rule.outcome: rule for rule in it.rules}
    context = {
        "it": it,
        "progress": progress,
        "bar": bar(progress),
        "parts_of": PARTS,
        "which": query.which,
        "rows": found.rows,
        "pages": turn(request, found),
        "results": results,
        "most": max((number for _, number in results), default=1),
        "works": who_works(it, dict(people), dict(teams)),
        "colleagues": people,
        "teams": teams,
        "scripts": scripts,
        "rules": [(code or UNANSWERED, label, rules.get(code)) for code, label in _outcomes(outcomes)],
        "made_of": f"/{it.page}?{urlencode(it.filters)}",
        "said": said,
        "new": request.query.get("done") == "list_made",
    }
    return render(request, "call_list.html", context, flash=flash, typed=typed)


@pages.post("/call-lists/{list_id}", right=RUN_CALL_LISTS)
async def change_list(request: web.Request) -> web.Response:
    """Keep what the form says of a list, or begin, pause, close it, or add who fits by now (`do`)."""
    list_id = number_in(request, "list_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        act = typed.get("do", "save")
        if act == "feed":
            fed = await call_lists.post_feed(request, list_id)
            return go(f"/call-lists/{list_id}", "list_fed" if fed.added else "list_same")
        version = whole_or_none(typed.get("version", ""), "version")
        changes: dict[str, Any] = {"state": act} if act in tuple(State) else await _typed(request, typed)
        body = checked(call_lists.ListChange, {}, version=version, **changes)
        async with services(request).db.begin() as session:
            await change(
                request,
                session,
                list_id,
                body.version,
                body.model_dump(exclude_unset=True, exclude={"version"}),
            )
        return go(f"/call-lists/{list_id}", f"list_{act}" if act in tuple(State) else "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/call-lists/{list_id}/entries/{entry_id}", right=RUN_CALL_LISTS)
async def change_entry(request: web.Request) -> web.Response:
    """Take somebody off the list with the reason, or put him back."""
    list_id, entry_id = number_in(request, "list_id"), number_in(request, "entry_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        if typed.get("do") == "open":
            await call_lists.post_open(request, list_id, entry_id)
            return go(f"/call-lists/{list_id}", "put_back")
        await call_lists.post_close(request, list_id, entry_id, checked(call_lists.TakenOff, typed))
        return go(f"/call-lists/{list_id}", "taken_off")

    return await settle(request, step, lambda flash, typed: _page(request, flash, {}))


async def _typed(request: web.Request, typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form of a list says."""
    who = person(request)
    moments = {
        name: local_instant(typed[name], who, name) if typed.get(name) else None
        for name in ("starts_at", "ends_at")
    }
    form = await request.post()
    kind, _, chosen = typed.get("works", "").partition(":")
    several = [id_or_none(str(value), "user_ids") for value in form.getall("user_ids", [])]
    async with services(request).db.begin() as session:
        codes = [code for code, _ in _outcomes(await choices(session))]
    return {
        "name": typed.get("name", ""),
        "text": typed.get("text", ""),
        "team_id": id_or_none(chosen, "team_id") if kind == "team" else None,
        "user_ids": [id_ for id_ in several if id_ is not None] if kind == "people" else [],
        "script_id": id_or_none(typed.get("script_id", ""), "script_id"),
        "grows": typed.get("grows") == "yes",
        "drops": typed.get("drops") == "yes",
        "rules": [rule for code in codes if (rule := _rule(typed, code)) is not None],
        **({"starts_at": moments["starts_at"]} if moments["starts_at"] else {}),
        "ends_at": moments["ends_at"],
    }


def _rule(typed: Mapping[str, str], code: str | None) -> dict[str, Any] | None:
    """The rule of one outcome; none: it finishes, which only for calls that nobody answers must be said."""
    named = code or UNANSWERED
    hours = typed.get(f"after-{named}", "").replace(",", ".")
    if not hours:
        return {"outcome": None, "after_minutes": None, "most_attempts": 1} if code is None else None
    try:
        minutes = round(float(hours) * 60)
    except (ValueError, OverflowError):
        raise Invalid("Write the hours as a number, such as 4 or 0.5.", "rules") from None
    most = whole_or_none(typed.get(f"most-{named}", ""), "attempts") or 3
    return {"outcome": code, "after_minutes": minutes, "most_attempts": most}


def _outcomes(known: Mapping[str, str]) -> list[tuple[str | None, str]]:
    return [(None, "Nobody answered"), *known.items()]


def who_works(it: CallList, names: Mapping[int, str], teams: Mapping[int, str]) -> str | None:
    """Who works on a list, in words; None: anyone."""
    named = [names[id_] for id_ in it.user_ids if id_ in names]
    named += [name for id_, name in teams.items() if id_ == it.team_id]
    return ", ".join(named) or None


def bar(progress: Progress) -> list[tuple[str, float, float]]:
    """The parts of the bar: what, where it begins, how wide, in per cent."""
    found, at = [], 0.0
    for part in PARTS:
        wide = 100 * getattr(progress, part) / (progress.all or 1)
        if wide:
            found.append((part, round(at, 2), round(wide, 2)))
        at += wide
    return found


async def _said(session: AsyncSession, it: CallList) -> list[tuple[str, str]]:
    """The filters in words."""
    found = []
    for name, value in it.filters.items():
        if name == "segment_id":
            try:
                value = (await get_segment(session, value)).name
            except NotFound:
                value = "?"
        elif name == "manager_id" and value:
            value = await session.scalar(select(User.name).where(User.id == value)) or "?"
        elif name == "older_h":
            value = f"{value} h ago"
        found.append((WORDS.get(name, name.replace("_", " ")), "" if value is True else str(value)))
    return found


async def _name(request: web.Request, session: AsyncSession, page: str, query: str) -> str:
    """The name of the view or segment that these filters are, else the page's with the day."""
    own = (SavedView.user_id == person(request).user_id, SavedView.page == f"/{page}")
    view = await session.scalar(
        select(SavedView.name).where(*own, SavedView.query == filters(query)).limit(1)
    )
    if view:
        return str(view)
    only = dict(parse_qsl(filters(query)))
    if set(only) == {"segment_id"} and only["segment_id"].isdecimal():
        return (await get_segment(session, int(only["segment_id"]))).name
    return f"{'Customers' if page == Page.CUSTOMERS else 'Orders'} of {services(request).now():%d %b}"


def _plain(given: Mapping[str, str]) -> dict[str, Any]:
    """Filters of an address as the body of a request has them."""
    known = {"true": True, "false": False}
    return {name: known.get(value, value) for name, value in given.items()}


DONE.update(
    list_made="The list is made and waits. Say what to tell them and who calls, then begin.",
    list_open="Operators get them now with “Next”.",
    list_paused="Nobody gets them until you go on.",
    list_closed="The list is closed.",
    list_fed="Those who fit by now are on the list.",
    taken_off="Taken off the list.",
    put_back="On the list again.",
    list_same="Everybody who fits is on the list already.",
)
