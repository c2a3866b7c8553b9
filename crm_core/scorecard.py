"""Scorecards: by which questions calls are judged. What was judged keeps the text it was judged by.

A card is changed by an edition that follows the last one; editions are never changed, and reviews name theirs.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Never

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from crm_core.db import Base, Flag, Id, Version
from crm_core.errors import Conflict, Invalid, NotFound, Stale
from crm_core.score import Kind, Question, checked_questions, questions_of


class Scorecard(Base):
    """One card. `version` is the number of its newest edition; one that is not `active` judges no further call."""

    __tablename__ = "scorecards"
    __table_args__ = (UniqueConstraint("name"),)

    id: Mapped[Id]
    name: Mapped[str]
    active: Mapped[Flag] = mapped_column(server_default="true", default=True)
    version: Mapped[Version]


class ScorecardEdition(Base):
    """The text of a card as it was from then on: `name`, and `questions` as `crm_core.score.Question`."""

    __tablename__ = "scorecard_editions"
    __table_args__ = (UniqueConstraint("scorecard_id", "number"),)

    id: Mapped[Id]
    scorecard_id: Mapped[int] = mapped_column(ForeignKey("scorecards.id", ondelete="CASCADE"))
    number: Mapped[int]
    name: Mapped[str]
    questions: Mapped[list[dict[str, Any]]]
    made_by: Mapped[int | None] = mapped_column(ForeignKey("users.id"))

    @property
    def asked(self) -> list[Question]:
        """Its questions."""
        return questions_of(self.questions)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A question as somebody writes it; without `key` it is a new one."""

    text: str
    kind: Kind
    weight: int
    critical: bool = False
    key: int | None = None


@dataclass(frozen=True, kw_only=True)
class Card:
    """A card with the text that holds now."""

    id: int
    name: str
    active: bool
    version: int
    edition_id: int
    questions: list[Question]


async def list_cards(session: AsyncSession, *, active: bool = False) -> list[Card]:
    """Every card by its name; `active`: those alone that judge calls."""
    query = (
        select(Scorecard, ScorecardEdition)
        .join(ScorecardEdition, ScorecardEdition.scorecard_id == Scorecard.id)
        .where(ScorecardEdition.number == Scorecard.version)
        .order_by(Scorecard.name)
    )
    if active:
        query = query.where(Scorecard.active)
    return [_card(card, edition) for card, edition in await session.execute(query)]


async def load_card(session: AsyncSession, card_id: int) -> Card:
    """One card. Raises `NotFound`."""
    return next((it for it in await list_cards(session) if it.id == card_id), None) or _nothing(card_id)


async def create_card(
    session: AsyncSession, *, name: str, questions: Sequence[Wanted], user_id: int | None
) -> Card:
    """Make a card. Raises `Invalid`, `Conflict` for a name in use."""
    card = Scorecard(name=await _free(session, name, None), version=0)
    session.add(card)
    await session.flush()
    return await _edit(session, card, questions, user_id)


async def update_card(
    session: AsyncSession,
    card_id: int,
    *,
    version: int,
    user_id: int | None,
    name: str | None = None,
    questions: Sequence[Wanted] | None = None,
    active: bool | None = None,
) -> Card:
    """Change what is given, as the next edition. Raises `NotFound`, `Invalid`, `Conflict`, `Stale`."""
    card = await session.get(Scorecard, card_id, with_for_update=True)
    if card is None:
        _nothing(card_id)
    if card.version != version:
        raise Stale("Somebody changed this scorecard meanwhile; look again.", card.version)
    if name is not None:
        card.name = await _free(session, name, card_id)
    if active is not None:
        card.active = active
    if questions is None:
        questions = [Wanted(**asdict(it)) for it in (await load_card(session, card_id)).questions]
    return await _edit(session, card, questions, user_id)


async def _edit(
    session: AsyncSession, card: Scorecard, wanted: Sequence[Wanted], user_id: int | None
) -> Card:
    """The next edition of the card. A question that goes on keeps its key, and no key is given twice."""
    known = select(ScorecardEdition.questions).where(ScorecardEdition.scorecard_id == card.id)
    used = {int(it["key"]) for rows in await session.scalars(known) for it in rows}
    following = max(used, default=0)
    questions = []
    for it in wanted:
        if it.key is not None and it.key not in used:
            raise Invalid("This question is not one of the card's.", "questions")
        following += it.key is None
        key = following if it.key is None else it.key
        questions.append(Question(**{**asdict(it), "key": key, "text": " ".join(it.text.split())}))
    card.version += 1
    edition = ScorecardEdition(
        scorecard_id=card.id,
        number=card.version,
        name=card.name,
        questions=[asdict(it) for it in checked_questions(questions)],
        made_by=user_id,
    )
    session.add(edition)
    await session.flush()
    return _card(card, edition)


async def _free(session: AsyncSession, name: str, card_id: int | None) -> str:
    name = " ".join(name.split())
    taken = await session.scalar(select(Scorecard.id).where(func.lower(Scorecard.name) == name.lower()))
    if taken not in (None, card_id):
        raise Conflict(f"There is already a scorecard {name!r}.")
    return name


def _card(card: Scorecard, edition: ScorecardEdition) -> Card:
    return Card(
        id=card.id,
        name=card.name,
        active=card.active,
        version=card.version,
        edition_id=edition.id,
        questions=edition.asked,
    )


def _nothing(card_id: int) -> Never:
    raise NotFound(f"There is no scorecard {card_id}.")
