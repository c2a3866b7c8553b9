"""The queue of those who wait for a call, and whose turn it is: in the API and on a page for supervisors."""

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from aiohttp import web
from pydantic import Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core import audit
from crm_core.call_list_calls import refused
from crm_core.card import load_card
from crm_core.customer import Customer, CustomerNumber
from crm_core.dial_rule import DialRefused, check_dial
from crm_core.queue_rank import IMPORTANT, LABELS, MOST_TIMES, PATIENCE, POINTS, Kind
from crm_core.queue_rank import Person as Waiting
from crm_core.read.call_lists import lists_of
from crm_core.read.hot_queue import Taker, load_queue, taken_now
from crm_core.turn import (
    LONGEST_REASON,
    LONGEST_REST_H,
    How,
    Turn,
    begin_taking,
    end_turn,
    give,
    keep_turn,
    turn_of,
)
from crm_core.user import User
from web.api import Operations
from web.fields import VISIBLE, Answer, Given
from web.listing import possible, shown
from web.middleware import visitor_address
from web.pages import Pages, render
from web.reach import card_seen, narrowed
from web.rights import TAKE_TURNS, VIEW_QUEUE, Person
from web.services import services
from web.sessions import person

operations = Operations("queue")
pages = Pages()
SHOWN = 100
MOST_PASSED = 50  # at one press
LOOKED_AT_AGAIN = timedelta(minutes=15)
NO_CALL = UUID(int=0)  # the card of somebody who is not on the line
Why = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_REASON, pattern=VISIBLE)]


class CauseAnswer(Answer):
    """Why somebody stands in the queue: what waits, since when, what is at stake, and the points it gives."""

    kind: Kind
    label: str
    object: str
    id: int
    since: datetime
    money: str
    currency: str | None
    points: float


class WaitingAnswer(Answer):
    """Somebody who waits. `points` are those of all causes together; `user`: who has him now."""

    customer_id: int | None
    name: str | None
    number: str | None
    points: float
    causes: list[CauseAnswer]
    user: str | None


class ListShown(Answer):
    """A call list that the customer is on: what to say, and about which order."""

    entry_id: int
    list_id: int
    name: str
    text: str
    order_id: int | None
    order_number: str | None
    attempts: int
    last_outcome: str | None


class TurnAnswer(Answer):
    """Whom one has: with the card as at a call and the number to dial. `until`: unless it is kept."""

    id: int
    customer_id: int | None
    name: str | None
    number: str | None
    display: str | None
    points: float
    causes: list[CauseAnswer]
    lists: list[ListShown]
    until: datetime
    card: dict[str, Any]


class NextAnswer(Answer):
    """Whose turn it is with oneself; null: nobody's, or nobody waits."""

    turn: TurnAnswer | None


class Skip(Given):
    """Why he is passed over, and for how many hours he rests."""

    reason: Why
    hours: Annotated[int, Field(ge=1, le=LONGEST_REST_H)] = 4


@operations.get("/queue", right=VIEW_QUEUE)
async def get_queue(request: web.Request) -> list[WaitingAnswer]:
    """The first hundred who wait, the most pressing first, each with why, and who is taken by whom."""
    async with services(request).db.begin() as session:
        return await _told(session, services(request).now())


@operations.get("/queue/turn", right=TAKE_TURNS)
async def get_turn(request: web.Request) -> NextAnswer:
    """Whom one has now."""
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        return NextAnswer(
            turn=await _answer(request, session, await turn_of(session, who.user_id, at=parts.now()))
        )


@operations.post("/queue/turn", right=TAKE_TURNS, status=200)
async def post_next(request: web.Request) -> NextAnswer:
    """Take the first who waits. Whoever has somebody keeps him: finish, skip or let go of him first. Nobody else gets
    him until then, or until ninety seconds after the page was heard of last."""
    parts, who = services(request), person(request)
    with narrowed(request):
        async with parts.db.begin() as session:
            at = parts.now()
            await begin_taking(session, at)
            turn = await turn_of(session, who.user_id, at=at)
            if turn is None:
                taken = {one.key for one in await taken_now(session, at)}
                waiting = await load_queue(session, at, await _taker(session, who))
                free = [one for one in waiting if one.key not in taken]
                first = await _to_be_called(session, free, at)
                turn = await give(session, who.user_id, first, at=at) if first else None
            return NextAnswer(turn=await _answer(request, session, turn))


@operations.put("/queue/turn", audited=False, right=TAKE_TURNS, errors=(409,))
async def put_turn(request: web.Request) -> None:
    """The page still shows him. 409 when the turn is over."""
    parts = services(request)
    async with parts.db.begin() as session:
        await keep_turn(session, person(request).user_id, at=parts.now())


@operations.post("/queue/turn/done", right=TAKE_TURNS, status=204, errors=(409,))
async def post_done(request: web.Request) -> None:
    """One is through with him: the same causes do not put him into the queue again today. 409 when nobody's turn."""
    await _end(request, How.DONE)


@operations.post("/queue/turn/skipped", right=TAKE_TURNS, status=204, errors=(409,))
async def post_skipped(request: web.Request, body: Skip) -> None:
    """Pass him over, and say why; he rests. 409 when nobody's turn."""
    await _end(request, How.SKIPPED, reason=body.reason, rest=timedelta(hours=body.hours))


@operations.delete("/queue/turn", right=TAKE_TURNS, errors=(409,))
async def delete_turn(request: web.Request) -> None:
    """Let go of him: he stands where he stood. 409 when nobody's turn."""
    await _end(request, How.LET_GO)


async def _end(
    request: web.Request, how: How, *, reason: str | None = None, rest: timedelta | None = None
) -> None:
    parts, who = services(request), person(request)
    async with parts.db.begin() as session:
        with possible():
            ended = await end_turn(session, who.user_id, how, at=parts.now(), reason=reason, rest=rest)
        await audit.record(
            session,
            user_id=who.user_id,
            action=f"turn.{how}",
            object_kind="customer" if ended.customer_id else "number",
            object_id=ended.customer_id or ended.number or "",
            detail={"reason": ended.reason} if ended.reason else {},
            address=visitor_address(request),
        )


@pages.get("/queue", right=VIEW_QUEUE)
async def show_queue(request: web.Request) -> web.Response:
    """The ranking, and how it is made."""
    async with services(request).db.begin() as session:
        rows = await _told(session, services(request).now())
    context = {
        "rows": rows,
        "labels": {str(kind): label for kind, label in LABELS.items()},
        "kinds": [(LABELS[kind], POINTS[kind], PATIENCE[kind]) for kind in Kind],
        "most_times": MOST_TIMES,
        "important": IMPORTANT,
    }
    return render(request, "queue.html", context)


async def _taker(session: AsyncSession, who: Person) -> Taker:
    team_id = await session.scalar(select(User.team_id).where(User.id == who.user_id))
    return Taker(user_id=who.user_id, role=who.role, team_id=team_id)


async def _to_be_called(session: AsyncSession, waiting: list[Waiting], at: datetime) -> Waiting | None:
    """The first who may be called now. Whoever stands there for call lists alone and sleeps, or was tried often enough
    today, is passed by, and his lists are told why; anybody else is the operator's to judge."""
    passed = 0
    for one in waiting:
        listed = [weighed.cause.id for weighed in one.causes if weighed.cause.kind is Kind.LIST]
        if len(listed) < len(one.causes) or one.number is None:
            return one
        if passed == MOST_PASSED:
            continue
        try:
            await check_dial(session, number=one.number, customer_id=one.customer_id, now=at)
        except DialRefused as no:
            await refused(session, listed, why=str(no), until=at + LOOKED_AT_AGAIN)
            passed += 1
        else:
            return one
    return None


async def _told(session: AsyncSession, now: datetime) -> list[WaitingAnswer]:
    waiting = (await load_queue(session, now))[:SHOWN]
    names = await _names(session, [one.customer_id for one in waiting])
    taken = {turn.key: turn.user_id for turn in await taken_now(session, now)}
    query = select(User.id, User.name).where(User.id.in_(set(taken.values())))
    users = {row.id: row.name for row in await session.execute(query)}
    return [
        WaitingAnswer(
            customer_id=one.customer_id,
            name=names.get(one.customer_id or 0),
            number=one.number,
            points=one.points,
            causes=_causes(one),
            user=users.get(taken.get(one.key, 0)),
        )
        for one in waiting
    ]


def _causes(one: Waiting) -> list[CauseAnswer]:
    return [
        CauseAnswer.model_validate(
            {**w.cause.__dict__, "money": str(w.cause.money), "points": round(w.points, 1)}
        )
        for w in one.causes
    ]


async def _names(session: AsyncSession, ids: list[int | None]) -> dict[int, str]:
    query = select(Customer.id, Customer.name).where(Customer.id.in_({id_ for id_ in ids if id_ is not None}))
    return {row.id: row.name for row in await session.execute(query)}


async def _answer(request: web.Request, session: AsyncSession, turn: Turn | None) -> TurnAnswer | None:
    if turn is None:
        return None
    number = turn.number or next((cause["number"] for cause in turn.causes if cause["number"]), None)
    if number is None:
        first = select(CustomerNumber.e164).where(CustomerNumber.customer_id == turn.customer_id)
        number = await session.scalar(first.order_by(CustomerNumber.position, CustomerNumber.id).limit(1))
    now = services(request).now()
    lists = await lists_of(session, turn.customer_id, now) if turn.customer_id is not None else []
    card = await load_card(session, e164=number, customer_id=turn.customer_id, call_id=NO_CALL, now=now)
    return TurnAnswer(
        id=turn.id,
        customer_id=turn.customer_id,
        name=card["customer"]["name"]
        if card["customer"]
        else next((c["label"] for c in turn.causes if c["label"]), None),
        number=number,
        display=shown(number),
        points=turn.score,
        causes=[CauseAnswer.model_validate(cause) for cause in turn.causes],
        lists=[ListShown.model_validate(one) for one in lists],
        until=turn.lease_until,
        card=dict(card_seen(person(request), card)),
    )
