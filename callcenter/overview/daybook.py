"""Keeps the figures of this day: begun by one reading, then counted as calls come and orders change."""

import asyncio
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import structlog

from callcenter.call import Call
from callcenter.directory import Directory
from callcenter.overview.day import Day
from callcenter.overview.sales import Sales
from callcenter.overview.window import KEPT, Stay, Window
from crm_core.db import Database
from crm_core.figure.period import of_days
from crm_core.figure.rules import Rules
from crm_core.outage import is_outage
from crm_core.queue_target import load_targets
from crm_core.read.day import stays_since, tallies_before
from crm_core.read.figure_labels import zones
from crm_core.read.figures import Sold, sold_in

REBASE_EVERY = timedelta(minutes=5)
SETTLED = timedelta(minutes=1)  # so long after its end a call is in the database for sure
RETRY = timedelta(seconds=10)
SALES_PAUSE_S = 1.0
log = structlog.get_logger(__name__)


class DayBook:
    """`begun` is told when the day was counted anew, `sold` whose sales changed; `settled` says whether all that was
    heard is written."""

    def __init__(
        self,
        db: Database,
        now: Callable[[], datetime],
        *,
        directory: Callable[[], Directory],
        settled: Callable[[], bool],
    ) -> None:
        self.day = Day()
        self.window = Window()
        self.sales = Sales(())
        self.begun: Callable[[], None] = lambda: None
        self.sold: Callable[[Iterable[int]], None] = lambda operators: None
        self._db = db
        self._now = now
        self._directory = directory
        self._settled = settled
        self._sold: dict[int, Sold] = {}
        self._orders: set[int] = set()
        self._news = asyncio.Event()
        self._due = now()

    def put(self, call: Call) -> None:
        """A call took a step."""
        self.day.put(call, self._directory())
        self.window.put(call)

    def order_changed(self, order_id: int) -> None:
        """An order was made, confirmed, changed or called off: perhaps one that a call of today sold."""
        self._orders.add(order_id)
        self._news.set()

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
            stays = await stays_since(session, now - KEPT)
        self.window.begin((stay.pop("key"), Stay(**stay)) for stay in stays)
        self.window.forget(now)
        self.day.begin(period, rules, base, cutoff=now - settled, directory=self._directory())
        self._sold = {it.order_id: it for it in sold}
        self.sales = Sales(sold)
        self._due = min(now + REBASE_EVERY, period.until)
        self.begun()

    async def _read_sales(self) -> None:
        orders, self._orders = self._orders, set()
        async with self._db.begin() as session:
            found = await sold_in(session, self.day.period, self.day.rules, orders)
        before = [self._sold.pop(id_, None) for id_ in orders]
        self._sold |= {it.order_id: it for it in found}
        self.sales = Sales(self._sold.values())
        self.sold({it.operator_id for it in (*before, *found) if it and it.operator_id is not None})
