"""A supplier's file at an address: fetched, looked at once, then put in by itself; and what must not be fetched."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, time

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestServer
from sqlalchemy import select, update

from crm_core.errors import Invalid
from crm_core.exchange import pull, worker
from crm_core.exchange.fetch import Account, Stamp, fetch
from crm_core.exchange.outside import is_outside
from crm_core.exchange.schedule import Schedule
from crm_core.exchange.source_rows import ImportRun, ImportSource
from crm_core.seal import Seal
from crm_core.task_rows import Task
from tests.web.shop import furnish

API = "/api/v1"
ACME = Account("acme", "secret")
GOODS = "SKU,Name,Price\nMG-03,Blue mug,9.50\nNEW-1,Tea pot,12.00\n"


@dataclass
class Supplier:
    """A web server with one file. `answers`: what it answered, in order."""

    text: str = GOODS
    status: int = 200
    answers: list[int] = field(default_factory=list)
    port: int = 0

    async def give(self, request: web.Request) -> web.Response:
        if request.path == "/moved":
            raise web.HTTPFound("/prices.csv")
        if request.path == "/inside":
            raise web.HTTPFound(f"http://127.0.0.1:{self.port}/prices.csv")
        if request.path == "/round":
            raise web.HTTPFound("/round")
        tag = f'"{hash(self.text)}"'
        status = 304 if request.headers.get("If-None-Match") == tag else self.status
        if request.headers.get("Authorization") != "Basic YWNtZTpzZWNyZXQ=":
            status = 401
        self.answers.append(status)
        return web.Response(status=status, text=self.text if status == 200 else "", headers={"ETag": tag})

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/prices.csv"


@pytest_asyncio.fixture
async def supplier() -> AsyncIterator[Supplier]:
    made = Supplier()
    app = web.Application()
    app.router.add_get("/{path:.*}", made.give)
    async with TestServer(app, host="localhost") as server:
        made.port = server.port or 0
        yield made


async def ok(answer):
    assert answer.status < 300, await answer.text()
    return await answer.json()


async def test_a_suppliers_prices_come_by_themselves_and_trouble_is_told(
    client_of, database, services, clock, supplier, people
) -> None:
    there = await furnish(database)
    manager = await client_of("manager")
    folder, seal = services.settings.imports_dir, Seal(services.settings.secret_key_bytes)

    async def turn() -> dict:
        while await pull.pull_once(database, folder, now=clock, allowed=("localhost",), seal=seal):
            pass
        while await worker.work_once(database, folder, now=clock):
            pass
        await pull.pull_once(database, folder, now=clock, allowed=("localhost",), seal=seal)
        return (await ok(await manager.get(f"{one}/runs")))[0]

    async def tasks() -> list[tuple[str, int | None]]:
        async with database.begin() as session:
            rows = await session.execute(select(Task.state, Task.performer_id).order_by(Task.id))
            return [(row.state, row.performer_id) for row in rows]

    given = {"name": "Acme", "noun": "products", "shop_id": there.shop, "url": supplier.url, "every_hours": 1}
    given |= {"username": "acme", "password": "secret", "told_id": people["supervisor"]}
    made = await ok(await manager.post(f"{API}/import-sources", json=given))
    assert made["has_password"] and "secret" not in str(made) and made["due_at"] is None
    async with database.begin() as session:
        password = await session.scalar(select(ImportSource.password))
    assert "secret" not in password and seal.open(password) == "secret"  # nor is it in the database
    with pytest.raises(Invalid, match="type it again"):
        Seal(b"another key").open(password)
    assert (await manager.post(f"{API}/import-sources", json=given)).status == 409
    one = f"{API}/import-sources/{made['id']}"

    # The first file waits for a person; what he says its columns mean holds from then on.
    assert (await manager.post(f"{one}/runs", json={})).status == 201
    assert (await manager.post(f"{one}/runs", json={})).status == 409
    first = await turn()
    assert first["state"] == "look" and await tasks() == [("open", people["supervisor"])]
    begin = await manager.post(f"{API}/imports/{first['import_id']}/run", json={"dry_run": False})
    assert begin.status == 200, await begin.text()
    assert (await manager.post(f"{one}/runs", json={})).status == 409
    put = await turn()
    assert (put["state"], put["created"], put["updated"]) == ("done", 1, 1)
    assert await tasks() == [("done", people["supervisor"])]
    kept = await ok(await manager.get(one))
    assert datetime.fromisoformat(kept["due_at"]) == datetime(2026, 11, 20, 13, tzinfo=UTC)

    # An hour later nothing has changed; then a price has, and a row is nonsense.
    clock.move(hours=1)
    assert (await turn())["state"] == "unchanged" and supplier.answers[-1] == 304
    supplier.text = GOODS.replace("12.00", "13.00") + "NEW-2,Broken,much\n"
    clock.move(hours=3)  # two turns were missed; one is made
    again = await turn()
    assert (again["state"], again["updated"], again["unchanged"], again["refused"]) == ("done", 1, 1, 1)
    assert len(await ok(await manager.get(f"{one}/runs"))) == 3
    assert (await tasks())[-1] == ("open", people["supervisor"]) and len(await tasks()) == 2

    # A column is gone: nothing is put in, and the same trouble is told once.
    supplier.text = "SKU,Name\nMG-03,Blue mug\n"
    for _ in range(2):
        clock.move(hours=1)
        bad = await turn()
        assert bad["state"] == "failed" and bad["error"] == "The file has no column 'Price'."
    page = await (await manager.get(f"/imports/sources/{made['id']}")).text()
    assert page.count("has no column") == 2 and "secret" not in page
    supplier.text = GOODS
    await ok(await manager.post(f"{one}/runs", json={"anew": True}))
    assert (await turn())["state"] == "done" and {state for state, _ in await tasks()} == {"done"}
    assert list(folder.iterdir()) == []

    # A process that was killed while fetching leaves the run to the next one.
    run = (await ok(await manager.post(f"{one}/runs", json={"anew": True})))["id"]
    async with database.begin() as session:
        dead = {"state": "fetching", "heard_at": clock()}
        await session.execute(update(ImportRun).where(ImportRun.id == run).values(dead))
    assert (await turn())["state"] == "fetching"
    clock.move(seconds=pull.SILENT.total_seconds() + 1)
    assert (await turn())["state"] == "done"
    assert (await (await client_of("supervisor")).get(one)).status == 403
    assert (await manager.delete(one)).status == 204


async def test_a_file_is_fetched_within_bounds(supplier, tmp_path, monkeypatch) -> None:
    async def get(path: str, *allowed: str, account: Account = ACME):
        target = tmp_path / "came"
        target.unlink(missing_ok=True)
        url = f"http://localhost:{supplier.port}{path}"
        return await fetch(url, target, account=account, known=Stamp(), allowed=allowed)

    came = await get("/moved", "localhost")
    assert came is not None and came.name == "prices.csv" and came.size == len(GOODS)
    with pytest.raises(Invalid, match="localhost lies inside the house"):
        await get("/prices.csv")
    with pytest.raises(Invalid, match=r"127\.0\.0\.1 lies inside the house"):
        await get("/inside", "localhost")
    with pytest.raises(Invalid, match="from one address to the next"):
        await get("/round", "localhost")
    with pytest.raises(Invalid, match="another user or password"):
        await get("/prices.csv", "localhost", account=Account())
    supplier.status = 404
    with pytest.raises(Invalid, match="no file at this address"):
        await get("/prices.csv", "localhost")
    supplier.status = 200
    monkeypatch.setattr("crm_core.exchange.fetch.LARGEST", 10)
    with pytest.raises(Invalid, match="larger than"):
        await get("/prices.csv", "localhost")


async def test_a_file_is_fetched_by_ftp_and_only_when_it_changed(tmp_path) -> None:
    server = await asyncio.start_server(ftp, "127.0.0.1", 0)
    url = f"ftp://localhost:{server.sockets[0].getsockname()[1]}/lists/prices.csv"
    account = Account("acme", "secret")

    async def get(known: Stamp):
        target = tmp_path / "came"
        target.unlink(missing_ok=True)
        return await fetch(url, target, account=account, known=known, allowed=("localhost",))

    async with server:
        came = await get(Stamp())
        assert came is not None and (tmp_path / "came").read_text() == GOODS and came.name == "prices.csv"
        assert await get(came.stamp) is None
        account = Account("acme", "wrong")
        with pytest.raises(Invalid, match="530"):
            await get(Stamp())


async def ftp(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """An FTP server with one file, as far as RFC 959 is needed to fetch it."""
    data: asyncio.Server | None = None
    given: asyncio.Queue[asyncio.StreamWriter] = asyncio.Queue()

    async def opened(_: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        await given.put(sink)

    def say(line: str) -> None:
        writer.write(f"{line}\r\n".encode())

    say("220 ready")
    while line := (await reader.readline()).decode().strip():
        match line.split(" ", 1):
            case ["USER", _]:
                say("331 and the password")
            case ["PASS", word]:
                say("230 in" if word == "secret" else "530 Login incorrect")
            case ["TYPE", _]:
                say("200 binary")
            case ["MDTM", "lists/prices.csv"]:
                say("213 20261120110000")
            case ["SIZE", "lists/prices.csv"]:
                say(f"213 {len(GOODS)}")
            case ["EPSV"] | ["PASV"] as asked:
                data = await asyncio.start_server(opened, "127.0.0.1", 0)
                port = data.sockets[0].getsockname()[1]
                # The address in the answer is somebody else's: the client must come back to this host.
                old = f"227 at (10,0,0,1,{port >> 8},{port & 255})"
                say(f"229 at (|||{port}|)" if asked == ["EPSV"] else old)
            case ["RETR", "lists/prices.csv"]:
                say("150 here it comes")
                sink = await given.get()
                sink.write(GOODS.encode())
                sink.close()
                say("226 all of it")
            case ["QUIT"]:
                say("221 bye")
                break
    if data is not None:
        data.close()
    writer.close()


@pytest.mark.parametrize(
    ("address", "outside"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.0", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:127.0.0.1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::", False),
    ],
)
def test_what_lies_inside_the_house(address: str, outside: bool) -> None:
    assert is_outside(address) is outside


def test_a_daily_time_is_of_the_shops_clock_and_what_was_missed_is_not_made_up_for() -> None:
    daily = Schedule(daily_at=time(2, 30))
    before = datetime(2027, 3, 27, 12, tzinfo=UTC)
    # On 28 March 2027 clocks in Warsaw jump from two to three.
    assert daily.next_after(before, "Europe/Warsaw") == datetime(2027, 3, 28, 1, 30, tzinfo=UTC)
    after = datetime(2027, 3, 28, 12, tzinfo=UTC)
    assert daily.next_after(after, "Europe/Warsaw") == datetime(2027, 3, 29, 0, 30, tzinfo=UTC)
    hours = Schedule(every_hours=4)
    assert hours.following(before, before.replace(hour=21), "UTC") == datetime(2027, 3, 28, 0, tzinfo=UTC)
    assert Schedule().next_after(before, "UTC") is None
