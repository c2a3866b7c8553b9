"""The page that leads to every setting one may see or change."""

from aiohttp import web

from web.first_steps import first_steps
from web.menu import settings_of
from web.pages import Pages, render
from web.rights import VIEW_STATUS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/settings", right=VIEW_STATUS)
async def show_settings(request: web.Request) -> web.Response:
    """Every setting by subject, below what a new house has to do first."""
    parts = services(request)
    async with parts.db.begin() as session:
        steps = await first_steps(parts, session, person(request))
    return render(request, "settings.html", {"groups": settings_of(person(request)), "steps": steps})
