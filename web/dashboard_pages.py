"""The page of dashboards: tiles that fill themselves, put in order by their owner."""

from collections.abc import Mapping

from aiohttp import web
from pydantic import Field

from crm_core import dashboard
from crm_core.dashboard import Dashboard
from crm_core.errors import Conflict, NotFound
from crm_core.figure.figure import FIGURES
from crm_core.report import list_reports
from crm_core.saved_view import list_all_views
from web import dashboards
from web.dashboard_tiles import RIGHTS, heads, shown
from web.dashboards import DashboardGiven, Kind, Tile, tiles_of
from web.fields import Given, Version
from web.forms import checked, fields, settle
from web.pages import Flash, Pages, go, number_in, read_filters, render
from web.report import Time
from web.report_words import SHARED, TIMES
from web.rights import KEEP_VIEWS, VIEW_FIGURES, VIEW_FLOOR, VIEW_QUEUE, Person
from web.services import services
from web.sessions import person

pages = Pages()
EVERY_S = {Kind.FLOOR: 5, Kind.ALERTS: 5, Kind.QUEUE: 20, Kind.LIST: 30}
"""How often a tile asks again; the others once a minute."""
KINDS = {
    Kind.FIGURE: "A figure",
    Kind.REPORT: "A kept report",
    Kind.GOALS: "Goals",
    Kind.FLOOR: "The floor now",
    Kind.ALERTS: "Alerts",
    Kind.QUEUE: "Queue",
    Kind.LIST: "A kept list",
}


class OfVersion(Given):
    """Of which version the tile is asked for."""

    version: Version = Field(default=1)


@pages.get("/dashboard", right=KEEP_VIEWS)
async def show_first(request: web.Request) -> web.Response:
    """One's own first dashboard, else one that is shared, else how to make one."""
    async with services(request).db.begin() as session:
        found = await dashboard.list_dashboards(session, person(request).user_id)
    if found and "new" not in request.query:
        raise web.HTTPFound(f"/dashboard/{found[0].id}")
    return await _page(request, None)


@pages.get("/dashboard/{dashboard_id}", right=KEEP_VIEWS)
async def show_dashboard(request: web.Request) -> web.Response:
    """Its tiles; what stands in them comes piece by piece."""
    return await _page(request, number_in(request, "dashboard_id"))


@pages.get("/dashboard/{dashboard_id}/tile/{place}", right=KEEP_VIEWS)
async def show_tile(request: web.Request) -> web.Response:
    """What stands in one tile, the first of which is 1. 409 when the dashboard is another by now."""
    place, asked = number_in(request, "place"), read_filters(request, OfVersion)
    async with services(request).db.begin() as session:
        it = await dashboard.get_dashboard(
            session, number_in(request, "dashboard_id"), user_id=person(request).user_id
        )
        tiles = tiles_of(it)
    if it.version != asked.version:
        raise Conflict("This dashboard was changed meanwhile.")
    if not 1 <= place <= len(tiles):
        raise NotFound("There is no such tile.")
    tile = tiles[place - 1]
    return render(request, "dashboard_tile.html", {"tile": tile, "it": await shown(request, tile)})


@pages.post("/dashboard", right=KEEP_VIEWS)
async def make(request: web.Request) -> web.Response:
    """A new dashboard, with tiles to begin with."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = {"name": typed.get("name", ""), "shared": typed.get("shared", "me")}
        made = await dashboards.post_dashboard(
            request, checked(DashboardGiven, given, tiles=to_begin_with(person(request)))
        )
        return go(f"/dashboard/{made.id}", "created")

    async def again(flash: Flash, typed: Mapping[str, str]) -> web.Response:
        return await _page(request, None, flash=flash, typed=typed)

    return await settle(request, step, again)


@pages.post("/dashboard/{dashboard_id}/remove", right=KEEP_VIEWS)
async def remove(request: web.Request) -> web.Response:
    """Forget one's own."""
    await fields(request)
    await dashboards.delete_dashboard(request, number_in(request, "dashboard_id"))
    return go("/dashboard", "removed")


def to_begin_with(who: Person) -> list[Tile]:
    """Tiles of a new dashboard, as far as somebody's rights reach."""
    tiles = [
        Tile(kind=Kind.FLOOR),
        Tile(kind=Kind.ALERTS),
        Tile(kind=Kind.FIGURE, figure="answered", time=Time.TODAY),
        Tile(kind=Kind.FIGURE, figure="conversion", time=Time.WEEK),
        Tile(kind=Kind.FIGURE, figure="revenue", time=Time.MONTH, wide=True),
        Tile(kind=Kind.QUEUE),
        Tile(kind=Kind.GOALS),
    ]
    return [tile for tile in tiles if who.may(RIGHTS[tile.kind])]


async def _page(
    request: web.Request,
    dashboard_id: int | None,
    *,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
) -> web.Response:
    who = person(request)
    async with services(request).db.begin() as session:
        every = await dashboard.list_dashboards(session, who.user_id)
        it = next((one for one in every if one.id == dashboard_id), None)
        if dashboard_id is not None and it is None:
            raise NotFound("There is no such dashboard.")
        reports = [(one.id, one.name) for one in await list_reports(session, who.user_id)]
        views = [(one.id, one.name) for one in await list_all_views(session, who.user_id)]
    context = {
        "dashboards": every,
        "it": it,
        "mine": it is not None and it.user_id == who.user_id,
        "tiles": [] if it is None else _tiles(it, dict(reports), dict(views)),
        "kinds": _kinds(who, bool(reports), bool(views)),
        "figures": [(one.code, one.name) for one in FIGURES],
        "times": [(str(time), name) for time, name in TIMES.items()],
        "reports": reports,
        "kept": views,
        "shared": [(str(code), name) for code, name in SHARED.items()],
        "sees_floor": who.may(VIEW_FLOOR) or who.may(VIEW_QUEUE),
    }
    return render(request, "dashboard.html", context, flash=flash, typed=typed)


def _tiles(it: Dashboard, reports: Mapping[int, str], views: Mapping[int, str]) -> list[tuple[object, ...]]:
    return [
        (tile, tile.model_dump_json(exclude_defaults=True), *heads(tile, reports, views),
         EVERY_S.get(tile.kind, 60))
        for tile in tiles_of(it)
    ]  # fmt: skip


def _kinds(who: Person, reports: bool, views: bool) -> list[tuple[str, str]]:
    """What can be added, as far as one's rights reach and there is any."""
    there = {Kind.REPORT: reports and who.may(VIEW_FIGURES), Kind.LIST: views}
    return [
        (str(kind), name)
        for kind, name in KINDS.items()
        if there.get(kind, True) and (kind not in RIGHTS or who.may(RIGHTS[kind]))
    ]
