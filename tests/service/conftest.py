"""The service as an administrator starts it: a process of its own, with its own database, on free ports."""

import asyncio
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest
import pytest_asyncio
import websockets
from yarl import URL

from asterisk.fake.config import lab
from asterisk.fake.people import Manual
from asterisk.fake.switchboard import Switchboard
from tests.patience import PATIENCE_S

PASSWORD = "correct horse"
CALLCENTER = Path(sys.executable).with_name("callcenter")


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Service:
    """One installation: its data folder, its ports, its switchboard; started, killed and started again."""

    def __init__(self, folder: Path, ami_port: int, secret: str = "crm-secret") -> None:
        self.folder = folder
        self.http_port, self.push_port = free_port(), free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CALLCENTER_")},
            "CALLCENTER_DATA_DIR": str(folder / "data"),
            "CALLCENTER_HTTP_PORT": str(self.http_port),
            "CALLCENTER_PUSH_PORT": str(self.push_port),
            "CALLCENTER_AMI_HOST": "127.0.0.1",
            "CALLCENTER_AMI_PORT": str(ami_port),
            "CALLCENTER_AMI_USERNAME": "crm",
            "CALLCENTER_AMI_SECRET": secret,
            "CALLCENTER_RECORDINGS_DIR": str(folder / "monitor"),
            "CALLCENTER_COUNTRY": "RU",
        }

    @property
    def log(self) -> Path:
        return self.folder / "service.log"

    def command(self, *words: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command of the front door with this installation's settings."""
        return subprocess.run(
            [CALLCENTER, *words],
            env=self.env,
            input=given,
            capture_output=True,
            text=True,
            cwd=self.folder,
            timeout=3 * PATIENCE_S,
        )

    async def start(self, *words: str) -> None:
        """Start and wait until it answers. The first start of all makes a database and compiles the code."""
        (self.folder / "monitor").mkdir(exist_ok=True)
        self.process = self._begun(words)
        async with asyncio.timeout(3 * PATIENCE_S), aiohttp.ClientSession() as http:
            while not await self._answers(http):
                assert self.process.poll() is None, self.log.read_text()[-3000:]
                await asyncio.sleep(0.05)

    def _begun(self, words: tuple[str, ...]) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [CALLCENTER, "run", *words],
                env=self.env,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    async def _answers(self, http: aiohttp.ClientSession) -> bool:
        try:
            async with http.get(self.url("/healthz")) as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self) -> None:
        """kill -9, nothing is tidied up."""
        self._end(signal.SIGKILL)

    def kill_database(self) -> None:
        """kill -9 of the embedded PostgreSQL; the service starts it again."""
        assert self.process is not None
        children = psutil.Process(self.process.pid).children()
        (postgres,) = [child for child in children if "postgres" in child.name()]
        postgres.kill()

    def stop(self) -> int:
        """As Ctrl-C does; the exit code."""
        return self._end(signal.SIGINT)

    def _end(self, number: int) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        code = self.process.wait(30)
        self.process = None
        return code

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.http_port}{path}"

    @asynccontextmanager
    async def signed_in(self, login: str, password: str = PASSWORD) -> AsyncIterator["Desk"]:
        """A browser's worth of a person: the API and the desk."""
        async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as http:
            desk = Desk(self, http)
            await desk.ask("POST", "/session", login=login, password=password)
            yield desk


NOT_YET = {"call": {"state": "the service has no database"}, "card": None}


class Desk:
    """What one operator can do: ask the API, look at the desk."""

    def __init__(self, service: Service, http: aiohttp.ClientSession) -> None:
        self.service = service
        self.http = http

    async def ask(self, method: str, path: str, **body: Any) -> Any:
        """The answer of the API. Raises `aiohttp.ClientResponseError` when it refuses."""
        url = self.service.url(f"/api/v1{path}")
        async with self.http.request(method, url, json=body or None) as answer:
            text = await answer.text()
            if answer.status >= 400:
                raise aiohttp.ClientResponseError(
                    answer.request_info, answer.history, status=answer.status, message=text
                )
            return json.loads(text) if text else None

    async def looks(self, state: str | None, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until the desk shows one call in this state with its card (None: no call); the entry."""
        async with asyncio.timeout(patience_s):
            while True:
                try:
                    entries = (await self.snapshot())["calls"]
                except websockets.InvalidStatus as refused:
                    if refused.response.status_code != 503:
                        raise
                    entries = [NOT_YET]  # a page tries again as well
                shown = [entry["call"]["state"] for entry in entries]
                if shown == ([] if state is None else [state]) and all(entry["card"] for entry in entries):
                    return entries[0] if entries else {}
                await asyncio.sleep(0.05)

    async def snapshot(self) -> dict[str, Any]:
        """The desk as a page gets it on connecting."""
        cookies = self.http.cookie_jar.filter_cookies(URL(self.service.url("/")))
        cookie = "; ".join(f"{name}={morsel.value}" for name, morsel in cookies.items())
        url = f"ws://127.0.0.1:{self.service.push_port}/push"
        async with websockets.connect(url, additional_headers={"Cookie": cookie}) as socket:
            return json.loads(await socket.recv())


@pytest_asyncio.fixture
async def board(tmp_path: Path) -> AsyncIterator[Switchboard]:
    """A switchboard that outlives the service."""
    async with Switchboard(lab(tmp_path / "monitor"), speed=2) as board:
        for extension in board.pbx.phones:
            board.phone(extension).behave(Manual())
        yield board


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder in which Anna with the phone 1001 was let in by the command; copied for each test."""
    folder = tmp_path_factory.mktemp("installed")
    added = Service(folder, 1).command(
        "user", "add", "anna", "--name", "Anna", "--extension", "1001", given=f"{PASSWORD}\n{PASSWORD}\n"
    )
    assert added.returncode == 0, added.stderr
    return folder / "data"


@pytest_asyncio.fixture
async def service(tmp_path: Path, board: Switchboard, installed: Path) -> AsyncIterator[Service]:
    """An installation with one operator, Anna at 1001; running."""
    await asyncio.to_thread(shutil.copytree, installed, tmp_path / "data")
    service = Service(tmp_path, board.port)
    try:
        await service.start()
        yield service
    finally:
        if service.process is not None:
            service.stop()
