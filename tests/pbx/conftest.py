"""A real Asterisk for the tests of this folder; they are skipped where there is none, and fail under CI."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from asterisk.ami import Link, LinkLost, LinkStatus
from asterisk.events import Event, Heard, Resynced
from tests.patience import PATIENCE_S
from tests.pbx.phone import Call, Phone
from tests.pbx.tree import HOST, Tree, missing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what lies here, and skip it with the one line that says how to get an Asterisk."""
    reason = missing()
    for item in items:
        if HERE not in item.path.parents:
            continue
        item.add_marker(pytest.mark.pbx)
        if reason is not None and os.environ.get("CI") != "true":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def pbx() -> Iterator[Tree]:
    """A PBX with our configuration, booted for this module."""
    reason = missing()
    if reason is not None:
        pytest.fail(reason)
    with Tree.booted() as tree:
        yield tree


@dataclass
class Office:
    """The PBX, its phones, and a link that hears it."""

    tree: Tree
    link: Link
    inbox: asyncio.Queue[Heard]
    told: list[LinkStatus]
    phones: dict[str, Phone] = field(default_factory=dict)

    async def until(self, kind: type[Event]) -> list[Event]:
        """Take events until one of this kind has come; return all of them."""
        heard: list[Event] = []
        async with asyncio.timeout(PATIENCE_S):
            while not heard or not isinstance(heard[-1], kind):
                heard.append((await self.inbox.get()).event)
        return heard

    def scene(self) -> str:
        """What the PBX thinks is going on, for a test that waits in vain."""
        commands = ("core show channels", "queue show", "pjsip show contacts")
        return "\n".join(self.tree.cli(command) for command in commands)

    async def rings(self, extension: str) -> Call:
        """The next call that still rings there; one that was answered elsewhere is passed over."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                call = await self.phones[extension].incoming.get()
                while call.ended.is_set():
                    call = await self.phones[extension].incoming.get()
        except TimeoutError:
            raise AssertionError(f"{extension} does not ring:\n{self.scene()}") from None
        return call

    async def empty(self) -> None:
        """Hang up everybody and wait until no channel is left: the next test finds an empty house."""
        for phone in self.phones.values():
            phone.hang_up()
        await asyncio.to_thread(self.tree.cli, "channel request hangup all")
        with suppress(LinkLost):  # a test about losing the link has nobody to ask
            async with asyncio.timeout(PATIENCE_S):
                while len(await self.link.request_list("CoreShowChannels")) > 1:
                    await asyncio.sleep(0.05)


@asynccontextmanager
async def office(tree: Tree, *extensions: str) -> AsyncIterator[Office]:
    """Register these phones and the provider ("trunk"), and attach a link."""
    inbox: asyncio.Queue[Heard] = asyncio.Queue()
    told: list[LinkStatus] = []
    here = Office(tree, Link(tree.account, inbox, told.append), inbox, told)
    where = (HOST, tree.site.sip_port)
    async with AsyncExitStack() as stack:
        here.phones["trunk"] = await stack.enter_async_context(Phone.at(where, port=tree.site.trunk.port))
        for extension in extensions:
            phone = await stack.enter_async_context(Phone.at(where, extension, f"pw-{extension}"))
            here.phones[extension] = phone
        task = asyncio.create_task(here.link.run())
        try:
            await here.until(Resynced)
            yield here
        finally:
            await here.empty()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
