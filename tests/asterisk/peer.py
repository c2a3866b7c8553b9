"""A scriptable AMI peer on a free loopback port, which does as badly as a test needs.

It speaks as Asterisk 22 does (recorded answers), and every departure from that is one attribute or one line
of a test: `peer.answers["QueueAdd"] = ...`, `peer.secret = "other"`, `peer.mute("Ping")`, `peer.abort()`.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Callable

from tests.patience import PATIENCE_S

CHALLENGE = "840415273"
Answer = Callable[[dict[str, str]], bytes | None]


def block(*lines: str) -> bytes:
    """One AMI message: its lines, then a blank one."""
    return "".join(f"{line}\r\n" for line in (*lines, "")).encode()


def success(message: str) -> Answer:
    return lambda action: block("Response: Success", f"ActionID: {action['ActionID']}", f"Message: {message}")


def refusal(message: str) -> Answer:
    return lambda action: block("Response: Error", f"ActionID: {action['ActionID']}", f"Message: {message}")


def listing(complete: str, *items: tuple[str, ...]) -> Answer:
    """A list as Asterisk sends it: start, items, the closing event."""

    def answer(action: dict[str, str]) -> bytes:
        mine = f"ActionID: {action['ActionID']}"
        start = block("Response: Success", mine, "EventList: start", "Message: List will follow")
        middle = b"".join(block(item[0], mine, *item[1:]) for item in items)
        end = block(f"Event: {complete}", mine, "EventList: Complete", f"ListItems: {len(items)}")
        return start + middle + end

    return answer


class Peer:
    """`async with Peer() as peer:`; `peer.port` is where it listens."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        self.banner = b"Asterisk Call Manager/11.0.0\r\n"
        self.secret = "s3cret"
        self.booted: bytes = block(
            "Event: FullyBooted", "Privilege: system,all", "Uptime: 42", "LastReload: 42"
        )
        self.answers: dict[str, Answer] = {
            "Ping": lambda a: block("Response: Success", f"ActionID: {a['ActionID']}", "Ping: Pong"),
            "Challenge": lambda a: block(
                "Response: Success", f"ActionID: {a['ActionID']}", f"Challenge: {CHALLENGE}"
            ),
            "CoreShowChannels": listing("CoreShowChannelsComplete"),
            "BridgeList": listing("BridgeListComplete"),
            "BridgeInfo": refusal("Bridge not found"),
            "QueueStatus": listing("QueueStatusComplete"),
            "DeviceStateList": listing("DeviceStateListComplete"),
            "CoreSettings": lambda a: block(
                "Response: Success", f"ActionID: {a['ActionID']}", "AsteriskVersion: 22.10.1"
            ),
        }
        self.seen: list[dict[str, str]] = []
        self.arrived_at: list[tuple[str, float]] = []
        self.connections = 0
        self._tls = tls
        self._changed = asyncio.Event()
        self._writers: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    # --- running

    async def __aenter__(self) -> "Peer":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        self.abort()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self._writers.append(writer)
        self._touch()
        writer.write(self.banner)
        try:
            while True:
                await self._serve(await reader.readuntil(b"\r\n\r\n"), writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass  # gone, as it should be in most of these tests
        finally:
            writer.transport.abort()

    async def _serve(self, raw: bytes, writer: asyncio.StreamWriter) -> None:
        action: dict[str, str] = {}
        for line in raw.decode().strip().split("\r\n"):
            name, _, value = line.partition(": ")
            action[name] = f"{action[name]}|{value}" if name in action else value
        self.seen.append(action)
        self.arrived_at.append((action["Action"], asyncio.get_running_loop().time()))
        self._touch()
        answer = self._log_in(action) if action["Action"] == "Login" else self._answer(action)
        if answer:
            writer.write(answer)
        if action["Action"] == "Login" and answer and b"Error" in answer:
            await writer.drain()
            raise ConnectionError("Asterisk hangs up after a refused login")

    def _answer(self, action: dict[str, str]) -> bytes | None:
        answer = self.answers.get(action["Action"])
        return answer(action) if answer else refusal("Invalid/unknown command")(action)

    def _log_in(self, action: dict[str, str]) -> bytes | None:
        if "Login" in self.answers:
            return self.answers["Login"](action)
        key = hashlib.md5((CHALLENGE + self.secret).encode()).hexdigest()
        if action.get("Secret") == self.secret or action.get("Key") == key:
            return success("Authentication accepted")(action) + self.booted
        return refusal("Authentication failed")(action)

    # --- for the test

    def say(self, data: bytes) -> None:
        """Write to whoever is connected."""
        self._writers[-1].write(data)

    async def say_in_pieces(self, *pieces: bytes) -> None:
        """Write so that each piece is one `read()` on the other side."""
        for piece in pieces:
            self.say(piece)
            await self._writers[-1].drain()
            await asyncio.sleep(0.02)

    def mute(self, *actions: str) -> None:
        """Never answer these."""
        for action in actions:
            self.answers[action] = lambda _: None

    def abort(self) -> None:
        """Break every connection without a word."""
        for writer in self._writers:
            writer.transport.abort()

    def count(self, action: str) -> int:
        return sum(seen["Action"] == action for seen in self.seen)

    async def saw(self, action: str, times: int = 1) -> dict[str, str]:
        """Wait until the action has come so often, and return the last of them."""
        async with asyncio.timeout(PATIENCE_S):
            while self.count(action) < times:
                await self._next()
        return [seen for seen in self.seen if seen["Action"] == action][times - 1]

    async def met(self, connections: int) -> None:
        """Wait until so many connections have been made."""
        async with asyncio.timeout(PATIENCE_S):
            while self.connections < connections:
                await self._next()

    async def _next(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _touch(self) -> None:
        self._changed.set()
