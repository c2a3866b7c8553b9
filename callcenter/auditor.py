"""Keeps our calls equal to the switchboards' own records: after every gap, every night, and when asked to.

A gap lasts from the moment at which a switchboard was last heard, which is kept in the database, to the login
after it: it does not matter whether the link, this process or the machine was away. What is to be compared
waits in a table, so that a killed process leaves its work to the next one. Some sites write their records late:
a gap is looked at again after one and after ten minutes, and once more at night.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from asterisk.ami import Link, LinkState
from asterisk.history import NoHistory
from callcenter.audit import Audited, Means, carry_out
from crm_core import call_audit as rows
from crm_core.call_audit import CallAudit, Reason
from crm_core.outage import is_collision, is_outage

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 2.0
HEARD_EVERY = timedelta(seconds=10)
MARGIN = timedelta(minutes=2)  # before a gap, for what was heard and could not be written any more
AGAIN_AFTER = (timedelta(minutes=1), timedelta(minutes=10))
TRY_AGAIN = timedelta(minutes=1)  # when the records can not be read
GIVE_UP = timedelta(days=2)
NIGHTLY = timedelta(hours=36)  # each night looks further back than to the last one
RIPE = timedelta(minutes=5)


class Auditor:
    """One per process that is attached to switchboards."""

    def __init__(
        self,
        means: Means,
        switches: Sequence[Audited],
        links: Mapping[str, Link],
        *,
        audit_hour: int | None,
    ) -> None:
        self._means = means
        self._switches = {one.pbx: one for one in switches if one.records}
        self._links = links
        self._audit_hour = audit_hour
        self._logins: dict[str, datetime] = {}  # the login up to which gaps are asked about
        self._told_at: datetime | None = None
        self._took_up = False

    async def run(self) -> None:
        """For ever. A database that is away is waited for; a long audit keeps no gap from being noticed."""
        async with asyncio.TaskGroup() as both:
            both.create_task(_again_and_again(self.notice))
            both.create_task(_again_and_again(self.work))

    async def notice(self) -> None:
        """Ask for what must be compared: after a gap, and at night."""
        await self._note_gaps()
        await self._ask_for_the_night()

    async def work(self) -> None:
        """Carry out everything that is due."""
        if not self._took_up:
            async with self._means.db.begin() as session:
                await rows.take_up(session, list(self._switches))
            self._took_up = True
        while await self._next():
            pass

    async def _note_gaps(self) -> None:
        """Ask about the silence before a new login; say of the others until when they were heard."""
        now, due = (
            self._means.now(),
            self._told_at is None or self._means.now() - self._told_at >= HEARD_EVERY,
        )
        up = {
            pbx: link.status for pbx, link in self._links.items() if link.status.state is LinkState.CONNECTED
        }
        new = [pbx for pbx, status in up.items() if self._logins.get(pbx) != status.since]
        if not new and not due:
            return
        async with self._means.db.begin() as session:
            for pbx in new:
                since = await rows.heard_until(session, pbx)
                if since is not None and pbx in self._switches:  # before the first login nothing was ours
                    # a clock that was set back must not make a gap that ends before it begins
                    await self._ask_about_a_gap(session, pbx, min(since, now) - MARGIN, now)
            await rows.set_heard(session, dict.fromkeys(up, now))
        self._logins |= {pbx: up[pbx].since for pbx in new}
        self._told_at = now

    async def _ask_about_a_gap(
        self, session: AsyncSession, pbx: str, since: datetime, until: datetime
    ) -> None:
        reasons = {until: Reason.GAP} | {until + later: Reason.AGAIN for later in AGAIN_AFTER}
        for due_at, reason in reasons.items():
            await rows.ask(session, pbx=pbx, reason=reason, from_at=since, to_at=until, due_at=due_at)

    async def _ask_for_the_night(self) -> None:
        now = self._means.now()
        if self._audit_hour is None or now.hour != self._audit_hour:
            return
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        async with self._means.db.begin() as session:
            for pbx in self._switches:
                if not await rows.claim_night(session, pbx, since=midnight):
                    continue
                await rows.ask(
                    session,
                    pbx=pbx,
                    reason=Reason.NIGHT,
                    from_at=now - NIGHTLY,
                    to_at=now - RIPE,
                    due_at=now,
                )
            await rows.forget_old(session, now=now)

    async def _next(self) -> bool:
        """Carry out one audit that is due; False when there is none."""
        async with self._means.db.begin() as session:
            audit = await rows.next_audit(session, list(self._switches), now=self._means.now())
        if audit is None:
            return False
        try:
            done = await carry_out(self._means, self._switches[audit.pbx], audit)
            log.info("audit", pbx=audit.pbx, reason=audit.reason, calls=done.calls, healed=done.healed)
        except NoHistory as error:
            log.error("audit without records", pbx=audit.pbx, error=str(error))
            await self._failed(audit, str(error))
        except Exception as error:
            if is_outage(error) or is_collision(error):
                raise  # it is taken up again when nobody has touched it for a while
            # A bug here must not silence the phones: this process goes on, and the page says what happened.
            log.exception("audit failed", pbx=audit.pbx, audit=audit.id)
            await self._failed(audit, f"{type(error).__name__}: {error}")
        return True

    async def _failed(self, audit: CallAudit, why: str) -> None:
        """A gap is asked about again until its records can be read; a person is told at once."""
        now = self._means.now()
        patient = audit.reason in (*rows.QUIET, Reason.NIGHT) and now - audit.created_at < GIVE_UP
        async with self._means.db.begin() as session:
            await rows.fail(session, audit.id, why, again_at=now + TRY_AGAIN if patient else None)


async def _again_and_again(step: Callable[[], Awaitable[None]]) -> None:
    while True:
        try:
            await step()
        except Exception as error:
            if not (is_outage(error) or is_collision(error)):
                raise
        await asyncio.sleep(LOOK_EVERY_S)
