"""The page of callbacks: overdue, due today, planned, done."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.callback import State, create_callback, update_callback
from crm_core.errors import Invalid
from crm_core.read.callbacks import count_callbacks, list_callbacks
from web.callbacks import CallbacksQuery, NewCallback
from web.forms import checked, fields, settle
from web.order_pages import refused
from web.pages import Flash, Pages, day_end, go, local_instant, number_in, read_filters, render, turn
from web.rights import EDIT_CALLBACKS, VIEW_CALLBACKS
from web.services import services
from web.sessions import person

pages = Pages()
TABS = ("overdue", "today", "planned", "done")


@pages.get("/callbacks", right=VIEW_CALLBACKS)
async def show_callbacks(request: web.Request) -> web.Response:
    """One tab of the list; without a choice the first that needs somebody."""
    parts, who = services(request), person(request)
    filters = read_filters(request, CallbacksQuery)
    now, midnight = parts.now(), day_end(parts.now(), who)
    async with parts.db.begin() as session:
        counts = await count_callbacks(session, now=now, day_end=midnight)
        which = (
            filters.which if filters.which in TABS else next((tab for tab in counts if counts[tab]), "today")
        )
        found = await list_callbacks(
            session,
            now=now,
            day_end=midnight,
            which=which,
            assigned_to=who.user_id if filters.mine else None,
            after=filters.after,
            limit=filters.limit,
        )
    context = {
        "filters": filters,
        "which": which,
        "counts": counts,
        "rows": found.rows,
        "pages": turn(request, found),
        "may_edit": who.may(EDIT_CALLBACKS),
    }
    return render(request, "callbacks.html", context)


@pages.post("/callbacks", right=EDIT_CALLBACKS)
async def add_callback(request: web.Request) -> web.Response:
    """Plan a callback from a customer's page."""
    parts, who = services(request), person(request)

    async def step(typed: Mapping[str, str]) -> web.Response:
        due_at = local_instant(typed.get("due_at", ""), who, "due_at")
        body = checked(NewCallback, typed, due_at=due_at)
        async with parts.db.begin() as session:
            await create_callback(
                session, country=parts.settings.country, created_by=who.user_id, **body.model_dump()
            )
        return go(f"/customers/{body.customer_id}" if body.customer_id else "/callbacks", "planned")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, f"/customers/{typed.get('customer_id', '')}")

    return await settle(request, step, again)


@pages.post("/callbacks/{callback_id}", right=EDIT_CALLBACKS)
async def close_callback(request: web.Request) -> web.Response:
    """Close a callback as done or cancelled, or open it again."""
    parts, callback_id = services(request), number_in(request, "callback_id")
    typed = await fields(request)
    if typed.get("state") not in tuple(State):
        raise Invalid("A callback is open, done or cancelled.", "state")
    async with parts.db.begin() as session:
        await update_callback(session, callback_id, {"state": typed["state"]}, at=parts.now())
    which = typed.get("which", "")
    return go(f"/callbacks?which={which}" if which in TABS else "/callbacks", "closed")
