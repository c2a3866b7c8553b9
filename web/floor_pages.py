"""The supervisor's board: one page that scripts fill with what the push server tells, and the same for a wall; and what
would become of the floor without somebody."""

from datetime import datetime
from typing import Annotated

from aiohttp import web
from pydantic import Field

from crm_core.errors import NotFound
from web.api import Operations
from web.fields import Answer, Given, Id
from web.pages import Pages, render
from web.rights import (
    CONTROL_CALLS,
    LISTEN_CALLS,
    SET_AGENTS,
    VIEW_CALLS,
    VIEW_CUSTOMERS,
    VIEW_FIGURES,
    VIEW_FLOOR,
    Right,
    Scope,
    require,
)
from web.services import services
from web.sessions import person

operations = Operations("floor")
pages = Pages()
ASKED: tuple[Right, ...] = (SET_AGENTS, CONTROL_CALLS, VIEW_CALLS, VIEW_CUSTOMERS, VIEW_FIGURES)
"""Rights that decide which buttons a row has; the server asks for them again when one is pressed."""


class WhatIfQuery(Given):
    """For how long he would be away."""

    minutes: Annotated[int, Field(ge=5, le=120)] = 30


class SomebodyAnswer(Answer):
    """An operator."""

    id: int
    name: str


class SlotAnswer(Answer):
    """A time to begin it, and the share in time then."""

    at: datetime
    level: float


class WhatIfAnswer(Answer):
    """Shares (0..1) answered in time of the next minutes, with him and without; `present` false: he is away now.
    `best`: when it would hurt least, where the weeks before tell of a better time. `queues`: those that hang together
    with his, `callers_an_hour` and `handle_s` what they were played from."""

    operator: SomebodyAnswer
    minutes: int
    present: bool
    queues: list[str]
    with_him: float
    without_him: float
    best: SlotAnswer | None
    callers_an_hour: int
    handle_s: int


@operations.get("/floor/operators/{user_id}/what-if", right=VIEW_FLOOR, errors=(404, 409))
async def get_what_if(request: web.Request, user_id: Id, query: WhatIfQuery) -> WhatIfAnswer:
    """What becomes of the service level when this operator leaves now. 403 for whoever sees no figures of queues, 409
    when too few called to tell."""
    who = person(request)
    whose = who.whose(VIEW_FLOOR)
    if whose is not None and user_id not in whose:
        raise NotFound(f"There is no operator {user_id} on the floor.")
    require(who, VIEW_FIGURES, Scope.ALL)
    return WhatIfAnswer.model_validate(await services(request).live.what_if(user_id, query.minutes))


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
