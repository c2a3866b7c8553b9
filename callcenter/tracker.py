"""All live calls of all switchboards. Deterministic: no clock, no I/O.

In:      `Heard` events in the order in which each switchboard sent them
Out:     changes: the call before and after, for every call that an event touched
Raises:  nothing; what can not be placed is ignored
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from asterisk.events import CallRequested, FetchRequested, Heard, OriginateEnded, RequestFailed
from callcenter import requests, resync
from callcenter.board import Board
from callcenter.call import Call, Rules
from callcenter.call.steps import STEPS as CALL_EVENTS
from callcenter.routing import Change, applied

STEPS: dict[type, Callable[[Board, Any], list[Change]]] = {
    **resync.STEPS,
    CallRequested: requests.requested,
    FetchRequested: requests.fetched,
    RequestFailed: requests.refused,
    OriginateEnded: requests.originate_ended,
}

__all__ = ["Change", "Rules", "Tracker"]


class Tracker:
    """Applies events to calls. `rules` by name of the switchboard."""

    def __init__(self, rules: Mapping[str, Rules] | None = None) -> None:
        self._rules = dict(rules or {})
        self._boards: dict[str, Board] = {}

    @property
    def calls(self) -> dict[UUID, Call]:
        """The live calls of all switchboards, by id."""
        return {call.id: call for board in self._boards.values() for call in board.calls.values()}

    def apply(self, heard: Heard) -> list[Change]:
        """Take one event; return what it changed, in the order in which to act on it."""
        kind = type(heard.event)
        step = STEPS.get(kind)
        if step is not None:
            return step(self._board(heard.pbx), heard.event)
        return applied(self._board(heard.pbx), heard.event) if kind in CALL_EVENTS else []

    def restore(self, calls: Iterable[Call], heard: Mapping[str, datetime] | None = None) -> None:
        """Take up calls that were open when the process died; the next login tells what became of them.

        `heard`: until when each switchboard was listened to. What is gone by then is over since that instant.
        """
        for call in calls:
            if call.ended_at is None:
                self._board(call.pbx).restore(call)
        for pbx, until in (heard or {}).items():
            self._board(pbx).lost_at = until

    def _board(self, pbx: str) -> Board:
        board = self._boards.get(pbx)
        if board is None:
            rules = self._rules.get(pbx) or Rules()
            board = self._boards[pbx] = Board(pbx, rules)
        return board
