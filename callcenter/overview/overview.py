"""The supervisor's board as state: what changed is gathered and told at most twice a second, however much happens.

In:      calls, AGENT objects, cards and orders as they change
Out:     rows by part of the board that came, changed or went; who may see which is decided by whoever listens
"""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from callcenter.agents import Agents
from callcenter.call import Call, Direction
from callcenter.desks import Desks
from callcenter.overview import rows
from callcenter.overview.daybook import DayBook
from callcenter.overview.rows import Row
from crm_core.alert import Logged
from crm_core.db import Database
from crm_core.figure.period import By

TELL_EVERY_S = 0.5
PARTS = ("alerts", "operators", "waiting", "queues", "lines", "house")
Parts = dict[str, dict[Any, Row]]
Changes = dict[str, dict[Any, Row | None]]
Send = Callable[[Changes], None]


class Overview:
    """Everything here runs in the event loop and waits for nothing."""

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
        self.book = DayBook(db, now, directory=lambda: desks.directory, settled=settled)
        self.book.begun, self.book.sold = self.directory_changed, self._sales_changed
        self._agents = agents
        self._desks = desks
        self._live = live
        self._people: dict[int, Mapping[str, Any]] = {}
        self._alerts: Sequence[Logged] = ()
        self._parts: Parts = {part: {} for part in PARTS}
        self._calls: set[UUID] = set()
        self._moved: set[int] = set()
        self._alarmed = False
        self._timer: asyncio.TimerHandle | None = None
        self._listeners: list[Send] = []

    # --- what happens ---------------------------------------------------------------------------------------

    def call_changed(self, call: Call) -> None:
        """A call took a step."""
        self.book.put(call)
        self._touch(call.id)

    def call_forgotten(self, call_id: UUID) -> None:
        """This call turned out to be part of another one."""
        self.book.day.forget(call_id)
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

    def _sales_changed(self, operators: Iterable[int]) -> None:
        self._moved |= set(operators)
        self._soon()

    def use_alerts(self, alerts: Sequence[Logged]) -> None:
        """These are open now."""
        self._alerts = alerts
        self._alarmed = True
        self._soon()

    def is_up(self, pbx: str) -> bool:
        """Whether what is known of this switchboard is complete."""
        return self._agents.is_up(pbx)

    def is_open(self, at: datetime) -> bool:
        """Whether some line that has hours is open."""
        lines = self._desks.directory.lines.values()
        return any(line.hours.is_open(at) for line in lines if line.hours is not None and line.hours.week)

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
        alarmed, self._alarmed = self._alarmed, False
        if not calls and not moved and not alarmed:
            return {}
        texts = {str(call_id) for call_id in calls}
        on_them = {
            id_ for id_, row in self._parts["operators"].items() if (row["call"] or {}).get("id") in texts
        }
        told: Changes = {
            "queues": self._put("queues", self._queues())
        }  # first: who is in them sees who waits
        waiting = calls | {UUID(known) for known in self._parts["waiting"]}
        found: Changes = {
            "operators": {id_: self._operator(id_) for id_ in moved | on_them},
            "waiting": {str(call_id): self._waiting(call_id) for call_id in waiting},
            "lines": self._lines(),
            "house": {"all": self._house()},
            "alerts": self._open_alerts(),
        }
        return told | {part: self._put(part, it) for part, it in found.items()}

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
        call, counts = self._call_of(agent), self.book.day.counts(By.OPERATOR, user_id)
        return rows.operator_row(
            agent, call, rows.operator_day(counts, *self.book.sales.of("operator", user_id))
        )

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
        names = set(members) | {key for key in self.book.day.keys(By.QUEUE) if isinstance(key, str)}
        return {
            name: rows.queue_row(
                name, self.book.day.rules.target(name), members[name], self.book.day.counts(By.QUEUE, name)
            )
            for name in names
        }

    def _open_alerts(self) -> dict[Any, Row | None]:
        found: dict[Any, Row | None] = dict.fromkeys(self._parts["alerts"])
        return found | {it.id: rows.alert_row(it, self._members(it.of)) for it in self._alerts}

    def _lines(self) -> dict[Any, Row | None]:
        directory = self._desks.directory
        on = Counter(
            line.id
            for call in self._live.values()
            if (line := directory.line(call.pbx, call.line)) is not None
        )
        found: dict[Any, Row | None] = dict.fromkeys(self._parts["lines"])
        for line in {it.id: it for it in directory.lines.values()}.values():
            counts = self.book.day.counts(By.LINE, line.id)
            found[line.id] = rows.line_row(line, on[line.id], counts, self.book.sales.of("line", line.id)[0])
        return found

    def _house(self) -> Row:
        outside = (it for it in self._live.values() if it.direction is not Direction.INTERNAL)
        return rows.house_row(outside, self.book.day.counts(By.ALL), *self.book.sales.of("all", None))
