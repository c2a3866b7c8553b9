"""The page of alerts: what was wrong and who looked after it; for whoever may, the rules."""

from collections.abc import Mapping

from aiohttp import web

from crm_core import alert, alert_rule
from crm_core.alert_rule import SPECS, Kind
from crm_core.pause_reason import list_pause_reasons
from crm_core.read.figure_labels import queues_to_choose
from crm_core.user import Role
from web import alerts
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, read_filters, render, turn, users_to_choose
from web.rights import EDIT_ALERTS, VIEW_FLOOR
from web.services import services
from web.sessions import person

pages = Pages()
NAMES = {
    Kind.WAITING: "A caller waits too long",
    Kind.SERVICE_LEVEL: "Too few answered in time",
    Kind.PAUSE: "A pause is too long",
    Kind.WRAP_UP: "A wrap-up is too long",
    Kind.HELD: "A customer is on hold too long",
    Kind.NO_OPERATOR: "Nobody is there for a queue",
    Kind.SWITCHBOARD: "A switchboard is away",
    Kind.RECORDING: "Recordings are missing",
}
TOLD = (Role.SENIOR, Role.SUPERVISOR, Role.MANAGER, Role.ADMIN)


@pages.get("/floor/alerts", right=VIEW_FLOOR)
async def show_alerts(request: web.Request) -> web.Response:
    """The log, and the rules."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    who = person(request)
    filters = read_filters(request, alerts.AlertsQuery)
    async with services(request).db.begin() as session:
        found = await alert.list_alerts(session, whose=who.whose(VIEW_FLOOR), **filters.model_dump())
        context = {
            "rows": found.rows,
            "pages": turn(request, found),
            "filters": filters,
            "names": NAMES,
            "may_edit": who.may(EDIT_ALERTS),
        }
        if who.may(EDIT_ALERTS):
            context |= {
                "rules": await alert_rule.list_rules(session),
                "specs": SPECS,
                "queues": await queues_to_choose(session),
                "reasons": [(it.code, it.label) for it in await list_pause_reasons(session)],
                "people": await users_to_choose(session),
                "told_roles": TOLD,
            }
    return render(request, "alerts.html", context, flash=flash, typed=typed)


@pages.post("/floor/alerts/{alert_id}/acknowledge", right=VIEW_FLOOR)
async def acknowledge(request: web.Request) -> web.Response:
    """Look after it."""

    async def step(_: Mapping[str, str]) -> web.Response:
        await alerts.post_acknowledged(request, number_in(request, "alert_id"))
        return go("/floor/alerts", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/floor/alerts/rules", right=EDIT_ALERTS)
async def add_rule(request: web.Request) -> web.Response:
    """One more rule."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await alerts.post_rule(request, checked(alerts.RuleGiven, typed, **await _people(request)))
        return go("/floor/alerts", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/floor/alerts/rules/{rule_id}", right=EDIT_ALERTS)
async def change_rule(request: web.Request) -> web.Response:
    """Change a rule, or stop it."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        given = await _people(request) | {"active": typed.get("active") == "yes"}
        body = checked(alerts.RuleChange, typed, **given)
        await alerts.put_rule(request, number_in(request, "rule_id"), body)
        return go("/floor/alerts", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/floor/alerts/rules/{rule_id}/remove", right=EDIT_ALERTS)
async def remove_rule(request: web.Request) -> web.Response:
    """Take a rule away."""
    await alerts.delete_rule(request, number_in(request, "rule_id"))
    return go("/floor/alerts", "removed")


async def _people(request: web.Request) -> dict[str, object]:
    """Who is told, as ticked and chosen in the form."""
    form = await request.post()
    return {
        "roles": [str(it) for it in form.getall("roles", [])],
        "user_ids": [int(str(it)) for it in form.getall("user_ids", []) if str(it).isdecimal()],
    }
