"""The account under which the embedded server runs: ours, or `nobody` when we are root.

PostgreSQL refuses to run as root, so its files must lie where that account may go. When the chosen
directory can not be reached by it (below /root, say), the database is placed in /var/lib/callcenter instead,
or in the folder for temporary files when the chosen one is below that.
"""

import ctypes
import hashlib
import os
import pwd
import stat
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

_LIBC = ctypes.CDLL(None, use_errno=True)
_CLONE_NEWUSER = 0x10000000
_NUMBER_INSIDE = 65534  # any but 0


class EmbeddedError(RuntimeError):
    """The embedded server can not be had; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs the server. `foreign`: not ourselves, so files must be given to it. `walled`: root, but in a user
    namespace in which it is nobody, for folders that nobody else can reach."""

    name: str
    uid: int
    gid: int
    foreign: bool = False
    walled: bool = False

    @classmethod
    def ours(cls) -> Self:
        """Whoever runs this process."""
        return cls(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid())

    @classmethod
    def to_use(cls, fallback: str, base: Path, binaries: Path) -> Self:
        """Ourselves; for root `fallback` if it can reach `base` and `binaries`, else root behind a wall.

        Raises `EmbeddedError` when neither is possible, saying what to do.
        """
        ours = cls.ours()
        if ours.uid != 0:
            return ours
        stranger = cls.named(fallback)
        parent = next(parent for parent in base.parents if parent.exists())
        made_by_root = (base / "data").exists() and (base / "data").stat().st_uid == 0
        if not made_by_root and stranger.may_enter(parent) and stranger.may_enter(binaries):
            return stranger
        if not _walls_are_possible():
            raise EmbeddedError(
                f"PostgreSQL does not run as root, and {fallback} can not reach {base} or {binaries}. Choose a data"
                " directory that everybody can enter, or start as an ordinary user"
            )
        return cls(name="root", uid=0, gid=ours.gid, walled=True)

    @classmethod
    def named(cls, name: str) -> Self:
        """The account of this name, which is not ours. Raises `EmbeddedError`."""
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            raise EmbeddedError(f"there is no account {name!r} to run PostgreSQL with") from None
        if found.pw_uid == 0:
            raise EmbeddedError(f"PostgreSQL does not run as root, and {name!r} is root")
        return cls(name=name, uid=found.pw_uid, gid=found.pw_gid, foreign=True)

    def as_process(self) -> dict[str, Any]:
        """Arguments of `subprocess` which make the child run under this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.foreign else {}

    def own(self, directory: Path) -> None:
        """Make `directory` this account's alone (mode 0700). Raises `EmbeddedError` when it is another's."""
        if self.foreign:
            os.chown(directory, self.uid, self.gid)
        elif directory.stat().st_uid != self.uid:
            raise EmbeddedError(f"{directory} belongs to another user; choose another data directory")
        directory.chmod(0o700)

    def may_enter(self, directory: Path) -> bool:
        """Whether this account can go into `directory` and all of its parents."""
        resolved = directory.resolve()
        return not self.foreign or all(self._may_pass(part) for part in (resolved, *resolved.parents))

    def _may_pass(self, directory: Path) -> bool:
        found = directory.stat()
        if found.st_uid == self.uid:
            return bool(found.st_mode & stat.S_IXUSR)
        if found.st_gid == self.gid:
            return bool(found.st_mode & stat.S_IXGRP)
        return bool(found.st_mode & stat.S_IXOTH)

    def short_directory_for(self, base: Path) -> Path:
        """A directory with a short name for the socket of the server in `base`, owned by this account."""
        parent = Path("/run") if self.foreign else Path(os.environ.get("XDG_RUNTIME_DIR", ""))
        if not parent.is_absolute() or not os.access(parent, os.W_OK):
            parent = Path(tempfile.gettempdir())
        return self._directory(parent / f"callcenter-{self.uid}-{_digest(base)}")

    def _directory(self, place: Path) -> Path:
        """`place`, made. Its name can be foreseen, so one that somebody else made before us is refused."""
        place.mkdir(mode=0o700, exist_ok=True)
        found = place.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid not in (self.uid, os.geteuid()):
            raise EmbeddedError(f"{place} was made by somebody else; remove it")
        return place


def _digest(path: Path) -> str:
    return hashlib.sha256(os.fsencode(path)).hexdigest()[:10]


def enter_wall() -> None:
    """Put this process into a user namespace of its own. Only for a child that has not yet become a program."""
    uid, gid = os.geteuid(), os.getegid()
    if _LIBC.unshare(_CLONE_NEWUSER):
        raise OSError(ctypes.get_errno(), "no user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{_NUMBER_INSIDE} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{_NUMBER_INSIDE} {gid} 1")


def _walls_are_possible() -> bool:
    """Containers and some kernels forbid user namespaces: try one."""
    try:
        subprocess.run(["/bin/true"], preexec_fn=enter_wall, check=True)
    except (OSError, subprocess.SubprocessError):
        return False
    return True
