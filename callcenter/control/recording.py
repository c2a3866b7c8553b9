"""Silence in the recording of a call while a card number is said, on every channel that is recorded."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from asterisk import actions
from asterisk.events import RecordingMuted
from asterisk.protocol import ActionRefused
from callcenter.call import Call, CallState
from callcenter.control.hands import FOLLOWS_S, Act, Grip, Hands, said
from callcenter.handling import Pause
from crm_core.call_act import OpenPause
from crm_core.errors import Conflict


class Recording:
    """Pauses of recordings: asked for, confirmed by the switchboard, ended at the latest by a change of people."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._muted: dict[tuple[str, str], tuple[bool, asyncio.Event]] = {}  # by pbx and channel

    def muted(self, pbx: str, event: RecordingMuted) -> None:
        """The switchboard says that a recording is silent, or not any more."""
        _, told = self._muted.get((pbx, event.channel.name), (False, asyncio.Event()))
        self._muted[pbx, event.channel.name] = (event.muted, told)
        told.set()

    def take_up(self, pauses: Sequence[OpenPause]) -> None:
        """Recordings that were silent when the last process died; those of calls that are over are closed."""
        for pause in pauses:
            if pause.call_id in self._hands.live:
                self._hands.desks.recording_paused(pause.call_id, Pause(pause.user_id, pause.at))
            else:
                self._hands.scribe.pause_ended(pause.call_id, None, self._hands.now())

    async def pause(self, grip: Grip, act: Act) -> None:
        if self._hands.desks.pause_of(grip.call.id) is not None:
            raise Conflict("The recording is paused already.")
        if not await self._mute(grip.call, muted=True):
            raise Conflict("This call is not being recorded, so there is nothing to pause.")
        self._hands.desks.recording_paused(grip.call.id, Pause(grip.user_id, self._hands.now()))

    async def resume(self, grip: Grip, act: Act) -> None:
        if self._hands.desks.pause_of(grip.call.id) is None:
            raise Conflict("The recording is not paused.")
        await self.sound_again(grip.call, grip.user_id)

    async def _mute(self, call: Call, *, muted: bool) -> int:
        """Mute every recording of the call, whichever channel it runs on; how many there are."""
        link = self._hands.links[call.pbx]
        count = 0
        for channel in call.live_channels:
            told = asyncio.Event()
            self._muted[call.pbx, channel.name] = (not muted, told)
            try:
                await actions.mix_monitor_mute(link, channel.name, muted=muted)
                async with asyncio.timeout(FOLLOWS_S):
                    await told.wait()
            except ActionRefused:
                continue  # nothing is recorded on this channel, or it is gone
            except TimeoutError as error:
                raise Conflict("The switchboard did not confirm that the recording is silent.") from error
            finally:
                state, _ = self._muted.pop((call.pbx, channel.name))
            count += state is muted
        return count

    async def sound_again(self, call: Call, user_id: int | None) -> None:
        """End a pause, if there is one: asked for, or by itself before somebody else gets the call."""
        if self._hands.desks.pause_of(call.id) is None:
            return
        await self._mute(call, muted=False)
        self._pause_over(call.id, user_id)

    def _pause_over(self, call_id: UUID, user_id: int | None) -> None:
        self._hands.desks.recording_paused(call_id, None)
        self._hands.scribe.pause_ended(call_id, user_id, self._hands.now())

    def follow(self, call: Call) -> None:
        """A pause ends with the call, and when somebody else talks with the customer than who asked for it."""
        pause = self._hands.desks.pause_of(call.id)
        if pause is None:
            return
        if call.ended_at is not None:
            self._pause_over(call.id, None)
            return
        people = [self._hands.desks.directory.operator_at(call.pbx, extension) for extension in call.talking]
        asker_talks = any(p is not None and p.id == pause.user_id for p in people)
        if call.state is CallState.TALKING and people and not asker_talks:
            self._hands.desks.recording_paused(call.id, None)
            self._hands.later(self._sound_after_transfer(call))

    async def _sound_after_transfer(self, call: Call) -> None:
        with said():
            await self._mute(call, muted=False)
        self._hands.scribe.pause_ended(call.id, None, self._hands.now())
