"""The page of funnels: their stages in order, what goes with which status of an order, why deals are lost."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.funnel import MOST_STAGES, Kind, list_funnels, list_lost_reasons
from crm_core.status_list import offered
from web import funnels
from web.forms import checked, settle, whole_or_none
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_FUNNELS
from web.services import services

pages = Pages()
EMPTY_ROWS = 2  # for new stages, below those that there are


@pages.get("/funnels", right=EDIT_FUNNELS)
async def show_funnels(request: web.Request) -> web.Response:
    """Every funnel with its stages, and the reasons of lost deals."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        found = await list_funnels(session)
        reasons = await list_lost_reasons(session)
        statuses = await offered(session)
    context = {
        "funnels": found,
        "reasons": reasons,
        "statuses": [(it.code, it.name) for it in statuses],
        "empty_rows": EMPTY_ROWS,
    }
    return render(request, "funnels.html", context, flash=flash, typed=typed)


@pages.post("/funnels", right=EDIT_FUNNELS)
async def add_funnel(request: web.Request) -> web.Response:
    """Add a funnel."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await funnels.post_funnel(request, checked(funnels.NewFunnel, typed))
        return go(f"/funnels#funnel-{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/funnels/{funnel_id}", right=EDIT_FUNNELS)
async def change_funnel(request: web.Request) -> web.Response:
    """Change name, stages and their order; a stage without a name is taken away."""
    funnel_id = number_in(request, "funnel_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(
            funnels.FunnelChange,
            typed,
            version=whole_or_none(typed.get("version", ""), "version"),
            position=whole_or_none(typed.get("position", ""), "position"),
            active=typed.get("active") == "yes",
            needs_talk=typed.get("needs_talk") == "yes",
            stages=_stages(typed),
        )
        await funnels.patch_funnel(request, funnel_id, body)
        return go(f"/funnels#funnel-{funnel_id}", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/lost-reasons", right=EDIT_FUNNELS)
async def add_reason(request: web.Request) -> web.Response:
    """Add a reason why deals are lost."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await funnels.post_lost_reason(request, checked(funnels.NewReason, typed))
        return go("/funnels#reasons", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/lost-reasons/{reason_id}", right=EDIT_FUNNELS)
async def change_reason(request: web.Request) -> web.Response:
    """Rename a reason, or offer it no longer."""
    reason_id = number_in(request, "reason_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(funnels.ReasonChange, typed, active=typed.get("active") == "yes")
        await funnels.patch_lost_reason(request, reason_id, body)
        return go("/funnels#reasons", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _stages(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of the form that have a name, in the order of their places."""
    rows = []
    for n in range(MOST_STAGES + EMPTY_ROWS):
        if name := typed.get(f"name{n}", ""):
            place = whole_or_none(typed.get(f"place{n}", ""), "place") or 0
            stage = {
                "name": name,
                "kind": Kind(kind) if (kind := typed.get(f"kind{n}", "")) in set(Kind) else kind,
                "code": typed.get(f"code{n}") or None,
                "order_status": typed.get(f"status{n}") or None,
                "stuck_days": whole_or_none(typed.get(f"days{n}", ""), "stuck after"),
            }
            rows.append((place, n, stage))
    return [stage for _, _, stage in sorted(rows, key=lambda row: row[:2])]
