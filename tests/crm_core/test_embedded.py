"""The embedded server lives and dies with its owner."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio

from crm_core import embedded_binaries
from crm_core.embedded import Embedded
from crm_core.embedded_account import Account, EmbeddedError

ROOT = Path(__file__).parent.parent.parent
OWNER = """
import asyncio, sys
from crm_core.embedded import Embedded
async def main():
    async with Embedded(sys.argv[1]) as server:
        print(server.pid, flush=True)
        await asyncio.sleep(60)
asyncio.run(main())
"""


@pytest.fixture
def base() -> Iterator[Path]:
    """A folder the server's account can reach (pytest's own is closed to others)."""
    made = Path(tempfile.mkdtemp(prefix="callcenter-embedded-", dir="/tmp"))
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest_asyncio.fixture(scope="module")
async def cluster() -> AsyncIterator[Path]:
    """A folder in which a server has run; copying it is cheaper than making one for every test."""
    made = Path(tempfile.mkdtemp(prefix="callcenter-embedded-", dir="/tmp"))
    async with Embedded(made):
        pass
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.fixture
def used(cluster: Path, base: Path) -> Path:
    """A folder in which a server has run before."""
    subprocess.run(["cp", "-a", str(cluster / "data"), str(base)], check=True)
    return base


@asynccontextmanager
async def owner(base: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Another process that owns a server in `base`; and the server's pid."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", OWNER, str(base), stdout=subprocess.PIPE, cwd=ROOT
    )
    assert process.stdout is not None
    try:
        yield process, int(await process.stdout.readline())
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


async def gone(pid: int) -> bool:
    for _ in range(400):
        if not alive(pid):
            return True
        await asyncio.sleep(0.05)
    return False


async def ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


async def test_it_starts_keeps_what_was_written_and_starts_again(base: Path) -> None:
    async with Embedded(base) as server:
        await ask(server.url, "CREATE TABLE kept (n int)")
        await ask(server.url, "INSERT INTO kept VALUES (7) RETURNING n")
        pid = server.pid
        assert pid is not None and alive(pid)
    assert not alive(pid)
    began = time.perf_counter()
    async with Embedded(base) as server:
        assert time.perf_counter() - began < 10  # 0.05 s on an idle machine
        assert await ask(server.url, "SELECT n FROM kept") == 7
        assert int(str(await ask(server.url, "SHOW server_version_num"))) >= 160_000
        assert await ask(server.url, "SHOW listen_addresses") == ""
        assert await ask(server.url, "SELECT 'Żółć' COLLATE \"default\" < 'żółć'") is True


async def test_nobody_else_may_look_into_its_folders(used: Path) -> None:
    async with Embedded(used) as server:
        for folder in (server.base, server.data, server.base / "run"):
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        if os.geteuid() == 0:
            assert Path(f"/proc/{server.pid}").stat().st_uid != 0


async def test_a_killed_owner_takes_the_server_along_and_the_next_recovers(used: Path) -> None:
    async with owner(used) as (process, pid):
        url = Embedded(used).url
        await ask(url, "CREATE TABLE kept (n int)")
        await ask(url, "INSERT INTO kept VALUES (7) RETURNING n")
        process.send_signal(signal.SIGKILL)
        await process.wait()
        async with Embedded(used) as server:  # at once: the old server may still be going down
            assert await ask(server.url, "SELECT n FROM kept") == 7
        assert await gone(pid)


async def test_a_killed_server_recovers_at_the_next_start(used: Path) -> None:
    server = Embedded(used)
    await server.start()
    await ask(server.url, "CREATE TABLE kept (n int)")
    await ask(server.url, "INSERT INTO kept VALUES (7) RETURNING n")
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)
    assert await server.wait() == -signal.SIGKILL
    await server.stop()
    async with Embedded(used) as again:
        assert await ask(again.url, "SELECT n FROM kept") == 7


async def test_a_second_owner_is_refused_and_the_first_is_not_disturbed(used: Path) -> None:
    async with Embedded(used) as server:
        with pytest.raises(EmbeddedError, match="another callcenter already uses"):
            await Embedded(used).start()
        assert await ask(server.url, "SELECT 1") == 1


async def test_a_pid_file_whose_number_belongs_to_another_program_is_no_obstacle(used: Path) -> None:
    async with Embedded(used) as server:
        data = server.data
    (data / "postmaster.pid").write_text(f"{os.getppid()}\n{data}\n0\n5432\n")
    async with Embedded(used) as server:
        assert await ask(server.url, "SELECT 1") == 1


async def test_an_initdb_that_was_killed_leaves_no_half_cluster(base: Path) -> None:
    (base / "data.new").mkdir()
    (base / "data.new" / "PG_VERSION").write_text("18\n")
    async with Embedded(base) as server:
        assert await ask(server.url, "SELECT 1") == 1
    assert not (base / "data.new").exists()


async def test_a_folder_with_a_very_long_name_gets_a_short_socket(base: Path) -> None:
    deep = base / ("a" * 60) / ("b" * 60)
    base.chmod(0o755)
    async with Embedded(deep) as server:
        assert await ask(server.url, "SELECT 1") == 1
        short = Path(server.url.split("host=")[1].split("&")[0])
        assert len(str(short)) < 80
    shutil.rmtree(short, ignore_errors=True)


async def test_tcp_is_opened_only_when_asked_for_and_needs_the_password(
    used: Path, unused_tcp_port: int
) -> None:
    async with Embedded(used, tcp_port=unused_tcp_port) as server:
        assert await ask(server.tcp_url, "SELECT 1") == 1
        assert await ask(server.url, "SELECT 1") == 1
        with pytest.raises(asyncpg.InvalidPasswordError):
            await ask(f"postgresql://callcenter:x@127.0.0.1:{unused_tcp_port}/callcenter", "SELECT 1")


async def test_a_server_that_can_not_start_says_why(base: Path) -> None:
    with pytest.raises(EmbeddedError, match="no_such_setting"):
        await Embedded(base, settings={"no_such_setting": "1"}).start()
    async with Embedded(base) as server:  # and the folder is free again
        assert await ask(server.url, "SELECT 1") == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
async def test_an_ordinary_user_needs_no_rights_at_all(base: Path) -> None:
    nobody = Account.named("nobody")
    python = Path(sys.executable).resolve()
    if not nobody.may_enter(python.parent):  # an interpreter of the same version that everybody may use
        python = Path(f"/usr/bin/python3.{sys.version_info.minor}")
    if not python.exists():
        pytest.skip("no interpreter here that others may run")
    os.chown(base, nobody.uid, nobody.gid)
    packages = os.pathsep.join((str(ROOT), str(Path(asyncpg.__file__).parent.parent)))
    process = await asyncio.create_subprocess_exec(
        python, "-c", OWNER.replace("asyncio.sleep(60)", "asyncio.sleep(0)"), str(base / "data"),
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=ROOT, **nobody.as_process(),
        env={"HOME": str(base), "PATH": "/usr/bin:/bin", "PYTHONPATH": packages, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert int(output) > 0
    assert (base / "data" / "data").stat().st_uid == nobody.uid


def test_another_users_directory_is_refused(base: Path) -> None:
    account = Account(name="me", uid=4711, gid=4711, foreign=False)
    with pytest.raises(EmbeddedError, match="belongs to another user"):
        account.own(base)


def test_a_folder_below_a_closed_one_can_not_be_entered(base: Path) -> None:
    (base / "closed" / "data").mkdir(parents=True)
    base.chmod(0o755)
    (base / "closed").chmod(0o700)
    other = Account(name="other", uid=4711, gid=4711, foreign=True)
    assert other.may_enter(base)
    assert not other.may_enter(base / "closed" / "data")


@pytest.mark.skipif(os.geteuid() != 0, reason="an ordinary user reaches his own folders")
async def test_root_may_keep_the_database_where_nobody_else_can_go(base: Path) -> None:
    place = base / "closed" / "postgres"
    place.parent.mkdir(mode=0o700)
    for number in (1, 2):  # made, and opened again
        async with Embedded(place) as server:
            assert server.base == place
            await ask(server.url, f"CREATE TABLE kept_{number} ()")
    assert (place / "data").stat().st_uid == 0


def test_binaries_of_the_clusters_own_version_are_wanted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in ("15", "16", "17"):
        (tmp_path / version / "bin").mkdir(parents=True)
        (tmp_path / version / "bin" / "postgres").touch()
    monkeypatch.setattr(embedded_binaries, "_DEBIAN", tmp_path)
    assert embedded_binaries.find_binaries() == tmp_path / "17" / "bin"
    assert embedded_binaries.find_binaries(16) == tmp_path / "16" / "bin"
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 15, but only 17, 16"):
        embedded_binaries.find_binaries(15)
