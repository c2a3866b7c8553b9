"""Pages of trials of scripts: all of them with a form for the next, and one with its calls."""

from collections.abc import Mapping
from typing import Any, Literal

from aiohttp import web
from pydantic import Field

from crm_core.errors import NotFound
from crm_core.figure.trial import Verdict
from crm_core.read.calls import list_calls
from crm_core.read.trials import STEPS, drawn_place, load_needs, load_texts, load_trials, of_trial, sold_in
from crm_core.script_trial import ScriptTrial
from web import trials
from web.calls import all_calls, reader
from web.forms import checked, fields, id_or_none, settle
from web.listing import Listed
from web.pages import Flash, Pages, go, number_in, read_filters, render, turn
from web.rights import EDIT_SCRIPTS, VIEW_CALLS
from web.services import services
from web.sessions import person

pages = Pages()
VERDICTS = {
    Verdict.NOT_ENOUGH: "Not enough calls yet: nothing can be said.",
    Verdict.STOPPED: "Ended before there were enough calls: it says nothing.",
    Verdict.FIRST: "A sells more, and not by chance.",
    Verdict.SECOND: "B sells more, and not by chance.",
    Verdict.SAME: "No difference that is not chance; the calls were enough to find one of the size looked for.",
}


class TrialFilters(Listed):
    """Which calls of a trial are listed: those for which the first (0) or second text was drawn."""

    text: Literal["", "0", "1"] = ""
    sold: bool = Field(default=False, description="those that became orders alone")


@pages.get("/script-trials", right=EDIT_SCRIPTS)
async def show_trials(request: web.Request) -> web.Response:
    """Every trial with what it says, and what the next one would need."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    now = services(request).now()
    async with services(request).db.snapshot() as session:
        context: dict[str, Any] = {
            "trials": await load_trials(session, now=now),
            "needs": await load_needs(session, now=now),
            "texts": await load_texts(session),
            "steps": STEPS,
            "verdicts": VERDICTS,
        }
    return render(request, "script_trials.html", context, flash=flash, typed=typed)


@pages.post("/script-trials", right=EDIT_SCRIPTS)
async def begin_trial(request: web.Request) -> web.Response:
    """Begin a trial."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        ids = {name: id_or_none(typed.get(name, ""), name) for name in ("line_id", "first_id", "second_id")}
        body = checked(trials.NewScriptTrial, {"difference": typed.get("difference", "")}, **ids)
        made = await trials.post_script_trial(request, body)
        return go(f"/script-trials/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.get("/script-trials/{trial_id}", right=EDIT_SCRIPTS)
async def show_trial(request: web.Request) -> web.Response:
    """One trial, with the calls that it compares."""
    trial_id, filters = number_in(request, "trial_id"), read_filters(request, TrialFilters)
    who, now = person(request), services(request).now()
    async with services(request).db.snapshot() as session:
        kept = await session.get(ScriptTrial, trial_id)
        if kept is None:
            raise NotFound("There is no such trial.")
        (it,) = await load_trials(session, now=now, trial_id=trial_id)
        only = of_trial(kept, now)
        if filters.text:
            only &= drawn_place(kept) == int(filters.text)
        if filters.sold:
            only &= sold_in(kept, now)
        listed = None
        if who.may(VIEW_CALLS):
            listed = await list_calls(
                session, only=only, after=filters.after, limit=filters.limit, **reader(who),
                everybody=all_calls(who),
            )  # fmt: skip
    context = {
        "it": it,
        "verdicts": VERDICTS,
        "filters": filters,
        "rows": listed.rows if listed else [],
        "pages": turn(request, listed) if listed else None,
    }
    return render(request, "script_trial.html", context)


@pages.post("/script-trials/{trial_id}/end", right=EDIT_SCRIPTS)
async def finish_trial(request: web.Request) -> web.Response:
    """End a trial."""
    trial_id = number_in(request, "trial_id")
    await fields(request)
    await trials.post_script_trial_end(request, trial_id)
    return go(f"/script-trials/{trial_id}", "saved")
