"""How the simulated switchboard speaks and lives: events to its listeners, its tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from asterisk.fake.clock import Clock
from asterisk.fake.config import Config

CLASS_OF = {
    **dict.fromkeys(("FullyBooted", "Shutdown", "PeerStatus", "ContactStatus"), "system"),
    **dict.fromkeys(("VarSet", "Newexten"), "dialplan"),
    **dict.fromkeys(
        (
            "AgentCalled",
            "AgentComplete",
            "AgentConnect",
            "AgentRingNoAnswer",
            "QueueCallerAbandon",
            "QueueCallerJoin",
            "QueueCallerLeave",
            "QueueMemberAdded",
            "QueueMemberPause",
            "QueueMemberRemoved",
            "QueueMemberStatus",
        ),
        "agent",
    ),
    **dict.fromkeys(("DTMFBegin", "DTMFEnd"), "dtmf"),
    "Cdr": "cdr",
    "UserEvent": "user",
}  # everything else is of class call; seen in the captures of Asterisk 22

Listener = Callable[[str, bytes], None]


class Voice:
    """Says events to whoever listens, and keeps the tasks of running calls."""

    def __init__(self, config: Config, clock: Clock) -> None:
        self.config = config
        self.clock = clock
        self.listeners: list[Listener] = []
        self.tasks: set[asyncio.Task[Any]] = set()

    def say(self, event: str, *bodies: str) -> None:
        """Send one event to whoever listens. Each body is ready lines with their line ends."""
        if not self.listeners:
            return
        kind = CLASS_OF.get(event, "call")
        stamp = f"Timestamp: {self.clock.time():.6f}\r\n" if self.config.timestamps else ""
        text = f"Event: {event}\r\nPrivilege: {kind},all\r\n{stamp}{''.join(bodies)}\r\n"
        block = text.encode()
        for listener in tuple(self.listeners):
            listener(kind, block)

    def spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` until it ends or the switchboard stops."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": "a call of the simulated switchboard failed", "exception": error, "task": task}
            )

    async def later(self, seconds: float, act: Callable[[], None]) -> None:
        """Do `act` after so many simulated seconds."""
        await self.clock.sleep(seconds)
        act()
