"""The journal for administrators: who did, saw, exported and heard what; in the API and as a page."""

from datetime import date, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import StringConstraints

from crm_core.read.journal import kinds, list_journal
from web.api import Operations
from web.fields import Answer, Given, Id, Instant
from web.listing import Listed, Listing
from web.pages import Pages, is_set, midnight, read_filters, render, turn, users_to_choose
from web.rights import VIEW_JOURNAL
from web.services import services
from web.sessions import person

operations = Operations("journal")
pages = Pages()
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]{1,80}$")]


class JournalFilters(Given):
    """Which entries. `action`: how it begins, as in "order.", "customer.view"."""

    user_id: Id | None = None
    action: Word | None = None
    object_kind: Word | None = None
    object_id: Word | None = None


class JournalQuery(JournalFilters, Listed):
    """Which entries; `since` is included, `until` is not."""

    since: Instant | None = None
    until: Instant | None = None


class JournalAnswer(Answer):
    """One thing that somebody did; without a user the system did it. `detail` depends on the action."""

    id: int
    user_id: int | None
    user: str | None
    action: str
    object_kind: str | None
    object_id: str | None
    call_id: UUID | None
    detail: dict[str, Any]
    address: str | None
    created_at: datetime


@operations.get("/journal", right=VIEW_JOURNAL, errors=(404,))
async def get_journal(request: web.Request, query: JournalQuery) -> Listing[JournalAnswer]:
    """What was done, seen, taken out and heard, newest first."""
    given = query.model_dump() | {"action": query.action or ""}
    async with services(request).db.begin() as session:
        return Listing[JournalAnswer].model_validate(await list_journal(session, **given))


class JournalOnPage(JournalFilters, Listed):
    """The same with days instead of instants."""

    since: date | None = None
    until: date | None = None


@pages.get("/journal", right=VIEW_JOURNAL)
async def show_journal(request: web.Request) -> web.Response:
    """The journal with its filters."""
    who, filters = person(request), read_filters(request, JournalOnPage)
    given = filters.model_dump(exclude={"since", "until"}) | {"action": filters.action or ""}
    async with services(request).db.begin() as session:
        found = await list_journal(
            session,
            since=midnight(filters.since, who),
            until=midnight(filters.until and filters.until + timedelta(days=1), who),
            **given,
        )
        context = {
            "filters": filters,
            "filters_set": is_set(filters),
            "rows": found.rows,
            "pages": turn(request, found),
            "colleagues": await users_to_choose(session),
            "kinds": [(kind, kind.replace("_", " ")) for kind in await kinds(session)],
        }
    return render(request, "journal.html", context)
