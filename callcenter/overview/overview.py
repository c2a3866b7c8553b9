"""The supervisor's board as state: what changed is gathered and told at most twice a second, however much happens.

In:      calls, AGENT objects, cards and orders as they change
Out:     rows by part of the board that came, changed or went; who may see which is decided by whoever listens
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from callcenter.agents import Agents
from callcenter.call import Call, Direction
from callcenter.desks import Desks
from callcenter.overview import rows
from callcenter.overview.day import Day
from callcenter.overview.rows import Row
from callcenter.overview.sales import Sales
from crm_core.db import Database
from crm_core.figure.period import By, of_days
from crm_core.figure.rules import Rules, Target
from crm_core.outage import is_outage
from crm_core.queue_target import load_targets
from crm_core.read.day import tallies_before
from crm_core.read.figure_labels import zones
from crm_core.read.figures import Sold, sold_in

TELL_EVERY_S = 0.5
REBASE_EVERY = timedelta(minutes=5)
SETTLED = timedelta(minutes=1)  # so long after its end a call is in the database for sure
RETRY = timedelta(seconds=10)
SALES_PAUSE_S = 1.0
PARTS = ("operators", "waiting", "queues", "lines", "house")
Parts = dict[str, dict[Any, Row]]
Changes = dict[str, dict[Any, Row | None]]
Send = Callable[[Changes], None]
log = structlog.get_logger(__name__)


class Overview:
    """Everything here runs in the event loop; only `run` and `begin` wait for the database."""

    def __init__(
        self,
        *,
        db: Database,
        agents: Agents,
        desks: Desks,
        live: Mapping[UUID, Call],
        now: Callable[[], datetime],
        settled: Callable[[], bool] = lambda: True,
    ) -> None:
        self.day = Day()
        self._db = db
        self._agents = agents
        self._desks = desks
        self._live = live
        self._now = now
        self._settled = settled
        self._people: dict[int, Mapping[str, Any]] = {}
        self._sold: dict[int, Sold] = {}
        self._sales = Sales(())
        self._due = now()
        self._orders: set[int] = set()
        self._parts: Parts = {part: {} for part in PARTS}
        self._calls: set[UUID] = set()
        self._moved: set[int] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._news = asyncio.Event()
        self._listeners: list[Send] = []

    # --- what happens ---------------------------------------------------------------------------------------

    def call_changed(self, call: Call) -> None:
        """A call took a step."""
        self.day.put(call, self._desks.directory)
        self._touch(call.id)

    def call_forgotten(self, call_id: UUID) -> None:
        """This call turned out to be part of another one."""
        self.day.forget(call_id)
        self._touch(call_id)

    def card_read(self, call_id: UUID) -> None:
        """More is known of who calls, or of what it is about."""
        self._touch(call_id)

    def agent_changed(self, agent: Mapping[str, Any]) -> None:
        """An operator does something else."""
        self._people[agent["id"]] = agent
        self._moved.add(agent["id"])
        self._soon()

    def directory_changed(self) -> None:
        """People, telephones or lines were given to others."""
        operators = self._agents.directory.operators
        self._people = {id_: self._agents.describe(id_) for id_, it in operators.items() if it.phones}
        self._moved |= self._people.keys() | self._parts["operators"].keys()
        self._soon()

    def order_changed(self, order_id: int) -> None:
        """An order was made, confirmed, changed or called off: perhaps one that a call of today sold."""
        self._orders.add(order_id)
        self._news.set()

    # --- who watches ----------------------------------------------------------------------------------------

    def snapshot(self) -> Parts:
        """Every row of every part, as it was told last."""
        return {part: dict(found) for part, found in self._parts.items()}

    def subscribe(self, send: Send) -> Callable[[], None]:
        """Have `send` called with what changes from now on; returns how to end that."""
        self._listeners.append(send)
        return lambda: self._listeners.remove(send)

    def close(self) -> None:
        """Tell nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # --- the day --------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """Count what is in the database already, before the switchboards are heard (their clocks may be ahead)."""
        await self._rebase(-timedelta(days=1))

    async def run(self) -> None:
        """For ever: follow what is sold, and count the day anew from the database now and then."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.1, (self._due - self._now()).total_seconds())):
                    await self._news.wait()
                    await asyncio.sleep(SALES_PAUSE_S)
            try:
                await self._read_on()
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("the board waits for the database", error=type(error).__name__)
                self._due = self._now() + RETRY

    async def _read_on(self) -> None:
        if self._now() < self._due:
            self._news.clear()
            await self._read_sales()
        elif self._settled() or not self.day.period.holds(self._now()):
            await self._rebase(SETTLED)
        else:
            self._due = self._now() + RETRY

    async def _rebase(self, settled: timedelta) -> None:
        now = self._now()
        async with self._db.begin() as session:
            here = ZoneInfo((await zones(session))[0])
            today = now.astimezone(here).date()
            rules = Rules(now=now, targets=await load_targets(session))
            period = of_days(today, today, here)
            base = await tallies_before(session, period, rules, before=now - settled)
            sold = await sold_in(session, period, rules)
        self.day.begin(period, rules, base, cutoff=now - settled, directory=self._desks.directory)
        self._sold = {it.order_id: it for it in sold}
        self._sales = Sales(sold)
        self._due = min(now + REBASE_EVERY, period.until)
        self.directory_changed()

    async def _read_sales(self) -> None:
        orders, self._orders = self._orders, set()
        async with self._db.begin() as session:
            found = await sold_in(session, self.day.period, self.day.rules, orders)
        before = [self._sold.pop(id_, None) for id_ in orders]
        self._sold |= {it.order_id: it for it in found}
        self._sales = Sales(self._sold.values())
        self._moved |= {it.operator_id for it in (*before, *found) if it and it.operator_id is not None}
        self._soon()

    def target(self, queue: str) -> Target:
        """What this queue shall reach."""
        return self.day.rules.target(queue)

    # --- inside ---------------------------------------------------------------------------------------------

    def _touch(self, call_id: UUID) -> None:
        self._calls.add(call_id)
        self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TELL_EVERY_S, self._tell)

    def _tell(self) -> None:
        self._timer = None
        changes = self._flush()
        if any(changes.values()):
            for send in tuple(self._listeners):
                send(changes)

    def _flush(self) -> Changes:
        """Bring the rows up to date; what became different of them."""
        calls, self._calls = self._calls, set()
        moved, self._moved = self._moved, set()
        if not calls and not moved:
            return {}
        texts = {str(call_id) for call_id in calls}
        on_them = {
            id_ for id_, row in self._parts["operators"].items() if (row["call"] or {}).get("id") in texts
        }
        changes: Changes = {
            "operators": {id_: self._operator(id_) for id_ in moved | on_them},
            "waiting": {str(call_id): self._waiting(call_id) for call_id in calls},
            "queues": self._queues(),
            "lines": self._lines(),
            "house": {"all": self._house()},
        }
        return {part: self._put(part, found) for part, found in changes.items()}

    def _put(self, part: str, found: Mapping[Any, Row | None]) -> dict[Any, Row | None]:
        known, different = self._parts[part], {}
        for id_, row in found.items():
            if known.get(id_) != row:
                different[id_] = row
                if row is None:
                    known.pop(id_, None)
                else:
                    known[id_] = row
        return different

    def _operator(self, user_id: int) -> Row | None:
        agent = self._people.get(user_id)
        if agent is None or not agent["phones"]:
            return None
        call, counts = self._call_of(agent), self.day.counts(By.OPERATOR, user_id)
        return rows.operator_row(agent, call, rows.operator_day(counts, *self._sales.of("operator", user_id)))

    def _call_of(self, agent: Mapping[str, Any]) -> Row | None:
        call_id = UUID(agent["call_id"]) if agent["call_id"] else None
        call = self._live.get(call_id) if call_id else None
        entry = self._desks.find(call_id) if call_id else None
        if call is None:
            return None
        number = entry.number if entry else self._desks.number_of(call)
        card, errand = (entry.card, entry.errand) if entry else (None, None)
        return rows.call_row(call, number, card, errand, agent["id"], self._desks.directory)

    def _waiting(self, call_id: UUID) -> Row | None:
        call = self._live.get(call_id)
        visit = rows.waits_in(call) if call is not None else None
        if call is None or visit is None:
            return None
        entry = self._desks.find(call_id)
        number = entry.number if entry else self._desks.number_of(call)
        who = rows.party(call, number, entry.card if entry else None)
        line = self._desks.directory.line(call.pbx, call.line)
        return rows.waiting_row(call, visit, who, line, self._members(visit.queue))

    def _members(self, queue: str) -> Iterable[int]:
        row = self._parts["queues"].get(queue)
        return row["owners"] if row else ()

    def _queues(self) -> dict[Any, Row | None]:
        members: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for agent in self._people.values():
            for it in agent["queues"]:
                here = members[it["queue"]]
                if it["member"] and agent not in here[-1:]:
                    here.append(agent)
        names = set(members) | {key for key in self.day.keys(By.QUEUE) if isinstance(key, str)}
        return {
            name: rows.queue_row(name, self.target(name), members[name], self.day.counts(By.QUEUE, name))
            for name in names
        }

    def _lines(self) -> dict[Any, Row | None]:
        directory = self._desks.directory
        on = Counter(
            line.id
            for call in self._live.values()
            if (line := directory.line(call.pbx, call.line)) is not None
        )
        found: dict[Any, Row | None] = dict.fromkeys(self._parts["lines"])
        for line in {it.id: it for it in directory.lines.values()}.values():
            counts = self.day.counts(By.LINE, line.id)
            found[line.id] = rows.line_row(line, on[line.id], counts, self._sales.of("line", line.id)[0])
        return found

    def _house(self) -> Row:
        outside = (it for it in self._live.values() if it.direction is not Direction.INTERNAL)
        return rows.house_row(outside, self.day.counts(By.ALL), *self._sales.of("all", None))
