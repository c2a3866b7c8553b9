"""Notes that name somebody (@login), as his list in the API; web/notices.py has the page."""

from datetime import datetime

from aiohttp import web

from crm_core.mention import mark_read
from crm_core.read.mentions import list_mentions
from web.api import Operations
from web.fields import Answer, Id
from web.listing import Listed, Listing
from web.rights import VIEW_CUSTOMERS
from web.services import services
from web.sessions import person

operations = Operations("notes")


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
