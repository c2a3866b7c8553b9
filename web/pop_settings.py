"""How one's own calls reach one: when the card opens, what sounds and shows besides. Everybody's own, in the API and as
a page; kept on the server, so that it is the same on whatever machine one sits at."""

from collections.abc import Mapping
from typing import Annotated

from aiohttp import web
from pydantic import Field

from crm_core.pop_setting import (
    LONGEST_MIN,
    LOUDEST,
    MOST_CARDS,
    Mode,
    PopSettings,
    pop_settings_of,
    save_pop_settings,
)
from web.api import Operations
from web.fields import Answer, Given
from web.forms import checked, settle
from web.noted import note
from web.pages import Flash, Pages, go, render
from web.rights import VIEW_AGENTS
from web.services import services
from web.sessions import person

operations = Operations("pop settings")
pages = Pages()
FLAGS = ("sound", "desktop", "badge")


class Wanted(Given):
    """What is wanted, whole. `volume` in per cent; `hide_min` null: an untouched card waits for its outcome."""

    mode: Mode
    sound: bool
    volume: Annotated[int, Field(ge=1, le=LOUDEST)]
    desktop: bool
    most_cards: Annotated[int, Field(ge=1, le=MOST_CARDS)]
    hide_min: Annotated[int, Field(ge=1, le=LONGEST_MIN)] | None = None
    badge: bool


class PopSettingsAnswer(Answer):
    """How your calls reach you."""

    mode: Mode
    sound: bool
    volume: int
    desktop: bool
    most_cards: int
    hide_min: int | None
    badge: bool


@operations.get("/pop-settings", right=VIEW_AGENTS)
async def get_pop_settings(request: web.Request) -> PopSettingsAnswer:
    """How your calls reach you."""
    async with services(request).db.begin() as session:
        return PopSettingsAnswer.model_validate(await pop_settings_of(session, person(request).user_id))


@operations.put("/pop-settings", right=VIEW_AGENTS)
async def put_pop_settings(request: web.Request, body: Wanted) -> PopSettingsAnswer:
    """Say how your calls shall reach you; every open page of yours does so at once."""
    wanted, who = PopSettings(**body.model_dump()), person(request)
    async with services(request).db.begin() as session:
        await save_pop_settings(session, who.user_id, wanted)
        await note(session, request, "pop_settings.save", who.user_id, **wanted.told())
    return PopSettingsAnswer.model_validate(wanted)


@pages.get("/my-desk", right=VIEW_AGENTS)
async def show_my_desk(request: web.Request) -> web.Response:
    """How calls reach whoever is signed in."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        now = (await pop_settings_of(session, person(request).user_id)).told()
    if typed is not None:
        now |= dict(typed) | {name: name in typed for name in FLAGS}
    limits = {"loudest": LOUDEST, "most": MOST_CARDS, "longest": LONGEST_MIN}
    return render(request, "my_desk.html", {"now_set": now, **limits}, flash=flash, typed=typed)


@pages.post("/my-desk", right=VIEW_AGENTS)
async def save_my_desk(request: web.Request) -> web.Response:
    """Keep how calls shall reach whoever is signed in."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        ticked = {name: name in typed for name in FLAGS}
        await put_pop_settings(request, checked(Wanted, typed, **ticked))
        return go("/my-desk", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))
