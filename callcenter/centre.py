"""The running call centre: what the floor moves, what desks show, what the web asks for.

Performs the effects of each step: the desks are told at once, the row is written beside it. Everything that
reads or writes the database is a task of its own, so that a pop never waits for a write.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from asterisk.ami import Link, LinkState, LinkStatus
from asterisk.events import Event
from callcenter import baton
from callcenter.agents import Agents
from callcenter.alone import alone, may_be_called
from callcenter.call import Call, CallState
from callcenter.clicktocall import Dialler
from callcenter.control import Act, Control
from callcenter.desks import Desks, Message, Send
from callcenter.directory import load_directory
from callcenter.duty import Duty
from callcenter.errand import Errand
from callcenter.links import Target
from callcenter.overview import Overview
from callcenter.overview.asking import what_if
from callcenter.places import DeskState
from callcenter.scribe import Scribe
from callcenter.shift_book import ShiftBook
from callcenter.shown_line import LineNeeded, named_line, occasion_of, shown_line
from callcenter.tracker import Change
from crm_core import (
    dial_lock,
    hold,
    listening,
    notice,
    panel,
    pause_reason,
    pop_setting,
    reminder,
    wrap_up_rule,
)
from crm_core.db import Database
from crm_core.listening import Mode
from crm_core.outage import is_outage
from crm_core.pop_setting import load_pop_settings

log = structlog.get_logger(__name__)

DIRECTORY_TOPICS = frozenset({"user", "line", "shop"})
SETUP_TOPICS = frozenset({pause_reason.TOPIC, wrap_up_rule.TOPIC})
LOOK_EVERY_S = 30.0
AGAIN_S = 2.0


class Centre:
    """One per process that is attached to switchboards."""

    def __init__(
        self,
        *,
        db: Database,
        desks: Desks,
        scribe: Scribe,
        dialler: Dialler,
        agents: Agents,
        duty: Duty,
        book: ShiftBook,
        links: Mapping[str, Link],
        now: Callable[[], datetime],
        live: dict[UUID, Call],
        control: Control,
        overview: Overview,
        call_ended: Callable[[Call], None] = lambda call: None,
    ) -> None:
        self._db = db
        self._desks = desks
        self._scribe = scribe
        self._dialler = dialler
        self._agents = agents
        self._book = book
        self.duty = duty
        self._links = links
        self._now = now
        self._call_ended = call_ended
        self._errands: dict[UUID, Errand] = {}
        self._live = live
        self._control = control
        self.overview = overview
        self._directory_news = asyncio.Event()
        self._said: dict[tuple[UUID, int], str] = {}  # lines to whoever gets a call that is being transferred

    # --- what the floor moves ---------------------------------------------------------------------------

    def call_changed(self, change: Change) -> None:
        """One step of one call."""
        call = change.after
        before = change.before
        if before is not None and before.id != call.id:
            self._take_over(before, call)
        if call.merged_into is not None:
            self._swallowed(call)
            return
        errand = self._errands.get(call.id)
        self._scribe.keep(call, errand)  # first: whatever may be wrong with a desk, the call is written
        self._desks.changed(call, errand)
        self._agents.call_changed(call, errand)
        for step in baton.steps(before, call, self._desks.directory):
            self._hand_on(call, step)
        if call.state is CallState.ENDED:
            self._live.pop(call.id, None)
            self._errands.pop(call.id, None)
            self._call_ended(call)
        else:
            self._live[call.id] = call
        self._control.changed(call)
        self.overview.call_changed(call)

    def _hand_on(self, call: Call, step: baton.Step) -> None:
        """The call goes from one to the next: what belongs to it follows, and then its card is read again."""
        said = self._said.get((call.id, step.giver)) if isinstance(step, baton.Offered) else None
        self._scribe.baton(call.id, step, self._now(), said, self._desks.card_changed)

    def _take_over(self, before: Call, after: Call) -> None:
        """The call is known by an older linkedid from now on."""
        self._live.pop(before.id, None)
        self._agents.call_forgotten(before.id)
        self.overview.call_forgotten(before.id)
        if before.id in self._errands:
            self._errands.setdefault(after.id, self._errands.pop(before.id))
        self._desks.rename(before.id, after)
        self._control.renamed(before.id, after)
        self._scribe.merge(before.id, after, self._errands.get(after.id))

    def _swallowed(self, call: Call) -> None:
        self._live.pop(call.id, None)
        self._agents.call_forgotten(call.id)
        self.overview.call_forgotten(call.id)
        kept = next(
            (c for c in self._live.values() if call.merged_into in c.linkedids and c.pbx == call.pbx), None
        )
        self._errands.pop(call.id, None)
        if kept is None:
            self._desks.forget(call.id, "merged")
            return
        self._desks.rename(call.id, kept)
        self._control.renamed(call.id, kept)
        self._scribe.merge(call.id, kept, self._errands.get(kept.id))

    def event_heard(self, pbx: str, event: Event) -> None:
        """One event, after the calls have taken it."""
        self._agents.heard(pbx, event)
        self._control.heard(pbx, event)

    def take_up(self, call: Call, errand: Errand | None) -> None:
        """A call of an earlier process: open, or over and still without an outcome."""
        if errand is not None and call.state is not CallState.ENDED:
            self._errands[call.id] = errand
        if call.state is not CallState.ENDED:
            self._live[call.id] = call
            self._agents.call_changed(call, errand)
        self._desks.changed(call, errand)
        if call.state is not CallState.ENDED:
            self.overview.call_changed(call)

    async def let_go_of_old_wrap_ups(self, after: timedelta) -> None:
        """For ever: a call that got no outcome leaves the desk at last; what was typed stays with the call."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            for call_id in self._desks.ended_before(self._now() - after):
                self._desks.forget(call_id, "timed_out")

    def errand(self, call_id: UUID) -> Errand | None:
        """What a live call was started from."""
        return self._errands.get(call_id)

    def link_changed(self, _: LinkStatus | None) -> None:
        """The link to a switchboard came or went."""
        self._desks.use_links([_said(link.status) for link in self._links.values()])

    async def reload_directory(self) -> None:
        """Read again who sits where; called at start and when people, phones or lines are changed."""
        async with self._db.begin() as session:
            directory = await load_directory(session)
        self._agents.use_directory(directory)
        self._desks.use_directory(directory)
        self._scribe.directory = directory
        self.overview.directory_changed()

    async def keep_directory(self) -> None:
        """For ever: read it again when something in it was changed, once for all that changed meanwhile."""
        while True:
            await self._directory_news.wait()
            self._directory_news.clear()
            try:
                await self.reload_directory()
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("directory not read, the database is away", error=type(error).__name__)
                self._directory_news.set()
                await asyncio.sleep(AGAIN_S)

    async def reload_pop_settings(self) -> None:
        """Read again how everybody wants his cards; called at start and when somebody changed his mind."""
        async with self._db.begin() as session:
            settings = await load_pop_settings(session)
        self._desks.use_pop_settings({user_id: wanted.told() for user_id, wanted in settings.items()})

    async def reload_listening_rule(self) -> None:
        """Read again whether operators see who listens."""
        async with self._db.begin() as session:
            self._control.listening.told = await listening.operators_told(session)

    async def heard(self, topic: str, payload: Mapping[str, Any]) -> None:
        """News of the outbox: somebody changed something that a card or the directory shows."""
        if topic in DIRECTORY_TOPICS:
            self._directory_news.set()
        if topic == pop_setting.TOPIC:
            await self.reload_pop_settings()
        if topic == panel.TOPIC:
            self._desks.panels_changed()
        if topic in SETUP_TOPICS:
            self._agents.use_setup(await self._book.setup())
        if topic == listening.TOPIC:
            await self.reload_listening_rule()
        if topic == notice.TOPIC:
            for user_id in payload["user_ids"]:
                self._desks.notice(user_id, payload["level"], payload["text"], payload["address"])
        if topic == dial_lock.TOPIC:
            self._desks.use_calling(payload["id"], payload["by"], payload["callback_ids"])
            return
        if topic == reminder.TOPIC:
            for user_id in payload["user_ids"]:
                self._desks.remind(user_id, payload["callback"])
            return
        if topic == "order":
            self.overview.book.order_changed(int(payload["id"]))
        if topic == hold.TOPIC:
            self._desks.stock_moved(payload["product_ids"])
        if topic == "call":
            return  # every step of a call is news too; who edits one says so through `desk_changed`
        if call_id := payload.get("call_id"):
            self._desks.card_changed(UUID(str(call_id)))
        if customer_id := payload.get("id" if topic == "customer" else "customer_id"):
            self._desks.customer_changed(int(customer_id))
        elif topic == "site" and (e164 := payload.get("e164")):
            self._desks.number_changed(str(e164))

    # --- what desks show (web.push.DeskSource) ----------------------------------------------------------

    def snapshot(self, user_id: int) -> Message:
        return self._desks.snapshot(user_id)

    def subscribe(self, user_id: int, send: Send) -> Callable[[], None]:
        return self._desks.subscribe(user_id, send)

    def shown(self, user_id: int, call_id: UUID) -> None:
        self._desks.shown(user_id, call_id)

    def leave(self, user_id: int, call_id: UUID) -> None:
        self._desks.leave(user_id, call_id)

    # --- what the web asks for (web.services.Live) ------------------------------------------------------

    def links(self) -> Sequence[LinkStatus]:
        """The state of every switchboard's link."""
        return [link.status for link in self._links.values()]

    async def dial(
        self,
        user_id: int,
        to: str,
        *,
        customer_id: int | None = None,
        order_id: int | None = None,
        deal_id: int | None = None,
        callback_id: int | None = None,
        line: str | None = None,
        ask_line: bool = False,
        anyway: bool = False,
    ) -> UUID:
        """Start a click-to-call; returns the call's id while the phone begins to ring.

        `ask_line`: raise `LineNeeded` where somebody must say which line the customer shall see; otherwise the
        switchboard's own number is shown then. Raises `Invalid` for a number that is none and for a line that is
        not ours, `Conflict` when nothing can be dialled from this desk now or a colleague is with this customer,
        `DialRefused` (unless `anyway`) for somebody who is not to be called now.
        """
        number = self._dialler.number(to)
        pbx, _ = self._phone_of(user_id)
        errand = Errand(
            user_id=user_id,
            number=number,
            customer_id=customer_id,
            target=Target(order_id=order_id, deal_id=deal_id) if order_id or deal_id else None,
            callback_id=callback_id,
        )
        shown = await self._line(pbx, errand, line, ask=ask_line, anyway=anyway)
        named = self._dialler.name_call(self._phone_of(user_id))
        async with alone(self._db, errand, named.call_id, self._now(), anyway=anyway):
            self._phone_of(user_id)  # again: a second click may have come meanwhile
            return self._dialler.start(
                named, errand, lambda call: self._errands.__setitem__(call, errand), shown
            )

    def _phone_of(self, user_id: int) -> tuple[str, str]:
        """The phone to ring first. Raises `Conflict` when this operator can not dial now."""
        states = [entry.places[user_id] for entry in self._desks.of(user_id)]
        if any(each.user_id == user_id and call not in self._live for call, each in self._errands.items()):
            states.append(DeskState.DIALLING)  # clicked a moment ago; a double click dials once
        return self._dialler.phone_of(self._desks.directory.operators.get(user_id), states)

    async def _line(
        self, pbx: str, errand: Errand, named: str | None, *, ask: bool, anyway: bool
    ) -> str | None:
        """The number the customer shall see; None: the switchboard's own."""
        lines = self._desks.directory.lines_of(pbx)
        operator = self._desks.directory.operators.get(errand.user_id)
        own = operator.line_id if operator else None
        try:
            async with self._db.begin() as session:
                about = await occasion_of(session, errand, own)
                if ask and not anyway:  # nobody chooses a line for a call that is refused then
                    await may_be_called(session, errand, self._now())
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("dialling without a line: the database is away", error=type(error).__name__)
            return named
        if named is not None:
            return named_line(lines, named, about.shop_id)
        try:
            found = shown_line(lines, about)
        except LineNeeded:
            if ask:
                raise
            return None
        return found.number if found else None

    async def act(self, call_id: UUID, user_id: int, act: Act, *, anybody: bool = False) -> None:
        """Do something with a live call (`callcenter.control`); returns when it has really happened."""
        if act.said:
            self._said[call_id, user_id] = act.said
        try:
            await self._control.act(call_id, user_id, act, anybody=anybody)
        finally:
            self._said.pop((call_id, user_id), None)

    async def listen(self, call_id: UUID, user_id: int, mode: Mode, *, whose: frozenset[int] | None) -> None:
        """His telephone rings and then hears a colleague's call (`callcenter.control.listening`)."""
        await self._control.listening.listen(call_id, user_id, mode, whose)

    async def take_over(self, call_id: UUID, user_id: int, *, whose: frozenset[int] | None) -> None:
        """A colleague's customer is his, and the colleague is let go."""
        await self._control.listening.take_over(call_id, user_id, whose)

    async def stop_listening(self, call_id: UUID, user_id: int) -> None:
        """He hears it no more."""
        await self._control.listening.leave(call_id, user_id)

    async def queues(self, call_id: UUID) -> Sequence[Mapping[str, Any]]:
        """The queues of the switchboard that has this call, with how many wait; empty when it can not say."""
        return await self._control.queues(call_id)

    def live_call(self, call_id: UUID) -> Mapping[str, Any] | None:
        """The call as pushed to desks; None when it is on none."""
        return self._desks.describe(call_id)

    def desk(self, user_id: int) -> Mapping[str, Any]:
        """The state of one desk, without telling it that it was shown."""
        return self._desks.look(user_id)

    def colleagues(self) -> Sequence[Mapping[str, Any]]:
        """Everybody with a telephone: id, name, state, since, reason, phones (pbx, extension, device)."""
        return self._agents.colleagues()

    async def what_if(self, user_id: int, minutes: int) -> Mapping[str, Any]:
        """What becomes of the service level of the next minutes without this operator. `NotFound`, `Conflict`."""
        return await what_if(self.overview, self._agents, self._db, user_id, minutes, self._now())

    async def desk_changed(self, call_id: UUID) -> None:
        """Something on the card of this call was changed: read it again and push it."""
        self._desks.card_changed(call_id)

    async def finish(self, call_id: UUID) -> None:
        """The outcome was given: a call that is over leaves the desks, and its wrap-up ends."""
        self._agents.outcome_given(call_id)
        entry = self._desks.find(call_id)
        if entry is not None and entry.call.state is CallState.ENDED:
            self._desks.forget(call_id, "finished")

    @property
    def connected(self) -> bool:
        """Whether every switchboard is attached."""
        return all(link.status.state is LinkState.CONNECTED for link in self._links.values())


def _said(status: LinkStatus) -> Message:
    return {
        "pbx": status.pbx,
        "state": status.state,
        "since": status.since.isoformat(),
        "detail": status.detail,
        "delayed": status.delayed,
    }
