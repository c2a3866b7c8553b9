"""Dashboards in the API: tiles of what somebody looks at every day, kept on the server."""

from enum import StrEnum
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field, StringConstraints, TypeAdapter

from crm_core import dashboard
from crm_core.dashboard import MOST_TILES, Dashboard
from crm_core.db import to_json
from crm_core.errors import Invalid
from crm_core.figure.figure import BY_CODE
from crm_core.report import Shared
from web.api import Operations
from web.fields import Answer, Given, Id, Name, Version
from web.listing import possible
from web.noted import note
from web.report import Time
from web.rights import KEEP_VIEWS
from web.services import services
from web.sessions import person

operations = Operations("dashboards")


class Kind(StrEnum):
    """What a tile tells of."""

    FIGURE = "figure"
    REPORT = "report"
    GOALS = "goals"
    FLOOR = "floor"
    ALERTS = "alerts"
    QUEUE = "queue"
    LIST = "list"


class Tile(Given):
    """One tile. A `figure` (its code) over a `time`; a kept `report_id`; a `list` as it was kept (`view_id`); of the
    other kinds nothing more is said. `wide`: two places."""

    kind: Kind
    wide: bool = False
    figure: Annotated[str, StringConstraints(max_length=40)] | None = None
    time: Time = Time.WEEK
    report_id: Id | None = None
    view_id: Id | None = None

    def check(self) -> None:
        """Raises `Invalid` when it does not say what its kind needs."""
        needed = {Kind.FIGURE: "figure", Kind.REPORT: "report_id", Kind.LIST: "view_id"}.get(self.kind)
        if needed is not None and getattr(self, needed) is None:
            raise Invalid(f"A tile of this kind needs {needed}.", "tiles")
        if self.figure is not None and self.figure not in BY_CODE:
            raise Invalid("There is no such figure.", "tiles")


class DashboardGiven(Given):
    """A dashboard; `shared`: who sees it besides oneself, each with what his own rights show him in its tiles."""

    name: Name
    shared: Shared = Shared.ME
    tiles: Annotated[list[Tile], Field(max_length=MOST_TILES)]


class DashboardChange(DashboardGiven):
    """The same with the version that was read."""

    version: Version


class DashboardAnswer(Answer):
    """A dashboard; `own`: one may change it."""

    id: int
    name: str
    shared: Shared
    own: bool
    version: int
    tiles: list[Tile]


@operations.get("/dashboards", right=KEEP_VIEWS)
async def get_dashboards(request: web.Request) -> list[DashboardAnswer]:
    """One's own dashboards and those that are shared with one."""
    async with services(request).db.begin() as session:
        found = await dashboard.list_dashboards(session, person(request).user_id)
    return [_told(request, it) for it in found]


@operations.post("/dashboards", right=KEEP_VIEWS, errors=(409,))
async def post_dashboard(request: web.Request, body: DashboardGiven) -> DashboardAnswer:
    """Put a dashboard together. 409 for a name one has already, or too many."""
    async with services(request).db.begin() as session:
        with possible():
            made = await dashboard.make_dashboard(session, user_id=person(request).user_id, **_facts(body))
        await note(session, request, "dashboard.make", made.id, name=made.name, shared=made.shared)
        return _told(request, made)


@operations.get("/dashboards/{dashboard_id}", right=KEEP_VIEWS, errors=(404,))
async def get_dashboard(request: web.Request, dashboard_id: Id) -> DashboardAnswer:
    """One of them."""
    async with services(request).db.begin() as session:
        user = person(request).user_id
        return _told(request, await dashboard.get_dashboard(session, dashboard_id, user_id=user))


@operations.put("/dashboards/{dashboard_id}", right=KEEP_VIEWS, errors=(404, 409))
async def put_dashboard(request: web.Request, dashboard_id: Id, body: DashboardChange) -> DashboardAnswer:
    """What one's own shall be. 409 when it was changed meanwhile."""
    async with services(request).db.begin() as session:
        with possible():
            kept = await dashboard.change_dashboard(
                session,
                dashboard_id,
                user_id=person(request).user_id,
                version=body.version,
                **_facts(body),
            )
        await note(session, request, "dashboard.change", kept.id, name=kept.name, shared=kept.shared)
        return _told(request, kept)


@operations.delete("/dashboards/{dashboard_id}", right=KEEP_VIEWS, errors=(404,))
async def delete_dashboard(request: web.Request, dashboard_id: Id) -> None:
    """Forget one's own."""
    async with services(request).db.begin() as session:
        user = person(request).user_id
        gone = await dashboard.remove_dashboard(session, dashboard_id, user_id=user)
        await note(session, request, "dashboard.remove", dashboard_id, name=gone.name)


def _facts(body: DashboardGiven) -> dict[str, Any]:
    for tile in body.tiles:
        tile.check()
    tiles = [tile.model_dump(mode="json", exclude_defaults=True) for tile in body.tiles]
    return {"name": body.name, "shared": body.shared, "tiles": tiles}


def tiles_of(it: Dashboard) -> list[Tile]:
    """What is kept, as tiles."""
    return TypeAdapter(list[Tile]).validate_json(to_json(it.tiles))


def _told(request: web.Request, it: Dashboard) -> DashboardAnswer:
    return DashboardAnswer(
        id=it.id,
        name=it.name,
        shared=Shared(it.shared),
        own=it.user_id == person(request).user_id,
        version=it.version,
        tiles=tiles_of(it),
    )
