"""The page that leads to every setting one may see or change."""

from aiohttp import web

from web.menu import settings_of
from web.pages import Pages, render
from web.rights import VIEW_STATUS
from web.sessions import person

pages = Pages()


@pages.get("/settings", right=VIEW_STATUS)
async def show_settings(request: web.Request) -> web.Response:
    """Every setting by subject."""
    return render(request, "settings.html", {"groups": settings_of(person(request))})
