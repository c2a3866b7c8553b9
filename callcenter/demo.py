"""The furnished shop: demo data, a simulated switchboard, people who call by themselves.

The first operator's telephone is played by buttons on the page, the others by the machine. It is plugged in
only while somebody looks at that desk; otherwise the machine's operators take the calls.
"""

import asyncio
import random
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from asterisk.fake.config import Account, Config, Line, QueueConfig, Strategy, named_extensions
from asterisk.fake.people import Caller, Manual
from asterisk.fake.phones import NoCall
from asterisk.fake.switchboard import Switchboard
from asterisk.fake.traffic import Person, run_traffic
from crm_core import demo as shop
from crm_core.db import Database
from crm_core.demo_work import point_source
from crm_core.errors import Conflict, Invalid, NotFound

PLAYED = frozenset({"1001", "1004"})  # the operator's and the supervisor's telephones
ACCOUNT = Account(username="callcenter", secret="simulated")
BETWEEN_CALLS_S = (25.0, 70.0)
LOOK_EVERY_S = 0.5


class Demo:
    """The simulated switchboard as the demo uses it."""

    def __init__(self, board: Switchboard, recordings: Path) -> None:
        self._board = board
        self._callers = [Person(number=c.number, name=c.name, did=c.did) for c in shop.callers()]
        self._dice = random.Random()
        self.recordings = recordings
        self.country = "PL"

    @property
    def pbx(self) -> Mapping[str, Any]:
        """How to attach to it, in the words of the settings."""
        return {
            "name": shop.PBX,
            "port": self._board.port,
            "username": ACCOUNT.username,
            "secret": ACCOUNT.secret,
        }

    async def run(self, watched: Callable[[str, str], bool]) -> None:
        """Let people call, for ever. `watched(pbx, extension)`: somebody looks at the desk of this phone."""
        async with asyncio.TaskGroup() as parts:
            parts.create_task(
                run_traffic(self._board, self._callers, manual=PLAYED, every_s=BETWEEN_CALLS_S),
                name="traffic",
            )
            parts.create_task(self._plug(watched), name="phones")

    async def _plug(self, watched: Callable[[str, str], bool]) -> None:
        while True:
            for extension in PLAYED:
                phone = self._board.phone(extension)
                if phone.registered != watched(shop.PBX, extension):
                    phone.register(not phone.registered)
            await asyncio.sleep(LOOK_EVERY_S)

    async def ring(self, number: str | None, line: str | None) -> None:
        """A customer calls; who and where is chosen when not said. Raises `Invalid` for an unknown line."""
        person = self._dice.choice(self._callers)
        lines = {each.did for each in shop.LINES}
        if line is not None and line not in lines:
            raise Invalid(f"The demo has no line {line[:40]}; it has {', '.join(sorted(lines))}.", "line")
        self._board.place_call(
            number or person.number,
            "" if number else person.name,
            line or person.did,
            caller=Caller(patience_s=120),
        )

    async def press(self, extension: str, action: str) -> None:
        """answer, decline or hang up on a telephone of the demo. Raises `NotFound`, `Conflict`."""
        presses = {
            "answer": self._board.answer,
            "decline": self._board.decline,
            "hangup": self._board.hang_up,
        }
        if extension not in PLAYED or action not in presses:
            raise NotFound("The demo has no such button.")
        try:
            await presses[action](extension)
        except NoCall as error:
            raise Conflict(f"Nothing to do on this phone: {error}.") from error


async def open_demo(
    db: Database, data_dir: Path, stack: AsyncExitStack, *, address: str, documents: Path, now: datetime
) -> Demo:
    """Furnish the shop (once) and start the switchboard; `stack` stops it.

    `address`: of our own web server, which plays the supplier; `documents`: the folder of files.
    """
    async with db.begin() as session:
        await shop.furnish(session, now, documents=documents)
        await point_source(session, address)
    recordings = data_dir / "recordings"
    recordings.mkdir(parents=True, exist_ok=True)
    board = await stack.enter_async_context(Switchboard(_house(recordings)))
    for extension in PLAYED:
        board.phone(extension).behave(Manual())
        board.phone(extension).register(False)
    return Demo(board, recordings)


def _house(recordings: Path) -> Config:
    queues = sorted({line.queue for line in shop.LINES})
    return Config(
        accounts=(ACCOUNT,),
        extensions=tuple(named_extensions(shop.EXTENSIONS.items())),
        lines=tuple(Line(did=line.did, queue=line.queue) for line in shop.LINES),
        queues=tuple(
            # The first telephone is tried first, so that whoever tries the demo gets the calls.
            QueueConfig(name=queue, members=("1001", "1002", "1003"), strategy=Strategy.LINEAR, ring_s=18)
            for queue in queues
        ),
        company_number=shop.LINES[0].did,
        recordings=recordings,
    )
