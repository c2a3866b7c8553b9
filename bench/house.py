"""What benches of the whole service share: it runs as a process of its own, and operators have their desks open."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import websockets
from yarl import URL

PASSWORD = "a long enough password"


@dataclass(frozen=True)
class Desk:
    """What one operator's browser holds: the API and the push connection."""

    http: aiohttp.ClientSession
    origin: URL
    socket: Any

    async def ask(
        self, method: str, path: str, query: Mapping[str, str | int] | None = None, **body: Any
    ) -> Any:
        """The answer of the API, asked again as the page does while it says "later"."""
        where = (self.origin / f"api/v1{path}").with_query(query or {})
        while True:
            async with self.http.request(method, where, json=body) as answer:
                if answer.status != 503:
                    answer.raise_for_status()
                    return await answer.json() if answer.status == 200 else None
            await asyncio.sleep(0.05)


@asynccontextmanager
async def running_service(
    url: str, folder: Path, ami_port: int, ami: tuple[str, str] = ("bench", "bench")
) -> AsyncIterator[tuple[int, int]]:
    """`callcenter run` on this database, attached to a switchboard; its ports of pages and push."""
    http_port, push_port = free_port(), free_port()
    settings = {
        "DATABASE_URL": url,
        "DATA_DIR": str(folder / "data"),
        "HTTP_PORT": str(http_port),
        "PUSH_PORT": str(push_port),
        "AMI_HOST": "127.0.0.1",
        "AMI_PORT": str(ami_port),
        "AMI_USERNAME": ami[0],
        "AMI_SECRET": ami[1],
        "COUNTRY": "PL",
    }
    process = await asyncio.create_subprocess_exec(
        Path(sys.executable).with_name("callcenter"),
        "run",
        env={**os.environ, **{f"CALLCENTER_{name}": value for name, value in settings.items()}},
        stderr=(folder / "log").open("wb"),
        stdout=subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(60), aiohttp.ClientSession() as http:
            while not await ready(http, http_port):
                await asyncio.sleep(0.1)
        yield http_port, push_port
    finally:
        process.terminate()
        await process.wait()


async def ready(http: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with http.get(f"http://127.0.0.1:{port}/healthz") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


@asynccontextmanager
async def desk_of(login: str, http_port: int, push_port: int) -> AsyncIterator[Desk]:
    """An operator who has signed in and looks at the desk."""
    origin = URL(f"http://127.0.0.1:{http_port}")
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
        answer = await http.post(origin / "api/v1/session", json={"login": login, "password": PASSWORD})
        answer.raise_for_status()
        cookies = http.cookie_jar.filter_cookies(origin)
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        address = f"ws://127.0.0.1:{push_port}/push"
        async with websockets.connect(
            address, additional_headers={"Cookie": cookie}, compression=None
        ) as socket:
            yield Desk(http, origin, socket)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])
