"""Puts the middle of the house together: switchboards on one side, desks and rows on the other."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy import select

from asterisk.ami import AmiConfig, Link, LinkStatus
from asterisk.events import Event, Heard
from asterisk.history import Records
from callcenter.agents import Agents
from callcenter.audit import Audited, Means
from callcenter.auditor import Auditor
from callcenter.call import Call, CallState, Rules, from_json
from callcenter.centre import Centre
from callcenter.clicktocall import Dialler, Dialplan
from callcenter.control import Control
from callcenter.desks import Desks
from callcenter.duty import Duty
from callcenter.errand import restored
from callcenter.flight.recorder import FlightRecorder
from callcenter.floor import Floor
from callcenter.numbers import Numbers, TrunkRule
from callcenter.overview import Overview
from callcenter.overview.watchman import Watchman
from callcenter.recorder import SPOOL, Recorder
from callcenter.scribe import Scribe
from callcenter.shift_book import ShiftBook
from callcenter.tracker import Tracker
from crm_core import call as rows
from crm_core import card
from crm_core.call_act import open_pauses
from crm_core.call_audit import all_heard
from crm_core.carrier import CarriersUnknown, load_carriers
from crm_core.db import Database
from crm_core.listening import open_spans
from crm_core.outbox import News
from crm_core.phone import Number
from recordings.roots import Roots

log = structlog.get_logger(__name__)

NO_RECORDINGS = Roots()
INBOX = 20_000  # events; a busy PBX says a few hundred a second
WRAP_UP_KEPT = timedelta(minutes=60)  # a call without an outcome stays on the desk this long
Part = tuple[str, Coroutine[Any, Any, Any]]


@dataclass(frozen=True, kw_only=True)
class Switch:
    """One switchboard: how to reach it, how to read its channel names and numbers, how to make it dial."""

    account: AmiConfig
    rules: Rules
    dialplan: Dialplan
    number_rules: tuple[TrunkRule, ...] = ()
    records: tuple[Records, ...] = ()  # that it keeps itself, the better ones first


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """The running middle."""

    centre: Centre
    recorder: Recorder
    floor: Floor
    inbox: asyncio.Queue[Heard]
    links: tuple[Link, ...]
    desks: Desks
    box: FlightRecorder
    auditor: Auditor
    numbers: Numbers
    agents: Agents
    overview: Overview
    watchman: Watchman

    def parts(self) -> Iterator[Part]:
        """What runs side by side for ever."""
        yield "floor", self.floor.run(self.inbox)
        yield "recorder", self.recorder.run()
        yield "flight recorder", self.box.run()
        yield "wrap-ups", self.centre.let_go_of_old_wrap_ups(WRAP_UP_KEPT)
        yield "auditor", self.auditor.run()
        yield "ends of wrap-ups", self.agents.run()
        yield "directory", self.centre.keep_directory()
        yield "overview", self.overview.book.run()
        yield "watchman", self.watchman.run()
        for link in self.links:
            yield f"link {link.status.pbx}", link.run()

    def heard_kinds(self) -> dict[str, frozenset[type[Event]]]:
        """Kinds of events that each switchboard's link has heard so far, for the doctor."""
        return {link.status.pbx: frozenset(link.heard) for link in self.links}

    async def learn_carriers(self) -> None:
        """Read which carrier has which numbers; without it cards only lack that name."""
        try:
            self.numbers.carriers = await load_carriers()
        except (CarriersUnknown, OSError) as error:
            log.warning("carriers unknown", reason=str(error))

    async def heard(self, news: News) -> None:
        """Somebody changed something that a card or the directory shows."""
        self.watchman.heard(news.topic)
        await self.centre.heard(news.topic, news.payload)

    async def close(self) -> None:
        """Write what waits to be written (as far as the database takes it now) and let go."""
        self.desks.close()
        self.overview.close()
        for link in self.links:
            link.close()
        self.box.close()
        await self.recorder.finish()


async def attach(
    switches: Sequence[Switch],
    *,
    db: Database,
    data_dir: Path,
    country: str,
    recordings: Roots = NO_RECORDINGS,
    audit_hour: int | None = None,
    now: Callable[[], datetime],
    flight: bool = True,
) -> Attachment:
    """Build the middle and take up where an earlier process stopped; nothing is connected yet.

    `recordings`: the folders to look into, and to compare every night at `audit_hour` (UTC); `flight`: whether
    to keep what is said about calls.
    """
    inbox: asyncio.Queue[Heard] = asyncio.Queue(maxsize=INBOX)
    recorder = Recorder(data_dir / SPOOL)
    numbers = Numbers(country, {s.account.pbx: s.number_rules for s in switches})
    scribe = Scribe(db, recorder, numbers, recordings=recordings, now=now)

    async def read_card(call: Call, number: Number) -> dict[str, Any]:
        errand = centre.errand(call.id)
        return await card.read_card(
            db.reader,
            e164=number.e164,
            customer_id=errand.customer_id if errand else None,
            call_id=call.id,
            now=now(),
        )

    rules = {s.account.pbx: s.rules for s in switches}
    book = ShiftBook(db, recorder)
    agents = Agents(rules=rules, book=book, now=now)
    desks = Desks(
        read_card=read_card,
        number_of=scribe.number_of,
        carrier_of=numbers.carrier_of,
        agents=agents,
        now=now,
        popped=scribe.popped,
        shown=scribe.shown,
    )
    scribe.linked = desks.card_changed
    links: dict[str, Link] = {}
    dialplans = {s.account.pbx: s.dialplan for s in switches}
    dialler = Dialler(links, dialplans, inbox, country=country, now=now)
    box = FlightRecorder(live=lambda: floor.calls(), keep=scribe.flown, now=now)
    live: dict[UUID, Call] = {}
    control = Control(
        live=live,
        desks=desks,
        agents=agents,
        scribe=scribe,
        dialler=dialler,
        links=links,
        dialplans=dialplans,
        inbox=inbox,
        country=country,
        now=now,
    )
    overview = Overview(
        db=db, agents=agents, desks=desks, live=live, now=now, settled=lambda: not recorder.backlog
    )
    agents.announced, desks.card_read = overview.agent_changed, overview.card_read
    centre = Centre(
        db=db,
        desks=desks,
        scribe=scribe,
        dialler=dialler,
        agents=agents,
        duty=Duty(agents, links, dialplans, now=now),
        book=book,
        links=links,
        now=now,
        live=live,
        control=control,
        overview=overview,
        call_ended=box.call_ended,
    )

    def link_changed(status: LinkStatus) -> None:
        box.link_changed(status)
        centre.link_changed(status)

    for switch in switches:
        witness = box.ear(switch.account.pbx) if flight else None
        links[switch.account.pbx] = Link(switch.account, inbox, link_changed, witness=witness)
    floor = Floor(Tracker(rules), centre)
    agents.use_setup(await book.setup())
    for user_id, shift in (await book.taken_up()).items():
        agents.take_up(user_id, shift)
    book.take_up_spool()
    await centre.reload_directory()
    await centre.reload_pop_settings()
    scribe.take_up_spool()
    await recorder.catch_up()
    await _take_up(db, floor, centre, now())
    async with db.begin() as session:
        control.take_up(await open_pauses(session))
        control.listening.take_up(await open_spans(session))
    await centre.reload_listening_rule()
    centre.link_changed(None)
    await overview.book.begin()
    return Attachment(
        centre=centre,
        recorder=recorder,
        floor=floor,
        inbox=inbox,
        links=tuple(links.values()),
        desks=desks,
        box=box,
        auditor=Auditor(
            Means(db=db, numbers=numbers, roots=recordings, now=now),
            [Audited(pbx=s.account.pbx, rules=s.rules, records=s.records) for s in switches],
            links,
            audit_hour=audit_hour,
        ),
        numbers=numbers,
        agents=agents,
        overview=overview,
        watchman=Watchman(db=db, overview=overview, links=centre.links, now=now),
    )


async def _take_up(db: Database, floor: Floor, centre: Centre, now: datetime) -> None:
    """Calls that were open when the last process died go on; those that owe an outcome are shown again."""
    row = rows.Call
    wanted = select(row.tracker_state, row.started_from).where(
        row.tracker_state.is_not(None),
        row.ended_at.is_(None) | ((row.ended_at > now - WRAP_UP_KEPT) & row.disposition.is_(None)),
    )
    async with db.begin() as session:
        found = (await session.execute(wanted.order_by(row.started_at))).all()
        heard = await all_heard(session)
    calls = []
    for state, started_from in found:
        call = from_json(state)
        calls.append(call)
        centre.take_up(call, restored(started_from))
    floor.restore((call for call in calls if call.state is not CallState.ENDED), heard)
    if calls:
        log.info("calls taken up", open=sum(call.ended_at is None for call in calls), calls=len(calls))
