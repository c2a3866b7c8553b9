"""A customer waits in a slot, where everybody can fetch him."""

import asyncio
import uuid
from typing import Any
from uuid import UUID

from asterisk import actions
from asterisk.events import FetchRequested, Heard
from callcenter.call import Call
from callcenter.clicktocall import Dialler
from callcenter.control.hands import Act, Grip, Hands, must_talk
from callcenter.control.recording import Recording
from crm_core.errors import Conflict

FETCH_S = 30.0
PARKED_S = 60.0


class Parking:
    """Who is parked, and the ways into the slot and out of it."""

    def __init__(
        self, hands: Hands, recording: Recording, dialler: Dialler, inbox: asyncio.Queue[Heard]
    ) -> None:
        self._hands = hands
        self._recording = recording
        self._dialler = dialler
        self._inbox = inbox
        self._parked: dict[UUID, dict[str, Any]] = {}

    async def park(self, grip: Grip, act: Act) -> str | None:
        must_talk(grip)
        await self._recording.sound_again(grip.call, None)
        await actions.park(grip.link, grip.customer.name, back_to=grip.own.name, timeout_s=PARKED_S)
        parked = await self._hands.until(
            grip.call,
            lambda c: c.parked is not None,
            "The switchboard parked nobody: it has no parking lot (res_parking.conf).",
        )
        return parked.parked

    async def retrieve(self, call: Call, user_id: int) -> str:
        """Ring the user's own phone; picked up, it takes the caller from his slot."""
        slot = call.parked
        if slot is None:
            raise Conflict("The customer is not parked any more.")
        states = [
            entry.places[user_id] for entry in self._hands.desks.of(user_id) if entry.call.id != call.id
        ]
        operator = self._hands.desks.directory.operators.get(user_id)
        pbx, extension = self._dialler.phone_of(operator, states)
        if pbx != call.pbx:
            raise Conflict("Your telephone is on another switchboard than this call.")
        plan = self._hands.dialplans[pbx]
        channel_id = f"callcenter-{uuid.uuid4().hex}"
        self._inbox.put_nowait(Heard(pbx, FetchRequested(self._hands.now(), channel_id, call.linkedid)))
        await actions.originate(
            self._hands.links[pbx],
            channel=plan.channel.format(extension=extension),
            exten=slot,
            context=plan.transfer,
            caller_id=slot,
            channel_id=channel_id,
            other_channel_id=f"{channel_id}-2",
            timeout_s=FETCH_S,
        )
        self._hands.later(self._tell_unless_fetched(call, user_id, extension))
        return slot

    async def _tell_unless_fetched(self, call: Call, user_id: int, extension: str) -> None:
        try:
            await self._hands.until(
                call, lambda c: extension in c.talking or c.parked is None, "", within_s=FETCH_S + 1
            )
        except Conflict:
            text = "Your phone was not picked up; the customer is still parked."
            self._hands.desks.notice(user_id, "warning", text)

    def follow(self, call: Call) -> None:
        """Everybody may fetch who is parked, so everybody is told."""
        slot = call.parked if call.ended_at is None else None
        known = self._parked.get(call.id)
        if (known["slot"] if known else None) == slot:
            return
        self._parked.pop(call.id, None)
        if slot is not None:
            number = self._hands.scribe.number_of(call)
            last = next((t for t in reversed(call.transfers) if t.kind == "park"), None)
            by = self._hands.desks.directory.operator_at(call.pbx, last.sender) if last else None
            self._parked[call.id] = {
                "id": str(call.id),
                "slot": slot,
                "who": call.remote_name or number.display,
                "by": by.name if by else (last.sender if last else None),
                "at": (last.at if last else self._hands.now()).isoformat(),
            }
        self._hands.desks.use_parked(list(self._parked.values()))
