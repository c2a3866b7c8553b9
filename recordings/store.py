"""Where recordings lie: a name given by the PBX becomes a file below our recordings folder, or is refused.

Names come from the PBX's dialplan, which puts the caller's number into them, so they are treated as hostile:
symbolic links are followed before the check, and nothing outside the root is ever opened.

Source: MixMonitor keeps `<root>/YYYY/MM/DD/<name>-<uniqueid>.wav`, with `-caller` and `-agent` before the
suffix for the two directions of sound. Other sites keep `YYYYMMDD` folders, or none.
"""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path, PurePosixPath

SOUND_SUFFIXES = (
    *(".wav", ".WAV", ".wav49", ".mp3", ".ogg", ".oga", ".opus", ".webm"),
    *(".gsm", ".ulaw", ".ul", ".alaw", ".al", ".sln"),  # bare samples without a header
)
# The PBX's own folder, as it is seen from the PBX: /var/spool/asterisk/monitor and its like.
MONITOR = "monitor"
LONGEST_PART = 255  # bytes in one part of a path on Linux
# A uniqueid shorter than this would be found inside half of all names.
SHORTEST_UNIQUEID = 6
# What Asterisk makes: seconds since 1970, a point, a counter.
NUMBERED = re.compile(r"\d+\.\d+")
LEGS = {"-caller": "caller", "-agent": "agent"}


class OutsideRoot(Exception):
    """A name that does not lead to a place below the recordings folder."""


@dataclass(frozen=True)
class Group:
    """The files of one MixMonitor: the mix and, where recorded, its two legs."""

    mix: Path | None = None
    caller: Path | None = None
    agent: Path | None = None


@dataclass(frozen=True)
class Root:
    """The recordings folder of one PBX."""

    path: Path

    def resolve(self, name: str) -> Path:
        """Return the absolute path below the root for a name as the PBX says it; the file need not exist.

        Raises `OutsideRoot` for anything else: `..`, NUL, a link that leads out, an absolute path that is
        neither below the root nor below some `…/monitor/`.
        """
        if not name.strip() or "\0" in name or "\\" in name:
            raise OutsideRoot(f"not a usable name: {name!r}")
        given = PurePosixPath(name)
        if ".." in given.parts:
            raise OutsideRoot(f"goes upward: {name!r}")
        return self._inside(self._absolute(given))

    def _absolute(self, given: PurePosixPath) -> Path:
        if not given.is_absolute():
            return self.path / given
        if Path(given).is_relative_to(self.path):
            return Path(given)
        if MONITOR not in given.parts[:-1]:
            raise OutsideRoot(f"neither below {self.path} nor below a {MONITOR} folder: {str(given)!r}")
        tail = given.parts[given.parts.index(MONITOR) + 1 :]
        return self.path.joinpath(*tail)

    def _inside(self, path: Path) -> Path:
        try:
            real = path.resolve()
            longest = max(len(part.encode()) for part in real.parts)  # not text: can not be stored
        except (OSError, RuntimeError, ValueError) as error:
            raise OutsideRoot(f"does not resolve: {str(path)!r}") from error
        root = self.path.resolve()
        if longest > LONGEST_PART or not real.is_relative_to(root) or real == root:
            raise OutsideRoot(f"leads out of {self.path}: {str(real)!r}")
        return real

    def relative(self, path: Path) -> str:
        """Return the path as it is kept in the database. Raises `OutsideRoot`."""
        return str(self._inside(path).relative_to(self.path.resolve()))

    def locate(self, name: str, days: Iterable[date] = ()) -> Path | None:
        """Return the existing file for a name the PBX gave, or None.

        A base name is also looked for in the folders of the `days`; a file converted after the call (wav49 is
        announced as `.wav49` but written as `.WAV`, some sites make mp3 of it) is found under its new suffix.
        Raises `OutsideRoot`; `PermissionError` when a folder may not be entered.
        """
        wanted = self.resolve(name)
        places = [wanted]
        if "/" not in name:
            places += [folder / wanted.name for folder in self.day_folders(days)]
        for place in places:
            stem = place.stem if place.suffix in SOUND_SUFFIXES else place.name
            for candidate in (place, *(place.with_name(stem + suffix) for suffix in SOUND_SUFFIXES)):
                if _is_file(candidate):
                    return self._inside(candidate)
        return None

    def day_folders(self, days: Iterable[date]) -> Iterator[Path]:
        """Yield the existing folders in which recordings of these days may lie."""
        for day in sorted(set(days)):
            for shape in ("%Y/%m/%d", "%Y-%m-%d", "%Y%m%d"):
                folder = self.path / day.strftime(shape)
                if folder.is_dir():
                    yield folder

    def listing(self, days: Iterable[date]) -> list[Path]:
        """Return the sound files of these days, and those that lie in the root itself, sorted by name.

        Raises `OSError` when a folder can not be read.
        """
        found: set[Path] = set()
        for folder in (self.path, *self.day_folders(days)):
            real = folder.resolve()
            with os.scandir(real) as entries:
                found.update(path for entry in entries if (path := self._sound(real, entry)))
        return sorted(found)

    def _sound(self, folder: Path, entry: os.DirEntry[str]) -> Path | None:
        if not entry.name.endswith(SOUND_SUFFIXES) or not entry.is_file():
            return None
        path = folder / entry.name
        try:
            # Resolving costs a call to the system for every part of the path: only where it can matter.
            path = self._inside(path) if entry.is_symlink() else path
            path.name.encode()
        except (OutsideRoot, UnicodeEncodeError):
            return None
        return path

    def find(self, uniqueids: Iterable[str], days: Iterable[date]) -> list[Path]:
        """Return the files of these days with one of the uniqueids in their name, sorted by name."""
        return matching(self.listing(days), uniqueids)

    def siblings(self, path: Path) -> Group:
        """Return the group the file belongs to, with what exists of it."""
        base = path.with_name(base_of(path) + path.suffix)
        legs = {side: base.with_name(base.stem + tail + base.suffix) for tail, side in LEGS.items()}
        return Group(
            mix=base if _is_file(base) else None,
            **{side: leg if _is_file(leg) else None for side, leg in legs.items()},
        )


def _is_file(path: Path) -> bool:
    """True for a regular file (after links). A pipe or a device would make a reader wait for ever."""
    return path.is_file()


def check(root: Path) -> str | None:
    """Say what is wrong with the recordings folder and how to mend it; None when it can be read."""
    try:
        for entry in root.iterdir():
            if entry.is_dir():
                next(entry.iterdir(), None)
    except PermissionError as error:
        return (
            f"The recordings folder {error.filename} may not be read: add this account to the group that "
            "owns it (usually asterisk) or set an ACL."
        )
    except FileNotFoundError:
        return f"The recordings folder {root} does not exist: mount it, or set CALLCENTER_RECORDINGS_DIR."
    except NotADirectoryError:
        return f"{root} is not a folder: set CALLCENTER_RECORDINGS_DIR to the folder of the recordings."
    except OSError as error:
        return f"The recordings folder {root} can not be read: {error.strerror or error}."
    return None


def base_of(path: Path) -> str:
    """Return the name without suffix and without `-caller` or `-agent`: the same for all files of a group."""
    for tail in LEGS:
        if path.stem.endswith(tail):
            return path.stem.removesuffix(tail)
    return path.stem


def side_of(path: Path) -> str | None:
    """Return `caller` or `agent` when the name says so, else None: the header must tell."""
    return next((side for tail, side in LEGS.items() if path.stem.endswith(tail)), None)


def groups(paths: Iterable[Path]) -> list[Group]:
    """Put files of one MixMonitor together, in the order of first appearance."""
    found: dict[tuple[Path, str], dict[str, Path]] = {}
    for path in paths:
        found.setdefault((path.parent, base_of(path)), {})[side_of(path) or "mix"] = path
    return [Group(**sides) for sides in found.values()]


def matching(paths: Sequence[Path], uniqueids: Iterable[str]) -> list[Path]:
    """Return the paths with one of the uniqueids in the name, whole: `5.1` is not found in `5.12`."""
    return Index(paths).matching(uniqueids)


class Index:
    """Many names, prepared for many questions: a sweep asks for thousands of calls."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        self._by_number: dict[str, list[Path]] = {}
        for path in paths:
            for number in NUMBERED.findall(path.stem):
                self._by_number.setdefault(number, []).append(path)

    def matching(self, uniqueids: Iterable[str]) -> list[Path]:
        """Return the paths with one of the uniqueids in the name, sorted."""
        usable = [uniqueid for uniqueid in uniqueids if len(uniqueid) >= SHORTEST_UNIQUEID]
        found = {path for uniqueid in usable for path in self._candidates(uniqueid)}
        return sorted(found)

    def _candidates(self, uniqueid: str) -> Iterator[Path]:
        numbers = NUMBERED.findall(uniqueid)
        # An id of our own making (`crm-call-0003`) has no such number: every name must be looked at.
        candidates = self._by_number.get(numbers[-1], []) if numbers else self._paths
        pattern = _pattern(uniqueid)
        return (path for path in candidates if pattern.search(path.stem))


def _pattern(uniqueid: str) -> re.Pattern[str]:
    """A uniqueid is a plain token: no letter, digit or further number may touch it."""
    # `name-5.1-20261121` is a date after the id, but `crm-7-2` is another channel than `crm-7`.
    after = r"(?!\.\d)" if re.fullmatch(r".*\d\.\d+", uniqueid) else r"(?![.-]\d)"
    return re.compile(rf"(?<![0-9A-Za-z])(?<!\d\.){re.escape(uniqueid)}(?![0-9A-Za-z;]){after}")
