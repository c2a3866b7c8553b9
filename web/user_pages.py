"""The page of users: accounts, roles and telephones, for administrators."""

from collections.abc import Mapping

from aiohttp import web
from sqlalchemy import select

from crm_core.line import list_lines
from crm_core.team import list_roles, list_teams
from crm_core.user import Extension, list_users
from web import users
from web.forms import checked, settle
from web.pages import Flash, Pages, go, number_in, render
from web.rights import EDIT_EXTENSIONS, EDIT_USERS, VIEW_USERS
from web.services import services
from web.sessions import person

pages = Pages()


@pages.get("/users", right=VIEW_USERS)
async def show_users(request: web.Request) -> web.Response:
    """Everybody with role and telephones."""
    return await _page(request)


async def _page(
    request: web.Request, flash: Flash | None = None, typed: Mapping[str, str] | None = None
) -> web.Response:
    parts = services(request)
    async with parts.db.begin() as session:
        everybody = await list_users(session)
        phones = await session.scalars(select(Extension).order_by(Extension.pbx, Extension.extension))
        by_user: dict[int, list[Extension]] = {}
        for phone in phones:
            by_user.setdefault(phone.user_id, []).append(phone)
        teams = [(row.id, row.name) for row, _ in await list_teams(session)]
        own_roles = [(f"{row.based_on}:{row.id}", row.name) for row, _ in await list_roles(session)]
        lines = [(line.id, f"{line.name} · {line.did}") for line, _ in await list_lines(session)]
    switchboards = [link.pbx for link in parts.live.links()]
    context = {
        "rows": everybody,
        "phones": by_user,
        "zones": users.ZONES,
        "lines": lines,
        "teams": teams,
        "own_roles": own_roles,
        "switchboards": switchboards,
        "may_edit": person(request).may(EDIT_USERS),
    }
    return render(request, "users.html", context, flash=flash, typed=typed)


def _role(typed: Mapping[str, str]) -> dict[str, str | None]:
    """The choice of the form: a built-in role, or "operator:7", one of our own that is based on it."""
    role, _, own = typed.get("role", "").partition(":")
    return {"role": role, "role_id": own or None}


@pages.post("/users", right=EDIT_USERS)
async def add_user(request: web.Request) -> web.Response:
    """Add somebody who may sign in."""

    async def step(typed: Mapping[str, str]) -> web.Response:
        await users.post_user(request, checked(users.NewUser, typed, **_role(typed)))
        return go("/users", "created")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/users/{user_id}", right=EDIT_USERS)
async def change_user(request: web.Request) -> web.Response:
    """Change name, role, time zone, line; let somebody in or shut them out."""
    user_id = number_in(request, "user_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        active = typed.get("active") == "yes"
        body = checked(users.UserChange, typed, active=active, password=None, **_role(typed))
        await users.patch_user(request, user_id, body)
        return go("/users", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/users/{user_id}/password", right=EDIT_USERS)
async def set_password(request: web.Request) -> web.Response:
    """Give somebody a new password; they are signed out everywhere."""
    user_id = number_in(request, "user_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        body = checked(users.UserChange, {}, password=typed.get("password", ""))
        await users.patch_user(request, user_id, body)
        return go("/users" if user_id != person(request).user_id else "/login", "password")

    return await settle(request, step, lambda flash, typed: _page(request, flash))


@pages.post("/users/{user_id}/extensions", right=EDIT_EXTENSIONS)
async def add_extension(request: web.Request) -> web.Response:
    """Give a telephone to somebody; it leaves whoever had it."""
    user_id = number_in(request, "user_id")

    async def step(typed: Mapping[str, str]) -> web.Response:
        await users.post_extension(request, checked(users.NewExtension, typed, user_id=user_id))
        return go("/users", "saved")

    return await settle(request, step, lambda flash, typed: _page(request, flash, typed))


@pages.post("/extensions/{extension_id}/remove", right=EDIT_EXTENSIONS)
async def remove_extension(request: web.Request) -> web.Response:
    """Take a telephone away."""
    await users.delete_extension(request, number_in(request, "extension_id"))
    return go("/users", "saved")
