"""A Debian tree with a real Asterisk: put our configuration into it, boot it, stop it, kill it.

The tree is made by `tests/pbx/install.sh`. One PBX at a time runs in a tree (a lock on the tree sees to it), a second
one in a copy made of hard links; their ports are free ones, so that nothing else on the machine is in the way.
"""

import fcntl
import os
import shutil
import signal
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from math import pi, sin
from pathlib import Path
from struct import pack
from tempfile import TemporaryDirectory

from asterisk.ami import AmiConfig
from asterisk.site import Line, Phone, Queue, Site, Trunk, files

ROOT = Path(os.environ.get("CALLCENTER_PBX_ROOT", Path(__file__).parents[2] / "var" / "pbx"))
HOST = "127.0.0.1"
SECRET = "only-for-tests"
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}
LEFT_OVER = ("var/log/asterisk", "var/spool/asterisk/monitor", "run/asterisk")


def missing() -> str | None:
    """Say what keeps us from running a PBX, None when nothing does."""
    if not (ROOT / "usr/sbin/asterisk").exists():
        return f"no Asterisk in {ROOT}; make one: sudo sh tests/pbx/install.sh {ROOT}"
    if os.geteuid() != 0:
        return "a real Asterisk is run in a chroot, which needs root"
    return None


def free_port(kind: socket.SocketKind) -> int:
    """A port of the loopback that nobody uses now."""
    with socket.socket(socket.AF_INET, kind) as one:
        one.bind((HOST, 0))
        port: int = one.getsockname()[1]
        return port


def lab(trunk_port: int) -> Site:
    """A small call centre: three phones, three lines, one provider on `trunk_port`."""
    phones = tuple(
        Phone(extension=extension, name=name, password=f"pw-{extension}")
        for extension, name in (("1001", "Anna"), ("1002", "Boris"), ("1003", "Clara"))
    )
    everybody = tuple(phone.extension for phone in phones)
    return Site(
        trunk=Trunk(host=HOST, port=trunk_port, number="74951230000"),
        phones=phones,
        queues=(
            Queue(name="sales", members=everybody, ring_s=5),
            Queue(name="all", members=everybody, strategy="ringall"),
            Queue(name="orders"),
        ),
        lines=(
            Line(number="74951230001", name="Sales", queue="sales"),
            Line(number="74951230002", name="Everybody", queue="all"),
            Line(number="74951230003", name="Anna", extension="1001"),
        ),
        ami_secret=SECRET,
        ami_port=free_port(socket.SOCK_STREAM),
        sip_address=HOST,
        sip_port=free_port(socket.SOCK_DGRAM),
        wrapup_s=0,  # the next story begins at once
        qualify_s=0,  # test phones need not answer OPTIONS
    )


@contextmanager
def _nobody_runs_in(root: Path) -> Iterator[Path]:
    """The tree, or where a PBX runs in it already a copy of it that lasts as long as it is needed."""
    with ExitStack() as stack:
        lock = stack.enter_context((root / ".callcenter-lock").open("w"))
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            near = stack.enter_context(TemporaryDirectory(prefix=f"{root.name}-", dir=root.parent))
            Path(near).chmod(0o755)  # Asterisk runs under an account of its own
            # What the one that runs writes may vanish while it is copied; it is thrown away before the copy is booted.
            subprocess.run(["cp", "-al", f"{root}/.", near], stderr=subprocess.DEVNULL, check=False)
            root = Path(near)
        yield root


@contextmanager
def _speech_goes_first() -> Iterator[None]:
    """The telephones of this process, and all it starts meanwhile, are served before other tests that run beside it.

    Speech can not wait, and a PBX that shares its machine is given precedence wherever it stands. Only root may.
    """
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, before - 10)
    try:
        yield
    finally:
        os.setpriority(os.PRIO_PROCESS, 0, before)


class Tree:
    """The switchboard in its tree. `with Tree.booted() as pbx:`"""

    def __init__(self, site: Site, root: Path = ROOT) -> None:
        self.site = site
        self.root = root
        self._process: subprocess.Popen[bytes] | None = None

    @classmethod
    @contextmanager
    def booted(cls, site: Site | None = None, root: Path = ROOT) -> Iterator["Tree"]:
        """A freshly configured and booted PBX, stopped in the end."""
        with _nobody_runs_in(root) as free, _speech_goes_first():
            pbx = cls(site or lab(free_port(socket.SOCK_DGRAM)), free)
            pbx.install()
            try:
                pbx.start()
                yield pbx
            finally:
                pbx.stop()

    @property
    def account(self) -> AmiConfig:
        """How a link reaches it."""
        return AmiConfig("lab", HOST, self.site.ami_port, self.site.ami_username, self.site.ami_secret)

    @property
    def recordings(self) -> Path:
        return self.root / "var/spool/asterisk/monitor"

    def install(self) -> None:
        """Write our configuration; the packaged one is set aside once. Empties what earlier runs left."""
        etc = self.root / "etc/asterisk"
        if not etc.with_suffix(".dist").exists():
            etc.rename(etc.with_suffix(".dist"))
        shutil.rmtree(etc, ignore_errors=True)
        etc.mkdir()
        for name, text in files(self.site).items():
            (etc / name).write_text(text, encoding="utf-8")
        self._clean()
        self._music(self.root / "var/lib/asterisk/moh/moh.wav")

    def _clean(self) -> None:
        for folder in LEFT_OVER:
            for file in (self.root / folder).rglob("*"):
                if not file.is_dir():
                    file.unlink()
        (self.root / "var/lib/asterisk/astdb.sqlite3").unlink(missing_ok=True)
        owner = (self.root / "var/log/asterisk").stat()
        for folder in ("var/log/asterisk/cdr-csv", "var/log/asterisk/cel-custom", "run/asterisk"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
            os.chown(self.root / folder, owner.st_uid, owner.st_gid)

    def _music(self, file: Path) -> None:
        """Two quiet tones, so that a waiting caller hears something."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.unlink(missing_ok=True)  # in a copy it is the very file of the tree it was made from
        samples = (sin(2 * pi * 330 * n / 8000) + sin(2 * pi * 440 * n / 8000) for n in range(8000))
        with wave.open(str(file), "wb") as out:
            out.setparams((1, 2, 8000, 0, "NONE", ""))
            out.writeframes(b"".join(pack("<h", round(800 * sample)) for sample in samples))

    # --- running

    def start(self, within_s: float = 30) -> None:
        """Boot and wait until Asterisk says that it has. Raises `RuntimeError`."""
        command = ["chroot", str(self.root), "asterisk", "-f", "-g", "-U", "asterisk", "-G", "asterisk"]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, env=ENVIRONMENT)
        self._wait_until_booted(within_s)

    def _wait_until_booted(self, within_s: float) -> None:
        end = time.monotonic() + within_s
        while time.monotonic() < end:
            if self._process is None or self._process.poll() is not None:
                raise RuntimeError("Asterisk ended while booting; see var/log/asterisk in the tree")
            if "fully booted" in self.cli("core waitfullybooted"):
                return
            time.sleep(0.05)
        raise RuntimeError(f"Asterisk did not boot within {within_s} s")

    def cli(self, command: str) -> str:
        """Ask Asterisk's own console."""
        run = ["chroot", str(self.root), "asterisk", "-rx", command]
        return subprocess.run(run, capture_output=True, text=True, check=False, env=ENVIRONMENT).stdout

    def restart(self) -> None:
        """`core restart now`: it hangs up everybody and begins anew under the same pid."""
        self.cli("core restart now")
        time.sleep(1.5)  # it answers "fully booted" until it goes down, about a second later
        self._wait_until_booted(30)

    def stop(self) -> None:
        """An orderly end; killed when it takes longer than 15 s."""
        if self._process is None:
            return
        self.cli("core stop now")
        try:
            self._process.wait(15)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def kill(self) -> None:
        """A power cut: no hang-ups, no CDR, only silence."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None
