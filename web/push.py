"""The push server: every browser of an operator is given the state of his desk, a snapshot and then changes.

On its own port, `/push`. A browser is let in by the same session as the pages, and only from our own pages
(Chromium sends no Sec-Fetch-Site on a handshake, so `Origin` is what is checked; cookies ignore ports).

A message is written at once and never waited for: what a browser does not read piles up in its write buffer,
and a browser with more than `LARGEST_BACKLOG` waiting is cut off. It comes back by itself to a snapshot.
Every message of a connection is numbered by `seq`; a client that sees a gap asks for a snapshot (`resync`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Protocol
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from websockets.asyncio.server import ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from crm_core.outage import is_outage
from web.encoded import encoded
from web.floor_viewers import FloorViewers
from web.metrics import Metrics
from web.reach import message_seen
from web.register import Register
from web.rights import VIEW_AGENTS, Person
from web.sessions import COOKIE_NAME, SessionStore

PATH = "/push"
LARGEST_BACKLOG = 256 * 1024  # bytes that may wait for one browser
LARGEST_MESSAGE = 16 * 1024  # bytes a browser may send at once; ours are tiny
SIGNED_OUT, NOT_UNDERSTOOD = 4401, 1007  # close codes; 4401 tells the page to ask for a sign-in
PING_EVERY_S, PONG_WITHIN_S = 20.0, 20.0
CHECK_EVERY_S = 5.0  # a revoked session is shut out within this time
log = structlog.get_logger(__name__)
Message = Mapping[str, Any]
Send = Callable[[Message], None]


class DeskSource(Protocol):
    """Where the state of desks comes from."""

    def snapshot(self, user_id: int) -> Message:
        """The whole desk: {"type": "snapshot", "calls": […], "agent": {…}, "pbx": […], "server_time": …}."""
        ...

    def subscribe(self, user_id: int, send: Send) -> Callable[[], None]:
        """Have `send` called with every change of the desk from now on; returns how to end that."""
        ...

    def shown(self, user_id: int, call_id: UUID) -> None:
        """A browser of this user says that the card is on the screen."""
        ...

    def leave(self, user_id: int, call_id: UUID) -> None:
        """Who handed this call on does not want to watch it any more."""
        ...


class BrowserConnection(ServerConnection):
    """A connection that knows whose browser it is. `person` None: let in only to be told to sign in."""

    person: Person | None = None
    seq: int = 0


@dataclass
class Viewer:
    """The browsers of one user, fed by one subscription."""

    unsubscribe: Callable[[], None] = lambda: None
    browsers: set[BrowserConnection] = field(default_factory=set)


class PushServer:
    """All browsers that are connected to this process."""

    def __init__(
        self,
        source: DeskSource,
        store: SessionStore,
        metrics: Metrics,
        *,
        register: Register | None = None,
        floor: FloorViewers | None = None,
        public_url: str | None = None,
        check_every_s: float = CHECK_EVERY_S,
    ) -> None:
        self._source = source
        self._register = register
        self._floor = floor
        self._store = store
        self._metrics = metrics
        self._public_host = urlsplit(public_url).hostname if public_url else None
        self._check_every_s = check_every_s
        self._viewers: dict[int, Viewer] = {}
        self._last: tuple[Message, str] = ({}, "")  # the message written last, and as what

    @asynccontextmanager
    async def listening(self, host: str, port: int) -> AsyncIterator[int]:
        """Serve while inside; gives the port (that the system chose when `port` is 0).

        Raises `OSError` when the port is taken.
        """
        server = serve(
            self._talk,
            host,
            port,
            create_connection=BrowserConnection,
            process_request=self._admit,
            compression=None,  # messages are small and many; deflate would cost 64 KiB a browser
            ping_interval=PING_EVERY_S,
            ping_timeout=PONG_WITHIN_S,
            close_timeout=2,
            max_size=LARGEST_MESSAGE,
            server_header=None,
        )
        async with server as running:
            checking = asyncio.create_task(self._check_sessions(), name="push sessions")
            try:
                yield next(iter(running.sockets)).getsockname()[1]
            finally:
                checking.cancel()
                await asyncio.gather(checking, return_exceptions=True)

    # --- letting in -----------------------------------------------------------------------------------------

    async def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Refuse the handshake, or note whose browser it is."""
        if urlsplit(request.path).path != PATH:
            return connection.respond(HTTPStatus.NOT_FOUND, "There is nothing at this address.\n")
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_ours(origin, request.headers.get("Host", "")):
            return connection.respond(HTTPStatus.FORBIDDEN, "This page is not ours.\n")
        try:
            person = await self._person(request)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("push: the database does not answer", error=type(error).__name__)
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "The database does not answer.\n")
        if person is None and origin is None:
            return connection.respond(HTTPStatus.UNAUTHORIZED, "Sign in first.\n")
        if person is not None and not person.may(VIEW_AGENTS):  # a snapshot tells of calls and colleagues
            return connection.respond(HTTPStatus.FORBIDDEN, "Your role has no desk.\n")
        assert isinstance(connection, BrowserConnection)  # create_connection above
        connection.person = person
        return None

    def _is_ours(self, origin: str, host: str) -> bool:
        """Does the page come from the host it connects to (on whatever port), or from our public address?"""
        try:
            name, own = urlsplit(origin).hostname, urlsplit(f"//{host}").hostname
        except ValueError:
            return False
        return name is not None and name in (own, self._public_host)

    async def _person(self, request: Request) -> Person | None:
        token = _token(request)
        found = await self._store.person(token) if token else None
        return found[0] if found else None

    # --- one browser ----------------------------------------------------------------------------------------

    async def _talk(self, connection: ServerConnection) -> None:
        """Serve one browser until it goes."""
        assert isinstance(connection, BrowserConnection)
        person = connection.person
        if person is None:  # a browser can not read the status of a refused handshake, but it sees this code
            await connection.close(SIGNED_OUT, "signed out")
            return
        self._enter(person, connection)
        try:
            async for text in connection:
                if not self._hear(connection, person, text):
                    await connection.close(NOT_UNDERSTOOD, "not understood")
        except ConnectionClosed:
            pass  # how it went does not matter: state is sent anew when it comes back
        finally:
            self._leave(person.user_id, connection)

    def _enter(self, person: Person, browser: BrowserConnection) -> None:
        """Snapshot first, changes after; nothing can come between, for nothing here waits."""
        user_id = person.user_id
        state = self._snapshot(person)  # first: should it fail, nothing is left behind
        viewer = self._viewers.get(user_id)
        if viewer is None:
            viewer = self._viewers[user_id] = Viewer()
            viewer.unsubscribe = self._source.subscribe(
                user_id, lambda message: self._spread(viewer, message)
            )
        self._send(browser, state)
        viewer.browsers.add(browser)
        self._metrics.browsers.inc()

    def _leave(self, user_id: int, browser: BrowserConnection) -> None:
        viewer = self._viewers[user_id]
        viewer.browsers.discard(browser)
        if self._register is not None:
            self._register.leave(browser)
        if self._floor is not None:
            self._floor.leave(browser)
        self._metrics.browsers.dec()
        if not viewer.browsers:
            viewer.unsubscribe()
            del self._viewers[user_id]

    def _hear(self, browser: BrowserConnection, person: Person, text: str | bytes) -> bool:
        """Act on what the browser says; False when it is no message. Unknown types are passed over."""
        said = _decoded(text)
        match said:
            case {"type": "shown", "call_id": UUID() as call_id}:
                self._source.shown(person.user_id, call_id)
            case {"type": "leave", "call_id": UUID() as call_id}:
                self._source.leave(person.user_id, call_id)
            case {"type": "resync"}:
                self._send(browser, self._snapshot(person))
            case {"type": "follow", "nouns": nouns, "age_s": age_s} if self._register is not None:
                self._register.follow(
                    browser,
                    nouns,
                    lambda: browser.person,
                    lambda told: self._send(browser, encoded(told)),
                    age_s=age_s,
                )
            case {"type": "floor"} if self._floor is not None:
                self._floor.follow(browser, lambda: browser.person, lambda told: self._send(browser, told))
        return said is not None

    def _snapshot(self, person: Person) -> str:
        return encoded(message_seen(person, self._source.snapshot(person.user_id)))

    # --- sending --------------------------------------------------------------------------------------------

    def _spread(self, viewer: Viewer, message: Message) -> None:
        """One change to every browser of a user; encoded once, numbered for each."""
        who = next((browser.person for browser in viewer.browsers if browser.person is not None), None)
        if who is None:
            return
        body = self._encoded(message_seen(who, message))
        for browser in tuple(viewer.browsers):
            self._send(browser, body)

    def _encoded(self, message: Message) -> str:
        """What goes to every desk as it is becomes text once, not once for each of them."""
        if message is not self._last[0]:
            self._last = (message, encoded(message))
        return self._last[1]

    def _send(self, browser: BrowserConnection, body: str) -> None:
        """Write and do not wait; cut a browser that does not read."""
        if browser.transport.get_write_buffer_size() > LARGEST_BACKLOG:
            if not browser.transport.is_closing():
                log.warning(
                    "browser cut: it does not read", user_id=browser.person and browser.person.user_id
                )
                self._metrics.cut.labels("slow").inc()
                browser.transport.abort()
            return
        browser.seq += 1
        broadcast((browser,), f'{{"seq":{browser.seq},{body[1:]}')
        self._metrics.pushed.inc()

    # --- sessions that end ----------------------------------------------------------------------------------

    async def _check_sessions(self) -> None:
        """For ever: shut out browsers whose session was revoked or has expired."""
        while True:
            await asyncio.sleep(self._check_every_s)
            try:
                await self.check_sessions()
            except Exception as error:  # this loop may not end
                # Nobody can be revoked while the database is away; the calls must stay on the desks.
                log.warning("push: sessions can not be checked", error=type(error).__name__)

    async def check_sessions(self) -> None:
        """Close every connection whose session stands no more; at once, for tests and after a revocation."""
        held = {
            browser: browser.person.session_id
            for viewer in self._viewers.values()
            for browser in viewer.browsers
            if browser.person is not None
        }
        alive = await self._store.alive(set(held.values()))
        ended = [browser for browser, session_id in held.items() if session_id not in alive]
        for browser, session_id in held.items():
            browser.person = alive.get(session_id, browser.person)  # another role or team since
        self._metrics.cut.labels("signed out").inc(len(ended))
        await asyncio.gather(*(browser.close(SIGNED_OUT, "signed out") for browser in ended))


def _decoded(text: str | bytes) -> dict[str, Any] | None:
    """What a browser said, with the id of a `shown` or `leave` as `call_id`; None when it is not a message of ours."""
    try:
        said = json.loads(text)
        if said["type"] in ("shown", "leave"):
            return {"type": said["type"], "call_id": UUID(said["id"])}
        if said["type"] == "follow":
            nouns = [str(noun) for noun in said["nouns"]]
            return {"type": "follow", "nouns": nouns, "age_s": float(said.get("age", 0))}
        return {"type": said["type"]}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _token(request: Request) -> str | None:
    """The session's token: from `Authorization: Bearer`, else from the cookie."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme == "Bearer" and token.strip():
        return token.strip()
    for header in request.headers.get_all("Cookie"):
        for cookie in header.split(";"):
            name, _, value = cookie.strip().partition("=")
            if name == COOKIE_NAME:
                return value.strip('"')
    return None
