"""What an operator does with one live call from his card: hold, transfer, park, keys, silence in the recording.

Each act is checked (his call, in a state for it), sent once, and believed only when the event that belongs to it
has followed. What was done, by whom and with what result is written under the call.

Raises:  `NotFound`, `Forbidden`, `Conflict`, `Invalid`; their sentences are for the operator
Source:  Asterisk 16 and 22, tried on real ones (docs/developer.md, "Call control")
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from asterisk import actions
from asterisk.ami import Link
from asterisk.events import Event, Heard, RecordingMuted
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.agents import Agents
from callcenter.call import Call
from callcenter.clicktocall import Dialler, Dialplan
from callcenter.control.hands import Act, Grip, Hands, must_talk, said
from callcenter.control.hearing import Hearing
from callcenter.control.holding import Holding
from callcenter.control.listening import Listening
from callcenter.control.parking import Parking
from callcenter.control.recording import Recording
from callcenter.control.transfers import Transfers
from callcenter.desks import Desks
from callcenter.scribe import Scribe
from crm_core.call_act import ActKind, OpenPause
from crm_core.errors import NotFound, Refused


class Control:
    """Hands on live calls. Told of every step of every call by the centre."""

    def __init__(
        self,
        *,
        live: Mapping[UUID, Call],
        desks: Desks,
        agents: Agents,
        scribe: Scribe,
        dialler: Dialler,
        links: Mapping[str, Link],
        dialplans: Mapping[str, Dialplan],
        inbox: asyncio.Queue[Heard],
        country: str,
        now: Callable[[], datetime],
    ) -> None:
        self._hands = Hands(live=live, desks=desks, scribe=scribe, links=links, dialplans=dialplans, now=now)
        self._recording = Recording(self._hands)
        self._hearing = Hearing(self._hands)
        self._holding = Holding(self._hands)
        self._transfers = Transfers(self._hands, self._recording, country)
        self._parking = Parking(self._hands, self._recording, dialler, inbox)
        self.listening = Listening(self._hands, agents)
        self._acts: dict[ActKind, Callable[[Grip, Act], Awaitable[str | None]]] = {
            ActKind.HOLD: self._holding.hold,
            ActKind.RESUME: self._holding.back,
            ActKind.BLIND_TRANSFER: self._transfers.blind,
            ActKind.CONSULT: self._transfers.consult,
            ActKind.COMPLETE: self._transfers.complete,
            ActKind.CANCEL: self._holding.back,
            ActKind.SWAP: self._transfers.swap,
            ActKind.CONFERENCE: self._transfers.conference,
            ActKind.PARK: self._parking.park,
            ActKind.DTMF: self._keys,
            ActKind.PAUSE_RECORDING: self._recording.pause,
            ActKind.RESUME_RECORDING: self._sound_again,
        }

    # --- what the web asks for ---------------------------------------------------------------------------

    async def act(self, call_id: UUID, user_id: int, act: Act, *, anybody: bool = False) -> None:
        """Do one thing with a live call and return when it has really happened.

        `anybody`: the user may also act on a colleague's call.
        """
        at = self._hands.now()
        call = self._hands.call(call_id, user_id, anybody)
        try:
            with said():
                result = await self._do(call, user_id, act, anybody)
        except Refused as refusal:
            self._hands.scribe.act(call.id, act.kind, user_id, at, target=_wanted(act), refused=str(refusal))
            raise
        self._hands.scribe.act(call.id, act.kind, user_id, at, target=result)

    async def _do(self, call: Call, user_id: int, act: Act, anybody: bool) -> str | None:
        if act.kind is ActKind.HANG_UP:
            await self._holding.hang_up(call, user_id, anybody)
            return None
        if act.kind is ActKind.RETRIEVE:
            return await self._parking.retrieve(call, user_id)
        return await self._acts[act.kind](self._hands.grip(call, user_id, anybody), act)

    async def _keys(self, grip: Grip, act: Act) -> str:
        must_talk(grip)
        await actions.play_dtmf(grip.link, grip.customer.name, act.digits)
        return str(len(act.digits))  # never which: it may be a card number or a PIN

    async def _sound_again(self, grip: Grip, act: Act) -> None:
        await self._recording.resume(grip, act)
        self._hearing.follow(self._hands.live.get(grip.call.id, grip.call))

    async def queues(self, call_id: UUID) -> list[dict[str, Any]]:
        """The queues of the switchboard of this call: name, waiting, free members. Empty when it does not say."""
        call = self._hands.live.get(call_id)
        if call is None:
            raise NotFound("This call is over.")
        try:
            listed = await self._hands.links[call.pbx].request_list("QueueSummary")
        except (ActionRefused, LinkLost, ActionTimeout):
            return []
        found = [item for item in listed if item.get("Event") == "QueueSummary"]
        return [
            {"name": q["Queue"], "waiting": _count(q, "Callers"), "free": _count(q, "Available")}
            for q in sorted(found, key=lambda q: q["Queue"].casefold())
        ]

    # --- told by the centre -------------------------------------------------------------------------------

    def changed(self, call: Call) -> None:
        """A call took a step."""
        self._hands.changed(call)
        self._recording.follow(call)
        self._hearing.follow(call)
        self._transfers.follow(call)
        self._holding.follow(call)
        self._parking.follow(call)
        self.listening.follow(call)

    def renamed(self, old: UUID, call: Call) -> None:
        """The call is known by an older linkedid from now on."""
        self._hands.renamed(old, call)
        self._hands.desks.moved(old, call.id)
        self.listening.renamed(old, call)

    def heard(self, pbx: str, event: Event) -> None:
        """One event of a switchboard, after the calls have taken it."""
        if isinstance(event, RecordingMuted):
            self._recording.muted(pbx, event)
        self.listening.heard(pbx, event)

    def take_up(self, pauses: Sequence[OpenPause]) -> None:
        """Recordings that were silent when the last process died."""
        self._recording.take_up(pauses)


def _count(item: Mapping[str, str], name: str) -> int:
    text = item.get(name, "")
    return int(text) if text.isdigit() else 0


def _wanted(act: Act) -> str | None:
    if act.target is None:
        return None
    return act.target.to or act.target.queue or str(act.target.user_id)
