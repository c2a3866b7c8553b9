"""Listen to a colleague's call, whisper to him, speak with both, take the customer over.

The listener's own telephone rings; picked up, it hears exactly the operator's channel (ChanSpy by uniqueid). His
channel is no call of ours: its uniqueid says so (`callcenter.call.rules.LISTENER`), also after a restart of this
process. When he takes over, the switchboard joins his channel with the customer's, and it is one of that call.

Raises:  `NotFound`, `Forbidden`, `Conflict`; their sentences are for the listener
Source:  Asterisk 22, tried on a real one (docs/developer.md, "Listening")
"""

import asyncio
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from asterisk import actions
from asterisk import events as e
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.agents import Agents
from callcenter.call import Call
from callcenter.control.ear import (
    CONTEXT,
    KEYS,
    MODES,
    Ear,
    customer_with,
    heard_channel,
    told_listener,
    visit_of,
)
from callcenter.control.free_phone import free_phone
from callcenter.control.hands import FOLLOWS_S, Hands, said
from crm_core.errors import Conflict, NotFound
from crm_core.listening import Mode, Span

RING_S = 25
NO_CONTEXT = (
    "The switchboard has no place for listening (context callcenter-listen). An administrator finds what to add on the "
    "page Doctor."
)
ELSEWHERE = "You are listening to another call. Leave it first."
NOT_LISTENING = "You are not listening to this call."
RINGS_STILL = "Your telephone still rings: pick it up first."
WHY_NOT = {3: "You did not pick up.", 5: "Your telephone was busy."}  # Reason of OriginateResponse
FAILED = "Your telephone could not be reached, or the call was declined there."


class Listening:
    """Everybody who listens now, one stay each."""

    def __init__(self, hands: Hands, agents: Agents) -> None:
        self._hands = hands
        self._agents = agents
        self._ears: dict[UUID, Ear] = {}
        self._listed: set[str] = set()
        self._moved = asyncio.Event()
        self.told = True  # whether operators see who listens; set from the rule of the house

    # --- what the web asks for ---------------------------------------------------------------------------

    async def listen(self, call_id: UUID, user_id: int, mode: Mode, whose: frozenset[int] | None) -> None:
        """Ring his telephone, or go on in another mode. Returns when it rings, or when the mode has changed."""
        ear = self._of(user_id)
        if ear is not None and ear.call == call_id:
            await self._change(ear, mode)
        else:
            await self._begin(call_id, user_id, mode, whose, takes_over=False)

    async def take_over(self, call_id: UUID, user_id: int, whose: frozenset[int] | None) -> None:
        """The customer is his and the operator is let go; at once when he listens, else when he has picked up."""
        ear = self._of(user_id)
        if ear is None or ear.call != call_id:
            await self._begin(call_id, user_id, Mode.LISTEN, whose, takes_over=True)
        elif ear.mode is None:
            ear.takes_over = True
            self._show(ear)
        else:
            await self._take(ear)

    async def leave(self, call_id: UUID, user_id: int) -> None:
        """His telephone is let go."""
        ear = self._of(user_id)
        if ear is None or ear.call != call_id:
            raise Conflict(NOT_LISTENING)
        if ear.channel is None:
            raise Conflict("Your telephone is being called. Try again in a moment.")
        with said():
            await actions.hang_up(self._hands.links[ear.pbx], ear.channel)
        await self._until(lambda: ear.visit not in self._ears, "The switchboard did not let you go.")

    async def _begin(
        self, call_id: UUID, user_id: int, mode: Mode, whose: frozenset[int] | None, *, takes_over: bool
    ) -> None:
        if self._of(user_id) is not None:
            raise Conflict(ELSEWHERE)
        hands = self._hands
        call = hands.live.get(call_id)
        own, operator = heard_channel(call, hands.desks.directory, user_id, whose)
        assert call is not None
        phone = free_phone(hands, self._agents, call.pbx, user_id)
        ear = Ear(
            visit=uuid.uuid4(),
            pbx=call.pbx,
            call=call.id,
            listener=user_id,
            operator=operator.id if operator else None,
            extension=own.extension or "",
            spied=own.uniqueid,
            told=self.told,
            since=hands.now(),
            takes_over=takes_over,
        )
        self._ears[ear.visit] = ear  # before anything is awaited: a second press finds it
        self._agents.listening(user_id, on=True)
        self._show(ear)
        try:
            with said():
                await self._ring(ear, phone, mode)
        except Conflict as refusal:
            if isinstance(refusal.__cause__, LinkLost | ActionTimeout):
                ear.unsure = True  # it may ring all the same; the next list of channels says
            else:
                self._over(ear, hands.now())
            raise

    async def _ring(self, ear: Ear, phone: str, mode: Mode) -> None:
        link = self._hands.links[ear.pbx]
        if await actions.exists(link, exten=KEYS[mode], context=CONTEXT) is False:
            raise Conflict(NO_CONTEXT)
        await actions.originate(
            link,
            channel=self._hands.dialplans[ear.pbx].channel.format(extension=phone),
            exten=KEYS[mode],
            context=CONTEXT,
            caller_id=f'"Listen: {ear.extension}" <{ear.extension}>',
            channel_id=ear.uniqueid,
            other_channel_id=f"{ear.uniqueid}-2",
            variables={"CALLCENTER_LISTEN": ear.spied},
            timeout_s=RING_S,
        )

    async def _change(self, ear: Ear, mode: Mode) -> None:
        if ear.mode is None or ear.channel is None:
            raise Conflict(RINGS_STILL)
        if ear.mode is mode:
            return
        with said():
            await actions.redirect(self._hands.links[ear.pbx], ear.channel, exten=KEYS[mode], context=CONTEXT)
        await self._until(
            lambda: ear.mode is mode or ear.visit not in self._ears, "The switchboard did not do it."
        )

    async def _take(self, ear: Ear) -> None:
        hands = self._hands
        call = hands.live.get(ear.call)
        customer = customer_with(call, ear.spied)
        if ear.channel is None:
            raise Conflict(RINGS_STILL)
        assert call is not None
        link, operator = hands.links[ear.pbx], call.channels[ear.spied]
        with said():
            await actions.bridge(link, customer.name, ear.channel)
        await hands.until(
            call, lambda c: _talks(c, ear.uniqueid), "The switchboard did not give you the customer."
        )
        with suppress(ActionRefused, ActionTimeout, LinkLost):  # most dialplans have let him go by themselves
            await actions.hang_up(link, operator.name)

    async def _take_when_heard(self, ear: Ear) -> None:
        try:
            await self._take(ear)
        except (Conflict, NotFound) as refusal:
            ear.takes_over = False
            self._hands.desks.notice(ear.listener, "warning", str(refusal))
            self._show(ear)

    async def _until(self, true: Callable[[], bool], otherwise: str) -> None:
        try:
            async with asyncio.timeout(FOLLOWS_S):
                while not true():
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError:
            raise Conflict(otherwise) from None

    # --- told by the centre -------------------------------------------------------------------------------

    def heard(self, pbx: str, event: e.Event) -> None:
        """What a switchboard said, as far as it is about somebody who listens."""
        match event:
            case e.ChannelCreated(channel=view):
                if (ear := self._with(view.uniqueid)) is not None:
                    ear.channel = view.name
            case e.ChannelRenamed(uniqueid=uniqueid, name=name):
                if (ear := self._with(uniqueid)) is not None:
                    ear.channel = name
            case e.SpyStarted(at=at, uniqueid=uniqueid, exten=exten):
                if (ear := self._with(uniqueid)) is not None and exten in MODES:
                    self._began(ear, MODES[exten], at)
            case e.ChannelHungUp(at=at, channel=view):
                if (ear := self._with(view.uniqueid)) is not None:
                    self._over(ear, at)
            case e.OriginateEnded(at=at, action_id=action, success=False, reason=reason):
                if (ear := self._with(action)) is not None:
                    self._hands.desks.notice(ear.listener, "warning", WHY_NOT.get(reason, FAILED))
                    self._over(ear, at)
            case e.ChannelListed(channel=view):
                self._listed.add(view.uniqueid)
                if (ear := self._with(view.uniqueid)) is not None:
                    ear.channel = view.name
            case e.ChannelListEnded(at=at):
                gone = [it for it in self._ears.values() if it.pbx == pbx and it.uniqueid not in self._listed]
                self._listed = set()
                for ear in gone:
                    if (
                        ear.mode is not None or ear.channel is not None or ear.unsure
                    ):  # else asked for just now
                        self._over(ear, at)

    def follow(self, call: Call) -> None:
        """A call took a step: whoever took it over listens no more."""
        for ear in [it for it in self._ears.values() if it.call == call.id]:
            if ear.uniqueid in call.channels:
                own = call.channels[ear.uniqueid].extension
                at = next((t.from_at for t in reversed(call.talks) if t.extension == own), self._hands.now())
                self._hands.scribe.listened(ear.span(Mode.TAKE_OVER, at))
                self._over(ear, at)

    def renamed(self, old: UUID, call: Call) -> None:
        """The call is known by an older linkedid from now on."""
        for ear in self._ears.values():
            if ear.call == old:
                ear.call = call.id
                self._show(ear)

    def take_up(self, spans: Sequence[Span]) -> None:
        """Who listened when the last process died; the next list of channels says who still does."""
        for span in spans:
            call = self._hands.live.get(span.call_id)
            if call is None:
                self._hands.scribe.listened_no_more(span.visit, self._hands.now())
                continue
            own = next((c for c in call.live_channels if c.extension == span.extension), None)
            self._ears[span.visit] = ear = Ear(
                visit=span.visit,
                pbx=call.pbx,
                call=call.id,
                listener=span.listener_id,
                operator=span.operator_id,
                extension=span.extension,
                spied=own.uniqueid if own else "",
                told=span.told,
                since=span.began_at,
                mode=span.mode,
            )
            self._agents.listening(ear.listener, on=True)
            self._show(ear)

    def _began(self, ear: Ear, mode: Mode, at: datetime) -> None:
        if ear.mode is not mode:
            ear.mode, ear.since = mode, at
            self._hands.scribe.listened(ear.span(mode, at))
        self._show(ear)
        if ear.takes_over:
            ear.takes_over = False
            self._hands.later(self._take_when_heard(ear))

    def _over(self, ear: Ear, at: datetime) -> None:
        if self._ears.pop(ear.visit, None) is None:
            return
        self._hands.scribe.listened_no_more(ear.visit, at)
        self._agents.listening(ear.listener, on=False)
        self._show(ear)

    def _show(self, ear: Ear) -> None:
        """Tell the listener's pages and, where the house tells them, the operator's card."""
        self._moved.set()
        desks = self._hands.desks
        now = self._ears.get(ear.visit)
        desks.listening(ear.listener, told_listener(now, desks.directory) if now else None)
        shown = [it for it in self._ears.values() if it.call == ear.call and it.told and it.mode is not None]
        people = {it.listener: it.mode for it in shown}
        desks.listened(
            ear.call,
            [{"name": desks.directory.operators[who].name, "mode": mode} for who, mode in people.items()],
        )

    def _of(self, user_id: int) -> Ear | None:
        return next((ear for ear in self._ears.values() if ear.listener == user_id), None)

    def _with(self, uniqueid: str) -> Ear | None:
        visit = visit_of(uniqueid)
        return self._ears.get(visit) if visit is not None else None


def _talks(call: Call, uniqueid: str) -> bool:
    channel = call.channels.get(uniqueid)
    return call.ended_at is not None or (channel is not None and channel.extension in call.talking)
