"""The page of calls that wait to be linked or explained. Its script works with keys; without it forms do the same."""

from collections.abc import Mapping
from uuid import UUID

from aiohttp import web

from crm_core.read.unlinked import list_unlinked
from crm_core.unlinked import by_operator, count_waiting
from web.errors import Refusal
from web.forms import checked, settle
from web.pages import Flash, Pages, go, read_filters, render, turn
from web.rights import EDIT_CALLS, Scope
from web.services import services
from web.sessions import person
from web.unlinked import Settled, UnlinkedQuery, post_settled, whose

pages = Pages()
REASONS = (
    "Wrong number",
    "Private call",
    "Advertising",
    "Question answered, nothing ordered",
)  # offered, not required


@pages.get("/unlinked", right=EDIT_CALLS)
async def show_unlinked(request: web.Request) -> web.Response:
    """The list, those that wait longest first; for supervisors also who has how many."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who, filters = person(request), read_filters(request, UnlinkedQuery)
    everybody = who.scope(EDIT_CALLS) is Scope.ALL
    async with services(request).db.begin() as session:
        user_ids = whose(who, filters.operator_id)
        found = await list_unlinked(
            session,
            reader=who.circle(EDIT_CALLS),
            user_ids=user_ids,
            after=filters.after,
            limit=filters.limit,
        )
        context = {
            "filters": filters,
            "rows": found.rows,
            "pages": turn(request, found),
            "waiting": await count_waiting(session, user_ids),
            "owed": await by_operator(session) if everybody else [],
            "reasons": REASONS,
        }
    return render(request, "unlinked.html", context, flash=flash, typed=typed)


@pages.post("/unlinked", right=EDIT_CALLS)
async def settle_calls(request: web.Request) -> web.Response:
    """Link the ticked calls as suggested, or explain them."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        ticked = (await request.post()).getall("call_ids", [])
        chosen = [call_id for text in ticked if (call_id := _id(text)) is not None]
        if not chosen:
            raise Refusal(422, "Tick at least one call.")
        reason = typed.get("reason", "") if typed.get("do") == "explain" else None
        if reason == "":
            raise Refusal(422, "Say why these calls are about no order and no deal.")
        await post_settled(request, checked(Settled, {}, call_ids=chosen, reason=reason))
        return go("/unlinked", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _id(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None
