"""A short visit to a PBX: connect, log in, ask a few things, listen meanwhile, leave.

A `Link` stays for ever and repairs itself; a visit wants to know why something does not work, so it reports the
first failure instead of trying again.

In:      an `AmiConfig`
Out:     a `Visit`, to be used as `async with visit(account) as here`
Units:   seconds
Raises:  `NoAnswer`, `NotAsterisk`, `NotAdmitted` on the way in; what `Protocol.ask` raises afterwards
"""

import asyncio
import os
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from asterisk.login import AmiConfig, LoginRefused, log_in
from asterisk.protocol import LinkLost, Protocol, Request, Value
from asterisk.wire import parse

CONNECT_S = 5.0
ANSWER_S = 5.0
LIST_S = 15.0


class NoAnswer(ConnectionError):
    """Nobody could be spoken to; `why` is "name", "closed", "silent", "tls" or "lost"."""

    def __init__(self, why: str, text: str) -> None:
        super().__init__(text)
        self.why = why


class NotAdmitted(LoginRefused):
    """The login was refused; `our_address` is where the PBX sees us."""

    def __init__(self, our_address: str | None, text: str) -> None:
        super().__init__(text)
        self.our_address = our_address


@dataclass
class Visit:
    """An open door. `events` are the messages heard so far, oldest first."""

    protocol: Protocol
    events: list[Mapping[str, str]] = field(default_factory=list)

    @property
    def version(self) -> str:
        """The version of AMI, such as "11.0.0"."""
        return self.protocol.version

    @property
    def our_address(self) -> str | None:
        """The address from which the PBX sees us; None where that can not be told."""
        name = self.protocol.transport.get_extra_info("sockname")
        return str(name[0]) if name else None

    async def request(self, action: str, /, **headers: Value) -> Mapping[str, str]:
        """Ask one thing. Raises `ActionRefused`, `ActionTimeout`, `LinkLost`."""
        answered = await self.protocol.ask(Request(action, headers, as_list=False), ANSWER_S)
        return answered.responses[0]  # type: ignore[no-any-return]  # from panoramisk

    async def request_list(self, action: str, /, **headers: Value) -> list[dict[str, str]]:
        """Ask for a list; its items, the closing one last. Raises as `request`."""
        answered = await self.protocol.ask(Request(action, headers, as_list=True), LIST_S)
        return answered.items_of_list

    async def heard(self, name: str, within_s: float) -> Mapping[str, str] | None:
        """The first event of this name, waiting for it if need be; None when it does not come."""
        clock = asyncio.get_running_loop().time
        end = clock() + within_s
        while True:
            found = next((event for event in self.events if event.get("Event") == name), None)
            if found is not None or clock() > end or self.protocol.closed:
                return found
            await asyncio.sleep(0.02)


@asynccontextmanager
async def visit(account: AmiConfig) -> AsyncIterator[Visit]:
    """Log in and give the open door; hangs up at the end. Raises as the module says."""
    here: list[Visit] = []
    protocol = await _connected(account, lambda block: here[0].events.append(parse(block)))
    here.append(Visit(protocol))
    try:
        try:
            async with asyncio.timeout(CONNECT_S):
                await protocol.greeted
        except TimeoutError:
            raise NoAnswer(
                "silent", f"something listens, but does not greet within {CONNECT_S:g} s"
            ) from None
        except LinkLost as error:
            raise NoAnswer("lost", str(error)) from error
        try:
            await log_in(lambda request: protocol.ask(request, ANSWER_S), account)
        except LoginRefused as error:
            raise NotAdmitted(here[0].our_address, str(error)) from error
        yield here[0]
    finally:
        protocol.fail("the visit is over")


async def _connected(account: AmiConfig, receive: Callable[[bytes], None]) -> Protocol:
    context = ssl.create_default_context(cafile=account.tls_ca) if account.tls else None
    try:
        async with asyncio.timeout(CONNECT_S):
            _, protocol = await asyncio.get_running_loop().create_connection(
                lambda: Protocol(receive),
                account.host,
                account.port,
                ssl=context,
            )
            return protocol
    except TimeoutError:
        raise NoAnswer("silent", f"no answer within {CONNECT_S:g} s") from None
    except socket.gaierror as error:
        raise NoAnswer("name", error.strerror or "unknown name") from error
    except ssl.SSLError as error:
        raise NoAnswer("tls", error.reason or str(error)) from error
    except OSError as error:
        raise NoAnswer("closed", os.strerror(error.errno) if error.errno else str(error)) from error
