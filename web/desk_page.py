"""The operator's desk: one page that scripts fill with what the push server tells."""

from aiohttp import web

from crm_core.panel import frame_origins
from web.first_steps import first_steps
from web.middleware import FRAMES
from web.pages import Pages, go, render
from web.rights import VIEW_CUSTOMERS, VIEW_TASKS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/", right=VIEW_TASKS)
async def show_desk(request: web.Request) -> web.Response:
    """The desk of whoever is signed in; a courier's is his list of orders to bring."""
    if not person(request).may(VIEW_CUSTOMERS):
        return go("/courier")
    parts = services(request)
    async with parts.db.begin() as session:
        request[FRAMES] = await frame_origins(session)
        steps = await first_steps(parts, session, person(request))
    left = sum(not step.done for step in steps)
    return render(request, "desk.html", {"frames": request[FRAMES], "steps_left": left})
