"""Writes what operators do beside the pop, and reads it when a process takes up where another stopped."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import structlog

from callcenter.agent import AgentState, Shift, Standing, from_json, to_json
from callcenter.agent.steps import nobody
from callcenter.agent_view import Reason, Setup
from callcenter.recorder import Job, Recorder
from crm_core.agent_state import log_state, open_intervals, save_shift, shifts
from crm_core.db import Database
from crm_core.pause_reason import list_pause_reasons
from crm_core.wrap_up_rule import list_wrap_up_rules, wrap_up_seconds

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
log = structlog.get_logger(__name__)


class ShiftBook:
    """Turns steps of shifts into jobs for the recorder; the spool keeps what the database does not take."""

    def __init__(self, db: Database, recorder: Recorder) -> None:
        self._db = db
        self._recorder = recorder

    def log(self, user_id: int, shift: Shift) -> None:
        """He is in this state from `since` on."""
        now = shift.standing
        line = {
            "user_id": user_id,
            "at": shift.since.isoformat(),
            "state": str(now.state),
            "reason": now.reason,
            "signed_in": now.signed_in,
            "call_id": now.call and str(now.call),
        }
        self._log(line)

    def save(self, user_id: int, shift: Shift, at: datetime) -> None:
        """What holds him now must survive this process."""
        self._save({"user_id": user_id, "at": at.isoformat(), "facts": to_json(shift)})

    def take_up_spool(self) -> None:
        """What an earlier process could not write is written first."""
        for line in self._recorder.spooled():
            if "agent_state" in line:
                self._log(line["agent_state"])
            elif "agent_shift" in line:
                self._save(line["agent_shift"])

    def _log(self, line: Mapping[str, Any]) -> None:
        given = {**line, "at": datetime.fromisoformat(line["at"])}
        given["call_id"] = UUID(line["call_id"]) if line["call_id"] else None

        async def job() -> None:
            async with self._db.begin() as session:
                await log_state(session, **given)

        key = ("agent state", line["user_id"], line["at"])
        self._recorder.keep(Job(key=key, spooled=lambda: {"agent_state": line}, write=job))

    def _save(self, line: Mapping[str, Any]) -> None:
        async def job() -> None:
            async with self._db.begin() as session:
                await save_shift(
                    session, line["user_id"], line["facts"], at=datetime.fromisoformat(line["at"])
                )

        key = ("agent shift", line["user_id"])
        self._recorder.keep(Job(key=key, spooled=lambda: {"agent_shift": line}, write=job))

    async def taken_up(self) -> dict[int, Shift]:
        """Everybody's shift as it was when it was last written."""
        async with self._db.begin() as session:
            intervals, kept = await open_intervals(session), await shifts(session)
        found = {
            it.user_id: Shift(
                since=it.from_at,
                standing=Standing(AgentState(it.state), it.reason, it.call_id, it.signed_in),
            )
            for it in intervals
        }
        for line in self._recorder.spooled():  # newer than the database
            if state := line.get("agent_state"):
                found[state["user_id"]] = _shift(state)
            if shift := line.get("agent_shift"):
                kept[shift["user_id"]] = shift["facts"]
        for user_id, facts in kept.items():
            try:
                found[user_id] = from_json(found.get(user_id) or nobody(LONG_AGO), facts)
            except (KeyError, ValueError, TypeError) as error:
                log.error("shift not taken up", user_id=user_id, error=repr(error))
        return found

    async def setup(self) -> Setup:
        """What the administrator says of pauses and wrap-up."""
        async with self._db.begin() as session:
            reasons = await list_pause_reasons(session)
            rules = await list_wrap_up_rules(session)
        return Setup(
            reasons={it.code: Reason(it.label, it.productive) for it in reasons},
            wrap_up=lambda queue, user_id: wrap_up_seconds(rules, queue, user_id),
        )


def _shift(line: Mapping[str, Any]) -> Shift:
    call = UUID(line["call_id"]) if line["call_id"] else None
    standing = Standing(AgentState(line["state"]), line["reason"], call, line["signed_in"])
    return Shift(since=datetime.fromisoformat(line["at"]), standing=standing)
