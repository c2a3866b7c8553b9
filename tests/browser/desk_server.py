"""A server that shows the real pages and plays a scripted push connection, for tests of the desk alone.

It keeps what the page sent (`sent`, `told`) and can be cut off (`cut`) and put back (`mend`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jinja2
from aiohttp import WSMsgType, web

from crm_core.user import Role
from tests.patience import PATIENCE_S
from web import menu
from web.rights import Person

WEB = Path(__file__).parents[2] / "web"
NONCE = "nonce-of-this-test"
Json = dict[str, Any]


def ago(seconds: float) -> str:
    """The instant `seconds` before now."""
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


class DeskServer:
    """One operator's world: `calls` on the desk, canned answers, and what the page did."""

    def __init__(self) -> None:
        self.calls: list[Json] = []
        self.shift: Json = {}  # what differs from an operator who is available in one queue
        self.answers: dict[str, Any] = {}
        self.refusals: dict[str, Json] = {}  # path of a change -> the problem it meets
        self.sent: list[tuple[str, str, Any]] = []
        self.told: list[Json] = []
        self.frames: list[str] = []  # whose pages may stand in a frame
        self.floor: dict[str, list[Json]] = {}  # rows of the board by part
        self.down = False
        self.seq = 0
        self.address = ""
        self._sockets: set[web.WebSocketResponse] = set()
        self._heard = asyncio.Condition()

    async def push(self, message: Json, *, skip: int = 0) -> None:
        """Send a numbered message; `skip` numbers are left out, as if messages were lost."""
        self.seq += 1 + skip
        for socket in tuple(self._sockets):
            await socket.send_json({**message, "seq": self.seq})

    async def cut(self) -> None:
        """Nothing answers any more."""
        self.down = True
        for socket in tuple(self._sockets):
            await socket.close()

    def mend(self) -> None:
        """Everything answers again."""
        self.down = False

    async def request(self, method: str, path: str) -> Any:
        """The body of the first such request, waiting for it."""
        async with self._heard, asyncio.timeout(PATIENCE_S):
            while True:
                for sent_method, sent_path, body in self.sent:
                    if (sent_method, sent_path) == (method, path):
                        return body
                await self._heard.wait()

    async def told_of(self, kind: str) -> Json:
        """The first message of this type from the page, waiting for it."""
        async with self._heard, asyncio.timeout(PATIENCE_S):
            while True:
                for message in self.told:
                    if message["type"] == kind:
                        return message
                await self._heard.wait()

    def snapshot(self) -> Json:
        links = [{"pbx": "main", "state": "connected", "since": ago(60), "detail": ""}]
        return {
            "type": "snapshot",
            "seq": self.seq,
            "calls": self.calls,
            "agent": self.agent(),
            "pbx": links,
            "server_time": ago(0),
        }

    def agent(self) -> Json:
        """Anna's shift."""
        usual = {"id": 7, "name": "Anna", "role": "operator", "extensions": ["1001"], "state": "available"}
        usual |= {"since": ago(60), "reason": None, "reason_code": None, "pauses": [], "wrap_up": None}
        usual |= {"signed_in": True, "trouble": None, "queues": [queue("sales", fixed=True), queue("orders")]}
        return usual | self.shift

    async def shift_changed(self, **different: Any) -> None:
        """The switchboard confirmed something: every tab is told."""
        self.shift = different
        await self.push({"type": "agent", "agent": self.agent()})

    async def talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        if self.down:
            await socket.close()
            return socket
        self._sockets.add(socket)
        await socket.send_json(self.snapshot())
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await self._take(socket, json.loads(message.data))
        self._sockets.discard(socket)
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: Json) -> None:
        if message["type"] == "resync":
            await socket.send_json(self.snapshot())
        if message["type"] == "floor":
            await self.push({"type": "floor", "whole": True, "rows": self.floor})
        async with self._heard:
            self.told.append(message)
            self._heard.notify_all()

    async def show_desk(self, request: web.Request) -> web.Response:
        """The desk's page."""
        return page("desk.html", frames=self.frames, steps_left=0)

    async def show_floor(self, request: web.Request) -> web.Response:
        """The page of the board."""
        may = "agents.set calls.control calls.view customers.view figures.view"
        return page("floor.html", path="/floor", wall=False, may_all=may)

    async def api(self, request: web.Request) -> web.Response:
        path = request.path.removeprefix("/api/v1")
        if self.down:
            return web.json_response({"title": "Unavailable", "status": 503}, status=503)
        if request.method == "GET":
            return web.json_response(self.answers.get(path, {"items": []}))
        body = await request.json() if request.can_read_body else None
        async with self._heard:
            self.sent.append((request.method, path, body))
            self._heard.notify_all()
        if problem := self.refusals.get(path):
            return web.json_response(problem, status=problem["status"])
        return web.json_response(self.answers.get(path, {"version": 1, "saved_at": ago(0)}))


def queue(name: str, **different: Any) -> Json:
    """A queue that Anna is in."""
    usual = {"pbx": "main", "queue": name, "member": True, "fixed": False, "paused": False}
    return {**usual, "reason": None, "by_others": False, "known": True, **different}


def call(**different: Any) -> Json:
    """A queue call that rings, as the push protocol tells it."""
    remote = {"number": "+48601220114", "raw": "601220114", "display": "+48 601 220 114", "name": None}
    line = {
        "id": 4,
        "number": "+48223071120",
        "name": "Poland shop",
        "shop_id": 2,
        "shop": "Hearth",
        "currency": "EUR",
    }
    usual = {
        "id": "c1",
        "state": "ringing",
        "direction": "inbound",
        "remote": {**remote, "anonymous": False, "region": "Poland", "timezone": "Europe/Warsaw"},
        "line": line,
        "queue": "Sales",
        "started_at": ago(18),
        "queued_at": ago(16),
        "rang_at": ago(6),
        "answered_at": None,
        "held_at": None,
        "ended_at": None,
        "wait_s": 0,
        "talk_s": 0,
        "click_to_call": False,
        "stage": None,
        "failure": None,
        "result": None,
        "operator": None,
    }
    return usual | different


def card(**different: Any) -> Json:
    """What is known of an unknown caller: nothing."""
    lists = {name: [] for name in ("candidates", "orders", "deals", "calls", "tasks", "notes", "links")}
    note = {"text": "", "version": 0, "saved_at": None}
    return {"customer": None, "note": note, "draft": None, "disposition": None} | lists | different


def customer(name: str = "Marta Zielińska") -> Json:
    """Somebody with one number."""
    number = {"id": 1, "e164": "+48601220114", "display": "+48 601 220 114", "label": "mobile"}
    totals = {"orders": 9, "sum": "1284.50", "currency": "EUR", "last_at": ago(86400 * 3)}
    return {
        "id": 1,
        "name": name,
        "vip": True,
        "bad": False,
        "tags": [],
        "email": "marta@example.com",
        "city": "Kraków",
        "country": "PL",
        "address": "ul. Długa 14/7",
        "timezone": "Europe/Warsaw",
        "note": None,
        "source": "site",
        "numbers": [number],
        "totals": totals,
    }


def outcome(code: str, **different: Any) -> Json:
    """An outcome that asks for nothing."""
    asks = dict.fromkeys(("needs_customer", "needs_link", "needs_note", "needs_next"), False)
    usual = {"code": code, "label": code.replace("_", " ").capitalize(), "parent": None, "active": True}
    return usual | asks | {"about": []} | different


def tree(tree_id: int, *outcomes: Json, **different: Any) -> Json:
    """Outcomes that belong together."""
    return {"id": tree_id, "line_ids": [], "funnel_ids": [], "outcomes": list(outcomes)} | different


@asynccontextmanager
async def served() -> AsyncIterator[DeskServer]:
    """The server, listening on a free port of the loopback."""
    server = DeskServer()
    app = web.Application()
    app.router.add_get("/", server.show_desk)
    app.router.add_get("/floor", server.show_floor)
    app.router.add_get("/push", server.talk)
    app.router.add_route("*", "/api/v1/{rest:.*}", server.api)
    app.router.add_static("/static/", WEB / "static")
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.address = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        await server.cut()
        await runner.cleanup()


def page(name: str, *, frames: Sequence[str] = (), **values: Any) -> web.Response:
    """A page as the application renders it, under the same policy: nothing inline, our own files alone."""
    person = Person(
        user_id=7,
        login="anna",
        name="Anna Kowalska",
        role=Role.OPERATOR,
        timezone="UTC",
        session_id=b"",
        expires_at=datetime.now(UTC),
    )
    usual = {"person": person, "csp_nonce": NONCE, "push_port": None, "demo": False, "path": "/"}
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(WEB / "templates"),
        autoescape=True,
        extensions=["jinja2.ext.i18n"],
        undefined=jinja2.StrictUndefined,
    )
    environment.install_null_translations(newstyle=True)  # type: ignore[attr-defined]
    environment.globals["menu"] = menu
    environment.globals["static"] = lambda path: f"/static/{path}"
    policy = (
        f"default-src 'none'; script-src 'self' 'nonce-{NONCE}'; style-src 'self' 'nonce-{NONCE}';"
        " img-src 'self' data:; media-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'"
    )
    policy += f"; frame-src {' '.join(frames)}" if frames else ""
    text = environment.get_template(name).render(**(usual | values), frames=frames)
    return web.Response(text=text, content_type="text/html", headers={"Content-Security-Policy": policy})
