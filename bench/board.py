"""What the supervisor's board costs: the service with the board against the same service without it, in the same run.

Run:     python bench/board.py [--agents N] [--viewers N] [--rate CALLS_PER_SECOND] [--talk S] [--warm S] [--measure S]
Setup:   one simulated switchboard in a process of its own, with N agents in ten queues and calls in a Poisson stream;
         two services attached to it at the same time, each with a database of its own and N browsers of N supervisors.
         In one of them every browser looks at the board; the other, the floor, neither gathers nor tells it
Measures the processor time of both services (user and system) over the same seconds
Prints:  both in per cent of a core, the board as their difference (goal: at most 5), and what one viewer was sent
"""

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import websockets
from house import free_port, ready

from asterisk.fake.config import Account, Config, Extension, Line, QueueConfig, Record
from asterisk.fake.people import Answer, Caller
from asterisk.fake.switchboard import Switchboard
from crm_core.db import connect
from crm_core.embedded import Embedded
from crm_core.line import create_line
from crm_core.migrations import migrate
from crm_core.seed import number_of, seed
from crm_core.user import Role, create_user, map_extension
from web.sessions import COOKIE_NAME, SessionStore

QUEUES = 10
CUSTOMERS = 10_000
TICKS = os.sysconf("SC_CLK_TCK")


def _line(queue: int) -> str:
    return f"482230711{queue:02}"


async def be_switchboard(given: argparse.Namespace) -> None:
    """The switchboard with its calls; prints its port."""
    agents = [str(10_000 + n) for n in range(given.agents)]
    config = Config(
        accounts=(Account(username="bench", secret="bench"),),
        extensions=tuple(Extension(number=it, name=f"Agent {it}") for it in agents),
        lines=tuple(Line(did=_line(n), queue=f"q{n}", record=Record.NOBODY) for n in range(QUEUES)),
        queues=tuple(QueueConfig(name=f"q{n}", members=tuple(agents[n::QUEUES])) for n in range(QUEUES)),
    )
    dice = random.Random(1)
    async with Switchboard(config) as board:
        for each in agents:
            board.phone(each).behave(Answer(after_s=dice.uniform(2, 6)))
        print(board.port, flush=True)
        await asyncio.to_thread(sys.stdin.readline)  # both services are attached
        while True:
            await asyncio.sleep(dice.expovariate(given.rate))
            talks = Caller(talk_s=dice.expovariate(1 / given.talk), patience_s=dice.uniform(20, 90))
            caller = number_of(dice.randrange(CUSTOMERS))
            board.place_call(caller, "", _line(dice.randrange(QUEUES)), caller=talks)


def be_service(*, board: bool) -> None:
    """The service; without the board nothing of it is gathered, looked over or told."""
    from callcenter.cli import app
    from callcenter.overview import Overview
    from callcenter.overview.daybook import DayBook
    from callcenter.overview.watchman import Watchman

    async def nothing(self: object) -> None:
        """Not looked at."""

    if not board:
        Overview._soon = lambda self: None  # type: ignore[method-assign]
        DayBook.put = lambda self, call: None  # type: ignore[method-assign]
        Watchman.look = nothing  # type: ignore[assignment,method-assign]
    sys.argv = ["callcenter", "run"]
    app()


@dataclass
class House:
    """One service with its browsers."""

    process: asyncio.subprocess.Process
    push_port: int
    tokens: list[str]
    told: list[tuple[float, int]] = field(default_factory=list)  # when, bytes: what the first browser got
    calls: dict[str, int] = field(default_factory=dict)  # by state, as it was told last
    browsers: int = 0
    watched: asyncio.Event = field(default_factory=asyncio.Event)  # one more browser is there

    def cpu_s(self) -> float:
        """Processor time so far."""
        stat = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / TICKS

    async def watch(self, token: str, *, board: bool, counts: bool) -> None:
        """One browser, for ever."""
        headers = {"Cookie": f"{COOKIE_NAME}={token}"}
        address = f"ws://127.0.0.1:{self.push_port}/push"
        async with websockets.connect(
            address, additional_headers=headers, compression=None, open_timeout=60, max_size=None
        ) as socket:
            if board:
                await socket.send(json.dumps({"type": "floor"}))
            self.browsers += 1
            self.watched.set()
            async for text in socket:
                if counts and '"type":"floor"' in text[:40]:
                    self.told.append((time.time(), len(text)))
                    for row in json.loads(text)["rows"].get("house", ()):
                        self.calls = row["calls"]


async def _house(
    folder: Path, ami_port: int, given: argparse.Namespace, stack: AsyncExitStack, *, board: bool
) -> House:
    server = await stack.enter_async_context(Embedded(folder / "postgres"))
    await migrate(server.url)
    await seed(
        server.url, customers=CUSTOMERS, orders=CUSTOMERS, calls=1000, now=datetime.now(UTC), pbx="pbx"
    )
    async with connect(server.url) as db:
        async with db.begin() as session:
            for n in range(given.agents):
                user = await create_user(session, login=f"a{n}", name=f"Agent {n}")
                await map_extension(session, pbx="pbx", extension=str(10_000 + n), user_id=user.id)
            for n in range(QUEUES):
                await create_line(
                    session, pbx="pbx", did=_line(n), name=f"Line {n}", country="PL", shop_id=None
                )
            viewers = [
                await create_user(session, login=f"v{n}", name=f"Viewer {n}", role=Role.SUPERVISOR)
                for n in range(given.viewers)
            ]
        store = SessionStore(db, now=lambda: datetime.now(UTC), lifetime=timedelta(hours=1))
        tokens = [await store.open(user.id, None) for user in viewers]
    http_port, push_port = free_port(), free_port()
    settings = {
        "DATABASE_URL": server.url, "DATA_DIR": str(folder / "data"), "HTTP_PORT": str(http_port),
        "PUSH_PORT": str(push_port), "AMI_HOST": "127.0.0.1", "AMI_PORT": str(ami_port), "AMI_USERNAME": "bench",
        "AMI_SECRET": "bench", "COUNTRY": "PL",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, __file__, "--be", "service" if board else "floor",
        env={**os.environ, **{f"CALLCENTER_{name}": value for name, value in settings.items()}},
        stderr=(folder / "log").open("wb"), stdout=subprocess.DEVNULL,
    )  # fmt: skip
    stack.push_async_callback(process.wait)
    stack.callback(process.terminate)
    async with asyncio.timeout(120), aiohttp.ClientSession() as http:
        while not await ready(http, http_port):
            await asyncio.sleep(0.2)
    return House(process, push_port, tokens)


async def measure(given: argparse.Namespace) -> None:
    """Both services on one switchboard."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callcenter-bench-")))
        words = [f"--{name}={getattr(given, name)}" for name in ("agents", "rate", "talk")]
        switchboard = await asyncio.create_subprocess_exec(
            sys.executable, __file__, "--be", "switchboard", *words,
            stdout=subprocess.PIPE, stdin=subprocess.PIPE, stderr=(folder / "switchboard").open("wb"),
        )  # fmt: skip
        stack.push_async_callback(switchboard.wait)
        stack.callback(switchboard.kill)
        assert switchboard.stdout is not None and switchboard.stdin is not None
        ami_port = int(await switchboard.stdout.readline())
        houses: list[House] = []
        for name in ("floor", "board"):
            (folder / name).mkdir()
            houses.append(await _house(folder / name, ami_port, given, stack, board=name == "board"))
        watching = []
        for house in houses:
            for n, token in enumerate(house.tokens):  # one after the other, as people come
                house.watched.clear()
                task = house.watch(token, board=house is houses[1], counts=n == 0)
                watching.append(asyncio.create_task(task))
                await asyncio.wait_for(house.watched.wait(), 60)
        switchboard.stdin.write(b"\n")
        await asyncio.sleep(given.warm)
        began, before = time.time(), [house.cpu_s() for house in houses]
        await asyncio.sleep(given.measure)
        lasted = time.time() - began
        floor, board = (
            100 * (house.cpu_s() - cpu) / lasted for house, cpu in zip(houses, before, strict=True)
        )
        for task in watching:
            task.cancel()
        with suppress(asyncio.CancelledError):
            await asyncio.gather(*watching, return_exceptions=True)
    told = [size for at, size in houses[1].told if began <= at <= began + lasted]
    print(f"browsers {[house.browsers for house in houses]}, calls at the end {houses[1].calls}")
    _print(floor, board, told, lasted, given)


def _print(floor: float, board: float, told: list[int], lasted: float, given: Any) -> None:
    print(
        f"{given.agents} agents, {given.viewers} viewers, {given.rate:g} calls/s of {given.talk:g} s, {lasted:.0f} s"
    )
    print(f"the service without the board {floor:6.1f} % of a core")
    print(f"the service with the board    {board:6.1f} % of a core")
    print(f"the board                     {board - floor:6.1f} % of a core    ratio {board / floor:.2f}")
    rate, size = len(told) / lasted, sum(told) / max(1, len(told))
    print(f"to each viewer {rate:.2f} messages/s of {size / 1000:.1f} kB")


def main() -> None:
    """Measure, or be one of the processes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--agents", type=int, default=300)
    parser.add_argument("--viewers", type=int, default=100)
    parser.add_argument("--rate", type=float, default=1.5)
    parser.add_argument("--talk", type=float, default=90)
    parser.add_argument("--warm", type=float, default=60)
    parser.add_argument("--measure", type=float, default=60)
    parser.add_argument("--be", choices=("switchboard", "service", "floor"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    match given.be:
        case "switchboard":
            asyncio.run(be_switchboard(given))
        case "service" | "floor":
            be_service(board=given.be == "service")
        case _:
            asyncio.run(measure(given))


if __name__ == "__main__":
    main()
