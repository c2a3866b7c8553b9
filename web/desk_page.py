"""The operator's desk: one page that scripts fill with what the push server tells."""

from aiohttp import web

from web.pages import Pages, render
from web.rights import VIEW_CUSTOMERS

pages = Pages()


@pages.get("/", right=VIEW_CUSTOMERS)
async def show_desk(request: web.Request) -> web.Response:
    """The desk of whoever is signed in."""
    return render(request, "desk.html", {}, active="desk")
