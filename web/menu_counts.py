"""What waits behind a place of the menu, for those who may see it."""

from collections.abc import Mapping

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from crm_core.unlinked import count_waiting
from web.rights import EDIT_CALLS, Person
from web.services import services

log = structlog.get_logger(__name__)


async def counts(request: web.Request, who: Person) -> Mapping[str, int]:
    """Address of the place -> how many; nothing where nothing waits, or while the database is away."""
    if not who.may(EDIT_CALLS):
        return {}
    try:
        async with services(request).db.begin() as session:
            waiting = await count_waiting(session, who.whose(EDIT_CALLS))
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("menu without counts: the database does not answer", error=type(error).__name__)
        return {}
    return {"/unlinked": waiting} if waiting else {}
