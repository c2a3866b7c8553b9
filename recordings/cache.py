"""Files made from recordings (converted sound, peaks): kept until they are old, made again when needed.

A name is derived from the source's place, size and time of change, so a changed source gets a new product.
Products appear whole or not at all: they are written beside their place and renamed.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cache:
    """A folder (usually DATA_DIR/sound) that may be emptied at any time."""

    folder: Path

    def make(self, sources: Sequence[Path], kind: str, suffix: str, build: Callable[[Path], None]) -> Path:
        """Return the product of this kind, calling `build(target)` when it is not there yet.

        Raises what `build` raises, `OSError` when the folder can not be written; nothing half-made is left.
        """
        target = self.folder / self._name(sources, kind, suffix)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_whole(target, build)
        return target

    def _name(self, sources: Sequence[Path], kind: str, suffix: str) -> str:
        states = [(str(path), (stat := path.stat()).st_size, stat.st_mtime_ns) for path in sources]
        digest = hashlib.sha256(repr((kind, states)).encode("utf-8", "surrogateescape")).hexdigest()
        return f"{digest[:2]}/{digest}{suffix}"

    def trim(self, keep_bytes: int) -> int:
        """Remove the products used longest ago until `keep_bytes` are left; return how many went."""
        files = [(path.stat(), path) for path in self.folder.glob("??/*") if path.is_file()]
        files.sort(key=lambda item: max(item[0].st_atime, item[0].st_mtime))
        surplus = sum(stat.st_size for stat, _path in files) - keep_bytes
        gone = 0
        for stat, path in files:
            if surplus <= 0:
                break
            path.unlink(missing_ok=True)
            surplus, gone = surplus - stat.st_size, gone + 1
        return gone


def _write_whole(target: Path, build: Callable[[Path], None]) -> None:
    handle, name = tempfile.mkstemp(prefix=".new-", suffix=target.suffix, dir=target.parent)
    os.close(handle)
    new = Path(name)
    try:
        build(new)
        new.replace(target)
    finally:
        new.unlink(missing_ok=True)
