"""Hands the recorder what must be written about calls and pops.

Everything returns at once; the recorder writes it in order, and again until the database took it.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any
from uuid import UUID

import structlog

from callcenter.baton import Offered, Step, Taken
from callcenter.call import Call, Direction, from_json, to_json
from callcenter.directory import EMPTY, Directory
from callcenter.errand import Errand, restored, stored
from callcenter.flight.recorder import Flight
from callcenter.numbers import Numbers
from callcenter.recorder import Job, Recorder
from callcenter.records import Entry, write
from crm_core import baton
from crm_core.call_act import ActKind, end_pause, note_act
from crm_core.call_record import merge_calls
from crm_core.db import Database
from crm_core.flight import keep_tape
from crm_core.forecast import keep_forecast
from crm_core.listening import Span, begin_span, end_span
from crm_core.phone import Number
from crm_core.pop import log_pop, log_shown
from recordings.roots import Roots

log = structlog.get_logger(__name__)

MOST_WAITING = 50_000  # jobs; beyond it what was said about calls (1 kB each) is let go, the calls are not


class Scribe:
    """Turns steps of calls into jobs for the recorder."""

    def __init__(
        self,
        db: Database,
        recorder: Recorder,
        numbers: Numbers,
        *,
        recordings: Roots,
        now: Callable[[], datetime],
    ) -> None:
        self.directory: Directory = EMPTY
        self._db = db
        self._recorder = recorder
        self._numbers = numbers
        self._recordings = recordings
        self._now = now
        self.linked: Callable[[UUID], None] = lambda call_id: (
            None
        )  # told when a write made links that a card shows

    def number_of(self, call: Call) -> Number:
        """The remote number of a call."""
        return self._numbers.of(call, self.directory)

    def keep(self, call: Call, errand: Errand | None) -> None:
        """A call took a step."""

        async def job() -> None:
            await self._write(call, errand)
            if call.ended_at is not None or (errand is not None and errand.target is not None):
                self.linked(call.id)

        self._recorder.keep(Job(key=call.id, spooled=partial(_spooled, call, errand), write=job))

    def merge(self, absorbed: UUID, survivor: Call, errand: Errand | None) -> None:
        """Two calls turned out to be one."""

        async def job() -> None:
            kept_as = await self._write(survivor, errand)
            async with self._db.begin() as session:
                await merge_calls(session, kept_as, absorbed)

        self._recorder.keep(Job(key=absorbed, spooled=partial(_spooled, survivor, errand), write=job))

    def popped(self, call: Call, user_id: int, at: datetime, forecast: Sequence[dict[str, Any]] = ()) -> None:
        """A card was sent to an operator (row P14), who read there why somebody probably calls (N3)."""
        extensions = [phone for pbx, phone in self.directory.operators[user_id].phones if pbx == call.pbx]
        rang = [leg for leg in call.legs if leg.extension in extensions and leg.rang_at is not None]
        leg = rang[-1] if rang else None

        async def job() -> None:
            async with self._db.begin() as session:
                await log_pop(
                    session,
                    call.id,
                    user_id,
                    extension=leg.extension if leg else None,
                    rang_at=leg.rang_at if leg else None,
                    sent_at=at,
                )
                if call.direction is Direction.INBOUND:
                    await keep_forecast(session, call.id, forecast, at=at)

        self._recorder.keep(Job(key=("pop", call.id, user_id, at), spooled=None, write=job))

    def baton(
        self, call_id: UUID, step: Step, at: datetime, said: str | None, done: Callable[[UUID], None]
    ) -> None:
        """The call goes from one operator to the next; `done` is told when that changed something."""

        async def job() -> None:
            async with self._db.begin() as session:
                match step:
                    case Offered(giver):
                        await baton.offer(session, call_id, giver, said=said, at=at)
                    case Taken(giver, taker):
                        if not await baton.take(session, call_id, giver=giver, taker=taker, at=at):
                            return
                    case _:
                        await baton.withdraw(session, call_id, step.giver)
            done(call_id)

        self._recorder.keep(Job(key=("baton", call_id, step, at), spooled=None, write=job))

    def shown(self, call_id: UUID, user_id: int, at: datetime) -> None:
        """The browser said that the card was on the screen."""

        async def job() -> None:
            async with self._db.begin() as session:
                await log_shown(session, call_id, user_id, at=at)

        self._recorder.keep(Job(key=("shown", call_id, user_id), spooled=None, write=job))

    def flown(self, flight: Flight) -> None:
        """What was said about a call is complete; after a long outage of the database there may be no room for it."""
        if self._recorder.backlog > MOST_WAITING:
            return

        async def job() -> None:
            row = await asyncio.to_thread(lambda: flight.row)
            async with self._db.begin() as session:
                await keep_tape(session, flight.call_id, **row)

        self._recorder.keep(Job(key=("flight", flight.call_id), spooled=None, write=job))

    def act(
        self,
        call_id: UUID,
        kind: ActKind,
        user_id: int,
        at: datetime,
        *,
        target: str | None = None,
        refused: str | None = None,
    ) -> None:
        """Somebody did something with a call, or tried to."""

        async def job() -> None:
            async with self._db.begin() as session:
                await note_act(session, call_id, kind, user_id=user_id, at=at, target=target, refused=refused)

        self._recorder.keep(Job(key=("act", call_id, kind, at), spooled=None, write=job))

    def pause_ended(self, call_id: UUID, user_id: int | None, at: datetime) -> None:
        """The recording of a call goes on."""

        async def job() -> None:
            async with self._db.begin() as session:
                await end_pause(session, call_id, user_id=user_id, at=at)

        self._recorder.keep(Job(key=("pause ended", call_id, at), spooled=None, write=job))

    def listened(self, span: Span) -> None:
        """Somebody listens to a call in this mode from now on."""

        async def job() -> None:
            async with self._db.begin() as session:
                await begin_span(session, span)

        self._recorder.keep(
            Job(key=("listened", span.visit, span.mode, span.began_at), spooled=None, write=job)
        )

    def listened_no_more(self, visit: UUID, at: datetime) -> None:
        """He has left."""

        async def job() -> None:
            async with self._db.begin() as session:
                await end_span(session, visit, at=at)

        self._recorder.keep(Job(key=("listened no more", visit), spooled=None, write=job))

    def take_up_spool(self) -> None:
        """What an earlier process could not write is written first."""
        for line in self._recorder.spooled():
            if "call" in line:
                self.keep(from_json(line["call"]), restored(line["errand"]))

    async def _write(self, call: Call, errand: Errand | None) -> UUID:
        entry = Entry(
            call=call,
            number=self.number_of(call),
            errand=errand,
            directory=self.directory,
            country=self._numbers.country,
        )
        async with self._db.begin() as session:
            return await write(
                session, entry, at=self._now(), sound=self._recordings.of(entry.call.pbx) is not None
            )


def _spooled(call: Call, errand: Errand | None) -> dict[str, Any]:
    return {"call": to_json(call), "errand": stored(errand)}
