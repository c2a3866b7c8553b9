"""A manager connection for tests of the simulated switchboard, and what it needs around it."""

import asyncio
import re

from tests.patience import PATIENCE_S

SALES, SUPPORT, DIRECT, EVERYBODY, HURRIED = (f"7495123000{n}" for n in (1, 2, 3, 7, 9))


class Manager:
    """A manager connection that keeps every message."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.messages: list[dict[str, str]] = []
        self.ended = asyncio.Event()
        self._n = 0

    async def __aenter__(self) -> "Manager":
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.banner = await self._reader.readline()
        self._task = asyncio.create_task(self._listen())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._writer.close()
        await self._task

    async def _listen(self) -> None:
        try:
            while True:
                block = (await self._reader.readuntil(b"\r\n\r\n")).decode()
                self.messages.append(dict(re.findall(r"^([^:\r\n]+): ?([^\r\n]*)", block, re.M)))
        except (asyncio.IncompleteReadError, ConnectionError):
            self.ended.set()

    async def ask(self, action: str, *more: str, **headers: object) -> dict[str, str]:
        """Send an action and return its response."""
        self._n += 1
        ident = f"t-{self._n}"
        lines = [f"Action: {action}", f"ActionID: {ident}", *more]
        lines += [f"{key}: {value}" for key, value in headers.items()]
        self._writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
        return await self.message(ActionID=ident)

    async def ask_list(self, action: str, **headers: object) -> list[dict[str, str]]:
        """Send a list action and return its items."""
        response = await self.ask(action, **headers)
        assert response["EventList"] == "start"
        end = await self.message(ActionID=response["ActionID"], EventList="Complete")
        items = [m for m in self.messages if m.get("ActionID") == response["ActionID"] and "Event" in m]
        assert int(end["ListItems"]) == len(items) - 1
        return items[:-1]

    async def login(self, username: str = "crm", secret: str = "crm-secret") -> dict[str, str]:
        return await self.ask("Login", Username=username, Secret=secret)

    async def originate(self, number: str, phone: str = "PJSIP/1001", **more: object) -> dict[str, str]:
        """Ask for a click-to-call as the product does."""
        variables = "Variable: __CALLCENTER_CALL=abc", "Variable: __CALLCENTER_OPERATOR=1001"
        return await self.ask("Originate", *variables, Channel=phone, Context="callcenter-dial", Exten=number,
                              Priority=1, CallerID=number, Timeout=60_000, Async="true", **more)  # fmt: skip

    async def message(self, **wanted: str) -> dict[str, str]:
        """Wait for a message with these headers."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                for each in self.messages:
                    if wanted.items() <= each.items():
                        return each
                await asyncio.sleep(0.001)

    def events(self, *names: str) -> list[dict[str, str]]:
        return [each for each in self.messages if each.get("Event") in names]


async def until(check: object, seconds: float = 15) -> None:
    async with asyncio.timeout(seconds):
        while not check():  # type: ignore[operator]  # any callable of a test
            await asyncio.sleep(0.001)
