"""Notes that name somebody (@login), as his list: in the API and as a page."""

from datetime import datetime

from aiohttp import web

from crm_core.mention import mark_read
from crm_core.read.mentions import count_unread, list_mentions
from web.api import Operations
from web.fields import Answer, Id
from web.listing import Listed, Listing
from web.pages import Pages, go, number_in, read_filters, render, turn
from web.rights import VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

operations = Operations("notes")
pages = Pages()


class MentionsQuery(Listed):
    """`unread`: only what the reader has not read yet."""

    unread: bool = False


class MentionAnswer(Answer):
    """A note about a customer that names the reader; `read_at` null: not read yet."""

    id: int
    text: str
    author: str | None
    customer_id: int
    customer: str
    created_at: datetime
    read_at: datetime | None


@operations.get("/mentions", right=VIEW_CUSTOMERS, errors=(404,))
async def get_mentions(request: web.Request, query: MentionsQuery) -> Listing[MentionAnswer]:
    """The notes that name you, the newest first."""
    async with services(request).db.begin() as session:
        found = await list_mentions(session, person(request).user_id, **query.model_dump())
    return Listing[MentionAnswer].model_validate(found)


@operations.post("/mentions/{mention_id}/read", right=VIEW_CUSTOMERS, status=204)
async def post_mention_read(request: web.Request, mention_id: Id) -> None:
    """You have read this note. 404 for one that does not name you."""
    parts = services(request)
    async with parts.db.begin() as session:
        await mark_read(session, person(request).user_id, mention_id, at=parts.now())


@pages.get("/for-me", right=VIEW_CUSTOMERS)
async def show_mentions(request: web.Request) -> web.Response:
    """The list of whoever is signed in: unread first is what a filter does, the newest first always."""
    filters, who = read_filters(request, MentionsQuery), person(request)
    async with services(request).db.begin() as session:
        found = await list_mentions(session, who.user_id, **filters.model_dump())
        unread = await count_unread(session, who.user_id)
    context = {"rows": found.rows, "pages": turn(request, found), "unread": unread, "filters": filters}
    return render(request, "for_me.html", context)


@pages.post("/for-me/{mention_id}/read", right=VIEW_CUSTOMERS)
async def read_one(request: web.Request) -> web.Response:
    """Tick one off."""
    await post_mention_read(request, number_in(request, "mention_id"))
    return go("/for-me")


@pages.post("/for-me/read", right=VIEW_CUSTOMERS)
async def read_all(request: web.Request) -> web.Response:
    """Tick off everything."""
    parts = services(request)
    async with parts.db.begin() as session:
        await mark_read(session, person(request).user_id, None, at=parts.now())
    return go("/for-me")
