"""The whole product at once: a real Asterisk with phones, the service as a process, a furnished shop."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from asterisk.site import Line, Queue, Site, Trunk
from asterisk.site import Phone as PhoneConfig
from crm_core.demo import EXTENSIONS, PASSWORD
from tests.e2e.shop import ANNA, OLEG, Furnished, furnish
from tests.e2e.speech import spoken
from tests.e2e.wire import Wire
from tests.patience import PATIENCE_S
from tests.pbx.phone import Call, Phone
from tests.pbx.tree import HOST, Tree, free_port, lab
from tests.service.conftest import Desk, Service

SALES = "48223071120"  # what people dial; everybody's phone rings
OPERATORS = ("1001", "1002")


def site(trunk_port: int) -> Site:
    """Two phones, one line that rings at both, a provider."""
    phones = tuple(
        PhoneConfig(extension=each, name=EXTENSIONS[each], password=f"pw-{each}") for each in OPERATORS
    )
    return replace(
        lab(trunk_port),
        trunk=Trunk(host=HOST, port=trunk_port, number=SALES),
        phones=phones,
        queues=(Queue(name="sales", members=OPERATORS, strategy="ringall", ring_s=60),),
        lines=(Line(number=SALES, name="Poland shop", queue="sales"),),
    )


@dataclass
class House:
    """`async with House.opened(folder) as house`, then `async with house.staffed("1001") as shift`."""

    pbx: Tree
    wire: Wire
    service: Service
    shop: Furnished

    @classmethod
    @asynccontextmanager
    async def opened(cls, folder: Path) -> AsyncIterator["House"]:
        """Boot the switchboard, furnish the shop, start the service; all of it ends with the block."""
        with Tree.booted(site(free_port(socket.SOCK_DGRAM))) as pbx:
            async with Wire.to(pbx.site.ami_port) as wire:
                shop = await furnish(folder / "data")
                house = cls(pbx, wire, _service(folder, pbx, wire), shop)
                await house.start()
                try:
                    yield house
                finally:
                    if house.service.process is not None:
                        house.service.stop()

    async def start(self) -> None:
        """Start the service (again) and wait until it hears the switchboard."""
        await self.service.start()
        await self.attached()

    async def attached(self) -> None:
        """Wait until the service has a link to the switchboard and a database."""
        async with asyncio.timeout(PATIENCE_S), aiohttp.ClientSession() as http:
            while True:
                async with http.get(self.service.url("/readyz")) as answer:
                    if answer.status == 200:
                        return
                await asyncio.sleep(0.05)

    def kill_database(self) -> None:
        """kill -9 for the embedded PostgreSQL."""
        assert self.service.process is not None
        children = psutil.Process(self.service.process.pid).children()
        (postgres,) = [child for child in children if "postgres" in child.name()]
        os.kill(postgres.pid, signal.SIGKILL)

    @asynccontextmanager
    async def staffed(self, *extensions: str) -> AsyncIterator["Shift"]:
        """These phones and the provider are signed in; afterwards nobody talks and every desk is empty."""
        where = (HOST, self.pbx.site.sip_port)
        async with AsyncExitStack() as stack:
            shift = Shift(self)
            port = self.pbx.site.trunk.port
            shift.phones["trunk"] = await stack.enter_async_context(Phone.at(where, port=port))
            for each in extensions:
                phone = await stack.enter_async_context(Phone.at(where, each, f"pw-{each}"))
                shift.phones[each] = phone
            try:
                yield shift
            finally:
                await shift.end()


@dataclass
class Shift:
    """What people with telephones do."""

    house: House
    phones: dict[str, Phone] = field(default_factory=dict)

    async def customer_calls(self, number: str, name: str = "") -> Call:
        """Somebody dials the shop; `number` is sent as providers send it."""
        return await self.phones["trunk"].call(SALES, caller=number.removeprefix("+"), name=name)

    async def rings(self, extension: str) -> Call:
        """The call that rings there now; one that is over already is passed over."""
        async with asyncio.timeout(PATIENCE_S):
            call = await self.phones[extension].incoming.get()
            while call.ended.is_set():
                call = await self.phones[extension].incoming.get()
        call.ring()
        return call

    async def says(self, call: Call, text: str, voice: str) -> None:
        """Speak into this telephone; returns when it is said."""
        call.say(await asyncio.to_thread(spoken, text, voice))
        async with asyncio.timeout(PATIENCE_S):
            while call.sound is not None and call.sound.speech:
                await asyncio.sleep(0.02)

    async def end(self) -> None:
        """Everybody hangs up; what is left on the desks is finished."""
        for phone in self.phones.values():
            phone.hang_up()
        async with asyncio.timeout(PATIENCE_S):
            while "0 active channels" not in await asyncio.to_thread(
                self.house.pbx.cli, "core show channels"
            ):
                await asyncio.sleep(0.1)
        for login in (ANNA, OLEG):
            async with self.house.service.signed_in(login, PASSWORD) as desk:
                await _clear(desk)


async def _clear(desk: Desk) -> None:
    """Give every call on this desk an outcome, when it is over."""
    async with asyncio.timeout(PATIENCE_S):
        while calls := [entry["call"] for entry in (await desk.snapshot())["calls"]]:
            for call in calls:
                if call["state"] in ("wrap_up", "ended"):
                    await desk.ask("PUT", f"/calls/{call['id']}/disposition", code="other")
            await asyncio.sleep(0.05)


async def calls_of(house: House, customer: int) -> list[dict[str, Any]]:
    """The calls of this customer as the list shows them, the newest first."""
    async with house.service.signed_in(ANNA, PASSWORD) as anna:
        return list((await anna.ask("GET", f"/calls?customer_id={customer}"))["items"])


async def closed_once(house: House, customer: int, *, before: int = 0, **expected: Any) -> dict[str, Any]:
    """The one call of this customer since there were `before`, once its row is closed, with these fields."""
    async with asyncio.timeout(PATIENCE_S):
        while len(items := await calls_of(house, customer)) <= before or not items[0]["ended_at"]:
            await asyncio.sleep(0.1)
    assert len(items) == before + 1, items
    found = {name: items[0][name] for name in expected}
    assert found == expected, items[0]
    return items[0]


def _service(folder: Path, pbx: Tree, wire: Wire) -> Service:
    """The settings an administrator would give."""
    service = Service(folder, wire.port, secret=pbx.site.ami_secret)
    service.env |= {
        "CALLCENTER_AMI_USERNAME": pbx.site.ami_username,
        "CALLCENTER_RECORDINGS_DIR": str(pbx.recordings),
        "CALLCENTER_COUNTRY": "PL",
    }
    return service
