"""The page of the hours in which customers may be called, and the form of a line that says who calls back."""

from collections.abc import Mapping

from aiohttp import web

from crm_core.hours import WEEKDAYS, read_spans
from web import calling
from web.calling import CallingChange, MissedChange
from web.forms import checked, id_or_none, settle
from web.line_pages import line_page
from web.lines import opening_answer
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_LINES
from web.services import services

pages = Pages()


@pages.get("/calling", right=EDIT_LINES)
async def show_calling(request: web.Request) -> web.Response:
    """The rule of the house."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        rule = await calling.load_rule(session)
    written = [", ".join(f"{it.opens}\N{EN DASH}{it.closes}" for it in day) for day in rule.week]
    context = {
        "rule": rule,
        "weekdays": WEEKDAYS,
        "written": [(typed or {}).get(f"day{n}", text) for n, text in enumerate(written)],
    }
    return render(request, "calling.html", context, flash=flash, typed=typed)


@pages.post("/calling", right=EDIT_LINES)
async def change_calling(request: web.Request) -> web.Response:
    """Say when customers may be called, and how often it is tried again."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        days = [read_spans(typed.get(f"day{n}", "")) for n in range(len(WEEKDAYS))]
        week = [[opening_answer(span).model_dump() for span in day] for day in days]
        numbers = {
            name: id_or_none(typed.get(name, ""), name) for name in ("repeat_minutes", "most_attempts")
        }
        await calling.put_calling_rule(request, checked(CallingChange, {}, week=week, **numbers))
        return go("/calling", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/lines/{line_id}/missed", right=EDIT_LINES)
async def change_missed(request: web.Request) -> web.Response:
    """Say who calls back whom this line missed, in which order they are looked for, and how soon."""
    line_id = number_in(request, "line_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        wanted = [typed[name] for name in sorted(typed) if name.startswith("strategy") and typed[name]]
        body = checked(
            MissedChange,
            {},
            strategies=wanted,
            team_id=id_or_none(typed.get("team_id", ""), "team_id"),
            within_minutes=id_or_none(typed.get("within_minutes", ""), "within_minutes"),
        )
        await calling.put_missed_rule(request, line_id, body)
        return go(f"/lines/{line_id}#missed", "saved")

    return await settle(request, step, lambda flash, typed: line_page(request, flash, typed))
