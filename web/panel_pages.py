"""The page of panels: which pages of other systems stand beside the card, tried with made-up values."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.line import list_lines
from crm_core.panel import HOLES, Where, frame_origins, list_panels
from web import panels
from web.forms import checked, settle
from web.middleware import FRAMES
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_PANELS
from web.services import services

pages = Pages()
FLAGS = ("automatic", "own_origin")


@pages.get("/panels", right=EDIT_PANELS)
async def show_panels(request: web.Request) -> web.Response:
    """Every panel."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        rows = await list_panels(session)
        lines = [(line.id, line.name or line.did) for line, _ in await list_lines(session)]
        request[FRAMES] = await frame_origins(session, active=None)
    context = {"rows": rows, "lines": lines, "holes": HOLES, "places": list(Where)}
    return render(request, "panels.html", context, flash=flash, typed=typed)


def _said(typed: Mapping[str, str]) -> dict[str, Any]:
    """Ticks of the form: what is not ticked was meant so."""
    ids = [name.removeprefix("line") for name in typed if name.startswith("line")]
    return {name: name in typed for name in FLAGS} | {
        "line_ids": [int(it) for it in ids if it.isascii() and it.isdecimal()]
    }


@pages.post("/panels", right=EDIT_PANELS)
async def add_panel(request: web.Request) -> web.Response:
    """Add a panel."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await panels.post_panel(request, checked(panels.NewPanel, typed, **_said(typed)))
        return go("/panels", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/panels/{panel_id}", right=EDIT_PANELS)
async def change_panel(request: web.Request) -> web.Response:
    """Change a panel, or put it on no card."""
    panel_id = number_in(request, "panel_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        more = _said(typed) | {"active": "active" in typed}
        await panels.patch_panel(request, panel_id, checked(panels.PanelChange, typed, **more))
        return go("/panels", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/panels/{panel_id}/remove", right=EDIT_PANELS)
async def remove_panel(request: web.Request) -> web.Response:
    """Take a panel away."""
    await panels.delete_panel(request, number_in(request, "panel_id"))
    return go("/panels", "removed")
