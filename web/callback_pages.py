"""Pages of callbacks: the list by urgency, one with its calls, the form that plans one."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.callback import State, own_zone
from crm_core.calling_hours import load_calling
from crm_core.errors import Invalid
from crm_core.phone import normalise
from crm_core.read.callbacks import (
    count_callbacks,
    list_callbacks,
    load_callback,
    load_callback_calls,
)
from crm_core.read.customers import load_customer
from crm_core.team import list_teams
from web import callbacks
from web.callback_when import load_when
from web.callbacks import CallbackChange, CallbacksQuery, NewCallback, with_engaged
from web.forms import checked, fields, id_or_none, settle
from web.number_owner import owners_seen
from web.pages import (
    Flash,
    Pages,
    day_end,
    go,
    local_instant,
    number_in,
    read_filters,
    render,
    turn,
    users_to_choose,
)
from web.rights import EDIT_CALLBACKS, VIEW_CALLBACKS
from web.say import zone_of
from web.services import services
from web.sessions import person

pages = Pages()
TABS = ("overdue", "today", "planned", "done")
SOON = timedelta(hours=1)
THEIRS = "theirs"  # the clock by which a time was typed
NOBODY = "none"  # chosen where several customers have a number: it is none of them


@pages.get("/callbacks", right=VIEW_CALLBACKS)
async def show_callbacks(request: web.Request) -> web.Response:
    """One tab of the list; without a choice the first that needs somebody."""
    parts, who = services(request), person(request)
    filters = read_filters(request, CallbacksQuery)
    now, midnight = parts.now(), day_end(parts.now(), who)
    chosen = filters.model_dump(exclude={"which", "state", "mine"})
    async with parts.db.begin() as session:
        which, counts = await shown_tab(session, filters, now, midnight)
        found = await list_callbacks(
            session,
            now=now,
            day_end=midnight,
            which=which,
            mine=who.user_id if filters.mine else None,
            **chosen,
        )
        rows = await with_engaged(session, found.rows, now)
        people = await _people(session)
    context = {
        "filters": filters,
        "which": which,
        "counts": counts,
        "rows": rows,
        "pages": turn(request, found),
        "may_edit": who.may(EDIT_CALLBACKS),
        **people,
    }
    return render(request, "callbacks.html", context)


@pages.get("/callbacks/new", right=EDIT_CALLBACKS)
async def show_new(request: web.Request) -> web.Response:
    """The form that plans one, for a customer or a number."""
    return await _new_page(request, typed=dict(request.query))


async def _new_page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    given, parts = typed or {}, services(request)
    chosen, customer_id = _chosen(given)
    async with parts.db.begin() as session:
        owners = await owners_seen(request, session, given.get("number", "")) if customer_id is None else []
        if len(owners) == 1 and not chosen:
            customer_id, owners = owners[0].id, []
        customer = await load_customer(session, customer_id) if customer_id is not None else None
        known = customer.numbers[0].e164 if customer and customer.numbers else ""
        e164 = normalise(given.get("number") or known, country=parts.settings.country).e164
        at = await _typed_at(request, given, e164 or "", customer_id)
        when = await load_when(session, e164, customer_id, at, parts.now()) if e164 else None
        people = await _people(session)
    due_at = when.next_allowed if when else at
    context = {"customer": customer, "when": when, "e164": e164, "due_at": due_at, "owners": owners}
    context |= people
    return render(request, "callback_new.html", context, flash=flash, typed=given)


def _chosen(typed: Mapping[str, str]) -> tuple[bool, int | None]:
    """Whether somebody said who it is, and who (None: nobody of those who have the number)."""
    said = typed.get("customer_id", "")
    if not said or typed.get("asked_for", typed.get("number")) != typed.get("number"):
        return False, None  # a number that was put right since is another question
    return True, None if said == NOBODY else id_or_none(said, "customer_id")


async def _whose(request: web.Request, typed: Mapping[str, str]) -> int | None:
    """Who it is: as chosen, else the customer who has the number. Raises `Invalid` where several have it."""
    chosen, customer_id = _chosen(typed)
    if chosen:
        return customer_id
    async with services(request).db.begin() as session:
        owners = await owners_seen(request, session, typed.get("number", ""))
    if len(owners) > 1:
        raise Invalid(f"{len(owners)} customers have this number. Say which of them it is.", "customer_id")
    return owners[0].id if owners else None


async def shown_tab(
    session: AsyncSession, filters: CallbacksQuery, now: datetime, midnight: datetime
) -> tuple[str, dict[str, int]]:
    """The tab that the address means, else the first that needs somebody; and the figures on all of them."""
    counts = await count_callbacks(session, now=now, day_end=midnight)
    first = next((tab for tab in counts if counts[tab]), "today")
    return filters.which if filters.which in TABS else first, counts


@pages.post("/callbacks", right=EDIT_CALLBACKS)
async def add_callback(request: web.Request) -> web.Response:
    """Plan a callback; a form that is refused comes back with a moment that is allowed."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        customer_id = await _whose(request, typed)
        given = await given_by(request, typed, typed.get("number", ""), customer_id)
        body = checked(NewCallback, typed, **given, customer_id=customer_id)
        made = await callbacks.post_callback(request, body)
        return go(
            f"/customers/{made.customer_id}" if made.customer_id else f"/callbacks/{made.id}", "planned"
        )

    return await settle(request, step, lambda flash, typed: _new_page(request, flash, typed))


@pages.get("/callbacks/{callback_id}", right=VIEW_CALLBACKS)
async def show_callback(request: web.Request) -> web.Response:
    """One callback: whom, when on both clocks, its calls, and the form that changes it."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts, callback_id = services(request), number_in(request, "callback_id")
    async with parts.db.begin() as session:
        found = await load_callback(session, callback_id)
        [row] = await with_engaged(session, [found], parts.now())
        calls = await load_callback_calls(session, callback_id)
        at = await _typed_at(request, typed or {}, row.number, row.customer_id, row.due_at)
        when = await load_when(session, row.number, row.customer_id, at, parts.now())
        calling = await load_calling(session)
        people = await _people(session)
    context = {
        "row": row,
        "calls": calls,
        "when": when,
        "due_at": when.next_allowed if typed else row.due_at,
        "there": zone_of(row.timezone),
        "most": row.most_attempts or calling.most,
        "every": row.repeat_minutes or int(calling.repeat.total_seconds() // 60),
        "may_edit": person(request).may(EDIT_CALLBACKS),
        **people,
    }
    return render(request, "callback.html", context, flash=flash, typed=typed)


@pages.post("/callbacks/{callback_id}", right=EDIT_CALLBACKS)
async def close_callback(request: web.Request) -> web.Response:
    """Close a callback as done or cancelled, or open it again."""
    callback_id = number_in(request, "callback_id")
    typed = await fields(request)
    if typed.get("state") not in tuple(State):
        raise Invalid("A callback is open, done or cancelled.", "state")
    await callbacks.patch_callback(request, callback_id, CallbackChange(state=State(typed["state"])))
    done = "saved" if typed["state"] == State.OPEN else "closed"
    which = typed.get("which", "")
    return go(f"/callbacks?which={which}" if which in TABS else f"/callbacks/{callback_id}", done)


@pages.post("/callbacks/{callback_id}/change", right=EDIT_CALLBACKS)
async def change_callback(request: web.Request) -> web.Response:
    """Change when, whom and why."""
    callback_id = number_in(request, "callback_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        async with services(request).db.begin() as session:
            row = await load_callback(session, callback_id)
        given = await given_by(request, typed, row.number, row.customer_id)
        if given["due_at"] == row.due_at.replace(second=0, microsecond=0):
            del given["due_at"]  # what was planned before the hours were set may stay
        words = {name: typed[name] for name in ("reason", "note", "key", "draft") if name in typed}
        version = id_or_none(typed.get("version", ""), "version")
        await callbacks.patch_callback(
            request, callback_id, checked(CallbackChange, words, **given, version=version)
        )
        return go(f"/callbacks/{callback_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


async def _people(session: AsyncSession) -> dict[str, Any]:
    """Whom a callback may be for."""
    teams = [(team.id, team.name) for team, _ in await list_teams(session)]
    return {"colleagues": await users_to_choose(session), "teams": teams}


async def given_by(
    request: web.Request, typed: Mapping[str, str], number: str, customer_id: int | None
) -> dict[str, Any]:
    """What the form says in words of its own: the time by one clock or the other, whom, the repeat rule."""
    given: dict[str, Any] = {"due_at": await _due_at(request, typed, number, customer_id)}
    if "whom" in typed:
        kind, _, id_ = typed["whom"].partition(":")
        given["assigned_to"] = id_or_none(id_, "whom") if kind == "user" else None
        given["team_id"] = id_or_none(id_, "whom") if kind == "team" else None
    for name in ("repeat_minutes", "most_attempts", "order_id", "deal_id"):
        if name in typed:
            given[name] = id_or_none(typed[name], name)
    return given


async def _due_at(
    request: web.Request, typed: Mapping[str, str], number: str, customer_id: int | None
) -> datetime:
    """The moment that was typed. Raises `Invalid`."""
    due_at = local_instant(typed.get("due_at", ""), person(request), "due_at")
    if typed.get("clock") != THEIRS:
        return due_at
    parts = services(request)
    e164 = normalise(number, country=parts.settings.country).e164
    async with parts.db.begin() as session:
        zone = (await load_calling(session)).zone(e164 or "", await own_zone(session, customer_id))
    return due_at.replace(tzinfo=zone_of(zone))


async def _typed_at(
    request: web.Request,
    typed: Mapping[str, str],
    number: str,
    customer_id: int | None,
    otherwise: datetime | None = None,
) -> datetime:
    """The same for a form that is shown again: what can not be read is forgotten."""
    try:
        return await _due_at(request, typed, number, customer_id)
    except Invalid:
        return otherwise or services(request).now() + SOON
