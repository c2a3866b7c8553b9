"""The supervisor's board: one page that scripts fill with what the push server tells, and the same for a wall."""

from aiohttp import web

from web.pages import Pages, render
from web.rights import (
    CONTROL_CALLS,
    LISTEN_CALLS,
    SET_AGENTS,
    VIEW_CALLS,
    VIEW_CUSTOMERS,
    VIEW_FLOOR,
    Right,
    Scope,
)
from web.sessions import person

pages = Pages()
ASKED: tuple[Right, ...] = (SET_AGENTS, CONTROL_CALLS, VIEW_CALLS, VIEW_CUSTOMERS)
"""Rights that decide which buttons a row has; the server asks for them again when one is pressed."""


@pages.get("/floor", right=VIEW_FLOOR)
async def show_floor(request: web.Request) -> web.Response:
    """The board, with menu and buttons."""
    return _board(request, wall=False)


@pages.get("/floor/wall", right=VIEW_FLOOR)
async def show_wall(request: web.Request) -> web.Response:
    """The board for a screen on the wall: large, without menu."""
    return _board(request, wall=True)


def _board(request: web.Request, *, wall: bool) -> web.Response:
    who = person(request)
    may = [str(right) for right in ASKED if who.scope(right) is Scope.ALL]
    may += [str(LISTEN_CALLS)] if who.may(LISTEN_CALLS) else []  # whom he may not listen to is refused
    return render(request, "floor.html", {"wall": wall, "may_all": " ".join(may)})
