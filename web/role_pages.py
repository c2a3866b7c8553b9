"""The page of teams and roles: who is together, and how far each right reaches, as a matrix."""

from collections.abc import Mapping
from itertools import groupby

from aiohttp import web

from crm_core.team import list_roles, list_teams
from crm_core.user import Role
from web import roles
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.right_words import words_of
from web.rights import EDIT_USERS, RIGHTS, VIEW_USERS, Right, Scope, every_right, scopes_of
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/roles", right=VIEW_USERS)
async def show_roles(request: web.Request) -> web.Response:
    """Teams, and the matrix of rights and roles."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    async with services(request).db.begin() as session:
        teams, own = await list_teams(session), await list_roles(session)
    context = {
        "teams": teams,
        "own": own,
        "rights": [list(rights) for _, rights in groupby(every_right(), lambda it: it.object)],
        "words_of": words_of,
        "built_in": {str(role): held for role, held in RIGHTS.items()},
        "scopes_of": scopes_of,
        "nothing": Scope.NONE,
        "said": roles.said,
        "may_edit": person(request).may(EDIT_USERS),
    }
    return render(request, "roles.html", context, flash=flash, typed=typed)


@pages.post("/teams", right=EDIT_USERS)
async def add_team(request: web.Request) -> web.Response:
    """Make a team."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await roles.post_team(request, checked(roles.TeamGiven, typed))
        return go("/roles", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/teams/{team_id}", right=EDIT_USERS)
async def change_team(request: web.Request) -> web.Response:
    """Give a team another name, or (`part` = remove) dissolve it."""
    team_id = number_in(request, "team_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        if typed.get("part") == "remove":
            await roles.delete_team(request, team_id)
        else:
            await roles.patch_team(request, team_id, checked(roles.TeamGiven, typed))
        return go("/roles", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/roles", right=EDIT_USERS)
async def add_role(request: web.Request) -> web.Response:
    """Make a role like a built-in one, to be changed then."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        made = await roles.post_role(request, checked(roles.RoleGiven, typed, scopes=[]))
        return go(f"/roles#role-{made.id}", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/roles/{role_id}", right=EDIT_USERS)
async def change_role(request: web.Request) -> web.Response:
    """Change a role, or (`part` = remove) forget it."""
    role_id = number_in(request, "role_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        if typed.get("part") == "remove":
            await roles.delete_role(request, role_id)
        else:
            scopes = _different(typed)
            await roles.put_role(request, role_id, checked(roles.RoleGiven, typed, scopes=scopes))
        return go("/roles", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


def _different(typed: Mapping[str, str]) -> list[dict[str, str]]:
    """The rights of the form that are not as in the built-in role; the fields are called by the rights."""
    based_on = RIGHTS.get(Role(typed["based_on"]), {}) if typed.get("based_on") in list(Role) else {}
    chosen: dict[Right, str] = {right: typed[str(right)] for right in every_right() if typed.get(str(right))}
    return [
        {"object": right.object, "action": right.action, "scope": scope}
        for right, scope in chosen.items()
        if scope != roles.said(based_on.get(right, Scope.NONE))
    ]
