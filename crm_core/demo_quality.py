"""What was said in the demo's calls, what customers thought of them and how they were judged."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import Row, exists, func, insert, select
from sqlalchemy.ext.asyncio import AsyncSession

from crm_core.call import Call
from crm_core.call_link import CallLink
from crm_core.call_script import CallScriptChoice, change_script, list_scripts, versions_of
from crm_core.call_talk import measure
from crm_core.phrase_tag import create_tag
from crm_core.recording import Phrase, PhraseSide, Recording, Transcript
from crm_core.review import Outcome, Review, ReviewAppeal
from crm_core.review_task import ReviewRule, ReviewTask
from crm_core.score import Kind, Mark, score
from crm_core.scorecard import Card, Wanted, create_card
from crm_core.script_trial import begin_trial
from crm_core.vote import CallVote, VoteWay

US, THEM = PhraseSide.OPERATOR, PhraseSide.CUSTOMER
SAID_FOR = timedelta(days=80)  # calls of so many days have a text
TRIED_FOR = timedelta(days=21)


class Line(NamedTuple):
    """Something said, in so many of a hundred calls that became orders, and of those that did not."""

    side: PhraseSide
    text: str
    sold: int
    other: int


_TALK = (
    Line(US, "good day this is the shop how can i help you", 96, 95),
    Line(THEM, "hello i am looking for something for the kitchen", 44, 40),
    Line(THEM, "i saw it on your site and i want to ask before i buy", 36, 33),
    Line(US, "may i ask what you need it for", 58, 27),
    Line(THEM, "it is for my mother she cooks a lot", 24, 18),
    Line(US, "let me look yes it is in stock we have four of them", 52, 34),
    Line(THEM, "how much does it cost", 47, 45),
    Line(THEM, "that is too expensive they have it cheaper elsewhere", 14, 33),
    Line(US, "it comes with a guarantee of two years and free delivery", 57, 22),
    Line(US, "i can only tell you what stands on the site", 6, 24),
    Line(THEM, "i will think about it and call again", 7, 38),
    Line(THEM, "the parcel came broken i want to send it back", 3, 13),
    Line(US, "shall i put two of them aside for you", 49, 25),
    Line(THEM, "all right then please send it to my address", 63, 9),
    Line(US, "thank you for your call and have a good day", 88, 86),
    Line(THEM, "thank you goodbye", 80, 81),
)
_TAGS = (
    ("Price", "how much, too expensive, cheaper", THEM, False),
    ("Competitor", "elsewhere, other shop, they have it", THEM, False),
    ("Return", "send it back, came broken, refund", THEM, True),
    ("Asked for the need", '"what you need", "what do you need"', US, False),
    ("Free delivery", '"free delivery"', US, False),
)
_CARD = (
    Wanted(text="Greets, says the shop and the own name", kind=Kind.YES_NO, weight=10),
    Wanted(text="Asks what it is needed for before offering", kind=Kind.SCALE, weight=30),
    Wanted(text="Answers an objection with a use, not with a discount", kind=Kind.SCALE, weight=25),
    Wanted(text="Repeats order, sum and address before the end", kind=Kind.YES_NO, weight=25, critical=True),
    Wanted(text="Friendly to the end", kind=Kind.SCALE, weight=10),
)
_SAID_OF_VOTES = {
    5: ("Very kind, knew everything", "Quick and friendly", ""),
    4: ("Good, but I waited long", "", ""),
    3: ("", "Did not know when it comes"),
    2: ("Had to say everything twice", ""),
    1: ("Nobody called back", "Talked all the time and did not listen"),
}
_STARS = {True: (5, 5, 5, 4, 4, 3), False: (5, 5, 4, 4, 3, 3, 2, 1)}
_SECOND_TEXT = """# Greeting
Good day, {customer.first_name}! This is {operator.first_name} of {shop.name}.
Before I look: may I ask what you need it for?
- Where is my order? -> Parcel
- Wants to order -> Order
- Something broke -> Broken
"""


async def give_quality(
    session: AsyncSession, people: Mapping[str, int], line_id: int, random: Random, now: datetime
) -> None:
    """Texts with tags, votes, reviews with an appeal, calls to review, two texts of a script that are being tried."""
    calls = await _answered(session, now)
    for name, words, side, care in _TAGS:
        await create_tag(session, name=name, words=words, side=side, care=care)
    await _give_texts(session, [call for call in calls if call.recorded], random)
    await _give_votes(session, calls, random, now)
    await _give_reviews(session, [call for call in calls if call.recorded], people, random, now)
    await _give_trial(session, people["manager"], line_id, random, now)


async def _answered(session: AsyncSession, now: datetime) -> list[Row[Any]]:
    """The answered calls of the last weeks, the newest first."""
    sold = exists().where(CallLink.call_id == Call.id, CallLink.role == "created").correlate(Call)
    recorded = exists().where(Recording.call_id == Call.id).correlate(Call)
    names = (Call.id, Call.operator_id, Call.direction, Call.ended_at, Call.talk_s)
    query = (
        select(*names, sold.label("sold"), recorded.label("recorded"))
        .where(Call.result == "answered", Call.started_at >= now - SAID_FOR)
        .order_by(Call.started_at.desc(), Call.linkedid)
    )
    rows: list[Row[Any]] = [*await session.execute(query)]
    return rows


async def _give_texts(session: AsyncSession, calls: Sequence[Row[Any]], random: Random) -> None:
    first = (await session.scalar(select(func.coalesce(func.max(Transcript.id), 0))) or 0) + 1
    texts, phrases = [], []
    for place, call in enumerate(calls):
        texts.append(
            {"call_id": call.id, "state": "ready", "engine": "vosk", "language": "en",
             "finished_at": call.ended_at + timedelta(minutes=1)}
        )  # fmt: skip
        phrases += [{"transcript_id": first + place, **it} for it in _said(random, call.sold, call.talk_s)]
    made = await session.scalars(
        insert(Transcript).returning(Transcript.id, sort_by_parameter_order=True), texts
    )
    ids = {first + place: id_ for place, id_ in enumerate(made)}
    await session.execute(
        insert(Phrase), [it | {"transcript_id": ids[it["transcript_id"]]} for it in phrases]
    )
    await measure(session, [call.id for call in calls])


def _said(random: Random, sold: bool, talk_s: float) -> Iterator[dict[str, Any]]:
    """What was said one after the other, over the time of the talk."""
    lines = [it for it in _TALK if random.random() * 100 < (it.sold if sold else it.other)]
    spoken = [(it, len(it.text) * 0.062 * random.uniform(0.8, 1.2)) for it in lines]
    pause = max(0.3, (talk_s - sum(lasts for _, lasts in spoken)) / (len(lines) + 1))
    at = random.uniform(0.4, 2.0)
    for it, lasts in spoken:
        yield {"side": it.side, "start_s": round(at, 2), "end_s": round(at + lasts, 2), "text": it.text,
               "confidence": round(random.uniform(0.78, 0.99), 2)}  # fmt: skip
        breaks_in = random.random() < 0.1 and lasts > 3
        at += lasts + (random.uniform(-2.0, -1.2) if breaks_in else random.uniform(0.2, 1.0) * min(pause, 5))


async def _give_votes(
    session: AsyncSession, calls: Sequence[Row[Any]], random: Random, now: datetime
) -> None:
    rows = []
    for call in calls:
        if call.direction != "inbound" or random.random() > 0.24:
            continue
        stars, by_link = random.choice(_STARS[call.sold]), random.random() < 0.3
        voted_at = call.ended_at + (
            timedelta(hours=random.randint(1, 30)) if by_link else timedelta(seconds=20)
        )
        if voted_at < now:
            rows.append(
                {"call_id": call.id, "stars": stars, "operator_id": call.operator_id, "voted_at": voted_at,
                 "way": VoteWay.LINK if by_link else VoteWay.PHONE,
                 "comment": random.choice(_SAID_OF_VOTES[stars]) if by_link else ""}
            )  # fmt: skip
    await session.execute(insert(CallVote), rows)


async def _give_reviews(
    session: AsyncSession, calls: Sequence[Row[Any]], people: Mapping[str, int], random: Random, now: datetime
) -> None:
    supervisor = people["supervisor"]
    card = await create_card(session, name="A good call", questions=_CARD, user_id=people["manager"])
    judged = [call for call in calls if call.talk_s > 60][:60:2]
    for number, call in enumerate(judged):
        marks = [_mark(random, it.key, it.kind, call.talk_s) for it in card.questions]
        points = score(card.questions, marks)
        review = Review(
            call_id=call.id, operator_id=call.operator_id, reviewer_id=supervisor, edition_id=card.edition_id,
            marks=[vars(it) for it in marks], score=points.points, zeroed=points.zeroed, version=1,
            comment=random.choice(("", "", "Good pace, keeps to the matter", "Ask before you offer")),
            reviewed_at=min(call.ended_at + timedelta(days=1, hours=number % 5), now - timedelta(hours=1)),
        )  # fmt: skip
        session.add(review)
        await session.flush()
        if number in (2, 7):
            session.add(_appeal(review, people["manager"] if number == 7 else None))
    await _give_tasks(session, card, calls, people, now)


def _mark(random: Random, key: int, kind: Kind, talk_s: float) -> Mark:
    points = (100, 100, 100, 0) if kind is Kind.YES_NO else (100, 90, 80, 70, 60, 40)
    given = random.choice(points if key != 4 else (100,) * 11 + (0,))
    why = "It was missing here" if given < 60 else ""
    return Mark(
        key=key,
        points=given,
        comment=why,
        at_s=round(random.uniform(2, min(talk_s * 0.6, 45)), 1) if why else None,
    )


def _appeal(review: Review, decided_by: int | None) -> ReviewAppeal:
    at = review.reviewed_at + timedelta(minutes=20)
    return ReviewAppeal(
        review_id=review.id,
        text="The customer had said that already on the line before, please listen from the start.",
        appealed_at=at,
        decided_by=decided_by,
        decided_at=at + timedelta(minutes=15) if decided_by else None,
        outcome=Outcome.UPHELD if decided_by else None,
        answer="I listened to it all: the address was not repeated." if decided_by else None,
    )


async def _give_tasks(
    session: AsyncSession, card: Card, calls: Sequence[Row[Any]], people: Mapping[str, int], now: datetime
) -> None:
    """A rule, and what it drew of the last week."""
    monday = now.date() - timedelta(days=now.weekday())
    rule = ReviewRule(
        name="Two calls of everybody", scorecard_id=card.id, per_operator=2, min_talk_s=60, pick="random",
        reviewers=[people["supervisor"]], drawn_week=monday - timedelta(days=7),
    )  # fmt: skip
    session.add(rule)
    await session.flush()
    drawn: dict[int, list[UUID]] = {}
    for call in [call for call in calls if call.talk_s > 60][1:60:2]:
        if len(drawn.setdefault(call.operator_id, [])) < 2:
            drawn[call.operator_id].append(call.id)
    session.add_all(
        ReviewTask(
            rule_id=rule.id, week=monday - timedelta(days=7), call_id=call_id, operator_id=operator,
            reviewer_id=people["supervisor"], scorecard_id=card.id,
        )
        for operator, ids in drawn.items() for call_id in ids
    )  # fmt: skip
    await session.flush()


async def _give_trial(
    session: AsyncSession, manager: int, line_id: int, random: Random, now: datetime
) -> None:
    script = (await list_scripts(session))[0]
    (first,) = await versions_of(session, script.id)
    second = _SECOND_TEXT + first.source[first.source.index("\n# Parcel") :]
    await change_script(session, script.id, version=1, user_id=manager, source=second)
    newest, oldest = await versions_of(session, script.id)
    trial = await begin_trial(
        session, line_id=line_id, first_id=oldest.id, second_id=newest.id, base=Decimal("0.4"),
        difference=Decimal("0.15"), user_id=manager, at=now - TRIED_FOR,
    )  # fmt: skip
    tried = select(Call.id).where(
        Call.line_id == line_id, Call.result == "answered", Call.started_at >= now - TRIED_FOR
    )
    followed = [id_ for id_ in await session.scalars(tried.order_by(Call.linkedid)) if random.random() < 0.7]
    await session.execute(
        insert(CallScriptChoice),
        [
            {"call_id": id_, "version_id": trial.drawn_for(id_), "position": 1, "step": "Greeting",
             "answer": 1, "label": "Wants to order"}
            for id_ in followed
        ],
    )  # fmt: skip
