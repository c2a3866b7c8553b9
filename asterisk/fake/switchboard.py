"""The simulated switchboard as its users see it: start, place calls, press buttons, break things."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

from asterisk.fake import audio
from asterisk.fake.actions import act
from asterisk.fake.channels import Channel
from asterisk.fake.clock import Clock
from asterisk.fake.config import Config, lab
from asterisk.fake.dialplan import Run, start_inbound, start_internal
from asterisk.fake.pbx import Pbx
from asterisk.fake.people import Caller, Customer
from asterisk.fake.phones import Phone
from asterisk.fake.signals import Kind
from asterisk.fake.wire import LONGEST_ACTION, Action, Session


@dataclass(frozen=True)
class Call:
    """A call that was started here; `uniqueid` is its linkedid too."""

    channel: Channel
    task: asyncio.Task[None]

    @property
    def uniqueid(self) -> str:
        """The uniqueid of the channel that began it."""
        return self.channel.uniqueid

    @property
    def over(self) -> bool:
        """Whether the channel is gone."""
        return self.channel.gone

    def hang_up(self) -> None:
        """Let the one who called hang up now."""
        self.channel.run.tell(Kind.HUNG_UP, self.channel, 16)

    async def wait(self) -> None:
        """Wait until the call is over."""
        await asyncio.wait([self.task])


class Switchboard:
    """A PBX in memory that speaks AMI. Use as `async with Switchboard(config) as board:`."""

    def __init__(self, config: Config | None = None, *, speed: float = 1.0) -> None:
        """`speed`: how many simulated seconds pass in one real second."""
        self.config = config or lab()
        self.clock = Clock(speed)
        self.accounts = {each.username: each for each in self.config.accounts}
        self.customer_of: Callable[[str], Customer] = lambda number: Customer()
        self.pbx = Pbx(self.config, self.clock)
        self.port = 0
        self._host = "127.0.0.1"
        self._server: asyncio.Server | None = None
        self._sessions: dict[Session, asyncio.Task[None]] = {}

    # ---- life

    async def __aenter__(self) -> Switchboard:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen for AMI connections and return the port. Raises `OSError` when the port is taken."""
        self._host = host
        await self._listen(port)
        return self.port

    async def _listen(self, port: int) -> None:
        self._server = await asyncio.start_server(self._connected, self._host, port, limit=LONGEST_ACTION)
        self.port = int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Stop at once: connections are cut, calls vanish, nothing is left running."""
        await self._stop_listening()
        await self._cancel_calls()

    async def _stop_listening(self) -> None:
        server, self._server = self._server, None
        if server is not None:
            server.close()
        self.cut()
        if self._sessions:
            await asyncio.wait(list(self._sessions.values()))
        if server is not None:
            await server.wait_closed()

    async def _cancel_calls(self) -> None:
        tasks = list(self.pbx.tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        session = Session(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._sessions[session] = task
        self.pbx.listeners.append(session.hear)
        try:
            await session.serve()
        finally:
            del self._sessions[session]
            if session.hear in self.pbx.listeners:
                self.pbx.listeners.remove(session.hear)

    def stamp(self) -> str:
        """Return the Timestamp header of this instant, or nothing when it is switched off."""
        return f"Timestamp: {self.clock.time():.6f}\r\n" if self.config.timestamps else ""

    def act(self, session: Session, name: str, action: Action) -> None:
        """Do what a logged-in session asks."""
        act(self.pbx, session, name, action)

    # ---- calls

    def new_run(self, pbx: Pbx, caller: Caller | None = None, dialogue: str | None = None) -> Run:
        """Return a run of the dialplan whose dialled customers behave as `customer_of` says."""
        return Run(pbx, caller or Caller(), lambda number: self.customer_of(number), dialogue)

    def place_call(
        self,
        number: str,
        name: str = "",
        did: str | None = None,
        *,
        caller: Caller | None = None,
        dialogue: str | None = None,
    ) -> Call:
        """Let somebody call one of our lines (the first one unless `did` says). Returns at once.

        Raises `LookupError` for a line or dialogue that does not exist.
        """
        did = did or self.config.lines[0].did
        if did not in self.pbx.lines:
            raise LookupError(f"there is no line {did}")
        if dialogue is not None and dialogue not in audio.dialogues():
            raise LookupError(f"there is no dialogue {dialogue}")
        run = self.new_run(self.pbx, caller, dialogue)
        channel = start_inbound(run, number, name, did)
        return Call(channel, self.pbx.spawn(run.play("from-trunk", did)))

    def dial(
        self, extension: str, number: str, *, caller: Caller | None = None, dialogue: str | None = None
    ) -> Call:
        """Let a phone of the house dial a number or another extension. Raises `LookupError`."""
        phone = self.phone(extension)
        if not phone.registered:
            raise LookupError(f"{extension} is not registered")
        run = self.new_run(self.pbx, caller, dialogue)
        channel = start_internal(run, extension, number)
        return Call(channel, self.pbx.spawn(run.play("from-internal", number)))

    def phone(self, extension: str) -> Phone:
        """Return a phone of the house. Raises `LookupError`."""
        if extension not in self.pbx.phones:
            raise LookupError(f"there is no extension {extension}")
        return self.pbx.phones[extension]

    async def answer(self, extension: str) -> None:
        """Press Answer on a phone. Raises `NoCall` when it does not ring."""
        await self.phone(extension).answer()

    async def decline(self, extension: str) -> None:
        """Press Decline on a phone that rings. Raises `NoCall`."""
        await self.phone(extension).decline()

    async def hang_up(self, extension: str) -> None:
        """Put a phone down. Raises `NoCall`."""
        await self.phone(extension).hang_up()

    async def hold(self, extension: str, held: bool = True) -> None:
        """Put the other side on hold, or take it back. Raises `NoCall`."""
        phone = self.phone(extension)
        await (phone.hold() if held else phone.resume())

    # ---- breaking things

    def cut(self) -> None:
        """Cut all AMI connections without a word; calls go on, new connections are welcome."""
        for session in list(self._sessions):
            session.abort()

    async def restart(self, *, down_s: float = 1.0, abrupt: bool = False) -> None:
        """Restart the PBX on the same port, away for `down_s` simulated seconds.

        Like `core restart now`: every channel is hung up, `Shutdown`, end of connection. `abrupt`: like a
        killed process, the connections just end.
        """
        old = self.pbx
        if not abrupt:
            await self._hang_up_everything()
            old.say("Shutdown", "Shutdown: Cleanly\r\nRestart: True\r\n")
            for session in list(self._sessions):
                session.end()
            await asyncio.sleep(0)
        await self._stop_listening()
        await self._cancel_calls()
        await self.clock.sleep(down_s)
        self.pbx = Pbx(self.config, self.clock, old.library)
        for number, phone in old.phones.items():
            self.pbx.phones[number].take_after(phone)
        await self._listen(self.port)

    async def _hang_up_everything(self) -> None:
        runs = {channel.run for channel in self.pbx.channels.values()}
        for run in runs:
            run.tell(Kind.DROPPED, run.owner, 16)
        for _ in range(200):  # runs end within a few turns of the loop
            if not self.pbx.channels:
                break
            await asyncio.sleep(0.001)
