"""What stands on each operator's desk: the calls that concern him now, each with its card.

In:      calls as they change (from the floor), cards as they are read (from the database)
Out:     messages of the push protocol to whoever has the desk open; a snapshot for whoever opens it
Source:  design.md section 5. Browsers get state, not events, so a lost message can not leave a ghost.

The pop waits for one query and never for a write. When the database does not answer within `PATIENCE_S`
the call is shown without its card, which follows as soon as it can be read.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from callcenter.agents import Agents
from callcenter.call import Call, CallState, Direction, EndedBy, LegResult
from callcenter.directory import EMPTY, Directory
from callcenter.errand import Errand
from callcenter.handling import Pause, handling
from callcenter.places import DeskState, describe, places
from crm_core.phone import Number

log = structlog.get_logger(__name__)

PATIENCE_S = 0.25
RETRY_S = 1.0
TOLD_AT_ONCE = 10
"""Desks; between them comes what is in a hurry: three hundred in one go hold up a card for 50 ms."""

Message = dict[str, Any]
Send = Callable[[Message], None]
Card = dict[str, Any]


@dataclass
class Entry:
    """One live or unfinished call with what is shown of it."""

    call: Call
    number: Number
    errand: Errand | None = None
    card: Card | None = None
    stale: bool = False  # the card was read before the last change
    reading: asyncio.Task[None] | None = None
    places: dict[int, DeskState] = field(default_factory=dict)
    sent_to: dict[int, DeskState] = field(default_factory=dict)  # whose browsers have been told, and what
    left: set[int] = field(default_factory=set)  # who does not want to watch it


class Desks:
    """All desks. Everything here runs in the event loop; nothing here waits for the database."""

    def __init__(
        self,
        *,
        agents: Agents,
        read_card: Callable[[Call, Number], Awaitable[Card]],
        number_of: Callable[[Call], Number],
        carrier_of: Callable[[Number], str | None] = lambda number: None,
        now: Callable[[], datetime],
        popped: Callable[[Call, int, datetime, Sequence[Card]], None],
        shown: Callable[[UUID, int, datetime], None],
    ) -> None:
        self.directory: Directory = EMPTY
        self.card_read: Callable[[UUID], None] = lambda call_id: None  # told when one was read
        self._agents = agents
        agents.listen(self._tell, self._tell_all)
        self._read_card = read_card
        self.number_of = number_of
        self._carrier_of = carrier_of
        self._now = now
        self._popped = popped
        self._shown = shown
        self._entries: dict[UUID, Entry] = {}
        self._listeners: dict[int, set[Send]] = {}
        self._links: list[Message] = []
        self._pauses: dict[UUID, Pause] = {}  # calls whose recording is silent now
        self._heard_by: dict[UUID, list[Message]] = {}  # by call: who listens
        self._listening: dict[int, Message] = {}  # by user: to which call
        self._parked: list[Message] = []
        self._pop_settings: Mapping[int, Message] = {}  # by user; who is not in it has said nothing
        self._calling: dict[str, Message] = {}  # by call: who calls a customer that others may want to call

    # --- from the floor ---------------------------------------------------------------------------------

    def changed(self, call: Call, errand: Errand | None) -> None:
        """A call took a step: tell whoever it concerns now, and whoever it does not concern any more."""
        entry = self._entries.get(call.id)
        if entry is None:
            if call.state is CallState.ENDED and call.result is None:
                return
            entry = self._entries[call.id] = Entry(call=call, number=self.number_of(call), errand=errand)
            if call.direction is Direction.INBOUND and call.state is not CallState.ENDED:
                self._read(entry)  # while he hears music, so that the card is there when a phone rings
        if entry.call.remote_number != call.remote_number:
            entry.number, entry.stale = self.number_of(call), True
        entry.call = call
        self._settle(entry, self._places(entry))

    def forget(self, call_id: UUID, reason: str) -> None:
        """The call is finished with (outcome given, dismissed, merged): it leaves every desk."""
        entry = self._entries.get(call_id)
        if entry is not None:
            self._settle(entry, {}, reason)

    def rename(self, old: UUID, call: Call) -> None:
        """Two calls turned out to be one: what was asked for goes with the older one."""
        swallowed = self._entries.get(old)
        kept = self._entries.get(call.id)
        if swallowed is not None and kept is not None and kept.errand is None:
            kept.errand = swallowed.errand
        self.forget(old, "merged")

    def card_changed(self, call_id: UUID) -> None:
        """Something on the card was changed: read it again and show it."""
        entry = self._entries.get(call_id)
        if entry is not None:
            entry.stale = True
            self._read(entry)

    def customer_changed(self, customer_id: int) -> None:
        """A customer, or an order of his, was changed: every card that shows him is read again."""
        for entry in list(self._entries.values()):
            if entry.card is not None and _shows(entry.card, customer_id):
                self.card_changed(entry.call.id)

    def number_changed(self, e164: str) -> None:
        """Something is known about this number that was not: cards of calls from it are read again."""
        for entry in list(self._entries.values()):
            if entry.number.e164 == e164:
                self.card_changed(entry.call.id)

    def use_directory(self, directory: Directory) -> None:
        """Phones or lines were given to others."""
        self.directory = directory
        for entry in list(self._entries.values()):
            self._settle(entry, self._places(entry))

    def use_links(self, links: list[Message]) -> None:
        """The link to a switchboard came or went: said on every desk."""
        self._links = links
        self._tell_all({"type": "pbx", "pbx": links})

    def recording_paused(self, call_id: UUID, pause: Pause | None) -> None:
        """The recording of a call is silent, or (None) goes on: shown on its card."""
        if pause is None:
            self._pauses.pop(call_id, None)
        else:
            self._pauses[call_id] = pause
        if entry := self._entries.get(call_id):
            self._show_all(entry)

    def pause_of(self, call_id: UUID) -> Pause | None:
        """The pause of a call's recording, None while it runs."""
        return self._pauses.get(call_id)

    def moved(self, old: UUID, new: UUID) -> None:
        """The call is known by another id from now on."""
        if old in self._pauses:
            self._pauses[new] = self._pauses.pop(old)
        if old in self._heard_by:
            self._heard_by[new] = self._heard_by.pop(old)

    def listened(self, call_id: UUID, by: list[Message]) -> None:
        """Who listens to a call and in which mode, as its operator sees it on the card."""
        if self._heard_by.pop(call_id, []) == by:
            if by:
                self._heard_by[call_id] = by
            return
        if by:
            self._heard_by[call_id] = by
        if entry := self._entries.get(call_id):
            self._show_all(entry)

    def listening(self, user_id: int, now: Message | None) -> None:
        """To which call somebody listens now: said on all his pages."""
        if now is None:
            self._listening.pop(user_id, None)
        else:
            self._listening[user_id] = now
        self._tell(user_id, {"type": "listening", "listening": now})

    def use_parked(self, parked: list[Message]) -> None:
        """Somebody was parked or fetched: every desk may fetch him."""
        self._parked = parked
        self._tell_all({"type": "parked", "parked": parked})

    def use_calling(self, call_id: str, by: Message | None, callback_ids: list[int]) -> None:
        """Somebody began to call a customer, or (None) is through: said wherever a callback of his is listed."""
        if by is None:
            self._calling.pop(call_id, None)
        elif callback_ids:
            self._calling[call_id] = {"id": call_id, "by": by, "callback_ids": callback_ids}
        self._tell_all({"type": "calling", "calling": list(self._calling.values())})

    def stock_moved(self, product_ids: list[int]) -> None:
        """Few are left of these, or somebody holds the last ones: whoever sells them looks again."""
        self._tell_all({"type": "stock", "product_ids": product_ids})

    def use_pop_settings(self, settings: Mapping[int, Message]) -> None:
        """How each one wants his cards; whoever wants something else than before is told in all his tabs."""
        before, self._pop_settings = self._pop_settings, settings
        for user_id, wanted in settings.items():
            if before.get(user_id) != wanted:
                self._tell(user_id, {"type": "pop", "pop": wanted})

    def panels_changed(self) -> None:
        """The administrator put another panel beside the card, or took one away: desks read them again."""
        self._tell_all({"type": "panels"})

    # --- from browsers ----------------------------------------------------------------------------------

    def snapshot(self, user_id: int) -> Message:
        """Everything on this desk now."""
        for entry in self.of(user_id):
            self._mark_sent(entry, user_id)
        return {
            "type": "snapshot",
            **self.look(user_id),
            "pbx": self._links,
            "colleagues": self._agents.colleagues(),
            "parked": self._parked,
            "calling": list(self._calling.values()),
            "pop": self._pop_settings.get(user_id),
            "listening": self._listening.get(user_id),
            "server_time": self._now().isoformat(),
        }

    def look(self, user_id: int) -> Message:
        """The calls on this desk and what its operator is doing."""
        calls = [{"call": self._describe(entry, user_id), "card": entry.card} for entry in self.of(user_id)]
        return {"calls": calls, "agent": self._agents.describe(user_id)}

    def describe(self, call_id: UUID) -> Message | None:
        """One call as its first operator sees it; None when it is on no desk."""
        entry = self._entries.get(call_id)
        if entry is None or not entry.places:
            return None
        return self._describe(entry, next(iter(entry.places)))

    def subscribe(self, user_id: int, send: Send) -> Callable[[], None]:
        """Send this desk's changes to `send` until the returned function is called."""
        listeners = self._listeners.setdefault(user_id, set())
        listeners.add(send)

        def leave() -> None:
            listeners.discard(send)
            if not listeners and self._listeners.get(user_id) is listeners:
                del self._listeners[user_id]

        return leave

    def shown(self, user_id: int, call_id: UUID) -> None:
        """The browser says that the card is on the screen."""
        entry = self._entries.get(call_id)
        if entry is not None and user_id in entry.sent_to:
            self._shown(call_id, user_id, self._now())

    def leave(self, user_id: int, call_id: UUID) -> None:
        """Who handed a call on does not want to watch it any more; nothing else leaves a desk so."""
        entry = self._entries.get(call_id)
        if entry is not None and entry.places.get(user_id) is DeskState.WATCHING:
            entry.left.add(user_id)
            self._settle(entry, self._places(entry))

    def notice(self, user_id: int, level: str, text: str, address: str | None = None) -> None:
        """A sentence for one operator; `address` is the page it is about."""
        self._tell(user_id, {"type": "notice", "level": level, "text": text, "address": address})

    def remind(self, user_id: int, callback: Message) -> None:
        """A callback of this operator is due."""
        self._tell(user_id, {"type": "reminder", "callback": callback})

    def close(self) -> None:
        """Stop reading cards."""
        self._agents.close()
        for entry in self._entries.values():
            if entry.reading is not None:
                entry.reading.cancel()

    def watched(self, pbx: str, extension: str) -> bool:
        """Whether somebody has the desk of this phone open."""
        operator = self.directory.operator_at(pbx, extension)
        return operator is not None and operator.id in self._listeners

    def find(self, call_id: UUID) -> Entry | None:
        """The entry of a call that is on some desk."""
        return self._entries.get(call_id)

    def ended_before(self, instant: datetime) -> list[UUID]:
        """Calls on some desk that were over before `instant`."""
        entries = self._entries.values()
        return [entry.call.id for entry in entries if entry.call.ended_at and entry.call.ended_at < instant]

    def of(self, user_id: int) -> list[Entry]:
        """The calls on one desk."""
        return [entry for entry in self._entries.values() if user_id in entry.places]

    # --- inside -----------------------------------------------------------------------------------------

    def _places(self, entry: Entry) -> dict[int, DeskState]:
        found = places(entry.call, self.directory, entry.errand)
        entry.left -= {user_id for user_id, state in found.items() if state is not DeskState.WATCHING}
        return {user_id: state for user_id, state in found.items() if user_id not in entry.left}

    def _settle(self, entry: Entry, now_on: dict[int, DeskState], reason: str | None = None) -> None:
        before, entry.places = entry.places, now_on
        for user_id in before.keys() - now_on.keys():
            watched = before[user_id] is DeskState.WATCHING
            self._take_away(entry, user_id, reason or ("ended" if watched else _why_gone(entry.call)))
        if now_on and (entry.card is None or entry.stale):
            self._read(entry)
        if entry.card is not None:
            for user_id in now_on:
                self._show(entry, user_id)
        if not now_on and (reason is not None or entry.call.state is CallState.ENDED):
            self._drop(entry)

    def _drop(self, entry: Entry) -> None:
        if entry.reading is not None:
            entry.reading.cancel()
        self._entries.pop(entry.call.id, None)

    def _take_away(self, entry: Entry, user_id: int, reason: str) -> None:
        entry.sent_to.pop(user_id, None)
        taker = self.directory.operator_at(
            entry.call.pbx, entry.call.operator or next(iter(entry.call.picked_up), None)
        )
        by = {"id": taker.id, "name": taker.name} if taker and reason == "answered_elsewhere" else None
        self._tell(user_id, {"type": "call_gone", "id": str(entry.call.id), "reason": reason, "by": by})

    def _show(self, entry: Entry, user_id: int) -> None:
        self._tell(user_id, {"type": "call", "call": self._describe(entry, user_id), "card": entry.card})
        if user_id in self._listeners:
            self._mark_sent(entry, user_id)

    def _mark_sent(self, entry: Entry, user_id: int) -> None:
        state = entry.places[user_id]
        if entry.sent_to.get(user_id) is None and state is not DeskState.WATCHING:
            self._popped(entry.call, user_id, self._now(), (entry.card or {}).get("forecast", ()))
        entry.sent_to[user_id] = state

    def _describe(self, entry: Entry, user_id: int) -> Message:
        heard_by = self._heard_by.get(entry.call.id, [])
        return describe(
            entry.call,
            entry.places[user_id],
            number=entry.number,
            directory=self.directory,
            errand=entry.errand,
            carrier=self._carrier_of(entry.number),
        ) | {"control": handling(entry.call, self._pauses.get(entry.call.id), self.directory, heard_by)}

    def _read(self, entry: Entry) -> None:
        if entry.reading is None or entry.reading.done():
            entry.stale = False
            entry.reading = asyncio.create_task(self._read_until_fresh(entry), name=f"card {entry.call.id}")

    async def _read_until_fresh(self, entry: Entry) -> None:
        failed = False
        while True:
            entry.stale = False
            reading = asyncio.ensure_future(self._read_card(entry.call, entry.number))
            done, _ = await asyncio.wait({reading}, timeout=PATIENCE_S)
            if not done and entry.card is None:
                self._show_all(entry)  # better a name and a number now than a full card too late
            try:
                entry.card = await reading
            except Exception as error:
                if not failed:
                    failed = True  # a connection may have died in its pool: the next one is new
                    continue
                # Whatever keeps the card away (a database that restarts, a query cut off), the call goes on.
                log.warning("card not read", call=str(entry.call.id), error=repr(error)[:200])
                self._show_all(entry)
                await asyncio.sleep(RETRY_S)
                continue
            self._show_all(entry)
            self.card_read(entry.call.id)
            if not entry.stale:
                return

    def _show_all(self, entry: Entry) -> None:
        for user_id in list(entry.places):
            self._show(entry, user_id)

    def _tell_all(self, message: Message) -> None:
        self._tell_some(message, tuple(self._listeners))

    def _tell_some(self, message: Message, user_ids: tuple[int, ...]) -> None:
        for user_id in user_ids[:TOLD_AT_ONCE]:
            self._tell(user_id, message)
        if rest := user_ids[TOLD_AT_ONCE:]:
            asyncio.get_running_loop().call_soon(self._tell_some, message, rest)

    def _tell(self, user_id: int, message: Message) -> None:
        for send in tuple(self._listeners.get(user_id, ())):
            send(message)


def _shows(card: Mapping[str, Any], customer_id: int) -> bool:
    customer = card.get("customer")
    if customer and customer["id"] == customer_id:
        return True
    return any(candidate["id"] == customer_id for candidate in card.get("candidates", ()))


def _why_gone(call: Call) -> str:
    """Why a call left a desk on which it rang: what the push protocol calls `reason`."""
    if call.talks:
        return "answered_elsewhere" if call.state is not CallState.ENDED or call.operator else "ended"
    if call.state is CallState.ENDED or call.hanger is EndedBy.REMOTE:
        return "abandoned"  # phones stop to ring before the caller's own channel is gone
    if call.picked_up:
        return "answered_elsewhere"
    if any(leg.result is LegResult.DECLINED for leg in call.legs):
        return "declined"
    return "rang_elsewhere"
