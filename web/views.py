"""Saved views: the filters of a list under a name, as chips above it and in the API."""

from typing import Annotated, Literal

from aiohttp import web
from pydantic import StringConstraints

from crm_core import saved_view
from crm_core.saved_view import SavedView
from web.api import Operations
from web.fields import VISIBLE, Answer, Given, Id
from web.forms import checked, fields
from web.listing import possible
from web.pages import Pages, go, number_in
from web.rights import KEEP_VIEWS
from web.services import services
from web.sessions import person

operations = Operations("views")
pages = Pages()
Listed = Literal[
    "/customers",
    "/orders",
    "/deals",
    "/deals/board",
    "/callbacks",
    "/calls",
    "/tasks",
    "/products",
    "/journal",
]
Name = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=VISIBLE)]
Query = Annotated[str, StringConstraints(max_length=2000)]


class ViewsQuery(Given):
    """Of which page."""

    page: Listed


class ViewGiven(Given):
    """Filters to keep: `query` as it stands in the address of `page`; `shared`: with one's team."""

    page: Listed
    name: Name
    query: Query
    shared: bool = False


class ViewAnswer(Answer):
    """A view; `address` shows it, `own`: one may forget it."""

    id: int
    page: str
    name: str
    query: str
    address: str
    shared: bool
    own: bool


@operations.get("/views", right=KEEP_VIEWS)
async def get_views(request: web.Request, query: ViewsQuery) -> list[ViewAnswer]:
    """One's own views of a page and those the team shares, by name."""
    async with services(request).db.begin() as session:
        found = await saved_view.list_views(session, person(request).user_id, query.page)
    return [_told(request, view) for view in found]


@operations.post("/views", right=KEEP_VIEWS, errors=(409,))
async def post_view(request: web.Request, body: ViewGiven) -> ViewAnswer:
    """Keep filters under a name; the same name again keeps the new ones. 409 without filters or team."""
    async with services(request).db.begin() as session:
        with possible():
            made = await saved_view.save_view(session, user_id=person(request).user_id, **body.model_dump())
        return _told(request, made)


@operations.delete("/views/{view_id}", right=KEEP_VIEWS)
async def delete_view(request: web.Request, view_id: Id) -> None:
    """Forget a view of one's own."""
    async with services(request).db.begin() as session:
        await saved_view.forget_view(session, view_id, user_id=person(request).user_id)


def _told(request: web.Request, view: SavedView) -> ViewAnswer:
    facts = {name: getattr(view, name) for name in ("id", "page", "name", "query", "address")}
    own = view.user_id == person(request).user_id
    return ViewAnswer(**facts, shared=view.team_id is not None, own=own)


@pages.post("/views", right=KEEP_VIEWS)
async def keep(request: web.Request) -> web.Response:
    """Keep the filters of the list that was shown, and show it again."""
    typed = await fields(request)
    made = await post_view(request, checked(ViewGiven, typed, shared=typed.get("shared") == "yes"))
    return go(made.address, "saved")


@pages.post("/views/{view_id}/remove", right=KEEP_VIEWS)
async def forget(request: web.Request) -> web.Response:
    """Forget a view, and show the whole list."""
    async with services(request).db.begin() as session:
        view = await saved_view.forget_view(
            session, number_in(request, "view_id"), user_id=person(request).user_id
        )
    return go(view.page, "saved")
