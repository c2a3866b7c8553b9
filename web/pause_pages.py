"""The page of pause reasons and wrap-up, for administrators."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.pause_reason import list_pause_reasons
from crm_core.wrap_up_rule import list_wrap_up_rules
from web import pauses
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render, users_to_choose
from web.rights import EDIT_PAUSES
from web.services import services

pages = Pages()


@pages.get("/pauses", right=EDIT_PAUSES)
async def show_pauses(request: web.Request) -> web.Response:
    """Every reason and every rule."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        context = {
            "reasons": await list_pause_reasons(session),
            "rules": await list_wrap_up_rules(session),
            "people": dict(await users_to_choose(session)),
        }
    return render(request, "pauses.html", context, flash=flash, typed=typed)


@pages.post("/pauses/reasons", right=EDIT_PAUSES)
async def add_reason(request: web.Request) -> web.Response:
    """Add a reason."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(pauses.NewPauseReason, typed, productive=typed.get("productive") == "yes")
        await pauses.post_pause_reason(request, body)
        return go("/pauses", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/pauses/reasons/{reason_id}", right=EDIT_PAUSES)
async def change_reason(request: web.Request) -> web.Response:
    """Change a reason, or offer it no longer."""
    reason_id = number_in(request, "reason_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        ticked = {name: typed.get(name) == "yes" for name in ("productive", "active")}
        body = checked(pauses.PauseReasonChange, typed, **ticked)
        await pauses.patch_pause_reason(request, reason_id, body)
        return go("/pauses", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/pauses/rules", right=EDIT_PAUSES)
async def set_rule(request: web.Request) -> web.Response:
    """Say how long a wrap-up is."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await pauses.post_wrap_up_rule(request, checked(pauses.NewWrapUpRule, typed))
        return go("/pauses", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/pauses/rules/{rule_id}/remove", right=EDIT_PAUSES)
async def remove_rule(request: web.Request) -> web.Response:
    """Take a rule away."""
    await pauses.delete_wrap_up_rule(request, number_in(request, "rule_id"))
    return go("/pauses", "saved")
