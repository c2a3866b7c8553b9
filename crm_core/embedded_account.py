"""The account under which the embedded server runs: ours, or `nobody` when we are root.

PostgreSQL refuses to run as root, so its files must lie where that account may go. When the chosen
directory can not be reached by it (below /root, say), the database is placed in /var/lib/callcenter instead,
or in the folder for temporary files when the chosen one is below that.
"""

import hashlib
import logging
import os
import pwd
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

log = logging.getLogger(__name__)

FALLBACK = Path("/var/lib/callcenter")


class EmbeddedError(RuntimeError):
    """The embedded server can not be had; the message says why and what to do."""


@dataclass(frozen=True)
class Account:
    """Who runs the server. `foreign`: not ourselves, so files must be given to it."""

    name: str
    uid: int
    gid: int
    foreign: bool

    @classmethod
    def to_use(cls, fallback: str) -> Self:
        """Ourselves, or `fallback` when we are root. Raises `EmbeddedError` when it does not exist."""
        if os.geteuid() != 0:
            return cls(name=str(os.geteuid()), uid=os.geteuid(), gid=os.getegid(), foreign=False)
        try:
            found = pwd.getpwnam(fallback)
        except KeyError:
            raise EmbeddedError(f"there is no account {fallback!r} to run PostgreSQL with") from None
        if found.pw_uid == 0:
            raise EmbeddedError(f"PostgreSQL does not run as root, and {fallback!r} is root")
        return cls(name=fallback, uid=found.pw_uid, gid=found.pw_gid, foreign=True)

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

    def place_for(self, base: Path) -> Path:
        """`base`, or a place of the same name below `FALLBACK` when this account can not reach `base`."""
        existing = next(parent for parent in (base.parent, *base.parents) if parent.exists())
        if self.may_enter(existing):
            return base
        place = self._elsewhere(base)
        log.warning("%s can not be reached by %s; the database lies in %s", base, self.name, place)
        return place

    def _elsewhere(self, base: Path) -> Path:
        temporary = Path(tempfile.gettempdir())
        if base.is_relative_to(temporary):  # what was to be temporary stays so
            return self._directory(temporary / f"callcenter-{base.name}-{_digest(base)}")
        FALLBACK.mkdir(mode=0o755, parents=True, exist_ok=True)
        return FALLBACK / f"{base.name}-{_digest(base)}"

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
