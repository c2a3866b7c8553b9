"""Looking for what was said, across the calls that one may hear."""

from datetime import datetime, timedelta
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from aiohttp import web
from pydantic import Field
from sqlalchemy import and_, true
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.figure.period import Period
from crm_core.figure.rules import Rules
from crm_core.phrase_tag import PhraseTag
from crm_core.read.figures import behind
from crm_core.read.page import Page
from crm_core.read.said import Found, find_said
from crm_core.recording import PhraseSide
from crm_core.said_words import wanted
from web.api import Operations
from web.calls import CallItem, all_calls, reader
from web.fields import Answer, Given, Id, Instant, ShortText
from web.listing import Listed, Listing
from web.own import heard_so, within
from web.rights import HEAR_RECORDINGS, VIEW_CALLS, Person, require
from web.services import services
from web.sessions import person

operations = Operations("recordings")
SOLD_BACK = timedelta(days=90)


class SaidFilters(Given):
    """What is looked for, and in which calls; `side`: who said it, `outcome`: what came of the call."""

    query: Annotated[
        ShortText,
        Field(description='beginnings of words, and "words in a row"; without any nothing is found'),
    ] = ""
    side: PhraseSide | None = None
    operator_id: Id | None = None
    line_id: Id | None = None
    queue: ShortText | None = None
    source: Annotated[ShortText | None, Field(description="of the customer")] = None
    outcome: ShortText | None = None
    tag_id: Annotated[
        Id | None, Field(description="calls with this tag; without `query`, where it was said")
    ] = None
    sold: Annotated[
        Literal["yes", "no"] | None,
        Field(
            description="calls that became orders, or did not; of the last ninety days unless others are named"
        ),
    ] = None


class SaidQuery(SaidFilters, Listed):
    """The same; `since` is included, `until` is not."""

    since: Instant | None = None
    until: Instant | None = None


class PieceAnswer(Answer):
    """A part of a phrase; `hit`: what was looked for."""

    text: str
    hit: bool


class HitAnswer(Answer):
    """A phrase in pieces; seconds from the start of the recording."""

    side: PhraseSide
    start_s: float
    end_s: float
    pieces: list[PieceAnswer]


class SaidItem(Answer):
    """A call with the first phrases that were meant; `more`: how many there are besides."""

    call: CallItem
    hits: list[HitAnswer]
    more: int


async def look(
    session: AsyncSession, who: Person, asked: SaidFilters, *, now: datetime, **filters: Any
) -> Page[Found]:
    """The calls that this person may see and hear in which it was said."""
    tag = None if asked.tag_id is None else await session.get(PhraseTag, asked.tag_id)
    side, words = asked.side, [wanted(asked.query)]
    if not asked.query and tag is not None:
        side, words = side or (PhraseSide(tag.side) if tag.side else None), tag.alternatives
    having = await heard_so(session, who, asked.tag_id)
    if asked.sold is not None:
        filters["since"] = filters.get("since") or now - SOLD_BACK
        period = Period(filters["since"], filters.get("until") or now, ZoneInfo("UTC"))
        sold = behind(["sold"], period, Rules(now=now))
        having = and_(true() if having is None else having, sold if asked.sold == "yes" else ~sold)
    filters |= {"queue": asked.queue, "source": asked.source}
    exact = {Call.line_id: asked.line_id, Call.disposition: asked.outcome}
    return await find_said(
        session,
        words,
        side=side,
        hearable=within(who, HEAR_RECORDINGS),
        only=[
            *(column == value for column, value in exact.items() if value is not None),
            *([] if having is None else [having]),
        ],
        operator_id=asked.operator_id,
        **reader(who),
        everybody=all_calls(who),
        **filters,
    )


@operations.get("/calls/said", right=HEAR_RECORDINGS, errors=(404,))
async def get_said(request: web.Request, query: SaidQuery) -> Listing[SaidItem]:
    """Calls in which something was said, newest first, with where; only those one may see and hear."""
    who = person(request)
    require(who, VIEW_CALLS)
    asked = {name: getattr(query, name) for name in ("since", "until", "after", "limit")}
    async with services(request).db.begin() as session:
        found = await look(session, who, query, now=services(request).now(), **asked)
    return Listing[SaidItem].model_validate(found)
