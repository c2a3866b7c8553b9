"""The running web application over a real database, people of every role, a call centre that keeps state."""

import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
import structlog
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from argon2 import PasswordHasher

from callcenter.control import Act
from callcenter.directory import LineEntry
from callcenter.shown_line import LineNeeded
from crm_core.call_act import ActKind
from crm_core.db import Database
from crm_core.dial_rule import DialRefused
from crm_core.errors import Conflict, Forbidden, NotFound
from crm_core.listening import Mode
from crm_core.user import Extension, User
from web.app import build_app
from web.main import doctor_of
from web.services import Services
from web.settings import Settings

PASSWORD = "correct horse"
ROLES = ("operator", "senior", "supervisor", "manager", "admin", "courier")
Client = TestClient[web.Request, web.Application]
ClientOf = Callable[[str], Awaitable[Client]]


@lru_cache(maxsize=1)
def password_hash() -> str:
    """Hashed once for the run, and cheaply: argon2's real cost is paid in the tests that are about it."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@dataclass
class Clock:
    """The time that the application believes; moved by hand."""

    at: datetime = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


@dataclass
class FakeLink:
    """One switchboard's link as the call centre reports it."""

    pbx: str = "pbx"
    state: str = "connected"
    since: datetime = datetime(2026, 11, 20, 8, 0, tzinfo=UTC)
    detail: str = ""
    version: str | None = "Asterisk 22.10.1"
    latency_s: float | None = 0.004
    delayed: bool = False
    heard_at: datetime | None = datetime(2026, 11, 20, 11, 58, tzinfo=UTC)


@dataclass
class FakeDuty:
    """Shifts in memory. A queue called "closed" refuses, as a switchboard may."""

    pauses: dict[int, str] = field(default_factory=dict)
    queues: set[tuple[int, str, str]] = field(default_factory=set)
    extended: dict[int, float] = field(default_factory=dict)

    def describe(self, user_id: int) -> dict[str, Any]:
        if user_id > 1000:
            raise NotFound(f"There is no operator {user_id}.")
        code = self.pauses.get(user_id)
        queues = [
            {"pbx": pbx, "queue": queue, "member": True, "fixed": False, "paused": code is not None}
            | {"reason": code, "by_others": False, "known": True}
            for user, pbx, queue in sorted(self.queues)
            if user == user_id
        ]
        return {
            "id": user_id,
            "name": "Anna",
            "role": "operator",
            "phones": [{"pbx": "main", "extension": "1001", "device": "idle"}],
            "state": "paused" if code else "available",
            "since": None,
            "reason": code,
            "reason_code": code,
            "productive": None,
            "call_id": None,
            "signed_in": bool(queues),
            "queues": queues,
            "pauses": [],
            "wrap_up": None,
            "trouble": None,
        }

    async def pause(self, user_id: int, reason: str, *, by: int | None = None) -> dict[str, Any]:
        self.describe(user_id)
        self.pauses[user_id] = reason
        return self.describe(user_id)

    async def ready(self, user_id: int, *, auto_pause: bool = False) -> dict[str, Any]:
        self.pauses.pop(user_id, None)
        return self.describe(user_id)

    async def finish_wrap_up(self, user_id: int) -> dict[str, Any]:
        return self.describe(user_id)

    def extend_wrap_up(self, user_id: int, seconds: float) -> dict[str, Any]:
        agent = self.describe(user_id)
        self.extended[user_id] = seconds
        return agent

    async def sign_in(self, user_id: int, pbx: str, queue: str) -> dict[str, Any]:
        self.describe(user_id)
        if queue == "closed":
            raise Conflict("The switchboard refused: Permission denied")
        self.queues.add((user_id, pbx, queue))
        return self.describe(user_id)

    async def sign_out(self, user_id: int, pbx: str, queue: str) -> dict[str, Any]:
        self.queues.discard((user_id, pbx, queue))
        return self.describe(user_id)


@dataclass
class FakeLive:
    """A call centre in memory: what was dialled is a live call until it is hung up."""

    listed: list[FakeLink] = field(default_factory=lambda: [FakeLink()])
    calls: dict[UUID, dict[str, Any]] = field(default_factory=dict)
    changed: list[UUID] = field(default_factory=list)
    lines: list[LineEntry] = field(default_factory=list)
    duty: FakeDuty = field(default_factory=FakeDuty)
    acts: list[Act] = field(default_factory=list)
    ears: dict[int, tuple[UUID, Mode]] = field(default_factory=dict)  # by user: who listens
    refused: str = ""  # why nobody is to be called now

    def links(self) -> list[FakeLink]:
        return self.listed

    async def dial(
        self,
        user_id: int,
        to: str,
        *,
        customer_id: int | None = None,
        order_id: int | None = None,
        deal_id: int | None = None,
        callback_id: int | None = None,
        line: str | None = None,
        ask_line: bool = False,
        anyway: bool = False,
    ) -> UUID:
        if self.refused and not anyway:
            raise DialRefused(self.refused)
        if ask_line and line is None and order_id is None and len(self.lines) > 1:
            raise LineNeeded(self.lines)
        call_id = uuid4()
        origin = {"customer_id": customer_id, "order_id": order_id, "deal_id": deal_id}
        self.calls[call_id] = {
            "id": str(call_id),
            "state": "dialling",
            "to": to,
            "user_id": user_id,
            "origin": origin | {"callback_id": callback_id, "line": line},
        }
        return call_id

    async def act(self, call_id: UUID, user_id: int, act: Act, *, anybody: bool = False) -> None:
        if call_id not in self.calls:
            raise NotFound("There is no such live call.")
        if self.calls[call_id]["user_id"] != user_id and not anybody:
            raise Forbidden("This is a colleague's call.")
        if self.calls[call_id]["state"] == "parked":
            raise Conflict("The customer is parked. Fetch him first.")
        self.acts.append(act)
        if act.kind is ActKind.HANG_UP:
            del self.calls[call_id]

    async def listen(self, call_id: UUID, user_id: int, mode: Mode, *, whose: frozenset[int] | None) -> None:
        if call_id not in self.calls:
            raise NotFound("This call is over.")
        operator = self.calls[call_id]["user_id"]
        if operator == user_id:
            raise Conflict("You are in this call yourself.")
        if whose is not None and operator not in whose:
            raise Forbidden("This colleague is not in your team.")
        self.ears[user_id] = (call_id, mode)

    async def take_over(self, call_id: UUID, user_id: int, *, whose: frozenset[int] | None) -> None:
        await self.listen(call_id, user_id, Mode.TAKE_OVER, whose=whose)
        self.calls[call_id]["user_id"] = user_id

    async def stop_listening(self, call_id: UUID, user_id: int) -> None:
        if self.ears.get(user_id, (None,))[0] != call_id:
            raise Conflict("You are not listening to this call.")
        del self.ears[user_id]

    async def queues(self, call_id: UUID) -> list[dict[str, Any]]:
        if call_id not in self.calls:
            raise NotFound("There is no such live call.")
        return [{"name": "sales", "waiting": 2, "free": 1}]

    def live_call(self, call_id: UUID) -> Mapping[str, Any] | None:
        return self.calls.get(call_id)

    def desk(self, user_id: int) -> Mapping[str, Any]:
        own = [call for call in self.calls.values() if call["user_id"] == user_id]
        return {"calls": [{"call": call, "card": {}} for call in own], "agent": {"id": user_id}}

    def colleagues(self) -> list[dict[str, Any]]:
        phones = [{"pbx": "main", "extension": "1001", "device": "idle"}]
        return [
            {"id": 1, "name": "Anna", "state": "available", "since": None, "reason": None, "phones": phones}
        ]

    async def what_if(self, user_id: int, minutes: int) -> dict[str, Any]:
        if user_id > 1000:
            raise NotFound(f"There is no operator {user_id} on the floor.")
        if minutes > 100:
            raise Conflict("Hardly anybody called these queues lately: there is nothing to tell from.")
        best = {"at": "2026-11-20T13:40:00+00:00", "level": 0.8}
        told = {
            "operator": {"id": user_id, "name": "Anna"},
            "minutes": minutes,
            "present": True,
            "best": best,
        }
        return told | {
            "queues": ["sales"],
            "with_him": 0.84,
            "without_him": 0.61,
            "callers_an_hour": 40,
            "handle_s": 190,
        }

    async def desk_changed(self, call_id: UUID) -> None:
        self.changed.append(call_id)

    async def finish(self, call_id: UUID) -> None:
        self.calls.pop(call_id, None)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Thousands of access log lines say nothing about a test; warnings and errors are still printed."""
    before = structlog.get_config()
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[structlog.processors.format_exc_info, structlog.processors.KeyValueRenderer()],
    )
    yield
    structlog.configure(**before)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def live() -> FakeLive:
    return FakeLive()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    recordings = tmp_path / "recordings"
    recordings.mkdir()
    return Settings(data_dir=tmp_path / "data", recordings_dir=recordings, secret_key="k" * 40)


@pytest.fixture
def services(database: Database, settings: Settings, live: FakeLive, clock: Clock) -> Services:
    """What handlers reach; `services.db` is the test's own database."""
    return Services(
        db=database, settings=settings, live=live, now=clock, doctor=doctor_of(settings, database, now=clock)
    )


@pytest_asyncio.fixture
async def people(database: Database) -> dict[str, int]:
    """One user of every role, whose login is the role; the operator has extension 1001. Ids by login."""
    async with database.begin() as session:
        users = [
            User(login=role, name=role.title(), role=role, password_hash=password_hash()) for role in ROLES
        ]
        session.add_all(users)
        await session.flush()
        session.add(Extension(pbx="pbx", extension="1001", user_id=users[0].id))
        return {user.login: user.id for user in users}


@pytest_asyncio.fixture
async def server(services: Services) -> AsyncIterator[TestServer]:
    """The application on a free port of loopback."""
    async with TestServer(build_app(services)) as running:
        yield running


@pytest_asyncio.fixture
async def client(server: TestServer) -> AsyncIterator[Client]:
    """A browser that nobody has signed in with."""
    async with TestClient(server) as browser:
        yield browser


@pytest_asyncio.fixture
async def client_of(server: TestServer, people: dict[str, int]) -> AsyncIterator[ClientOf]:
    """`await client_of("operator")`: a browser in which that user is signed in."""
    async with AsyncExitStack() as stack:

        async def signed_in_as(login: str) -> Client:
            browser = await stack.enter_async_context(TestClient(server))
            await sign_in(browser, login)
            return browser

        yield signed_in_as


async def sign_in(browser: Client, login: str, password: str = PASSWORD) -> None:
    """Sign in over the API; fails the test when refused."""
    answer = await browser.post("/api/v1/session", json={"login": login, "password": password})
    assert answer.status == 200, await answer.text()
