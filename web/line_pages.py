"""Pages of lines: all of them with when they are open, and one with its hours and holidays."""

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from crm_core.hours import WEEKDAYS, read_spans
from crm_core.line import list_lines
from crm_core.line_hours import load_hours
from crm_core.missed_rule import Strategy
from crm_core.team import list_teams
from web import lines
from web.calling import load_missed
from web.errors import Refusal
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render, shops_to_choose
from web.rights import EDIT_LINES, VIEW_LINES
from web.services import services
from web.sessions import person
from web.users import ZONES

pages = Pages()


@pages.get("/lines", right=VIEW_LINES)
async def show_lines(request: web.Request) -> web.Response:
    """Every line: its shop, its hours, whether it is open now."""
    return await _list(request)


async def _list(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts = services(request)
    async with parts.db.begin() as session:
        found = await list_lines(session)
        hours = await load_hours(session)
        shops = await shops_to_choose(session)
    now = parts.now()
    context = {
        "rows": [
            {
                "line": line,
                "shop": shop,
                "hours": hours[line.id],
                "open": hours[line.id].is_open(now),
                "opens": hours[line.id].next_opening(now),
            }
            for line, shop in found
        ],
        "shops": shops,
        "zones": ZONES,
        "switchboards": [link.pbx for link in parts.live.links()],
        "may_edit": person(request).may(EDIT_LINES),
    }
    return render(request, "lines.html", context, flash=flash, typed=typed)


@pages.get("/lines/{line_id}", right=VIEW_LINES)
async def show_line(request: web.Request) -> web.Response:
    """One line."""
    return await line_page(request)


async def line_page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    """The page of one line, for every form that stands on it."""
    parts, line_id = services(request), number_in(request, "line_id")
    async with parts.db.begin() as session:
        line = await lines.load_line(session, line_id, parts.now())
        shops = await shops_to_choose(session)
        missed = await load_missed(session, line_id)
        teams = [(team.id, team.name) for team, _ in await list_teams(session)]
    written = [", ".join(f"{it.opens}\N{EN DASH}{it.closes}" for it in day) for day in line.week or ()]
    context = {
        "line": line,
        "missed": missed,
        "strategies": [str(each) for each in Strategy],
        "teams": teams,
        "weekdays": WEEKDAYS,
        "written": [(typed or {}).get(f"day{n}", text) for n, text in enumerate(written or [""] * 7)],
        "always": typed.get("always") == "yes" if typed and "day0" in typed else line.week is None,
        "shops": shops,
        "zones": ZONES,
        "may_edit": person(request).may(EDIT_LINES),
    }
    return render(request, "line.html", context, flash=flash, typed=typed)


@pages.post("/lines", right=EDIT_LINES)
async def add_line(request: web.Request) -> web.Response:
    """Add a number that people dial."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await lines.post_line(request, checked(lines.NewLine, typed, **_chosen(typed)))
        return go(f"/lines/{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _list(request, flash, typed))


@pages.post("/lines/{line_id}", right=EDIT_LINES)
async def change_line(request: web.Request) -> web.Response:
    """Change name, other spellings, shop and time zone."""
    line_id = number_in(request, "line_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await lines.patch_line(
            request,
            line_id,
            checked(lines.LineChange, typed, makes_leads=typed.get("makes_leads") == "yes", **_chosen(typed)),
        )
        return go(f"/lines/{line_id}", "saved")

    return await settle(request, step, lambda flash, typed: line_page(request, flash, typed))


def _chosen(typed: Mapping[str, str]) -> dict[str, Any]:
    """What a form says in words of its own: the shop by its id, other spellings in lines or by commas."""
    shop = typed.get("shop_id", "")
    return {
        "shop_id": int(shop) if shop.isascii() and shop.isdigit() and int(shop) < 2**53 else None,
        "aliases": [
            it.strip() for it in typed.get("aliases", "").replace(",", "\n").splitlines() if it.strip()
        ],
    }


@pages.post("/lines/{line_id}/hours", right=EDIT_LINES)
async def change_hours(request: web.Request) -> web.Response:
    """Say when the line is open."""
    line_id = number_in(request, "line_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        days = [read_spans(typed.get(f"day{n}", "")) for n in range(7)]
        week = [[lines.opening_answer(span).model_dump() for span in day] for day in days]
        if typed.get("always") != "yes" and not any(week):
            raise Refusal(422, "Write the hours of at least one day, or choose “always open”.")
        body = checked(lines.Week, {}, week=None if typed.get("always") == "yes" else week)
        await lines.put_hours(request, line_id, body)
        return go(f"/lines/{line_id}", "saved")

    return await settle(request, step, lambda flash, typed: line_page(request, flash, typed))


@pages.post("/lines/{line_id}/holidays", right=EDIT_LINES)
async def add_holiday(request: web.Request) -> web.Response:
    """Put a holiday into the calendar of this line, or of all."""
    line_id = number_in(request, "line_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        spans = read_spans(typed.get("hours", ""))
        if len(spans) > 1:
            raise Refusal(422, "On a holiday a line is open once at most: write one time like 9:00-12:00.")
        body = checked(
            lines.NewHoliday,
            {"day": typed.get("day", ""), "name": typed.get("holiday", "")},
            hours=lines.opening_answer(spans[0]).model_dump() if spans else None,
            every_year=typed.get("every_year") == "yes",
            every_line=typed.get("every_line") == "yes",
        )
        await lines.post_holiday(request, line_id, body)
        return go(f"/lines/{line_id}#holidays", "saved")

    return await settle(request, step, lambda flash, typed: line_page(request, flash, typed))


@pages.post("/lines/{line_id}/holidays/{holiday_id}/remove", right=EDIT_LINES)
async def remove_holiday(request: web.Request) -> web.Response:
    """Take a holiday out of the calendar."""
    line_id = number_in(request, "line_id")
    await lines.delete_holiday(request, line_id, number_in(request, "holiday_id"))
    return go(f"/lines/{line_id}#holidays", "saved")
