"""AMI on the wire: one session per TCP connection, its login, its classes, its answers."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING

from asterisk.fake.config import Account

if TYPE_CHECKING:
    from asterisk.fake.switchboard import Switchboard

BANNER = b"Asterisk Call Manager/11.0.0\r\n"
LONGEST_ACTION = 65_536  # bytes; real manager sessions are cut off too when they send no end
STALLED_BYTES = 16_000_000  # a reader that far behind is dropped, as `writetimeout` does

Action = Mapping[str, str]


class Refused(Exception):
    """The action can not be done; the text goes into `Message`."""


def parse(block: bytes) -> dict[str, str]:
    """Turn one action into headers, names in lower case; repeated ones (Variable) are joined by newlines."""
    headers: dict[str, str] = {}
    for line in block.decode("utf-8", "replace").split("\r\n"):
        key, colon, value = line.partition(":")
        if not colon:
            continue
        key, value = key.strip().lower(), value.strip()
        headers[key] = f"{headers[key]}\n{value}" if key in headers else value
    return headers


class Session:
    """One manager connection."""

    def __init__(
        self, board: Switchboard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.board = board
        self.account: Account | None = None
        self.challenge = ""
        self.events = True
        self._reader, self._writer = reader, writer

    # ---- out

    def send(self, block: bytes) -> None:
        """Send ready bytes; drop a reader that does not read."""
        transport = self._writer.transport
        if transport.is_closing():
            return
        self._writer.write(block)
        if transport.get_write_buffer_size() > STALLED_BYTES:
            transport.abort()

    def hear(self, kind: str, block: bytes) -> None:
        """Pass on an event when the account may read its class."""
        if self.account is not None and self.events and kind in self.account.read:
            self.send(block)

    def respond(self, action: Action, response: str, message: str = "", **headers: object) -> None:
        """Answer an action."""
        lines = [f"Response: {response}"]
        if "actionid" in action:
            lines.append(f"ActionID: {action['actionid']}")
        lines += [f"{key.replace('_', '-')}: {value}" for key, value in headers.items()]
        if message:
            lines.append(f"Message: {message}")
        self.send(("\r\n".join(lines) + "\r\n\r\n").encode())

    def respond_list(
        self, action: Action, message: str, complete: str, items: list[tuple[str, str]], extra: str = ""
    ) -> None:
        """Answer with a list: the response, an event per item (name, body), and the event that ends it."""
        ident = f"ActionID: {action['actionid']}\r\n" if "actionid" in action else ""
        parts = [f"Response: Success\r\n{ident}EventList: start\r\nMessage: {message}\r\n\r\n"]
        parts += [f"Event: {name}\r\n{ident}{body}\r\n" for name, body in items]
        parts.append(
            f"Event: {complete}\r\n{ident}EventList: Complete\r\nListItems: {len(items)}\r\n{extra}\r\n"
        )
        self.send("".join(parts).encode())

    def event_to_me(self, name: str, kind: str, body: str = "") -> None:
        """Send an event that concerns this session alone."""
        self.hear(kind, f"Event: {name}\r\nPrivilege: {kind},all\r\n{self.board.stamp()}{body}\r\n".encode())

    # ---- in

    async def serve(self) -> None:
        """Greet, then answer actions until the peer goes."""
        self.send(BANNER)
        try:
            while True:
                block = await self._reader.readuntil(b"\r\n\r\n")
                if not self._take(parse(block.lstrip(b"\r\n"))):
                    break
            await self._writer.drain()
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            return
        finally:
            self._writer.close()

    def abort(self) -> None:
        """Cut the connection without a word."""
        self._writer.transport.abort()

    def end(self) -> None:
        """Close after what is still to be sent."""
        self._writer.close()

    def _take(self, action: Action) -> bool:
        """Handle one action; return whether the connection goes on."""
        name = action.get("action", "").lower()
        if not name:
            self.respond(action, "Error", "Missing action in request")
            return True
        if name == "logoff":
            self.respond(action, "Goodbye", "Thanks for all the fish.")
            return False
        if name == "challenge":
            return self._challenge(action)
        if self.account is None:
            if name == "login":
                return self._login(action)
            self.respond(action, "Error", "Permission denied")
            return True
        self.board.act(self, name, action)
        return True

    def _challenge(self, action: Action) -> bool:
        if action.get("authtype", "").lower() != "md5":
            self.respond(action, "Error", "Must specify AuthType")
            return True
        self.challenge = str(secrets.randbelow(10**9))
        self.respond(action, "Success", Challenge=self.challenge)
        return True

    def _login(self, action: Action) -> bool:
        account = self.board.accounts.get(action.get("username", ""))
        if account is None or not self._proves(account, action):
            self.respond(action, "Error", "Authentication failed")
            return False
        self.account = account
        self.events = action.get("events", "on").lower() not in ("off", "no", "false")
        self.respond(action, "Success", "Authentication accepted")
        uptime = int(self.board.pbx.clock.time() - self.board.pbx.booted_at)
        self.event_to_me(
            "FullyBooted", "system", f"Uptime: {uptime}\r\nLastReload: {uptime}\r\nStatus: Fully Booted\r\n"
        )
        return True

    def _proves(self, account: Account, action: Action) -> bool:
        if action.get("authtype", "").lower() == "md5":
            wanted = hashlib.md5(
                f"{self.challenge}{account.secret}".encode(), usedforsecurity=False
            ).hexdigest()
            return bool(self.challenge) and secrets.compare_digest(wanted, action.get("key", "").lower())
        return secrets.compare_digest(account.secret.encode(), action.get("secret", "").encode())
