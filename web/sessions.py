"""Sign-in sessions: the cookie is a random id, the table keeps its sha256, so a row can be revoked.

A session lasts `Settings.session_hours` from sign-in, not from the last click. The same store serves the
HTTP application (through aiohttp-session) and the push server. A bearer token is a session without cookie.
"""

import hashlib
import json
import secrets
import time
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web
from aiohttp_session import AbstractStorage, Session, SessionData, get_session
from sqlalchemy import Select, bindparam, delete, func, literal, select, update
from sqlalchemy.dialects.postgresql import asyncpg, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from crm_core.db import Database
from crm_core.sign_in import SignInSession
from crm_core.team import RoleScope
from crm_core.user import Role, User
from web.errors import SignInNeeded
from web.fields import LATEST
from web.middleware import visitor_address
from web.rights import Person, Right, Scope
from web.services import Services

COOKIE_NAME = "callcenter_session"
PERSON: web.RequestKey[Person] = web.RequestKey("person", Person)
SEEN_EVERY = timedelta(minutes=1)  # `seen_at` is written no more often than this


def digest(token: str) -> bytes:
    """What the table keeps of a session's token."""
    return hashlib.sha256(token.encode(errors="replace")).digest()


class SessionStore:
    """The table of sessions."""

    def __init__(self, db: Database, *, now: Callable[[], datetime], lifetime: timedelta) -> None:
        self._db = db
        self._now = now
        self.lifetime = lifetime

    async def open(self, user_id: int, address: str | None, data: dict[str, Any] | None = None) -> str:
        """Start a session and return its token, which is kept nowhere."""
        token = secrets.token_urlsafe(32)
        now = self._now()
        async with self._db.begin() as session:
            await session.execute(
                insert(SignInSession).values(
                    id=digest(token),
                    user_id=user_id,
                    data=data or {},
                    expires_at=now + self.lifetime,
                    seen_at=now,
                    address=address,
                )
            )
        return token

    async def person(self, token: str) -> tuple[Person, dict[str, Any]] | None:
        """Who holds this token, and the session's data; None for an unknown or expired one."""
        now = self._now()
        found = await self._db.reader.row(_HOLDER, digest(token), now)
        if found is None:
            return None
        row = dict(found) | {name: json.loads(found[name] or "null") for name in ("scopes", "data")}
        if now - row["seen_at"] > SEEN_EVERY:
            async with self._db.begin() as session:
                seen = update(SignInSession).where(SignInSession.id == digest(token)).values(seen_at=now)
                await session.execute(seen)
        return _person(row), row["data"]

    async def alive(self, session_ids: Collection[bytes]) -> dict[bytes, Person]:
        """Those of `session_ids` that still stand (not revoked, not expired, user active), as they are now."""
        if not session_ids:
            return {}
        query = _people().where(
            SignInSession.id.in_(session_ids), SignInSession.expires_at > self._now(), User.active
        )
        async with self._db.begin() as session:
            return {row["session_id"]: _person(row) for row in (await session.execute(query)).mappings()}

    async def close(self, session_id: bytes) -> None:
        """Revoke one session."""
        async with self._db.begin() as session:
            await session.execute(delete(SignInSession).where(SignInSession.id == session_id))

    async def sweep(self) -> None:
        """Forget sessions that have expired."""
        async with self._db.begin() as session:
            await session.execute(delete(SignInSession).where(SignInSession.expires_at <= self._now()))


def _people() -> Select[Any]:
    """Sessions with whose they are: his role, what is different in it, and who else is in his team."""
    session = (SignInSession.id.label("session_id"), SignInSession.expires_at)
    columns = select(*_who(), *session, SignInSession.seen_at, SignInSession.data)
    return columns.join(SignInSession, SignInSession.user_id == User.id)


def _who() -> tuple[Any, ...]:
    mate = aliased(User)
    team = select(func.array_agg(mate.id)).where(mate.team_id == User.team_id).correlate(User)
    scopes = select(
        func.json_agg(func.json_build_array(RoleScope.object, RoleScope.action, RoleScope.scope))
    ).where(RoleScope.role_id == User.role_id)
    person = (User.id, User.login, User.name, User.role, User.timezone)
    return (
        *person,
        team.scalar_subquery().label("team"),
        scopes.correlate(User).scalar_subquery().label("scopes"),
    )


# Asked with every request, by the shortest way to the database; put together once.
_HOLDER = str(
    _people()
    .where(SignInSession.id == bindparam("id"), SignInSession.expires_at > bindparam("now"), User.active)
    .compile(dialect=asyncpg.dialect())  # type: ignore[no-untyped-call]
)


async def person_of(session: AsyncSession, user_id: int) -> Person | None:
    """Whoever may sign in with this id, with his rights of this moment, though he is not here; None: nobody."""
    nowhere = (literal(b"").label("session_id"), literal(LATEST).label("expires_at"))
    row = (
        (await session.execute(select(*_who(), *nowhere).where(User.id == user_id, User.active)))
        .mappings()
        .first()
    )
    return None if row is None else _person(row)


def _person(row: Mapping[Any, Any]) -> Person:
    return Person(
        user_id=row["id"],
        login=row["login"],
        name=row["name"],
        role=Role(row["role"]),
        timezone=row["timezone"],
        session_id=row["session_id"],
        expires_at=row["expires_at"],
        team=frozenset(row["team"] or ()),
        differs={Right(object_, action): Scope(scope) for object_, action, scope in row["scopes"] or ()},
    )


STORE: web.AppKey[SessionStore] = web.AppKey("session_store", SessionStore)


def make_store(services: Services) -> SessionStore:
    """The store that these services' settings ask for."""
    lifetime = timedelta(hours=services.settings.session_hours)
    return SessionStore(services.db, now=services.now, lifetime=lifetime)


class PostgresStorage(AbstractStorage):
    """aiohttp-session over our table."""

    def __init__(self, store: SessionStore, *, secure: bool) -> None:
        seconds = int(store.lifetime.total_seconds())
        super().__init__(
            cookie_name=COOKIE_NAME, max_age=seconds, secure=secure, httponly=True, samesite="Lax"
        )
        self._store = store

    async def load_session(self, request: web.Request) -> Session:
        """The session of the bearer token or, without one, of the cookie; notes who it is on the request.

        Who shows both must be the same person by both: which of them counts is never a matter of taste.
        """
        bearer, cookie = _bearer(request), self.load_cookie(request)
        token = bearer or cookie
        found = await self._store.person(token) if token else None
        if found is not None and bearer is not None and cookie not in (None, bearer):
            other = await self._store.person(cookie)
            found = found if other is not None and other[0].user_id == found[0].user_id else None
        if found is None or token is None:
            return Session(None, data=None, new=True, max_age=self.max_age)
        person, data = found
        request[PERSON] = person
        kept = SessionData(created=int(time.time()), session={"user_id": person.user_id, **data})
        return Session(token, data=kept, new=False, max_age=self.max_age)

    async def save_session(
        self, request: web.Request, response: web.StreamResponse, session: Session
    ) -> None:
        """Write what the handler changed. A new session gets a new id: none can be planted beforehand."""
        if session.empty:
            if session.identity is not None:
                await self._store.close(digest(session.identity))
            self.save_cookie(response, "", max_age=0)
            return
        data = {key: value for key, value in session.items() if key != "user_id"}
        token = await self._store.open(session["user_id"], visitor_address(request), data)
        if session.identity is not None:
            await self._store.close(digest(session.identity))
        self.save_cookie(response, token, max_age=self.max_age)


def _bearer(request: web.Request) -> str | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token.strip() or None if scheme == "Bearer" else None


async def visitor(request: web.Request) -> Person | None:
    """Who sends this request, or None."""
    await get_session(request)
    return request.get(PERSON)


async def signed_in(request: web.Request) -> Person:
    """Who sends this request. Raises `SignInNeeded`: 401 in the API, the sign-in page elsewhere."""
    person = await visitor(request)
    if person is None:
        raise SignInNeeded
    return person


def person(request: web.Request) -> Person:
    """Who is signed in, in a handler that has checked it (every operation that is not public)."""
    return request[PERSON]
