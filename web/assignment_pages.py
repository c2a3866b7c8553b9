"""The page of the rules that give orders and leads to colleagues; what they would have done with the last orders."""

from collections.abc import Mapping, Sequence
from typing import Any

from aiohttp import web

from crm_core.assignment import MOST, colleagues, list_rules, version_of
from crm_core.assignment_rule import How
from crm_core.line import list_lines
from crm_core.team import list_teams
from web import assignments
from web.assignments import RulesGiven, TrialAnswer, TrialWanted
from web.forms import checked, settle, whole_or_none
from web.pages import Flash, Pages, go, render, shops_to_choose
from web.rights import EDIT_ASSIGNMENT
from web.services import services

pages = Pages()
LAST = 10**9  # the place of a rule that was given none
TEXTS = (
    "name",
    "thing",
    "amount_from",
    "amount_below",
    "vip",
    "category",
    "source",
    "shop_id",
    "line_id",
    "how",
)
TYPED = (*TEXTS, "user_id", "team_id", "present", "active", "place")


@pages.get("/assignment", right=EDIT_ASSIGNMENT)
async def show_rules(request: web.Request) -> web.Response:
    """The rules in the order in which they are tried, and who is at work."""
    return await _page(request)


async def _page(
    request: web.Request,
    flash: Flash | None = None,
    typed: Mapping[str, str] | None = None,
    tried: Sequence[TrialAnswer] | None = None,
) -> web.Response:
    async with services(request).db.begin() as session:
        found = await list_rules(session)
        people = await colleagues(session)
        shops = await shops_to_choose(session)
        lines = [(line.id, line.name) for line, _ in await list_lines(session)]
        teams = [(team.id, team.name) for team, _ in await list_teams(session)]
    rows = [_row(it, 10 * place) for place, it in enumerate(found, 1)] if typed is None else _rows(typed)
    context = {
        "rows": rows[:MOST],
        "version": version_of(found) if typed is None else typed.get("version", "0"),
        "people": people,
        "shops": shops,
        "lines": lines,
        "teams": teams,
        "tried": tried,
    }
    return render(request, "assignment.html", context, flash=flash, typed=typed)


@pages.post("/assignment", right=EDIT_ASSIGNMENT)
async def change_rules(request: web.Request) -> web.Response:
    """Save the rules; one without a name is taken away. With `do` = try nothing is kept: the page shows what they
    would have done."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        rules = _rules(typed)
        if typed.get("do") == "try":
            tried = await assignments.post_trial(request, checked(TrialWanted, {}, rules=rules))
            return await _page(request, None, typed, tried)
        version = whole_or_none(typed.get("version", ""), "version")
        await assignments.put_assignment_rules(request, checked(RulesGiven, {}, version=version, rules=rules))
        return go("/assignment", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


def _row(rule: Any, place: int) -> dict[str, Any]:
    """A rule as a row of the form."""
    said = {name: getattr(rule, name) for name in TYPED if name != "place"}
    flags = {name: "yes" if said[name] else "" for name in ("present", "active")}
    vip = {None: "", True: "yes", False: "no"}[said["vip"]]
    return (
        {name: "" if it is None else it for name, it in said.items()} | flags | {"vip": vip, "place": place}
    )


def _rows(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """The rows of the form that have a name, as they were typed, in the order of their places."""
    rows = [
        {name: typed.get(f"{name}{n}", "") for name in TYPED}
        for n in range(MOST + 1)
        if typed.get(f"name{n}")
    ]
    return sorted(rows, key=lambda row: int(row["place"]) if row["place"].isdecimal() else LAST)


def _rules(typed: Mapping[str, str]) -> list[dict[str, Any]]:
    """What they say; whoever is named counts only for the way that names him."""
    rules = []
    for row in _rows(typed):
        said: dict[str, Any] = {name: row[name] or None for name in TEXTS}
        said |= {
            name: (row[name] or "").replace(",", ".") or None for name in ("amount_from", "amount_below")
        }
        said |= {name: whole_or_none(row[name], name[:-3]) for name in ("shop_id", "line_id")}
        said["vip"] = {"yes": True, "no": False}.get(row["vip"])
        person = row["how"] == How.PERSON
        said["user_id"] = whole_or_none(row["user_id"], "colleague") if person else None
        chosen = row["how"] in (How.FEWEST, How.RANDOM)
        said["team_id"] = whole_or_none(row["team_id"], "team") if chosen else None
        rules.append(said | {"present": row["present"] == "yes", "active": row["active"] == "yes"})
    return rules
