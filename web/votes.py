"""Votes of customers in the API: read, and a page made on which the customer of a call may vote."""

from datetime import datetime
from uuid import UUID

from aiohttp import web

from crm_core.read import votes as read
from crm_core.vote import VoteWay, invite
from web.api import Operations
from web.calls import own_call
from web.fields import Answer, Given, Id, Instant
from web.listing import Listed, Listing, possible
from web.noted import note
from web.rights import EDIT_CALLS, VIEW_REVIEWS
from web.services import services
from web.sessions import person

operations = Operations("votes")


class VotesQuery(Listed):
    """Which votes. `low`: those of 1 and 2 stars alone."""

    operator_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None
    low: bool = False


class VotesOfQuery(Given):
    """Whose, and of which time."""

    operator_id: Id | None = None
    since: Instant | None = None
    until: Instant | None = None


class VoteAnswer(Answer):
    """One vote, 1 to 5 stars. `order_id`: an order that the call was about."""

    call_id: UUID
    stars: int
    way: VoteWay
    comment: str
    voted_at: datetime
    operator_id: int | None
    operator: str | None
    order_id: int | None
    order: str | None


class VotesOfAnswer(Answer):
    """What the votes on one operator's calls come to; `low`: how many of 1 and 2 stars."""

    operator_id: int | None
    name: str | None
    votes: int
    mean: float
    low: int


class VoteLinkAnswer(Answer):
    """Where the customer votes, once, until then."""

    url: str
    expires_at: datetime


@operations.get("/votes", right=VIEW_REVIEWS, errors=(404,))
async def get_votes(request: web.Request, query: VotesQuery) -> Listing[VoteAnswer]:
    """Votes on one's own calls, the team's or everybody's, as far as the right reaches; the newest first."""
    whose = person(request).whose(VIEW_REVIEWS)
    async with services(request).db.begin() as session:
        found = await read.list_votes(session, whose=whose, **query.model_dump())
    return Listing[VoteAnswer].model_validate(found)


@operations.get("/vote-averages", right=VIEW_REVIEWS)
async def get_vote_averages(request: web.Request, query: VotesOfQuery) -> list[VotesOfAnswer]:
    """What the votes on each operator's calls come to."""
    whose = person(request).whose(VIEW_REVIEWS)
    async with services(request).db.begin() as session:
        found = await read.load_votes_of(session, whose=whose, **query.model_dump())
    return [VotesOfAnswer.model_validate(it) for it in found]


@operations.post("/calls/{call_id}/vote-link", right=EDIT_CALLS, errors=(409,))
async def post_vote_link(request: web.Request, call_id: UUID) -> VoteLinkAnswer:
    """Make the page on which the customer of a call may vote; to be sent to him. The one before opens no more.

    409 for a call in which nobody talked, and when he has voted.
    """
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        kept = await own_call(request, session, call_id)
        with possible():
            word, until = await invite(session, kept, user_id=who.user_id, at=parts.now())
        await note(session, request, "call.vote_link", kept)
    origin = parts.settings.public_url or str(request.url.origin())
    return VoteLinkAnswer(url=f"{origin.rstrip('/')}/vote/{word}", expires_at=until)
