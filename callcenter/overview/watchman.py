"""Looks over the floor once a second and says what is wrong: on the board, to whoever a rule names, in the log.

What was raised is in the database before anybody is told, and open there until it is over: a process that is started
again goes on where the one before was. Nothing is raised while the switchboards have not been heard yet.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from asterisk.ami import LinkState, LinkStatus
from callcenter.overview.alarm import Fact, Known, Now, Person, Queue, Watched, facts, step
from callcenter.overview.overview import Overview
from callcenter.overview.window import Level
from crm_core import alert, alert_rule
from crm_core.db import Database
from crm_core.outage import is_outage
from crm_core.read.day import missing_recordings

LOOK_EVERY_S = 1.0
LEVELS_EVERY = timedelta(seconds=5)
SOUND_EVERY = timedelta(minutes=1)
PATIENCE = timedelta(seconds=30)  # so long a switchboard may take at our start
log = structlog.get_logger(__name__)


class Watchman:
    """One per process that is attached to switchboards."""

    def __init__(
        self,
        *,
        db: Database,
        overview: Overview,
        links: Callable[[], Sequence[LinkStatus]],
        now: Callable[[], datetime],
    ) -> None:
        self._db = db
        self._overview = overview
        self._links = links
        self._now = now
        self._began = now()
        self._rules: Sequence[alert_rule.AlertRule] = ()
        self._known: Known = {}
        self._stale = True
        self._levels: dict[int, tuple[datetime, Mapping[str, Level]]] = {}
        self._missing: dict[int, tuple[datetime, int]] = {}

    def heard(self, topic: str) -> None:
        """Somebody changed a rule, or looks after an alert."""
        self._stale = self._stale or topic in (alert.TOPIC, alert_rule.TOPIC)

    async def run(self) -> None:
        """For ever. While the database is away nobody can be told, and nothing is lost: it is looked at again."""
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look()
            except Exception as error:
                if not is_outage(error):
                    raise
                self._stale = True
                log.warning("alerts wait for the database", error=type(error).__name__)

    async def look(self) -> None:
        """One look."""
        if self._stale:
            await self._read()
        now, up = self._now(), self._up()
        if not all(up.values()) and now - self._began < PATIENCE:
            return
        await self._count_missing(now)
        found = facts(self._seen(now, up), self._rules, self._known)
        known, raised, cleared = step(self._known, found, now, whole=all(up.values()))
        if raised or cleared:
            await self._write(raised, cleared, now)
        self._known = known
        if raised or cleared:
            await self._read()

    async def _read(self) -> None:
        self._stale = False
        async with self._db.begin() as session:
            self._rules = await alert_rule.list_rules(session, active=True)
            found = await alert.open_alerts(session)
            session.expunge_all()
        known = {it.key: self._known.get(it.key) or Watched(raised=True) for it in found}
        self._known = {key: it for key, it in self._known.items() if not it.raised} | known
        self._overview.use_alerts(found)

    async def _write(self, raised: Sequence[Fact], cleared: Sequence[str], at: datetime) -> None:
        async with self._db.begin() as session:
            for fact in raised:
                await alert.raise_alert(
                    session, fact.rule_id, key=fact.key, about=fact.about, of=fact.of, said=fact.text, at=at
                )
            for key in cleared:
                await alert.clear_alert(session, key, at=at)

    # --- what is seen ---------------------------------------------------------------------------------------

    def _up(self) -> dict[str, bool]:
        return {it.pbx: self._overview.is_up(it.pbx) for it in self._links()}

    def _seen(self, now: datetime, up: Mapping[str, bool]) -> Now:
        parts = self._overview.snapshot()
        waits: dict[str, datetime] = {}
        for row in parts["waiting"].values():
            since = datetime.fromisoformat(row["since"])
            waits[row["queue"]] = min(since, waits.get(row["queue"], since))
        return Now(
            at=now,
            people=[_person(row, up) for row in parts["operators"].values()],
            queues=[
                Queue(name=name, waits_since=waits.get(name), members=row["members"], seen=_any_up(row, up))
                for name, row in parts["queues"].items()
            ],
            links={it.pbx: None if it.state is LinkState.CONNECTED else it.since for it in self._links()},
            level=lambda queue, minutes: self._level(queue, minutes, now),
            missing=lambda minutes: self._missing[minutes][1],
            open_=self._overview.is_open(now),
        )

    def _level(self, queue: str | None, minutes: int, now: datetime) -> Level:
        known = self._levels.get(minutes)
        if known is None or now - known[0] >= LEVELS_EVERY:
            day = self._overview.book.day
            known = now, self._overview.book.window.levels(now - timedelta(minutes=minutes), day.rules)
            self._levels[minutes] = known
        return known[1].get(queue or "", (0, 0))

    async def _count_missing(self, now: datetime) -> None:
        for minutes in {it.minutes for it in self._rules if it.kind == alert_rule.Kind.RECORDING}:
            known = self._missing.get(minutes or 0)
            if known is None or now - known[0] >= SOUND_EVERY:
                async with self._db.begin() as session:
                    count = await missing_recordings(session, now - timedelta(minutes=minutes or 0))
                self._missing[minutes or 0] = now, count


def _person(row: Mapping[str, Any], up: Mapping[str, bool]) -> Person:
    held_at = (row["call"] or {}).get("held_at")
    return Person(
        id=row["id"],
        name=row["name"],
        state=row["state"],
        since=datetime.fromisoformat(row["since"]),
        reason=row["reason_code"],
        says=row["reason"],
        held_at=datetime.fromisoformat(held_at) if held_at else None,
        seen=_any_up(row, up),
    )


def _any_up(row: Mapping[str, Any], up: Mapping[str, bool]) -> bool:
    return any(up.get(pbx, False) for pbx in row["pbxs"])
