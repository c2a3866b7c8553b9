"""One AMI connection: bytes in, whole messages out, each request matched with its own answer.

panoramisk's `AMIProtocol` and `Action` are subclassed, because used as they are they decode each TCP chunk
(a letter cut in two vanishes), guess from the text of a reply whether a list follows (`QueueAdd` never ends),
let an exception in a handler close the connection and send again what a lost connection left unanswered.

In:      what `asyncio` gives to a `Protocol`
Out:     every event block, still bytes, to the one receiver; responses to the request that asked
Raises:  `LinkLost`, `ActionRefused`, `ActionTimeout`, `ValueError` from `Protocol.ask`
Source:  Asterisk 22 documentation, "AMI v2 Specification"
"""

import asyncio
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol as Shape

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.message import Message

from asterisk.wire import Cutter

log = logging.getLogger(__name__)

LONGEST_MESSAGE = 1 << 20  # bytes; the longest seen from a busy PBX is below 100 kB
LONGEST_LINE = 1000  # bytes; Asterisk discards a whole action when one line is longer than 1024
BANNER = re.compile(rb"Asterisk Call Manager/(\d+)(\.[\d.]+)?\s*$")
HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]*")

Value = str | int | Sequence[str]


class LinkLost(ConnectionError):
    """There is no connection, or it went away before the answer came. Nothing is sent again."""


class ActionTimeout(TimeoutError):
    """The PBX did not answer in time. Whether it acted is not known."""


class ActionRefused(Exception):
    """The PBX answered `Response: Error`."""

    def __init__(self, action: str, message: str) -> None:
        super().__init__(f"{action}: {message}")
        self.action = action
        self.message = message


class NotAsterisk(ConnectionError):
    """Whatever listens there is no Asterisk that we can talk to: no AMI at all, or AMI 1.x."""


class Tap(Shape):
    """Somebody who wants every byte as it came; see `asterisk.capture`."""

    def opened(self) -> None: ...
    def received(self, data: bytes) -> None: ...


class Request(Action):  # type: ignore[misc]  # panoramisk has no types
    """One action on its way. Whether a list answers it is said by the caller, never guessed."""

    def __init__(self, action: str, headers: Mapping[str, Value], *, as_list: bool) -> None:
        checked = {name: _checked(name, value) for name, value in {"Action": action, **headers}.items()}
        super().__init__(checked, as_list=as_list)
        self.items_of_list: list[dict[str, str]] = []

    def __bytes__(self) -> bytes:
        return str(self).encode()

    def add_message(self, message: Message) -> bool:
        """Take one message with our ActionID; True when it was the last."""
        if self.future.done():
            return True
        if "response" in message and "event" not in message:
            return self._add_response(message)
        if not self.as_list:
            return False
        if _ends_list(message):
            self.items_of_list.append(plain(message))
            self.future.set_result(self.responses[0] if self.responses else {})
            return True
        self.items_of_list.append(plain(message))
        return False

    def _add_response(self, message: Message) -> bool:
        if not message.success:
            self.future.set_exception(ActionRefused(self["Action"], message.message or message.response))
            return True
        self.responses.append(plain(message))
        if self.as_list:
            return False
        self.future.set_result(self.responses[0])
        return True


def _checked(name: str, value: Value) -> str | list[str]:
    """Return the value as text. Raises `ValueError` for what could end the line and begin another."""
    if not HEADER_NAME.fullmatch(name):
        raise ValueError(f"not a header of AMI: {name!r}")
    if not isinstance(value, str | int):
        return [_line(name, one) for one in value]
    return _line(name, str(value))


def _line(name: str, value: str) -> str:
    if any(character in value for character in "\r\n\0"):
        raise ValueError(f"a control character in {name}")
    if len(f"{name}: {value}".encode()) > LONGEST_LINE:
        raise ValueError(f"{name} is longer than Asterisk accepts")
    return value


def _ends_list(message: Message) -> bool:
    marked = str(message.eventlist).lower() in ("complete", "cancelled")
    return marked or ("eventlist" not in message and str(message.event).endswith("Complete"))


def plain(message: Message) -> dict[str, str]:
    """A message as an ordinary dict; a repeated header (`Output`) becomes the lines of one value."""
    return {
        name: value if isinstance(value, str) else "\n".join(value)
        for name, value in message.items()
        if name != "content"  # panoramisk's own, not of the PBX
    }


class Protocol(AMIProtocol):  # type: ignore[misc]  # panoramisk has no types
    """The connection itself. Reading never pauses: Asterisk cuts off a slow reader (`writetimeout`)."""

    def __init__(self, receive: Callable[[bytes], None], tap: Tap | None = None) -> None:
        loop = asyncio.get_running_loop()
        self.closed = False
        self._receive = receive
        self._tap = tap
        self._cutter = Cutter()
        self._head: bytes | None = b""  # the banner as far as it has come; None once it is complete
        self.greeted: asyncio.Future[str] = loop.create_future()  # version of AMI, such as "11.0.0"
        self.lost: asyncio.Future[str] = loop.create_future()  # the reason

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if self._tap is not None:
            self._tap.opened()

    def data_received(self, data: bytes) -> None:
        """Whatever is wrong with one message costs that message, never the connection."""
        if self._tap is not None:
            self._tap.received(data)
        if self._head is not None:
            data = self._greet(self._head + data)
        for block in self._cutter.feed(data):
            try:
                self._take(block.lstrip(b"\r\n"))
            except Exception:
                # asyncio would close the connection; one odd message must not cost the others
                log.exception("an AMI message could not be handled: %s", block.partition(b"\r\n")[0][:80])
        if len(self._cutter.rest) > LONGEST_MESSAGE:
            self.fail("an AMI message without end")

    def _greet(self, head: bytes) -> bytes:
        line, newline, rest = head.partition(b"\n")
        if not newline:
            self._head = head
            if len(head) > LONGEST_LINE:
                self.refuse("does not speak AMI")
            return b""
        self._head = None
        self._judge(line)
        return rest

    def _judge(self, line: bytes) -> None:
        match = BANNER.match(line)
        if match is None:
            self.refuse(f"does not speak AMI: {line[:60].decode('utf-8', 'replace').strip()!r}")
            return
        self.version = (match[1] + (match[2] or b"")).decode()
        if int(match[1]) < 2:
            self.refuse(f"Asterisk 11 or older (AMI {self.version}); version 12 or newer is needed")
        elif not self.greeted.done():
            self.greeted.set_result(self.version)

    def refuse(self, why: str) -> None:
        """Hang up on something we can not talk to."""
        if not self.greeted.done():
            self.greeted.set_exception(NotAsterisk(why))
            self.greeted.exception()  # seen, in case that nobody waits any more
        self.fail(why)

    def _take(self, block: bytes) -> None:
        if block.startswith(b"Response:"):
            self._answer(block)
            return
        if self.responses and b"\r\nActionID: " in block:
            self._answer(block)
        self._receive(block)

    def _answer(self, block: bytes) -> None:
        """Give a message to the request that asked for it; what comes too late has nobody and goes."""
        message = Message.from_line(block.decode("utf-8", "replace"))
        request = self.responses.get(message.action_id) if message is not None else None
        if request is not None and request.add_message(message):
            self.responses.pop(request.id, None)

    async def ask(self, request: Request, timeout_s: float) -> Request:
        """Send one action and wait for its answer. Raises `LinkLost`, `ActionRefused`, `ActionTimeout`."""
        if self.closed:
            raise LinkLost(self.lost.result())
        if request.id in self.responses:
            raise ValueError(f"ActionID {request.id} is already on its way")
        self.responses[request.id] = request
        try:
            self.transport.write(bytes(request))
            async with asyncio.timeout(timeout_s):
                await request.future
        except TimeoutError as error:
            raise ActionTimeout(f"{request['Action']}: no answer in {timeout_s:g} s") from error
        finally:
            self.responses.pop(request.id, None)
        return request

    def send(self, data: object, as_list: bool = False) -> None:
        """Closed: panoramisk's own way of sending neither checks values nor has a deadline. Use `ask`."""
        raise NotImplementedError("use Protocol.ask")

    def connection_lost(self, exc: Exception | None) -> None:
        self.fail(f"the connection broke: {exc}" if exc else "the PBX closed the connection")

    def fail(self, reason: str) -> None:
        """End the connection at once. Who waits for an answer gets `LinkLost`; nothing is kept to resend."""
        if self.closed:
            return
        self.closed = True
        self.lost.set_result(reason)
        self._fail_waiting(LinkLost(reason))
        self.transport.abort()  # not close(): that waits for a dead peer to take what is still to be written

    def _fail_waiting(self, error: LinkLost) -> None:
        waiting = [self.greeted, *(request.future for request in self.responses.values())]
        self.responses.clear()
        for future in waiting:
            if not future.done():
                future.set_exception(error)
                future.exception()  # seen: a caller that has gone away needs no warning in the log

    def close(self) -> None:
        self.fail("closed")
