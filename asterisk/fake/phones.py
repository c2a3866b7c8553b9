"""The phones of the house: some are bots with a behaviour, some have a person who presses buttons."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from asterisk.fake.channels import UP, Channel
from asterisk.fake.people import Answer, Behaviour, Decline, Manual, RingOut
from asterisk.fake.signals import Kind

if TYPE_CHECKING:
    from asterisk.fake.pbx import Pbx


class NoCall(LookupError):
    """The button makes no sense now: the phone has no such call."""


class Phone:
    """One extension. Registered and answering after two seconds until told otherwise."""

    def __init__(self, pbx: Pbx, extension: str, name: str) -> None:
        self.extension = extension
        self.name = name
        self.registered = True
        self.gives_up_s = 2.0  # a bot listens to a busy tone that long
        self._pbx = pbx
        self._behaviours: list[Behaviour] = [Answer()]
        self._legs: list[Channel] = []
        self._tasks: dict[Channel, asyncio.Task[None]] = {}

    # ---- how it behaves

    def behave(self, behaviour: Behaviour, *then: Behaviour) -> None:
        """Set what the phone does at the next call, at the one after it…; the last one stays."""
        self._behaviours = [behaviour, *then]

    @property
    def manual(self) -> bool:
        """Whether a person has to press the buttons."""
        return isinstance(self._behaviours[0], Manual)

    def register(self, registered: bool = True) -> None:
        """Plug the phone in, or pull the plug."""
        self.registered = registered
        self._pbx.refresh_device(f"PJSIP/{self.extension}")

    def take_after(self, other: Phone) -> None:
        """Behave as `other` did; used when the switchboard restarts."""
        self._behaviours, self.gives_up_s = other._behaviours, other.gives_up_s
        if not other.registered:
            self.register(False)

    # ---- what a person can do

    async def answer(self) -> None:
        """Pick up. Raises `NoCall` when the phone does not ring."""
        self._tell("ANSWERED", self._ringing())

    async def decline(self, cause: int = 17) -> None:
        """Refuse the call that rings. Raises `NoCall` when none does."""
        self._tell("REJECTED", self._ringing(), cause)

    async def hang_up(self) -> None:
        """End the call, or refuse the one that rings. Raises `NoCall` when there is none."""
        leg = self._leg()
        ringing = leg in self._tasks and leg.state != UP
        self._tell("REJECTED" if ringing else "HUNG_UP", leg, 17 if ringing else 16)

    async def hold(self) -> None:
        """Put the other side on hold. Raises `NoCall` when nobody is connected."""
        self._tell("HELD", self._talking())

    async def resume(self) -> None:
        """Take the other side back. Raises `NoCall` when nobody is connected."""
        self._tell("RESUMED", self._talking())

    def _tell(self, kind: str, leg: Channel, cause: int = 0) -> None:
        leg.run.tell(Kind[kind], leg, cause)

    def _leg(self) -> Channel:
        if not self._legs:
            raise NoCall(f"{self.extension} has no call")
        return self._legs[-1]

    def _ringing(self) -> Channel:
        leg = next((each for each in self._legs if each in self._tasks and each.state != UP), None)
        if leg is None:
            raise NoCall(f"{self.extension} is not ringing")
        return leg

    def _talking(self) -> Channel:
        leg = next((each for each in self._legs if each.bridge is not None), None)
        if leg is None:
            raise NoCall(f"{self.extension} is not talking")
        return leg

    # ---- what the switchboard tells it

    def ring(self, leg: Channel) -> None:
        """A call arrives at the phone; it behaves."""
        behaviour = self._behaviours[0]
        if len(self._behaviours) > 1:
            self._behaviours.pop(0)
        self._legs.append(leg)
        self._tasks[leg] = self._pbx.spawn(self._behave(leg, behaviour))

    async def _behave(self, leg: Channel, behaviour: Behaviour) -> None:
        if not (isinstance(behaviour, Decline) and not behaviour.rings):
            self._tell("RINGING", leg)
        match behaviour:
            case Answer(after_s=seconds):
                await self._pbx.clock.sleep(seconds)
                self._tell("ANSWERED", leg)
            case Decline(after_s=seconds, cause=cause):
                await self._pbx.clock.sleep(seconds)
                self._tell("REJECTED", leg, cause)
            case RingOut() | Manual():
                pass

    def dialled(self, leg: Channel) -> None:
        """The phone itself has started this call."""
        self._legs.append(leg)

    def forget(self, leg: Channel) -> None:
        """A call of this phone is over."""
        if leg in self._legs:
            self._legs.remove(leg)
        if (task := self._tasks.pop(leg, None)) is not None:
            task.cancel()
