"""Signing in and out, and who I am."""

from typing import Annotated

from aiohttp import web
from aiohttp_session import get_session, new_session
from argon2 import PasswordHasher
from pydantic import Field, StringConstraints
from sqlalchemy import select

from crm_core.audit import record
from crm_core.user import Extension, Role, User, find_by_login, get_user
from web.api import Operations
from web.errors import Refusal
from web.fields import Answer, Given
from web.middleware import visitor_address
from web.rights import RIGHTS, Person
from web.services import Services, services
from web.sessions import STORE, digest, person
from web.throttle import PER_ACCOUNT, PER_ADDRESS, account_key, address_key, count_attempt, forgive

operations = Operations("session")


class Credentials(Given):
    """Who wants to sign in. `bearer`: answer with a token instead of setting a cookie."""

    login: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=1000)]
    bearer: bool = False


class Me(Answer):
    """The person who is signed in. `rights` maps "calls.view" to the scope: OWN, TEAM or ALL."""

    id: int
    login: str
    name: str
    role: Role
    timezone: str
    extensions: list[str]
    rights: dict[str, str]


class SignedIn(Answer):
    """What sign-in answers; `token` only when a bearer token was asked for."""

    user: Me
    token: str | None = Field(None, description="send it as Authorization: Bearer")


async def sign_in(parts: Services, *, login: str, password: str, address: str) -> User:
    """The user with this login and password.

    Raises `Refusal` 401 for a wrong pair (an unknown login takes as long), 429 after too many attempts.
    """
    now = parts.now()
    await count_attempt(parts.db, address_key(address), limit=PER_ADDRESS, now=now)
    await count_attempt(parts.db, account_key(login), limit=PER_ACCOUNT, now=now)
    async with parts.db.begin() as session:
        user = await find_by_login(session, login.strip())
    kept = user.password_hash if user is not None and user.active else None
    right = await parts.passwords.fits(kept, password)
    await _write_down(parts, user, right=right, address=address)
    if user is None or not right:
        raise Refusal(401, "Login or password is wrong.")
    await forgive(parts.db, login, address)
    if kept is not None and PasswordHasher().check_needs_rehash(kept):
        await _rehash(parts, user.id, password)
    return user


async def _rehash(parts: Services, user_id: int, password: str) -> None:
    """Keep the password at today's cost: it was hashed when less was thought enough."""
    fresh = await parts.passwords.hash(password)
    async with parts.db.begin() as session:
        (await get_user(session, user_id)).password_hash = fresh


async def _write_down(parts: Services, user: User | None, *, right: bool, address: str) -> None:
    """The attempt in the audit log and in the figures."""
    parts.metrics.sign_ins.labels("ok" if right else "refused").inc()
    async with parts.db.begin() as session:
        await record(
            session,
            user_id=user.id if user is not None and right else None,  # who tried is not known to be the user
            action="sign_in" if right else "sign_in_refused",
            object_kind="user",
            object_id=user.id if user is not None else None,
            address=address,
        )


async def start_session(request: web.Request, user: User) -> None:
    """Give the browser a new session; the one it came with, if any, ends (session fixation)."""
    await end_session(request)
    session = await new_session(request)
    session["user_id"] = user.id


async def end_session(request: web.Request) -> None:
    """Revoke the session the request came with."""
    old = await get_session(request)
    if old.identity is not None:
        await request.app[STORE].close(digest(old.identity))
    old.invalidate()


@operations.post("/session", public=True, status=200, errors=(401, 429))
async def post_session(request: web.Request, body: Credentials) -> SignedIn:
    """Sign in: sets the session cookie, or answers with a bearer token."""
    parts, address = services(request), visitor_address(request)
    user = await sign_in(parts, login=body.login, password=body.password, address=address)
    me = await describe_user(parts, user)
    if body.bearer:
        return SignedIn(user=me, token=await request.app[STORE].open(user.id, address))
    await start_session(request, user)
    return SignedIn(user=me, token=None)


@operations.get("/session")
async def get_current_session(request: web.Request) -> Me:
    """Who is signed in with this session."""
    return await describe_person(services(request), person(request))


@operations.get("/me")
async def get_me(request: web.Request) -> Me:
    """Who I am and what I may do."""
    return await describe_person(services(request), person(request))


@operations.delete("/session")
async def delete_session(request: web.Request) -> None:
    """Sign out: the session is revoked at once, in every tab."""
    await note_sign_out(request, person(request))
    await end_session(request)


async def describe_person(parts: Services, who: Person) -> Me:
    """The signed-in person for the API."""
    return Me(
        id=who.user_id,
        login=who.login,
        name=who.name,
        role=who.role,
        timezone=who.timezone,
        extensions=await extensions_of(parts, who.user_id),
        rights={str(right): scope.name for right, scope in RIGHTS[who.role].items()},
    )


async def describe_user(parts: Services, user: User) -> Me:
    """The same for somebody who has just signed in."""
    role = Role(user.role)
    return Me(
        id=user.id,
        login=user.login,
        name=user.name,
        role=role,
        timezone=user.timezone,
        extensions=await extensions_of(parts, user.id),
        rights={str(right): scope.name for right, scope in RIGHTS[role].items()},
    )


async def extensions_of(parts: Services, user_id: int) -> list[str]:
    """The telephones of a user, in order."""
    query = select(Extension.extension).where(Extension.user_id == user_id).order_by(Extension.extension)
    async with parts.db.begin() as session:
        return list(await session.scalars(query))


async def note_sign_out(request: web.Request, who: Person) -> None:
    """One line in the audit log."""
    async with services(request).db.begin() as session:
        address = visitor_address(request)
        await record(
            session,
            user_id=who.user_id,
            action="sign_out",
            object_kind="user",
            object_id=who.user_id,
            address=address,
        )
