"""Pages of what waits to be reviewed, of the rules that draw it, and of how several judged one call."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.outcome import choices
from crm_core.phrase_tag import list_tags
from crm_core.read.figure_labels import lines_to_choose
from crm_core.read.review_tasks import list_tasks, load_progress
from crm_core.review_calibration import list_calibrations, load_calibration
from crm_core.review_rule import list_rules
from crm_core.review_task import Pick
from crm_core.scorecard import list_cards
from crm_core.user import list_users
from web import review_rules, review_tasks
from web.forms import checked, fields, settle, ticked
from web.pages import Flash, Pages, go, number_in, render, teams_to_choose
from web.rights import EDIT_SCORECARDS, REVIEW_CALLS, RIGHTS, Scope
from web.services import services
from web.sessions import person

pages = Pages()
PICKS = {Pick.RANDOM: "at random", Pick.LONG_WITHOUT_ORDER: "the longest without an order"}


@pages.get("/review-tasks", right=REVIEW_CALLS)
async def show_tasks(request: web.Request) -> web.Response:
    """What waits for the reader, or for everybody within reach."""
    return await _tasks(request)


async def _tasks(request: web.Request, flash: Flash | None = None) -> web.Response:
    parts, who = services(request), person(request)
    whose, everybody = who.whose(REVIEW_CALLS), request.query.get("whose") == "all"
    async with parts.db.begin() as session:
        context = {
            "rows": await list_tasks(session, whose=whose, reader=who.user_id, mine=not everybody),
            "everybody": everybody,
            "progress": await load_progress(session, whose=whose, now=parts.now()),
            "calibrations": await list_calibrations(session, whose=whose),
            "may_edit": who.may(EDIT_SCORECARDS),
        }
    return render(request, "review_tasks.html", context, flash=flash)


@pages.post("/review-tasks/{review_task_id}/skip", right=REVIEW_CALLS)
async def skip(request: web.Request) -> web.Response:
    """Leave a call out."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(review_tasks.LeftOut, {"reason": typed.get("reason", "")})
        await review_tasks.post_review_task_skip(request, number_in(request, "review_task_id"), body)
        return go("/review-tasks", "saved")

    return await settle(request, step, lambda flash, typed: _tasks(request, flash))


@pages.get("/review-calibrations/{review_calibration_id}", right=REVIEW_CALLS)
async def show_calibration(request: web.Request) -> web.Response:
    """How several judged one call."""
    who = person(request)
    async with services(request).db.begin() as session:
        found = await load_calibration(
            session,
            number_in(request, "review_calibration_id"),
            whose=who.whose(REVIEW_CALLS),
            reader=who.user_id,
        )
    return render(request, "review_calibration.html", {"found": found})


@pages.get("/review-rules", right=EDIT_SCORECARDS)
async def show_rules(request: web.Request) -> web.Response:
    """Every rule."""
    return await _rules(request)


async def _rules(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    may = {role for role, held in RIGHTS.items() if held.get(REVIEW_CALLS) is Scope.ALL}
    async with services(request).db.begin() as session:
        context = {
            "rows": await list_rules(session),
            "cards": [(it.id, it.name) for it in await list_cards(session, active=True)],
            "picks": [(str(code), said) for code, said in PICKS.items()],
            "lines": await lines_to_choose(session),
            "outcomes": list((await choices(session)).items()),
            "tags": [(it.id, it.name) for it in await list_tags(session)],
            "teams": await teams_to_choose(session),
            "people": [(it.id, it.name) for it in await list_users(session) if it.active and it.role in may],
        }
    return render(request, "review_rules.html", context, flash=flash, typed=typed)


@pages.post("/review-rules", right=EDIT_SCORECARDS)
async def add_rule(request: web.Request) -> web.Response:
    """Make a rule."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(review_rules.NewReviewRule, typed, **await _listed(request, typed))
        await review_rules.post_review_rule(request, body)
        return go("/review-rules", "created")

    return await settle(request, step, lambda flash, typed: _rules(request, flash, typed))


@pages.post("/review-rules/{review_rule_id}", right=EDIT_SCORECARDS)
async def change_rule(request: web.Request) -> web.Response:
    """Change a rule."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        version = int(typed["version"]) if typed.get("version", "").isdecimal() else -1
        fixed = await _listed(request, typed)
        body = checked(review_rules.ReviewRuleChange, typed, **{**fixed, "version": version})
        await review_rules.patch_review_rule(request, number_in(request, "review_rule_id"), body)
        return go("/review-rules", "saved")

    return await settle(request, step, lambda flash, typed: _rules(request, flash))


@pages.post("/review-rules/{review_rule_id}/remove", right=EDIT_SCORECARDS)
async def remove_rule(request: web.Request) -> web.Response:
    """Draw by a rule no more."""
    await fields(request)
    await review_rules.delete_review_rule(request, number_in(request, "review_rule_id"))
    return go("/review-rules", "removed")


async def _listed(request: web.Request, typed: Mapping[str, str]) -> dict[str, Any]:
    """What a form says by ticks: who reviews, and whether the rule draws."""
    chosen = await ticked(request, "reviewer")
    return {
        "reviewers": chosen,
        "active": typed.get("active", "yes" if "version" not in typed else "") == "yes",
    }
