"""Refuse to start among strangers of the same name.

The distributions `pyst2` and `asterisk-ami` install a package `asterisk`, `web.py` installs `web`. Whichever
was installed last wins, and the program would fail later, in a place that says nothing about the cause.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

ROOMS = ("crm_core", "asterisk", "recordings", "callcenter", "web")


class Shadowed(ImportError):
    """A package of ours is hidden by somebody else's."""


def check_rooms(rooms: Iterable[str] = ROOMS, home: Path = Path(__file__).parent.parent) -> None:
    """Raise `Shadowed` when one of the rooms is not the one that lies beside this package."""
    for room in rooms:
        spec = find_spec(room)
        origin = Path(spec.origin).resolve() if spec is not None and spec.origin else None
        if origin != (home / room / "__init__.py").resolve():
            raise Shadowed(
                f"the package {room!r} is not ours but {origin}: another distribution installs the same name "
                "(pyst2, asterisk-ami, web.py); uninstall it or use an environment of its own"
            )
