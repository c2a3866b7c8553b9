"""The link to one PBX: connect, log in, reconnect for ever, resynchronise; feeds one inbox of events.

One reader parses and enqueues, nothing else; whoever owns the inbox consumes in that order. Reading never
stops: when the inbox is full, events are dropped and, as soon as it has room, the PBX is asked for its state.
panoramisk's `Manager` is subclassed; what it does by itself (send again after a loss, start loose tasks, try
a wrong password without end, never notice a dead peer) is replaced here.

In:      an `AmiConfig`, the inbox, a function that is told each change of state
Out:     `Heard(pbx, event)` in the inbox: after each login `LinkUp`, what the PBX lists, then `Resynced`;
         after each loss `LinkLost`
Units:   delays in seconds, instants aware UTC
Raises:  `LinkLost`, `ActionRefused`, `ActionTimeout`, `ValueError` from `request` and `request_list`
"""

import asyncio
import logging
import random
import ssl
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime

from panoramisk import Manager

from asterisk.events import Event, Heard, LinkUp, Resynced
from asterisk.events import LinkLost as LinkWasLost
from asterisk.login import AmiConfig, LoginRefused, log_in
from asterisk.protocol import (
    ActionRefused,
    ActionTimeout,
    LinkLost,
    NotAsterisk,
    Protocol,
    Request,
    Tap,
    Value,
)
from asterisk.resync import resync
from asterisk.status import Delays, LinkState, LinkStatus, retry_delay
from asterisk.translate import parse, translate, wanted
from asterisk.witness import Witness

__all__ = [
    "ActionRefused",
    "ActionTimeout",
    "AmiConfig",
    "Delays",
    "Link",
    "LinkLost",
    "LinkState",
    "LinkStatus",
    "retry_delay",
]

log = logging.getLogger(__name__)


def _now() -> datetime:
    return datetime.now(UTC)


class Link(Manager):  # type: ignore[misc]  # panoramisk has no types
    """One attachment to one PBX. `run` keeps it up until it is cancelled or `close` is called."""

    def __init__(
        self,
        config: AmiConfig,
        inbox: asyncio.Queue[Heard],
        on_status: Callable[[LinkStatus], None],
        *,
        delays: Delays | None = None,
        now: Callable[[], datetime] = _now,
        spread: Callable[[], float] = random.random,
        tap: Tap | None = None,
        witness: Witness | None = None,
    ) -> None:
        super().__init__(host=config.host, port=config.port, protocol_factory=Protocol)
        self.protocol: Protocol | None = None  # the connection while it is up
        self.account = config
        self.inbox = inbox
        self.dropped = 0  # events that found the inbox full
        self.heard: set[type[Event]] = set()  # kinds that came, so that a missing right can be told
        self.heard_at: datetime | None = None  # when the last event came
        self.status = LinkStatus(pbx=config.pbx, state=LinkState.CONNECTING, since=now())
        self._on_status = on_status
        self._delays = delays or Delays()
        self._now = now
        self._spread = spread
        self._tap = tap
        self._witness = witness
        self._deaf_since: datetime | None = None  # the inbox was full: drop until the next resync
        self._stale = asyncio.Event()  # the PBX must be asked for its state
        self._booted: asyncio.Future[LinkUp | None] | None = None
        self._work: asyncio.Task[None] | None = None

    # --- what others call

    async def run(self) -> None:
        """Keep the link up. Returns after `close`; when cancelled, leaves nothing behind."""
        self._work = asyncio.create_task(self._for_ever(), name=f"link to {self.account.pbx}")
        try:
            await asyncio.wait([self._work])
        finally:
            self.close()
            await asyncio.gather(self._work, return_exceptions=True)
            self._tell(LinkState.STOPPED, "")
        if not self._work.cancelled():
            self._work.result()  # a bug in here must be heard

    async def request(self, action: str, /, **headers: Value) -> Mapping[str, str]:
        """Send one action that has one answer, and return the answer's headers.

        `Originate` is always sent with `Async: true`: its answer only says "queued"; the outcome comes as
        the event `OriginateEnded`. Nothing is ever sent twice: after `LinkLost` or `ActionTimeout` it is not
        known whether the PBX acted.
        """
        if action.lower() == "originate":
            headers["Async"] = "true"
        request = Request(action, headers, as_list=False)
        sent_at, said = self._now(), ""
        try:
            answered = await self._live().ask(request, self._delays.answer_s)
            said = answered.responses[0].get("Message", "Success")
            return answered.responses[0]  # type: ignore[no-any-return]  # from panoramisk
        except ActionRefused as error:
            said = error.message
            raise
        finally:
            if self._witness is not None:
                self._witness.asked(action, headers, sent_at, said)

    async def request_list(self, action: str, /, **headers: Value) -> list[dict[str, str]]:
        """Send one action that a list answers; return its items, the closing one last.

        The items also flow to the inbox as events, in the order of the stream.
        """
        request = Request(action, headers, as_list=True)
        answered = await self._live().ask(request, self._delays.list_s)
        return answered.items_of_list

    def close(self) -> None:
        """Hang up and stop trying. May be called twice."""
        if self._work is not None:
            self._work.cancel()
        if self.protocol is not None:
            self.protocol.fail("closed")
            self.protocol = None

    # --- what panoramisk would do by itself, closed

    async def send_awaiting_actions(self, *_: object) -> None:
        """Nothing waits to be sent again: a customer must not be dialled twice."""

    def send_action(self, action: object, as_list: object = None, **kwargs: object) -> None:
        raise NotImplementedError("use request or request_list")

    def connect(self, *_: object, **__: object) -> None:
        raise NotImplementedError("use run")

    # --- one life: connect, converse, wait, again

    async def _for_ever(self) -> None:
        failures = 0
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                await self._session()
            except (LoginRefused, NotAsterisk) as error:
                state, detail = LinkState.REFUSED, str(error)
            except OSError as error:  # LinkLost, ActionTimeout, TLS, name not found, port closed
                state, detail = LinkState.LOST, str(error) or type(error).__name__
            was_up = self.status.state is LinkState.CONNECTED
            failures = 1 if was_up and clock() - began >= self._delays.steady_s else failures + 1
            self._tell(state, detail)
            if was_up:
                await self.inbox.put(Heard(self.account.pbx, LinkWasLost(at=self._now(), reason=detail)))
            refused = state is LinkState.REFUSED
            await asyncio.sleep(retry_delay(self._delays, failures, refused, self._spread()))

    async def _session(self) -> None:
        """One connection from the banner to its end. Always raises: how it ended."""
        self._deaf_since = None
        self._booted = asyncio.get_running_loop().create_future()
        protocol = await self._open()
        try:
            await log_in(lambda request: protocol.ask(request, self._delays.answer_s), self.account)
            await self._wait_until_booted(protocol)
            self.protocol = protocol
            self.status = replace(
                self.status, version=f"AMI {protocol.version}", latency_s=None, delayed=False
            )
            self._tell(LinkState.CONNECTED, "")
            self._stale.set()
            await self._converse(protocol)
        finally:
            self.protocol = None
            protocol.fail("closed")

    async def _open(self) -> Protocol:
        """Connect and read the banner. Raises `OSError`, `NotAsterisk`."""
        account, within_s = self.account, self._delays.connect_s
        context = ssl.create_default_context(cafile=account.tls_ca) if account.tls else None
        try:
            async with asyncio.timeout(within_s):
                return await self._greeted(context)
        except TimeoutError:
            raise LinkLost(f"{account.host}:{account.port} does not greet within {within_s:g} s") from None

    async def _greeted(self, context: ssl.SSLContext | None) -> Protocol:
        _, protocol = await asyncio.get_running_loop().create_connection(
            lambda: Protocol(self._hear, self._tap), self.account.host, self.account.port, ssl=context
        )
        try:
            await protocol.greeted
        except BaseException:
            protocol.fail("no greeting")
            raise
        return protocol

    async def _wait_until_booted(self, protocol: Protocol) -> None:
        """Wait for FullyBooted and make sure that a LinkUp is in the inbox."""
        assert self._booted is not None
        either = (self._booted, protocol.lost)
        await asyncio.wait(either, timeout=self._delays.boot_s, return_when=asyncio.FIRST_COMPLETED)
        if protocol.closed:
            raise LinkLost(protocol.lost.result())
        if not self._booted.done():
            self._booted.set_result(LinkUp(at=self._now(), uptime_s=None))
        owed = self._booted.result()
        if owed is not None:
            await self.inbox.put(Heard(self.account.pbx, owed))

    async def _converse(self, protocol: Protocol) -> None:
        work = [
            asyncio.create_task(_until_lost(protocol)),
            asyncio.create_task(self._ping(protocol)),
            asyncio.create_task(self._keep_in_step()),
        ]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _ping(self, protocol: Protocol) -> None:
        """A silent peer is a dead one: nothing else would tell us about a pulled cable."""
        clock = asyncio.get_running_loop().time
        while True:
            asked = clock()
            late = asyncio.get_running_loop().call_later(self._delays.late_s, self._tell_delay, True)
            try:
                await protocol.ask(Request("Ping", {}, as_list=False), self._delays.ping_answer_s)
            except ActionRefused as error:
                # While it shuts down it refuses everything, and goes a moment later.
                raise LinkLost(str(error)) from None
            finally:
                late.cancel()
            latency_s = clock() - asked
            self.status = replace(self.status, latency_s=latency_s, heard_at=self.heard_at)
            self._tell_delay(latency_s >= self._delays.late_s)
            await asyncio.sleep(self._delays.ping_s)

    def _tell_delay(self, delayed: bool) -> None:
        if delayed != self.status.delayed:
            self.status = replace(self.status, delayed=delayed)
            self._say_status()

    async def _keep_in_step(self) -> None:
        """Ask the PBX for its state after each login and after each overflow of the inbox."""
        while True:
            await self._stale.wait()
            while self._deaf_since and self.inbox.qsize() > self.inbox.maxsize // 2:
                await asyncio.sleep(self._delays.room_s)
            self._stale.clear()
            await self._listen_again()
            version = await resync(self)
            if version is not None:
                self.status = replace(self.status, version=version)
            # deaf again: items of the lists were dropped, what came is not the whole state
            if self._deaf_since is None:
                await self.inbox.put(Heard(self.account.pbx, Resynced(at=self._now())))

    async def _listen_again(self) -> None:
        """After an overflow, begin as after a lost link: half a list may lie in the inbox already."""
        deaf_since, self._deaf_since = self._deaf_since, None
        if deaf_since is not None:
            await self.inbox.put(Heard(self.account.pbx, LinkWasLost(deaf_since, "events came too fast")))
            await self.inbox.put(Heard(self.account.pbx, LinkUp(at=self._now())))

    # --- the reader

    def _hear(self, block: bytes) -> None:
        """Enqueue what one block of bytes says. Called for each event, so the cheap test comes first."""
        if not wanted(block):
            return
        message, at = parse(block), self._now()
        event = translate(message, at)
        if event is not None:
            self.heard.add(type(event))
            self.heard_at = at
            queued = self._enqueue(event)
            if isinstance(event, LinkUp):
                self._hear_boot(None if queued else event)
        if self._witness is not None:
            self._witness.heard(message, block, at)

    def _enqueue(self, event: Event) -> bool:
        if self._deaf_since is not None:
            self.dropped += 1
            return False
        try:
            self.inbox.put_nowait(Heard(self.account.pbx, event))
        except asyncio.QueueFull:
            self._deaf_since = event.at
            self.dropped += 1
            self._stale.set()
            log.warning("inbox of %s is full: events are dropped until it has room", self.account.pbx)
            return False
        return True

    def _hear_boot(self, owed: LinkUp | None) -> None:
        assert self._booted is not None
        if self._booted.done():
            self._stale.set()  # it came later than we were ready to wait
        else:
            self._booted.set_result(owed)

    # --- small things

    def _live(self) -> Protocol:
        if self.protocol is None:
            raise LinkLost(f"no connection to {self.account.pbx}")
        return self.protocol

    def _tell(self, state: LinkState, detail: str) -> None:
        if (state, detail) == (self.status.state, self.status.detail):
            return
        since = self._now() if state is not self.status.state else self.status.since
        self.status = replace(self.status, state=state, detail=detail, since=since)
        log.info("link to %s: %s %s", self.account.pbx, state, detail)
        self._say_status()

    def _say_status(self) -> None:
        try:
            self._on_status(self.status)
        except Exception:
            log.exception("whoever shows the state of the link failed")  # no reason to lose the PBX


async def _until_lost(protocol: Protocol) -> None:
    raise LinkLost(await asyncio.shield(protocol.lost))
