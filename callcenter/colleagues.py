"""What colleagues do now, as everybody's desk sees it: the list, and its changes at most once a second.

In:      AGENT objects of the push protocol as they change
Out:     one message `colleagues` for all desks with what changed since the last one
A hundred operators change state some twenty times a second; nobody looks at a colleague that often.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Any

TELL_EVERY_S = 1.0
SHOWN = ("id", "name", "state", "since", "reason", "phones")


def colleague(agent: Mapping[str, Any]) -> dict[str, Any]:
    """Return what others may see of an AGENT."""
    return {key: agent[key] for key in SHOWN}


class Colleagues:
    """Gathers changes and tells them together."""

    def __init__(self, tell_all: Callable[[dict[str, Any]], None]) -> None:
        self._tell_all = tell_all
        self._told: dict[int, dict[str, Any]] = {}
        self._changed: dict[int, dict[str, Any]] = {}
        self._timer: asyncio.TimerHandle | None = None

    def listed(self, agents: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Return everybody with a telephone, by name."""
        return sorted(
            (colleague(a) for a in agents if a["phones"]), key=lambda c: (c["name"].casefold(), c["id"])
        )

    def changed(self, agent: Mapping[str, Any]) -> None:
        """Have this told soon, with what else changes meanwhile."""
        self._changed[agent["id"]] = colleague(agent)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._flush)

    def _flush(self) -> None:
        self._timer = None
        news = [who for user_id, who in self._changed.items() if self._told.get(user_id) != who]
        self._told.update(self._changed)
        self._changed.clear()
        if news:
            self._tell_all({"type": "colleagues", "changed": news})

    def close(self) -> None:
        """Tell nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
