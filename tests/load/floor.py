"""A busy floor on a real Asterisk: SIPp dials and answers, and everything is broken in turn.

`Floor` has the switchboard, its phones, the callers, and our service behind a wire that can be cut.
"""

import asyncio
import csv
import json
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from asterisk.site import Line, Phone, Queue, Site, Trunk
from crm_core.db import Database, connect
from crm_core.embedded import Embedded
from tests.pbx.phone import Phone as Telephone
from tests.pbx.tree import HOST, SECRET, Tree, free_port
from tests.service.conftest import Service

SIPP = Path(__file__).parent / "sipp"
PHONES = 12
LINE = "74951230001"
OVERLAPPING = 24  # at most at once; the callers hang up by themselves, so a few less at any moment
QUIET_S = 15
A_SECOND = 8  # new calls


def missing() -> str | None:
    """Say what keeps us from the load, None when nothing does."""
    return None if shutil.which("sipp") else "no sipp; install the package sip-tester"


def site() -> Site:
    """One queue, twelve phones, one provider."""
    phones = tuple(
        Phone(extension=str(1001 + n), name=f"Phone {n + 1}", password=f"pw-{1001 + n}")
        for n in range(PHONES)
    )
    members = tuple(phone.extension for phone in phones)
    return Site(
        trunk=Trunk(host=HOST, port=free_port(socket.SOCK_DGRAM), number="74951230000"),
        phones=phones,
        queues=(Queue(name="sales", members=members, strategy="random", ring_s=5),),
        lines=(Line(number=LINE, name="Sales", queue="sales"),),
        ami_secret=SECRET,
        ami_port=free_port(socket.SOCK_STREAM),
        sip_address=HOST,
        sip_port=free_port(socket.SOCK_DGRAM),
        qualify_s=0,
        wrapup_s=0,
    )


class Wire:
    """The link between our service and AMI, which can be cut."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cut = False
        self._ends: set[asyncio.StreamWriter] = set()
        self._passing: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> "Wire":
        self._server = await asyncio.start_server(self._join, HOST, 0)
        self.near: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.break_it()
        self._server.close()
        await asyncio.gather(*self._passing, return_exceptions=True)

    def break_it(self) -> None:
        """Nothing passes any more, in either direction."""
        self.cut = True
        for end in self._ends:
            end.transport.abort()
        self._ends.clear()

    def mend(self) -> None:
        self.cut = False

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.cut:
            writer.transport.abort()
            return
        try:
            far_reader, far_writer = await asyncio.open_connection(HOST, self.port)
        except OSError:
            writer.transport.abort()
            return
        self._ends |= {writer, far_writer}
        ways = ((reader, far_writer), (far_reader, writer))
        tasks = {asyncio.create_task(self._pass(*way)) for way in ways}
        self._passing |= tasks
        await asyncio.wait(tasks)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(1 << 16):
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        writer.transport.abort()


@dataclass
class Floor:
    """What runs, and what was done to it (`events`: what, seconds since the start)."""

    tree: Tree
    service: Service
    wire: Wire
    folder: Path
    events: list[tuple[str, float]] = field(default_factory=list)
    killed_at: datetime | None = None
    began: float = field(default_factory=time.monotonic)
    sipps: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def cel(self) -> Path:
        return self.tree.root / "var/log/asterisk/cel-custom/Master.csv"

    @property
    def cdr(self) -> Path:
        return self.tree.root / "var/log/asterisk/cdr-csv/Master.csv"

    def note(self, what: str) -> None:
        self.events.append((what, round(time.monotonic() - self.began, 1)))

    def sipp(self, scenario: str, port: int, *words: str) -> subprocess.Popen[bytes]:
        """Start one SIPp; it writes its errors beside the other papers."""
        media = str(free_port(socket.SOCK_DGRAM))
        command = ["sipp", "-sf", str(SIPP / f"{scenario}.xml"), "-i", HOST, "-p", str(port), "-mp", media]
        command += ["-nostdin", "-aa", "-max_invite_retrans", "2", "-max_non_invite_retrans", "2", *words]
        quiet = subprocess.DEVNULL
        one = subprocess.Popen(command, cwd=self.folder, stdin=quiet, stdout=quiet, stderr=quiet)
        self.sipps.append(one)
        return one

    async def phones_sign_in(self) -> None:
        """Every phone registers, and its SIPp answers on the same port from now on."""
        for phone in self.tree.site.phones:
            where = (HOST, self.tree.site.sip_port)
            async with Telephone.at(where, phone.extension, phone.password) as one:
                port, one.password = one.port, ""  # it stays signed in
            self.sipp("phone", port)

    def callers(self) -> subprocess.Popen[bytes]:
        """Customers who dial one after the other, each with a number of his own, until they are stopped."""
        numbers = self.folder / "callers.csv"
        rows = "\n".join(f"7916{n:07};Caller {n}" for n in range(1, 20_001))
        numbers.write_text(f"SEQUENTIAL\n{rows}\n")
        there = f"{HOST}:{self.tree.site.sip_port}"
        limits = ("-r", str(A_SECOND), "-l", str(OVERLAPPING), "-m", "20000")
        return self.sipp(
            "customer", self.tree.site.trunk.port, there, "-s", LINE, "-inf", str(numbers), *limits
        )

    # --- what goes wrong

    async def lose_the_link(self, for_s: float) -> None:
        self.wire.break_it()
        self.note(f"link cut for {for_s:.0f} s")
        await asyncio.sleep(for_s)
        self.wire.mend()

    async def kill_asterisk(self, for_s: float) -> None:
        self.killed_at = datetime.now(UTC)
        await asyncio.to_thread(self.tree.kill)
        self.note(f"Asterisk killed for {for_s:.0f} s")
        await asyncio.sleep(for_s)
        await asyncio.to_thread(self.tree.start)

    async def kill_the_service(self, for_s: float) -> None:
        self.service.kill()
        self.note(f"service killed for {for_s:.0f} s")
        await asyncio.sleep(for_s)
        await self.service.start()

    async def quiet(self) -> None:
        """Wait until the last call is over."""
        for _ in range(300):
            if "0 active channels" in await asyncio.to_thread(self.tree.cli, "core show channels count"):
                return
            await asyncio.sleep(0.2)
        await asyncio.to_thread(self.tree.cli, "channel request hangup all")
        await asyncio.sleep(1)

    def audit(self, *words: str, cel: bool = True) -> subprocess.CompletedProcess[str]:
        """`callcenter audit` of the whole run, without mending anything."""
        kept = self.service.env["CALLCENTER_AMI_CEL"]
        self.service.env["CALLCENTER_AMI_CEL"] = kept if cel else ""
        try:
            return self.service.command("audit", "--no-heal", *words)
        finally:
            self.service.env["CALLCENTER_AMI_CEL"] = kept


@dataclass(frozen=True, kw_only=True)
class Account:
    """Asterisk's own diary of the run, counted by hand: without anything of ours that is to be proved."""

    calls: frozenset[str]  # linkedids
    cut: frozenset[str]  # those that were going on when Asterisk was killed
    most_at_once: int
    mean_at_once: float


def account(cel: Path, killed_at: datetime | None) -> Account:
    """Count the calls of a CEL file: they begin with a trunk channel that is its own linkedid."""
    began: dict[str, float] = {}
    ended: dict[str, float] = {}
    for row in csv.reader(cel.read_text().splitlines()):
        kind, at, channel, uniqueid, linkedid = row[0], float(row[1]), row[6], row[9], row[10]
        if kind == "CHAN_START" and uniqueid == linkedid and channel.startswith("PJSIP/trunk-"):
            began[linkedid] = at
        if kind == "LINKEDID_END":
            ended[linkedid] = at
    cut = began.keys() - ended.keys()
    end_of_cut = killed_at.timestamp() if killed_at else 0.0
    spans = [(at, ended.get(linkedid, end_of_cut)) for linkedid, at in began.items()]
    return Account(
        calls=frozenset(began),
        cut=frozenset(cut),
        most_at_once=max(_at_once(spans)),
        mean_at_once=sum(end - start for start, end in spans) / _covered(spans),
    )


def _covered(spans: list[tuple[float, float]]) -> float:
    """Return for how many seconds there was any call at all."""
    seconds, until = 0.0, 0.0
    for start, end in sorted(spans):
        seconds += max(0.0, end - max(start, until))
        until = max(until, end)
    return seconds


def _at_once(spans: list[tuple[float, float]]) -> Iterator[int]:
    steps = sorted([(start, 1) for start, _ in spans] + [(end, -1) for _, end in spans])
    now = 0
    for _, step in steps:
        now += step
        yield now


@asynccontextmanager
async def floor(folder: Path, *, recordings: bool = False) -> AsyncIterator[Floor]:
    """Everything running, phones signed in, nobody calls yet. `recordings`: the service fetches them too."""
    async with AsyncExitStack() as stack:
        tree = stack.enter_context(Tree.booted(site()))
        wire = await stack.enter_async_context(Wire(tree.site.ami_port))
        service = Service(folder, wire.near, SECRET)
        here = Floor(tree, service, wire, folder)
        service.env |= {
            "CALLCENTER_AMI_USERNAME": tree.site.ami_username,
            "CALLCENTER_AMI_CEL": str(here.cel),
            "CALLCENTER_AMI_CDR": str(here.cdr),
        }
        del service.env["CALLCENTER_RECORDINGS_DIR"]  # SIPp says nothing, so there is no sound to hear
        if recordings:
            service.env["CALLCENTER_RECORDINGS_DIR"] = str(tree.recordings)
        for place in (here.cel, here.cdr):  # Asterisk makes them with the first call
            place.touch()
            shutil.chown(place, place.parent.stat().st_uid, place.parent.stat().st_gid)
        try:
            await here.phones_sign_in()
            await service.start()
            yield here
        finally:
            for one in here.sipps:
                one.kill()
                one.wait()
            if service.process is not None:
                service.stop()


@dataclass(frozen=True, kw_only=True)
class Report:
    """What the run came to."""

    seconds: float
    events: list[tuple[str, float]]
    account: Account
    ours: dict[str, dict[str, object]]  # rows by linkedid
    doubled: list[str]
    audit: subprocess.CompletedProcess[str]
    audit_cdr: subprocess.CompletedProcess[str]
    sound: dict[str, int]  # answered calls by what became of their recordings

    @property
    def lost(self) -> frozenset[str]:
        return self.account.calls - self.ours.keys()

    @property
    def still_open(self) -> list[str]:
        return [linkedid for linkedid, row in self.ours.items() if row["ended_at"] is None]

    def __str__(self) -> str:
        origins = [str(row["origin"]) for row in self.ours.values()]
        answered = sum(row["result"] == "answered" for row in self.ours.values())
        counted = {kind: origins.count(kind) for kind in sorted(set(origins))}
        facts = {
            "seconds": round(self.seconds),
            "what was done": self.events,
            "calls in CEL": len(self.account.calls),
            "most at once": self.account.most_at_once,
            "mean at once": round(self.account.mean_at_once, 1),
            "going on when Asterisk was killed": len(self.account.cut),
            "calls with us": len(self.ours),
            "answered": answered,
            "told by": counted,
            "ended while disconnected": sum(
                row["ended_reason"] == "ended while disconnected" for row in self.ours.values()
            ),
            "lost": sorted(self.lost),
            "double": self.doubled,
            "open": self.still_open,
            "recordings of answered calls": self.sound,
        }
        said = f"audit against CEL (exit {self.audit.returncode}):\n{self.audit.stdout}{self.audit.stderr}"
        cdr = f"audit against CDR (exit {self.audit_cdr.returncode}):\n{self.audit_cdr.stdout}"
        return "\n".join((json.dumps(facts, indent=1), said, cdr))


async def strain(here: Floor, seconds: float) -> Report:
    """Let customers call for so long while everything is broken once, then compare."""
    began, away = time.monotonic(), max(3.0, seconds / 25)
    customers = here.callers()
    steps = ((0.15, here.lose_the_link), (0.4, here.kill_asterisk), (0.7, here.kill_the_service))
    for share, step in steps:
        await asyncio.sleep(max(0.0, began + share * seconds - time.monotonic()))
        await step(away)
    await asyncio.sleep(max(0.0, began + seconds - time.monotonic()))
    customers.terminate()
    await here.quiet()
    await settled(here.service)
    ours, doubled = await rows(here.service)
    return Report(
        seconds=time.monotonic() - began,
        events=here.events,
        account=account(here.cel, here.killed_at),
        ours=ours,
        doubled=doubled,
        audit=await asyncio.to_thread(here.audit),
        audit_cdr=await asyncio.to_thread(lambda: here.audit(cel=False)),
        sound=await sound(here.service),
    )


async def settled(service: Service, patience_s: float = 900) -> None:
    """Wait until every gap was looked at, no call is open, and for some seconds nothing more was written."""
    await asyncio.sleep(5)  # a gap is noticed within two seconds
    end = time.monotonic() + patience_s
    async with database(service) as db, db.engine.connect() as connection:
        quiet, before = 0, -1
        while quiet < QUIET_S and time.monotonic() < end:
            await asyncio.sleep(1)
            found = await connection.exec_driver_sql(
                "SELECT (SELECT count(*) FROM call_audits WHERE reason = 'gap' AND state <> 'done')"
                " + (SELECT count(*) FROM calls WHERE ended_at IS NULL)"
            )
            busy = found.scalar_one()
            written = (await connection.exec_driver_sql("SELECT count(*) FROM calls")).scalar_one()
            await connection.rollback()
            quiet = quiet + 1 if not busy and written == before else 0
            before = written


def database(service: Service) -> Database:
    """The embedded database of a service that runs."""
    return connect(Embedded(Path(service.env["CALLCENTER_DATA_DIR"]) / "postgres").url)


async def rows(service: Service) -> tuple[dict[str, dict[str, object]], list[str]]:
    """Our calls by every linkedid they have, and the linkedids that stand in two rows."""
    async with database(service) as db, db.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT linkedids, ended_at, ended_reason, origin, result FROM calls WHERE direction <> 'internal'"
        )
        names: dict[str, dict[str, object]] = {}
        doubled: list[str] = []
        for row in found.mappings():
            for linkedid in row["linkedids"]:
                if linkedid in names:
                    doubled.append(linkedid)
                names[linkedid] = dict(row)
    return names, doubled


async def sound(service: Service) -> dict[str, int]:
    """Answered calls by the states of their recordings; "" is a call without any. Empty where none are fetched."""
    if "CALLCENTER_RECORDINGS_DIR" not in service.env:
        return {}
    async with database(service) as db, db.engine.connect() as connection:
        found = await connection.exec_driver_sql(
            "SELECT states, count(*) FROM (SELECT c.id, coalesce(string_agg(DISTINCT r.state, '+'), '') AS states"
            " FROM calls c LEFT JOIN recordings r ON r.call_id = c.id"
            " WHERE c.result = 'answered' AND c.direction <> 'internal' GROUP BY c.id) AS each GROUP BY states"
        )
        return {str(states): int(calls) for states, calls in found}
