"""Who looks at the board: each is told its state once, and then what changes, as far as he may see it.

A browser asks by `{"type": "floor"}`, again after every snapshot of its desk. What is told is encoded once for all who
see the same.

Out:     {"type": "floor", "whole": true, "rows": {part: [row, …]}}, then
         {"type": "floor", "rows": {part: [row, …]}, "gone": {part: [id, …]}}
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from web.encoded import encoded
from web.floor_seen import Sight, seen, sight_of
from web.rights import VIEW_FLOOR, Person

Who = Callable[[], Person | None]
Send = Callable[[str], None]
Parts = Mapping[str, Mapping[Any, Mapping[str, Any]]]
Changes = Mapping[str, Mapping[Any, Mapping[str, Any] | None]]


class FloorSource(Protocol):
    """Where the board comes from; `callcenter.overview.Overview` fits."""

    def snapshot(self) -> Parts: ...
    def subscribe(self, send: Callable[[Any], None]) -> Callable[[], None]: ...


@dataclass
class _Viewer:
    who: Who
    send: Send
    sight: Sight | None = None


class FloorViewers:
    """Every browser that shows the board. A browser is known by anything that can be a key."""

    def __init__(self, source: FloorSource) -> None:
        self._source = source
        self._viewers: dict[Any, _Viewer] = {}
        source.subscribe(self._changed)

    def follow(self, browser: Any, who: Who, send: Send) -> None:
        """Tell this browser the whole board, and from now on what changes; `who` is asked each time."""
        viewer = self._viewers[browser] = _Viewer(who, send)
        self._tell(viewer, {}, {}, {})

    def leave(self, browser: Any) -> None:
        """The browser is gone."""
        self._viewers.pop(browser, None)

    def _changed(self, changes: Changes) -> None:
        wholes: dict[Sight, str] = {}
        parts: dict[Sight, str] = {}
        for viewer in tuple(self._viewers.values()):
            self._tell(viewer, changes, wholes, parts)

    def _tell(
        self, viewer: _Viewer, changes: Changes, wholes: dict[Sight, str], parts: dict[Sight, str]
    ) -> None:
        """What changed; everything, to whoever sees otherwise than before; nothing but that to who may no more."""
        who = viewer.who()
        sight = sight_of(who) if who is not None and who.may(VIEW_FLOOR) else None
        if sight is None:
            if viewer.sight is not None:
                viewer.send(encoded({"type": "floor", "whole": True, "rows": {}}))
        elif sight != viewer.sight:
            viewer.send(_kept(wholes, sight, lambda: whole(self._source.snapshot(), sight)))
        else:
            viewer.send(_kept(parts, sight, lambda: part_of(changes, sight)))
        viewer.sight = sight


def _kept(known: dict[Sight, str], sight: Sight, make: Callable[[], Mapping[str, Any]]) -> str:
    if sight not in known:
        known[sight] = encoded(make())
    return known[sight]


def whole(parts: Parts, sight: Sight) -> dict[str, Any]:
    """The message with everything that may be seen."""
    shown = {
        part: [row for each in found.values() if (row := seen(part, each, sight)) is not None]
        for part, found in parts.items()
    }
    return {"type": "floor", "whole": True, "rows": shown}


def part_of(changes: Changes, sight: Sight) -> dict[str, Any]:
    """The message with what changed; a row that may not be seen (any more) is gone."""
    rows: dict[str, list[Any]] = {}
    gone: dict[str, list[Any]] = {}
    for part, found in changes.items():
        for id_, row in found.items():
            shown = None if row is None else seen(part, row, sight)
            if shown is None:
                gone.setdefault(part, []).append(id_)
            else:
                rows.setdefault(part, []).append(shown)
    return {"type": "floor", "rows": rows, "gone": gone}
