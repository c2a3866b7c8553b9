"""What an operator does with one live call from his card: hold, transfer, park, keys, silence in the recording.

Each act is checked (his call, in a state for it), sent once, and believed only when the event that belongs to it
has followed. What was done, by whom and with what result is written under the call.

Raises:  `NotFound`, `Forbidden`, `Conflict`, `Invalid`; their sentences are for the operator
Source:  Asterisk 16 and 22, tried on real ones (docs/developer.md, "Call control")
"""

import asyncio
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import structlog

from asterisk import actions
from asterisk.ami import Link
from asterisk.events import FetchRequested, Heard, RecordingMuted
from asterisk.protocol import ActionRefused, ActionTimeout, LinkLost
from callcenter.call import Call, CallState, Channel, Kind
from callcenter.call.voices import HOLD_CONTEXT
from callcenter.clicktocall import Dialler, Dialplan
from callcenter.consult import HOLD, Consult, Stage, consult_of
from callcenter.desks import Desks
from callcenter.handling import Pause
from callcenter.scribe import Scribe
from callcenter.target import Place, Target, asked_by_keys, place_of
from crm_core.call_act import ActKind, OpenPause
from crm_core.errors import Conflict, Forbidden, NotFound, Refused

log = structlog.get_logger(__name__)

FOLLOWS_S = 6.0  # within this time the event follows what the switchboard accepted
FETCH_S = 30.0
PARKED_S = 60.0
SWAP_KEYS, CONFERENCE_KEYS = "*4", "*3"  # features.conf: atxferswap, atxferthreeway, as Asterisk has them

NO_HOLD = (
    f"The switchboard has no extension {HOLD}@{HOLD_CONTEXT}, so nobody can be put on hold from here. Hold on your "
    "phone; an administrator finds the lines to add in the handbook under Call control."
)
NO_FEATURE = (
    "The switchboard did not do it: attended transfer is switched off for this call. Use the keys of your phone; an "
    "administrator finds what to add (option t or T of Dial and Queue) in the handbook under Call control."
)
LINK_DOWN = "The link to the switchboard is down, and nothing is sent again. Use the keys of your phone."


@dataclass(frozen=True, kw_only=True)
class Act:
    """What is asked for. `target` for transfers, `digits` for keys."""

    kind: ActKind
    target: Target | None = None
    digits: str = ""


class Grip(NamedTuple):
    """The call in hand: who acts, his own channel in it, and the customer's."""

    call: Call
    user_id: int
    link: Link
    plan: Dialplan
    own: Channel
    customer: Channel

    @property
    def extension(self) -> str:
        return self.own.extension or ""


@dataclass(eq=False)
class _Wait:
    call: UUID
    happened: Callable[[Call], bool]
    future: asyncio.Future[Call]


class Control:
    """Hands on live calls. Told of every step of every call by the centre."""

    def __init__(
        self,
        *,
        live: Mapping[UUID, Call],
        desks: Desks,
        scribe: Scribe,
        dialler: Dialler,
        links: Mapping[str, Link],
        dialplans: Mapping[str, Dialplan],
        inbox: asyncio.Queue[Heard],
        country: str,
        now: Callable[[], datetime],
    ) -> None:
        self._live = live
        self._desks = desks
        self._scribe = scribe
        self._dialler = dialler
        self._links = links
        self._dialplans = dialplans
        self._inbox = inbox
        self._country = country
        self._now = now
        self._waits: set[_Wait] = set()
        self._muted: dict[tuple[str, str], tuple[bool, asyncio.Event]] = {}  # by pbx and channel
        self._consults: dict[UUID, Consult] = {}
        self._parked: dict[UUID, dict[str, Any]] = {}
        self._settled: set[UUID] = set()  # calls whose consultation was ended from here: nothing to tell
        self._tasks: set[asyncio.Task[None]] = set()
        self._acts: dict[ActKind, Callable[[Grip, Act], Awaitable[str | None]]] = {
            ActKind.HOLD: self._hold,
            ActKind.RESUME: self._back,
            ActKind.BLIND_TRANSFER: self._blind,
            ActKind.CONSULT: self._consult,
            ActKind.COMPLETE: self._complete,
            ActKind.CANCEL: self._back,
            ActKind.SWAP: self._swap,
            ActKind.CONFERENCE: self._conference,
            ActKind.PARK: self._park,
            ActKind.DTMF: self._keys,
            ActKind.PAUSE_RECORDING: self._pause,
            ActKind.RESUME_RECORDING: self._resume_recording,
        }

    # --- what the web asks for ---------------------------------------------------------------------------

    async def act(self, call_id: UUID, user_id: int, act: Act, *, anybody: bool = False) -> None:
        """Do one thing with a live call and return when it has really happened.

        `anybody`: the user may also act on a colleague's call.
        """
        at = self._now()
        call = self._call(call_id, user_id, anybody)
        try:
            with _said():
                said = await self._do(call, user_id, act, anybody)
        except Refused as refusal:
            self._scribe.act(call.id, act.kind, user_id, at, target=_wanted(act), refused=str(refusal))
            raise
        self._scribe.act(call.id, act.kind, user_id, at, target=said)

    async def _do(self, call: Call, user_id: int, act: Act, anybody: bool) -> str | None:
        if act.kind is ActKind.HANG_UP:
            await self._hang_up(call, user_id, anybody)
            return None
        if act.kind is ActKind.RETRIEVE:
            return await self._retrieve(call, user_id)
        return await self._acts[act.kind](self._grip(call, user_id, anybody), act)

    # --- told by the centre -------------------------------------------------------------------------------

    def changed(self, call: Call) -> None:
        """A call took a step."""
        for wait in [w for w in self._waits if w.call == call.id and w.happened(call)]:
            if not wait.future.done():
                wait.future.set_result(call)
        self._follow_pause(call)
        self._follow_consult(call)
        self._follow_parking(call)

    async def queues(self, call_id: UUID) -> list[dict[str, Any]]:
        """The queues of the switchboard of this call: name, waiting, free members. Empty when it does not say."""
        call = self._live.get(call_id)
        if call is None:
            raise NotFound("This call is over.")
        try:
            listed = await self._links[call.pbx].request_list("QueueSummary")
        except (ActionRefused, LinkLost, ActionTimeout):
            return []
        found = [item for item in listed if item.get("Event") == "QueueSummary"]
        return [
            {"name": q["Queue"], "waiting": _count(q, "Callers"), "free": _count(q, "Available")}
            for q in sorted(found, key=lambda q: q["Queue"].casefold())
        ]

    def renamed(self, old: UUID, call: Call) -> None:
        """The call is known by an older linkedid from now on."""
        for wait in self._waits:
            if wait.call == old:
                wait.call = call.id
        self._desks.pause_moved(old, call.id)

    def recording_muted(self, pbx: str, event: RecordingMuted) -> None:
        """The switchboard says that a recording is silent, or not any more."""
        _, told = self._muted.get((pbx, event.channel.name), (False, asyncio.Event()))
        self._muted[pbx, event.channel.name] = (event.muted, told)
        told.set()

    def take_up(self, pauses: Sequence[OpenPause]) -> None:
        """Recordings that were silent when the last process died; those of calls that are over are closed."""
        for pause in pauses:
            if pause.call_id in self._live:
                self._desks.recording_paused(pause.call_id, Pause(pause.user_id, pause.at))
            else:
                self._scribe.pause_ended(pause.call_id, None, self._now())

    # --- whose call, in which state -----------------------------------------------------------------------

    def _call(self, call_id: UUID, user_id: int, anybody: bool) -> Call:
        call = self._live.get(call_id)
        if call is None:
            raise NotFound("This call is over.")
        entry = self._desks.find(call_id)
        if not anybody and (entry is None or user_id not in entry.places) and call.parked is None:
            raise Forbidden("This is a colleague's call.")
        return call

    def _extensions(self, call: Call, user_id: int, anybody: bool) -> frozenset[str]:
        """The user's own extensions on this switchboard; whose call it is for somebody who may help."""
        operator = self._desks.directory.operators.get(user_id)
        own = {extension for pbx, extension in operator.phones if pbx == call.pbx} if operator else set()
        return frozenset(own & call.talking) or (call.talking if anybody else frozenset(own))

    def _grip(self, call: Call, user_id: int, anybody: bool) -> Grip:
        mine = self._extensions(call, user_id, anybody) & call.talking
        own = next((c for c in call.live_channels if c.extension in mine and c.bridge is not None), None)
        customer = next((c for c in call.live_channels if c.kind is Kind.TRUNK), None)
        if call.parked is not None:
            raise Conflict("The customer is parked. Fetch him first.")
        if own is None or customer is None:
            raise Conflict("You are not connected with the customer now.")
        return Grip(call, user_id, self._links[call.pbx], self._dialplans[call.pbx], own, customer)

    async def _until(
        self, call: Call, happened: Callable[[Call], bool], otherwise: str, within_s: float = FOLLOWS_S
    ) -> Call:
        """Wait for the event that belongs to what was sent. Raises `Conflict` when it does not come."""
        now = self._live.get(call.id, call)
        if happened(now):
            return now
        wait = _Wait(call.id, happened, asyncio.get_running_loop().create_future())
        self._waits.add(wait)
        try:
            async with asyncio.timeout(within_s):
                return await wait.future
        except TimeoutError:
            raise Conflict(otherwise) from None
        finally:
            self._waits.discard(wait)

    # --- hang up, hold ------------------------------------------------------------------------------------

    async def _hang_up(self, call: Call, user_id: int, anybody: bool) -> None:
        """Hang up one's own phone; the whole call while it only rings outward or the customer is on hold."""
        consult = consult_of(call)
        own = self._extensions(call, user_id, anybody)
        mine = [c for c in call.live_channels if c.extension in own] or list(call.live_channels)
        if consult is not None and own & call.talking:
            if consult.stage is not Stage.HOLD:
                raise Conflict(
                    "The customer waits. Connect him with your colleague, or go back to him first."
                )
            mine += [c for c in call.live_channels if c.kind is Kind.TRUNK]
        if not mine:
            raise Conflict("There is no phone to hang up yet. Try again in a moment.")
        link = self._links[call.pbx]
        answers = [actions.hang_up(link, channel.name) for channel in reversed(mine)]
        await asyncio.gather(*answers)

    async def _hold(self, grip: Grip, act: Act) -> None:
        _must_talk(grip)
        if await actions.exists(grip.link, exten=HOLD, context=HOLD_CONTEXT) is False:
            raise Conflict(NO_HOLD)
        await actions.atxfer(grip.link, grip.own.name, exten=HOLD, context=HOLD_CONTEXT)
        await self._until(grip.call, lambda c: _stage(c) is Stage.HOLD, NO_FEATURE)

    async def _back(self, grip: Grip, act: Act) -> None:
        """To the customer: from hold, or from a colleague who was asked."""
        if consult_of(grip.call) is None:
            raise Conflict("The customer is with you already.")
        self._settled.add(grip.call.id)
        await actions.cancel_atxfer(grip.link, grip.own.name)
        await self._until(grip.call, lambda c: _stage(c) is None and grip.extension in c.talking, NO_FEATURE)

    # --- transfers ----------------------------------------------------------------------------------------

    async def _place(self, grip: Grip, act: Act) -> Place:
        assert act.target is not None
        place = place_of(
            act.target,
            pbx=grip.call.pbx,
            directory=self._desks.directory,
            plan=grip.plan,
            country=self._country,
        )
        if place.exten == grip.extension:
            raise Conflict("That is your own telephone.")
        if await actions.exists(grip.link, exten=place.exten, context=place.context) is False:
            raise Conflict(f"The switchboard does not know {place.said} (context {place.context}).")
        return place

    async def _blind(self, grip: Grip, act: Act) -> str:
        _must_talk(grip)
        place = await self._place(grip, act)
        await self._sound_again(grip.call, None)
        before = len(grip.call.transfers)
        await actions.blind_transfer(grip.link, grip.own.name, exten=place.exten, context=place.context)
        await self._until(
            grip.call, lambda c: len(c.transfers) > before, "The switchboard did not transfer the call."
        )
        return place.said

    async def _consult(self, grip: Grip, act: Act) -> str:
        _must_talk(grip)
        place = await self._place(grip, act)
        keys = asked_by_keys(place)
        self._settled.discard(grip.call.id)
        await actions.atxfer(grip.link, grip.own.name, exten=keys, context=place.context)
        await self._until(grip.call, lambda c: _stage(c) is not None or c.ended_at is not None, NO_FEATURE)
        return place.said

    async def _complete(self, grip: Grip, act: Act) -> str:
        """Hanging up the operator's phone joins the two others, whatever the keys of features.conf are."""
        consult = _asked(grip)
        if consult.stage is Stage.FAILED:
            raise Conflict("Nobody is there to connect the customer with.")
        await self._sound_again(grip.call, None)
        self._settled.add(grip.call.id)
        before = len(grip.call.transfers)
        await actions.hang_up(grip.link, grip.own.name)
        await self._until(
            grip.call, lambda c: len(c.transfers) > before, "The switchboard did not connect the two."
        )
        return consult.target

    async def _swap(self, grip: Grip, act: Act) -> str:
        consult = _asked(grip, talking=True)
        await actions.play_dtmf(grip.link, grip.own.name, SWAP_KEYS, received=True)
        await self._until(grip.call, lambda c: _with_customer(c) is not consult.with_customer, NO_FEATURE)
        return consult.target

    async def _conference(self, grip: Grip, act: Act) -> str:
        consult = _asked(grip, talking=True)
        self._settled.add(grip.call.id)
        await actions.play_dtmf(grip.link, grip.own.name, CONFERENCE_KEYS, received=True)
        await self._until(grip.call, lambda c: _stage(c) is None, NO_FEATURE)
        return consult.target

    # --- parking ------------------------------------------------------------------------------------------

    async def _park(self, grip: Grip, act: Act) -> str | None:
        _must_talk(grip)
        await self._sound_again(grip.call, None)
        await actions.park(grip.link, grip.customer.name, back_to=grip.own.name, timeout_s=PARKED_S)
        parked = await self._until(
            grip.call,
            lambda c: c.parked is not None,
            "The switchboard parked nobody: it has no parking lot (res_parking.conf).",
        )
        return parked.parked

    async def _retrieve(self, call: Call, user_id: int) -> str:
        """Ring the user's own phone; picked up, it takes the caller from his slot."""
        slot = call.parked
        if slot is None:
            raise Conflict("The customer is not parked any more.")
        states = [entry.places[user_id] for entry in self._desks.of(user_id) if entry.call.id != call.id]
        operator = self._desks.directory.operators.get(user_id)
        pbx, extension = self._dialler.phone_of(operator, states)
        if pbx != call.pbx:
            raise Conflict("Your telephone is on another switchboard than this call.")
        plan = self._dialplans[pbx]
        channel_id = f"callcenter-{uuid.uuid4().hex}"
        self._inbox.put_nowait(Heard(pbx, FetchRequested(self._now(), channel_id, call.linkedid)))
        await actions.originate(
            self._links[pbx],
            channel=plan.channel.format(extension=extension),
            exten=slot,
            context=plan.transfer,
            caller_id=slot,
            channel_id=channel_id,
            other_channel_id=f"{channel_id}-2",
            timeout_s=FETCH_S,
        )
        self._later(self._tell_unless_fetched(call, user_id, extension))
        return slot

    async def _tell_unless_fetched(self, call: Call, user_id: int, extension: str) -> None:
        try:
            await self._until(
                call, lambda c: extension in c.talking or c.parked is None, "", within_s=FETCH_S + 1
            )
        except Conflict:
            text = "Your phone was not picked up; the customer is still parked."
            self._desks.notice(user_id, "warning", text)

    # --- keys, recording ----------------------------------------------------------------------------------

    async def _keys(self, grip: Grip, act: Act) -> str:
        _must_talk(grip)
        await actions.play_dtmf(grip.link, grip.customer.name, act.digits)
        return str(len(act.digits))  # never which: it may be a card number or a PIN

    async def _pause(self, grip: Grip, act: Act) -> None:
        if self._desks.pause_of(grip.call.id) is not None:
            raise Conflict("The recording is paused already.")
        if not await self._mute(grip.call, muted=True):
            raise Conflict("This call is not being recorded, so there is nothing to pause.")
        self._desks.recording_paused(grip.call.id, Pause(grip.user_id, self._now()))

    async def _resume_recording(self, grip: Grip, act: Act) -> None:
        if self._desks.pause_of(grip.call.id) is None:
            raise Conflict("The recording is not paused.")
        await self._sound_again(grip.call, grip.user_id)

    async def _mute(self, call: Call, *, muted: bool) -> int:
        """Mute every recording of the call, whichever channel it runs on; how many there are."""
        link = self._links[call.pbx]
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
                said, _ = self._muted.pop((call.pbx, channel.name))
            count += said is muted
        return count

    async def _sound_again(self, call: Call, user_id: int | None) -> None:
        """End a pause, if there is one: asked for, or by itself before somebody else gets the call."""
        if self._desks.pause_of(call.id) is None:
            return
        await self._mute(call, muted=False)
        self._pause_over(call.id, user_id)

    def _pause_over(self, call_id: UUID, user_id: int | None) -> None:
        self._desks.recording_paused(call_id, None)
        self._scribe.pause_ended(call_id, user_id, self._now())

    def _follow_pause(self, call: Call) -> None:
        """A pause ends with the call, and when somebody else talks with the customer than who asked for it."""
        pause = self._desks.pause_of(call.id)
        if pause is None:
            return
        if call.ended_at is not None:
            self._pause_over(call.id, None)
            return
        people = [self._desks.directory.operator_at(call.pbx, extension) for extension in call.talking]
        asker_talks = any(p is not None and p.id == pause.user_id for p in people)
        if call.state is CallState.TALKING and people and not asker_talks:
            self._desks.recording_paused(call.id, None)
            self._later(self._sound_after_transfer(call))

    async def _sound_after_transfer(self, call: Call) -> None:
        with _said():
            await self._mute(call, muted=False)
        self._scribe.pause_ended(call.id, None, self._now())

    def _follow_parking(self, call: Call) -> None:
        """Everybody may fetch who is parked, so everybody is told."""
        slot = call.parked if call.ended_at is None else None
        known = self._parked.get(call.id)
        if (known["slot"] if known else None) == slot:
            return
        self._parked.pop(call.id, None)
        if slot is not None:
            number = self._scribe.number_of(call)
            last = next((t for t in reversed(call.transfers) if t.kind == "park"), None)
            by = self._desks.directory.operator_at(call.pbx, last.sender) if last else None
            self._parked[call.id] = {
                "id": str(call.id),
                "slot": slot,
                "who": call.remote_name or number.display,
                "by": by.name if by else (last.sender if last else None),
                "at": (last.at if last else self._now()).isoformat(),
            }
        self._desks.use_parked(list(self._parked.values()))

    # --- consultations that end by themselves -------------------------------------------------------------

    def _follow_consult(self, call: Call) -> None:
        now, before = consult_of(call), self._consults.pop(call.id, None)
        if now is not None:
            self._consults[call.id] = now
            if now.stage is Stage.HOLD and not any(c.kind is Kind.TRUNK for c in call.live_channels):
                self._later(self._end_empty_hold(call))
        elif before is not None and before.stage is not Stage.HOLD:
            self._tell_end_of_consult(call, before)

    def _tell_end_of_consult(self, call: Call, consult: Consult) -> None:
        settled = call.id in self._settled
        self._settled.discard(call.id)
        if settled or call.ended_at is not None:
            return
        colleague = self._desks.directory.operator_at(call.pbx, consult.target)
        who = colleague.name if colleague else consult.target
        for extension in call.talking:
            operator = self._desks.directory.operator_at(call.pbx, extension)
            if operator is not None and operator is not colleague:
                text = f"{who} {_why(consult)}. The customer is back with you."
                self._desks.notice(operator.id, "warning", text)

    async def _end_empty_hold(self, call: Call) -> None:
        """The customer hung up on hold: the operator would listen to an empty room."""
        own = [c for c in call.live_channels if c.extension is not None]
        for channel in own:
            try:
                await actions.hang_up(self._links[call.pbx], channel.name)
            except (ActionRefused, LinkLost, ActionTimeout) as error:
                log.info("an empty hold not ended", call=str(call.id), error=repr(error))

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("left undone", error=repr(error)[:200])


ENDED = {"busy": "is busy", "no_answer": "did not answer", "unavailable": "can not be reached"}


def _why(consult: Consult) -> str:
    """How a consultation ended that nobody ended from here."""
    if consult.stage is Stage.TALKING:
        return "hung up"
    return ENDED.get(consult.reason or "no_answer", "did not answer")


@contextmanager
def _said() -> Any:
    """What the switchboard refused, in words for the operator."""
    try:
        yield
    except ActionRefused as error:
        raise Conflict(f"The switchboard refused: {error.message}") from error
    except (LinkLost, ActionTimeout) as error:
        raise Conflict(LINK_DOWN) from error
    except ValueError as error:
        raise Conflict(str(error)) from error


def _count(item: Mapping[str, str], name: str) -> int:
    text = item.get(name, "")
    return int(text) if text.isdigit() else 0


def _wanted(act: Act) -> str | None:
    if act.target is None:
        return None
    return act.target.to or act.target.queue or str(act.target.user_id)


def _stage(call: Call) -> Stage | None:
    consult = consult_of(call)
    return consult.stage if consult else None


def _with_customer(call: Call) -> bool:
    consult = consult_of(call)
    return consult is not None and consult.with_customer


def _must_talk(grip: Grip) -> None:
    if _stage(grip.call) is Stage.HOLD:
        raise Conflict("The customer is on hold. Take him back first.")
    if _stage(grip.call) is not None:
        raise Conflict("You are asking somebody already. Connect the customer or go back to him first.")


def _asked(grip: Grip, *, talking: bool = False) -> Consult:
    consult = consult_of(grip.call)
    if consult is None or consult.stage is Stage.HOLD:
        raise Conflict("Nobody is being asked.")
    if talking and consult.stage is not Stage.TALKING:
        raise Conflict("Nobody has answered yet.")
    return consult
