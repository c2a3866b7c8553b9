"""The sign-in page: a plain form that works without script."""

from typing import Any

import aiohttp_jinja2
from aiohttp import web

from crm_core.user import anybody
from web.errors import Refusal
from web.middleware import visitor_address
from web.services import services
from web.sessions import visitor
from web.sign_in import end_session, note_sign_out, sign_in, start_session

routes = web.RouteTableDef()
LONGEST = 1000  # characters of a field; longer is no login and no password


def inside(address: str) -> str:
    """`address` when it is a path of ours, else "/": a sign-in page must not send people elsewhere."""
    plain = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if plain and address.isprintable() else "/"


@routes.get("/login")
async def get_login(request: web.Request) -> web.StreamResponse:
    """The form; who is signed in goes on at once."""
    onward = inside(request.query.get("next", "/"))
    if await visitor(request) is not None:
        raise web.HTTPSeeOther(onward)
    return await _form(request, login="", onward=onward)


@routes.post("/login")
async def post_login(request: web.Request) -> web.StreamResponse:
    """Sign in and go on; a refusal is shown in the form, which keeps the login as typed."""
    given = await request.post()
    login, password = (_text(given.get(name)) for name in ("login", "password"))
    onward = inside(_text(given.get("next")) or "/")
    parts = services(request)
    try:
        user = await sign_in(parts, login=login, password=password, address=visitor_address(request))
    except Refusal as refusal:
        return await _form(request, login=login, onward=onward, refusal=refusal)
    await start_session(request, user)
    return web.Response(status=303, headers={"Location": onward})


@routes.post("/logout")
async def post_logout(request: web.Request) -> web.StreamResponse:
    """Sign out and show the form."""
    person = await visitor(request)
    if person is not None:
        await note_sign_out(request, person)
    await end_session(request)
    return web.Response(status=303, headers={"Location": "/login"})


async def _form(
    request: web.Request, *, login: str, onward: str, refusal: Refusal | None = None
) -> web.StreamResponse:
    async with services(request).db.begin() as session:
        known = await anybody(session)
    context: dict[str, Any] = {
        "login": login,
        "next": onward,
        "error": refusal.detail if refusal else None,
        "known": known,
    }
    status = refusal.status if refusal else 200
    response = aiohttp_jinja2.render_template("login.html", request, context, status=status)
    response.headers.update(refusal.headers if refusal else {})
    return response


def _text(value: object) -> str:
    """A field of a form as text; a file or a NUL is none."""
    return value.replace("\0", "")[:LONGEST] if isinstance(value, str) else ""
