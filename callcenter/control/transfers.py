"""Give a call to somebody else: at once, or after asking him; and what becomes of who was asked."""

from uuid import UUID

from asterisk import actions
from callcenter.call import Call
from callcenter.consult import Consult, Stage, consult_of
from callcenter.control.hands import NO_FEATURE, Act, Grip, Hands, must_talk, stage
from callcenter.control.recording import Recording
from callcenter.target import Place, asked_by_keys, place_of
from crm_core.errors import Conflict

SWAP_KEYS, CONFERENCE_KEYS = "*4", "*3"  # features.conf: atxferswap, atxferthreeway, as Asterisk has them
ENDED = {"busy": "is busy", "no_answer": "did not answer", "unavailable": "can not be reached"}


class Transfers:
    """Acts that bring a third person into the call."""

    def __init__(self, hands: Hands, recording: Recording, country: str) -> None:
        self._hands = hands
        self._recording = recording
        self._country = country
        self._consults: dict[UUID, Consult] = {}

    def follow(self, call: Call) -> None:
        """A consultation can end by itself; the operator is told why."""
        now, before = consult_of(call), self._consults.pop(call.id, None)
        if now is not None:
            self._consults[call.id] = now
        elif before is not None and before.stage is not Stage.HOLD:
            self._tell_end_of_consult(call, before)

    async def _place(self, grip: Grip, act: Act) -> Place:
        assert act.target is not None
        place = place_of(
            act.target,
            pbx=grip.call.pbx,
            directory=self._hands.desks.directory,
            plan=grip.plan,
            country=self._country,
        )
        if place.exten == grip.extension:
            raise Conflict("That is your own telephone.")
        if await actions.exists(grip.link, exten=place.exten, context=place.context) is False:
            raise Conflict(f"The switchboard does not know {place.said} (context {place.context}).")
        return place

    async def blind(self, grip: Grip, act: Act) -> str:
        must_talk(grip)
        place = await self._place(grip, act)
        await self._recording.sound_again(grip.call, None)
        before = len(grip.call.transfers)
        await actions.blind_transfer(grip.link, grip.own.name, exten=place.exten, context=place.context)
        await self._hands.until(
            grip.call, lambda c: len(c.transfers) > before, "The switchboard did not transfer the call."
        )
        return place.said

    async def consult(self, grip: Grip, act: Act) -> str:
        must_talk(grip)
        place = await self._place(grip, act)
        keys = asked_by_keys(place)
        self._hands.settled.discard(grip.call.id)
        await actions.atxfer(grip.link, grip.own.name, exten=keys, context=place.context)
        await self._hands.until(
            grip.call, lambda c: stage(c) is not None or c.ended_at is not None, NO_FEATURE
        )
        return place.said

    async def complete(self, grip: Grip, act: Act) -> str:
        """Hanging up the operator's phone joins the two others, whatever the keys of features.conf are."""
        consult = _asked(grip)
        if consult.stage is Stage.FAILED:
            raise Conflict("Nobody is there to connect the customer with.")
        await self._recording.sound_again(grip.call, None)
        self._hands.settled.add(grip.call.id)
        before = len(grip.call.transfers)
        await actions.hang_up(grip.link, grip.own.name)
        await self._hands.until(
            grip.call, lambda c: len(c.transfers) > before, "The switchboard did not connect the two."
        )
        return consult.target

    async def swap(self, grip: Grip, act: Act) -> str:
        consult = _asked(grip, talking=True)
        await actions.play_dtmf(grip.link, grip.own.name, SWAP_KEYS, received=True)
        await self._hands.until(
            grip.call, lambda c: _with_customer(c) is not consult.with_customer, NO_FEATURE
        )
        return consult.target

    async def conference(self, grip: Grip, act: Act) -> str:
        consult = _asked(grip, talking=True)
        self._hands.settled.add(grip.call.id)
        await actions.play_dtmf(grip.link, grip.own.name, CONFERENCE_KEYS, received=True)
        await self._hands.until(grip.call, lambda c: stage(c) is None, NO_FEATURE)
        return consult.target

    def _tell_end_of_consult(self, call: Call, consult: Consult) -> None:
        settled = call.id in self._hands.settled
        self._hands.settled.discard(call.id)
        if settled or call.ended_at is not None:
            return
        colleague = self._hands.desks.directory.operator_at(call.pbx, consult.target)
        who = colleague.name if colleague else consult.target
        for extension in call.talking:
            operator = self._hands.desks.directory.operator_at(call.pbx, extension)
            if operator is not None and operator is not colleague:
                text = f"{who} {_why(consult)}. The customer is back with you."
                self._hands.desks.notice(operator.id, "warning", text)


def _why(consult: Consult) -> str:
    """How a consultation ended that nobody ended from here."""
    if consult.stage is Stage.TALKING:
        return "hung up"
    return ENDED.get(consult.reason or "no_answer", "did not answer")


def _with_customer(call: Call) -> bool:
    consult = consult_of(call)
    return consult is not None and consult.with_customer


def _asked(grip: Grip, *, talking: bool = False) -> Consult:
    consult = consult_of(grip.call)
    if consult is None or consult.stage is Stage.HOLD:
        raise Conflict("Nobody is being asked.")
    if talking and consult.stage is not Stage.TALKING:
        raise Conflict("Nobody has answered yet.")
    return consult
