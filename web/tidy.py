"""Once an hour calls to review are drawn of a week that is over, and what has run out is removed: sessions past their
end, windows of the throttle, what the PBX said, visits of the web shop, notices, windows left half typed, imports; and
bytes of files that nothing has any more."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from crm_core import picture
from crm_core.document import sweep
from crm_core.exchange.job import KEPT, forget_imports
from crm_core.exchange.source import forget_runs
from crm_core.flight import AT_ONCE, forget_tapes
from crm_core.hold import forget_holds
from crm_core.notice import forget_notices
from crm_core.review_draw import draw_due
from crm_core.site import forget_site
from crm_core.window_draft import KEPT as WINDOWS_KEPT
from crm_core.window_draft import forget_windows
from web.services import SERVICES, Services
from web.sessions import STORE
from web.throttle import forget_ended

EVERY_S = 3600.0
NOTICES_KEPT = timedelta(days=60)
log = structlog.get_logger(__name__)


async def keep_tidy(app: web.Application) -> AsyncIterator[None]:
    """A `cleanup_ctx` of the application: tidies while it runs."""
    tidying = asyncio.create_task(_for_ever(app), name="tidy")
    yield
    tidying.cancel()
    await asyncio.gather(tidying, return_exceptions=True)


async def _for_ever(app: web.Application) -> None:
    while True:
        await asyncio.sleep(EVERY_S)
        try:
            async with app[SERVICES].db.begin() as session:
                await draw_due(session, now=app[SERVICES].now())
            await tidy(app)
        except (SQLAlchemyError, OSError) as error:  # the next hour will do
            log.warning("could not tidy", error=type(error).__name__)


async def tidy(app: web.Application) -> None:
    """Remove what has run out."""
    await app[STORE].sweep()
    parts = app[SERVICES]
    await forget_ended(parts.db, now=parts.now())
    async with parts.db.begin() as session:
        await forget_holds(session, before=parts.now() - timedelta(days=1))
        await forget_site(session, parts.now() - timedelta(days=parts.settings.site_days))
        await forget_notices(session, parts.now() - NOTICES_KEPT)
        await forget_windows(session, before=parts.now() - WINDOWS_KEPT)
        await forget_imports(session, parts.settings.imports_dir, before=parts.now() - KEPT)
        await forget_runs(session, before=parts.now() - KEPT)
    async with parts.db.begin() as session:
        await sweep(session, parts.settings.documents_dir)
    async with parts.db.begin() as session:
        await picture.sweep(session, parts.settings.pictures_dir)
    oldest = parts.now() - timedelta(days=parts.settings.flight_days)
    while await _forget_some(parts, oldest) == AT_ONCE:
        pass


async def _forget_some(parts: Services, oldest: datetime) -> int:
    """One bite at a time: each in a short transaction of its own."""
    async with parts.db.begin() as session:
        return await forget_tapes(session, before=oldest)
