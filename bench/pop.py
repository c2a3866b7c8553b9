"""Ring event on the wire -> card at a browser's socket, against the least it could take, in the same run.

Run:     python bench/pop.py [--customers N] [--operators N] [--calls N] [--rate CALLS_PER_SECOND]
Setup:   a database with N customers (and twice the orders), its past rolled up as on any day but the first;
         `callcenter run` as a process of its own, attached to a peer here that speaks AMI; N operators' desks here
         (websocket, and the guide asked for with each card); calls of known customers in a Poisson stream
Measures from the write of the burst of events that makes a phone ring to the message with the full card
Floor:   a process that for each line from the loopback reads one customer by number and echoes a card's length
Prints:  p50 and p99 of both in milliseconds, and the ratios; the goals are p50 <= 4 x floor and p99 <= 25 ms
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from house import PASSWORD, Desk, desk_of, running_service

from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from crm_core.figure_rolling import roll_up
from crm_core.migrations import migrate
from crm_core.seed import number_of, seed
from crm_core.user import Passwords, create_user, map_extension

LINE = "48223071199"
CARD_BYTES = 4000  # what the floor echoes; about the length of a card with a few orders and calls
LISTS = {
    "CoreShowChannels": "CoreShowChannelsComplete",
    "BridgeList": "BridgeListComplete",
    "QueueStatus": "QueueStatusComplete",
    "DeviceStateList": "DeviceStateListComplete",
}
FLOOR = """
import asyncio, asyncpg, sys
async def main():
    pool = await asyncpg.create_pool(sys.argv[1], min_size=4)
    query = "SELECT c.id, c.name FROM customer_numbers n JOIN customers c ON c.id = n.customer_id WHERE n.e164 = $1"
    async def serve(reader, writer):
        while line := await reader.readline():
            row = await pool.fetchrow(query, line.decode().strip())
            writer.write((row["name"] if row else "").encode().ljust(int(sys.argv[2]), b".") + b"\\n")
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""


class Peer:
    """The least Asterisk that the service can attach to: it logs in, has nothing to list, and says what it is told."""

    def __init__(self) -> None:
        self.writer: asyncio.StreamWriter | None = None
        self.attached = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        writer.write(b"Asterisk Call Manager/11.0.0\r\n")
        self.writer = writer
        try:
            while True:
                block = (await reader.readuntil(b"\r\n\r\n")).decode()
                action = dict(line.split(": ", 1) for line in block.strip().split("\r\n"))
                writer.write(self._answer(action["Action"], action.get("ActionID", "")).encode())
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _answer(self, action: str, number: str) -> str:
        answer = f"Response: Success\r\nActionID: {number}\r\nMessage: ok\r\n"
        if action == "Login":
            return f"{answer}\r\nEvent: FullyBooted\r\nUptime: 100\r\nStatus: Fully Booted\r\n\r\n"
        if action not in LISTS:
            return f"{answer}\r\n"
        if action == "DeviceStateList":
            self.attached.set()
        end = f"Event: {LISTS[action]}\r\nActionID: {number}\r\nEventList: Complete\r\nListItems: 0\r\n\r\n"
        return f"{answer}EventList: start\r\n\r\n{end}"

    def say(self, text: str) -> None:
        """Put events on the wire."""
        assert self.writer is not None
        self.writer.write(text.encode())


def ring(n: int, number: str, extension: str) -> str:
    """The events of a caller in a queue whose first agent's phone begins to ring."""
    caller = _channel("", f"PJSIP/trunk-{n:08x}", f"{n}.0", n, number, "Ring", 4, "from-trunk", LINE)
    agent = ("Dest", f"PJSIP/{extension}-{n:08x}", f"{n}.1", n, extension)
    down = _channel(*agent, "Down", 0, "from-internal", "")
    rings = _channel("", *agent[1:], "Ringing", 5, "from-internal", "")
    return "".join(
        (
            f"Event: Newchannel\r\n{caller}\r\n",
            f"Event: QueueCallerJoin\r\n{caller}Queue: sales\r\nPosition: 1\r\nCount: 1\r\n\r\n",
            f"Event: Newchannel\r\n{_channel('', *agent[1:], 'Down', 0, 'from-internal', '')}\r\n",
            f"Event: DialBegin\r\n{caller}{down}DialString: {extension}\r\n\r\n",
            f"Event: Newstate\r\n{rings}\r\n",
        )
    )


def hang_up(n: int, number: str, extension: str) -> str:
    """The caller gives up."""
    caller = _channel("", f"PJSIP/trunk-{n:08x}", f"{n}.0", n, number, "Ring", 4, "from-trunk", LINE)
    agent = _channel(
        "", f"PJSIP/{extension}-{n:08x}", f"{n}.1", n, extension, "Ringing", 5, "from-internal", ""
    )
    return "".join(f"Event: Hangup\r\n{who}Cause: 0\r\nCause-txt: Unknown\r\n\r\n" for who in (agent, caller))


def _channel(
    prefix: str,
    name: str,
    uniqueid: str,
    n: int,
    number: str,
    word: str,
    state: int,
    context: str,
    exten: str,
) -> str:
    headers = {
        "Channel": name,
        "ChannelState": str(state),
        "ChannelStateDesc": word,
        "CallerIDNum": number,
        "CallerIDName": "<unknown>",
        "ConnectedLineNum": "<unknown>",
        "ConnectedLineName": "<unknown>",
        "Language": "en",
        "AccountCode": "",
        "Context": context,
        "Exten": exten,
        "Priority": "1",
        "Uniqueid": uniqueid,
        "Linkedid": f"{n}.0",
    }
    return "".join(f"{prefix}{key}: {value}\r\n" for key, value in headers.items())


class Desks:
    """The browsers of all operators: when each call's card came."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}
        self.asking: list[asyncio.Task[Any]] = []

    async def watch(self, desk: Desk) -> None:
        """Read one operator's websocket; as the page does, ask for tips and script once a card is there."""
        async for text in desk.socket:
            at = time.perf_counter()
            if '"type":"call"' not in text:
                continue  # what colleagues do; a browser reads it too, but each on a machine of its own
            message = json.loads(text)
            if message["type"] == "call" and message["call"]["state"] == "ringing" and message["card"]:
                self.came.setdefault(message["call"]["remote"]["number"], at)
                about = {"call_id": message["call"]["id"]}
                if customer := message["card"]["customer"]:
                    about["customer_id"] = customer["id"]
                self.asking.append(asyncio.create_task(desk.ask("GET", "/guide", about)))


async def main() -> None:
    """Measure both and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--operators", type=int, default=30)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--rate", type=float, default=20)
    given = parser.parse_args()
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="callcenter-bench-")))
        server = await stack.enter_async_context(Embedded(folder / "postgres"))
        await _prepare(server.url, given)
        numbers = [number_of(each) for each in random.Random(1).sample(range(given.customers), given.calls)]
        floor = await _floor(server.url, numbers, given.rate, stack)
        pops = await _pops(server.url, folder, numbers, given, stack)
    _print(floor, pops, given)


async def _prepare(url: str, given: argparse.Namespace) -> None:
    await migrate(url)
    began = time.perf_counter()
    counts = {"customers": given.customers, "orders": 2 * given.customers, "calls": given.customers}
    await seed(url, **counts, now=datetime.now(UTC), pbx="pbx")
    print(f"{given.customers} customers, {2 * given.customers} orders in {time.perf_counter() - began:.0f} s")
    hashed = await Passwords().hash(PASSWORD)
    async with connect(url) as db:
        while await _rolled(db):
            pass
    async with connect(url) as db, db.begin() as session:
        for place in range(given.operators):
            user = await create_user(
                session, login=f"op{place}", name=f"Operator {place}", password_hash=hashed
            )
            await map_extension(session, pbx="pbx", extension=str(1000 + place), user_id=user.id)


async def _rolled(db: Database) -> bool:
    async with db.begin() as session:
        return await roll_up(session, at=datetime.now(UTC))


async def _floor(url: str, numbers: Sequence[str], rate: float, stack: AsyncExitStack) -> list[float]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FLOOR, url, str(CARD_BYTES), stdout=asyncio.subprocess.PIPE
    )
    stack.callback(process.kill)
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 20)
    times = []
    for number in numbers:
        began = time.perf_counter()
        writer.write(f"{number}\n".encode())
        json.dumps((await reader.readline()).decode())  # a browser's message is read as JSON as well
        times.append(time.perf_counter() - began)
        await asyncio.sleep(0.2 / rate)
    writer.close()
    return times


async def _pops(
    url: str, folder: Path, numbers: Sequence[str], given: argparse.Namespace, stack: AsyncExitStack
) -> list[float]:
    peer, desks = Peer(), Desks()
    listening = await stack.enter_async_context(await asyncio.start_server(peer.serve, "127.0.0.1", 0))
    ami_port = listening.sockets[0].getsockname()[1]
    http_port, push_port = await stack.enter_async_context(running_service(url, folder, ami_port))
    await peer.attached.wait()
    watching = []
    for place in range(given.operators):
        browser = await stack.enter_async_context(desk_of(f"op{place}", http_port, push_port))
        watching.append(asyncio.create_task(desks.watch(browser)))
    rang: dict[str, float] = {}
    dice, busy = random.Random(2), set[int]()
    for n, number in enumerate(numbers, 1):
        place = dice.choice([each for each in range(given.operators) if each not in busy])
        busy.add(place)
        extension = str(1000 + place)
        rang[number] = time.perf_counter()
        peer.say(ring(n, number, extension))

        def over(n: int = n, number: str = number, extension: str = extension, place: int = place) -> None:
            peer.say(hang_up(n, number, extension))
            busy.discard(place)

        asyncio.get_running_loop().call_later(min(0.5, 0.5 * given.operators / given.rate), over)
        await asyncio.sleep(dice.expovariate(given.rate))
    await asyncio.sleep(2)
    await asyncio.gather(*desks.asking)
    for task in watching:
        task.cancel()
    missing = [number for number in numbers if number not in desks.came]
    print(f"{len(numbers)} calls, {len(missing)} cards that never came")
    return [desks.came[number] - rang[number] for number in numbers if number in desks.came]


def _print(floor: Sequence[float], pops: Sequence[float], given: argparse.Namespace) -> None:
    print(f"{'':8}{'p50 ms':>9}{'p99 ms':>9}")
    for name, times in (("floor", floor), ("pop", pops)):
        print(f"{name:8}{_at(times, 0.5):9.2f}{_at(times, 0.99):9.2f}")
    print(
        f"ratio   {_at(pops, 0.5) / _at(floor, 0.5):9.2f}{_at(pops, 0.99) / _at(floor, 0.99):9.2f}"
        f"   ({given.operators} operators, {given.rate:g} calls/s)"
    )


def _at(times: Sequence[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(share * len(times)))] * 1000


if __name__ == "__main__":
    asyncio.run(main())
