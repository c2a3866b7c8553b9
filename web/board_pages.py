"""The board of deals: a column for each stage of a funnel, with its sums; cards go from one to another."""

from collections.abc import Mapping
from urllib.parse import urlencode

from aiohttp import web

from crm_core.deal import update_deal
from crm_core.funnel import list_funnels, list_lost_reasons
from crm_core.read.deals import list_deals, sum_stages
from web.deal_pages import DealFilters, move_of, moves, wanted
from web.deals import DealChange
from web.forms import checked, settle
from web.order_pages import refused
from web.pages import Flash, Pages, go, is_set, number_in, read_filters, render, users_to_choose
from web.rights import EDIT_DEALS, VIEW_DEALS
from web.services import services
from web.sessions import person

pages = Pages()
SHOWN = 50
"""Cards of a column; the rest is in the list."""


@pages.get("/deals/board", right=VIEW_DEALS)
async def show_board(request: web.Request) -> web.Response:
    """One funnel as a board; the filters are those of the list."""
    who, parts = person(request), services(request)
    filters = read_filters(request, DealFilters)
    async with parts.db.begin() as session:
        funnels = await list_funnels(session)
        reasons = await list_lost_reasons(session, active=True)
        colleagues = await users_to_choose(session)
        offered = [it for it in funnels if it.active or it.id == filters.funnel_id] or funnels
        funnel = next((it for it in offered if it.id == filters.funnel_id), offered[0])
        only = wanted(filters, who, parts.now()) | {"funnel_id": funnel.id}
        only = {name: value for name, value in only.items() if name not in ("after", "limit", "stage")}
        sums = await sum_stages(session, **only)
        found = {
            stage.code: (await list_deals(session, stage=stage.code, limit=SHOWN, **only)).rows
            for stage in funnel.stages
        }
    columns = []
    for stage in funnel.stages:
        here = [it for it in sums if it.stage == stage.code]
        deals, rows = sum(it.deals for it in here), found[stage.code]
        columns.append(
            {"stage": stage, "rows": rows, "sums": here, "deals": deals, "more": deals - len(rows)}
        )
    kept = {name: value for name, value in request.query.items() if value and name not in ("done", "stage")}
    kept["funnel_id"] = str(funnel.id)
    context = {
        "funnel": funnel,
        "funnels": [(it.id, it.name) for it in offered],
        "columns": columns,
        "moves": moves(funnel, reasons),
        "reasons": reasons,
        "colleagues": colleagues,
        "filters": filters,
        "filters_set": is_set(filters.model_copy(update={"funnel_id": None})),
        "as_list": urlencode(kept),
        "here_again": urlencode(kept),
        "may_edit": who.may(EDIT_DEALS),
    }
    return render(request, "board.html", context)


@pages.post("/deals/{deal_id}/move", right=EDIT_DEALS)
async def move_deal(request: web.Request) -> web.Response:
    """Bring a deal into another stage, and go back to the board as it was."""
    parts, deal_id = services(request), number_in(request, "deal_id")

    def back(typed: Mapping[str, str]) -> str:
        return f"/deals/board?{typed.get('back', '')[:500]}".rstrip("?")

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {"version": typed.get("version", "")}
        body = checked(DealChange, given, **move_of(typed))
        changes = body.model_dump(exclude_unset=True, exclude={"version"})
        async with parts.db.begin() as session:
            await update_deal(
                session,
                deal_id,
                version=body.version,
                changes=changes,
                at=parts.now(),
                user_id=person(request).user_id,
            )
        return go(back(typed))

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await refused(request, flash, back(typed))

    return await settle(request, step, again)
