"""What is for whoever is signed in: what he was told, and notes that name him; in the API, as a page, as a number in
the head of every page."""

from datetime import datetime

from aiohttp import web

from crm_core.mention import mark_read
from crm_core.notice import mark_notice
from crm_core.read.mentions import list_mentions
from crm_core.read.notices import list_notices
from crm_core.read.page import Page
from web import mentions
from web.api import Operations
from web.fields import Answer, Id
from web.listing import Listed, Listing
from web.mentions import MentionsQuery
from web.pages import Pages, go, number_in, read_filters, render, turn
from web.rights import VIEW_CUSTOMERS, VIEW_NOTICES
from web.services import services
from web.sessions import person
from web.unread import unread_of

operations = Operations("notices")
pages = Pages()
SHOWN = 30


class NoticesQuery(Listed):
    """`unread`: only what the reader has not read yet."""

    unread: bool = False


class NoticeAnswer(Answer):
    """What the reader was told; `address`: the page it is about; `read_at` null: not read yet."""

    id: int
    text: str
    address: str | None
    level: str
    created_at: datetime
    read_at: datetime | None


class UnreadAnswer(Answer):
    """How much the reader has not read yet, notes that name him included."""

    unread: int


@operations.get("/notices", right=VIEW_NOTICES, errors=(404,))
async def get_notices(request: web.Request, query: NoticesQuery) -> Listing[NoticeAnswer]:
    """What you were told, the newest first."""
    async with services(request).db.begin() as session:
        found = await list_notices(session, person(request).user_id, **query.model_dump())
    return Listing[NoticeAnswer].model_validate(found)


@operations.get("/notices/unread", right=VIEW_NOTICES)
async def get_unread(request: web.Request) -> UnreadAnswer:
    """How much you have not read yet."""
    return UnreadAnswer(unread=await unread_of(request))


@operations.post("/notices/{notice_id}/read", right=VIEW_NOTICES, status=204)
async def post_notice_read(request: web.Request, notice_id: Id) -> None:
    """You have read this. 404 for what was told to another."""
    parts = services(request)
    async with parts.db.begin() as session:
        await mark_notice(session, person(request).user_id, notice_id, at=parts.now())


@pages.get("/for-me", right=VIEW_NOTICES)
async def show_for_me(request: web.Request) -> web.Response:
    """What is for whoever is signed in, the newest first."""
    filters, who = read_filters(request, MentionsQuery), person(request)
    async with services(request).db.begin() as session:
        told = await list_notices(session, who.user_id, unread=filters.unread, limit=SHOWN)
        if who.may(VIEW_CUSTOMERS):
            found = await list_mentions(session, who.user_id, **filters.model_dump())
        else:
            found = Page([])
    context = {"told": told.rows, "rows": found.rows, "pages": turn(request, found), "filters": filters}
    return render(request, "for_me.html", context)


@pages.post("/for-me/notices/{notice_id}/read", right=VIEW_NOTICES)
async def read_notice(request: web.Request) -> web.Response:
    """Tick one off that was told."""
    await post_notice_read(request, number_in(request, "notice_id"))
    return go("/for-me")


@pages.post("/for-me/{mention_id}/read", right=VIEW_NOTICES)
async def read_note(request: web.Request) -> web.Response:
    """Tick off a note."""
    await mentions.post_mention_read(request, number_in(request, "mention_id"))
    return go("/for-me")


@pages.post("/for-me/read", right=VIEW_NOTICES)
async def read_all(request: web.Request) -> web.Response:
    """Tick off everything."""
    parts, user_id = services(request), person(request).user_id
    async with parts.db.begin() as session:
        await mark_notice(session, user_id, None, at=parts.now())
        await mark_read(session, user_id, None, at=parts.now())
    return go("/for-me")
