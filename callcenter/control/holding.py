"""Hang up, put on hold and take back. Hold is an attended transfer to an extension that plays nothing and waits."""

from asyncio import gather

import structlog

from asterisk import actions
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.call import Call, Kind
from callcenter.call.voices import HOLD_CONTEXT
from callcenter.consult import HOLD, Stage, consult_of
from callcenter.control.hands import NO_FEATURE, Act, Grip, Hands, must_talk, stage
from crm_core.errors import Conflict

log = structlog.get_logger(__name__)

NO_HOLD = (
    f"The switchboard has no extension {HOLD}@{HOLD_CONTEXT}, so nobody can be put on hold from here. Hold on your "
    "phone; an administrator finds the lines to add in the handbook under Call control."
)


class Holding:
    """Acts of the operator between himself and the customer."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands

    def follow(self, call: Call) -> None:
        """Nobody listens to an empty room."""
        if stage(call) is Stage.HOLD and not any(c.kind is Kind.TRUNK for c in call.live_channels):
            self._hands.later(self._end_empty_hold(call))

    async def hang_up(self, call: Call, user_id: int, anybody: bool) -> None:
        """Hang up one's own phone; the whole call while it only rings outward or the customer is on hold."""
        consult = consult_of(call)
        own = self._hands.extensions(call, user_id, anybody)
        mine = [c for c in call.live_channels if c.extension in own] or list(call.live_channels)
        if consult is not None and own & call.talking:
            if consult.stage is not Stage.HOLD:
                raise Conflict(
                    "The customer waits. Connect him with your colleague, or go back to him first."
                )
            mine += [c for c in call.live_channels if c.kind is Kind.TRUNK]
        if not mine:
            raise Conflict("There is no phone to hang up yet. Try again in a moment.")
        link = self._hands.links[call.pbx]
        answers = [actions.hang_up(link, channel.name) for channel in reversed(mine)]
        await gather(*answers)

    async def hold(self, grip: Grip, act: Act) -> None:
        must_talk(grip)
        if await actions.exists(grip.link, exten=HOLD, context=HOLD_CONTEXT) is False:
            raise Conflict(NO_HOLD)
        await actions.atxfer(grip.link, grip.own.name, exten=HOLD, context=HOLD_CONTEXT)
        await self._hands.until(grip.call, lambda c: stage(c) is Stage.HOLD, NO_FEATURE)

    async def back(self, grip: Grip, act: Act) -> None:
        """To the customer: from hold, or from a colleague who was asked."""
        if consult_of(grip.call) is None:
            raise Conflict("The customer is with you already.")
        self._hands.settled.add(grip.call.id)
        await actions.cancel_atxfer(grip.link, grip.own.name)
        await self._hands.until(
            grip.call, lambda c: stage(c) is None and grip.extension in c.talking, NO_FEATURE
        )

    async def _end_empty_hold(self, call: Call) -> None:
        """The customer hung up on hold: the operator would listen to an empty room."""
        own = [c for c in call.live_channels if c.extension is not None]
        for channel in own:
            try:
                await actions.hang_up(self._hands.links[call.pbx], channel.name)
            except (ActionRefused, LinkLost, ActionTimeout) as error:
                log.info("an empty hold not ended", call=str(call.id), error=repr(error))
