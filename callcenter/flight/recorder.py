"""Collects what was said about a call once it is over, and has it written in one piece.

In:      an `Ear` for each switchboard, calls as they end
Out:     `Flight`s, to be written beside the calls; a call that is still open when the process ends gets a first
         part, and the next process writes the rest
Lost:    with a process that is killed, what was said about calls that were open or ended less than SETTLE ago
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from asterisk.status import LinkState, LinkStatus
from callcenter.call import Call
from callcenter.flight.ear import Collected, Ear
from callcenter.flight.tape import pack

SETTLE = timedelta(seconds=12)  # an Originate says how it ended up to 10 s after the hangup
LOOK_EVERY_S = 3.0
TIDY_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Flight:
    """What was said about one call, or about a part of it.

    `whole`: it was heard from the call's beginning and nothing was dropped.
    """

    call_id: UUID
    collected: Collected
    whole: bool

    @cached_property
    def row(self) -> dict[str, Any]:
        """The columns of `crm_core.flight.FlightTape`. Costs a few tenths of a millisecond: for a thread."""
        said = self.collected.in_order()
        return {
            "heard_from": said[0].at,
            "heard_until": said[-1].at,
            "messages": len(said),
            "whole": self.whole,
            "packed": pack(said),
        }


class FlightRecorder:
    """One per process. `live` gives the open calls, `keep` has a flight written; both return at once."""

    def __init__(
        self,
        *,
        live: Callable[[], Iterable[Call]],
        keep: Callable[[Flight], None],
        now: Callable[[], datetime],
    ) -> None:
        self._live = live
        self._keep = keep
        self._now = now
        self._begun_before: frozenset[UUID] = frozenset()  # calls of an earlier process
        self._tidied = now()
        self._ears: dict[str, Ear] = {}
        self._over: dict[UUID, tuple[Call, datetime, int]] = {}  # when it ended, how many messages so far

    def ear(self, pbx: str) -> Ear:
        """The witness for the link to one switchboard."""
        if pbx not in self._ears:
            self._ears[pbx] = Ear(lambda channel: self._linkedid(pbx, channel))
        return self._ears[pbx]

    def _linkedid(self, pbx: str, channel: str) -> str | None:
        of_pbx = (call for call in self._live() if call.pbx == pbx)
        return next((c.linkedid for c in of_pbx if any(x.name == channel for x in c.live_channels)), None)

    def link_changed(self, status: LinkStatus) -> None:
        """The link to a switchboard came or went."""
        up = status.state is LinkState.CONNECTED
        if status.pbx in self._ears:
            self._ears[status.pbx].link_changed(up, self._now(), status.detail)

    def call_ended(self, call: Call) -> None:
        """A call is over; what comes late about it is waited for."""
        if call.pbx in self._ears:
            self._over[call.id] = (call, self._now(), self._ears[call.pbx].count)

    async def run(self) -> None:
        """Hand over, for ever, what is complete. To be started before the links are."""
        self._begun_before = frozenset(call.id for call in self._live())
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            self.hand_over(self._now() - SETTLE)
            if self._now() - self._tidied > TIDY_EVERY:
                self._tidied = self._now()
                self._forget_idle()

    def hand_over(self, ended_before: datetime) -> None:
        """Have written what was said about the calls that ended before an instant."""
        due = [id_ for id_, (_, ended_at, _) in self._over.items() if ended_at <= ended_before]
        for id_ in due:
            call, _, count = self._over.pop(id_)
            self._collect(call, count)

    def close(self) -> None:
        """Have everything written that was heard so far, of open calls too."""
        self.hand_over(self._now())
        for call in self._live():
            if call.pbx in self._ears:
                self._collect(call, self._ears[call.pbx].count)

    def _collect(self, call: Call, count: int) -> None:
        collected = self._ears[call.pbx].collect(call, count)
        if collected is not None:
            heard = call.id not in self._begun_before and collected.begins
            self._keep(Flight(call_id=call.id, collected=collected, whole=heard and not collected.dropped))

    def _forget_idle(self) -> None:
        now = self._now()
        awaited = [call for call, _, _ in self._over.values()]
        for pbx, ear in self._ears.items():
            ear.forget_idle([call for call in (*self._live(), *awaited) if call.pbx == pbx], now)
