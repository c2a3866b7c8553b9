"""All live calls, one event at a time.

In:      the inbox: what every switchboard said, in the order in which it said it
Out:     each step of each call to the `Hands`, in the same order
One consumer keeps the order; nothing here waits for the database or a browser.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

import structlog

from asterisk.events import Event, Heard
from callcenter.call import Call
from callcenter.tracker import Change, Tracker

log = structlog.get_logger(__name__)


class Hands(Protocol):
    """What the world must do because of a step."""

    def call_changed(self, change: Change) -> None: ...
    def event_heard(self, pbx: str, event: Event) -> None: ...


class Floor:
    """Feeds the tracker and hands its changes on."""

    def __init__(self, tracker: Tracker, hands: Hands) -> None:
        self._tracker = tracker
        self._hands = hands
        self.heard = 0

    def restore(self, calls: Iterable[Call], heard: Mapping[str, datetime]) -> None:
        """Calls that were open when the process died; the next resync says which still are."""
        self._tracker.restore(calls, heard)

    @property
    def live(self) -> int:
        """How many calls are open."""
        return len(self._tracker.calls)

    def calls(self) -> list[Call]:
        """The open calls of all switchboards."""
        return list(self._tracker.calls.values())

    async def run(self, inbox: asyncio.Queue[Heard]) -> None:
        """Take events for ever. A step that fails is logged with its event and the next one is taken."""
        while True:
            self.take(await inbox.get())

    def take(self, heard: Heard) -> None:
        """Apply one event and perform what follows from it."""
        self.heard += 1
        changes: list[Change] = []
        with _survived(heard):
            changes = self._tracker.apply(heard)
        for change in changes:
            with _survived(heard):
                self._hands.call_changed(change)
        with _survived(heard):
            self._hands.event_heard(heard.pbx, heard.event)


@contextmanager
def _survived(heard: Heard) -> Iterator[None]:
    """A bug in one step must not silence every phone on the floor: the trace is kept, all other steps are taken."""
    try:
        yield
    except Exception:
        log.exception("event not applied", pbx=heard.pbx, kind=type(heard.event).__name__)
