"""Writes every call beside the pop: at each change of state, in order, again and again until it is kept.

In:      calls as they change; only the newest state of each waits to be written
Out:     rows, by `write`; what the database does not take is kept in a spool file until it does
A killed process finds its open calls in the database. If the database is down as well, the spool has them.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Hashable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import structlog

from crm_core.outage import is_collision, is_outage

log = structlog.get_logger(__name__)

SPOOL = Path("spool/calls.jsonl")  # below the data folder
REFUSED = "refused-calls.jsonl"  # beside it

AFTER_THE_POP_S = 0.01  # a burst of events makes one write, and the card is on its way before it
FIRST_RETRY_S = 0.2
LONGEST_RETRY_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One thing to write. A later job with the same key takes the place of one that still waits.

    `spooled`: says what is enough to write it in another process; None for what may be lost with this one.
    """

    key: Hashable
    spooled: Callable[[], dict[str, Any]] | None
    write: Callable[[], Awaitable[None]]


class Recorder:
    """One consumer of what must be written."""

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._waiting: dict[Hashable, Job] = {}
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.failing_since: float | None = None

    def keep(self, job: Job) -> None:
        """Have this written soon; returns at once."""
        self._waiting[job.key] = job  # a key keeps its place in the line: what refers to it stands behind it
        self._idle.clear()
        self._wake.set()

    @property
    def backlog(self) -> int:
        """How many calls wait to be written."""
        return len(self._waiting)

    async def drained(self) -> None:
        """Wait until everything is written."""
        await self._idle.wait()

    async def catch_up(self) -> None:
        """Write what an earlier process left, before anybody asks the database which calls are open."""
        while not await self._write_all():
            await asyncio.sleep(FIRST_RETRY_S)

    async def run(self) -> None:
        """Write for ever."""
        retry_s = FIRST_RETRY_S
        while True:
            await self._wake.wait()
            await asyncio.sleep(AFTER_THE_POP_S)
            self._wake.clear()
            if await self._write_all():
                retry_s = FIRST_RETRY_S
                continue
            await asyncio.sleep(retry_s)
            retry_s = min(retry_s * 2, LONGEST_RETRY_S)
            self._wake.set()

    async def _write_all(self) -> bool:
        """Write what waits; False when the database can not be reached."""
        for key, job in list(self._waiting.items()):
            try:
                await job.write()
            except Exception as error:
                if is_collision(error):
                    log.warning("call written again after a collision", call=str(key))
                    return False
                if is_outage(error):
                    self._keep_aside(error)
                    return False
                self._refuse(
                    job
                )  # whatever it is, the other calls must be written, and this one must not be lost
            if self._waiting.get(key) is job:
                del self._waiting[key]
        self._all_written()
        return True

    def _refuse(self, job: Job) -> None:
        """One row that the database does not accept must hold up no other, and must not be lost either."""
        log.exception("call not written", call=str(job.key), kept_in=str(self.refused))
        if job.spooled is not None:
            self.refused.parent.mkdir(parents=True, exist_ok=True)
            with self.refused.open("a") as file:
                file.write(json.dumps(job.spooled()) + "\n")

    @property
    def refused(self) -> Path:
        """Where calls are kept that the database did not accept."""
        return self._spool.with_name(REFUSED)

    def _all_written(self) -> None:
        if self.failing_since is not None:
            log.info("database takes calls again")
            self.failing_since = None
        if not self._waiting:
            self._spool.unlink(missing_ok=True)
            self._idle.set()

    def _keep_aside(self, error: Exception) -> None:
        """What the database does not take now must survive this process."""
        if self.failing_since is None:
            self.failing_since = asyncio.get_running_loop().time()
            log.error("database takes no calls", waiting=len(self._waiting), error=str(error)[:200])
        self._put_aside(
            [json.dumps(job.spooled()) for job in self._waiting.values() if job.spooled is not None]
        )

    def _put_aside(self, lines: list[str]) -> None:
        draft = self._spool.with_suffix(".new")
        self._spool.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text("\n".join(lines) + "\n")
        draft.replace(self._spool)

    async def finish(self, patience_s: float = 5.0) -> None:
        """Write what waits; what can not be written in time goes to the spool."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                if await self._write_all():
                    return
        if self._waiting:
            self._keep_aside(TimeoutError("the process ends"))

    def spooled(self) -> list[dict[str, Any]]:
        """What an earlier process could not write; what was refused is tried anew, it may be understood by now."""
        if self.refused.exists():
            self._put_aside([*_lines(self.refused), *_lines(self._spool)])
            self.refused.unlink()
        return [json.loads(line) for line in _lines(self._spool)]


def _lines(file: Path) -> list[str]:
    return [line for line in file.read_text().splitlines() if line] if file.exists() else []
