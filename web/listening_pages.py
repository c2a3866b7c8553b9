"""The page of listening: whether operators are told, and who listened to whom."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.listening import list_heard, operators_told
from web import listening
from web.forms import settle
from web.pages import Flash, Pages, go, render
from web.rights import LISTEN_CALLS, SET_LISTENING
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/listening", right=LISTEN_CALLS)
async def show_listening(request: web.Request) -> web.Response:
    """The rule of the house, and the latest stays."""
    return await _page(request)


async def _page(request: web.Request, flash: Flash | None = None) -> web.Response:
    who = person(request)
    async with services(request).db.begin() as session:
        context = {
            "heard": await list_heard(session, operators=who.whose(LISTEN_CALLS)),
            "told": await operators_told(session),
            "may_set": who.may(SET_LISTENING),
        }
    return render(request, "listening.html", context, flash=flash)


@pages.post("/listening", right=SET_LISTENING)
async def set_rule(request: web.Request) -> web.Response:
    """Say whether operators are told."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = listening.NewListeningRule(told=typed.get("told") == "yes")
        await listening.put_listening_rule(request, body)
        return go("/listening", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))
