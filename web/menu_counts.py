"""What waits behind a place of the menu, for those who may see it."""

from collections.abc import Mapping

import structlog
from aiohttp import web
from sqlalchemy.exc import SQLAlchemyError

from crm_core.read.review_tasks import count_tasks
from crm_core.unlinked import count_waiting
from web.rights import EDIT_CALLS, REVIEW_CALLS, Person
from web.services import services

log = structlog.get_logger(__name__)


async def counts(request: web.Request, who: Person) -> Mapping[str, int]:
    """Address of the place -> how many; nothing where nothing waits, or while the database is away."""
    found: dict[str, int] = {}
    try:
        async with services(request).db.begin() as session:
            if who.may(EDIT_CALLS):
                found["/unlinked"] = await count_waiting(session, who.whose(EDIT_CALLS))
            if who.may(REVIEW_CALLS):
                whose = who.whose(REVIEW_CALLS)
                found["/review-tasks"] = await count_tasks(session, whose=whose, reader=who.user_id)
    except (SQLAlchemyError, OSError, TimeoutError) as error:
        log.warning("menu without counts: the database does not answer", error=type(error).__name__)
        return {}
    return {address: waiting for address, waiting in found.items() if waiting}
