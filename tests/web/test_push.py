"""Desks in browsers: real websocket clients on a real port."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest
import pytest_asyncio
from sqlalchemy import update
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from crm_core.user import User
from tests.patience import PATIENCE_S
from web.push import LARGEST_BACKLOG, PushServer
from web.sessions import COOKIE_NAME, digest, make_store


@dataclass
class Desks:
    """Desks in memory: the calls of each user, and what browsers said they showed."""

    calls: dict[int, dict[str, Any]] = field(default_factory=dict)
    listeners: dict[int, list[Callable[[Mapping[str, Any]], None]]] = field(default_factory=dict)
    calling: list[dict[str, Any]] = field(default_factory=list)
    seen: list[tuple[int, UUID]] = field(default_factory=list)
    acted: asyncio.Event = field(default_factory=asyncio.Event)

    def snapshot(self, user_id: int) -> dict[str, Any]:
        return {
            "type": "snapshot",
            "calls": list(self.calls.get(user_id, {}).values()),
            "agent": {"id": user_id},
            "calling": self.calling,
        }

    def subscribe(self, user_id: int, send: Callable[[Mapping[str, Any]], None]) -> Callable[[], None]:
        self.listeners.setdefault(user_id, []).append(send)

        def end() -> None:
            self.listeners[user_id].remove(send)
            self.acted.set()

        return end

    def shown(self, user_id: int, call_id: UUID) -> None:
        self.seen.append((user_id, call_id))
        self.acted.set()

    def ring(self, user_id: int, call_id: str, **more: Any) -> None:
        entry = {"call": {"id": call_id, "state": "ringing"}, "card": more}
        self.calls.setdefault(user_id, {})[call_id] = entry
        self.push(user_id, {"type": "call", **entry})

    def tell_who_calls(self, calling: list[dict[str, Any]]) -> None:
        """Everybody hears it; whoever connects later has it in his snapshot."""
        self.calling = calling
        for user_id in self.listeners:
            self.push(user_id, {"type": "calling", "calling": calling})

    def push(self, user_id: int, message: Mapping[str, Any]) -> None:
        for send in list(self.listeners.get(user_id, [])):
            send(message)


@pytest.fixture
def desks() -> Desks:
    return Desks()


@pytest.fixture
def store(services):
    return make_store(services)


@pytest_asyncio.fixture
async def push(desks, store, services) -> AsyncIterator[tuple[PushServer, int]]:
    server = PushServer(desks, store, services.metrics, public_url="https://crm.example.com")
    async with server.listening("127.0.0.1", 0) as port:
        yield server, port


@pytest_asyncio.fixture
async def token(store, people) -> str:
    """The operator's session."""
    return await store.open(people["operator"], None)


@asynccontextmanager
async def browser(
    port: int, token: str | None, *, origin: str | None = None, **options
) -> AsyncIterator[ClientConnection]:
    headers = {"Cookie": f"theme=dark; {COOKIE_NAME}={token}"} if token else {}
    address = f"ws://127.0.0.1:{port}/push"
    async with connect(
        address, additional_headers=headers, origin=origin, proxy=None, **options
    ) as connection:
        yield connection


async def heard(connection: ClientConnection) -> dict[str, Any]:
    return json.loads(await asyncio.wait_for(connection.recv(), PATIENCE_S))


async def close_code(connection: ClientConnection) -> int | None:
    with pytest.raises(ConnectionClosed):
        await asyncio.wait_for(connection.recv(), PATIENCE_S)
    return connection.close_code


async def test_a_desk_begins_with_a_snapshot_and_goes_on_with_numbered_changes(
    push, desks, token, people
) -> None:
    operator = people["operator"]
    desks.ring(operator, "before")
    async with browser(push[1], token) as desk:
        first = await heard(desk)
        assert (first["type"], first["seq"]) == ("snapshot", 1)
        assert [entry["call"]["id"] for entry in first["calls"]] == ["before"]
        desks.ring(operator, "second")
        desks.push(operator, {"type": "call_gone", "id": "before", "reason": "answered elsewhere"})
        changes = [await heard(desk), await heard(desk)]
    assert [(change["type"], change["seq"]) for change in changes] == [("call", 2), ("call_gone", 3)]


async def test_another_operators_call_stays_on_his_desk(push, desks, token, people) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        desks.ring(people["senior"], "not mine")
        desks.ring(people["operator"], "mine")
        assert (await heard(desk))["call"]["id"] == "mine"


async def test_every_tab_is_given_the_state_and_numbers_it_by_itself(push, desks, token, people) -> None:
    async with browser(push[1], token) as first:
        await heard(first)
        desks.ring(people["operator"], "one")
        await heard(first)
        async with browser(push[1], token) as second:
            assert (await heard(second))["seq"] == 1
            desks.ring(people["operator"], "two")
            assert (await heard(first))["seq"] == 3
            assert (await heard(second))["seq"] == 2
    assert len(desks.listeners[people["operator"]]) <= 1


async def test_a_browser_that_missed_something_asks_for_a_fresh_snapshot(push, desks, token, people) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        desks.calls[people["operator"]] = {"silent": {"call": {"id": "silent"}, "card": {}}}
        await desk.send('{"type": "resync"}')
        again = await heard(desk)
    assert (again["type"], again["seq"]) == ("snapshot", 2)
    assert [entry["call"]["id"] for entry in again["calls"]] == ["silent"]


async def test_what_was_shown_is_told_to_the_desks(push, desks, token, people) -> None:
    call_id = uuid4()
    async with browser(push[1], token) as desk:
        await desk.send(json.dumps({"type": "shown", "id": str(call_id)}))
        await asyncio.wait_for(desks.acted.wait(), PATIENCE_S)
    assert desks.seen == [(people["operator"], call_id)]


@pytest.mark.parametrize(
    "nonsense", ["", "hello", "[]", "7", "{}", '{"type":"shown"}', '{"type":"shown","id":7}', "[" * 9000]
)
async def test_a_browser_that_talks_nonsense_is_sent_away(push, desks, token, nonsense) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        await desk.send(nonsense)
        assert await close_code(desk) == 1007
    assert desks.seen == []


async def test_messages_of_a_newer_page_are_passed_over(push, token) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        await desk.send('{"type": "alive"}')
        await desk.send('{"type": "from the future"}')
        await desk.send('{"type": "resync"}')
        assert (await heard(desk))["type"] == "snapshot"


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://127.0.0.1.evil.example",
        "null",
        "http://[",
        "file://",
        "http://localhost:1",
    ],
)
async def test_another_sites_page_is_refused_even_with_the_cookie(push, token, origin) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with browser(push[1], token, origin=origin):
            pass
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    "origin", ["http://127.0.0.1:8080", "https://127.0.0.1", "https://crm.example.com", None]
)
async def test_our_own_page_is_let_in_from_whatever_port(push, token, origin) -> None:
    async with browser(push[1], token, origin=origin) as desk:
        assert (await heard(desk))["type"] == "snapshot"


async def test_a_program_without_a_session_is_refused(push, people) -> None:
    for nobody in (None, "made up"):
        with pytest.raises(InvalidStatus) as refused:
            async with browser(push[1], nobody):
                pass
        assert refused.value.response.status_code == 401


async def test_a_page_without_a_session_is_told_to_sign_in_and_nothing_else(push, people) -> None:
    async with browser(push[1], "expired", origin="http://127.0.0.1:8080") as desk:
        assert await close_code(desk) == 4401


async def test_other_addresses_do_not_exist(push, token) -> None:
    with pytest.raises(InvalidStatus) as refused:
        async with connect(f"ws://127.0.0.1:{push[1]}/other", proxy=None):
            pass
    assert refused.value.response.status_code == 404


async def test_signing_out_closes_the_desk_in_every_tab(push, desks, store, token) -> None:
    async with browser(push[1], token) as first, browser(push[1], token) as second:
        await heard(first)
        await heard(second)
        await store.close(digest(token))
        await push[0].check_sessions()
        assert await close_code(first) == await close_code(second) == 4401


async def test_the_end_of_the_session_closes_the_desk(push, token, clock) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        await push[0].check_sessions()
        clock.move(hours=11)
        await push[0].check_sessions()
        assert await close_code(desk) == 4401


async def test_someone_who_was_made_inactive_loses_the_desk(push, token, database) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        async with database.begin() as session:
            await session.execute(update(User).where(User.login == "operator").values(active=False))
        await push[0].check_sessions()
        assert await close_code(desk) == 4401


async def test_sessions_are_checked_by_themselves(desks, store, services, token) -> None:
    server = PushServer(desks, store, services.metrics, check_every_s=0.01)
    async with server.listening("127.0.0.1", 0) as port, browser(port, token) as desk:
        await heard(desk)
        await store.close(digest(token))
        assert await close_code(desk) == 4401


async def test_a_browser_that_does_not_read_is_cut_and_nobody_waits_for_it(
    push, desks, store, token, people, services
) -> None:
    operator = people["operator"]
    narrow = socket.create_connection(("127.0.0.1", push[1]))  # narrow, so that the backlog is the server's
    narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    async with browser(push[1], token) as quick:
        await heard(quick)
        async with browser(push[1], token, sock=narrow, max_queue=1) as stalled:
            await heard(stalled)
            stalled.transport.pause_reading()
            sent, numbers = 0, []
            while services.metrics.cut.labels("slow")._value.get() == 0:
                desks.ring(operator, f"call {sent % 3}", filling="x" * 16_384)
                sent += 1
                numbers.append((await heard(quick))["seq"])
                assert sent * 16_384 < 64 * LARGEST_BACKLOG, "the stalled browser was never cut"
            stalled.transport.abort()  # or the client would wait for its own closing handshake
        desks.ring(operator, "afterwards")
        assert (await heard(quick))["call"]["id"] == "afterwards"
    assert numbers == list(range(2, sent + 2)), "the quick browser got everything, in order"


async def test_nobody_is_subscribed_after_the_last_tab_is_closed(push, desks, token, people) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        assert len(desks.listeners[people["operator"]]) == 1
        desks.acted.clear()
    await asyncio.wait_for(desks.acted.wait(), PATIENCE_S)
    assert desks.listeners[people["operator"]] == []


async def test_thousands_of_changes_arrive_in_order(push, desks, token, people) -> None:
    async with browser(push[1], token) as desk:
        await heard(desk)
        for number in range(3000):
            desks.push(people["operator"], {"type": "agent", "agent": {"n": number}})
            if number % 100 == 99:
                await asyncio.sleep(0)
        arrived = [await heard(desk) for _ in range(3000)]
    assert [message["agent"]["n"] for message in arrived] == list(range(3000))
    assert [message["seq"] for message in arrived] == list(range(2, 3002))
